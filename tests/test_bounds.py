"""What grows with the data stops at its limit, and says so before."""

import logging

from hypothesis import given
from hypothesis import strategies as st

from connectors.base import Record
from stream_rnn.assembly.parts import task
from stream_rnn.config import parse
from stream_rnn.metrics import Metrics
from stream_rnn.metrics.families import MOST_SERIES
from stream_rnn.service.bounds import Bound
from stream_rnn.service.ledger import Ledger

KEYED = """
source = {type = "stdin"}
sink = {type = "stdout"}
key = "k"
max_keys = 4
share = "nothing"
features = {target = "y"}
estimator = {type = "regressor", cell = {type = "LSTM", units = 2}}
"""


def records(keys):
    return [Record({"k": key, "u": 0.5, "y": 1.0}, b"{}", offset=n) for n, key in enumerate(keys)]


def naive(keys, limit):
    """The places of records that are refused, one after the other."""
    known, refused = set(), []
    for n, key in enumerate(keys):
        if key in known:
            continue
        if len(known) == limit:
            refused.append(n)
        else:
            known.add(key)
    return refused


def test_beyond_max_keys_a_new_key_is_refused_and_the_others_go_on(interpreted, caplog):
    keys = ["a", "b", "a", "c", "d", "e", "a", "f", "e", "d"]
    learner = task(parse(KEYED))
    outcome = learner.learn(records(keys))
    assert [letter["offset"] for letter in outcome.refused] == naive(keys, 4) == [5, 7, 8]
    assert outcome.reasons == {"too_many_keys": 3}
    assert "max_keys = 4" in outcome.refused[0]["error"]
    assert outcome.counts == {"consumed": 10, "predicted": 7, "learned": 7, "refused": 3}
    assert learner.used == {"keys": 1.0, "features": 2 / 2000}  # the key is one
    assert "keys: 4 of at most 4; at the limit records of new keys are refused" in caplog.text


def test_classes_of_labels_that_come_later_count_too(interpreted):
    late = NAMED.replace('target = "y",', 'target = "y", exclude = ["id"],')
    learner = task(parse(late + '[labels]\nkey = "id"\n'))
    labels = ["up", "down", "still", "up"]
    records = [{"id": n, "a": 1.0} for n in range(4)]
    values = [*records, *({"id": n, "y": y} for n, y in enumerate(labels))]
    outcome = learner.learn([Record(v, b"{}", offset=n) for n, v in enumerate(values)])
    assert [letter["offset"] for letter in outcome.refused] == [6]
    assert outcome.reasons == {"too_many_names": 1}
    assert "class 'still' is new" in outcome.refused[0]["error"]
    again = task(parse(late + '[labels]\nkey = "id"\n'))
    again.restore(*learner.snapshot())
    for one in (learner, again):
        more = [{"id": 9, "a": 1.0}, {"id": 9, "y": "sideways"}]
        found = one.learn([Record(v, b"{}", offset=n) for n, v in enumerate(more)])
        assert found.reasons == {"too_many_names": 1}


@given(st.lists(st.sampled_from("abcdefg"), max_size=14), st.integers(1, 5))
def test_in_batches_of_any_size(interpreted, keys, size):
    learner, refused = task(parse(KEYED)), []
    todo = records(keys)
    for start in range(0, len(todo), size):
        refused += [row["offset"] for row in learner.learn(todo[start : start + size]).refused]
    assert refused == naive(keys, 4)


def test_it_is_told_before_the_limit_once(caplog):
    bound = Bound("keys", 100, "max_keys", "they are refused")
    for count in (10, 79, 80, 85, 99, 100, 100, 20, 90):
        bound.look(count)
    told = [line.message.split(";")[0] for line in caplog.records]
    assert told == [f"keys: {n} of at most 100" for n in (80, 100, 90)]


def test_series_of_metrics_are_limited_and_told(caplog):
    metrics, late = Metrics("m"), task(parse(KEYED))
    for n in range(MOST_SERIES + 5):
        metrics.add("records_dead_lettered_total", reason=f"r{n}")
    assert len(metrics.values) == MOST_SERIES
    assert "series of metrics: 10000 of at most 10000" in caplog.text
    assert [line.levelno for line in caplog.records] == [logging.WARNING]
    assert late.used == {}


def test_records_that_wait_for_labels_are_told(interpreted):
    late = task(
        parse(
            'source = {type = "stdin"}\nsink = {type = "stdout"}\nfeatures = {target = "y"}\n'
            'labels = {key = "id", max_pending = 4}\n'
            'estimator = {type = "regressor", cell = {type = "LSTM", units = 2}}'
        )
    )
    waiting = [Record({"id": str(n), "u": 1.0}, b"{}", offset=n) for n in range(3)]
    late.learn(waiting)
    assert late.used["labels"] == 0.75
    Metrics("m").update(_Run(late))


class _Run:
    """As much of a run as metrics look at."""

    part = None

    def __init__(self, task):
        self.ledger = Ledger(task)

    def metrics(self):
        return []


NAMED = """
source = {type = "stdin"}
sink = {type = "stdout"}
features = {target = "y", max_features = 3, max_classes = 2}
estimator = {type = "classifier", cell = {type = "LSTM", units = 2}}
"""


def named(*rows):
    return [Record({**x, "y": y}, b"{}", offset=n) for n, (x, y) in enumerate(rows)]


def test_beyond_the_limits_new_features_and_classes_are_refused_and_the_others_go_on(
    interpreted, caplog
):
    rows = [
        ({"a": 1.0}, "up"), ({"a": 2.0, "b": 1.0}, "down"), ({"c": 1.0, "d": 1.0}, "up"),
        ({"c": 1.0}, "up"), ({"a": 1.0}, "still"), ({"d": 1.0}, "up"), ({"a": 1.0}, None),
    ]  # fmt: skip
    learner = task(parse(NAMED))
    outcome = learner.learn(named(*rows))
    assert [letter["offset"] for letter in outcome.refused] == [2, 4, 5]
    assert outcome.reasons == {"too_many_names": 3}
    told = [letter["error"] for letter in outcome.refused]
    assert told[0].startswith("feature 'c' is new, and there are features.max_features = 3")
    assert told[1].startswith("class 'still' is new, and there are features.max_classes = 2")
    assert "features: 3 of at most 3; at the limit records with new ones are refused" in caplog.text
    again = task(parse(NAMED))
    again.restore(*learner.snapshot())
    for one in (learner, again):  # what was met is in the checkpoint
        assert one.learn(named(({"e": 1.0}, "up"))).reasons == {"too_many_names": 1}
        assert one.learn(named(({"a": 1.0, "b": 2.0, "c": 3.0}, "down"))).refused == []


@given(st.lists(st.sampled_from("abcdefg"), max_size=14), st.integers(1, 5))
def test_new_names_in_batches_of_any_size(interpreted, names, size):
    learner, refused = task(parse(NAMED)), []
    todo = named(*(({name: 1.0}, "up") for name in names))
    for start in range(0, len(todo), size):
        refused += learner.learn(todo[start : start + size]).refused
    assert [letter["offset"] for letter in refused] == naive(names, 3)
