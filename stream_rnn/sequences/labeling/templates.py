"""Features of a token: attributes of it and of its neighbours, alone or two together."""

from typing import NamedTuple

import numpy as np

from ...codegen.dispatch import kernel
from ..sparse.keys import joined, key_of
from .words import AFFIX, COLUMN

ALONE = -1  # the second attribute of a template that has one


class Template(NamedTuple):
    """An attribute at an offset, and perhaps another at another."""

    at: int
    attribute: str
    other_at: int = 0
    other: str | None = None


def _windows(attribute: str, reach: int) -> list[Template]:
    return [Template(at, attribute) for at in range(-reach, reach + 1)]


#: Words and shapes two tokens around, affixes, and two neighbours together.
DEFAULT = (
    Template(0, "word"),
    *_windows("lower", 2),
    *_windows("shape", 2),
    *(Template(0, f"prefix {n}") for n in range(1, AFFIX + 1)),
    *(Template(0, f"suffix {n}") for n in range(1, AFFIX + 1)),
    Template(-1, "lower", 0, "lower"),
    Template(0, "lower", 1, "lower"),
    Template(-1, "lower", 1, "lower"),
)

BIAS = np.uint64(key_of("bias"))
BEFORE, AFTER = np.uint64(key_of("before")), np.uint64(key_of("after"))


class Compiled(NamedTuple):
    """Templates as numbers: a key for each, and (offset, column, offset, column)."""

    keys: np.ndarray
    places: np.ndarray


def compile_templates(templates: tuple[Template, ...]) -> Compiled:
    """Templates as `features_of` takes them."""
    keys = np.array([key_of(*map(str, template)) for template in templates], np.uint64)
    places = [
        (t.at, COLUMN[t.attribute], t.other_at, ALONE if t.other is None else COLUMN[t.other])
        for t in templates
    ]
    return Compiled(keys, np.array(places, np.int64).reshape(-1, 4))


@kernel
def attribute_at(attributes, t, column):
    """The attribute of token t, which may lie outside the sentence."""
    if t < 0:
        return BEFORE
    if t >= attributes.shape[0]:
        return AFTER
    return attributes[t, column]


@kernel
def features_of(attributes, templates, t, out):
    """out ← the keys of token t's features; 0 for none."""
    out[0] = BIAS
    for n in range(templates.keys.size):
        at, column, other_at, other = templates.places[n]
        key = attribute_at(attributes, t + at, column)
        if key != 0:
            key = joined(templates.keys[n], key)
            if other != ALONE:
                key = joined(key, attribute_at(attributes, t + other_at, other))
        out[1 + n] = key
