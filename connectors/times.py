"""Times as people write them: the one reader of times for records, labels and calendars.

ISO 8601 in its forms (a month alone, a week, a day of the year, 24:00), digits (2024010107),
slashes, dots and dashes with the day or the month first, names of months, AM and PM, "UTC",
epoch seconds, milliseconds, microseconds and nanoseconds, and Excel's serial days.

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
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta, timezone
from math import isfinite
from typing import Any

FIRST, LAST = 1980, 2100  # years of an epoch
LATEST = 7_258_118_400.0  # the year 2200 as an epoch: a later time is a mistake
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LOW = (datetime(FIRST, 1, 1, tzinfo=UTC) - _EPOCH).total_seconds()
_HIGH = (datetime(LAST, 1, 1, tzinfo=UTC) - _EPOCH).total_seconds()
_UNITS = (1.0, 1e3, 1e6, 1e9)  # of epochs, in a second
_EXCEL = datetime(1899, 12, 30, tzinfo=UTC)  # its day 0
_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: number for number, name in enumerate(_NAMES, 1)}

FORMS = "ISO 8601 (2014-07-01T00:30:00), epoch seconds or milliseconds, or such as 31.12.2014 23:30"

_CLOCK = r"""
    (?: [T\ ,] \s* (?P<hour>\d{1,2})
        (?: :? (?P<minute>\d\d) (?: :? (?P<second>\d\d) (?: [.,] (?P<part>\d+) )? )? )?
        \s* (?P<half>[ap]\.?m\.?)?
    )?
    \s* (?P<zone>Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?
"""


def _form(days: str) -> Any:
    return re.compile(days + _CLOCK, re.ASCII | re.IGNORECASE | re.VERBOSE).fullmatch


_YEAR_FIRST = _form(
    r"(?P<year>\d{4}) (?P<mark>[-/.]) (?P<month>\d{1,2}) (?: (?P=mark) (?P<day>\d{1,2}) )?"
)
_WEEK = _form(r"(?P<year>\d{4}) -? W(?P<week>\d\d) (?: -? (?P<weekday>[1-7]) )?")
_ORDINAL = _form(r"(?P<year>\d{4}) - (?P<yearday>\d{3})")
_YEAR_LAST = _form(r"(?P<a>\d{1,2}) (?P<mark>[-/.]) (?P<b>\d{1,2}) (?P=mark) (?P<year>\d{4}|\d\d)")
_NAMED = _form(
    r"""(?: [a-z]{3,9}\.? ,? \s+ )?
    (?: (?P<day>\d{1,2}) [-\ .]* (?P<name>[a-z]{3,9}) \.?
      | (?P<name2>[a-z]{3,9}) \.? \s+ (?P<day2>\d{1,2}) )
    [-,\ ]+ (?P<year>\d{4}|\d\d)"""
)
_BASIC = _form(r"(?P<year>\d{4}) (?P<month>\d\d) (?P<day>\d\d)")
_DIGITS = re.compile(
    r"(?P<year>(?:19|20)\d\d)(?P<month>\d\d)?(?P<day>\d\d)?(?P<hour>\d\d)?(?P<minute>\d\d)?"
    r"(?P<second>\d\d)?(?P<part>\d{3})?",
    re.ASCII,
).fullmatch


class NotATime(ValueError):
    """A value that is no time; the message says what would be one."""


class WhichDay(NotATime):
    """A time of which the day could be the month."""


def read(value: Any, day_first: bool | None = None) -> datetime:
    """The moment *value*, with its offset, UTC if it has none; raises `NotATime`.

    *day_first* decides what 01/02/2024 is; without it such a time is refused, and one with
    dots has the day first, as is the habit where dots are used.

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


def seconds(value: Any, day_first: bool | None = None, relative: bool = False) -> float:
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


def find_day_first(values: Iterable[Any]) -> bool | None:
    """Whether the day comes first in times such as 13/02/2024; None if none of them tells.

    >>> find_day_first(["01/02/2024", "13/02/2024"]), find_day_first(["01/02/2024"])
    (True, None)
    """
    for value in values:
        found = _YEAR_LAST(value.strip()) if isinstance(value, str) else None
        if found is not None and found["mark"] != ".":
            first, second = int(found["a"]), int(found["b"])
            if first > 12 >= second or second > 12 >= first:
                return first > 12
    return None


def _refused(value: Any) -> NotATime:
    return NotATime(f"{value!r} is not a time; give {FORMS}")


def _of_text(text: str, day_first: bool | None) -> datetime:
    plain = text.strip()
    try:
        if plain[:1].isdigit() and plain[4:5] == "-" and not plain[10:].startswith(("T24", " 24")):
            try:
                moment = datetime.fromisoformat(plain)
                return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            except ValueError:
                pass
        for form in (_YEAR_FIRST, _BASIC, _WEEK, _ORDINAL, _NAMED, _YEAR_LAST):
            found = form(plain)
            if found is not None and not (form is _BASIC and not found["hour"]):
                return _moment(_day_of(found.groupdict(), day_first, text), found.groupdict())
        if _DIGITS(plain) or re.fullmatch(r"[+-]?\d+(\.\d*)?", plain, re.ASCII):
            return _of_number(float(plain) if "." in plain else int(plain))
    except WhichDay:
        raise
    except (ValueError, OverflowError):
        pass
    raise _refused(text)


def _day_of(found: dict[str, Any], day_first: bool | None, text: str) -> date:
    year = int(found["year"])
    if len(found["year"]) == 2:
        year += 2000 if year < 70 else 1900
    if "week" in found:
        return date.fromisocalendar(year, int(found["week"]), int(found["weekday"] or 1))
    if "yearday" in found:
        day = date(year, 1, 1) + timedelta(days=int(found["yearday"]) - 1)
        if day.year != year:
            raise ValueError
        return day
    if "name" in found:
        name = (found["name"] or found["name2"]).lower()[:3]
        if name not in _MONTHS:
            raise ValueError
        return date(year, _MONTHS[name], int(found["day"] or found["day2"]))
    if "a" not in found:
        return date(year, int(found["month"]), int(found["day"] or 1))
    first, second = int(found["a"]), int(found["b"])
    if found["mark"] == ".":
        day_first = True
    elif day_first is None and max(first, second) <= 12 and first != second:
        raise WhichDay(
            f"{text!r} may have the day or the month first; set features.day_first = true or false"
        )
    elif day_first is None or (first > 12 >= second) or (second > 12 >= first):
        day_first = first > 12
    return date(year, second, first) if day_first else date(year, first, second)


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
    return datetime.combine(day, time(), _zone(found.get("zone"))) + passed


def _zone(text: str | None) -> timezone:
    if not text or text[0] not in "+-":
        return UTC
    digits = text[1:].replace(":", "").ljust(4, "0")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if text[0] == "-" else offset)


def _of_number(value: Any) -> datetime:
    """Digits of a calendar, an epoch of a plausible year, or Excel's day; raises ValueError."""
    number = float(value)
    if isinstance(value, bool) or not isfinite(number):
        raise ValueError
    if number.is_integer() and 0 < number < 1e17:
        found = _DIGITS(str(int(value)))
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
