"""What a checkpoint must agree on with the model that takes it over."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import CheckpointError

OPTIONAL = ("categorical",)  # parameters that checkpoints of 0.1.0 lack


def described(estimator: Any, optional: tuple[str, ...] = ()) -> dict[str, str]:
    """Constructor parameters in words, comparable across processes.

    Those named in *optional* are left out while they are None; so are those that the class names
    as ``changeable``: they may be others when a checkpoint is continued.
    """
    free = getattr(estimator, "changeable", ())
    parameters = sorted((n, v) for n, v in estimator._get_params().items() if n not in free)
    return {n: repr(v) for n, v in parameters if v is not None or n not in optional}


#: What arrays of parameters are called; such an array is finite in every state of a model.
PARAMETERS = frozenset(
    (
        *("theta", "weights", "w", "v", "readout", "recurrent", "lookup", "affine", "output"),
        *("output_bias", "covariance", "w_covariance", "v_covariance"),
    )
)


def check_finite(arrays: Mapping[str, np.ndarray]) -> None:
    """Raise `CheckpointError` for parameters that are NaN or infinite.

    >>> check_finite({"theta": np.zeros(2), "past": np.array([np.nan])})
    >>> check_finite({"0.groups.2.weights": np.array([1.0, np.inf])})
    Traceback (most recent call last):
    stream_rnn.errors.CheckpointError: the checkpoint holds parameters that are NaN or infinite \
(0.groups.2.weights); take an older one (stream-rnn checkpoint rollback), or start anew
    """
    for name, array in arrays.items():
        if name.rpartition(".")[2] not in PARAMETERS or array.dtype.kind != "f":
            continue
        if not np.isfinite(array).all():
            raise CheckpointError(
                f"the checkpoint holds parameters that are NaN or infinite ({name}); take an "
                "older one (stream-rnn checkpoint rollback), or start anew"
            )


def check_same(estimator: Any, mine: dict[str, str], meta: dict[str, Any]) -> None:
    """Raise `CheckpointError` if *meta* is of another class, or parameters, than *mine*."""
    name, theirs = type(estimator).__name__, meta.get("parameters")
    if theirs is not None:
        free = getattr(estimator, "changeable", ())
        theirs = {n: word for n, word in theirs.items() if n not in free}
    if meta.get("estimator") != name or theirs != mine:
        raise CheckpointError(
            f"the checkpoint is of {meta.get('estimator')}({theirs}), the configuration says "
            f"{name}({mine}); use the settings of the checkpoint, or another checkpoint "
            "directory to start anew"
        )
