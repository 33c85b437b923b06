"""What a forecaster has found out, for people to read: its experts' weights, its season."""

from typing import Any

from ..forecasting.inputs.period import FOUND
from ..forecasting.mixing.boa import WEIGHT
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
    found = [_of_series(name, one) for name, one in _series(estimator)[:MOST_SERIES]]
    return {"series": found} if found else {}


def _series(estimator: Any) -> list[tuple[str, Series]]:
    if hasattr(estimator, "_all_series"):
        names = [str(name) for name in getattr(estimator, "_targets", ())]
        every = list(estimator._all_series())
        return list(zip([*names, *([""] * len(every))], every, strict=False))
    fields = getattr(estimator, "_fields", None)
    if isinstance(fields, dict):  # an anomaly detector: a forecaster for each field
        return [
            (str(name), one) for name, (model, _) in fields.items() for one in model._all_series()
        ]
    return []


def _of_series(name: str, series: Series) -> dict[str, Any]:
    bank = series.banks[0]
    groups: dict[Any, list[str]] = {}  # in the order of the weights, see `experts.default.pack`
    for spec in series.specs:
        kind = type(spec).__name__
        groups.setdefault((kind, getattr(spec, "units", None)), []).append(kind)
    shares: dict[str, float] = {}
    kinds = [kind for group in groups.values() for kind in group]
    for kind, weight in zip(kinds, bank.mix.first.table[0, WEIGHT].tolist(), strict=True):
        shares[kind] = shares.get(kind, 0.0) + weight
    return {"name": name, "experts": shares, "season": int(bank.period.found[FOUND])}
