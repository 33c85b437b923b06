"""Time as cycles."""

from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.times import seconds
from stream_rnn.features.calendar import Calendar, wall_days


@given(st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)))
def test_all_notations_of_a_moment_agree(moment):
    calendar = Calendar("day", "week", "year")
    expected = calendar(moment)
    seconds = moment.replace(tzinfo=UTC).timestamp()
    for other in (
        moment.isoformat(),
        str(moment),
        np.datetime64(moment),
        moment.replace(tzinfo=UTC),
    ):
        assert calendar(other) == pytest.approx(expected, abs=1e-6)
    if 1980 <= moment.year < 2100:  # what a number may be
        assert calendar(seconds) == pytest.approx(expected, abs=1e-5)


@given(st.datetimes(datetime(1950, 1, 1), datetime(2050, 1, 1)), st.integers(1, 3))
def test_columns_are_the_angles_of_the_clock(moment, k):
    row = Calendar(f"day:{k}", f"week:{k}")(moment)
    day = (
        moment.hour * 3600 + moment.minute * 60 + moment.second + moment.microsecond / 1e6
    ) / 86400
    week = (moment.weekday() + day) / 7
    for name, share in (("day", day), ("week", week)):
        turn = np.exp(2j * np.pi * k * share)
        assert row[f"{name}.cos{k}"] == pytest.approx(turn.real, abs=1e-6)
        assert row[f"{name}.sin{k}"] == pytest.approx(turn.imag, abs=1e-6)


def test_a_time_with_an_offset_counts_by_its_own_clock():
    local = datetime(2020, 5, 1, 8, tzinfo=timezone(timedelta(hours=9)))
    assert wall_days(local) == wall_days("2020-05-01T08:00")
    assert wall_days(date(2020, 5, 1)) == wall_days("2020-05-01T00:00:00Z")


def test_epochs_in_smaller_units():
    for unit in (1, 1e3, 1e6, 1e9):
        assert seconds(1.6e9 * unit) == pytest.approx(1.6e9)


@pytest.mark.parametrize("value", ["soon", None, float("nan"), True, [], "2020-13-01"])
def test_what_is_no_time_is_refused(value):
    with pytest.raises(ValueError, match="is not a time; give ISO 8601"):
        Calendar("day")(value)


@pytest.mark.parametrize("cycle", ["hour", "day:x", "day:-1", ""])
def test_unknown_cycles_are_refused(cycle):
    with pytest.raises(ValueError, match="is not a cycle; choose from day, week, year"):
        Calendar(cycle)
