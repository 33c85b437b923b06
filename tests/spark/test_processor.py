"""The operator in plain Python: a fake handle instead of Spark's, real rows."""

import datetime
import random

import pyarrow
import pytest
from hypothesis import given, strategies
from pyspark.sql import types as types_of
from pyspark.sql.types import Row

from stream_rnn import (
    GRU,
    CheckpointError,
    ConfigError,
    Keyed,
    RecurrentAnomalyDetector,
    RecurrentClassifier,
    RecurrentForecaster,
    RecurrentMultivariateForecaster,
    RecurrentRegressor,
    TextPredictor,
)
from stream_rnn.metrics import Metrics
from stream_rnn.spark import exactly_once, frames
from stream_rnn.spark.columns import RESULT, columns
from stream_rnn.spark.processor import Historian, Learner, Plan
from stream_rnn.spark.seven import from_text, to_text
from stream_rnn.spark.watching import tell

MODEL = RecurrentRegressor(GRU(3), seed=1)
FIELDS = ("key", "n", "a", "more", "y")
PLAN = Plan(
    key=("key",), target="y", order=("n",), features=("a",), spread=("more",), keep=("n",),
    outputs=columns(MODEL, "double"),
    owner=types_of.StructType([types_of.StructField("key", types_of.StringType())]),
)  # fmt: skip


class Handle(dict):
    """Of Spark's handle and its map of states what the operator uses."""

    def getMapState(self, name, key, value, ttl):
        return self

    def getValue(self, key):
        return self.get(key)

    def updateValue(self, key, value):
        self[key] = value


def learner(estimator=MODEL, handle=None):
    made = Learner(estimator, PLAN)
    made.init(Handle() if handle is None else handle)
    return made


def rows(*values, key="k"):
    return [Row(*FIELDS)(key, n, a, more, y) for n, a, more, y in values]


def feed(made, given):
    return list(made.handleInputRows((0,), iter(given), None))


def test_rows_of_a_key_are_learned_in_their_order():
    values = [(n, n % 3 / 2, None, float(n % 2)) for n in range(30)]
    plain = MODEL.clone().stream([{"a": a} for _, a, _, _ in values], [y for *_, y in values])
    random.Random(1).shuffle(values)
    made = learner()
    got = feed(made, rows(*(v for v in values if v[0] < 13)))
    got += feed(made, rows(*(v for v in values if v[0] >= 13)))
    assert [row["n"] for row in got] == list(range(30))
    assert [row["prediction"] for row in got] == [row["prediction"] for row in plain]
    assert {row["error"] for row in got} == {None}


def test_keys_of_a_group_have_each_their_own_model():
    alone = {}
    for key in "kl":
        values = [(n, n % 3 / 2, None, float(n % 2 + (key == "l"))) for n in range(9)]
        alone[key] = rows(*values, key=key)
    mixed = [row for pair in zip(*alone.values(), strict=True) for row in pair]
    got = feed(learner(), mixed)
    assert got == [row for given in alone.values() for row in feed(learner(), given)]


def test_a_poisoned_record_is_a_row_with_an_error_and_the_others_know_nothing_of_it():
    good = [(n, 0.5 * n, None, 1.0) for n in range(5)]
    bad = [(1.5, float("inf"), None, 1.0), (2.5, 1.0, None, float("inf"))]
    got = feed(learner(), rows(*good, *bad))
    assert [row["n"] for row in got if row["error"]] == [1.5, 2.5]
    assert "inf" in got[2]["error"]
    assert "prediction" not in got[2]
    made = [row["prediction"] for row in got if not row["error"]]
    assert made == [row["prediction"] for row in feed(learner(), rows(*good))]


def test_a_null_key_has_no_model():
    made = learner()
    got = feed(made, rows((0, 1.0, None, 1.0), (1, 1.0, None, 1.0), key=None))
    assert {row["error"] for row in got} == {"key: the key is null; give each record one"}
    assert made.states == {}


def test_entries_of_a_map_become_features_when_they_appear():
    made = learner()
    feed(made, rows((0, 1.0, None, 1.0), (1, 1.0, [("b", 2.0)], 1.0)))
    feed(made, rows((2, 1.0, [("b", 2.0), ("c", 3.0)], 1.0)))
    model = made.packer.load(from_text(made.states[("k",)][0]))
    assert model.snapshot().meta["features"] == ["a", "b", "c"]


def test_another_estimator_refuses_the_states_of_this_one():
    handle = Handle()
    feed(learner(handle=handle), rows((0, 1.0, None, 1.0)))
    other = learner(RecurrentRegressor(GRU(4), seed=1), handle)
    with pytest.raises(CheckpointError, match="another model than RecurrentRegressor"):
        feed(other, rows((1, 1.0, None, 1.0)))


def test_a_history_is_where_a_stream_goes_on():
    values = [(n, n % 3 / 2, None, float(n % 2)) for n in range(20)]
    whole = feed(learner(), rows(*values))
    table = pyarrow.table(
        {name: [v[n] for v in values[:12]] for n, name in enumerate(FIELDS[1:])}
        | {"key": ["k"] * 12}
    )
    (state,) = Historian(MODEL, PLAN)((pyarrow.scalar("k"),), table).to_pylist()
    made = learner()
    made.handleInitialState((0,), state, None)
    assert feed(made, rows(*values[12:])) == whole[12:]


def test_columns_are_typed_by_what_results_hold():
    def types(estimator, target="double"):
        return {column.name: column.type for column in columns(estimator, target)}

    assert types(Keyed(RecurrentClassifier(), "k"), "string") == {
        "prediction": "string",
        "probabilities": "map<string,double>",
    }
    assert types(RecurrentForecaster())["forecast"] == "array<double>"
    assert types(RecurrentMultivariateForecaster())["lower"] == "map<string,array<double>>"
    assert types(TextPredictor())["top"] == "array<struct<symbol:string,probability:double>>"
    anomaly = types(RecurrentAnomalyDetector())
    assert (anomaly["alarm"], anomaly["episode"]) == ("boolean", "bigint")
    assert (anomaly["fields"], anomaly["scores"]) == ("array<string>", "map<string,double>")


def test_results_that_nobody_has_listed_come_as_json():
    class Own(RecurrentRegressor):
        pass

    (column,) = columns(Own(), "double")
    assert (column.name, column.type) == (RESULT, "string")
    assert column.read({"prediction": 1.5}) == '{"prediction":1.5}'


NUMBER, LONG, TEXT = types_of.DoubleType(), types_of.LongType(), types_of.StringType()


class Frame:
    """Of a DataFrame what its names and types need."""

    def __init__(self, **types):
        self.schema = types_of.StructType([types_of.StructField(n, t) for n, t in types.items()])
        self.columns = list(types)

    def select(self, *names):
        return names


def planned(estimator=MODEL, **more):
    frame = Frame(key=TEXT, n=LONG, a=NUMBER, more=types_of.MapType(TEXT, NUMBER), y=NUMBER)
    given = {"order": ["n"], "key": "key", "target": "y", "features": None, "keep": ()}
    return frames.planned(frame, estimator, **given | {"buckets": 1} | more)


def test_features_are_all_columns_that_are_nothing_else():
    names, _, plan = planned()
    assert plan == PLAN
    assert names == ("key", "n", "a", "more", "y")


def test_a_keyed_whose_keys_share_nothing_is_a_model_for_each():
    _, estimator, plan = planned(Keyed(MODEL, "key", share="nothing"), key=None)
    assert (estimator, plan) == (MODEL, PLAN)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"key": "kye"}, "key: no column 'kye'; did you mean 'key'?"),
        ({"order": []}, "order: is empty"),
        ({"target": "z"}, "target: no column 'z'"),
        ({"key": None}, "key: is missing"),
        ({"buckets": 3}, "buckets: only keys that share weights"),
        ({"estimator": Keyed(MODEL, "a")}, "key: 'key', but the Keyed has 'a'"),
    ],
)
def test_columns_that_cannot_be_are_refused_by_name(given, message):
    with pytest.raises(ConfigError) as caught:
        planned(**given)
    assert message in str(caught.value)


def test_a_name_of_the_result_is_refused_for_a_column():
    frame = Frame(key=TEXT, error=LONG, a=NUMBER, y=NUMBER)
    with pytest.raises(ConfigError, match="error: the result has a column of that name"):
        frames.planned(frame, MODEL, ["error"], "key", "y", None, (), 1)


def test_no_time_to_live_is_refused():
    frame = Frame(key=TEXT, n=LONG, a=NUMBER, y=NUMBER)
    with pytest.raises(ConfigError, match="ttl: 0:00:00; give more"):
        frames.learn(
            frame, MODEL, order="n", key="key", target="y", ttl=datetime.timedelta(0)
        )  # fmt: skip


def test_a_sink_without_brokers_is_refused():
    with pytest.raises(ConfigError, match="bootstrap_servers: is missing"):
        exactly_once("topic", name="query")


@given(strategies.binary(max_size=60))
def test_bytes_become_ascii_and_come_back(data):
    text = to_text(data)
    assert text.isascii()
    assert len(text) == 8 * -(-len(data) // 7) + 1
    assert from_text(text) == data


def test_text_that_is_no_bytes_is_refused():
    with pytest.raises(ValueError, match="7 characters are no packed bytes"):
        from_text("1234567")


def test_a_key_of_floats_is_refused():
    with pytest.raises(ConfigError, match="key: 'a' is of type double; cast it to text"):
        planned(key="a")


def test_what_spark_says_of_a_batch_comes_under_the_names_of_the_service():
    progress = {
        "timestamp": "2026-01-01T00:00:10.000Z",
        "durationMs": {"addBatch": 200, "triggerExecution": 1500},
        "stateOperators": [
            {
                "operatorName": "transformWithStateInPySparkExec",
                "numRowsTotal": 7,
                "commitTimeMs": 90,
            }
        ],
        "sources": [{"endOffset": {"in": {"0": 100}}, "latestOffset": {"in": {"0": 130}}}],
    }
    metrics = Metrics("query")
    for _ in range(2):
        tell(metrics, progress, {"consumed": 100, "predicted": 98, "learned": 90})
    lines = metrics.text().splitlines()
    for line in (
        "stream_rnn_records_consumed_total 200.0",
        "stream_rnn_records_learned_total 180.0",
        'stream_rnn_records_dead_lettered_total{reason="refused"} 4.0',
        'stream_rnn_keys{learner="query"} 7.0',
        'stream_rnn_consumer_lag_records{partition="0",topic="in"} 30.0',
        "stream_rnn_checkpoint_duration_seconds 0.09",
        "stream_rnn_checkpoint_last_success_timestamp_seconds 1.7672256115e+09",
    ):
        assert line in lines
