"""Numbers as people write them: the decimal mark and what groups the thousands.

A CSV cell is text.  Whoever knows what a cell is for reads it as a number with `Numbers`,
which the file's dialect says; `Numbers()` is the plain form.

>>> [Numbers().read(cell) for cell in ("3", " -2.5e3", ".5", "+7", "12:30", "1_000")]
[3, -2500.0, 0.5, 7, None, None]
>>> Numbers(decimal=",", thousands=".").read("1.234,5")
1234.5
>>> [Numbers(units=("kW", "$")).read(cell) for cell in ("12 kW", "-$3.5", "7", "5 MW")]
[12, -3.5, 7, None]

Minus signs of bookkeeping, of typesetting, and what Excel writes to keep a text:

>>> [Numbers().read(cell) for cell in ("(12.5)", "12.5-", "\u22127", '="007"', "1.5D+02")]
[-12.5, -12.5, -7, 7, 150.0]
"""

import re
from functools import cache
from typing import Any, NamedTuple

import msgspec

SPACES = " \u00a0\u202f"  # between digits: plain, no-break, narrow no-break
_INFINITE = frozenset(f"{sign}{word}" for sign in ("", "+", "-") for word in ("inf", "infinity"))
_decode = msgspec.json.Decoder(list[int | float | None]).decode


class Numbers(NamedTuple):
    """How the numbers of a file are written."""

    decimal: str = "."
    thousands: str | None = None  # ",", ".", " " (any space) or "'"; None for none
    units: tuple[str, ...] = ()  # that may stand behind or before a number

    def read(self, cell: str) -> int | float | None:
        """The number that all of *cell* is; None if it is not one.

        An integer too long for Python becomes a float.  Infinity is one, so that whoever
        takes it can refuse it.
        """
        found = _pattern(self)(cell)
        if found is None and self.units:
            cell = self.bare(cell)
            found = _pattern(self)(cell)
        if found is None and (other := usual(cell)) is not cell:
            cell = other
            found = _pattern(self)(cell)
        if found is None:
            return float(cell) if cell.strip().lower() in _INFINITE else None
        text = cell.strip()
        if self.thousands is not None:
            for mark in SPACES if self.thousands == " " else self.thousands:
                text = text.replace(mark, "")
        if self.decimal != ".":
            text = text.replace(self.decimal, ".")
        if found["fraction"] is found["bare"] is found["exponent"] is None:
            try:
                return int(text)
            except ValueError:  # longer than Python converts
                pass
        return float(text)

    def bare(self, cell: str) -> str:
        """*cell* without its unit."""
        text = cell.strip()
        for unit in self.units:
            if text.endswith(unit):
                return text[: -len(unit)]
            sign = text[:1] if text[:1] in ("+", "-") else ""
            if text.startswith(unit, len(sign)):
                return sign + text[len(sign) + len(unit) :].lstrip()
        return cell

    def column(self, cells: list[str | None]) -> list[Any] | None:
        """The numbers of *cells*, None where one is None; None if any is not a plain number.

        They are read as one JSON array, in compiled code and with the same results: a cell
        with a comma in it would change the count, anything else JSON refuses.
        """
        try:
            joined = ",".join(cells)  # type: ignore[arg-type]
        except TypeError:
            joined = ",".join(["null" if cell is None else cell for cell in cells])
        try:
            values = _decode(f"[{joined}]")
        except (ValueError, RecursionError):
            return None
        return values if len(values) == len(cells) else None

    def is_strict(self, cell: str) -> bool:
        """Whether *cell* is a number whose thousands, if it has any, are all grouped."""
        return _pattern(self, strict=True)(usual(self.bare(cell))) is not None


_ODD = re.compile(
    r"""="(?P<kept>[^"]*)" | \((?P<debit>[^-+()]+)\) | (?P<late>[^-+]+)- |
    (?P<whole>[+-]?\d+\.\d*)[dD](?P<power>[+-]?\d+)""",
    re.ASCII | re.VERBOSE,
).fullmatch


def usual(cell: str) -> str:
    """*cell* with its sign before it and as it is meant; the same object if that is no matter.

    >>> usual("(1.234,5)"), usual("Ulm")
    ('-1.234,5', 'Ulm')
    """
    if "\u2212" in cell:
        cell = cell.replace("\u2212", "-")
    text = cell.strip()
    if text[-1:] not in _ENDS:
        return cell
    found = _ODD(text)
    if found is None:
        return cell
    kept, debit, late, whole, power = found.groups()
    if kept is not None:
        return kept
    return f"{whole}e{power}" if whole else f"-{debit or late}"


_ENDS = frozenset(')-"0123456789')


STYLES = (
    Numbers(),
    Numbers(".", " "),
    Numbers(".", "'"),
    Numbers(".", ","),
    Numbers(",", " "),
    Numbers(",", "."),
    Numbers(","),
)  # that are looked for


@cache
def _pattern(style: Numbers, strict: bool = False) -> Any:
    whole = r"\d+"
    if style.thousands is not None:
        mark = f"[{SPACES}]" if style.thousands == " " else re.escape(style.thousands)
        groups = rf"[1-9]\d{{0,2}}(?:{mark}\d{{3}})+"
        if style.thousands == ",":
            groups += r"|[1-9]\d?(?:,\d\d)+,\d{3}"  # lakhs and crores, as in India
        whole = rf"(?:{groups}|{'0|[1-9][0-9]{0,2}' if strict else whole})"
    point = re.escape(style.decimal)
    return re.compile(
        rf"\s*[+-]?(?:{whole}(?P<fraction>{point}\d*)?|(?P<bare>{point}\d+))"
        r"(?P<exponent>[eE][+-]?\d+)?\s*",
        re.ASCII,
    ).fullmatch
