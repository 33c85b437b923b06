"""From records of several targets to the arrays that forecasters of them take."""

from typing import Any

import numpy as np

from ..errors import BadRecord
from .regressor import number
from .series_records import LARGEST

ALONE = "y"  # the name of the series when targets are numbers


def named(y: Any) -> dict:
    """A record of targets; a number is one."""
    return y if isinstance(y, dict) else {ALONE: y}


def names_of(y: dict) -> list:
    """The names of the targets, by the first record; raises `BadRecord` if it has none."""
    if not y:
        raise BadRecord("the first record names no target; it says which targets there are")
    return sorted(y, key=str)


def row(y: dict, names: list, index: int) -> list[float]:
    """The values of the targets *names*, NaN where missing; raises `BadRecord`."""
    unknown = [name for name in y if name not in names]
    if unknown:
        raise BadRecord(
            f"target {unknown[0]!r} is not among those of the first record, {names}; "
            "give it as an exogenous input or start a new model",
            index,
        )
    return [number(y.get(name), index, name) for name in names]


def refuse_large(names: list, values: np.ndarray) -> None:
    """Raise `BadRecord` for the first record with a target whose squares are not finite."""
    large = np.argwhere(np.abs(values) > LARGEST)
    if len(large):
        t, c = large[0].tolist()
        raise BadRecord(
            f"target {names[c]!r}: {float(values[t, c])!r} is beyond ±{LARGEST:g}; "
            "give it in larger units, or None if it is missing",
            t,
        )


def joined(outs: list[list[list[np.ndarray]]]) -> list[list[np.ndarray]]:
    """The parts of each target and horizon end to end."""
    return [
        [np.concatenate(made) for made in zip(*parts, strict=True)]
        for parts in zip(*outs, strict=True)
    ]


def plain(value: float) -> float | None:
    """None for NaN."""
    return None if value != value else float(value)


def field_of(name: Any) -> str | None:
    """What follows the name of an outside forecast where it is of the target *name*."""
    return None if name == ALONE else str(name)
