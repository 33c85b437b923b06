"""Dialects, numbers, times and files of further kinds, each read as it is or refused with a way."""

import json
import random
from datetime import datetime, timedelta

import pytest
import zstandard
from test_public_files import rows_of

from connectors import times
from connectors.base import SourceError
from connectors.lines.numbers import Numbers
from stream_rnn.cli.evaluate_config import Asked, configure
from stream_rnn.errors import ConfigError, suggest

RANDOM = random.Random(0)
ROWS = [(t, round(10 + RANDOM.gauss(0, 3), 1), round(RANDOM.gauss(0, 300), 1)) for t in range(60)]
TARGETS = [y for _, _, y in ROWS]
INPUTS = [u for _, u, _ in ROWS]


def table(line, header="u,y", end="\n"):
    return end.join([*([header] if header else []), *(line(*row) for row in ROWS), ""])


def usual(t, u, y):
    return f"{u},{y}"


def objects():
    return [{"u": u, "y": y} for _, u, y in ROWS]


def read(tmp_path, monkeypatch, name, content, target="y"):
    """What `evaluate` makes of a file: the configuration, features, targets."""
    monkeypatch.chdir(tmp_path)
    data = content if isinstance(content, bytes) else content.encode()
    (tmp_path / name).write_bytes(data)
    found = configure(Asked(name, (target,)))
    return found, *rows_of(found)


FILES = {
    "caret.csv": table(lambda t, u, y: f"{u}^{y}", "u^y"),
    "tilde.csv": table(lambda t, u, y: f"{u}~{y}", "u~y"),
    "broken-bar.csv": table(lambda t, u, y: f"{u}¦{y}", "u¦y"),
    "hive.csv": table(lambda t, u, y: f"{u}\x01{y}", "u\x01y"),
    "mysql.csv": table(lambda t, u, y: f'"say \\"hi\\", {t % 3}",{u},{y}', "note,u,y"),
    "books.csv": table(lambda t, u, y: f"{u},{y if y > 0 else f'({-y})'}"),
    "sap.csv": table(lambda t, u, y: f"{u},{y if y > 0 else f'{-y}-'}"),
    "typeset.csv": table(lambda t, u, y: f"{u},{y}".replace("-", "−")),
    "excel-text.csv": table(lambda t, u, y: f'="{u}",="{y}"'),
    "fortran.csv": table(lambda t, u, y: f"{u:.6e},{y:.6E}".replace("e", "D")),
    "put-together.csv": table(usual) + table(usual),
    "no-mark.csv": table(usual).encode("utf-16-le"),
    "utf-32.csv": table(usual).encode("utf-32"),
    "nothing": table(usual),
    "in-truth.json": table(usual),
    "in-truth.csv": "\n".join(map(json.dumps, objects())),
    "commas.jsonl": "".join(json.dumps(x) + ",\n" for x in objects()),
    "sequence.json": "".join("\x1e" + json.dumps(x) + "\n" for x in objects()),
    "log.dat": table(lambda t, u, y: f"  {u}   {y}", "u y"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_read_as_it_is(name, tmp_path, monkeypatch):
    found, xs, ys = read(tmp_path, monkeypatch, name, FILES[name])
    assert found.estimator["type"] == "stream-regressor"
    assert ys == pytest.approx(TARGETS * (len(ys) // len(TARGETS)))
    assert [x["u"] for x in xs[:60]] == pytest.approx(INPUTS)


@pytest.mark.parametrize("word", ["n.d.", "offline", "#N/A", "#REF!", "<0.1", "1.#QNAN", "…", "x"])
def test_a_word_for_what_is_missing_makes_no_classes(word, tmp_path, monkeypatch):
    """However often it stands there, from the first row on."""
    text = table(lambda t, u, y: f"{word if t % 7 == 0 else u},{word if t % 3 == 0 else y}")
    found, xs, ys = read(tmp_path, monkeypatch, "a.csv", text)
    assert found.estimator["type"] == "stream-regressor"
    assert ys == [None if t % 3 == 0 else y for t, _, y in ROWS]
    assert [x["u"] for x in xs] == [None if t % 7 == 0 else u for t, u, _ in ROWS]


@pytest.mark.parametrize(
    "classes", [("2", "1"), ("-1", "1"), ("ja", "nein"), ("t", "f"), ("1.0", "0.0"), ("007", "7")]
)
def test_two_values_are_classes(classes, tmp_path, monkeypatch):
    text = table(lambda t, u, y: f"{u},{classes[y > 0]}")
    found, _, ys = read(tmp_path, monkeypatch, "a.csv", text)
    assert found.estimator["type"] == "stream-classifier"
    assert ys == [classes[y > 0] for y in TARGETS]


def test_what_counts_is_left_out_from_any_number_on_up_or_down(tmp_path, monkeypatch):
    text = table(lambda t, u, y: f"{1001 + t},{60 - t},{2000 + 2 * t},{u},{y}", "row,left,even,u,y")
    _, xs, _ = read(tmp_path, monkeypatch, "a.csv", text)
    assert set(xs[0]) == {"even", "u"}


def test_digits_that_are_names_stay_names(tmp_path, monkeypatch):
    places, clocks = ("01234", "1234", "99999"), ("0030", "0915", "2345")
    text = table(
        lambda t, u, y: f"{places[t % 3]},{clocks[t % 3]},{t % 3:02d},{u},{y}", "zip,at,month,u,y"
    )
    _, xs, _ = read(tmp_path, monkeypatch, "a.csv", text)
    assert [x["zip"] for x in xs[:3]] == [*places]
    assert [(x["at"], x["month"]) for x in xs[:3]] == [(30, 0), (915, 1), (2345, 2)]


REFUSED = {
    "prices.csv": (table(lambda t, u, y: f"{u},{y:.1f}x{t}"), "say how they are written"),
    "a.parquet": (b"PAR1" + bytes(100), "is a Parquet file: python -c"),
    "book.csv": (b"PK\x03\x04" + bytes(26) + b"xl/workbook.xml", "is a workbook of a spreadsheet"),
    "old.xls": (b"\xd0\xcf\x11\xe0" + bytes(100), "save the sheet as CSV"),
    "page.csv": ("<!DOCTYPE html>\n<html></html>\n", "is a web page"),
    "base.dat": (b"SQLite format 3\0" + bytes(100), "export a table as CSV"),
    "columns.json": (json.dumps({"u": INPUTS, "y": TARGETS}), "orient='records', lines=True"),
    "rows.json": (json.dumps([[u, y] for _, u, y in ROWS]), "jq -r '.[] | @csv'"),
    "python.jsonl": ("\n".join(map(str, objects())), "write json.dumps"),
    "one-line.json": ("".join(map(json.dumps, objects())), "jq -c . makes lines"),
    "app.log": (table(lambda t, u, y: f"u={u} y={y}", None), "say --format csv if"),
    "names.csv": (table(usual, "U,Y"), "did you mean 'Y'?"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_names_the_way(name, tmp_path, monkeypatch):
    content, words = REFUSED[name]
    with pytest.raises((ConfigError, SourceError)) as refused:
        read(tmp_path, monkeypatch, name, content)
    assert words in str(refused.value)
    assert name in str(refused.value) or "--target" in str(refused.value)


def test_few_names_are_listed():
    known = [f"sensor{n}.value" for n in range(100)]
    assert suggest("load", known).endswith(" and 70 more")


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        *(("(1,234.5)", -1234.5), ("12-", -12), ("−3", -3), ('="007"', 7), ("1,23,456", 123456)),
        *(("(a)", None), ("7-8", None), ("1D2", None), ("--", None), ("()", None), ("-3-", None)),
    ],
)
def test_numbers_of_bookkeeping(cell, value):
    assert Numbers(thousands=",").read(cell) == value


QUARTER_PAST = "2024-02-01T00:15:00+00:00"
SPELLINGS = {
    QUARTER_PAST: (
        *("01/Feb/2024:00:15:00 +0000", "2024-02-01 00.15", "2024-02-01-00.15.00"),
        *("01FEB2024:00:15:00", "2024:02:01 00:15:00", "/Date(1706746500000)/"),
        *("Thu Feb  1 00:15:00 2024", "Thu Feb 1 00:15:00 UTC 2024", "1.7067465e9"),
        *("01.02.2024 00:15 - 01.02.2024 00:30", "2024-02-01T00:15:00Z/PT15M"),
        *("2024-02-01 00:15 - 00:30", "2024年2月1日 00:15", "1 févr. 2024 00:15"),
    ),
    "2024-02-01T00:15:00+01:00": (
        *("2024-02-01 00:15 CET", "2024-02-01T00:15:00[Europe/Berlin]"),
        *("2024-02-01T00:15:00+01:00[Europe/Berlin]", "2024-02-01 00:15 Europe/Berlin"),
    ),
    "2024-04-01T00:00:00+00:00": (
        *("2024Q2", "2024-Q2", "Q2 2024", "04/2024", "04.2024", "Apr 2024", "avril 2024"),
        *("1-Apr-24", "1 de abril de 2024", "1. April 2024"),
    ),
    "2024-07-01T00:00:00-04:00": ("2024-07-01 America/New_York", "2024-07-01 00:00 EDT"),
}


@pytest.mark.parametrize(("moment", "texts"), SPELLINGS.items())
def test_times_in_further_forms(moment, texts):
    assert {text: times.read(text).isoformat() for text in texts} == dict.fromkeys(texts, moment)


@pytest.mark.parametrize(
    "text", ["Jan  1 00:00:00", "2024Q5", "13/2024", "Foo 2024", "2024-01-01 00:00 XYZ", "1 - 2"]
)
def test_what_is_no_time_is_refused(text):
    with pytest.raises(times.NotATime):
        times.read(text)


# A day and its hour in two columns -------------------------------------------------------

BEGIN = datetime(2024, 1, 30)
TWO_COLUMNS = {
    "dots": ("%d.%m.%Y", "%H:%M", "day + clock is the time"),
    "iso": ("%Y-%m-%d 00:00:00", "%I:%M %p", "day + clock is the time"),
    "american": ("%m/%d/%Y", "%H:%M:%S", "day + clock is the time"),
    "digits": ("%Y%m%d", "%H%M", None),  # which nobody can tell from numbers
}


def dated(form, header):
    moments = [BEGIN + timedelta(hours=7 * t) for t in range(len(ROWS))]
    return table(lambda t, u, y: f"{moments[t].strftime(form)},{u},{y}", header)


@pytest.mark.parametrize("name", TWO_COLUMNS)
def test_a_day_and_its_hour_are_one_time(name, tmp_path, monkeypatch, capsys):
    day, clock, said = TWO_COLUMNS[name]
    _, expected, _ = read(tmp_path, monkeypatch, "one.csv", dated("%Y-%m-%d %H:%M", "at,u,y"))
    (tmp_path / "two.csv").write_text(dated(f"{day},{clock}", "day,clock,u,y"))
    given = "day + clock" if said is None else None
    found = configure(Asked("two.csv", ("y",), timestamp=given))
    assert found.features.time == "day + clock"
    assert (said or "") in capsys.readouterr().err
    assert rows_of(found)[0] == expected
    both = configure(Asked("two.csv", ("y",), overrides=("features.timestamp=['day', 'clock']",)))
    assert rows_of(both)[0] == expected


def test_a_time_that_has_its_hour_takes_no_other(tmp_path, monkeypatch):
    text = dated("%Y-%m-%d %H:%M,0%w:00", "at,shift,u,y")
    found, xs, _ = read(tmp_path, monkeypatch, "a.csv", text)
    assert found.features.time == "at"
    assert "shift" in xs[0]


def test_of_two_fields_that_tell_the_time_the_wrong_one_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text(dated("%Y-%m-%d,%H:%M", "day,clock,u,y"))
    with pytest.raises(ConfigError, match=r"--timestamp clok: .* did you mean 'clock'\?"):
        configure(Asked("a.csv", ("y",), timestamp="day + clok"))
    with pytest.raises(ConfigError, match="several are two, the field of the day"):
        configure(Asked("a.csv", ("y",), overrides=("features.timestamp=['day']",)))


def test_a_window_of_zstandard_as_long_as_there_is(tmp_path, monkeypatch):
    """As `zstd --long=31` writes when it does not know how much will come."""
    longest = zstandard.ZstdCompressionParameters.from_level(1, window_log=31)
    packed = zstandard.ZstdCompressor(compression_params=longest).compressobj()
    content = packed.compress(table(usual).encode()) + packed.flush()
    assert read(tmp_path, monkeypatch, "long.csv.zst", content)[2] == TARGETS
