"""Names of features, of targets and of classes in what is saved, and back.

A name may be any hashable value while a model runs.  A saved one is text, a number, a boolean,
None, or a tuple of these: what JSON and MessagePack hold; both give a tuple back as a list.
"""

from collections.abc import Hashable, Iterable
from typing import Any

import numpy as np

from ..errors import CheckpointError

PLAIN = (str, int, float, bool, type(None))


def saved(names: Iterable[Hashable]) -> list[Any]:
    """*names* in a list; raises `CheckpointError` for one that would come back as another.

    >>> saved(["ask", ("bid", 1)])
    ['ask', ('bid', 1)]
    """
    kept = [name.item() if isinstance(name, np.generic) else name for name in names]
    for name in kept:
        if isinstance(name, tuple):
            saved(name)
        elif type(name) not in PLAIN:
            raise CheckpointError(
                f"the name {name!r} cannot be saved; name features and classes by text, "
                "numbers, or tuples of them"
            )
    return kept


def as_name(kept: Any) -> Hashable:
    """A name of `saved` as it was.

    >>> as_name(["bid", ["level", 1]])
    ('bid', ('level', 1))
    """
    return tuple(map(as_name, kept)) if isinstance(kept, list) else kept
