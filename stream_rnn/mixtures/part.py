"""A compiled member at work on arrays."""

from functools import singledispatch
from typing import Any, NamedTuple

import numpy as np

from ..codegen.denormals import flush_denormals, restore_denormals
from ..codegen.dispatch import compiled
from ..numerics.laid import Laid
from ..numerics.places import MOAT
from ..numerics.trees import Field, load, walk
from . import forest_growth  # noqa: F401  (registers how forests learn)
from .base import absorb, begin, carry, declare, infer, room
from .forest import LIMIT, USED, Forest, laid_out, most_nodes

TRIMMED = ("links", "values", "stats", "low", "high")  # arrays of a forest by node
AT_ONCE = 256  # records between two looks at how much room is left


class Model(NamedTuple):
    """What is compiled: a member for a task."""

    member: Any
    task: Any


@compiled
def predict(bound, X, Z, units, out):
    """Predictions (T, C) for records X, Z (T, m), each as if it came next."""
    member, task = bound.model.member, bound.model.task
    state, work = bound.state, bound.work
    setting = flush_denormals()
    for t in range(Z.shape[0]):
        infer(member, task, state, work, X[t], Z[t], units[t], out[t])
    restore_denormals(setting)


@compiled
def prequential(bound, X, Z, units, y, out):
    """Predict each record, then learn it unless its target is missing (NaN)."""
    member, task = bound.model.member, bound.model.task
    state, work = bound.state, bound.work
    setting = flush_denormals()
    for t in range(Z.shape[0]):
        infer(member, task, state, work, X[t], Z[t], units[t], out[t])
        if y[t] == y[t]:
            absorb(member, task, state, work, X[t], Z[t], units[t], y[t], out[t])
    restore_denormals(setting)


class Part:
    """A member that is all kernels: its state for m inputs and C outputs."""

    _laid: Any = None

    def __init__(self, spec: Any, task: Any, inputs: int, outputs: int, seed: int):
        self.spec, self.task, self.seed = spec, task, seed
        self._lay_out(inputs, outputs)

    def _declared(self, inputs: int, outputs: int) -> tuple[Any, Any]:
        return declare(self.spec, self.task, inputs, outputs)

    def _lay_out(self, inputs: int, outputs: int) -> None:
        self.inputs, self.outputs = inputs, outputs
        self._fields, work = self._declared(inputs, outputs)
        if self._laid is None:
            self._laid = Laid(Model(self.spec, self.task), self._fields, work, apart=MOAT)
        else:
            self._laid = self._laid.longer(self._fields, work)
        begin(self.spec, self.task, self.state, inputs, self.seed)
        self._bound = self._laid.bound()

    @property
    def state(self) -> Any:
        """The arrays of the state."""
        return self._laid.state

    def predict(self, X: np.ndarray, Z: np.ndarray, units: np.ndarray) -> np.ndarray:
        """Predictions (T, C) for records in their own and in standard units."""
        out = np.empty((len(Z), self.outputs))
        predict(self._bound, X, Z, units, out)
        return out

    def prequential(
        self,
        X: np.ndarray,
        Z: np.ndarray,
        units: np.ndarray,
        y: np.ndarray,
        learned: np.ndarray | None = None,
    ) -> np.ndarray:
        """Predict each record, then learn it with y (T,), NaN where it is missing.

        Of all targets only *learned* (T,) are taken, if given.
        """
        out = np.empty((len(Z), self.outputs))
        self._run(X, Z, units, y if learned is None else learned, out)
        return out

    def _run(self, X, Z, units, y, out) -> None:
        prequential(self._bound, X, Z, units, y, out)

    def grow(self, inputs: int, outputs: int) -> None:
        """Append inputs and outputs: inputs find room, perhaps."""
        old, before = self.state, self.inputs
        if outputs == self.outputs and room(self.spec, inputs) == room(self.spec, before):
            self.inputs = inputs
            return
        self._lay_out(inputs, outputs)
        carry(self.spec, old, self.state, before, inputs)

    def _used(self) -> Any:
        """The state without the room that is left."""
        used = [_cut(f, a, self.inputs) for f, a in zip(self._fields, self.state, strict=True)]
        return type(self.state)(*used)

    def arrays(self) -> dict[str, np.ndarray]:
        """The state's arrays by name: views, not copies."""
        return dict(walk(self._used()))

    def load(self, arrays: dict[str, np.ndarray]) -> None:
        """Take over arrays by name; raises `CheckpointError` unless they fit."""
        load(self._used(), arrays)

    def reload(self, arrays: dict[str, np.ndarray]) -> None:
        """`load`, and nothing is left of what was."""
        self._lay_out(self.inputs, self.outputs)
        self.load(arrays)

    def follow(self, other: "Part") -> None:
        """Know what *other* knows, who may not have met all inputs and classes yet."""
        if (other.inputs, other.outputs) == (self.inputs, self.outputs):
            self.load(other.arrays())
            return
        like = type(self)(self.spec, self.task, other.inputs, other.outputs, self.seed)
        like.load(other.arrays())
        like.grow(self.inputs, self.outputs)
        self.__dict__.update(like.__dict__)


def _cut(field: Field, array: np.ndarray, inputs: int) -> np.ndarray:
    """What is of so many inputs."""
    if not isinstance(field, Field) or "r" not in field.axes:
        return array
    return array[tuple([slice(inputs if axis == "r" else None) for axis in field.axes])]


class ForestPart(Part):
    """A forest: its arrays grow with its trees, and only what is used is saved."""

    spec: Forest
    _room = 0

    def _declared(self, inputs: int, outputs: int) -> tuple[Any, Any]:
        nodes = max(64, self._room)
        return laid_out(self.spec, self.task, inputs, outputs, nodes)

    def _run(self, X, Z, units, y, out) -> None:
        for start in range(0, len(Z), AT_ONCE):
            piece = slice(start, start + AT_ONCE)
            self._make_room(2 * min(AT_ONCE, len(Z) - start))
            prequential(self._bound, X[piece], Z[piece], units[piece], y[piece], out[piece])

    def _make_room(self, more: int) -> None:
        """For so many more nodes a tree, in powers of two."""
        tree = self.state.tree
        wanted = int(min(tree[:, USED].max() + more, tree[:, USED + 1].max()))
        if wanted > self.state.links.shape[1]:
            self._resize(1 << (wanted - 1).bit_length())

    def _resize(self, nodes: int) -> None:
        self._room, old = nodes, self.state
        self._lay_out(self.inputs, self.outputs)
        for before, after in zip(old, self.state, strict=True):
            after[tuple(slice(n) for n in before.shape)] = before

    def grow(self, inputs: int, outputs: int) -> None:
        """Where a new input finds room its box begins at 0; more inputs make fewer nodes."""
        super().grow(inputs, outputs)
        limits = self.state.tree[:, LIMIT]
        most = most_nodes(self.spec.trees, self.spec.nodes, inputs, outputs)
        np.minimum(limits, max(8, most), out=limits)

    def _saved(self, nodes: int) -> Any:
        """The state with so many nodes a tree."""
        used = super()._used()
        return used._replace(**{n: getattr(used, n)[:, :nodes] for n in TRIMMED})

    def _used(self) -> Any:
        return self._saved(int(self.state.tree[:, USED].max()))

    def load(self, arrays: dict[str, np.ndarray]) -> None:
        nodes = arrays["links"].shape[1] if "links" in arrays else 0
        if nodes > self.state.links.shape[1]:
            self._resize(1 << (nodes - 1).bit_length())
        load(self._saved(nodes), arrays)


@singledispatch
def part(spec: Any, task: Any, inputs: int, outputs: int, seed: int) -> Any:
    """The member of a spec at work; by default all it does is compiled."""
    return Part(spec, task, inputs, outputs, seed)


part.register(Forest, ForestPart)
