"""Steps far ahead are learned as such from when they are first asked for.

A forecast many steps ahead that is made of steps of one repeats every step's error (direct
against recursive forecasts: Ben Taieb et al. 2012).  So from when a forecast first reaches far,
all steps up to a reach are learned as well, and weighed by how each way did, see
`forecasting.far`.  The last `WINDOW` records are learned at once then, with the season that is
known now, and every record from then on.
"""

from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import CheckpointError
from ..forecasting import outside
from ..forecasting.columns import MEDIAN
from ..forecasting.far import learner, ridge
from ..forecasting.far.learner import Far
from ..forecasting.far.season import fundamental
from ..forecasting.inputs import history
from ..forecasting.inputs.period import FOUND
from ..forecasting.series import Series
from ..numerics import trees

NEAR = 6  # steps from which a forecast is far
REACHES = (24, 48, 96)  # steps that are learned; beyond the last they are forecast recursively
WINDOW = 2000  # records
YOUNG, PATIENCE = 500, 20_000  # records, see `FarHorizons._follow_season`
FORM = 4  # of what is saved; what was learned in another form is learned anew

Make = Callable[[], Series]


class FarHorizons:
    """The far steps of one series, and the records that they would be learned from.

    So many *moves*, the first inputs after outside forecasts, are of their own record only.
    """

    def __init__(self, moves: int = 0) -> None:
        self.moves = moves
        self.far: Far | None = None
        self.reach = 0  # steps
        self.begun = 0  # records that had been seen when it was learned from the window
        self.targets: deque[float] = deque(maxlen=WINDOW)
        self.inputs: deque[np.ndarray] = deque(maxlen=WINDOW)

    # records ----------------------------------------------------------------------------------

    def run(self, near: Series, make: Make, ys: np.ndarray, xs: np.ndarray) -> list[np.ndarray]:
        """Take in *ys* (T,) with inputs *xs* (T, M), *near* too; its forecasts for them."""
        if self.far is None:
            self._remember(ys, xs)
            return near.run(ys, xs)
        outs, at = [], 0
        while at < len(ys):
            end, before = at + self._room(), self._count()
            outs.append(self._take(near, ys[at:end], xs[at:end]))
            self._remember(ys[at:end], xs[at:end])
            if self._due(before):
                self._follow_season(near, make)
            at = end
        return [np.concatenate(parts) for parts in zip(*outs, strict=True)] or near.run(ys, xs)

    def remember(self, y: float) -> None:
        """A record without inputs, while nothing far has been asked for."""
        self.targets.append(y)
        self.inputs.append(_NONE)

    def _remember(self, ys: np.ndarray, xs: np.ndarray) -> None:
        self.targets.extend(ys[-WINDOW:].tolist())
        self.inputs.extend(xs[-WINDOW:].copy() if xs.shape[1] else [_NONE] * min(WINDOW, len(ys)))

    def _room(self) -> int:
        """Records up to the next origin."""
        count = self._count()
        every = learner.spacing(count)
        return every - count % every

    def _due(self, before: int) -> bool:
        """Whether an origin has been reached since so many records."""
        count = self._count()
        return count > before and count % learner.spacing(count) == 0

    def _count(self) -> int:
        assert self.far is not None
        return int(self.far.history.clock[history.COUNT])

    def _take(self, near: Series, ys: np.ndarray, xs: np.ndarray) -> list[np.ndarray]:
        """Records up to the next origin at most, and that."""
        out = near.run(ys, xs)
        before = self._count()
        learner.run(self._bound, ys, np.ascontiguousarray(out[0][:, MEDIAN]), xs)
        if self._due(before):
            self._trust(near)
            assert self.far is not None
            ridge.solve(self.far.ridge)
            path = near.forecast(self.reach, near.ahead(xs[-1], self.reach, self.moves))
            learner.keep(self._bound, path)
        return out

    # learning from the window -----------------------------------------------------------------

    def _follow_season(self, near: Series, make: Make) -> None:
        """Learn anew if the season is another one, but not too often: it costs a window.

        Again after a quarter of the records so far while they are few, then after as many.
        """
        assert self.far is not None
        season, seen = _season(near), near.count
        patience = self.begun // 4 if self.begun < YOUNG else min(PATIENCE, self.begun)
        other = season != int(self.far.season[0])
        if other and seen - self.begun >= patience:
            self._begin(near, make)

    def _begin(self, near: Series, make: Make) -> None:
        """Learn the window, as if the season had been known from its first record on."""
        again = make()
        self._hold(learner.allocate(self.reach, _season(near), near.inputs, len(near.given)))
        self.begun = near.count
        ys, xs = np.array(self.targets), self._rows(near.inputs)
        at = 0
        while at < len(ys):
            end = at + self._room()
            self._take(again, ys[at:end], xs[at:end])
            at = end
        self._trust(near)

    def _trust(self, near: Series) -> None:
        """Outside forecasts count at first what they do one step ahead."""
        if near.given and self.far is not None:
            counts = outside.shares(near.banks[0].outside, MEDIAN)[1:]
            self.far.told.near[:] = np.clip(counts, 0.0, 1.0)

    def _hold(self, far: Far) -> None:
        self.far, self._bound = far, learner.bound(far)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_bound"}

    def __setstate__(self, saved: dict[str, Any]) -> None:
        self.__dict__.update(saved)
        if self.far is not None:
            self._hold(trees.duplicate(self.far))

    def grow(self, near: Series, make: Make) -> None:
        """There are more inputs now."""
        if self.far is not None:
            self._begin(near, make)

    def _rows(self, width: int) -> np.ndarray:
        """The inputs kept, (T, width); what was not known then is missing."""
        rows = np.full((len(self.inputs), width), np.nan)
        for row, kept in zip(rows, self.inputs, strict=True):
            row[: len(kept)] = kept
        return rows

    # forecasts --------------------------------------------------------------------------------

    def forecast(self, near: Series, make: Make, steps: int, inputs: np.ndarray) -> np.ndarray:
        """Forecast rows (steps, WIDTH); *near* makes those that it learns directly itself."""
        own = near.horizons[-1]
        if steps < NEAR or steps <= own or near.count == 0:
            return near.forecast(steps, inputs)
        reach = next((r for r in REACHES if r >= steps), REACHES[-1])
        if reach > self.reach:
            self.reach = reach
            self._begin(near, make)
        alone = inputs.copy()
        alone[:, : len(near.given)] = np.nan
        path = near.forecast(self.reach, alone)
        rows = path.copy()
        learner.forecast(self._bound, path, inputs, rows)
        rows[:own] = near.forecast(own, inputs) if near.given else path[:own]
        return rows[:steps] if steps <= self.reach else near.forecast(steps, inputs, rows)

    # state ------------------------------------------------------------------------------------

    def arrays(self, width: int) -> dict[str, np.ndarray]:
        """The state by name."""
        found = {"targets": np.array(self.targets), "inputs": self._rows(width)}
        if self.far is not None:
            kept = dict(trees.walk(self.far, "learned", scratch=False))
            found |= {name: array.copy() for name, array in kept.items()}
        return found

    def meta(self) -> dict[str, int]:
        """What says of which shape the arrays are."""
        return {"reach": self.reach, "begun": self.begun, "form": FORM}

    def load(self, meta: Any, arrays: dict[str, np.ndarray], inputs: int, given: int = 0) -> None:
        """Take over the state of another; one that lacks the learner learns when next asked."""
        self.targets.extend(arrays["targets"].tolist())
        self.inputs.extend(np.array(arrays["inputs"]))
        if not isinstance(meta, dict) or not meta["reach"] or meta.get("form") != FORM:
            return
        kept = trees.below("learned.", arrays)
        if "season" not in kept:
            raise CheckpointError("the checkpoint lacks what was learned of far steps")
        far = learner.allocate(meta["reach"], int(kept["season"][0]), inputs, given)
        trees.load(far, kept)
        self.reach, self.begun = meta["reach"], meta["begun"]
        self._hold(far)


def _season(near: Series) -> int:
    """The season of what the nearest bank has found; 0 for none."""
    period = near.banks[0].period
    return fundamental(period, near.count - 1) or int(period.found[FOUND])


_NONE = np.empty(0)
