"""The forms in which times are written, each a pattern with named parts.

>>> YEAR_FIRST("2024-01-31 07:15").groupdict()["minute"], month_of("août"), begin_of("1:00 - 2:00")
('15', 8, '1:00')
"""

import re
import unicodedata
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

_CLOCK = r"""
    (?: (?: [T\ ,_:] | -(?=\d\d\.\d\d) ) \s* (?P<hour>\d{1,2})
        (?: (?P<sep>[:.]?) (?P<minute>\d\d)
            (?: (?P=sep) (?P<second>\d\d) (?:[.,](?P<part>\d+))? )? )?
        \s* (?P<half>[ap]\.?m\.?(?![a-z]))?
    )?
    \s* (?P<zone> (?: Z | [a-z]{3,4} | [+-]\d\d(?::?\d\d)? )? (?: \s*\[?[a-z_]+/[a-z_/-]+\]? )? )
"""


def _form(days: str, clock: str = _CLOCK) -> Any:
    return re.compile(days + clock, re.ASCII | re.IGNORECASE | re.VERBOSE).fullmatch


YEAR_FIRST = _form(
    r"(?P<year>\d{4}) (?P<mark>[-/.:]) (?P<month>\d{1,2}) (?: (?P=mark) (?P<day>\d{1,2}) )?"
)
YEAR_LAST = _form(r"(?P<a>\d{1,2}) (?P<mark>[-/.]) (?P<b>\d{1,2}) (?P=mark) (?P<year>\d{4}|\d\d)")
BASIC = _form(r"(?P<year>\d{4}) (?P<month>\d\d) (?P<day>\d\d)")
_WEEK = _form(r"(?P<year>\d{4}) -? W(?P<week>\d\d) (?: -? (?P<weekday>[1-7]) )?")
_ORDINAL = _form(r"(?P<year>\d{4}) - (?P<yearday>\d{3})")
_WEEKDAY = r"(?: [a-z]{2,10}\.? ,? \s+ )?"
_DAY_NAMED = _form(
    _WEEKDAY + r"(?P<day>\d{1,2}) [-\ ./]* (?:de\s+)? (?P<name>[a-z]{3,10}) \.?"
    r"(?: [-,\ /]* (?:de\s+)? (?P<year>\d{4}) | [-,\ /]+ (?P<short>\d\d)(?!:) )"
)
_NAMED_DAY = _form(
    _WEEKDAY + r"(?P<name>[a-z]{3,10}) \.? \s+ (?P<day>\d{1,2}) [-,\ ]+ (?P<year>\d{4})"
)
_C_TIME = _form(  # as ctime and date write: Mon Jan  1 00:15:00 CET 2024
    r"[a-z]{3} \s+ (?P<name>[a-z]{3}) \s+ (?P<day>\d{1,2}) \s+ (?P<hour>\d\d):(?P<minute>\d\d)"
    r":(?P<second>\d\d) (?: \s+ (?P<zone>[a-z]{3,4}) )? \s+ (?P<year>\d{4})",
    "",
)
_QUARTER = _form(r"(?P<year>\d{4}) [-\ ]? Q(?P<quarter>[1-4])", "")
_QUARTER_FIRST = _form(r"Q(?P<quarter>[1-4]) [-/\ ]? (?P<year>\d{4})", "")
_MONTH = _form(r"(?P<month>\d{1,2}) [/.] (?P<year>\d{4})", "")
_MONTH_NAMED = _form(r"(?P<name>[a-z]{3,10}) [-./\ ]* (?P<year>\d{4})", "")
#: In the order in which they are tried.
ALL = (
    *(YEAR_FIRST, BASIC, _WEEK, _ORDINAL, _DAY_NAMED, _NAMED_DAY, YEAR_LAST),
    *(_C_TIME, _QUARTER, _QUARTER_FIRST, _MONTH, _MONTH_NAMED),
)
DIGITS = re.compile(
    r"(?P<year>(?:19|20)\d\d)(?P<month>\d\d)?(?P<day>\d\d)?(?P<hour>\d\d)?(?P<minute>\d\d)?"
    r"(?P<second>\d\d)?(?P<part>\d{3})?",
    re.ASCII,
).fullmatch
DOT_NET = re.compile(r"/Date\((-?\d+)([+-]\d{4})?\)/", re.ASCII).fullmatch
_INTERVAL = re.compile(r"(.*\d.*?)(?:\s+-\s+|/(?=P|\d{4}-))(.*\d.*)").fullmatch

# In English, German, French, Spanish, Italian, Portuguese, Dutch and Swedish
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            *("jan ene gen", "feb fev", "mar mrz mrt", "apr avr abr", "may mai mei maj mag"),
            *("jun juin giu", "jul juil lug", "aug aou ago", "sep set", "oct okt ott out"),
            *("nov", "dec dez dic"),
        ),
        1,
    )
    for name in names.split()
}
_HOURS = {"Z": 0, "UTC": 0, "GMT": 0, "WET": 0, "WEST": 1, "CET": 1, "CEST": 2, "MEZ": 1, "MESZ": 2}
_HOURS |= {"EET": 2, "EEST": 3, "MSK": 3, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5}  # RFC 2822
_HOURS |= {"MST": -7, "MDT": -6, "PST": -8, "PDT": -7}
_IDEOGRAPHS = str.maketrans(
    {"年": "-", "月": "-", "日": " ", "時": ":", "时": ":", "–": "-", "—": "-"}
)


def ascii_of(text: str) -> str:
    """The *text* without accents, with dashes for the ideographs of year and month.

    >>> ascii_of("2024年1月31日"), ascii_of("15 août 2024")
    ('2024-1-31', '15 aout 2024')
    """
    parts = unicodedata.normalize("NFKD", text.translate(_IDEOGRAPHS))
    return "".join(sign for sign in parts if not unicodedata.combining(sign)).strip()


def month_of(name: str) -> int:
    """The number of a month by its *name*, in many languages; raises ValueError."""
    plain = ascii_of(name).lower()
    found = _MONTHS.get(plain[:4]) or _MONTHS.get(plain[:3])
    if found is None:
        raise ValueError(name)
    return found


def begin_of(text: str) -> str | None:
    """The beginning of an interval; None if it is none."""
    found = _INTERVAL(text)
    return None if found is None else found[1]


def in_zone(moment: datetime, zone: str | None) -> datetime:
    """The *moment* of a clock in that *zone*: an offset, the name of one, or of a place.

    An offset counts where both are given.  Raises ValueError for a name nobody knows.

    >>> in_zone(datetime(2024, 7, 1), "Europe/Berlin").isoformat()
    '2024-07-01T00:00:00+02:00'
    """
    name, _, place = (zone or "").replace("[", " ").replace("]", "").strip().partition(" ")
    if "/" in name:
        name, place = "", name
    if name[:1] in ("+", "-") and name:
        digits = name[1:].replace(":", "").ljust(4, "0")
        offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
        return moment.replace(tzinfo=timezone(-offset if name[0] == "-" else offset))
    if name:
        hours = _HOURS.get(name.upper())
        if hours is None:
            raise ValueError(name)
        return moment.replace(tzinfo=timezone(timedelta(hours=hours)) if hours else UTC)
    if not place:
        return moment.replace(tzinfo=UTC)
    try:
        there = moment.replace(tzinfo=ZoneInfo(place.strip()))
    except (OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        raise ValueError(place) from None
    return there.replace(tzinfo=timezone(there.utcoffset() or timedelta()))
