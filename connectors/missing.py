"""What a missing value is written as."""

#: Spellings of a missing value; case and spaces around do not count.
MARKERS = (
    *("", "NA", "N/A", "n.a.", "#N/A", "<NA>", "NaN", "NaT", "null", "(null)", "nil", "None"),
    *("-", "--", "---", ".", "..", "?", "\\N"),
    *("#DIV/0!", "#VALUE!", "#REF!", "#NULL!", "#NUM!", "#NAME?"),
)

_folded = frozenset(marker.casefold() for marker in MARKERS)


def is_marker(text: str) -> bool:
    """Whether *text* stands for a missing value where nothing else is set.

    >>> is_marker(" n/a"), is_marker("0")
    (True, False)
    """
    return text.strip().casefold() in _folded
