"""What the forecasters of one and of several series share."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from river.time_series.base import Forecaster

from ..categories.columns import Columns
from ..drift.monitor import Monitor
from ..errors import CheckpointError, ConfigError
from ..features.saved_names import saved
from ..forecasting import given
from ..forecasting.experts.default import DEFAULT
from ..forecasting.reaction import react
from ..forecasting.series import POINTS, Series
from ..forecasting.weights import expert_weights
from ..numerics.trees import below
from .described import OPTIONAL, check_same, described
from .expected_season import ExpectedSeason, checked_season
from .protocol import Snapshot
from .saving import Savable
from .series_records import checked_horizons, checked_level, checked_lowest, with_calendar


class SeriesForecaster(Savable, Forecaster):
    """Parameters, their checks, drift, and the frame of a snapshot.

    A subclass says in `_start` what it holds before the first record, and in `_all_series`
    which series it has; its parameters are the ones here.
    """

    reactions = ("noise", "widen", "both")

    def __init__(
        self,
        horizons: int | tuple = 1,
        point: str = "median",
        level: float = 0.9,
        experts: tuple | None = None,
        timestamp: str = "timestamp",
        seed: int = 0,
        drift: Any = None,
        on_drift: str | None = None,
        mixture: Any = None,
        categorical: Mapping[str, str] | None = None,
        lowest: float | None = None,
        season: int | None = None,
    ):
        self.horizons = horizons
        self.point = point
        self.level = level
        self.experts = experts
        self.timestamp = timestamp
        self.seed = seed
        self.drift = drift
        self.on_drift = on_drift
        self.mixture = mixture
        self.categorical = categorical
        self.lowest = lowest
        self.season = season
        self._horizons = checked_horizons(horizons)
        if point not in POINTS:
            raise ConfigError(f"point: {point!r}; choose 'median' or 'mean'")
        checked_level(level)
        checked_lowest(lowest)
        checked_season(season)
        if on_drift is not None and drift is None:
            raise ConfigError(f"on_drift: {on_drift!r} needs drift, such as drift='ADWIN'")
        self._monitor = None if drift is None else Monitor(drift, on_drift)
        self._features = self._no_columns()
        self._expected = ExpectedSeason(season)
        self._given = given.fields(experts or ())
        if experts is not None or mixture is not None:  # refuse odd ones now
            given.check(experts or ())
            Series(self._specs(), (1,), 0, seed, mixture)
        self._start()

    def _no_columns(self, names: Sequence[Any] = ()) -> Columns:
        """The columns of records, before anything was learned of them."""
        return Columns(names, categorical=self.categorical)

    def _start(self) -> None:
        """Set the subclass's own state, as before the first record."""
        raise NotImplementedError

    def _all_series(self) -> Iterable[Series]:
        """Every series that has begun."""
        raise NotImplementedError

    def _new_series(self, inputs: int, number: int = 0) -> Series:
        """The series of that *number* before its first record, for exogenous *inputs*."""
        seed, columns = self.seed + number, len(self._given) + inputs
        one = Series(self._specs(), self._horizons, columns, seed, self.mixture, self._given)
        if self._expected.season > 0:
            one.expect(self._expected.season)
        return one

    def expect_season(self, season: int) -> None:
        """A calendar says how many records a season is, before one has passed.

        Without effect where the parameter says it, or the series itself has told.
        """
        checked_season(season)
        if self.season is None:
            self._expected.say(season)
            self._tell(season)

    def _look_at_times(self, xs: Sequence[Any] | None, count: int) -> tuple[int, int]:
        """After how many of the next records their times say what season to expect, and which."""
        return self._expected.look(xs, self.timestamp, count)

    def _expect(self, xs: Sequence[Any], season: int) -> None:
        """The records *xs* were learned; *season* is what `_look_at_times` said."""
        if self._expected.waits:
            self._expected.take(xs, self.timestamp, season)
            self._tell(season)

    def _tell(self, season: int) -> None:
        if season > 0:
            for one in self._all_series():
                one.expect(season)

    def _specs(self) -> tuple:
        """The experts; outside forecasts alone are beside those of the default bank."""
        return given.others(self.experts or ()) or DEFAULT

    def _plain(self, x: dict, index: int) -> dict:
        """The exogenous inputs of *x*: without outside forecasts, times as calendar columns."""
        return with_calendar(self._without_given(x), self.timestamp, index)

    def _without_given(self, x: dict) -> dict:
        """*x* without the fields of outside forecasts."""
        if not self._given:
            return x
        return {name: value for name, value in x.items() if name not in self._given}

    def _direct(self, horizon: int | None) -> int:
        """Where a direct *horizon*, by default the shortest, is among all of them."""
        horizon = self._horizons[0] if horizon is None else horizon
        if horizon not in self._horizons:
            raise ValueError(
                f"horizon {horizon} is not learned directly; construct with horizons={horizon}"
            )
        return self._horizons.index(horizon)

    # drift ------------------------------------------------------------------------------------

    def react(self, kind: str) -> None:
        """Be less sure of what was learned: ``"noise"``, ``"widen"`` or ``"both"``."""
        for one in self._all_series():
            for bank in one.banks:
                react(bank, kind)

    def _pieces(self, count: int) -> Iterable[slice]:
        """*count* records in parts between which the model may react to drift."""
        monitor = self._monitor
        if monitor is None or monitor.on_drift is None:
            yield slice(0, count)
            return
        start = 0
        while start < count:
            end = min(count, start + monitor.room())
            yield slice(start, end)
            start = end

    def _watch(self, losses: np.ndarray, names: Sequence[Any]) -> None:
        """Show the monitor the *losses* (T, C), and react if it says so."""
        monitor = self._monitor
        if monitor is not None:
            monitor.update(losses, names)
            if monitor.due():
                self.react(str(monitor.on_drift))

    def drift_alarms(self) -> dict[str, int]:
        """How often each detector has raised an alarm."""
        return {} if self._monitor is None else {self._monitor.name: self._monitor.alarms}

    # StreamEstimator --------------------------------------------------------------------------

    def member_weights(self) -> dict[str, float]:
        """What experts and outside forecasts count, where there are outside forecasts."""
        found: dict[str, float] = {}
        every = list(self._all_series()) if self._given else []
        for one in every:
            for name, weight in expert_weights(one, 0, POINTS[self.point]).items():
                found[name] = found.get(name, 0.0) + weight / len(every)
        return found

    def health(self) -> dict[str, float]:
        """Counters and gauges by metric name, summed over series and horizons."""
        report: dict[str, float] = {}
        for one in self._all_series():
            for name, value in one.health().items():
                report[name] = report.get(name, 0.0) + value
        return report

    def _snapshot(self, arrays: dict[str, np.ndarray], meta: dict[str, Any]) -> Snapshot:
        """*arrays* and *meta* with what every forecaster saves."""
        arrays |= self._features.arrays()
        meta |= {
            "estimator": type(self).__name__,
            "parameters": self._described(),
            "features": saved(self._features.names),
            "season": self._expected.saved(),
        }
        if self._monitor is not None:
            own, meta["drift"] = self._monitor.snapshot()
            arrays |= {f"drift.{name}": array for name, array in own.items()}
        return Snapshot(arrays, meta)

    def _check(self, snapshot: Snapshot) -> None:
        """Raises `CheckpointError` if *snapshot* is of another model."""
        check_same(self, self._described(), snapshot.meta)

    def _restored(self, one: Series, arrays: dict[str, np.ndarray]) -> Series:
        """*one* with the state *arrays*; raises `CheckpointError` if they do not fit."""
        try:
            one.load(arrays)
        except CheckpointError as error:
            raise CheckpointError(f"the checkpoint does not fit this model: {error}") from None
        return one

    def _restore_drift(self, snapshot: Snapshot) -> None:
        if self._monitor is not None:
            self._monitor.restore(below("drift.", snapshot.arrays), snapshot.meta["drift"])

    def _described(self) -> dict[str, str]:
        return described(
            self, optional=("mixture", "drift", "on_drift", "lowest", "season", *OPTIONAL)
        )

    @classmethod
    def _unit_test_params(cls) -> Iterator[dict[str, Any]]:
        yield {}
