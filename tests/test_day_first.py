"""Dates with a year of two digits, in every order that people write."""

import logging
from datetime import date, timedelta

import pytest

from connectors import times
from connectors.day_first import find_day_first
from stream_rnn.evaluation.order import find_order
from stream_rnn.features.clock import Clock
from stream_rnn.features.missing import Missing

ORDERS = {"year": "%y{0}%m{0}%d", True: "%d{0}%m{0}%y", False: "%m{0}%d{0}%y"}


def days(first, count, step):
    return [first + timedelta(days=step * n) for n in range(count)]


COLUMNS = {
    "a quarter, day by day": days(date(2024, 1, 1), 90, 1),
    "five days": days(date(2024, 1, 1), 5, 1),
    "two years": days(date(2022, 12, 30), 730, 1),
    "weeks": days(date(2023, 5, 3), 60, 7),
    "newest first": days(date(2024, 3, 1), 90, -1),
    "across 2000": days(date(1998, 1, 1), 900, 1),
    "the first of each month": [date(2001 + n // 12, n % 12 + 1, 1) for n in range(60)],
    "shuffled": [date(2024, 1, 1) + timedelta(days=37 * n % 120) for n in range(120)],
}


@pytest.mark.parametrize("mark", "-/.")
@pytest.mark.parametrize("order", list(ORDERS), ids=["year", "day", "month"])
@pytest.mark.parametrize("column", COLUMNS)
def test_the_data_decide(column, order, mark):
    if order is False and (mark == "." or column == "five days"):
        return  # dots say that the day is first; five days are five months as well
    expected = COLUMNS[column]
    written = [day.strftime(ORDERS[order].format(mark)) for day in expected]
    found = find_order(written)
    assert found is not None
    read = [times.read(text, found.day_first).date() for text in written]
    assert read == expected


@pytest.mark.parametrize(
    ("text", "day_first", "expected"),
    [
        ("99-01-05", None, date(1999, 1, 5)),  # nothing else is possible
        ("99.01.05", None, date(1999, 1, 5)),
        ("00/02/29", None, date(2000, 2, 29)),
        ("24-01-02", "year", date(2024, 1, 2)),
        ("24.01.02", "year", date(2024, 1, 2)),
        ("24-01-02", True, date(2002, 1, 24)),
        ("31/12/24", None, date(2024, 12, 31)),  # the habit
        ("12/31/24", None, date(2024, 12, 31)),
        ("31.12.24", None, date(2024, 12, 31)),
        ("12/31/99", "year", date(1999, 12, 31)),  # it cannot be
        ("31/12/2024", "year", date(2024, 12, 31)),
    ],
)
def test_a_date_alone(text, day_first, expected):
    assert times.read(text, day_first).date() == expected


def test_what_cannot_be_told_is_refused_with_what_to_set():
    with pytest.raises(times.WhichDay, match=r'set features.day_first = true or false, or "year"'):
        times.read("05-01-02")
    with pytest.raises(times.WhichDay, match=r"true or false$"):
        times.read("05-01-2002", "year")
    assert find_day_first(["05-01-02"]) is None


def test_a_service_says_once_how_it_reads_the_year(caplog):
    clock = Clock("at", lambda moment: {"day": moment.day}, False, Missing(), None)
    with caplog.at_level(logging.WARNING):
        for text in ("24-01-02", "24-01-03"):
            clock.add([{}], [text])
            clock.commit()
    (said,) = caplog.messages
    assert said == (
        "at: '24-01-02' is read as 2002-01-24; if the year comes first, "
        'set features.day_first = "year"'
    )
    caplog.clear()
    told = Clock("at", lambda moment: {"day": moment.day}, False, Missing(), "year")
    rows = [{}]
    told.add(rows, ["24-01-02"])
    assert rows == [{"day": 2}]
    assert not caplog.messages
