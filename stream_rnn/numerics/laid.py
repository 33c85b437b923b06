"""State and scratch in one block: bound for compiled code, and as arrays when Python asks.

A new column makes every array of a model anew.  What the arrays are does not change by it: their
order, dtypes and axes, and the words in which compiled code finds them, are its `Frame`, which is
found once.  From one growth to the next only lengths differ, and `moving` works with these: it
says where each array lies, writes that down for compiled code, and moves what was known, each in
a single call.  NumPy's views of the arrays are made when they are looked at.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numba import config

from ..codegen.bound import Bound, Parts, bound_type
from ..codegen.memory import address, laid_out
from . import growing, moving
from .growing import Shapes, in_panels
from .moving import CORNER, LEFT, PANELS
from .places import block
from .trees import WORD, Field, leaves, replaced

INTERPRETED: bool = config.DISABLE_JIT  # type: ignore[attr-defined]


class Frame(NamedTuple):
    """What does not grow."""

    kind: Any  # the type of what is bound
    block: np.ndarray  # what compiled code reads, but for the arrays
    begin: int  # where in it the arrays are described
    dims: np.ndarray  # (L,) axes of each array
    items: np.ndarray  # (L,) bytes of an item
    order: np.ndarray  # (L,) the arrays as they lie
    ways: np.ndarray  # (L,) how they move, see `moving`


def framed(model: Any, fields: Any, last: tuple[str, ...], joined: tuple[str, ...]) -> Frame:
    """The frame of the trees *fields*, those of a state and of its scratch."""
    found = leaves(fields)
    dims = np.array([len(field.shape) for field in found], np.int64)
    items = np.array([field.dtype.itemsize for field in found], np.int64)
    count = len(leaves(fields[0]))
    ways = [_way(f, joined) if n < count else LEFT for n, f in enumerate(found)]
    kind, block, begin = (None, dims[:0], 0) if INTERPRETED else _described(model, fields, dims)
    order = _order(fields, last)
    return Frame(kind, block, begin, dims, items, order, np.array(ways, np.int64))


def _described(model: Any, fields: Any, dims: np.ndarray) -> tuple[Any, np.ndarray, int]:
    """Type and words of what is bound, and where in them the arrays begin; they come last."""
    like = [np.empty((1,) * len(field.shape), field.dtype) for field in leaves(fields)]
    kind, block = laid_out(Parts(model, *replaced(fields, like)))
    begins = len(block) - np.cumsum((5 + 2 * dims)[::-1])[::-1]
    if block[begins + 4].tolist() != [address(array) for array in like]:
        raise TypeError("there is more than arrays in a state that grows")
    return bound_type(kind), block, int(begins[0]) if len(begins) else len(block)


def _way(field: Field, joined: tuple[str, ...]) -> int:
    """How an array of the state moves."""
    if field.axes and field.axes[-1] in joined:
        return joined.index(field.axes[-1])
    return PANELS - field.axes.index("b") if in_panels(field) else CORNER


def _order(fields: Any, last: tuple[str, ...]) -> np.ndarray:
    """The state's parts but the *last*, these, the scratch."""
    state, _ = fields
    numbers = iter(range(len(leaves(fields))))
    parts = {n: [next(numbers) for _ in leaves(part)] for n, part in enumerate(state)}
    behind = [state._fields.index(name) for name in last]
    places = [*(n for n in parts if n not in behind), *behind]
    return np.array([*(k for n in places for k in parts[n]), *numbers], np.int64)


class Laid:
    """The arrays of the `Field`s *state* and *work*, bound together with *model*.

    They lie in the order of `walk`, but for the parts *last* of the state, which come behind its
    others; *apart* is the number of bytes between two.  An axis with a name of *joined* is made of
    several arrays end to end.

    >>> from typing import Annotated
    >>> from .trees import Real, fields
    >>> class Pair(NamedTuple):
    ...     W: Annotated[Real, "H m"]
    ...     s: Annotated[Real, "H"]
    >>> laid = Laid((), fields(Pair, {"H": 2, "m": 1}), ())
    >>> laid.state.W[:] = 7
    >>> laid.grown(fields(Pair, {"H": 2, "m": 3}), ()).state.W
    array([[7., 0., 0.],
           [7., 0., 0.]])
    """

    def __init__(
        self,
        model: Any,
        state: Any,
        work: Any,
        last: tuple[str, ...] = (),
        apart: int = 0,
        joined: tuple[str, ...] = (),
        frame: Frame | None = None,
    ):
        self.model, self.fields = model, (state, work)
        self.last, self.apart, self.joined = last, apart, joined
        self._arrays: Any = None
        self.frame = framed(model, self.fields, last, joined) if frame is None else frame
        _, _, _, dims, items, order, _ = self.frame
        found = leaves(self.fields)
        self.shapes = np.array([n for field in found for n in field.shape], np.int64)
        self.places = np.empty(len(found), np.int64)
        size = moving.place(dims, items, order, self.shapes, apart, self.places)
        self.words = block(size).view(np.uint64)

    # what is seen of it ---------------------------------------------------------------------

    @property
    def arrays(self) -> Any:
        """State and scratch as NumPy's arrays."""
        if self._arrays is None:
            self._arrays = replaced(self.fields, self._views(leaves(self.fields), 0))
        return self._arrays

    @property
    def state(self) -> Any:
        return self.arrays[0]

    @property
    def work(self) -> Any:
        return self.arrays[1]

    def part(self, name: str) -> Any:
        """A part of the state, without a look at the others."""
        if self._arrays is not None:
            return getattr(self.state, name)
        tree = getattr(self.fields[0], name)
        return replaced(tree, self._views(leaves(tree), self._count(name)))

    def begin(self, name: str | None = None) -> int:
        """The word at which a part of the state begins, or the scratch."""
        return int(self.places[self._count(name)]) // WORD

    def _count(self, name: str | None) -> int:
        """How many arrays come before a part of the state, or before the scratch."""
        state = self.fields[0]
        return len(leaves(tuple(state[: None if name is None else state._fields.index(name)])))

    def _views(self, found: list[Field], first: int) -> Iterator[np.ndarray]:
        places = self.places[first : first + len(found)].tolist()
        for (_, shape, dtype, _), at in zip(found, places, strict=True):
            if 0 in shape:
                yield np.empty(shape, dtype)
            else:
                yield np.ndarray(shape, dtype, self.words, at)

    def bound(self) -> Any:
        """What compiled code takes."""
        if INTERPRETED:
            return Parts(self.model, *self.arrays)
        kind, block, begin, dims, items, _, _ = self.frame
        memory = block.copy()
        base = address(self.words) if self.words.size else 0
        moving.describe(dims, items, self.shapes, self.places, begin, base, memory)
        return Bound.at(kind, memory, self)

    def twin(self) -> "Laid":
        """Another block that holds the same."""
        new = self.longer(*self.fields)
        new.words[:] = self.words
        return new

    def __getstate__(self) -> tuple:
        """A copy is laid out anew: its arrays are of its own block."""
        return self.model, self.fields, self.last, self.apart, self.joined, self.words

    def __setstate__(self, saved: tuple) -> None:
        model, fields, last, apart, joined, words = saved
        self.__init__(model, *fields, last, apart, joined)  # type: ignore[misc]
        self.words[:] = words

    # growing --------------------------------------------------------------------------------

    def longer(self, state: Any, work: Any) -> "Laid":
        """Zeros of the same kind, with longer axes."""
        return Laid(self.model, state, work, self.last, self.apart, self.joined, self.frame)

    def take(self, old: "Laid", *joined: tuple[Shapes, Shapes]) -> None:
        """Move the state of *old*, of which this is longer, to here.

        For each name of `joined` the shapes of its arrays, before and after.
        """
        if INTERPRETED:
            tables = dict(zip(self.joined, joined, strict=True))
            growing.grow(old.fields[0], old.state, self.state, tables)
            return
        _, _, _, dims, items, _, ways = self.frame
        moving.move(
            *(ways, dims, items),
            *(old.words.view(np.uint8), old.shapes, old.places),
            *(self.words.view(np.uint8), self.shapes, self.places),
            _table(joined),
        )

    def grown(self, state: Any, work: Any, *joined: tuple[Shapes, Shapes]) -> "Laid":
        """The same with longer axes; what is new is 0."""
        new = self.longer(state, work)
        new.take(self, *joined)
        return new


def _table(joined: Sequence[tuple[Shapes, Shapes]]) -> np.ndarray:
    """(R, 9): number of the join, shape before and after, as `moving.move` takes them."""
    rows = [
        (n, *_padded(old), *_padded(new))
        for n, pair in enumerate(joined)
        for old, new in zip(*pair, strict=True)
    ]
    return np.array(rows, np.int64).reshape(len(rows), 9)


def _padded(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (*(1,) * (4 - len(shape)), *shape)
