r"""The dialect of a CSV file, from its first lines.

What a row is comes first (`connectors.lines.readings`), then what its cells are
(`connectors.lines.columns`).

>>> sniff([b"hour;load", b"0;20,5", b"1;21,98"]).describe()
"columns between semicolons, decimal mark ','"
>>> sniff([b"# station 7", b"hour,load", b"h,MW", b"0,20.5", b"1,21", b"2,22"]).describe()
"comment lines with '#', 2 header rows"
"""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from .columns import UNIT_ROWS, cells_of, header_rows, number_style
from .dialect import Dialect, is_comment
from .numbers import Numbers
from .readings import Reading, escape_of, readings, rows_in
from .units import units_of

SAMPLE = 100  # lines that are looked at
COMMENTS = ("#", "%", "//")


def sniff(
    lines: Sequence[bytes], given: dict[str, Any] | None = None, headed: bool = True
) -> Dialect:
    """The dialect of a file that begins with *lines*; what is *given* is taken as it is.

    Where all is text, *headed* says whether the first row is a header.
    """
    given = dict(given or {})
    encoding = given.setdefault("encoding", _encoding(lines))
    texts = [line.decode(encoding, "replace").removeprefix("\ufeff") for line in lines[:SAMPLE]]
    texts = [text.rstrip("\r") for text in texts]
    skip = given.get("skip_lines")
    if texts and (found := re.fullmatch(r"sep=(.)", texts[0])) and not skip:
        given.setdefault("delimiter", found[1])
        skip = 1
    comment = given.setdefault("comment", _comment(texts[skip or 0 :]))
    given.setdefault("escape", escape_of(texts))
    best = max(readings(texts, given, skip, comment), key=lambda reading: reading.score)
    given |= {"delimiter": best.delimiter, "quote": best.quote, "skip_lines": best.skip}
    return _finish(best, given, texts, headed)


def _encoding(lines: Sequence[bytes]) -> str:
    """UTF-8, or Windows-1252 where no letter beyond ASCII is UTF-8 and all could be Latin."""
    data = b"\n".join(lines[:SAMPLE])
    try:
        data.decode()
    except UnicodeDecodeError:
        if re.search(rb"[\xc2-\xf4][\x80-\xbf]", data):
            return "utf-8"  # and a damaged line
        odd = re.findall(rb"[\x80-\xff]", data)
        if all(byte in _LATIN for byte in odd):
            return "cp1252"
    return "utf-8"


_LATIN = frozenset(
    letter.encode("cp1252") for letter in "äöüßÄÖÜàâçéèêëîïôùûñáíóúåæøÅÆØãõ°µ²³€£±·ìòÀÉÈÊÑÓÚÍÁ§½¼"
)


def _comment(texts: list[str]) -> str:
    """What comment lines begin with, "" where there are none."""
    for mark in COMMENTS:
        marked = [text for text in texts if is_comment(text.lstrip(), mark)]
        if marked and len(marked) < len([text for text in texts if text.strip()]):
            return mark
    return ""


# What the rows say -----------------------------------------------------------------------


def _finish(best: Reading, given: dict[str, Any], texts: list[str], headed: bool) -> Dialect:
    rows = best.rows
    usual = Counter(len(row) for row in rows[1:] or rows).most_common(1)[0][0] if rows else 1
    padded = given.get("padded")
    if padded is None:
        given["padded"] = padded = _is_padded(rows)
    if padded:
        rows = [[cell.strip() for cell in row] for row in rows]
    ends_empty = bool(rows[1:]) and usual > 1
    ends_empty = ends_empty and all(row[-1] == "" for row in rows[1:] if len(row) == usual)
    header = rows[0] if rows else []
    given.setdefault("trailing", ends_empty and (len(header) < usual or header[-1] == ""))
    width = usual - given["trailing"]
    columns = cells_of(_below_units(rows), width)
    if "units" not in given:
        given["units"] = [*units_of(columns)]
    if "decimal" not in given or "thousands" not in given:
        bare = Numbers(units=tuple(given["units"])).bare
        columns = [list(map(bare, column)) for column in columns] if given["units"] else columns
        found = number_style(columns, best.delimiter, given)
        given |= {"decimal": found.decimal, "thousands": found.thousands or ""}
    if "header_rows" not in given:
        given["header_rows"] = header_rows(rows, width, given, headed)
    given.setdefault("row_names", given["header_rows"] > 0 and len(header) == width - 1 > 0)
    if given["header_rows"] == 0 and given["comment"] and not given.get("skip_lines"):
        _commented_header(given, texts, width)
    return Dialect(**given)


def _below_units(rows: list[list[str]]) -> list[list[str]]:
    """The rows without the first, and without units below it, which have no digit."""
    below = rows[1:]
    for _ in range(UNIT_ROWS):
        if len(below) > 1 and not any(map(str.isdigit, "".join(below[0]))):
            below = below[1:]
    return below or rows


def _commented_header(given: dict[str, Any], texts: list[str], width: int) -> None:
    """The last comment before the data names the columns where it has as many cells."""
    mark = given["comment"]
    before = []
    for text in texts:
        if not text.lstrip().startswith(mark):
            break
        before.append(text)
    if before:
        names = before[-1].lstrip().removeprefix(mark).strip()
        (cells, _), *_ = [
            *rows_in([names], given["delimiter"], given["quote"], given["escape"]),
            ([], 0),
        ]
        if len(cells) == width > 1:
            given |= {"skip_lines": len(before) - 1, "header_rows": 1, "in_comment": True}


def _is_padded(rows: list[list[str]]) -> bool:
    """Whether each cell after the first has a space before it, or one around it."""
    after = [cell for row in rows for cell in row[1:] if cell]
    return len(after) > 1 and all(cell[0] == " " or cell[-1] == " " for cell in after)
