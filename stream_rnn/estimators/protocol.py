"""What the pipeline asks of an estimator, beyond river's own methods."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np

from ..errors import BadRecord
from ..keys.shelf import Shelf


class Snapshot(NamedTuple):
    """All of an estimator's state: arrays by name, and JSON-able values by name."""

    arrays: dict[str, np.ndarray]
    meta: dict[str, Any]


class StreamEstimator(Protocol):
    """An estimator that runs over batches of records and can be saved exactly."""

    def stream(self, xs: Sequence[dict], ys: Sequence[Any]) -> list[dict[str, Any]]:
        """Predict each record before learning from it; one dict of output fields a record.

        The result and the state afterwards do not depend on how the stream is cut into
        batches.  Raises `BadRecord` (with ``index``) before anything has changed.
        """

    def snapshot(self) -> Snapshot:
        """Copy of the whole state; `restore` on a fresh instance continues bit for bit."""

    def restore(self, snapshot: Snapshot) -> None:
        """Take over *snapshot*; raises `CheckpointError` if it is of another model."""

    def health(self) -> dict[str, float]:
        """Gauges and counters by metric name, e.g. ``loss_sum``, ``nonfinite_rollbacks``."""


# What an estimator may be able to do beside that.  Each has a function of the same meaning that
# answers for those that cannot.


@runtime_checkable
class Checking(Protocol):
    """One that tells all records apart that it would refuse, at once."""

    def check(self, xs: Sequence[dict], ys: Sequence[Any]) -> dict[int, BadRecord]:
        """What is wrong with which record; nothing changes.

        `stream` accepts the others.  In linear time, whatever the number of bad ones.
        """


def bad_records(estimator: Any, xs: Sequence[dict], ys: Sequence[Any]) -> dict[int, BadRecord]:
    """What *estimator* would refuse, as far as it says so."""
    return estimator.check(xs, ys) if isinstance(estimator, Checking) else {}


@runtime_checkable
class Verbatim(Protocol):
    """One that reads texts and lists itself: fields come as they are in the record."""

    verbatim: bool


def is_verbatim(estimator: Any) -> bool:
    """Whether *estimator* takes fields as they are."""
    return isinstance(estimator, Verbatim) and estimator.verbatim


@runtime_checkable
class Reacting(Protocol):
    """One that can be made less sure of what it has learned, when a drift is seen."""

    @property
    def reactions(self) -> Sequence[str]:
        """What `react` knows."""

    def react(self, kind: str) -> None:
        """Be less sure, in the way that *kind* names."""


def reactions(estimator: Any) -> Sequence[str]:
    """What *estimator* can do about a drift."""
    return estimator.reactions if isinstance(estimator, Reacting) else ()


@runtime_checkable
class Watching(Protocol):
    """One that has a drift detector of its own."""

    def drift_alarms(self) -> Mapping[str, int]:
        """How often each detector has raised an alarm."""


def drift_alarms(estimator: Any) -> Mapping[str, int]:
    """The alarms of the detectors inside *estimator*."""
    return estimator.drift_alarms() if isinstance(estimator, Watching) else {}


@runtime_checkable
class Weighing(Protocol):
    """One whose members are weighed."""

    def member_weights(self) -> Mapping[str, float]:
        """How much each member counts now, by its name; they sum to 1."""


MOST_MEMBERS = 16  # that are told one by one


def member_weights(estimator: Any) -> dict[str, float]:
    """The weights of the members inside *estimator*: of the first ones, and of all the others."""
    if not isinstance(estimator, Weighing):
        return {}
    weights = dict(estimator.member_weights())
    if len(weights) > MOST_MEMBERS:
        shown = dict(list(weights.items())[: MOST_MEMBERS - 1])
        weights = {**shown, "others": sum(weights.values()) - sum(shown.values())}
    return weights


@runtime_checkable
class Unfinished(Protocol):
    """One that may wait for more records before it predicts or learns those it has."""

    def unfinished(self) -> str:
        """What waits, in words, for when no further record comes; empty for nothing."""


@runtime_checkable
class Finishing(Protocol):
    """One that has something to say when no record will come any more."""

    def finish(self) -> list[dict[str, Any]]:
        """The rows that are still owed."""


def last_rows(estimator: Any) -> list[dict[str, Any]]:
    """What *estimator* says when no record will come any more."""
    return estimator.finish() if isinstance(estimator, Finishing) else []


def unfinished(estimator: Any) -> str:
    """What *estimator* waits for, as far as it says so."""
    return estimator.unfinished() if isinstance(estimator, Unfinished) else ""


@runtime_checkable
class Newborn(Protocol):
    """One whose state holds, from the first record on, what its settings alone decide."""

    def newborn(self, features: int) -> dict[str, np.ndarray]:
        """Arrays of the state before the first record, for so many *features*."""


def newborn(estimator: Any, features: int) -> dict[str, np.ndarray]:
    """The arrays that every state of *estimator* begins with, as far as it says so."""
    return estimator.newborn(features) if isinstance(estimator, Newborn) else {}


@runtime_checkable
class ManyKeys(Protocol):
    """One with a context for each key, which a checkpoint holds beside the rest."""

    @property
    def contexts(self) -> Any:
        """See `keys.contexts.Contexts`."""

    def snapshot_shared(self) -> Snapshot:
        """Copy of what all keys share."""

    def restore_shared(self, snapshot: Snapshot, shelf: Shelf) -> None:
        """Take over what all keys share, and the contexts on a *shelf*."""


@runtime_checkable
class Wrapping(Protocol):
    """One around another."""

    @property
    def _wrapped_model(self) -> Any: ...


def innermost(estimator: Any) -> Any:
    """The estimator that does the work."""
    return estimator._wrapped_model if isinstance(estimator, Wrapping) else estimator


class Follower(StreamEstimator, Protocol):
    """One that can take over what another of its kind has learned, for late targets."""

    def follow(self, other: Any) -> None:
        """Know what *other* knows; the hidden state stays."""

    def check_target(self, y: Any) -> None:
        """Raise `BadRecord` if *y* cannot be learned; nothing changes."""


def learner_of(model: Any) -> Any:
    """What predicts, below `Delayed`, keys, a pipeline's steps and river's wrappers."""
    while True:
        if hasattr(model, "steps"):
            inner = list(model.steps.values())[-1]
        else:
            inner = getattr(model, "learner", None) or getattr(model, "_wrapped_model", None)
        if not (hasattr(inner, "predict_one") or hasattr(inner, "stream")):
            return model
        model = inner
