"""Files as they come: their dialects, their times, what is missing, and what is said of it."""

import bz2
import csv
import gzip
import io
import json
import lzma
import math
import random
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.files.source import FileSource
from connectors.lines.sniff import sniff
from stream_rnn.cli import app as cli
from stream_rnn.evaluation.look import look
from stream_rnn.features.missing import Missing, is_missing


def write(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return str(path)


def records(path, **settings):
    """The records of a file, read to its end."""
    source = FileSource(path, **settings)
    found = []
    try:
        while not source.finished:
            found += source.next_batch(1000, timeout=0)
    finally:
        source.close()
    return found


def numbers(path, name, **settings):
    """One column as numbers."""
    return [r.numbers.read(r.value[name]) for r in records(path, **settings)]


LOADS = [1234.5, 2000.25, 1999.0, 12.75, 5020.5, 3.5]
EXPECTED = [(float(hour), load) for hour, load in enumerate(LOADS)]


def table(template, header="hour,load", delimiter=",", end="\n"):
    """A small table; *template* writes a load."""
    rows = [f"{hour}{delimiter}{template(load)}" for hour, load in enumerate(LOADS)]
    return end.join([header.replace(",", delimiter), *rows, ""])


def plain(load):
    return f"{load:.2f}"


def comma(load):
    return plain(load).replace(".", ",")


def german(load):
    return f"{load:,.2f}".translate(str.maketrans(",.", ".,"))


def english(load):
    return f'"{load:,.2f}"'


DIALECTS = {
    "plain": (table(plain), "utf-8"),
    "semicolons": (table(plain, delimiter=";"), "utf-8"),
    "decimal comma": (table(comma, delimiter=";"), "utf-8"),
    "german thousands": (table(german, delimiter=";"), "utf-8"),
    "english thousands": (table(english), "utf-8"),
    "tabs": (table(comma, delimiter="\t"), "utf-8"),
    "bars": (table(plain, delimiter="|"), "utf-8"),
    "spaces": (table(plain, delimiter="   "), "utf-8"),
    "windows": (table(plain, end="\r\n"), "utf-8-sig"),
    "utf-16": (table(plain, delimiter="\t"), "utf-16"),
    "comments": ("# station 7\n# times are UTC\n" + table(plain), "utf-8"),
    "header in a comment": (table(plain, header="# hour,load"), "utf-8"),
    "titles": ("Report of 2024\nall stations\n\n" + table(plain), "utf-8"),
    "sep=": ("sep=;\n" + table(comma, delimiter=";"), "utf-8"),
    "units": (table(plain, header="hour,load\nh,kW"), "utf-8"),
    "trailing": (table(lambda v: plain(v) + ","), "utf-8"),
    "padded": (table(plain, delimiter=", "), "utf-8"),
    "single quotes": (table(lambda v: f"'{plain(v)}'", header="'hour','load'"), "utf-8"),
    "apostrophes": (table(lambda v: f"{v:,.2f}".replace(",", "'"), delimiter=";"), "utf-8"),
    "umlauts": ("# Außenstelle Köln\n" + table(plain), "cp1252"),
}


@pytest.mark.parametrize("name", DIALECTS)
def test_the_same_table_in_many_dialects(tmp_path, name):
    path = write(tmp_path / "a.csv", *DIALECTS[name])
    found = records(path)
    assert [r.error for r in found] == [None] * len(LOADS)
    assert [
        (float(r.numbers.read(r.value["hour"])), r.numbers.read(r.value["load"])) for r in found
    ] == EXPECTED


def test_row_names_get_a_name_and_a_file_without_header_too(tmp_path):
    path = write(tmp_path / "r.csv", "u v\nr1 1 2\nr2 3 4\nr3 5 6\n")
    assert next(r.value for r in records(path)) == {"column1": "r1", "u": "1", "v": "2"}
    path = write(tmp_path / "n.csv", "0,20.0\n1,21.98\n2,23.84\n")
    assert next(r.value for r in records(path)) == {"column1": "0", "column2": "20.0"}
    assert next(r.value for r in records(path, columns=["a", "b"])) == {"a": "0", "b": "20.0"}
    path = write(tmp_path / "h.csv", "x,x\n1,2\n3,4\n")  # a header nobody can use
    assert next(r.value for r in records(path, columns=["a", "b"])) == {"a": "1", "b": "2"}


def test_a_finding_is_overruled_by_a_setting(tmp_path):
    path = write(tmp_path / "a.csv", "a;b\n1,5;2\n")
    assert list(records(path, delimiter=",")[0].value.values()) == ["1", "5;2"]
    path = write(tmp_path / "t.csv", "a\tb\n1,234\t1\n2,345\t2\n")
    assert numbers(path, "a") == [1234, 2345]
    assert numbers(path, "a", decimal=",") == [1.234, 2.345]
    with pytest.raises(ValueError, match="decimal='x' must be"):
        FileSource(path, decimal="x")
    with pytest.raises(ValueError, match="delimiter=';' is for format='csv'"):
        FileSource(write(tmp_path / "a.jsonl", "{}"), delimiter=";")


# Random tables in random dialects ---------------------------------------------------------

WORDS = st.sampled_from(["Ulm", "Köln", "a b", 'say "no"', "x", "007", "NA", "", "two\nlines"])
FLOATS = st.integers(-(10**7), 10**7).map(lambda n: n / 100)
STYLES = st.sampled_from([(".", ""), (",", ""), (",", "."), (".", ","), (",", " "), (".", "'")])


def spelled(value, decimal, thousands):
    text = f"{value:,.2f}" if thousands else f"{value:.2f}"
    return text.translate(str.maketrans({",": thousands, ".": decimal}))


@settings(max_examples=120, deadline=None)
@given(
    rows=st.lists(st.tuples(FLOATS, WORDS, FLOATS), min_size=3, max_size=30),
    delimiter=st.sampled_from(",;\t|"),
    style=STYLES,
    unit=st.sampled_from(["", " kW", "%", " €"]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    before=st.sampled_from(["", "# made by hand\n", "\n", "Table 3: rents by place\n\n"]),
    packed=st.sampled_from([bytes, gzip.compress, bz2.compress, lzma.compress]),
)
def test_a_random_table_in_a_random_dialect_is_read_back(
    tmp_path_factory, rows, delimiter, style, unit, end, encoding, before, packed
):
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerow(["first", "place", "second"])
    for a, word, b in rows:
        writer.writerow([spelled(a, *style), word, spelled(b, *style) + unit])
    path = tmp_path_factory.mktemp("t") / "a.csv"
    path.write_bytes(packed((before + text.getvalue()).replace("\n", end).encode(encoding)))
    found = records(str(path))
    assert [r.error for r in found] == [None] * len(rows)
    places = [r.value["place"].replace("\r\n", "\n") for r in found]
    assert places == [word for _, word, _ in rows]
    for name, column in (("first", 0), ("second", 2)):
        read = [r.numbers.read(r.value[name]) for r in found]
        assert read == [row[column] for row in rows]


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_have_some_dialect(data):
    sniff(data.split(b"\n"))


# JSON -------------------------------------------------------------------------------------


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("how", ["plain", "gz"])
def test_one_json_array_is_read_as_its_elements(tmp_path, indent, how):
    values = [{"u": n, "text": 'a "b", ]', "inner": {"v": [n, {"w": n}]}} for n in range(50)]
    data = json.dumps(values, indent=indent).encode()
    path = tmp_path / ("a.json.gz" if how == "gz" else "a.json")
    path.write_bytes(gzip.compress(data) if how == "gz" else data)
    assert [r.value for r in records(str(path))] == values
    source = FileSource(str(path))
    first = source.next_batch(20, timeout=0)
    position = json.loads(json.dumps(source.snapshot()))
    source.close()
    source = FileSource(str(path))
    source.restore(position)
    rest = source.next_batch(100, timeout=0)
    source.close()
    assert [r.value for r in first + rest] == values


def test_objects_over_several_lines_and_a_cut_array(tmp_path):
    path = write(tmp_path / "o.json", '{\n "u": 1\n}\n{\n "u": 2\n}\n')
    assert [r.value for r in records(path)] == [{"u": 1}, {"u": 2}]
    path = write(tmp_path / "c.json", '[{"u": 1}, {"u": ')
    assert [r.value for r in records(path)] == [{"u": 1}, None]


def test_nan_in_json_is_missing_in_files_and_messages(tmp_path):
    from connectors.json_records import BadJson, json_decoder

    line = '{"u": NaN, "in": {"v": [NaN, 1]}, "text": "NaN"}'
    path = write(tmp_path / "n.jsonl", f'{{"u": 1}}\n{line}\n{{"u": -Infinity}}\n')
    found = records(path)
    expected = {"u": None, "in": {"v": [None, 1]}, "text": "NaN"}
    assert [r.value for r in found] == [{"u": 1}, expected, None]
    assert found[2].error == "Infinity is not JSON; write null for a missing value"
    assert json_decoder()(line.encode()) == expected
    with pytest.raises(BadJson, match="Infinity is not JSON; write null"):
        json_decoder()(b'{"u": Infinity}')


def test_numbers_in_names_count_as_numbers(tmp_path):
    for n in (1, 2, 10, 11):
        write(tmp_path / f"part_{n}.csv", f"t,load\n{n},{n}\n")
    assert [r.value["t"] for r in records(str(tmp_path))] == ["1", "2", "10", "11"]


# What is missing --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value", ["", " ", "NA", "n/a", "null", "None", "NaN", "NaT", "-", "?", "<NA>", None]
)
def test_missing_values_have_many_spellings(value):
    assert is_missing(value)
    assert not Missing(["x"])(value) or value is None
    assert Missing(["x"])("X")


def test_missing_values_of_libraries():
    import numpy as np
    import pandas as pd

    for value in (pd.NA, pd.NaT, np.nan, np.float32("nan"), np.datetime64("NaT"), np.ma.masked):
        assert is_missing(value)
    for value in (0, "0", False, "none of it", [], np.float64(0)):
        assert not is_missing(value)


# A look at a file -------------------------------------------------------------------------


def test_a_look_sees_kinds_beyond_what_is_missing(tmp_path):
    rows = ["NA,2024-01-01,Ulm,true,"] * 1500 + ["1.5,2024-01-02,Ulm,false,"]
    path = write(tmp_path / "a.csv", "\n".join(["y,at,city,on,none", *rows, ""]))
    seen = look(path, ["y"])
    kinds = {name: field.kind for name, field in seen.fields.items()}
    assert kinds == {"y": "number", "at": "time", "city": "text", "on": "text", "none": "empty"}
    path = write(tmp_path / "b.jsonl", '{"on": true, "in": {"x": 1}, "v": [1, 2]}\n')
    seen = look(path, ["on"])
    assert seen.fields["on"].kind == "boolean"
    assert [seen.has(name) for name in ("in", "in.x", "v[0]", "v", "x")] == [True] * 4 + [False]


# The command line -------------------------------------------------------------------------


@pytest.fixture
def call(monkeypatch, capfd, tmp_path):
    """Run the entry point in this process: exit status, output, errors."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["stream-rnn", *map(str, arguments)])
        status = 0
        try:
            cli.main()
        except SystemExit as end:
            status = end.code or 0
        out, err = capfd.readouterr()
        return status, out, err

    return call


SMALL = ("--set", "estimator.cell={type='LSTM',units=4}")


def score(call, *arguments):
    """The evaluation as JSON, and what was said."""
    status, out, err = call("evaluate", *arguments, "--json")
    assert status == 0, err
    return json.loads(out), err


def saw(count=400, skip=()):
    return [(t % 7, 2.0 * (t % 7)) for t in range(count) if t not in skip]


def test_markers_of_a_target_at_the_start_do_not_make_it_text(call, tmp_path):
    rows = [f"{u},{'NA' if n < 10 else y}" for n, (u, y) in enumerate(saw())]
    write(tmp_path / "a.csv", "\n".join(["u,dust", *rows, ""]))
    found, err = score(call, "a.csv", "-y", "dust", *SMALL)
    assert (found["task"], found["scored"], found["refused"]) == ("regression", 390, 0)
    assert found["scores"]["RecurrentRegressor"]["R2"] > 0.7
    assert "regressor: dust is a number beside u" in err


@pytest.mark.parametrize("late", [range(205, 220), range(3, 400, 10)])
def test_markers_in_a_feature_refuse_nothing(call, tmp_path, late):
    rows = [f"{('NA', 'NaN', '')[n % 3] if n in late else u},{y}" for n, (u, y) in enumerate(saw())]
    write(tmp_path / "a.csv", "\n".join(["u,load", *rows, ""]))
    found, _ = score(call, "a.csv", "-y", "load", *SMALL)
    assert (found["scored"], found["refused"]) == (400, 0)


def test_a_sentinel_by_setting(call, tmp_path):
    rows = [f"{u},{-999 if n % 50 == 7 else y}" for n, (u, y) in enumerate(saw())]
    write(tmp_path / "a.csv", "\n".join(["u,load", *rows, ""]))
    assert score(call, "a.csv", "-y", "load", *SMALL, "--missing", "-999")[0]["scored"] == 392


def test_identifiers_keep_their_text(call, tmp_path):
    rows = [f"{'007' if n % 2 else '7'},{n % 5},{n % 5 + 10 * (n % 2)}" for n in range(60)]
    write(tmp_path / "d.csv", "\n".join(["device,u,load", *rows, ""]))
    write(
        tmp_path / "p.toml",
        """
        key = "device"
        source = {type = "file", path = "d.csv"}
        sink = {type = "file", path = "out.jsonl"}
        features = {target = "load"}
        estimator = {type = "regressor", cell = {type = "LSTM", units = 4}}
        metrics = {enabled = false}
        run = {copy = ["device", "u"]}
        """,
    )
    assert call("run", "p.toml")[0] == 0
    out = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [row["device"] for row in out[:3]] == ["7", "007", "7"]
    assert out[3]["u"] == "3"
    # Two keys: the second record of each is predicted with a state of its own.
    assert {row["device"] for row in out} == {"7", "007"}


def test_a_semicolon_file_three_ways(call, tmp_path):
    rows = [f"{n % 24};{20 + n % 24}" for n in range(100)]
    write(tmp_path / "s.csv", "\n".join(["hour;load", *rows, ""]))
    write(
        tmp_path / "s.toml",
        'source = {type = "file", path = "elsewhere.csv", delimiter = ";"}\n'
        'sink = {type = "stdout"}\nfeatures = {target = "load"}\n',
    )
    for options in ((), ("--set", "source.delimiter=;"), ("--config", "s.toml")):
        found, err = score(call, "s.csv", "-y", "load", *SMALL, *options)
        assert (found["task"], found["scored"]) == ("regression", 100)
        assert err.count("s.csv: columns between semicolons") == 1


def test_a_file_without_header_says_what_to_add(call, tmp_path):
    write(tmp_path / "n.csv", "\n".join(f"{n % 24},{20.5 + n % 24}" for n in range(50)) + "\n")
    status, _, err = call("evaluate", "n.csv", "-y", "load")
    assert status == 2
    assert "the file has no header: name its columns, such as --columns name1,name2" in err
    found, _ = score(call, "n.csv", "-y", "load", "--columns", "hour,load", *SMALL)
    assert found["scored"] == 50


def test_a_row_number_is_left_out_and_booleans_are_classes(call, tmp_path):
    rng, load, rows = random.Random(1), 50.0, []
    for n in range(300):
        load += rng.gauss(0, 1)
        rows.append(f"{n},2024-{1 + n // 28:02d}-{1 + n % 28:02d},{load:.2f}")
    write(tmp_path / "i.csv", "\n".join([",date,load", *rows, ""]))
    found, err = score(call, "i.csv", "-y", "load")
    assert "column1 counts the records and is left out" in err
    assert "date is the time" in err
    scores = found["scores"]
    assert scores["RecurrentForecaster"]["MAE"] < 1.02 * scores["last value"]["MAE"]
    lines = [json.dumps({"u": n % 7, "late": n % 7 > 3}) for n in range(100)]
    write(tmp_path / "b.jsonl", "\n".join([*lines, ""]))
    found, err = score(call, "b.jsonl", "-y", "late", *SMALL)
    assert found["task"] == "classification"
    assert "classifier: late is true or false" in err


def test_behind_the_last_value_there_is_a_word_on_what_to_try(call, tmp_path):
    rng, load, rows = random.Random(1), 50.0, []
    for _ in range(60):
        load += rng.gauss(0, 1)
        rows.append(f"{rng.random():.2f},{load:.2f}")
    write(tmp_path / "w.csv", "\n".join(["u,load", *rows, ""]))
    status, out, err = call("evaluate", "w.csv", "-y", "load", *SMALL)
    assert status == 0, err
    assert "is behind the last value here" in out
    assert "--estimator forecaster" in out


def misspelt():
    return [
        (["-y", "laod"], "--target laod: a.csv has no such field; did you mean 'load'?"),
        (["-y", "load", "-x", "Load_copy"], "did you mean 'load_copy'?"),
        (["-y", "load", "--key", "lod"], "did you mean 'load'?"),
        (["-y", "load", "--set", "features.lags={laod=[1]}"], "features.lags: 'laod'"),
        (["-y", "load", "--set", "features.include=['lode']"], "features.include: 'lode'"),
        (["-y", "load", "--set", "run.copy=['lode']"], "run.copy: 'lode'"),
        ([], "--target: name the field to predict; a.csv has u, load_copy, load"),
    ]


@pytest.mark.parametrize(("options", "message"), misspelt())
def test_misspelt_names_are_refused(call, tmp_path, options, message):
    write(tmp_path / "a.csv", "u,load_copy,load\n1,2,2\n2,3,3\n3,4,4\n")
    status, _, err = call("evaluate", "a.csv", *options)
    assert status == 2
    assert message in err


# Times ------------------------------------------------------------------------------------


def hourly(spell, count=600):
    """A load that depends on the hour, with times as *spell* writes them."""
    from datetime import datetime, timedelta

    rng, begin = random.Random(0), datetime(2024, 1, 1)
    moments = [begin + timedelta(hours=n) for n in range(count)]
    rows = [f"{spell(m)},{rng.random():.3f},{10 * (m.hour % 12 > 5):.1f}" for m in moments]
    return "\n".join(["time,u,load", *rows, ""])


FORMS = {
    "digits": "%Y%m%d%H",
    "slashes": "%Y/%m/%d %H:%M:%S",
    "day first": "%d/%m/%Y %H:%M",
    "dots": "%d.%m.%Y %H:%M",
    "utc": "%Y-%m-%d %H:%M:%S UTC",
    "american": "%m/%d/%Y %I:%M %p",
}


def test_times_in_many_forms_give_the_same_score(call, tmp_path):
    options = ("-y", "load", "--timestamp", "time", "--estimator", "regressor", *SMALL)
    lags = ("--set", "features.lags={load=[1]}")
    write(tmp_path / "iso.csv", hourly(lambda m: m.isoformat()))
    expected, err = score(call, "iso.csv", *options, *lags)
    assert "time: 600 times from 2024-01-01 to 2024-01-25 23:00, every 1 h, forwards" in err
    for name, form in FORMS.items():
        write(tmp_path / "a.csv", hourly(lambda m, form=form: m.strftime(form)))
        found, _ = score(call, "a.csv", *options, *lags)
        assert found["scores"] == expected["scores"], name
    for unit in (1, 1000):
        write(tmp_path / "a.csv", hourly(lambda m, unit=unit: int(unit * (m.timestamp()))))
        assert score(call, "a.csv", *options, *lags)[0]["scores"] == expected["scores"]


def test_backward_times_are_not_scored_silently(call, tmp_path):
    head, *rows = hourly(lambda m: m.isoformat(), 120).splitlines()
    write(tmp_path / "f.csv", "\n".join([head, *rows, ""]))
    write(tmp_path / "b.csv", "\n".join([head, *rows[::-1], ""]))
    options = ("-y", "load", "--timestamp", "time", "--estimator", "regressor", *SMALL)
    forwards, _ = score(call, "f.csv", *options)
    sorted_, err = score(call, "b.csv", *options)
    assert "backwards; read in the order of time (--as-it-is for theirs)" in err
    assert sorted_["scores"] == forwards["scores"]
    as_it_is, err = score(call, "b.csv", *options, "--as-it-is")
    assert as_it_is["scores"] != forwards["scores"]
    assert "every 1 h, backwards" in err


# Messages ---------------------------------------------------------------------------------


def test_messages_say_the_reason(call, tmp_path):
    write(tmp_path / "e.csv", "")
    assert "e.csv is empty: there is nothing to read" in call("evaluate", "e.csv", "-y", "y")[2]
    write(tmp_path / "h.csv", "u,y\n")
    assert "has a header and nothing below it" in call("evaluate", "h.csv", "-y", "y")[2]
    lines = [json.dumps({"meta": {"site": "a"}, "u": n % 7, "y": 2 * (n % 7)}) for n in range(60)]
    write(tmp_path / "n.jsonl", "\n".join([*lines, ""]))
    found, _ = score(call, "n.jsonl", "-y", "y", *SMALL)
    assert (found["scored"], found["refused"]) == (60, 0)
    found, _ = score(call, "n.jsonl", "-y", "meta.site", *SMALL)
    assert found["task"] == "classification"


def test_a_pipeline_warns_of_names_that_no_record_has(call, tmp_path, caplog):
    write(tmp_path / "a.csv", "\n".join(["u,load_copy,load", *["1,2,2"] * 60, ""]))
    write(
        tmp_path / "p.toml",
        """
        source = {type = "file", path = "a.csv"}
        sink = {type = "file", path = "out.jsonl"}
        features = {target = "load", exclude = ["Load_copy"], lags = {laod = [1]}}
        estimator = {type = "regressor", cell = {type = "LSTM", units = 4}}
        metrics = {enabled = false}
        run = {copy = ["iid"]}
        """,
    )
    assert call("run", "p.toml")[0] == 0
    for said in (
        "features.exclude: none of the first 60 records has a field 'Load_copy'; did you mean",
        "features.lags: none of the first 60 records has a field 'laod'; did you mean 'load'?",
        "run.copy: none of the first 60 records has a field 'iid'",
    ):
        assert said in caplog.text


# A time for every estimator ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "field"), [("forecaster", "at"), ("anomaly", "timestamp"), ("regressor", "at")]
)
def test_the_timestamp_reaches_every_estimator(tmp_path, kind, field):
    from stream_rnn.assembly.parts import task
    from stream_rnn.config import from_table
    from stream_rnn.service.task import Record

    table = {
        "source": {"type": "file", "path": "x.jsonl"},
        "sink": {"type": "stdout"},
        "features": {"timestamp": field} | ({} if kind == "anomaly" else {"target": "load"}),
        "estimator": {"type": kind},
    }
    made = task(from_table(table))
    values = [{field: f"2024-01-01T{n:02d}:00:00", "load": 1.0, "u": 2.0} for n in range(3)]
    xs, _ = made.rows.transform(values)
    if kind == "regressor":
        assert {name.partition(".")[0] for name in xs[0]} == {"day", "week", "u"}
    else:
        assert made.estimator.timestamp == field
        assert xs[1][field].isoformat() == "2024-01-01T01:00:00+00:00"
    bad = made.learn([Record({**values[0], field: "not a time"}, b"{}")])
    assert bad.counts["refused"] == 1
    assert "'not a time' is not a time; give ISO 8601" in bad.refused[0]["error"]
    table["estimator"] = {"type": "forecaster", "timestamp": "other"}
    with pytest.raises(ValueError, match=r"estimator\.timestamp = 'other': features\.timestamp is"):
        task(from_table(table))


# Entrances in Python ----------------------------------------------------------------------


@pytest.mark.parametrize("marker", [None, float("nan"), "NA", "", "pandas"])
def test_missing_values_are_the_same_at_every_entrance(marker):
    import pandas as pd

    from stream_rnn import LSTM, RecurrentClassifier, RecurrentRegressor

    marker = pd.NA if marker == "pandas" else marker
    models = [RecurrentRegressor(LSTM(4)) for _ in range(2)]
    for model, missing in zip(models, (None, marker)):
        model.learn_one({"u": 1.0}, 1.0)
        model.learn_one({"u": missing}, 2.0)
        model.learn_one({"u": 3.0}, missing)
    one, other = (model.snapshot().arrays for model in models)
    assert all((one[name] == other[name]).all() for name in one)
    frame = pd.DataFrame({"u": pd.Series([1.0, marker, 3.0], dtype=object)})
    table = RecurrentRegressor(LSTM(4))
    table.prequential(frame, [1.0, 2.0, marker])
    assert all((one[n] == array).all() for n, array in table.snapshot().arrays.items())
    classes = RecurrentClassifier(LSTM(4))
    classes.learn_one({"u": 1.0}, "a")
    classes.learn_one({"u": marker}, marker)
    assert list(classes.predict_proba_one({"u": 1.0})) == ["a"]


# Estimators without a target --------------------------------------------------------------


def test_evaluate_anomalies_and_several_series(call, tmp_path):
    rng = random.Random(0)
    rows = []
    for n in range(250):
        odd = n == 200
        rows.append(f"{n % 12 + rng.gauss(0, 0.1) + 30 * odd:.3f},{n % 6},{int(odd)}")
    write(tmp_path / "a.csv", "\n".join(["load,u,odd", *rows, ""]))
    found, _ = score(call, "a.csv", "-y", "odd", "--estimator", "anomaly")
    assert found["task"] == "anomaly detection"
    assert found["scores"]["RecurrentAnomalyDetector"]["ROC AUC"] > 0.9
    found, _ = score(call, "a.csv", "--estimator", "anomaly", "--limit", "60")
    assert found["scored"] == 60
    found, err = score(call, "a.csv", "-x", "odd", "--estimator", "multivariate", "--limit", "60")
    assert found["task"] == "multi-target regression"
    assert "load, u are forecast together" in err
    status, _, err = call("evaluate", "a.csv", "--estimator", "text")
    assert status == 2
    assert "--format text" in err


@pytest.mark.parametrize(
    ("options", "model", "said"),
    [
        ((), "StreamRegressor", "stream-regressor: y is a number beside u, zone"),
        (SMALL, "RecurrentRegressor", "no stream-regressor, for settings of the network are given"),
        (
            ("--key", "zone", "--set", "max_contexts=4"),
            "RecurrentRegressor",
            "no stream-regressor, for each key has a context of its own",
        ),
    ],
)
def test_a_number_beside_others_is_learned_by_a_mixture_unless_something_forbids_it(
    call, tmp_path, options, model, said
):
    us = [round(math.sin(n * n), 3) for n in range(150)]
    rows = [f"{u},{'ab'[n % 2]},{u * u + n % 2:.3f}" for n, u in enumerate(us)]
    write(tmp_path / "a.csv", "\n".join(["u,zone,y", *rows, ""]))
    found, err = score(call, "a.csv", "-y", "y", *options)
    assert model in found["model"], found["model"]
    assert said in err


def test_a_large_file_is_learned_by_one_network(tmp_path, monkeypatch):
    from stream_rnn.evaluation import choice
    from stream_rnn.evaluation.look import look

    (tmp_path / "a.csv").write_text("\n".join(["u,y", *(f"{n % 3},{n % 5}" for n in range(50))]))
    seen = look(str(tmp_path / "a.csv"), ["y"])
    assert seen.bytes == (tmp_path / "a.csv").stat().st_size
    assert choice.choose(seen, ["y"]).estimator == {"type": "stream-regressor"}
    large = choice.choose(seen._replace(bytes=choice.LARGE + 1), ["y"])
    assert large.estimator == {"type": "regressor"}
    assert "the file is large" in large.said
