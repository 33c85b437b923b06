"""Detectors of river, and of PySAD where it is installed, as they come: a score a record.

Each sees the last ten values, scaled by what has passed; none sees what comes.  A score is an
alarm only if none in the last twentieth of the records was as high: without such a silence all of
them score 0.
"""

from collections import deque
from collections.abc import Callable, Iterator

import numpy as np
from river import anomaly, preprocessing

LAGS = 10
Detector = Callable[[list[float], list[str]], np.ndarray]


def installed() -> Iterator[tuple[str, Detector]]:
    """Names, and functions from values and times to scores (T,)."""
    yield (
        "river HalfSpaceTrees",
        _river(lambda: preprocessing.MinMaxScaler() | anomaly.HalfSpaceTrees(seed=1)),
    )
    yield (
        "river OneClassSVM",
        _river(lambda: preprocessing.StandardScaler() | anomaly.OneClassSVM(nu=0.1)),
    )
    yield "river GaussianScorer", _gaussian
    try:
        from pysad.models import LODA, xStream
    except ImportError:
        return
    for kind in (xStream, LODA):
        yield f"PySAD {kind.__name__}", _pysad(kind)


def peaks(scores: np.ndarray) -> np.ndarray:
    """The scores that are above all in the twentieth of the records before; −∞ for the others."""
    kept = np.full(len(scores), -np.inf)
    for t, score in enumerate(scores):
        before = scores[t - max(1, t // 20) : t] if t else scores[:0]
        if not len(before) or score > before.max():
            kept[t] = score
    return kept


def _windows(values: list[float]) -> Iterator[dict[str, float]]:
    """The last values by lag, the first one before there were any."""
    last: deque[float] = deque([values[0]] * LAGS, maxlen=LAGS)
    for value in values:
        last.appendleft(value)
        yield {str(lag): past for lag, past in enumerate(last)}


def _river(make: Callable) -> Detector:
    def detect(values: list[float], times: list[str]) -> np.ndarray:
        model, scores = make(), []
        for x in _windows(values):
            scores.append(model.score_one(x))
            model.learn_one(x)
        return peaks(np.array(scores))

    return detect


def _gaussian(values: list[float], times: list[str]) -> np.ndarray:
    model, scores = anomaly.GaussianScorer(grace_period=100), []
    for value in values:
        scores.append(model.score_one(None, value))
        model.learn_one(None, value)
    return peaks(np.array(scores))


def _pysad(kind: Callable) -> Detector:
    def detect(values: list[float], times: list[str]) -> np.ndarray:
        model = kind()
        windows = (np.array(list(x.values())) for x in _windows(values))
        scores = np.array([float(model.fit_score_partial(x)) for x in windows])
        return peaks(np.nan_to_num(scores, nan=-np.inf))

    return detect
