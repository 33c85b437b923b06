"""Records that are refused: each by itself, whatever else is in the batch, in linear time."""

import copy
from math import inf, nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.base import Record
from connectors.memory import MemorySink, MemorySource
from stream_rnn import (
    LSTM,
    Keyed,
    RecurrentAnomalyDetector,
    RecurrentClassifier,
    RecurrentForecaster,
    RecurrentMultiTargetRegressor,
    RecurrentMultivariateForecaster,
    RecurrentRegressor,
    SequenceLabeler,
    TextClassifier,
    TextPredictor,
)
from stream_rnn.errors import BadRecord, faults
from stream_rnn.estimators.delayed import Delayed
from stream_rnn.estimators.protocol import bad_records
from stream_rnn.estimators.reports import COUNTERS, GAUGES
from stream_rnn.features.rows import Rows
from stream_rnn.metrics.families import FAMILIES, HEALTH
from stream_rnn.service.ledger import Schedule
from stream_rnn.service.outcome import Outcome
from stream_rnn.service.pipeline import Pipeline
from stream_rnn.service.refusal_limit import Refusals, TooManyRefused
from stream_rnn.service.task import Task


class Counting:
    """Learns nothing, refuses a text in *u*, and counts the records it was shown."""

    checks = True

    def __init__(self):
        self.shown = 0

    def stream(self, xs, ys):
        self.shown += len(xs)
        for t, x in enumerate(xs):
            if isinstance(x["u"], str):
                raise BadRecord("text", t)
        return [{"prediction": 0.0} for _ in xs]

    def health(self):
        return {}


class Telling(Counting):
    """The same, and it tells all bad ones at once."""

    def check(self, xs, ys):
        self.shown += len(xs)
        return {t: BadRecord("text", t) for t, x in enumerate(xs) if isinstance(x["u"], str)}


@pytest.mark.parametrize(("kind", "most"), [(Counting, 6), (Telling, 3)])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.1, 0.5, 0.99])
def test_bad_records_cost_linear_time(kind, most, share):
    bad = np.random.default_rng(1).random(1000) < share
    records = [Record({"u": "x" if b else 1.0, "y": 1.0}, b"", offset=n) for n, b in enumerate(bad)]
    estimator = kind()
    outcome = Task(estimator, Rows("y")).learn(records)
    assert estimator.shown <= most * len(records)
    assert [letter["offset"] for letter in outcome.refused] == np.flatnonzero(bad).tolist()
    assert len(outcome.rows) == len(records) - bad.sum()


VALUES = st.sampled_from([0.5, -1, 3, None, True, "text", nan, inf, 1e300, 10**400, [1], {}])
ESTIMATORS = {
    "regressor": (lambda: RecurrentRegressor(LSTM(2)), VALUES),
    "lags": (lambda: RecurrentRegressor(LSTM(2), target_lags=2), VALUES),
    "classifier": (lambda: RecurrentClassifier(LSTM(2)), VALUES),
    "multitarget": (
        lambda: RecurrentMultiTargetRegressor(LSTM(2)),
        VALUES | st.fixed_dictionaries({"a": VALUES}),
    ),
    "forecaster": (RecurrentForecaster, VALUES),
    "multivariate": (
        RecurrentMultivariateForecaster,
        VALUES | st.dictionaries(st.sampled_from("ab"), VALUES, min_size=1),
    ),
    "anomaly": (RecurrentAnomalyDetector, VALUES),
    "keyed": (lambda: Keyed(RecurrentRegressor(LSTM(2)), "u"), VALUES),
    "separate": (lambda: Keyed(RecurrentMultivariateForecaster(), "u", "nothing"), VALUES),
    "late": (
        lambda: Delayed(RecurrentRegressor(LSTM(2)), RecurrentRegressor(LSTM(2))),
        VALUES,
    ),
    "text": (lambda: TextPredictor(preset="contexts"), VALUES),
    "text-classifier": (TextClassifier, VALUES),
    "labeler": (SequenceLabeler, VALUES | st.just("A B")),
}


@pytest.mark.parametrize("name", ESTIMATORS)
def test_what_is_told_is_what_is_refused(name):
    """`check` names a record exactly if `stream` refuses it, when it comes after the good ones."""
    make, ys = ESTIMATORS[name]
    xs = st.dictionaries(st.sampled_from(["u", "v", "text", "tokens", "timestamp"]), VALUES)

    @settings(deadline=None, max_examples=15)
    @given(st.lists(st.tuples(xs, ys), min_size=1, max_size=6))
    def agree(stream):
        model, records = make(), [x for x, _ in stream]
        told = bad_records(model, records, [y for _, y in stream])
        found = set()
        for t, (x, y) in enumerate(stream):
            try:
                model.stream([copy.copy(x)], [y])
            except BadRecord:
                found.add(t)
        assert set(told) == found

    agree()


def test_an_anomaly_detector_names_the_record():
    with pytest.raises(BadRecord) as caught:
        RecurrentAnomalyDetector().stream([{"u": 1.0}, {"u": 1e200}])
    assert caught.value.index == 1


def test_faults_are_numbered_by_their_place():
    def attempt(t):
        raise BadRecord("always", 7)

    assert [bad.index for bad in faults(attempt, 2).values()] == [0, 1]


# -- nothing freezes what comes after ----------------------------------------------------------


@pytest.mark.parametrize("odd", [nan, None, inf, -inf, "NaN", "text", 10**400, [1], {"a": 1}])
def test_a_lag_of_what_is_no_number_is_missing(odd):
    """One record can harm itself only: those after it look back at it and see nothing."""
    values = [{"u": float(n), "load": float(n)} for n in range(30)]
    values[20] = {"u": 20.0, "load": odd}
    rows = Rows("load", lags={"load": [1, 3]}, missing_target="advance")
    task = Task(RecurrentRegressor(LSTM(2)), rows)
    outcome = task.learn([Record(v, b"", offset=n) for n, v in enumerate(values)])
    assert {letter["offset"] for letter in outcome.refused} <= {20}
    assert len(outcome.rows) + len(outcome.refused) == 30
    xs, _ = rows.transform([{"u": 0.0, "load": 1.0}])
    assert xs == [{"u": 0.0, "load.lag1": 29.0, "load.lag3": 27.0}]


def test_a_history_that_holds_nan_is_healed_when_it_is_restored():
    rows = Rows("load", lags={"load": [1]})
    rows.restore({"load": [nan]})
    xs, _ = rows.transform([{"load": 1.0}])
    assert xs == [{}]


# -- too many ----------------------------------------------------------------------------------


def line(refuse, good, most=0.5):
    values = [{"u": 1.0}] * refuse + [{"u": 1.0, "y": 1.0}] * good
    return Pipeline(
        *(MemorySource(values), Task(Counting(), Rows("y")), MemorySink(), MemorySink()),
        schedule=Schedule(max_refused=most),
    )


def test_a_short_run_that_refused_too_many_fails_at_its_end():
    with pytest.raises(
        TooManyRefused, match=r"300 of all 300 records were refused.*'y' is missing"
    ):
        line(300, 0).run()
    assert line(5, 5).run()["refused"] == 5
    assert line(300, 0, most=1.0).run()["refused"] == 300


def test_what_was_accepted_in_windows_is_not_held_against_the_end():
    refusals = Refusals(0.5, 10)
    refusals.add(Outcome([], [{"error": "e"}] * 5, {"consumed": 10, "refused": 5}, {}, 0.0, []))
    refusals.finish()
    refusals.add(Outcome([], [{"error": "e"}], {"consumed": 1, "refused": 1}, {}, 0.0, []))
    with pytest.raises(TooManyRefused, match="6 of all 11"):
        refusals.finish()


# -- what models report ------------------------------------------------------------------------


def test_there_is_one_list_of_gauges_and_counters():
    assert {f"{name}_total" for name in COUNTERS} | set(GAUGES) <= set(FAMILIES)
    by_results = {name for name in HEALTH if name.startswith(("rolling_", "interval_"))}
    assert {name.removesuffix("_total") for name in HEALTH} == {*COUNTERS, *GAUGES, *by_results}


def test_no_gauge_is_the_sum_of_those_of_the_keys():
    model = Keyed(TextPredictor(preset="contexts"), "id", share="nothing")
    model.stream([{"id": n % 3, "text": "to be or not"} for n in range(6)], [None] * 6)
    health = model.health()
    assert health["symbols"] == 6 * 13
    assert set(health) <= set(COUNTERS) | {"keys", "contexts"}
