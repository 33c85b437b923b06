"""One series with all its horizons: the banks, and forecasts made of theirs."""

from collections.abc import Hashable, Sequence
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np

from ..numerics import trees
from ..numerics.laid import Laid
from . import bank as banks
from . import spare
from .bank import Bank
from .columns import LOWER, MEAN, MEDIAN, UPPER, WIDTH
from .experts.default import seasonal_prior
from .inputs import doubt, history
from .inputs.period import NEWS
from .interval import LEVELS
from .lengthen import in_blocks, lengthened
from .mixing.mix import Mixture
from .relearn import relearn, renewed

_NORMAL = NormalDist()
_QUANTILES = np.array([_NORMAL.inv_cdf((1 + level) / 2) for level in LEVELS])
FORMER = "former."  # of the names of arrays
POINTS = {"median": MEDIAN, "mean": MEAN}


class Prediction(NamedTuple):
    """A forecast and the interval that should hold the truth with the level asked for."""

    point: float
    lower: float
    upper: float


class Series:
    """Banks for the direct *horizons* of one series.

    The first of its *inputs* are outside forecasts of the names *given*, see `outside`.

    Step j ahead is forecast by the bank of the longest direct horizon d ≤ j; for j > d it
    first takes in, without learning, the forecasts of the steps before (recursion).
    """

    def __init__(
        self,
        specs: tuple,
        horizons: tuple[int, ...],
        inputs: int,
        seed: int,
        mixture: Mixture | None = None,
        given: tuple[str, ...] = (),
    ):
        self.specs, self.horizons, self.seed, self.mixture = specs, horizons, seed, mixture
        self.given = given
        self.banks: list[Bank] = []
        self._begin(inputs)

    def _begin(self, inputs: int) -> None:
        """Banks that have seen nothing, for so many *inputs*."""
        self._make_room(inputs)
        self._hold([self._bank(h) for h in self.horizons])

    def _make_room(self, inputs: int) -> None:
        """For records of so many *inputs*."""
        self.inputs = inputs
        self.width = 2 * WIDTH if self.given else WIDTH  # of the rows of `run`
        self.formers: dict[int, Bank] = {}  # as they were before a doubt, while it lasts
        x, out = np.empty((1, inputs)), np.empty((1, self.width))
        self._one = np.empty(1), np.full(1, np.nan), x, out

    def _hold(self, found: list[Bank], blocks: Sequence[Laid] = ()) -> None:
        """*found*, which lie in *blocks* if they have grown."""
        self.banks, self._blocks = found, blocks
        self._bound = [block.bound() for block in blocks] or [banks.bound(b) for b in found]

    def __getstate__(self) -> dict[str, Any]:
        own = ("_bound", "_blocks")
        return {name: value for name, value in self.__dict__.items() if name not in own}

    def __setstate__(self, saved: dict[str, Any]) -> None:
        self.__dict__.update(saved)
        self._hold([trees.duplicate(bank) for bank in self.banks])  # each in one block again

    def _bank(self, horizon: int) -> Bank:
        return banks.allocate(
            self.specs, self.inputs, horizon, self.seed, self.mixture, len(self.given)
        )

    @property
    def count(self) -> int:
        """Records taken in."""
        return int(self.banks[0].history.clock[history.COUNT])

    def expect(self, season: int) -> None:
        """The calendar says that a season is so many records; before one has passed."""
        for bank in self.banks:
            banks.expect(bank, season, seasonal_prior(self.specs))

    def run(self, ys: np.ndarray, xs: np.ndarray) -> list[np.ndarray]:
        """Take in *ys* (T,) with *xs* (T, M); the forecasts made for them, for each horizon.

        Their rows have the columns of `columns`, from OWN on only where outside forecasts may be
        told.  A missing value (NaN) is imputed by the bank of the shortest horizon.
        """
        outs = []
        fills = np.full(len(ys), np.nan)
        for at in range(len(self.banks)):
            out, done = np.empty((len(ys), self.width)), 0
            while done < len(ys):
                rest = (ys[done:], fills[done:], xs[done:], out[done:])
                done += banks.run(self._bound[at], *rest)
                self._look_back(at)
            outs.append(out)
            fills = out[:, MEDIAN]
        return outs

    def take(self, y: float) -> None:
        """`run` for one record without inputs, to spare what a chunk needs around it."""
        one, fill, x, out = self._one
        one[0], fill[0] = y, np.nan
        for at in range(len(self.banks)):
            while not banks.run(self._bound[at], one, fill, x, out):
                self._look_back(at)
            self._look_back(at)
            fill[0] = out[0, MEDIAN]

    def _look_back(self, at: int) -> None:
        """Learn again what was seen, if its season, or that it was wrong, has become known."""
        bank = self.banks[at]
        if bank.period.found[NEWS]:
            self.formers.pop(at, None)
            self._replace(at, relearn(bank, self._bank(self.horizons[at])))
        elif bank.doubt.state[doubt.NEWS] == doubt.BEGINS:
            self.formers[at] = trees.duplicate(bank)
        elif bank.doubt.state[doubt.NEWS] == doubt.RETURNS:
            self._replace(at, renewed(bank, self.formers.pop(at)))
        elif self.formers and bank.doubt.state[doubt.AGE] == 0:  # what was doubtful is believed
            self.formers.pop(at, None)

    def _replace(self, at: int, bank: Bank) -> None:
        self._hold([*self.banks[:at], bank, *self.banks[at + 1 :]])

    def newest(self, index: int) -> np.ndarray:
        """The newest forecast row (WIDTH,) of the bank *index*, as far ahead as it looks."""
        forecast = self.banks[index].pending.forecast
        return forecast[(self.count - 1) % len(forecast)]

    def ahead(self, row: np.ndarray, steps: int, moves: int = 0) -> np.ndarray:
        """Inputs (steps, M) of the next records, of which only the *row* (M,) before is known.

        Outside forecasts, and so many *moves* after them, are of their own record only.
        """
        rows = np.tile(row, (steps, 1))
        rows[:, : len(self.given) + moves] = np.nan
        return rows

    def waiting(self, index: int) -> np.ndarray:
        """Forecast rows (h, WIDTH) of the bank *index* for the next h records, in order."""
        pending = self.banks[index].pending.forecast
        return np.roll(pending, -(self.count % len(pending)), axis=0)

    def forecast(
        self, steps: int, xs: np.ndarray | None = None, known: np.ndarray | None = None
    ) -> np.ndarray:
        """Forecast rows (steps, WIDTH) for the next records; *xs* (≤ steps, M) their inputs.

        Nothing changes.  Where *xs* ends, missing inputs count as their means.  The first rows
        may be *known* from elsewhere; what follows is forecast from them.
        """
        rows = np.full((steps, WIDTH), np.nan)
        if self.count == 0:
            return rows
        inputs = np.full((steps, self.inputs), np.nan)
        if xs is not None:
            inputs[: len(xs)] = xs[:steps]
        start = 1
        if known is not None:
            rows[: len(known)], start = known, len(known) + 1
        copies: dict[int, spare.Spare] = {}
        taken = dict.fromkeys(self.horizons, 0)
        for j in range(start, steps + 1):
            index = max(i for i, h in enumerate(self.horizons) if h <= j)
            h = self.horizons[index]
            ahead = j - h  # forecasts to take in first
            if ahead == 0:
                rows[j - 1] = self._foreseen(self._bound[index], self.count, h, inputs[j - 1])
                continue
            if index not in copies:
                copies[index] = spare.copy(self._kind(h), self.banks[index])
            copy, bound = copies[index]
            if h == 1 and index == len(self.horizons) - 1:  # all that is left is its own
                self._recurse(copy, bound, rows, inputs, taken[h])
                break
            spare.take_in(bound, rows[taken[h] : ahead, MEDIAN], inputs[taken[h] : ahead])
            taken[h] = ahead
            count = int(copy.history.clock[history.COUNT])
            rows[j - 1] = widen(self._foreseen(bound, count, h, inputs[j - 1]), (j / h) ** 0.5)
        for index, used in copies.items():
            spare.keep(self._kind(self.horizons[index]), used)
        return rows

    def _foreseen(self, bound: Any, count: int, horizon: int, x: np.ndarray) -> np.ndarray:
        """The newest forecast row after *count* records, with what *x* tells of its record."""
        row = np.empty(self.width)
        banks.foresee(bound, (count - 1) % horizon, x, row)
        return row[:WIDTH]

    def _kind(self, horizon: int) -> Hashable:
        """Banks of which this is the same have arrays of the same shapes."""
        return tuple(map(type, self.specs)), self.specs, self.inputs, self.given, horizon

    def _recurse(
        self, copy: Bank, bound: Any, rows: np.ndarray, inputs: np.ndarray, taken: int
    ) -> None:
        """Fill the rest of *rows* from a *copy* of the bank for one step, *taken* so far."""
        first = int(np.isnan(rows[:, MEDIAN]).argmax())
        spare.take_in(bound, rows[taken:first, MEDIAN], inputs[taken:first])
        unknown = np.full(len(rows) - first - 1, np.nan)
        out = np.empty((len(rows) - first, self.width))
        at = 0
        while at < len(unknown):  # what is missing is imputed by the forecast: recursion
            rest = (unknown[at:], unknown[at:], inputs[first + at : -1], out[at:-1])
            at += banks.run(bound, *rest)
        banks.foresee(bound, 0, inputs[-1], out[-1])
        factors = np.arange(first + 1, len(rows) + 1) ** 0.5
        rows[first:] = widen(out[:, :WIDTH], factors[:, None])

    def grow(self, inputs: int) -> None:
        """Make room for more exogenous inputs, with weights 0."""
        before, formers = self.banks, self.formers
        known, more = in_blocks(self._blocks, before), inputs - self.inputs
        if known:
            blocks = [lengthened(block, more) for block in known]
            self._make_room(inputs)
            self._hold([block.state for block in blocks], blocks)
        else:
            self._begin(inputs)
            for old, new in zip(before, self.banks, strict=True):
                banks.grow(old, new)
        for at, old in formers.items():
            self.formers[at] = self._bank(self.horizons[at])
            banks.grow(old, self.formers[at])

    def health(self) -> dict[str, float]:
        """Counters and gauges by metric name, summed over the horizons."""
        report: dict[str, float] = {}
        for bank in self.banks:
            for name, value in banks.health(bank).items():
                report[name] = report.get(name, 0.0) + value
        return report

    def arrays(self) -> dict[str, np.ndarray]:
        """All state by name; no copies."""
        found = dict(trees.walk(tuple(self.banks), scratch=False))
        for at, bank in self.formers.items():
            found |= {f"{FORMER}{at}.{n}": a for n, a in trees.walk(bank, scratch=False)}
        return found

    def load(self, arrays: dict[str, np.ndarray]) -> None:
        """Overwrite all state; `CheckpointError` if it is of another model."""
        own = {name: array for name, array in arrays.items() if not name.startswith(FORMER)}
        formers = {}
        for at, horizon in enumerate(self.horizons):
            if former := trees.below(f"{FORMER}{at}.", arrays):
                formers[at] = self._bank(horizon)
                trees.load(formers[at], former)
        trees.load(tuple(self.banks), own)
        self.formers = formers


def widen(rows: np.ndarray, factor: float | np.ndarray) -> np.ndarray:
    """*rows* (…, WIDTH) with their bounds *factor* (…, 1) times as far from the median."""
    wider, median = rows.copy(), rows[..., MEDIAN, None]
    wider[..., LOWER:] = median + factor * (rows[..., LOWER:] - median)
    return wider


def bounds(rows: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper bounds (T,) at *level* from forecast *rows* (T, WIDTH).

    Calibrated levels are read off; between them, the distance from the median is
    interpolated over the normal quantile, and beyond them extended in proportion to it.
    """
    z = _NORMAL.inv_cdf((1 + level) / 2)
    below = rows[:, MEDIAN, None] - rows[:, LOWER:UPPER]
    above = rows[:, UPPER:WIDTH] - rows[:, MEDIAN, None]
    return rows[:, MEDIAN] - _distance(below, z), rows[:, MEDIAN] + _distance(above, z)


def _distance(widths: np.ndarray, z: float) -> np.ndarray:
    widths = np.maximum.accumulate(widths, axis=1)  # a higher level is never narrower
    if z <= _QUANTILES[0]:
        return widths[:, 0] * (z / _QUANTILES[0])
    if z >= _QUANTILES[-1]:
        return widths[:, -1] * (z / _QUANTILES[-1])
    i = int(np.searchsorted(_QUANTILES, z - 1e-9))
    share = (z - _QUANTILES[i - 1]) / (_QUANTILES[i] - _QUANTILES[i - 1])
    return widths[:, i - 1] + share * (widths[:, i] - widths[:, i - 1])
