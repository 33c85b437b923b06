"""From the steps of a sequence to its summary, one step at a time.

What all sequences share (`Shared`) changes only when a sequence is taken in; what belongs to an
open one is in `Open`, which has a copy of the running statistics of its own.  So a sequence that
is only looked at leaves nothing behind.
"""

from typing import Annotated, Any, NamedTuple

import numpy as np

from ...cells import LSTM
from ...codegen.bound import bind
from ...codegen.denormals import flush_denormals, restore_denormals
from ...codegen.dispatch import compiled
from ...engine.moments import Moments
from ...engine.scale import Standard, observe, standardise
from ...numerics.growing import into_corner
from ...numerics.trees import Float32, Int, below, fields, load, walk, zeros
from . import columns, outline, reservoir, statistics

SECOND = 7919  # added to the seed of what reads backwards


class Model(NamedTuple):
    """What selects the compiled code."""

    cell: Any
    scale: Any


class Shared(NamedTuple):
    """The reservoirs, and the running statistics of the steps."""

    ahead: reservoir.Weights
    back: Any  # the same, or ()
    inputs: Moments


class Open(NamedTuple):
    """An open sequence."""

    passage: reservoir.Passage
    inputs: Moments
    sums: statistics.Sums
    bins: outline.Bins
    steps: Annotated[Int, "1"]


class State(NamedTuple):
    """What is bound for an open sequence."""

    weights: reservoir.Weights
    open: Open


class Work(NamedTuple):
    """Scratch."""

    x: Annotated[Float32, "m"]
    passage: reservoir.Step
    sums: statistics.Step
    starts: Annotated[Int, "m"]


@compiled
def begin(bound):
    """An open sequence without steps."""
    now = bound.state.open
    reservoir.clear(now.passage)
    statistics.clear(now.sums)
    outline.clear(now.bins)
    now.steps[0] = 0


@compiled
def read(bound, X):
    """Take the steps X (T, m) into the open sequence."""
    setting = flush_denormals()
    model, now, work = bound.model, bound.state.open, bound.work
    for t in range(X.shape[0]):
        standardise(model.scale, now.inputs, X[t], work.x)
        reservoir.take(model.cell, bound.state.weights.W, now.passage, work.passage, work.x)
        observe(model.scale, now.inputs, X[t])
        statistics.take(now.sums, work.sums, X[t])
        outline.take(now.bins, X[t])
        now.steps[0] += 1
    restore_denormals(setting)


@compiled
def summarise(bound, out):
    """Write the summary of the open sequence into *out*; see `columns`."""
    now, starts = bound.state.open, bound.work.starts
    steps = now.steps[0]
    out[0] = steps
    reservoir.write(now.passage, steps, out[1:])
    statistics.write(now.sums, steps, now.inputs.variance, starts, out)
    outline.write(now.bins, starts, out)


@compiled
def read_back(bound, weights, passage, X, out):
    """The reservoir's part of a summary, read from the last step of X (T, m) to the first."""
    setting = flush_denormals()
    model, now, work = bound.model, bound.state.open, bound.work
    reservoir.clear(passage)
    for t in range(X.shape[0] - 1, -1, -1):
        standardise(model.scale, now.inputs, X[t], work.x)
        reservoir.take(model.cell, weights.W, passage, work.passage, work.x)
    reservoir.write(passage, X.shape[0], out)
    restore_denormals(setting)


class Reader:
    """Sequences of m channels become summaries; with *both* they are read from either end too.

    >>> reader = Reader(4, 1, seed=0)
    >>> reader.begin()
    >>> reader.read(np.array([[1.0], [3.0]]))
    >>> row = reader.summary()[0]
    >>> row[0], row[1 + reader.states + columns.MEAN]
    (np.float64(2.0), np.float64(2.0))
    """

    def __init__(self, units: int, channels: int, *, seed: int = 0, both: bool = False):
        self.cell, self.seed, self.both, self.fan_in = LSTM(units), seed, both, channels
        self.states = 2 * units * (2 if both else 1)
        self._lay_out(channels)
        self._draw(0)
        self.begin()

    def begin(self) -> None:
        """Open a sequence; what was open is dropped."""
        self._begin(self.open, self._bound)
        self.kept = np.empty((0, self.channels))

    def read(self, X: np.ndarray) -> None:
        """Take steps X (T, m) into the open sequence."""
        read(self._bound, X)
        if self.both:
            self.kept = np.concatenate([self.kept, X])

    def summary(self) -> np.ndarray:
        """Of the open sequence, (1, D)."""
        return self._summary(self._bound, self.kept)

    def look(self, X: np.ndarray) -> np.ndarray:
        """The summary (1, D) of a whole sequence X (T, m), which leaves no trace."""
        self._begin(self._aside, self._bound_aside)
        read(self._bound_aside, X)
        return self._summary(self._bound_aside, X)

    def commit(self) -> None:
        """Take the open sequence in: its steps count for the running statistics."""
        for mine, theirs in zip(self.shared.inputs, self.open.inputs, strict=True):
            mine[:] = theirs

    def _begin(self, now: Open, bound: Any) -> None:
        begin(bound)
        for mine, theirs in zip(now.inputs, self.shared.inputs, strict=True):
            mine[:] = theirs

    def _summary(self, bound: Any, X: np.ndarray) -> np.ndarray:
        out = np.empty((1, columns.width(self.states, self.channels)))
        summarise(bound, out[0])
        if self.both:
            half = self.states // 2
            weights, passage = self.shared.back, self._passage
            read_back(bound, weights, passage, X, out[0, 1 + half : 1 + 2 * half])
        return out

    # state --------------------------------------------------------------------------------

    def _lay_out(self, channels: int) -> None:
        self.channels = channels
        sizes = reservoir.sizes_of(self.cell, channels)
        sizes |= {"m": channels, "p": min(channels, columns.PAIRED), "b": 2 * columns.BINS}
        back = fields(reservoir.Weights, sizes) if self.both else ()
        shared = fields(Shared, sizes, back=back)
        now, passage = fields(Open, sizes), fields(reservoir.Passage, sizes)
        parts = zeros((shared, now, now, passage, fields(Work, sizes)))
        self.shared, self.open, self._aside, self._passage, work = parts
        work.starts[:] = columns.starts(self.states, channels)
        model = Model(self.cell, Standard())
        self._bound = bind(model, State(self.shared.ahead, self.open), work)
        self._bound_aside = bind(model, State(self.shared.ahead, self._aside), work)

    def _draw(self, known: int) -> None:
        """Draw the weights of all channels but the *known* ones."""
        reservoir.draw(self.cell, self.shared.ahead.W, known, self.fan_in, self.seed)
        if self.both:
            reservoir.draw(self.cell, self.shared.back.W, known, self.fan_in, self.seed + SECOND)

    def grow(self, channels: int) -> None:
        """Append channels; nothing may be open."""
        old, known = self.shared, self.channels
        self._lay_out(channels)
        for (_, before), (_, after) in zip(walk(old), walk(self.shared), strict=True):
            into_corner(before, after)
        self._draw(known)
        self.begin()

    def arrays(self) -> dict[str, np.ndarray]:
        """The state's arrays by name: views, not copies."""
        found = {f"shared.{n}": a for n, a in walk(self.shared)}
        found |= {f"open.{n}": a for n, a in walk(self.open)}
        return found | {"kept": self.kept, "fan_in": np.array([self.fan_in])}

    def load(self, arrays: dict[str, np.ndarray]) -> None:
        """Take over arrays by name; raises `CheckpointError` unless names and shapes agree."""
        load(self.shared, below("shared.", arrays))
        load(self.open, below("open.", arrays))
        self.kept = np.array(arrays["kept"])
        self.fan_in = int(arrays["fan_in"][0])
