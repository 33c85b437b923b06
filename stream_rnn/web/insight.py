"""What a forecaster has found out, for people to read: its experts' weights, its season."""

from typing import Any

from ..estimators.learned import all_series, expert_weights
from ..forecasting.inputs.period import FOUND
from ..forecasting.series import Series

MOST_SERIES = 8


def insight(estimator: Any) -> dict[str, Any]:
    """Weights by kind of expert and the season of each series; empty of other estimators.

    To be called while the estimator rests.

    >>> from stream_rnn import RecurrentForecaster
    >>> model = RecurrentForecaster()
    >>> for t in range(60):
    ...     model.learn_one(t % 12)
    >>> insight(model)["series"][0]["season"]
    12
    """
    found = [_of_series(name, one) for name, one in all_series(estimator)[:MOST_SERIES]]
    return {"series": found} if found else {}


def _of_series(name: str, series: Series) -> dict[str, Any]:
    season = int(series.banks[0].period.found[FOUND])
    return {"name": name, "experts": expert_weights(series), "season": season}
