"""What learns, in a few words for a metric's labels."""

from typing import Any

PARTS = {"cell": "cell", "method": "learner", "optimizer": "optimizer", "loss": "loss"}


def described(estimator: Any) -> dict[str, str]:
    """The types that an estimator is made of; of `Keyed` those of what it wraps.

    >>> from stream_rnn import LSTM, RecurrentRegressor
    >>> described(RecurrentRegressor(LSTM(8)))["cell"]
    'LSTM(8)'
    """
    inner = getattr(estimator, "estimator", None) or getattr(estimator, "learner", None)
    wraps = hasattr(inner, "stream")
    told = inner if wraps else estimator
    name = type(told).__name__
    words = {label: _words(getattr(told, part, None)) for label, part in PARTS.items()}
    return {"estimator": f"{type(estimator).__name__}({name})" if wraps else name, **words}


def _words(spec: Any) -> str:
    if isinstance(spec, str):
        return spec
    if type(spec) in (tuple, list):
        return " + ".join(map(_words, spec))
    if not hasattr(type(spec), "_fields"):  # no spec of ours
        return ""
    units = getattr(spec, "units", None)
    return type(spec).__name__ + (f"({units})" if isinstance(units, int) else "")
