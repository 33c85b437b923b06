"""File connectors: any cut and any restore gives one pass; damage becomes error records."""

import csv
import errno
import gzip
import io
import json
import math
import os
import random
import time
import tracemalloc
from pathlib import Path

import fastavro
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.base import Shortened, SinkError, SourceError
from connectors.dead_letter import DeadLetterSink, letter, raw_of
from connectors.files.avro_sink import AvroSink
from connectors.files.byte_file import ByteFile
from connectors.files.csv_sink import CsvSink
from connectors.files.json_sink import JsonLinesSink
from connectors.files.source import FileSource
from connectors.lines.csv_lines import CsvLines
from connectors.lines.line_buffer import LineBuffer
from connectors.lines.numbers import Numbers
from connectors.lines.record_reader import RecordReader


def drain(source, sizes=(7,)):
    """Everything *source* has, in batches of *sizes* in turn."""
    records = []
    turn = 0
    while not source.finished:
        records += source.next_batch(sizes[turn % len(sizes)], timeout=0)
        turn += 1
    return records


def write(path, content, how="plain"):
    data = content if isinstance(content, bytes) else content.encode()
    if how == "gz":
        data = gzip.compress(data[: len(data) // 2]) + gzip.compress(data[len(data) // 2 :])
    if how == "zst":
        half = len(data) // 2
        data = zstandard.compress(data[:half]) + zstandard.compress(data[half:])
    Path(path).write_bytes(data)
    return str(path)


# Lines, against `bytes.split` on the whole stream.


@given(st.binary(max_size=200).map(lambda b: b.replace(b"\x00", b"\n")), st.data())
def test_lines_do_not_depend_on_how_the_bytes_came(data, draw):
    limit = draw.draw(st.integers(1, 20))
    buffer, seen, at = LineBuffer(limit), [], 0
    while at < len(data):
        size = draw.draw(st.integers(1, 50))
        buffer.feed(data[at : at + size])
        at += size
        seen += taken(buffer, draw.draw(st.integers(0, 3)))
        assert buffer.read_position == min(at, len(data))
    buffer.finish()
    seen += taken(buffer, None)
    whole = data.split(b"\n")
    expected = whole if whole[-1] else whole[:-1]
    assert [raw for raw, _, _ in seen] == [line[:limit] for line in expected]
    assert [length for _, length, _ in seen] == [len(line) for line in expected]
    ends = [0]
    for line in expected:
        ends.append(min(len(data), ends[-1] + len(line) + 1))
    assert [end for _, _, end in seen] == ends[1:]


def taken(buffer, limit):
    out = []
    while limit is None or len(out) < limit:
        lines, long = buffer.lines(1), buffer.too_long()
        if not lines and long is None:
            break
        raw, length = long or (lines[0], len(lines[0]))
        buffer.consume(1)
        out.append((raw, length, buffer.position))
    return out


# Formats, against the standard library on the whole content.

cells = st.text(alphabet='ab,"\n 0123456789.-e\u00e9', max_size=6)


@given(st.lists(st.lists(cells, min_size=3, max_size=3), max_size=20), st.data())
def test_csv_agrees_with_the_standard_library(rows, draw):
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([["x", "y", "z"], *rows])
    data = text.getvalue().encode()
    plain = {"delimiter": ",", "header_rows": 1, "padded": False, "trailing": False}
    records = read_in_pieces(CsvLines(**plain, comment="", quote='"'), data, draw)
    assert [r.error for r in records] == [None] * len(rows)
    assert [list(r.value.values()) for r in records] == rows
    assert b"".join(r.raw + b"\n" for r in records) == data.split(b"\n", 1)[1]


def read_in_pieces(form, data, draw, limit=1 << 20):
    reader, records, at = RecordReader(form, limit, "p"), [], 0
    while at < len(data):
        size = draw.draw(st.integers(1, 40))
        reader.feed(data[at : at + size])
        at += size
        records += reader.take(draw.draw(st.integers(1, 5)))
    reader.end()
    while more := reader.take(2):
        records += more
    return records


bytes_of_trouble = st.lists(
    st.sampled_from(
        [b'"', b",", b"\n", b"\r", b"a", b"1", b"\xff", b"\xef\xbb\xbf", b"{", b'{"a":1}', b"[" * 5]
    ),
    max_size=40,
).map(b"".join)


@given(st.sampled_from(["csv", "jsonl", "text"]), bytes_of_trouble, st.data())
def test_any_bytes_give_the_same_records_however_cut(form, data, draw):
    from connectors.lines.formats import line_format

    def fresh():
        columns = ["a", "b"] if form == "csv" else None
        return line_format(form, columns=columns, max_record_bytes=12)

    whole = RecordReader(fresh(), 12, "p")
    whole.feed(data)
    whole.end()
    expected = []
    while more := whole.take(1000):
        expected += more
    assert read_in_pieces(fresh(), data, draw, limit=12) == expected
    assert [r.offset for r in expected] == list(range(len(expected)))
    assert all((r.value is None) == (r.error is not None) for r in expected)


@given(st.binary(max_size=300))
def test_raw_bytes_never_raise(data):
    from connectors.lines.formats import line_format

    for form, columns in (("csv", ["a"]), ("jsonl", None), ("text", None)):
        reader = RecordReader(line_format(form, columns=columns), 1 << 20, "p")
        reader.feed(data)
        reader.end()
        while reader.take(10):
            pass


@given(st.lists(st.text(alphabet=" +-0123456789.eE_,inf\n\u0663", max_size=8), max_size=6))
def test_a_column_is_read_as_its_cells(column):
    found = Numbers().column(column)
    if found is not None:
        assert repr(found) == repr([Numbers().read(cell) for cell in column])


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("007", 7),
        ("+1.5", 1.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e3", 1000.0),
        ("-0", 0),
        ("1e999", math.inf),
        ("9" * 5000, math.inf),
        ("12345678901234567890123", 12345678901234567890123),
        ("1_000", None),
        ("0x10", None),
        ("\u0663", None),
        ("true", None),
        ("", None),
        ("-inf", -math.inf),
        ("1,5", None),
    ],
)
def test_what_a_cell_means(cell, value):
    assert Numbers().read(cell) == value
    assert type(Numbers().read(cell)) is type(value)
    assert Numbers().column([cell]) in (None, [value])


@pytest.mark.parametrize(
    ("numbers", "cell", "value"),
    [
        (Numbers(","), "1,5", 1.5),
        (Numbers(","), "1.5", None),
        (Numbers(",", "."), "1.234.567,5", 1234567.5),
        (Numbers(",", "."), "1234,5", 1234.5),
        (Numbers(",", "."), "1.23", None),
        (Numbers(".", ","), "-1,234", -1234),
        (Numbers(".", ","), "1,23", None),
        (Numbers(".", "'"), "1'234.5", 1234.5),
        (Numbers(",", " "), "1\u202f234,5", 1234.5),
    ],
)
def test_numbers_with_other_marks(numbers, cell, value):
    assert numbers.read(cell) == value


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "truncated"),
        (b"[1]", "not a JSON object"),
        (b'{"a": -Infinity}', "Infinity is not JSON; write null"),
        (b'{"a": "\xff"}', "not UTF-8"),
        (b'{"a": ' + b"[" * 100_000, "nested deeper than the 16 levels allowed"),
        (b'{"a": ' + b"[" * 16 + b"]" * 16 + b"}", "nested deeper than the 16 levels allowed"),
        (b'{"a": 1' + b"0" * 400 + b"}", "too large for float64"),
        (b'{"a": 1e999}', "out of range"),
        (b'{"a": "' + b"x" * 200_000 + b'"}', "longer than max_record_bytes=150000"),
    ],
)
def test_bad_json_is_an_error_record_and_the_stream_goes_on(tmp_path, line, reason):
    path = write(tmp_path / "a.jsonl", b'{"a": 1}\n' + line + b'\n{"a": 3}\n')
    source = FileSource(path, max_record_bytes=150_000)
    first, bad, last = drain(source)
    assert (first.value, last.value) == ({"a": 1}, {"a": 3})
    assert reason in bad.error
    assert bad.raw == line[:150_000]
    assert (bad.offset, bad.partition, last.offset) == (1, path, 2)
    source.close()


def test_an_unclosed_quote_costs_one_line(tmp_path):
    path = write(tmp_path / "a.csv", 'x,y\n1,2\n3,"oops\n5,6\n7,8\n')
    source = FileSource(path)
    records = drain(source)
    assert [r.value for r in records] == [
        {"x": "1", "y": "2"},
        None,
        {"x": "5", "y": "6"},
        {"x": "7", "y": "8"},
    ]
    assert records[1].error == "a quoted field is never closed"
    source.close()
    source = FileSource(path, max_record_bytes=8)
    assert [r.value for r in drain(source)] == [r.value for r in records]
    source.close()


def test_csv_windows_lines_byte_order_mark_and_blank_lines(tmp_path):
    path = write(tmp_path / "a.csv", b'\xef\xbb\xbfx, y\r\n\r\n1,"a ""b"""\r\n\r\n2,\r\n')
    source = FileSource(path)
    assert [r.value for r in drain(source)] == [{"x": "1", "y": 'a "b"'}, {"x": "2", "y": ""}]
    source.close()


def test_names_that_stand_twice_are_numbered(tmp_path, caplog):
    source = FileSource(write(tmp_path / "a.csv", "x,x,x_2\n1,2,3\n"))
    assert [r.value for r in drain(source)] == [{"x": "1", "x_3": "2", "x_2": "3"}]
    assert "names that stand twice are numbered: 'x_3'" in caplog.text
    source.close()


def test_text_keeps_empty_lines(tmp_path):
    source = FileSource(write(tmp_path / "a.txt", "to be\n\nor not"))
    assert [r.value["text"] for r in drain(source)] == ["to be", "", "or not"]
    source.close()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\xff,y\n1,2\n", "header row cannot be read: not UTF-8"),
        ('x,"y\n1,2\n', "never closed"),
        ("x" * 100 + "\n1\n", "header row is longer"),
    ],
)
def test_a_header_that_cannot_be_used_is_refused(tmp_path, content, reason):
    source = FileSource(write(tmp_path / "a.csv", content), max_record_bytes=50)
    with pytest.raises(SourceError, match=reason):
        source.next_batch(10, timeout=0)
    source.close()


# Whole files: compression, lists, positions.


def sample(form, count=25):
    if form == "text":
        return "".join(f"line {i}\n" for i in range(count))
    rows = [{"x": i, "y": i / 8, "s": 'a "q"\n' * (i % 3)} for i in range(count)]
    if form == "jsonl":
        return "".join(json.dumps(row) + "\n" for row in rows) + "{torn"
    out = io.StringIO()
    writer = csv.DictWriter(out, ["x", "y", "s"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue() + "ragged,row"


@pytest.mark.parametrize("how", ["plain", "gz", "zst"])
@pytest.mark.parametrize("form", ["csv", "jsonl", "text"])
@settings(max_examples=15, deadline=None)
@given(stop=st.integers(0, 52), sizes=st.lists(st.integers(1, 30), min_size=1, max_size=4))
def test_restored_at_any_point_it_gives_the_rest(tmp_path_factory, form, how, stop, sizes):
    folder = tmp_path_factory.mktemp("files")
    suffix = "" if how == "plain" else f".{how}"
    for name in "ab":
        write(folder / f"{name}.{form}{suffix}", sample(form), how)
    source = FileSource(folder, format=form)
    expected = drain(source)
    source.close()
    assert len(expected) == 2 * len({r.offset for r in expected})
    source = FileSource(folder, format=form)
    records = []
    for size in sizes * 52:
        records += source.next_batch(max(0, min(size, stop - len(records))), timeout=0)
    position = json.loads(json.dumps(source.snapshot()))
    source.close()
    assert position == source.snapshot()
    source = FileSource(folder, format=form)
    source.restore(position)
    assert source.snapshot() == position
    records += drain(source, sizes=(1, 9))
    source.close()
    assert records == expected


def test_the_position_is_a_byte_offset(tmp_path):
    lines = ["x,y", "1,2", '"3', '4",5', "6,7"]
    source = FileSource(write(tmp_path / "a.csv", "\n".join(lines)))
    assert source.snapshot() is None
    offsets = []
    while batch := source.next_batch(1, timeout=0):
        assert len(batch) == 1
        offsets.append(source.snapshot()["offset"])
    assert offsets == [8, 16, 19]
    source.close()


def test_a_restored_source_starts_over_from_none(tmp_path):
    source = FileSource(write(tmp_path / "a.txt", "a\nb\n"))
    source.restore(None)
    assert len(drain(source)) == 2
    source.close()


def keep_all(source, came):
    """What *source* hands out, also where it then fails."""
    while batch := source.next_batch(1000, 0):
        came += [record.value["text"] for record in batch]


def test_damaged_compression_is_a_source_error(tmp_path):
    chance = random.Random(0)
    lines = [f"line {chance.getrandbits(64)}" for _ in range(100_000)]
    content = "\n".join(lines).encode()
    for name, data in (
        ("a.txt.gz", gzip.compress(content)),
        ("a.txt.zst", zstandard.compress(content)),
    ):
        source, came = FileSource(write(tmp_path / name, data[: len(data) // 2])), []
        with pytest.raises(SourceError, match="damaged or cut off"):
            keep_all(source, came)
        source.close()
        assert len(came) > 30_000  # what lies before the cut is handed out, in order
        assert came == lines[: len(came)]


def test_a_small_file_that_becomes_large_is_read_in_steps(tmp_path):
    """8 kB that stand for 256 MB of blanks and a line."""
    blanks = zstandard.compress(b" " * (256 << 20)) + zstandard.compress(b"\nend\n")
    path = write(tmp_path / "a.zst", blanks)
    start, largest = time.monotonic(), 0
    tracemalloc.start()
    with ByteFile(path) as file:
        while data := file.read(1 << 18):
            last = data
        largest = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert last == b"\nend\n"
    assert largest < 80 << 20
    assert time.monotonic() - start < 20


def test_a_pipe_is_refused_without_waiting_for_its_writer(tmp_path):
    os.mkfifo(tmp_path / "a.jsonl")
    with pytest.raises(SourceError, match="is a pipe or a device"):
        FileSource(tmp_path / "a.jsonl").next_batch(1, 0)
    with pytest.raises(SourceError, match="is a pipe or a device"):
        ByteFile("/dev/zero")


def test_compression_is_told_by_content_and_many_frames_are_one_stream(tmp_path):
    frames = b"".join(zstandard.compress(f"{i}\n".encode()) for i in range(50))
    with ByteFile(write(tmp_path / "a", frames)) as file:
        data = b""
        while more := file.read(7):
            data += more
    assert data == b"".join(f"{i}\n".encode() for i in range(50))


def test_patterns_folders_and_lists(tmp_path):
    for name in ("b.txt", "a.txt", "c.csv"):
        write(tmp_path / name, "line\n")
    names = []
    for path in (tmp_path / "*.txt", [tmp_path / "b.txt", tmp_path / "a.txt"]):
        source = FileSource(path)
        names.append([os.path.basename(r.partition) for r in drain(source)])
        source.close()
    assert names == [["a.txt", "b.txt"], ["b.txt", "a.txt"]]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"path": "missing.csv"}, "no file at 'missing.csv'"),
        ({"path": []}, "names no file"),
        ({"path": "x", "format": "xml"}, "format='xml' is unknown"),
        ({"path": "x"}, "cannot tell the format"),
        ({"path": "x", "format": "text", "columns": ["a"]}, "columns="),
        ({"path": "x", "format": "csv", "columns": []}, "at least one column"),
        ({"path": "x", "format": "csv", "delimiter": ";;"}, "delimiter=';;'"),
        ({"path": ["x", "y"], "follow": True}, "follow=True takes one file"),
        ({"path": "x.csv.gz", "follow": True}, "compressed"),
        ({"path": "x", "format": "csv", "max_record_bytes": 0}, "max_record_bytes"),
    ],
)
def test_arguments_that_cannot_work(tmp_path, monkeypatch, arguments, reason):
    monkeypatch.chdir(tmp_path)
    for name in "xy":
        write(name, "a,b\n")
    with pytest.raises((SourceError, ValueError), match=reason):
        FileSource(**arguments)


def test_a_file_that_was_replaced_or_cut_is_noticed(tmp_path):
    path = write(tmp_path / "a.txt", "one\ntwo\nthree\n")
    source = FileSource(path)
    source.next_batch(2, timeout=0)
    position = source.snapshot()
    source.close()
    for content, reason in (("uno\ndos\ntres\n", "other content"), ("one\ntw", "other content")):
        write(path, content)
        with pytest.raises(SourceError, match=reason):
            FileSource(path).restore(position)
    write(tmp_path / "b.txt", "one\n")
    with pytest.raises(SourceError, match="not among the files"):
        FileSource(tmp_path / "b.txt").restore(position)


# Sinks.


@pytest.mark.parametrize(("kind", "name"), [(JsonLinesSink, "o.jsonl"), (CsvSink, "o.csv")])
@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), max_size=8))
def test_a_restored_sink_replays_to_the_same_bytes(tmp_path_factory, kind, name, steps):
    """Write some rows, perhaps crash and restore to the last position, and write again."""
    folder = tmp_path_factory.mktemp("sink")
    whole, broken = kind(folder / name), kind(folder / f"broken-{name}")
    position, number = broken.snapshot(), 0
    for count, crash in steps:
        rows = [{"y": (number + i) / 3, "s": 'a,"b"\n'} for i in range(count)]
        if crash:
            broken.write(rows)
            broken.close()
            broken = kind(folder / f"broken-{name}")
            broken.restore(position)
        broken.write(rows)
        broken.flush()
        whole.write(rows)
        number += count
        position = json.loads(json.dumps(broken.snapshot()))
    whole.snapshot()  # creates the file
    whole.close()
    broken.close()
    files = [folder / name, folder / f"broken-{name}"]
    assert files[0].read_bytes() == files[1].read_bytes()
    if number:
        source = FileSource(files[0])
        assert [float(r.value["y"]) for r in drain(source)] == [i / 3 for i in range(number)]
        source.close()


def test_a_sink_shorter_than_its_position_is_refused(tmp_path):
    sink = JsonLinesSink(tmp_path / "o.jsonl")
    sink.write([{"y": 1}])
    position = sink.snapshot()
    sink.close()
    os.truncate(sink.path, 3)
    with pytest.raises(Shortened, match="3 bytes, fewer than the 8"):
        sink.restore(position)
    sink.restore(None)
    assert sink.snapshot()["bytes"] == 0
    sink.close()


def test_a_sink_with_other_content_is_not_cut(tmp_path):
    sink, text = JsonLinesSink(tmp_path / "o.jsonl"), '{"y":2}\n{"y":3}\n'
    sink.write([{"y": 1}])
    position = sink.snapshot()
    sink.close()
    (tmp_path / "o.jsonl").write_text(text)
    with pytest.raises(Shortened, match="has other content in the 8 bytes"):
        sink.restore(position)
    assert (tmp_path / "o.jsonl").read_text() == text
    sink.restore({"bytes": 8})  # of a checkpoint that says no more
    assert (tmp_path / "o.jsonl").read_text() == text[:8]
    sink.close()


SCHEMA = {"type": "record", "name": "R", "fields": [{"name": "y", "type": ["null", "long"]}]}
SINKS = {"o.jsonl": JsonLinesSink, "o.csv": CsvSink, "o.avro": lambda path: AvroSink(path, SCHEMA)}


def values_in(path):
    if path.stat().st_size == 0:
        return []
    if "avro" in path.name:
        with open(path, "rb") as file:
            return [row["y"] for row in fastavro.reader(file)]
    source = FileSource(path, format="csv" if "csv" in path.name else "jsonl")
    found = [int(record.value["y"]) for record in drain(source)]
    source.close()
    return found


@pytest.mark.parametrize("name", SINKS)
@settings(max_examples=40)
@given(
    st.lists(st.sampled_from(["write", "flush", "move", "crash", "stop"]), max_size=14),
)
def test_a_sink_that_is_moved_away_goes_on_in_a_new_file(tmp_path_factory, name, steps):
    """Each row once and in order over all files, whenever it is moved and whenever it crashes."""
    folder = tmp_path_factory.mktemp("f")
    sink, position, done, n, files = SINKS[name](folder / name), None, 0, 0, 0
    for step in [*steps, "flush"]:
        if step == "write":
            sink.write([{"y": n}, {"y": n + 1}])
            n += 2
        elif step == "flush":
            sink.flush()
            position, done = json.loads(json.dumps(sink.snapshot())), n
        elif step == "move" and (folder / name).exists():
            files += 1
            os.rename(folder / name, folder / f"{name}.{files}")
            sink.flush()  # once in a while: not twice between two checkpoints
            position, done = json.loads(json.dumps(sink.snapshot())), n
        else:
            sink.close()
            if step == "stop" and (folder / name).exists() and (position or {}).get("bytes"):
                files += 1  # while nobody writes
                os.rename(folder / name, folder / f"{name}.{files}")
            sink, n = SINKS[name](folder / name), done
            sink.restore(position)
    sink.close()
    found = [value for k in range(1, files + 1) for value in values_in(folder / f"{name}.{k}")]
    assert found + values_in(folder / name) == list(range(n))


@pytest.mark.parametrize("name", SINKS)
def test_a_sink_that_is_cut_by_copytruncate_goes_on(tmp_path, name, caplog):
    sink, copy = SINKS[name](tmp_path / name), tmp_path / f"{name}.1"
    sink.write([{"y": 0}])
    sink.flush()
    sink.snapshot()
    copy.write_bytes((tmp_path / name).read_bytes())
    os.truncate(tmp_path / name, 0)
    sink.write([{"y": 1}])
    sink.flush()
    position = sink.snapshot()
    sink.write([{"y": 2}])
    sink.close()
    sink = SINKS[name](tmp_path / name)
    sink.restore(position)
    sink.close()
    assert (values_in(copy), values_in(tmp_path / name)) == ([0], [1])
    assert "was cut from" in caplog.text


def test_a_sink_behind_a_link_is_found_where_it_was_moved(tmp_path):
    (tmp_path / "logs").mkdir()
    (tmp_path / "o.jsonl").symlink_to("logs/o.jsonl")
    sink = JsonLinesSink(tmp_path / "o.jsonl")
    sink.write([{"y": 1}])
    position = sink.snapshot()
    sink.write([{"y": 2}])
    sink.close()
    os.rename(tmp_path / "logs" / "o.jsonl", tmp_path / "logs" / "o.jsonl.1")
    sink = JsonLinesSink(tmp_path / "o.jsonl")
    sink.restore(position)
    sink.write([{"y": 3}])
    sink.close()
    assert values_in(tmp_path / "logs" / "o.jsonl.1") == [1]
    assert values_in(tmp_path / "o.jsonl") == [3]


def test_a_sink_that_is_removed_says_what_is_lost(tmp_path, caplog):
    sink = JsonLinesSink(tmp_path / "o.jsonl")
    sink.write([{"y": 1}])
    sink.flush()
    sink.snapshot()
    sink.write([{"y": 2}])
    os.unlink(sink.path)
    sink.flush()
    assert "was removed, and with it 8 bytes of results since the last checkpoint" in caplog.text
    sink.write([{"y": 3}])
    sink.close()
    assert values_in(tmp_path / "o.jsonl") == [3]


def test_a_sink_that_is_no_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path, said in ((tmp_path, "is a folder"), (tmp_path / "pipe", "pipe"), ("/dev/null", "pi")):
        with pytest.raises(SinkError, match=said):
            JsonLinesSink(path).write([{"y": 1}])


def test_one_writer_at_a_time(tmp_path):
    first, second = JsonLinesSink(tmp_path / "o"), JsonLinesSink(tmp_path / "o")
    first.write([{}])
    with pytest.raises(SinkError, match="another process"):
        second.write([{}])
    first.close()
    second.write([{}])
    second.close()


def test_json_takes_numpy_and_not_numbers(tmp_path):
    import numpy as np

    sink = JsonLinesSink(tmp_path / "o")
    sink.write([{"a": np.float32(0.5), "b": float("nan"), "c": np.arange(2)}])
    assert json.loads(Path(sink.path).read_text()) == {"a": 0.5, "b": None, "c": [0, 1]}
    with pytest.raises(SinkError, match="cannot be written as JSON"):
        sink.write([{"a": object()}])
    sink.close()


def test_csv_cells_and_header(tmp_path):
    sink = CsvSink(tmp_path / "o.csv", columns=["a", "b", "c"])
    sink.write([{"a": True, "b": [1, 2], "c": float("nan")}, {"b": "x"}])
    assert Path(sink.path).read_text() == 'a,b,c\ntrue,"[1,2]",\n,x,\n'
    with pytest.raises(SinkError, match="key 'd'"):
        sink.write([{"d": 1}])
    sink.close()
    other = CsvSink(tmp_path / "o.csv", columns=["a"])
    with pytest.raises(SinkError, match="has the header"):
        other.write([{"a": 1}])
    other.close()


def test_a_full_disk_leaves_no_torn_row(tmp_path, monkeypatch):
    sink, write = JsonLinesSink(tmp_path / "o.jsonl"), os.write
    sink.write([{"y": 1}])

    def half(fd, data):
        if len(data) < 4:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(fd, data[: len(data) // 2])

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(SinkError, match="cannot be written: No space left"):
        sink.write([{"y": 2}])
    assert (tmp_path / "o.jsonl").read_bytes() == b'{"y":1}\n'
    sink.close()


@given(st.binary(max_size=50))
def test_a_dead_letter_gives_its_bytes_back(raw):
    from connectors.base import Record

    record = Record(None, raw, "why", "p", 3, 1.5, b"\xff")
    row = json.loads(json.dumps(letter(record, stage="decode")))
    assert raw_of(row) == raw
    assert (row["error"], row["stage"], row["partition"], row["offset"]) == (
        "why",
        "decode",
        "p",
        3,
    )


def test_dead_letters_of_a_file(tmp_path):
    source = FileSource(write(tmp_path / "a.jsonl", b'{"a":1}\n\xff\xfe\n'))
    sink = DeadLetterSink(tmp_path / "dead" / "letters.jsonl")
    for record in drain(source):
        if record.error:
            sink.put(record, stage="decode")
    sink.close()
    source.close()
    row = json.loads(Path(sink.path).read_text())
    assert raw_of(row) == b"\xff\xfe"
    assert row["offset"] == 1


# Speed, as a guard against a change that makes it ten times slower.


def test_decoding_is_fast_enough_for_the_learner(tmp_path):
    row = {"time": "2026-01-01T00:00", "a": 0.123456, "b": 17, "c": -1.5, "y": 3.25}
    jsonl = write(tmp_path / "a.jsonl", (json.dumps(row) + "\n") * 20_000)
    line = ",".join(map(str, row.values())) + "\n"
    table = write(tmp_path / "a.csv", ",".join(row) + "\n" + line * 20_000)
    for path, least in ((jsonl, 100_000), (table, 60_000)):  # a third of what is expected
        best = 0.0
        for _ in range(3):
            source = FileSource(path)
            start = time.process_time()
            count = len(drain(source, sizes=(512,)))
            best = max(best, count / (time.process_time() - start))
            source.close()
        assert count == 20_000
        assert best > least
