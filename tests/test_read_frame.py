"""A file as a data frame, read as everywhere."""

from datetime import date, datetime

import pandas as pd
import polars as pl
import pytest

from connectors.base import SourceError
from stream_rnn import FrameForecaster, read_frame
from stream_rnn.errors import ConfigError

NUISANCE = """\
Umsatz je Filiale;;;
Stand: 31.12.2024;;;
Datum;Filiale;Umsatz;offen
EUR;;EUR;
01/02/2024;007;1.234,50;ja
02/02/2024;007;n/a;ja
05/02/2024;007;12,50;ja
06/02/2024;008;NA;ja
07/02/2024;007;11,75;
13/02/2024;008;99,25;nein
"""


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "umsatz.csv"
    file.write_text(NUISANCE, encoding="cp1252")
    return file


def test_what_a_spreadsheet_exports(path):
    found = read_frame(path, backend="pandas", missing=["n/a", "NA", ""])
    assert found.columns.tolist() == ["Datum", "Filiale", "Umsatz", "offen"]
    assert [str(day.date())[-5:] for day in found["Datum"]] == [
        *("02-01", "02-02", "02-05", "02-06", "02-07", "02-13"),
    ]
    assert found["Umsatz"].dropna().tolist() == [1234.5, 12.5, 11.75, 99.25]
    assert found["Umsatz"].isna().tolist() == [False, True, False, True, False, False]
    assert found["offen"].tolist()[-1] == "nein"
    assert pd.isna(found["offen"][4])


@pytest.mark.parametrize("library", ["polars", "pyarrow", "pandas"])
def test_each_library_has_the_same_values(path, library):
    found = read_frame(path, backend=library, missing=["n/a", "NA", ""])
    assert type(found).__module__.split(".")[0] == library
    values = found["Umsatz"].to_pylist() if library == "pyarrow" else list(found["Umsatz"])
    assert values[0] == 1234.5
    days = found["Datum"].to_pylist() if library == "pyarrow" else list(found["Datum"])
    assert str(days[5])[:10] == "2024-02-13"


def test_nested_json_and_times_with_offsets(tmp_path):
    file = tmp_path / "rows.jsonl"
    file.write_text(
        '{"t": "2024-01-01T00:00:00+02:00", "meta": {"site": "Ulm"}, "n": 1, "up": true}\n'
        'what is this?\n{"t": "2024-01-01T01:00:00+02:00", "n": null, "up": false, "x": 2.5}\n'
    )
    with pytest.warns(UserWarning, match="1 of 3 records are left out, for example: .*JSON"):
        found = read_frame(file, backend="polars")
    assert found.columns == ["t", "n", "up", "meta.site", "x"]
    assert found["t"][0].isoformat() == "2023-12-31T22:00:00+00:00"
    assert found["n"].to_list() == [1.0, None]
    assert found["up"].to_list() == [True, False]
    assert found["meta.site"].to_list() == ["Ulm", None]


def test_what_cannot_be_read_is_said(tmp_path, path):
    empty = tmp_path / "empty.csv"
    empty.write_text("a,b\n")
    with pytest.raises(SourceError, match="nothing to read"):
        read_frame(empty)
    with pytest.raises(ConfigError, match="backend: 'excel'"):
        read_frame(path, backend="excel")


def test_days_are_dates_and_hours_times(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("day,hour,n\n2024-01-01,2024-01-01 00:00,1\n2024-01-02,2024-01-01 01:00,2\n")
    found = read_frame(file, backend="polars")
    assert found["day"].to_list() == [date(2024, 1, 1), date(2024, 1, 2)]
    assert found["hour"].to_list()[1] == datetime(2024, 1, 1, 1)
    assert found.schema["n"] == pl.Int64
    made = FrameForecaster(time="day", target="n").learn(found.drop("hour")).forecast(1)
    assert made["day"].to_list() == [date(2024, 1, 3)]
