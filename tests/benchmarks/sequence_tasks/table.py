"""What a task reports."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

GOAL, PRODUCT, PEER = "goal", "product", "peer"


class Row(NamedTuple):
    """A contestant's figures by name, one a seed; *role* says what it is.

    The names of figures that are better when small begin with "-", which is not printed.
    """

    who: str
    role: str
    figures: Mapping[str, Sequence[float]]
    cost: str = ""


def line(row: Row, before: Sequence[Row]) -> str:
    """One line of the table."""
    cells = "  ".join(cell(row, name, before) for name in row.figures)
    return f"  {row.role:8} {row.who:44} {cells}  {row.cost}"


def cell(row: Row, name: str, before: Sequence[Row]) -> str:
    values = np.array(row.figures[name], float)
    mean, label = values.mean(), name.lstrip("-")
    error = f"±{values.std(ddof=1) / len(values) ** 0.5:.4f}" if len(values) > 1 else ""
    marks = {GOAL: "<", PEER: "<<"}
    mark = ""
    if row.role == PRODUCT:
        sign = -1 if name.startswith("-") else 1
        for other in before:
            worse = sign * mean < sign * np.mean(other.figures.get(name, mean))
            mark = marks[other.role] if worse and other.role in marks else mark
    return f"{label} {mean:.4f}{error}{mark}"
