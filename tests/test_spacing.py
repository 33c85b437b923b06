"""The spacing of times: what comes next, and what is missing in between."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import hypothesis.strategies as st
import pytest
from hypothesis import given

from stream_rnn.errors import BadRecord
from stream_rnn.estimators.series_clock import SeriesClock, from_arrays, to_arrays
from stream_rnn.features.spacing import WEEKDAYS, Spacing, find_spacing, instant

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")


def days(*texts):
    return [datetime.fromisoformat(text) for text in texts]


@pytest.mark.parametrize(
    ("times", "follow"),
    [
        (days("2023-11-30", "2023-12-31", "2024-01-31"), days("2024-02-29", "2024-03-31")),
        (days("2023-11-30", "2023-12-30", "2024-01-30"), days("2024-02-29", "2024-03-30")),
        (days("2024-01-01", "2024-02-01"), days("2024-03-01", "2024-04-01")),
        (days("2023-06-30", "2023-09-30", "2023-12-31"), days("2024-03-31", "2024-06-30")),
        (days("2022-02-28", "2023-02-28"), days("2024-02-29", "2025-02-28")),
        (days("2020-02-29", "2021-02-28", "2022-02-28"), days("2023-02-28", "2024-02-29")),
        (days("2024-01-31", "2024-02-29", "2024-03-29"), days("2024-04-30", "2024-05-31")),
        (days("2024-05-01", "2024-06-03", "2024-07-01"), days("2024-08-01", "2024-09-02")),
        (days("2023-12-15", "2024-01-15", "2024-05-15", "2024-06-15"), days("2024-07-15")),
        (days("2024-02-01", "2024-02-29"), days("2024-03-28", "2024-04-25")),  # 28 days
        (days("2024-02-27", "2024-02-28"), days("2024-02-29", "2024-03-01")),
        (days("2024-01-04", "2024-01-05", "2024-01-08"), days("2024-01-09")),
        (days("2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04"), days("2024-01-05")),
        (days("2024-01-07", "2024-01-14", "2024-01-28"), days("2024-02-04")),  # weeks, one gap
        ([1, 2, 3, 7], [8, 9]),
        ([2010, 2015, 2020], [2025]),
    ],
)
def test_what_comes_next(times, follow):
    spacing = find_spacing(times)
    assert [spacing.after(times[-1], k) for k in range(1, len(follow) + 1)] == follow


def test_working_days_go_over_weekends():
    times = days("2024-01-03", "2024-01-04", "2024-01-05", "2024-01-08", "2024-01-09")
    spacing = find_spacing(times)
    assert spacing.week == WEEKDAYS
    ahead = [spacing.after(times[-1], k).weekday() for k in range(1, 10)]
    assert ahead == [2, 3, 4, 0, 1, 2, 3, 4, 0]
    assert spacing.steps(times[0], times[3]) == 3
    sunday_to_thursday = [
        d for n in range(21) if (d := datetime(2024, 1, 7 + n)).weekday() not in (4, 5)
    ]
    assert find_spacing(sunday_to_thursday).after(datetime(2024, 1, 25)) == datetime(2024, 1, 28)


@pytest.mark.parametrize("zone", [BERLIN, NEW_YORK])
def test_days_keep_their_hour_and_hours_their_length(zone):
    change = date(2024, 3, 31) if zone is BERLIN else date(2024, 3, 10)
    noons = [
        datetime(change.year, change.month, change.day, 12, tzinfo=zone) - timedelta(n)
        for n in (3, 2, 1)
    ]
    ahead = [find_spacing(noons).after(noons[-1], k) for k in (1, 2)]
    assert [t.hour for t in ahead] == [12, 12]
    assert instant(ahead[0]) - instant(noons[-1]) == timedelta(hours=23)
    start = datetime(change.year, change.month, change.day, tzinfo=zone)
    hours = [start - timedelta(hours=n) for n in (3, 2, 1)]
    ahead = [find_spacing(hours).after(hours[-1], k) for k in range(1, 5)]
    assert [t.hour for t in ahead] == [0, 1, 3, 4]


def test_the_hour_that_comes_twice_is_two():
    clock = SeriesClock()
    begin = datetime(2024, 10, 26, 22, tzinfo=UTC)
    times = [(begin + timedelta(hours=n)).astimezone(BERLIN) for n in range(5)]
    assert [clock.take(t) for t in times] == [0] * 5
    assert [t.hour for t in times] == [0, 1, 2, 2, 3]
    assert clock.next(1)[0].hour == 4


def test_a_daily_time_that_does_not_exist_is_the_one_after_the_gap():
    times = [datetime(2024, 3, d, 2, 30, tzinfo=BERLIN) for d in (28, 29, 30)]
    first, second = (find_spacing(times).after(times[-1], k) for k in (1, 2))
    assert (first.hour, first.minute) == (3, 30)
    assert (second.hour, second.minute) == (2, 30)


def test_gaps_are_counted_and_weekends_are_none():
    clock = SeriesClock()
    times = days("2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05")
    times += days("2024-01-08", "2024-01-09", "2024-01-11", "2024-01-12", "2024-01-15")
    assert [clock.take(t) for t in times] == [0, 0, 0, 0, 0, 0, 0, 1, 0, 0]
    months = SeriesClock()
    times = days("2024-01-31", "2024-02-29", "2024-03-31", "2024-06-30")
    assert [months.take(t) for t in times] == [0, 0, 0, 2]


def test_times_that_jitter_have_no_gaps():
    clock = SeriesClock()
    begin = datetime(2024, 1, 1)
    seconds = [0, 61, 119, 182, 240, 299, 361]
    assert [clock.take(begin + timedelta(seconds=s)) for s in seconds] == [0] * 7
    assert clock.next(1)[0] - begin == timedelta(seconds=361 + 61)


def test_what_comes_again_or_before_is_refused():
    clock = SeriesClock()
    clock.take(datetime(2024, 1, 2))
    with pytest.raises(BadRecord, match="two values at 2024-01-02"):
        clock.take(datetime(2024, 1, 2))
    with pytest.raises(BadRecord, match="is before"):
        clock.take(datetime(2024, 1, 1))
    assert clock.count == 1
    with pytest.raises(ValueError, match="at least two"):
        clock.next(1)
    assert clock.next(1, Spacing("day", 2)) == [datetime(2024, 1, 4)]


@pytest.mark.parametrize("zone", [None, BERLIN, "whole", "number"])
def test_a_clock_comes_back(zone):
    clocks = [SeriesClock(), SeriesClock()]
    for n in range(60):
        t = {"whole": 10**18 + n, "number": n / 4}.get(
            zone if isinstance(zone, str) else "", datetime(2024, 3, 30, 20) + timedelta(hours=n)
        )
        if zone is BERLIN:
            t = t.replace(tzinfo=UTC).astimezone(BERLIN)
        clocks[1].take(t)
    back = from_arrays(to_arrays(clocks), zone)
    for one, other in zip(clocks, back, strict=True):
        assert list(one.times) == list(other.times)
        assert one.spacing == other.spacing
        assert one.count == other.count
    assert back[1].next(3) == clocks[1].next(3)
    assert type(back[1].next(1)[0]) is type(clocks[1].next(1)[0])


@given(
    st.sampled_from(["month", "day", "second"]),
    st.integers(1, 12),
    st.dates(date(1990, 1, 1), date(2090, 1, 1)),
    st.sampled_from([None, BERLIN, NEW_YORK]),
    st.integers(3, 12),
)
def test_a_regular_series_goes_on_as_it_was(unit, size, begin, zone, count):
    first = datetime(begin.year, begin.month, min(begin.day, 28), 12, tzinfo=zone)
    spacing = Spacing(unit, size * 60.0 if unit == "second" else size, first.day)
    times = [spacing.after(first, k) for k in range(count + 3)]
    found = find_spacing(times[:count])
    assert [found.after(times[count - 1], k) for k in (1, 2, 3)] == times[count:]
    assert found.steps(times[0], times[-1]) == len(times) - 1
