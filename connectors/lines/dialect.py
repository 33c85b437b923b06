"""What a CSV file is made of: its dialect, in words a person and a setting share."""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from ..missing import is_marker
from .numbers import Numbers

NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "spaces"}
NAMES |= {"^": "carets", "~": "tildes", "¦": "broken bars", "\x01": "control characters 1"}
ENCODINGS = {"utf-8": "UTF-8", "cp1252": "Windows-1252 (Latin)"}


class Dialect(NamedTuple):
    """Each field is a setting of a source by the same name; what is not set is found.

    >>> Dialect(delimiter=";", decimal=",").describe()
    "columns between semicolons, decimal mark ','"
    """

    delimiter: str = ","  # " " stands for any number of spaces
    quote: str = '"'
    decimal: str = "."
    thousands: str = ""  # "" for none
    comment: str = ""  # lines that begin with it are left out; "" for none
    skip_lines: int = 0  # before the header: titles, "sep=;"
    header_rows: int = 1  # 0 for none; of several the first names the columns
    in_comment: bool = False  # the header stands in a comment line
    trailing: bool = False  # rows end with a delimiter too many
    row_names: bool = False  # the first cell of each row has no name in the header
    padded: bool = False  # spaces around cells are no part of them
    encoding: str = "utf-8"
    units: Sequence[str] = ()  # behind or before numbers, such as "kW", "%", "$"
    escape: str = ""  # makes the quote after it a part of the cell; "" where quotes are doubled

    @property
    def numbers(self) -> Numbers:
        """How numbers are written."""
        return Numbers(self.decimal, self.thousands or None, tuple(self.units))

    def describe(self) -> str:
        """In one line, what differs from plain CSV; empty if nothing does."""
        plain, said = Dialect(), []
        if self.delimiter != plain.delimiter:
            said.append(f"columns between {NAMES.get(self.delimiter, repr(self.delimiter))}")
        if self.quote != plain.quote:
            said.append(f"quotes {self.quote}")
        if self.escape:
            said.append(f"quotes within cells as {self.escape}{self.quote}")
        if self.decimal != plain.decimal:
            said.append(f"decimal mark {self.decimal!r}")
        if self.thousands:
            said.append(f"thousands {self.thousands!r}")
        if self.units:
            said.append(f"numbers with {', '.join(self.units)}")
        if self.comment:
            said.append(f"comment lines with {self.comment!r}")
        if self.skip_lines:
            said.append(f"{self.skip_lines} line{'s' * (self.skip_lines > 1)} before the header")
        if self.header_rows != 1:
            said.append(f"{self.header_rows} header rows" if self.header_rows else "no header")
        if self.in_comment:
            said.append("the header in a comment")
        if self.trailing:
            said.append("a delimiter too many at the end")
        if self.row_names:
            said.append("a first column without a name")
        if self.padded:
            said.append("spaces around cells")
        if self.encoding != plain.encoding:
            said.append(f"encoded as {ENCODINGS.get(self.encoding, self.encoding)}")
        return ", ".join(said)


def is_comment(text: str, mark: str) -> bool:
    """Whether a line that is *text* is a comment: ``#N/A`` in its first cell makes none.

    >>> is_comment("# station 7", "#"), is_comment("#N/A,7", "#"), is_comment("a,b", "")
    (True, False, False)
    """
    return bool(mark) and text.startswith(mark) and not is_marker(_FIRST(text)[0])  # type: ignore[index]


_FIRST = re.compile(r"[^,;\t|]*").match


def checked(given: dict[str, Any]) -> dict[str, Any]:
    """The settings that were *given*, without those that are None; raises `ValueError`."""
    given = {name: value for name, value in given.items() if value is not None}
    delimiter, quote = given.get("delimiter", ","), given.get("quote", '"')
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise ValueError(f"delimiter={delimiter!r} must be one character, as ',' or ';'")
    if len(quote) != 1 or quote in "\r\n" or quote == delimiter:
        raise ValueError(f"quote={quote!r} must be one character, as '\"'")
    if given.get("escape", "") not in ("", "\\"):
        raise ValueError(
            f"escape={given['escape']!r} must be '\\\\', or '' where quotes are doubled"
        )
    if given.get("decimal", ".") not in (".", ","):
        raise ValueError(f"decimal={given['decimal']!r} must be '.' or ','")
    if given.get("thousands", "") not in ("", ",", ".", " ", "'"):
        raise ValueError(
            f"thousands={given['thousands']!r} must be one of ',', '.', ' ' and \"'\", or ''"
        )
    if given.get("thousands") and given.get("thousands") == given.get("decimal", "."):
        raise ValueError(f"thousands={given['thousands']!r} is the decimal mark too; set decimal")
    if "encoding" in given:
        try:
            "a\n,".encode(given["encoding"])
        except LookupError:
            raise ValueError(
                f"encoding={given['encoding']!r} is unknown; such as 'utf-8', 'cp1252'"
            ) from None
    return given
