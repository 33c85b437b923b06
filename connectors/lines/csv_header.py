"""The names of a CSV file's columns."""

from collections.abc import Sequence

from ..base import SourceError
from .dialect import Dialect


def names_of(cells: Sequence[str], dialect: Dialect) -> list[str]:
    """The names in a header's *cells*; a column without one is named by its place.

    >>> names_of(["", "load", ""], Dialect(trailing=True))
    ['column1', 'load']
    """
    names = [cell.strip() for cell in cells]
    if dialect.in_comment:
        names[0] = names[0].removeprefix(dialect.comment).strip()
        names = names[1:] if not names[0] else names
    if dialect.trailing and not names[-1]:
        names = names[:-1]
    if dialect.row_names:
        names = ["", *names]
    return [name or f"column{place}" for place, name in enumerate(names, 1)]


def apart(names: Sequence[str]) -> list[str]:
    """The same names, numbered from the second on where one stands more than once.

    >>> apart(["temp", "temp", "temp_2", "temp"])
    ['temp', 'temp_3', 'temp_2', 'temp_4']
    """
    found: list[str] = []
    taken = set(names)
    for name in names:
        mine, number = name, 2
        while mine in found or (mine != name and mine in taken):
            mine, number = f"{name}_{number}", number + 1
        found.append(mine)
    return found


def checked_names(names: list[str], partition: str = "columns") -> list[str]:
    """*names*, of which there is one and none stands twice; else raises `SourceError`."""
    if not names:
        raise SourceError(f"{partition}: there must be at least one column name")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SourceError(
            f"{partition}: column name {twice[0]!r} stands twice; rename one, or give "
            "columns = [...]"
        )
    return names
