"""Files as the public gives them, each with a defect or dialect of its own, read without a setting.

All tell the same: a plant's power by temperature, wind and weather.
"""

import bz2
import contextlib
import gzip
import io
import json
import lzma
import math
import random
import sys
import zipfile

import pytest
import zstandard

from connectors.base import SourceError
from connectors.files.source import FileSource
from stream_rnn.assembly.parts import open_source, task
from stream_rnn.cli import app as cli
from stream_rnn.cli.evaluate_config import Asked, configure
from stream_rnn.errors import ConfigError

COUNT = 60


def rows_of(config):
    """Features and targets of the records of a file that are sound, as the task makes them."""
    source, rows = open_source(config.source), task(config).rows
    read = []
    while not source.finished:
        read += [record for record in source.next_batch(1000, timeout=0) if record.error is None]
    source.close()
    return rows.transform([record.value for record in read], read[0].numbers)


def plant():
    rng = random.Random(1)
    for t in range(COUNT):
        temp, wind = round(10 + 8 * math.sin(t / 9), 1), round(abs(rng.gauss(0, 4)), 1)
        wet = rng.random() < 0.4
        power = round(1200 + 90 * temp - 35 * wind + 400 * wet, 1)
        yield t, temp, wind, "wet" if wet else "dry", power


ROWS = [*plant()]
POWER = [row[-1] for row in ROWS]


def lines(header, line, end="\n"):
    return end.join([*([header] if header is not None else []), *(line(*row) for row in ROWS), ""])


def german(x, digits=1):
    return f"{x:,.{digits}f}".translate(str.maketrans(",.", ".,"))


def usual(t, temp, wind, kind, power):
    return f"{temp},{wind},{kind},{power}"


def as_json(t, temp, wind, kind, power):
    return {"temp": temp, "wind": wind, "weather": kind, "power": power}


def zipped(name, data):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return held.getvalue()


HEADER = "temp,wind,weather,power"
PLAIN = lines(HEADER, usual).encode()
#: By name: the content; the field to predict; the features; words of what is said of it.
FILES = {
    "excel.csv": (
        ("\ufeffsep=;\r\n" + lines(
            "Tag;Temperatur;Wind;Wetter;Leistung",
            lambda t, a, b, c, p: f"{t};{german(a)};{german(b)};{c};{german(p)}", "\r\n",
        )).encode(),
        "Leistung", ("Temperatur", "Wind", "Wetter"), "decimal mark ',', thousands '.'",
    ),
    "report.csv": (
        ("Energy report\nSource: the plant\n\n" + lines(
            "temp,wind,weather,power\n°C,m/s,,kW", usual
        ) + f"Total,,,{sum(POWER):.1f}\n\nSource: own calculation\n").encode(),
        "power", ("temp", "wind", "weather"), "3 lines before the header, 2 header rows",
    ),
    "twice.csv": (
        lines("temp,wind,temp,power", lambda t, a, b, c, p: f"{a},{b},{a * 1.8 + 32:.1f},{p}"),
        "power", ("temp", "wind", "temp_2"), "",
    ),
    "utf-16.txt": (
        lines(HEADER, usual).replace(",", "\t").encode("utf-16"),
        "power", ("temp", "wind", "weather"), "columns between tabs",
    ),
    "macintosh.csv": (
        lines(HEADER, usual, "\r"), "power", ("temp", "wind", "weather"), "",
    ),
    "nested.json": (
        json.dumps([
            {"at": {"day": t}, "weather": {"temp": a, "kind": c}, "gusts": [b], "power": p}
            for t, a, b, c, p in ROWS
        ], indent=2),
        "power", ("weather.temp", "weather.kind"), "lists left out: gusts",
    ),
    "changing.jsonl": (
        lines(None, lambda *row: json.dumps(
            {k: v for k, v in as_json(*row).items() if row[0] > 20 or k != "wind"}
        )),
        "power", ("temp", "weather", "wind"), "",
    ),
    "day.csv.gz": (gzip.compress(PLAIN), "power", ("temp", "wind", "weather"), ""),
    "day.csv.zst": (
        zstandard.ZstdCompressor().compress(PLAIN), "power", ("temp", "wind", "weather"), "",
    ),
    "day.csv.bz2": (bz2.compress(PLAIN), "power", ("temp", "wind", "weather"), ""),
    "day.jsonl.xz": (
        lzma.compress(lines(None, lambda *row: json.dumps(as_json(*row))).encode()),
        "power", ("temp", "wind", "weather"), "",
    ),
    "day.csv.zip": (zipped("day.csv", PLAIN), "power", ("temp", "wind", "weather"), ""),
    "download.zip": (zipped("data/day.csv", PLAIN), "power", ("temp", "wind", "weather"), ""),
    "null.csv": (
        lines(HEADER, lambda t, a, b, c, p: usual(
            t, "NULL" if t % 9 == 0 else a, "(null)" if t % 11 == 0 else b, c, p
        )),
        "power", ("temp", "wind", "weather"), "",
    ),
    "offline.csv": (  # a word of its own for what is missing, in the very first row too
        lines(HEADER, lambda t, a, b, c, p: usual(t, "offline" if t % 20 == 0 else a, b, c, p)),
        "power", ("temp", "wind", "weather"), "'offline' in temp is missing",
    ),
    "quoted.csv": (
        lines("temp,note,weather,power",
              lambda t, a, b, c, p: f'{a},"""{t}"" it says,\nand more",{c},{p}'),
        "power", ("temp", "weather"), "text columns left out: note",
    ),
    "epoch.csv": (
        lines("time,temp,wind,power",
              lambda t, a, b, c, p: f"{1_700_000_000_000 + 3_600_000 * t},{a},{b},{p}"),
        "power", ("temp", "wind"), "time is the time",
    ),
    "money.csv": (
        lines("share,price,weather,power",
              lambda t, a, b, c, p: f'{a}%,"${b * 1000:,.2f}",{c},"{p:,.1f} kW"'),
        "power", ("share", "price", "weather"), "thousands ',', numbers with %, $, kW",
    ),
    "euro.csv": (
        lines("anteil;preis;leistung",
              lambda t, a, b, c, p: f"{german(a)} %;{german(b * 1000, 2)} €;{german(p)}"),
        "leistung", ("anteil", "preis"), "decimal mark ',', thousands '.', numbers with %, €",
    ),
    "yes-no.csv": (
        lines("temp,wet,hot,power", lambda t, a, b, c, p: (
            f"{a},{'yes' if c == 'wet' else 'no'},{'TRUE' if a > 12 else 'FALSE'},{p}"
        )),
        "power", ("temp", "wet", "hot"), "",
    ),
    "index.csv": (  # as pandas writes it, with a column that nobody has named
        lines(",temp,wind,,power", lambda t, a, b, c, p: f"{t},{a},{b},,{p}"),
        "power", ("temp", "wind", "column4"), "column1 counts the records and is left out",
    ),
    "mixed.csv": (
        lines("room,temp,level,power", lambda t, a, b, c, p: (
            f"{('101', '102', 'B12')[t % 3]},{a},{'low' if b < 3 else round(b)},{p}"
        )),
        "power", ("room", "temp", "level"), "room, level as what each value has meant",
    ),
    "empty.csv": (
        lines("temp,reserved,wind,comment,power,", lambda t, a, b, c, p: f"{a},,{b},,{p},"),
        "power", ("temp", "reserved", "wind", "comment"), "a delimiter too many at the end",
    ),
    "umlauts.csv": (
        lines("Außentemperatur (°C),Windstärke,Größe,power", usual).encode("cp1252"),
        "power", ("Außentemperatur (°C)", "Windstärke", "Größe"), "Windows-1252",
    ),
    "fixed.txt": (
        lines(f"{'temp':>8}{'wind':>8}{'power':>10}",
              lambda t, a, b, c, p: f"{a:8.2f}{b:8.2f}{p:10.1f}"),
        "power", ("temp", "wind"), "columns between spaces",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_read_as_it_is(name, tmp_path, monkeypatch, capsys):
    """Every target is the right number, and every feature is one to the estimator."""
    content, target, features, said = FILES[name]
    monkeypatch.chdir(tmp_path)
    data = content if isinstance(content, bytes) else content.encode()
    (tmp_path / name).write_bytes(data)
    found = configure(Asked(name, (target,)))
    told = capsys.readouterr().err
    assert said in told
    assert found.estimator["type"] == "stream-regressor"
    xs, ys = rows_of(found)
    assert ys[:COUNT] == pytest.approx(POWER)
    met = {field for x in xs[:COUNT] for field in x if not field.startswith(("day.", "week."))}
    assert met == {*features}


def read_all(path):
    source, found = FileSource(str(path)), []
    try:
        while not source.finished:
            found += [record.value for record in source.next_batch(1000, timeout=0)]
    finally:
        source.close()
    return found


def test_a_yes_or_no_is_a_class(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rows = lines("temp,power,wet", lambda t, a, b, c, p: f"{a},{p},{'Y' if c == 'wet' else 'N'}")
    (tmp_path / "a.csv").write_text(rows)
    assert configure(Asked("a.csv", ("wet",))).estimator["type"] == "stream-classifier"


def test_the_whole_way_once(tmp_path, monkeypatch, capfd):
    """Through the command, with what is chosen."""
    monkeypatch.chdir(tmp_path)
    content, target, *_ = FILES["money.csv"]
    (tmp_path / "money.csv").write_text(content)
    monkeypatch.setattr(sys, "argv", ["x", "evaluate", "money.csv", "-y", target, "--json"])
    with contextlib.suppress(SystemExit):
        cli.main()
    found = json.loads(capfd.readouterr().out)
    assert (found["task"], found["scored"], found["refused"]) == ("regression", COUNT, 0)
    scores = found["scores"]
    assert scores["StreamRegressor"]["MAE"] < 0.9 * scores["last value"]["MAE"]


def test_the_answer_of_a_service_is_refused_with_what_makes_it_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    inner = [as_json(*row) for row in ROWS]
    (tmp_path / "api.json").write_text(json.dumps({"status": "ok", "results": inner}))
    with pytest.raises(ConfigError, match=r"jq -c '\.results\[\]' api\.json > api\.jsonl"):
        configure(Asked("api.json", ("power",)))
    (tmp_path / "api.jsonl").write_text("".join(json.dumps(x) + "\n" for x in inner))
    assert rows_of(configure(Asked("api.jsonl", ("power",))))[1] == POWER


def test_an_archive_of_several_files_is_refused_by_their_names(tmp_path):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("a.csv", PLAIN)
        archive.writestr("b.csv", PLAIN)
    (tmp_path / "two.csv.zip").write_bytes(held.getvalue())
    with pytest.raises(SourceError, match=r"holds 2 files \(a.csv, b.csv, …\); unpack the one"):
        read_all(tmp_path / "two.csv.zip")


@pytest.mark.parametrize("name", ["day.csv.bz2", "day.jsonl.xz", "day.csv.zip"])
def test_a_compressed_file_goes_on_where_it_was_left_and_a_cut_one_is_told(name, tmp_path):
    path = tmp_path / name
    path.write_bytes(FILES[name][0])
    whole = read_all(path)
    source = FileSource(str(path))
    first = [record.value for record in source.next_batch(17, timeout=0)]
    again = FileSource(str(path))
    again.restore(source.snapshot())
    assert first + [record.value for record in again.next_batch(1000, timeout=0)] == whole
    source.close()
    again.close()
    path.write_bytes(FILES[name][0][:-40])
    with pytest.raises(SourceError, match=r"damaged or cut off|cannot be opened as an archive"):
        read_all(path)
