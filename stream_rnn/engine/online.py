"""OnlineNetwork: a model with its state, at work on arrays."""

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from ..cells.base import initialise
from ..learners.base import gathers
from ..numerics.growing import grow, grow_parameters
from ..numerics.laid import Laid
from ..numerics.linalg import limit_blas_threads
from ..numerics.trees import allocate_together, load, walk, within
from ..optimizers import base as optimizers
from . import loop as engine
from .former import AGE, RETURNS
from .layout import Layout, State, lay_out
from .model import Model


class OnlineNetwork:
    """A recurrent network that predicts and learns rows of arrays.

    m inputs and O outputs, both of which may grow; X (T, m) and Y (T, O) are float64 in
    their own units, NaN standing for a missing value.  *skip* lets the readout see the
    inputs beside the hidden state.

    >>> from stream_rnn.engine.model import compose
    >>> from stream_rnn import LSTM, RTRL, Adam, Squared
    >>> network = OnlineNetwork(compose(LSTM(4), RTRL(), Adam(0.01), Squared()), 1, 1, seed=1)
    >>> X = np.arange(500.0)[:, None] % 4
    >>> errors = abs(network.prequential(X, np.roll(X, -1)) - np.roll(X, -1))
    >>> bool(errors[-50:].mean() < 0.2 * errors[:50].mean())
    True
    """

    def __init__(
        self,
        model: Model,
        inputs: int,
        outputs: int,
        *,
        seed: int = 0,
        skip: bool = False,
        dtype: Any = np.float32,
    ):
        limit_blas_threads()
        self.model, self.skip, self.dtype, self.seed = model, skip, np.dtype(dtype), seed
        self._laid: Any = None
        self._lay_out(inputs, outputs)
        self._draw()

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Predictions (T, O), each row of X taken as the next; nothing changes."""
        X = _rows(X)
        out = np.empty((len(X), self.outputs))
        engine.predict(self._bound, X, out)
        return out

    def prequential(self, X: np.ndarray, Y: np.ndarray) -> np.ndarray:
        """Predict each row, then learn it; returns the predictions (T, O)."""
        X, Y = _rows(X), _rows(Y)
        out = np.empty((len(X), self.outputs))
        done = 0
        while True:
            rows, finite = engine.prequential(self._bound, X, Y, out[done:] if done else out)
            if not finite:
                self.roll_back()
            if rows == len(X):
                return out
            done, X, Y = done + rows, X[rows:], Y[rows:]

    def prequential_keyed(
        self, X: np.ndarray, Y: np.ndarray, slots: np.ndarray, pool: np.ndarray
    ) -> np.ndarray:
        """`prequential` for interleaved streams that share the parameters.

        Record t is of the stream whose context is pool[slots[t]]; pool (N, words or more)
        of uint64, slots (T,) of int64.  What `context` holds afterwards is of no use.
        """
        X, Y = _rows(X), _rows(Y)
        out = np.empty((len(X), self.outputs))
        done = 0
        while done < len(X):
            rows, finite = engine.prequential_keyed(
                *(self._bound, self.context, pool, slots[done:]),
                *(X[done:], Y[done:], out[done:]),
            )
            done += rows
            if not finite:
                self.roll_back()
                pool[slots[done - 1], : self.context.size] = self.context
        return out

    def grow(self, inputs: int, outputs: int) -> None:
        """Append inputs and outputs; their weights start at 0, so no prediction changes."""
        old, shapes, before = self._laid, self._shapes, self._fields.memory
        self._lay_out(inputs, outputs)
        optimizers.enlarge(self.model.optimizer, self._laid.part("memory"), before)
        self._laid.take(old, (shapes, self._shapes))

    def rearrange(self, order: Sequence[int]) -> None:
        """Let input k be what was input order[k], for `follow`, which brings the parameters."""
        for array in self.state.inputs:
            array[: len(order)] = array[list(order)]
        self.state.former.counts[AGE] = 0

    def follow(self, other: "OnlineNetwork") -> None:
        """Take over what *other* has learned: parameters and the statistics of the targets.

        The hidden state and the statistics of the inputs stay.  Inputs that *other* does not
        know yet get weights of 0, which is what it will begin with when it meets them.
        """
        if other.outputs > self.outputs or other.inputs > self.inputs:
            self.grow(max(self.inputs, other.inputs), max(self.outputs, other.outputs))
        if other._shapes == self._shapes:
            self.state.theta[:] = other.state.theta
        else:
            grow_parameters(other.state.theta, self.state.theta, other._shapes, self._shapes)
        for mine, theirs in zip(self.state.targets, other.state.targets, strict=True):
            mine[: len(theirs)] = theirs
        self.state.former.counts[AGE] = 0

    def arrays(self) -> dict[str, np.ndarray]:
        """The state's arrays by name: views, not copies."""
        return dict(walk(self.state))

    def load(self, arrays: dict[str, np.ndarray]) -> None:
        """Take over arrays by name; raises `CheckpointError` unless names and shapes agree."""
        load(self.state, arrays)

    def parameters(self) -> list[np.ndarray]:
        """Views of W (Z, G, H) of each layer, and of V (R, O)."""
        return self._split(self.state.theta)

    def layer_parameters(self) -> list[list[np.ndarray]]:
        """Views of the parameter arrays of each layer: [W], and what else its cell has."""
        arrays = iter(self.parameters())
        return [[next(arrays) for _ in shapes] for shapes in self._arrays]

    @property
    def counts(self) -> dict[str, int]:
        """Records seen and learned, rollbacks, outliers; clipped gradients or filter resets."""
        counts = self.state.counts
        far = self.state.inputs.outliers.sum() + self.state.targets.outliers.sum()
        return {
            "records": int(counts[engine.RECORDS]),
            "learned": int(counts[engine.LEARNED]),
            "nonfinite_rollbacks": int(counts[engine.ROLLBACKS]),
            "outliers": int(far),
            "returns": int(self.state.former.counts[RETURNS]),
            **optimizers.report(self.model.optimizer, self.state.memory),
        }

    def __getstate__(self) -> dict[str, Any]:
        kept = ("model", "skip", "dtype", "seed", "inputs", "outputs")
        return {**{k: getattr(self, k) for k in kept}, "arrays": self.arrays()}

    def __setstate__(self, saved: dict[str, Any]) -> None:
        limit_blas_threads()
        arrays, inputs, outputs = (saved.pop(k) for k in ("arrays", "inputs", "outputs"))
        self.__dict__.update(saved, _laid=None)
        self._lay_out(inputs, outputs)
        self.load(arrays)

    def _lay_out(self, inputs: int, outputs: int) -> None:
        """Allocate a zero state and the scratch for m inputs and O outputs.

        The state lies in one vector, `words`, and what belongs to one stream at the end of
        it, `context`, so that a network can be put at the place of another stream by one
        copy: hidden states, traces, and the gradient if it is gathered over several records.
        The scratch follows in the same block.
        """
        self.inputs, self.outputs = inputs, outputs
        layout = self._layout(inputs, outputs)
        self._fields, self._arrays, self._shapes = layout.state, layout.arrays, layout.shapes
        kept = self._of_one_stream
        if self._laid is None:
            self._laid = Laid(self.model, layout.state, layout.work, kept, joined=("P",))
        else:
            self._laid = self._laid.longer(layout.state, layout.work)
        self.words = self._laid.words[: self._laid.begin()]
        self.context = self.words[self._laid.begin(kept[0]) :]
        self._bound = self._laid.bound()

    @property
    def state(self) -> State:
        """The arrays of the state."""
        return self._laid.state

    @property
    def work(self) -> Any:
        """The arrays of the scratch."""
        return self._laid.work

    @property
    def _of_one_stream(self) -> tuple[str, ...]:
        """Fields of `State` that belong to the stream rather than to the parameters."""
        return ("gradient", "layers") if gathers(self.model.learner) else ("layers",)

    def grow_context(self, context: np.ndarray, inputs: int, outputs: int) -> np.ndarray:
        """A context of a smaller network, with *inputs* and *outputs*, for this one.

        As `grow` would have made it: what is new is 0.
        """
        old, names = self._layout(inputs, outputs), self._of_one_stream
        old_fields = tuple(getattr(old.state, name) for name in names)
        fields = tuple(getattr(self._fields, name) for name in names)
        grown, target = allocate_together(fields)
        joined = {"P": (old.shapes, self._shapes)}
        grow(old_fields, within(context, old_fields), target, joined)
        return grown

    def _layout(self, inputs: int, outputs: int) -> Layout:
        return lay_out(self.model, inputs, outputs, skip=self.skip, dtype=self.dtype)

    def _draw(self) -> None:
        """Initial parameters from the seed; the readout by fan-in (Glorot & Bengio 2010)."""
        rng = np.random.default_rng(self.seed)
        V = self.parameters()[-1]
        for cell, arrays in zip(self.model.cells, self.layer_parameters(), strict=True):
            drawn = [np.zeros(array.shape) for array in arrays]
            initialise(cell, rng, *drawn)
            for array, values in zip(arrays, drawn, strict=True):
                array[...] = values
        H = self.model.cells[-1].units
        V[:H] = rng.uniform(-1, 1, (H, self.outputs)) * np.sqrt(3 / H)
        self.state.saved[:] = self.state.theta
        self._reset_memory()

    @property
    def reactions(self) -> tuple[str, ...]:
        """What `unsettle` is good for: ``"noise"``, or nothing."""
        return optimizers.reactions(self.model.optimizer)

    def unsettle(self, share: float = 0.1) -> None:
        """Give every weight of a Kalman filter a *share* of its prior variance back."""
        optimizers.unsettle(self.model.optimizer, self.state.memory, share)

    def _reset_memory(self) -> None:
        """Set the optimizer's memory to that of a new one."""
        optimizers.reset(self.model.optimizer, self.state.memory)

    def roll_back(self) -> None:
        """Return to the last good parameters, or, twice in a row, to the initial ones.

        Hidden states, traces and the optimizer's memory start anew.
        """
        state = self.state
        again = state.counts[engine.SINCE_SAVED] < 0
        state.theta[:] = state.saved[0 if again else 1]
        state.counts[engine.SINCE_SAVED] = -engine.CHECK_EVERY
        state.counts[engine.ROLLBACKS] += 1
        state.former.counts[AGE] = 0
        state.gradient[:] = 0
        for _, array in walk(state.layers):
            array[...] = 0
        self._reset_memory()

    def _split(self, theta: np.ndarray) -> list[np.ndarray]:
        ends = np.cumsum([prod(s) for s in self._shapes])
        parts = np.split(theta, ends[:-1])
        return [part.reshape(s) for part, s in zip(parts, self._shapes, strict=True)]


def _rows(array: np.ndarray) -> np.ndarray:
    """C-contiguous float64 rows: what the compiled code is specialised on."""
    if type(array) is np.ndarray and array.ndim == 2 and array.dtype == np.float64:
        return array if array.flags.c_contiguous else np.ascontiguousarray(array)
    return np.ascontiguousarray(np.atleast_2d(array), np.float64)
