"""Following a file through rotation: nothing lost, nothing twice, also over a restart."""

import gzip
import os
import shutil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.base import SourceError
from connectors.files import followed
from connectors.files.siblings import in_order, siblings
from connectors.files.source import FileSource
from connectors.state import Dependency


def now(source, count=1000):
    """The texts that are there now."""
    texts = []
    while batch := source.next_batch(count, timeout=0):
        texts += [r.value["text"] if r.value else r.error for r in batch]
    return texts


def append(path, *lines):
    with open(path, "a") as file:
        file.writelines(line + "\n" for line in lines)


def follow(path):
    return FileSource(path, format="text", follow=True, poll_interval=0.001)


@pytest.fixture
def log(tmp_path):
    return str(tmp_path / "app.log")


def test_it_waits_for_the_file_and_for_complete_lines(log):
    source = follow(log)
    assert source.next_batch(10, timeout=0.01) == []
    assert source.snapshot()["inode"] == 0
    with open(log, "w") as file:
        file.write("one\ntw")
        file.flush()
        assert now(source) == ["one"]
        file.write("o\n")
        file.flush()
        assert now(source) == ["two"]
    assert not source.finished
    source.close()


def test_rename_finishes_the_old_file_first(log):
    source = follow(log)
    append(log, "one", "two")
    assert now(source, count=1)[:1] == ["one"]
    os.rename(log, f"{log}.1")
    append(f"{log}.1", "three")  # the writer has not noticed yet
    assert now(source) == ["three"]
    open(log, "w").close()
    append(f"{log}.1", "four")
    assert now(source) == ["four"]
    append(f"{log}.1", "five")
    append(log, "six")
    assert now(source) == ["five", "six"]
    source.close()


def test_two_rotations_between_two_looks(log):
    source = follow(log)
    append(log, "one")
    assert now(source) == ["one"]
    append(log, "two")
    os.rename(log, f"{log}.2")
    append(f"{log}.1", "three")
    append(log, "four")
    assert now(source) == ["two", "three", "four"]
    source.close()


def test_copy_and_truncate_reads_the_rest_from_the_copy(log):
    source = follow(log)
    append(log, "one")
    assert now(source) == ["one"]
    append(log, "two")
    shutil.copy(log, f"{log}.1")
    os.truncate(log, 0)
    append(log, "three")
    assert now(source) == ["two", "three"]
    source.close()


def test_truncated_and_grown_past_the_old_position(log):
    source = follow(log)
    append(log, "one")
    assert now(source) == ["one"]
    os.truncate(log, 0)
    append(log, "another, longer line", "two")
    assert now(source) == ["another, longer line", "two"]
    source.close()


def test_an_unterminated_line_counts_once_its_file_is_over(log):
    source = follow(log)
    with open(log, "w") as file:
        file.write("one\ntorn")
    assert now(source) == ["one"]
    os.rename(log, f"{log}.1")
    append(log, "two")
    assert now(source) == ["torn", "two"]
    source.close()


@pytest.mark.parametrize("how", ["rename", "copy", "gzip", "date", "twice"])
def test_restart_after_rotation(log, how):
    if how == "twice":
        append(f"{log}.3", "long before")
    source = follow(log)
    append(log, "one", "two", "three")
    assert [r.value["text"] for r in source.next_batch(1, timeout=0)] == ["one"]
    position = source.snapshot()
    source.close()
    append(log, "four")
    if how == "copy":
        shutil.copy(log, f"{log}.1")
        os.truncate(log, 0)
    elif how == "date":
        os.rename(log, f"{log}-20260102")
        append(f"{log}-20260101", "long before")
    else:
        os.rename(log, f"{log}.1")
    expected = ["two", "three", "four", "five"]
    if how == "gzip":
        with open(f"{log}.1", "rb") as plain, gzip.open(f"{log}.1.gz", "wb") as packed:
            packed.write(plain.read())
        os.remove(f"{log}.1")
    if how == "twice":
        os.rename(f"{log}.1", f"{log}.2")
        append(f"{log}.1", "between")
        expected.insert(-1, "between")
    append(log, "five")
    source = follow(log)
    source.restore(position)
    assert now(source) == expected
    assert source.snapshot()["path"] == log
    source.close()


def rotate_up(log, number):
    os.rename(log, f"{log}.{number}")


@pytest.mark.parametrize("times", ["as written", "all the same"])
@pytest.mark.parametrize("looks", ["each", "one", "restart"])
def test_names_that_count_up(log, times, looks):
    """The default of log4j 2: x.log.1 is the oldest."""
    source = follow(log)
    append(log, "0")
    seen = now(source)
    for number in range(1, 12):  # two digits: numbers compare as numbers
        rotate_up(log, number)
        append(log, str(number))
        if times == "all the same":
            for one in siblings(log):
                os.utime(one.path, (1e9, 1e9))
        if looks == "each":
            seen += now(source)
    if looks == "restart":
        position = source.snapshot()
        source.close()
        source = follow(log)
        source.restore(position)
    seen += now(source)
    source.close()
    assert seen == [str(number) for number in range(12)]


def test_names_that_count_down_with_the_same_times(log):
    source = follow(log)
    append(log, "0")
    assert now(source) == ["0"]
    for number in range(1, 12):
        for old in range(number - 1, 0, -1):
            os.rename(f"{log}.{old}", f"{log}.{old + 1}")
        os.rename(log, f"{log}.1")
        append(log, str(number))
    for one in siblings(log):
        os.utime(one.path, (1e9, 1e9))
    assert now(source) == [str(number) for number in range(1, 12)]
    source.close()


def test_where_the_order_cannot_be_told_it_is_said(log, caplog):
    source = follow(log)
    append(log, "0")
    assert now(source) == ["0"]
    os.rename(log, f"{log}.gone")  # out of sight
    append(f"{log}.2", "a")
    append(f"{log}.1", "b")
    append(log, "c")
    for one in siblings(log):
        os.utime(one.path, (1e9, 1e9))
    assert now(source) == ["a", "b", "c"]
    assert "their names do not tell which was first: app.log.1, app.log.2" in caplog.text
    source.close()


def test_dated_names_with_a_count_of_the_day(log):
    source = follow(log)
    append(log, "0")
    assert now(source) == ["0"]
    for number in range(1, 13):
        os.rename(log, log.replace(".log", f"-2026-01-02.{number}.log"))
        append(log, str(number))
    assert now(source) == [str(number) for number in range(1, 13)]
    source.close()


def pack(path):
    """As `gzip` does, but with a new time."""
    with open(path, "rb") as plain, gzip.open(f"{path}.gz", "wb") as packed:
        packed.write(plain.read())
    os.remove(path)


@pytest.mark.parametrize("running", [True, False])
def test_what_was_read_is_known_when_it_is_compressed(log, running):
    append(f"{log}.1", "before")
    source = follow(log)
    append(log, "0")
    assert now(source) == ["0"]
    rotate_up(log, 2)
    append(log, "1")
    assert now(source) == ["1"]
    rotate_up(log, 3)
    append(log, "2")
    if not running:
        position = source.snapshot()
        source.close()
    for number in (1, 2, 3):
        pack(f"{log}.{number}")
    append(log, "3")
    if not running:
        source = follow(log)
        source.restore(position)
    assert now(source) == ["2", "3"]
    source.close()


def test_a_file_rotated_before_its_first_record_was_counted(log):
    append(log, "0")
    source = follow(log)
    position = source.snapshot()  # the first checkpoint, before anything was read
    assert now(source) == ["0"]
    source.close()  # killed before the second
    append(log, "1")
    os.rename(log, f"{log}.1")
    append(log, "2")
    source = follow(log)
    source.restore(position)
    assert now(source) == ["0", "1", "2"]
    source.close()


def test_a_file_that_came_and_was_rotated_before_the_first_look(log):
    append(f"{log}.7", "long before")
    source = follow(log)
    position = source.snapshot()
    source.close()
    append(log, "0")
    rotate_up(log, 8)
    append(log, "1")
    source = follow(log)
    source.restore(position)
    assert now(source) == ["0", "1"]
    source.close()


def test_deleted_and_made_again(log):
    source = follow(log)
    append(log, "0", "1")
    assert [r.value["text"] for r in source.next_batch(1, timeout=0)] == ["0"]
    os.remove(log)
    append(log, "2")
    assert now(source) == ["1", "2"]
    source.close()


def test_restart_without_the_file_is_refused(log):
    source = follow(log)
    append(log, "one")
    assert now(source) == ["one"]
    position = source.snapshot()
    source.close()
    os.remove(log)
    append(log, "something else")
    with pytest.raises(SourceError, match="put it back, or remove the checkpoint"):
        follow(log).restore(position)


def test_csv_keeps_its_header_over_a_truncation(tmp_path):
    path = str(tmp_path / "a.csv")
    source = FileSource(path, follow=True)
    append(path, "x,y", "1,2")
    assert [r.value for r in source.next_batch(9, timeout=0)] == [{"x": "1", "y": "2"}]
    os.truncate(path, 0)
    append(path, "3,4")  # the writer goes on without a header
    assert [r.value for r in source.next_batch(9, timeout=0)] == [{"x": "3", "y": "4"}]
    position = source.snapshot()
    source.close()
    append(path, "5,6")
    source = FileSource(path, follow=True)
    source.restore(position)
    assert [r.value for r in source.next_batch(9, timeout=0)] == [{"x": "5", "y": "6"}]
    os.rename(path, f"{path}.1")
    append(path, "x,y", "7,8")  # a new file with its header
    assert [r.value for r in source.next_batch(9, timeout=0)] == [{"x": "7", "y": "8"}]
    os.rename(path, f"{path}.1")
    append(path, "y,z", "9,0")  # and one with another
    assert [r.value for r in source.next_batch(9, timeout=0)] == [{"y": "9", "z": "0"}]
    source.close()


def test_a_compressed_file_is_not_followed(log):
    with gzip.open(log, "wb") as file:
        file.write(b"x\n")
    source = follow(log)
    with pytest.raises(SourceError, match="compressed"):
        now(source)
    source.close()


def test_rotated_names_are_ordered_by_age(tmp_path):
    names = ["a.log.10", "a.log.2.gz", "a.log.1", "a.log-20260101", "a-20260102.log", "a.log.bak"]
    for name in [*names, "a.log", "b.log.1", "xa.log.1"]:
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (1e9, 1e9))
    order = in_order(siblings(str(tmp_path / "a.log")), (), None)
    found = [os.path.basename(one.path) for one in order]
    assert found == ["a.log.10", "a.log.2.gz", "a.log.1", "a.log-20260101", "a-20260102.log"]


class Writer:
    """A log writer with numbered lines, rotated by `rename` or `copytruncate`."""

    def __init__(self, path, counts_up):
        self.path, self.count, self.files = path, 0, 0
        self.counts_up = counts_up

    def write(self, lines):
        with open(self.path, "a") as file:
            for _ in range(lines):
                file.write(f"line {self.count}\n")
                self.count += 1

    def rotate(self, how):
        if not os.path.exists(self.path) or not os.path.getsize(self.path):
            return
        self.files += 1
        number = self.files if self.counts_up else 1
        for old in range(0 if self.counts_up else 8, 0, -1):
            if os.path.exists(f"{self.path}.{old}"):
                os.replace(f"{self.path}.{old}", f"{self.path}.{old + 1}")
        if how == "rename":
            os.rename(self.path, f"{self.path}.{number}")
        else:
            shutil.copy(self.path, f"{self.path}.{number}")
            os.truncate(self.path, 0)


actions = st.one_of(
    st.tuples(st.just("write"), st.integers(1, 5)),
    st.tuples(st.just("read"), st.integers(1, 7)),
    st.tuples(st.just("rename"), st.none()),
    st.tuples(st.just("copytruncate"), st.none()),
    st.tuples(st.just("restart"), st.none()),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(actions, max_size=25), st.booleans())
def test_any_order_of_writing_rotating_and_restarting_loses_nothing(
    tmp_path_factory, steps, counts_up
):
    log = str(tmp_path_factory.mktemp("log") / "app.log")
    writer, source, seen = Writer(log, counts_up), follow(log), []
    for step, argument in steps:
        if step == "write":
            writer.write(argument)
        elif step == "read":
            seen += [r.value["text"] for r in source.next_batch(argument, timeout=0)]
        elif step == "restart":
            position = source.snapshot()
            source.close()
            source = follow(log)
            source.restore(position)
        else:
            writer.rotate(step)
    writer.write(1)
    seen += now(source)
    source.close()
    assert seen == [f"line {i}" for i in range(writer.count)]


def test_how_much_is_not_read_yet_and_whether_the_file_is_there(tmp_path, monkeypatch):
    log = tmp_path / "app.log"
    told = Dependency("source", str(log))
    source = FileSource(str(log), follow=True, format="text", dependency=told)
    monkeypatch.setattr(followed, "PATIENCE", 0.0)

    def lag():
        [(name, _, value)] = source.metrics()
        assert name == "file_lag_bytes"
        return value

    for _ in range(2):
        assert source.next_batch(1, timeout=0) == []
    assert told.status()[2:4] == ("down", f"there is no file {log}")
    assert lag() == 0
    log.write_text("one\ntwo\nthree\n")
    assert lag() == 14
    assert len(source.next_batch(1, timeout=1)) == 1
    assert told.status().state == "up"
    assert lag() == 10
    now(source)
    assert lag() == 0
    source.close()
