"""Records of a stream gathered into sequences, for the estimators of whole sequences."""

from collections.abc import Hashable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from river import base

from ..errors import BadRecord, CheckpointError, ConfigError
from ..features.missing import is_missing
from .protocol import Snapshot, bad_records
from .saving import Savable

FALSE = frozenset(("", "0", "false", "no", "none", "null"))  # an end marker that marks no end


class Open(NamedTuple):
    """A sequence that goes on."""

    steps: list[dict]
    target: Any  # the last one that was known
    time: float | None  # of the last step, in seconds


class Sequences(Savable, base.Wrapper, base.Estimator):
    """Lets an estimator of sequences follow a stream of their steps.

    A sequence ends with the record whose field *end* is set, with its *length*-th record, or
    before a record that comes more than *gap* seconds after the last.  Every record has a
    row; the prediction is in that of the record by which the end is seen, made before the
    sequence is learned, with its `steps` and its `target`: the last that one of its records
    had.  The other rows have None.  Steps are kept until then.

    Parameters
    ----------
    estimator
        `SequenceClassifier` or another estimator of sequences, not yet trained.
    by
        The field that says whose a record is: sequences of many may be mixed.
    end
        A field that is true in the last record of a sequence; it is no feature.
    gap
        Seconds of silence that end a sequence; needs *time*.
    time
        The field with the time: a `datetime`, or seconds.
    length
        Records of the longest sequence.
    max_open
        Sequences that may be open; beyond it the one that was silent for the longest ends, and
        has no row.
    at_end
        What becomes of those that are open when a service's source ends: ``"keep"`` them, for more
        may come, or ``"learn"`` them as they are, see `finish`.

    Examples
    --------
    >>> from stream_rnn import SequenceClassifier, Sequences
    >>> model = Sequences(SequenceClassifier(network=False, seed=1), by="machine", end="done")
    >>> made = []
    >>> for n in range(400):  # one machine rises, the other one falls
    ...     cycle, k = divmod(n // 2, 5)
    ...     up = n % 2 == cycle % 2
    ...     x = {"machine": "AB"[n % 2], "u": k if up else -k, "done": k == 4}
    ...     made += model.stream([x], [up if k == 4 else None])
    >>> [row["prediction"] for row in made[-4:]], made[-1]["target"]
    ([None, None, False, True], True)
    """

    def __init__(
        self,
        estimator: Any,
        by: str | None = None,
        end: str | None = None,
        *,
        gap: float | None = None,
        time: str | None = None,
        length: int = 10_000,
        max_open: int = 10_000,
        at_end: str = "keep",
    ):
        self.estimator, self.by, self.end, self.at_end = estimator, by, end, at_end
        self.gap, self.time, self.length, self.max_open = gap, time, length, max_open
        if not getattr(estimator, "_reads_sequences", False):
            raise ConfigError(
                f"sequence: {type(estimator).__name__} reads single records; take an estimator of "
                "sequences, such as sequence-classifier"
            )
        if gap is not None and time is None:
            raise ConfigError("sequence.gap: needs the field with the time, features.timestamp")
        if at_end not in ("keep", "learn"):
            raise ConfigError(f"sequence.at_end = {at_end!r}; give 'keep' or 'learn'")
        if length < 1 or max_open < 1:
            raise ConfigError("sequence: length and max_open are 1 or more")
        self._open: dict[Hashable, Open] = {}  # the one that was silent for the longest first

    @property
    def _wrapped_model(self) -> Any:
        return self.estimator

    # At work ------------------------------------------------------------------------------

    def stream(self, xs: Sequence[dict], ys: Sequence[Any]) -> list[dict[str, Any]]:
        """A row for each record; `BadRecord` before anything has changed."""
        for _, fault in sorted(self.check(xs, ys).items()):
            raise fault
        return [self._take(x, y) for x, y in zip(xs, ys, strict=True)]

    def learn_one(self, x: dict, y: Any = None, **kwargs: Any) -> None:
        """Take the next record."""
        self.stream([x], [y])

    def predict_one(self, x: dict, **kwargs: Any) -> Any:
        """The prediction for the sequence of *x*, if that were its last record."""
        return self.estimator.predict_one(self._with(x))

    def predict_proba_one(self, x: dict, **kwargs: Any) -> dict:
        """The same by class."""
        return self.estimator.predict_proba_one(self._with(x))

    def _with(self, x: dict) -> list[dict]:
        key, _, time, step = self._split(x)
        before = self._open.get(key)
        old = [] if before is None or self._is_over(before, time) else before.steps
        return [*old, step]

    def check(self, xs: Sequence[dict], ys: Sequence[Any]) -> dict[int, BadRecord]:
        """What `stream` would refuse, see `protocol.Checking`."""
        bad: dict[int, BadRecord] = {}
        steps: list[Any] = []
        for t, x in enumerate(xs):
            try:
                steps.append([self._split(x, t)[3]])
            except BadRecord as error:
                bad[t] = error
                steps.append([{}])
        return bad_records(self.estimator, steps, ys) | bad

    def _split(self, x: dict, index: int = 0) -> tuple[Hashable, bool, float | None, dict]:
        """Whose a record is, whether it is the last one, its time, and its features."""
        key = None if self.by is None else x.get(self.by)
        if self.by is not None and (is_missing(key) or not isinstance(key, Hashable)):
            raise BadRecord(f"sequence.by: the record has no {self.by!r}, or it is {key!r}", index)
        mark = None if self.end is None else x.get(self.end)
        time = None if self.time is None else seconds(x.get(self.time))
        step = {n: v for n, v in x.items() if n not in (self.by, self.end, self.time)}
        return key, _is_set(mark), time, step

    def _is_over(self, one: Open, time: float | None) -> bool:
        """Whether a record at *time* is not of the same sequence any more."""
        known = self.gap is not None and time is not None and one.time is not None
        return known and time - one.time > self.gap  # type: ignore[operator]

    def _take(self, x: dict, y: Any) -> dict[str, Any]:
        key, last, time, step = self._split(x)
        row = None
        one = self._open.pop(key, None)
        if one is not None and self._is_over(one, time):
            row, one = self._close(one), None
        if one is None:
            if len(self._open) >= self.max_open:
                self._close(self._open.pop(next(iter(self._open))))
            one = Open([], None, None)
        one.steps.append(step)
        one = Open(
            one.steps, one.target if is_missing(y) else y, one.time if time is None else time
        )
        if last or len(one.steps) >= self.length:
            return self._close(one)
        self._open[key] = one
        return row if row is not None else self._blank()

    def _close(self, one: Open) -> dict[str, Any]:
        """Predict a sequence, then learn it."""
        (row,) = self.estimator.stream([one.steps], [one.target])
        return row | {"steps": len(one.steps), "target": one.target}

    def finish(self) -> list[dict[str, Any]]:
        """No record will come: a row for each open sequence, predicted, then learned, in their
        order, if *at_end* is "learn".
        """
        return self.close_all() if self.at_end == "learn" else []

    def close_all(self) -> list[dict[str, Any]]:
        """A row for each open sequence, predicted, then learned, whatever *at_end* says."""
        rows = [self._close(one) for one in self._open.values()]
        self._open.clear()
        return rows

    def _blank(self) -> dict[str, Any]:
        row: dict[str, Any] = {"prediction": None}
        if isinstance(self.estimator, base.Classifier):
            row["probabilities"] = {}
        return row | {"steps": None, "target": None}

    def forget(self, key: Hashable) -> bool:
        """As if the open sequence of *key* had not begun; whether there was one."""
        return self._open.pop(key, None) is not None

    def unfinished(self) -> str:
        """The sequences whose end has not been seen; see `protocol.Unfinished`."""
        if not self._open:
            return ""
        return (
            f"{len(self._open)} of the sequences are open, and neither predicted nor learned; they "
            "go on if more records come (sequence.end, sequence.length, sequence.at_end)"
        )

    # StreamEstimator ----------------------------------------------------------------------

    def _settings(self) -> dict[str, Any]:
        names = ("by", "end", "gap", "time", "length", "max_open")
        return {name: getattr(self, name) for name in names}

    def snapshot(self) -> Snapshot:
        """Copy of the whole state, open sequences included."""
        arrays, inner = self.estimator.snapshot()
        still = [
            [key, one.target, one.time, [list(map(list, step.items())) for step in one.steps]]
            for key, one in self._open.items()
        ]
        meta = {"estimator": "Sequences", "sequence": self._settings(), "inner": inner}
        return Snapshot(arrays, meta | {"open": still})

    def restore(self, snapshot: Snapshot) -> None:
        """Take over *snapshot*; raises `CheckpointError` if it is of another model."""
        meta, mine = snapshot.meta, self._settings()
        if meta.get("estimator") != "Sequences" or meta["sequence"] != mine:
            raise CheckpointError(
                f"the checkpoint is of {meta.get('estimator')}({meta.get('sequence')}), this is "
                f"Sequences({mine}); use the settings of the checkpoint, or another checkpoint "
                "directory to start anew"
            )
        self.estimator.restore(Snapshot(snapshot.arrays, meta["inner"]))
        self._open = {
            key: Open([dict(step) for step in steps], target, time)
            for key, target, time, steps in meta["open"]
        }

    def follow(self, other: "Sequences") -> None:
        """Know what *other* knows; the sequences that are open here stay."""
        self.estimator.follow(other.estimator)

    def check_target(self, y: Any) -> None:
        """Raise `BadRecord` if *y* cannot be learned; nothing changes."""
        self.estimator.check_target(y)

    def health(self) -> dict[str, float]:
        """Of the estimator; a record is a sequence."""
        return self.estimator.health()

    @classmethod
    def _unit_test_params(cls) -> Iterator[dict[str, Any]]:
        from .sequence_classifier import SequenceClassifier

        yield {"estimator": SequenceClassifier(network=False, reservoir=8), "length": 3}


def _is_set(mark: Any) -> bool:
    """Whether an end marker marks an end."""
    if is_missing(mark):
        return False
    return mark.strip().lower() not in FALSE if isinstance(mark, str) else bool(mark)


def seconds(moment: Any) -> float | None:
    """A time as seconds; None where it is missing.

    >>> seconds(datetime(1970, 1, 1, 0, 1)), seconds(2), seconds(None)
    (60.0, 2.0, None)
    """
    if is_missing(moment):
        return None
    if isinstance(moment, datetime):
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return aware.timestamp()
    return float(moment)
