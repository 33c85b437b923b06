"""Times as people write them: the one reader of times for records, labels and calendars.

ISO 8601 in its forms (a month alone, a week, a day of the year, 24:00), digits (2024010107),
slashes, dots and dashes with the day or the month first, names of months, AM and PM, "UTC",
quarters, epoch seconds, milliseconds, microseconds and nanoseconds, and Excel's serial days.
Of an interval, "00:00 - 00:15", the beginning is its time.

A number is an epoch only if its year is plausible, `FIRST` to `LAST`.  A time with an offset
keeps it; one without is UTC.

>>> for text in ("2024-01", "2024-W05-1", "2024010107", "31.12.2024 24:00", 1704067200_000):
...     print(read(text))
2024-01-01 00:00:00+00:00
2024-01-29 00:00:00+00:00
2024-01-01 07:00:00+00:00
2025-01-01 00:00:00+00:00
2024-01-01 00:00:00+00:00
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from math import isfinite
from typing import Any, Literal

from . import time_forms as forms

FIRST, LAST = 1980, 2100  # years of an epoch
LATEST = 7_258_118_400.0  # the year 2200 as an epoch: a later time is a mistake
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LOW = (datetime(FIRST, 1, 1, tzinfo=UTC) - _EPOCH).total_seconds()
_HIGH = (datetime(LAST, 1, 1, tzinfo=UTC) - _EPOCH).total_seconds()
_UNITS = (1.0, 1e3, 1e6, 1e9)  # of epochs, in a second
_EXCEL = datetime(1899, 12, 30, tzinfo=UTC)  # its day 0
FORMS = "ISO 8601 (2014-07-01T00:30:00), epoch seconds or milliseconds, or such as 31.12.2014 23:30"


class NotATime(ValueError):
    """A value that is no time; the message says what would be one."""


class WhichDay(NotATime):
    """A time of which the day could be the month."""


Order = bool | Literal["year"]  # the day is first, the month, or a year of two digits
First = Order | None  # None where that is not known


def read(value: Any, day_first: First = None) -> datetime:
    """The moment *value*, with its offset, UTC if it has none; raises `NotATime`.

    *day_first* decides what 01/02/2024 is; without it such a time is refused, and one with
    dots has the day first, as is the habit where dots are used.  "year" says that in 24-01-02
    the year is first; without it that is so only where nothing else is possible, as in 99-01-02.

    >>> read("02/01/2024 3:05 PM", day_first=False).isoformat()
    '2024-02-01T15:05:00+00:00'
    >>> read(17)
    Traceback (most recent call last):
    ...
    connectors.times.NotATime: 17 is not a time; give ISO 8601 (2014-07-01T00:30:00), epoch \
seconds or milliseconds, or such as 31.12.2014 23:30
    """
    if isinstance(value, str):
        return _of_text(value, day_first)
    if hasattr(value, "astype") and hasattr(value, "dtype") and value.dtype.kind == "M":
        value = value.astype("datetime64[us]").item()  # numpy.datetime64
    if isinstance(value, datetime) and value == value:
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date) and value == value:
        return datetime.combine(value, time(), UTC)
    try:
        return _of_number(value)
    except (TypeError, ValueError, OverflowError):
        raise _refused(value) from None


def seconds(value: Any, day_first: First = None, relative: bool = False) -> float:
    """The same as seconds since 1970; raises `NotATime`.

    With *relative* a number that is no epoch counts as seconds since whenever.

    >>> seconds("1970-01-01T00:01:00"), seconds(60, relative=True)
    (60.0, 60.0)
    """
    if relative and isinstance(value, int | float | str) and not isinstance(value, bool):
        try:
            number = float(value)
            if isfinite(number) and "_" not in str(value):
                return _as_number_of_seconds(value, number)
        except (ValueError, OverflowError):
            pass
    return (read(value, day_first) - _EPOCH).total_seconds()


def _as_number_of_seconds(value: int | float | str, number: float) -> float:
    """An epoch where *value* is one, else the *number* itself."""
    try:
        moment = _of_text(value, None) if isinstance(value, str) else _of_number(value)
    except ValueError:
        return number
    return (moment - _EPOCH).total_seconds()


def looks_like(text: str) -> bool:
    """Whether *text* is a time for the eye: by more than its digits."""
    if text.strip().isdigit():
        return False
    try:
        read(text, day_first=True)
    except NotATime:
        return False
    return True


def _refused(value: Any) -> NotATime:
    return NotATime(f"{value!r} is not a time; give {FORMS}")


def _of_text(text: str, day_first: First) -> datetime:
    plain = text.strip()
    try:
        if _is_plain_iso(plain):
            try:
                moment = datetime.fromisoformat(plain)
                return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            except ValueError:
                pass
        if not plain.isascii():
            plain = forms.ascii_of(plain)
        for form in forms.ALL:
            found = form(plain)
            if found is not None and not (form is forms.BASIC and not found["hour"]):
                return _moment(_day_of(found.groupdict(), day_first, text), found.groupdict())
        if forms.DIGITS(plain) or _NUMBER(plain):
            return _of_number(float(plain) if _FLOAT(plain) else int(plain))
        if (found := forms.DOT_NET(plain)) is not None:
            return _of_number(int(found[1]))
        if (begin := forms.begin_of(plain)) is not None:
            return _of_text(begin, day_first)
    except WhichDay:
        raise
    except (ValueError, OverflowError):
        pass
    raise _refused(text)


_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE]\+?\d+)?", re.ASCII).fullmatch
_FLOAT = re.compile(r"[.eE]").search


def _is_plain_iso(plain: str) -> bool:
    """Whether Python may read it: it takes 00.15 for a part of an hour."""
    if not plain[:1].isdigit() or plain[4:5] != "-":
        return False
    return plain[13:14] != "." and not plain[10:].startswith(("T24", " 24"))


def _day_of(found: dict[str, Any], day_first: First, text: str) -> date:
    year = _year_of(found["year"] or found["short"])
    if "quarter" in found:
        return date(year, 3 * int(found["quarter"]) - 2, 1)
    if "week" in found:
        return date.fromisocalendar(year, int(found["week"]), int(found["weekday"] or 1))
    if "yearday" in found:
        day = date(year, 1, 1) + timedelta(days=int(found["yearday"]) - 1)
        if day.year != year:
            raise ValueError
        return day
    if "name" in found:
        return date(year, forms.month_of(found["name"]), int(found.get("day") or 1))
    if "a" not in found:
        return date(year, int(found["month"]), int(found.get("day") or 1))
    order = _order_of(found, day_first, text)
    first, second = int(found["a"]), int(found["b"])
    if order == "year":
        return date(_year_of(found["a"]), second, int(found["year"]))
    return date(year, second, first) if order else date(year, first, second)


def _year_of(written: str) -> int:
    year = int(written)
    return year if len(written) > 2 else year + (2000 if year < 70 else 1900)


def possible_orders(found: Mapping[str, Any]) -> list[Order]:
    """What may come first in a date that `forms.YEAR_LAST` has found; with dots not the month.

    >>> [possible_orders(forms.YEAR_LAST(day)) for day in ("13/02/2024", "24-01-02", "99.1.02")]
    [[True], [True, 'year'], ['year']]
    """
    first, second, last = int(found["a"]), int(found["b"]), found["year"]
    possible: list[Order] = []
    if 1 <= first <= 31 and 1 <= second <= 12:
        possible.append(True)
    if 1 <= first <= 12 and 1 <= second <= 31 and found["mark"] != ".":
        possible.append(False)
    if len(found["a"]) == len(last) == 2 and 1 <= second <= 12 and 1 <= int(last) <= 31:
        possible.append("year")
    return possible


def _order_of(found: dict[str, Any], day_first: First, text: str) -> First:
    """What comes first: as asked for if that is possible; raises ValueError if nothing is."""
    possible = possible_orders(found)
    if not possible:
        raise ValueError
    if day_first in possible:
        return day_first
    if possible[:2] == [True, False] and int(found["a"]) != int(found["b"]):
        year = ', or "year"' if "year" in possible else ""
        raise WhichDay(
            f"{text!r} may have the day or the month first; "
            f"set features.day_first = true or false{year}"
        )
    return possible[0]


def _moment(day: date, found: dict[str, Any]) -> datetime:
    """The *day* at the time of day that was *found*; raises ValueError if there is none such."""
    hour, minute, second = (int(found.get(part) or 0) for part in ("hour", "minute", "second"))
    half = (found.get("half") or "").replace(".", "").upper()
    if half:
        if not 1 <= hour <= 12:
            raise ValueError
        hour = hour % 12 + (12 if half == "PM" else 0)
    if hour > 24 or minute > 59 or second > 60 or (hour == 24 and (minute or second)):
        raise ValueError
    micro = int((found.get("part") or "")[:6].ljust(6, "0"))
    passed = timedelta(hours=hour, minutes=minute, seconds=second, microseconds=micro)
    return forms.in_zone(datetime.combine(day, time()) + passed, found.get("zone"))


def _of_number(value: Any) -> datetime:
    """Digits of a calendar, an epoch of a plausible year, or Excel's day; raises ValueError."""
    number = float(value)
    if isinstance(value, bool) or not isfinite(number):
        raise ValueError
    if number.is_integer() and 0 < number < 1e17:
        found = forms.DIGITS(str(int(value)))
        if found is not None:
            try:
                parts = found.groupdict()
                day = date(int(parts["year"]), int(parts["month"] or 1), int(parts["day"] or 1))
                return _moment(day, parts)
            except ValueError:
                pass  # not of a calendar
    for unit in _UNITS:
        if _LOW <= number / unit < _HIGH:
            if isinstance(value, int) and unit > 1:
                whole, rest = divmod(value, int(unit))
                return _EPOCH + timedelta(seconds=whole, microseconds=rest * 1_000_000 // int(unit))
            return _EPOCH + timedelta(seconds=number / unit)
    if 20_000 <= number < 80_000:  # 1954 to 2119
        return _EXCEL + timedelta(seconds=round(number * 86_400))
    raise ValueError
