"""River's anomaly detector: what is new in the stream, and what the forecaster did not expect."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from river import base

from ..categories.category import checked
from ..errors import BadRecord, CheckpointError
from ..features.saved_names import as_name, saved
from ..forecasting.experts.default import LIGHT
from ..forecasting.experts.lstm import Lstm
from ..forecasting.reaction import react
from ..novelty import joint
from ..novelty.budget import budget
from ..novelty.state import ALARMS, RECORDS, SEEN, State, allocate, grown
from ..numerics import trees
from ..numerics.laid import Laid
from .anomaly_feedback import answer, faults_of, heed, row_of_none, told
from .anomaly_fields import EachField
from .anomaly_records import Kinds, Table, table
from .anomaly_rows import results
from .anomaly_single import Room, judge
from .described import OPTIONAL, check_same, described
from .protocol import Snapshot
from .saving import Savable
from .targets import stretches

#: What forecasts a field: as light as it can be with a recurrent network in it.
FORECASTER: tuple[Any, ...] = (*LIGHT, Lstm(4, prior=0.1, drift=1e-5))


class RecurrentAnomalyDetector(Savable, base.AnomalyDetector):
    """Scores each record by how many false alarms are to be expected with so much news.

    Every numeric field is looked at in several views of its last records, see
    `stream_rnn.novelty`: what none of its past is near to is new.  A recurrent forecaster's
    error is one more view.  How rare such news is, by an extreme-value distribution of those so
    far, gives the number of false alarms to expect until the stream is twice as long; the
    score is −log₁₀ of it, from −2 to 6, so that it means the same in every field and stream.
    The scores of the fields are joined by the harmonic mean of those numbers.  Nothing looks
    ahead, and nothing is raised in the first hundred records.

    Of a field of text it is looked at how rare its values are, −log p of
    `stream_rnn.categories.rarity`: one that is new where others are not, or many rare ones.

    After an alarm its fields keep quiet until what raised it belongs to their past: a
    twentieth of the records seen, 2,000 at most.

    Parameters
    ----------
    false_alarms
        How many to allow each time the stream doubles its length; or a rate: ``"1 per day"``
        (of the records' times), ``"1 per 100000 records"``.
    experts
        Of the forecasters, see `RecurrentForecaster`; a light bank with an LSTM if None.
    forecaster
        False for none: half the time, and nothing is expected.
    timestamp
        The field that holds the time of the record; it is not scored but says which time of the
        day it is.
    seed
        Of the forecasters' random weights.
    feedback_field
        The field in which the stream itself brings an operator's labels, see `feedback`: in a
        record of its own, or in one that is scored, ``"not an anomaly"``, ``"not an anomaly:
        1001"`` (the alarm of record 1001), ``"missed"`` or ``"missed: cpu"`` (in that field).
    categorical
        For a field whose values are names, such as a postcode, ``"statistics"``; ``"leave"`` for
        one that is not to be looked at.

    Examples
    --------
    >>> import random
    >>> from stream_rnn.estimators.anomaly import RecurrentAnomalyDetector
    >>> rng, model = random.Random(1), RecurrentAnomalyDetector()
    >>> rows = model.stream([
    ...     {"load": t % 12 + rng.gauss(0, 0.1) + (9 if t == 450 else 0)} for t in range(500)
    ... ])
    >>> [(t, row["reason"]) for t, row in enumerate(rows) if row["alarm"] and t > 200]
    [(450, 'value of load: highest in 450 records')]
    """

    #: Parameters that may be others when a checkpoint is continued.
    changeable: ClassVar[tuple[str, ...]] = ("false_alarms", "feedback_field")

    def __init__(
        self,
        false_alarms: float | str = 3.0,
        experts: tuple | None = None,
        forecaster: bool = True,
        timestamp: str = "timestamp",
        seed: int = 0,
        categorical: Mapping[str, str] | None = None,
        feedback_field: str | None = None,
    ):
        self.false_alarms = false_alarms
        self.experts = experts
        self.forecaster = forecaster
        self.timestamp = timestamp
        self.seed = seed
        self.categorical = categorical
        self.feedback_field = feedback_field
        self._rules = checked(categorical)
        self._budget, self._names = budget(false_alarms), list[Any]()
        self._hold(allocate(0))
        self._each = self._no_fields()

    # river ------------------------------------------------------------------------------------

    def score_one(self, x: dict) -> float:
        """The score of *x* as the next record; −2, the least, while too little is known."""
        kept = self._laid.words.copy()
        found = table(
            told([x], self.feedback_field, self.timestamp).xs, self._kinds(), self.timestamp
        )
        known = found.values[:, : len(self._names)]
        texts = {f: text for f, text in found.texts.items() if f in self._each.rarities}
        part = Table(self._names, known, found.times, [], texts)
        self._each.look(part)
        _, rows = self._judge(part, self._each.newest())
        self._laid.words[:] = kept
        return float(rows[0, joint.JOINT])

    def learn_one(self, x: dict) -> None:
        """Take in the next record.  Raises `BadRecord` if a field is not a finite number."""
        room = self._room
        if self._rules or self._each.rarities or not room.holds(x, self._names, self.timestamp):
            list(self._take([x]))
        else:
            judge(self._bound, room, self._each.forecast(room.values), self._budget)

    reactions = ("noise", "widen", "both")

    def react(self, kind: str) -> None:
        """Let every field's forecaster react to drift, see `RecurrentForecaster`."""
        for one in self._each.series.values():
            for bank in one.banks:
                react(bank, kind)

    def feedback(self, label: str, field: Any = None, record: int | None = None) -> list[Any]:
        """What an operator says; it counts from now on, and is kept in the checkpoint.

        ``"not an anomaly"`` is about the last alarm, or that of *record*, as its row says: what is
        like it raises none.  ``"missed"`` is about the last record, in *field* or else in the one
        with the highest score: what is like it raises an alarm.  The last 16 labels of a field are
        kept.  Returns the fields; raises ValueError if there has been no such alarm, record or
        field.
        """
        return heed(self._state, self._names, label, field, record)

    # StreamEstimator --------------------------------------------------------------------------

    def stream(self, xs: Sequence[dict], ys: Sequence[Any] | None = None) -> list[dict[str, Any]]:
        """Score each record before learning from it.  Targets *ys* are ignored.

        ``record``
            Its number, from 1.
        ``score``
            −log₁₀ of the false alarms to expect until the stream has doubled.
        ``alarm``
            Whether this record raises one; then ``reason`` says why, else it is None.
        ``field``, ``view``
            The field with the highest score, and what is most unusual about it.
        ``fields``
            All fields above the threshold, the worst first.
        ``expected``, ``expected_lower``, ``expected_upper``
            What was forecast for ``field``, with the bounds of a 90 % interval.
        ``episode``, ``episode_end``
            The number (from 1) of the record with which the running episode began; where one
            is found to be over, of its last record.  Else None.
        ``severity``
            The highest score in the running episode; 0 if none runs.
        ``scores``
            The score of each field that is not missing.
        ``feedback``
            What came of a label in the record.

        Of text nothing is expected.
        """
        made: list[dict[str, Any]] = []
        for learned, is_bare, said in self._take(xs):
            if learned is not None:
                made += results(*learned)
            if is_bare:
                made.append(row_of_none(self._state))
            if said is not None:
                made[-1]["feedback"] = said
        return made

    def _take(self, xs: Sequence[dict]) -> Iterator[tuple[tuple | None, bool, str | None]]:
        """Score and learn records, a stretch without a new field or a label at a time.

        What came of the stretch, whether a record follows that is nothing but a label, and what
        came of the label.
        """
        given = told(xs, self.feedback_field, self.timestamp)
        found = table(given.xs, self._kinds(), self.timestamp)
        for first, last in stretches(found.widths):
            for start, end, at in given.pieces(first, last):
                learned = self._learn(found, start, end) if end > start else None
                said = None if at is None else answer(self._state, self._names, given.labels[at])
                yield learned, at in given.bare, said

    def _learn(self, found: Table, start: int, end: int) -> tuple:
        """What `results` takes, of the records from *start* to *end*."""
        part = Table(
            found.names[: found.widths[start]],
            np.ascontiguousarray(found.values[start:end, : found.widths[start]]),
            found.times[start:end],
            [],
            {f: t[start:end] for f, t in found.texts.items() if f < found.widths[start]},
        )
        self._add_fields(part)
        counts = self._each.learn_texts(part)
        seen = self._state.fields.clock[:, SEEN].copy()
        records = int(self._state.joint[RECORDS])
        expected = self._each.forecast(part.values)
        return part, *self._judge(part, expected), expected, seen, counts, records

    def _kinds(self) -> Kinds:
        """What is known of the fields."""
        return Kinds(self._names, {self._names[f] for f in self._each.rarities}, self._rules)

    def check(self, xs: Sequence[dict], ys: Sequence[Any] | None = None) -> dict[int, BadRecord]:
        """What `stream` would refuse, see `protocol.Checking`."""
        return faults_of(xs, self._kinds(), self.timestamp, self.feedback_field)

    def _add_fields(self, part: Table) -> None:
        """Make room for new ones."""
        known, count = len(self._names), len(part.names)
        if count > known:
            self._hold(grown(self._laid, count))
            for f in range(known, count):
                self._each.add(f, f in part.texts)
            self._names = list(part.names)

    def _hold(self, laid: Laid) -> None:
        """The state, and how compiled code finds it."""
        self._laid, self._bound = laid, laid.bound()
        self._room = Room(1, len(laid.state.fields.clock))

    @property
    def _state(self) -> State:
        state: State = self._laid.state
        return state

    def _no_fields(self) -> EachField:
        specs = FORECASTER if self.experts is None else tuple(self.experts)
        return EachField(specs, self.seed, self.forecaster)

    def _judge(self, part: Table, expected: dict[int, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Score and learn records without the forecasters."""
        room = Room(*part.values.shape)
        room.values[:], room.times[:] = part.values, part.times
        return judge(self._bound, room, expected, self._budget)

    # saving -----------------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        """Copy of the whole state; `restore` on a fresh instance continues bit for bit."""
        arrays = {name: array.copy() for name, array in trees.walk(self._state, "novelty")}
        arrays |= self._each.arrays()
        meta = {
            "estimator": type(self).__name__,
            "parameters": described(self, OPTIONAL),
            "fields": saved(self._names),
        }
        return Snapshot(arrays, meta)

    def restore(self, snapshot: Snapshot) -> None:
        """Take over *snapshot*; raises `CheckpointError` if it is of another model."""
        arrays, meta = snapshot
        if "models" in meta:
            raise CheckpointError(
                "the checkpoint is of an anomaly detector of version 0.1, which counted forecast "
                "errors only; this one has to see the stream again: use another checkpoint "
                "directory to start anew"
            )
        check_same(self, described(self, OPTIONAL), meta)
        fields = list(map(as_name, meta["fields"]))
        laid = allocate(len(fields))
        each = self._no_fields()
        try:
            trees.load(laid.state, trees.below("novelty.", arrays))
            each.load(len(fields), arrays)
        except (KeyError, ValueError) as error:
            raise CheckpointError(f"the checkpoint does not fit this model: {error}") from None
        self._names, self._each = fields, each
        self._hold(laid)

    def health(self) -> dict[str, float]:
        """Counters by metric name, summed over the fields."""
        report = {"anomalies": float(self._state.joint[ALARMS])}
        for one in self._each.series.values():
            for name, value in one.health().items():
                report[name] = report.get(name, 0.0) + value
        return report

    @classmethod
    def _unit_test_params(cls) -> Iterator[dict[str, Any]]:
        yield {}
