"""What a learner has found out, for people to read: experts, season, members, sensitivities.

Found between two batches, while somebody reads the page, in a bounded share of the learner's time.
"""

import time
from concurrent.futures import Future
from typing import Any, NamedTuple

from ..errors import ConfigError
from ..estimators.learned import all_series
from ..estimators.protocol import ManyKeys, learner_of, member_weights
from ..estimators.sensitivities import sensitivities, statistics
from ..forecasting.inputs.period import FOUND
from ..forecasting.series import Series
from ..forecasting.weights import expert_weights
from .turn import Turn

MOST_SERIES = 8
MOST_FEATURES = 200  # the first ones; of more nothing is said
AT_ONCE = 8  # features whose slopes are found in one go
MOST_SLOPES, MOST_OUTPUTS = 12, 4  # that are shown
SHARE = 0.005  # of the learner's time


class Slope(NamedTuple):
    """Of one output in one feature."""

    slope: float  # ∂ output / ∂ feature, in the units of both
    effect: float  # of one deviation of the feature, in the output's unit


class Insight:
    """Of one learner; `known` is replaced, never changed."""

    def __init__(self) -> None:
        self.known: dict[str, Any] = {}
        self._slopes: dict[Any, dict[Any, Slope]] = {}  # by output and feature
        self._next, self._rounds, self._due = 0, 0, 0.0
        self._coming: Future[None] | None = None

    def look(self, task: Any) -> None:
        """Ask for what there is between two batches, unless that would take too much time."""
        ready = self._coming is None or self._coming.done()
        if ready and isinstance(task.guard, Turn) and time.monotonic() >= self._due:
            estimator = task.estimator
            self._coming = task.guard.ask(lambda: self._find(estimator))

    def _find(self, estimator: Any) -> None:
        start = time.perf_counter()
        known = insight(estimator)
        if (model := _asked(estimator)) is not None:
            self._step(model)
            known |= {"sensitivities": self._shown()} if self._slopes else {}
        self.known = known
        self._rounds += 1
        if self._rounds > 1:  # the first one may compile
            self._due = time.monotonic() + (time.perf_counter() - start) / SHARE

    def _step(self, model: Any) -> None:
        """Find the slopes in the next few features, the others at their means."""
        means, deviations = statistics(model)
        names = list(means)[:MOST_FEATURES]
        if not names:
            self._slopes = {}
            return
        start = self._next % len(names)
        chosen, self._next = names[start : start + AT_ONCE], start + AT_ONCE
        try:
            found = sensitivities(model, means, names=chosen)
        except ConfigError:  # it predicts no record
            return
        if not isinstance(next(iter(found.values()), None), dict):
            found = {"": found}
        for output, slopes in found.items():
            if output in self._slopes or len(self._slopes) < MOST_OUTPUTS:
                past = {n: s for n, s in self._slopes.get(output, {}).items() if n in means}
                new = {n: Slope(s, s * deviations[n]) for n, s in slopes.items()}
                self._slopes[output] = {**past, **new}

    def _shown(self) -> list[dict[str, Any]]:
        """The outputs, and of each the features that count most."""
        return [
            {
                "name": str(output),
                "features": [
                    (str(name), *slope)
                    for name, slope in sorted(slopes.items(), key=lambda one: -abs(one[1].effect))
                ][:MOST_SLOPES],
            }
            for output, slopes in self._slopes.items()
        ]


def _asked(estimator: Any) -> Any:
    """Whose predictions are looked at; None where each key has a model of its own."""
    if isinstance(estimator, ManyKeys):
        return learner_of(estimator) if getattr(estimator, "share", None) == "weights" else None
    return estimator


def insight(estimator: Any) -> dict[str, Any]:
    """Weights by kind of expert, the season of each series, weights of members: what there is.

    To be called while the estimator rests.

    >>> from stream_rnn import RecurrentForecaster
    >>> model = RecurrentForecaster()
    >>> for t in range(60):
    ...     model.learn_one(t % 12)
    >>> insight(model)["series"][0]["season"]
    12
    """
    found: dict[str, Any] = {}
    if series := all_series(estimator)[:MOST_SERIES]:
        found["series"] = [_of_series(name, one) for name, one in series]
    elif members := member_weights(estimator):
        found["members"] = members
    return found


def _of_series(name: str, series: Series) -> dict[str, Any]:
    season = int(series.banks[0].period.found[FOUND])
    return {"name": name, "experts": expert_weights(series), "season": season}
