"""Where what is, in rows of columns that were made of text."""

from collections.abc import Hashable, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np

from .category import Category
from .effects import NUMBERS


class Places(NamedTuple):
    """Where what is, in rows of the columns *names* with effects on so many *targets*."""

    names: tuple[Hashable, ...]
    targets: int
    known: int  # categories
    fields: list[Category]  # with effects
    numbers: np.ndarray  # places of the first columns that are fields
    effects: np.ndarray  # places of those columns of effects that there are
    made: np.ndarray  # which effects, of all, they are


def places_of(names: tuple[Hashable, ...], categories: Sequence[Category], targets: int) -> Places:
    """For the columns *names* and effects on so many *targets*."""
    with_effects = [category for category in categories if category.has_effects]
    at = {name: place for place, name in enumerate(names)}
    wanted = chain.from_iterable(c.effect_names(targets) for c in with_effects)
    pairs = [(at[column], n) for n, column in enumerate(wanted) if column in at]
    effects, made = np.array(pairs, int).reshape(-1, 2).T
    others = made_of(categories, targets)
    fields = [place for place, name in enumerate(names) if name not in others][:NUMBERS]
    numbers = np.array(fields, int)
    return Places(names, targets, len(categories), with_effects, numbers, effects, made)


def made_of(categories: Sequence[Category], targets: int) -> set[Hashable]:
    """The columns that were made of text."""
    made: set[Hashable] = set()
    for category in categories:
        made.update(category.seen.zeros, category.buckets, category.effect_names(targets))
    return made
