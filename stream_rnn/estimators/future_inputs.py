"""Exogenous inputs of the times ahead, as a frame gives them."""

from collections.abc import Sequence
from typing import Any

from ..features.spacing import instant
from . import dated_frames
from .dated_frames import Frame
from .dated_layout import Layout

Inputs = dict[Any, dict[Any, dict[str, Any]]]  # by key and time


def read(frame: Frame, layout: Layout) -> Inputs:
    """The inputs in *frame*; raises what `dated_frames.rows_of` does."""
    opened, _ = dated_frames.opened(frame)
    found: Inputs = {}
    for row in dated_frames.rows_of(opened, layout, known=False):
        group = found.setdefault(row.key, {})
        group[len(group) if row.time is None else instant(row.time)] = row.x
    return found


def ahead(inputs: Inputs, layout: Layout, key: Any, moments: Sequence[Any]) -> list[dict[str, Any]]:
    """Those of the series *key* at the times *moments*; raises ValueError for a time without."""
    given = inputs.get(key, {})
    counted = layout.time is None
    places = list(range(len(moments))) if counted else [instant(time) for time in moments]
    for place, time in zip(places, moments):
        if place not in given:
            raise ValueError(
                f"future: {layout.named(key)}there is no row for {time}; the forecast is from "
                f"{moments[0]} to {moments[-1]}"
            )
    return [given[place] for place in places]
