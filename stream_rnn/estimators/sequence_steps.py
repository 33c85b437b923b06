"""From a sequence, however it is given, to rows of numbers."""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from ..categories.indicators import Indicators
from ..errors import BadRecord
from ..features.index import FeatureIndex, as_number
from ..features.tables import holds_text, rows_and_names
from .frames import as_dicts

Steps = Any  # an array (T, m) or (T,), a data frame, a list of dicts, or one dict


def encode(
    x: Steps, index: int, features: FeatureIndex, text: Indicators
) -> tuple[list[Hashable], np.ndarray, Indicators]:
    """The other fields, rows (T, m) of the known ones, and what is known of text then.

    With the first step its fields become known.  Raises `BadRecord` for record *index*.
    """
    if isinstance(x, dict):
        return encode_steps([x], index, features, text)
    if isinstance(x, list | tuple) and len(x) and isinstance(x[0], dict):
        return encode_steps(x, index, features, text)
    if hasattr(x, "columns") and holds_text(x):
        return encode_steps(as_dicts(x, len(x)), index, features, text)
    rows, names = _table(x, index)
    if not len(features):
        features.encode_rows(names, rows[:1])
        features.extend(len(names))
    places = {name: place for place, name in enumerate(names)}
    known = [places.get(name, -1) for name in features.names]
    taken = np.full((len(rows), len(known)), np.nan)
    there = [n for n, place in enumerate(known) if place >= 0]
    taken[:, there] = rows[:, [known[n] for n in there]]
    others = [n for n in names if n not in features.names]
    return others, taken, text.knowing(names)


def encode_steps(
    steps: Sequence[dict], index: int, features: FeatureIndex, text: Indicators
) -> tuple[list[Hashable], np.ndarray, Indicators]:
    """The same for a list of dicts."""
    for t, x in enumerate(steps):
        if not isinstance(x, dict):
            raise BadRecord(f"step {t}: {x!r} is not a dict of fields", index)
    xs, after = text.encode(steps)
    if not len(features):
        features.encode(xs[:1])
        features.extend(len(xs[0]))
    known, rows = features.names, np.empty((len(xs), len(features)))
    others: dict[Hashable, None] = {}
    for t, x in enumerate(xs):
        for j, name in enumerate(known):
            rows[t, j] = as_number(name, x.get(name), index)
        for name in x.keys() - set(known):
            as_number(name, x[name], index)
            others[name] = None
    return list(others), rows, after


def _table(x: Steps, index: int) -> tuple[np.ndarray, list[Any]]:
    """A sequence given as an array or a frame; raises `BadRecord`."""
    if not hasattr(x, "columns"):
        x = np.asarray(x)
        x = x[:, None] if x.ndim == 1 else x
    if x.ndim != 2 or not all(x.shape):
        raise BadRecord(
            f"sequence: shape {x.shape}; give an array (steps, channels), or a list of dicts", index
        )
    try:
        return rows_and_names(x)
    except BadRecord as error:
        raise BadRecord(f"sequence: {error}", index) from None
