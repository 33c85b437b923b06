"""What a checkpoint must agree on with the model that takes it over."""

from typing import Any

from ..errors import CheckpointError

OPTIONAL = ("categorical",)  # parameters that checkpoints of 0.1.0 lack


def described(estimator: Any, optional: tuple[str, ...] = ()) -> dict[str, str]:
    """Constructor parameters in words, comparable across processes.

    Those named in *optional* are left out while they are None.
    """
    parameters = sorted(estimator._get_params().items())
    return {n: repr(v) for n, v in parameters if v is not None or n not in optional}


def check_same(estimator: Any, mine: dict[str, str], meta: dict[str, Any]) -> None:
    """Raise `CheckpointError` if *meta* is of another class, or parameters, than *mine*."""
    name, theirs = type(estimator).__name__, meta.get("parameters")
    if meta.get("estimator") != name or theirs != mine:
        raise CheckpointError(
            f"the checkpoint is of {meta.get('estimator')}({theirs}), the configuration says "
            f"{name}({mine}); use the settings of the checkpoint, or another checkpoint "
            "directory to start anew"
        )
