"""A configuration on Spark: what has no meaning there is refused with a remedy, the rest runs."""

import json

import pytest
from spark_streams import CASES, plain, records, write
from typer.testing import CliRunner

from stream_rnn.cli.app import app
from stream_rnn.config import parse
from stream_rnn.errors import ConfigError
from stream_rnn.spark import pipeline

TABLE = {
    "key": "key",
    "share": "nothing",
    "source": {"type": "file", "path": "in"},
    "features": {"target": "y", "timestamp": "id", "calendar": [], "include": ["a", "b"]},
    "estimator": {
        "type": "regressor",
        "cell": {"type": "LSTM", "units": 4},
        "learner": "RTRL",
        "optimizer": "Kalman",
        "seed": 1,
    },
    "sink": {"type": "file", "path": "out"},
    "checkpoint": {"url": "checkpoints"},
}
KAFKA = {"type": "kafka", "topic": "t", "bootstrap": "127.0.0.1:1"}


def text(table):
    """*table* as TOML."""
    return "\n".join(f"{name} = {inline(value)}" for name, value in table.items())


def inline(value):
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name} = {inline(v)}" for name, v in value.items()) + "}"
    return json.dumps(value)


def test_a_configuration_that_means_something_there():
    pipeline.check(parse(text(TABLE)))
    kafka = {"source": KAFKA, "sink": KAFKA, "features": {"target": "y"}}
    pipeline.check(parse(text(TABLE | kafka)))


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"key": None, "share": None}, "key: is missing"),
        ({"checkpoint": None}, "checkpoint.url: is missing"),
        ({"source": {"type": "stdin"}}, "source.type: 'stdin'"),
        ({"sink": {"type": "stdout"}}, "sink: Spark writes a folder"),
        ({"features": {"target": "y"}}, "features.timestamp: is missing"),
        ({"features": {"target": "y", "timestamp": "id"}}, "features.calendar: Spark makes none"),
        (
            {"features": TABLE["features"] | {"lags": {"a": [1]}}},
            "features.lags: it has no",
        ),
        ({"dead_letter": {"type": "file", "path": "x"}}, "dead_letter: it has no meaning"),
        ({"source": KAFKA | {"format": {"type": "avro"}}}, "source.format: not JSON"),
        ({"source": KAFKA | {"topic": ["t", "u"]}}, "source.topic: several"),
        ({"source": KAFKA | {"tombstones": "forget"}}, "source.tombstones: Spark deletes no"),
        ({"sink": KAFKA | {"protocol": "SSL"}}, "sink.protocol: SSL"),
    ],
)
def test_what_has_no_meaning_there_is_refused_with_a_remedy(tables, message):
    table = {name: value for name, value in (TABLE | tables).items() if value is not None}
    with pytest.raises(ConfigError) as caught:
        pipeline.check(parse(text(table)))
    assert message in str(caught.value)


def written(folder):
    """The file of a pipeline from and to *folder*."""
    ends = {"source": "in", "sink": "out"}
    tables = {name: {"type": "file", "path": f"{folder}/{end}"} for name, end in ends.items()}
    path = folder / "pipeline.toml"
    path.write_text(text(TABLE | tables | {"checkpoint": {"url": f"{folder}/checkpoints"}}))
    return path


def test_check_asks_without_starting_spark(tmp_path):
    done = CliRunner().invoke(app, ["run", str(written(tmp_path)), "--on", "local[2]", "--check"])
    assert done.exit_code == 0, done.output
    assert "ok" in done.output


@pytest.mark.slow
def test_a_configuration_run_by_spark_is_one_process(spark, tmp_path):
    rows = records(keys=4, count=120)
    write(tmp_path / "in", rows, files=2)
    done = CliRunner().invoke(app, ["run", str(written(tmp_path)), "--on", "local[2]"])
    assert done.exit_code == 0, done.output
    found = spark.read.json(str(tmp_path / "out")).collect()
    expected, _ = plain("regressor", rows)
    assert CASES["regressor"][1] == "y"
    assert {row["id"]: row["prediction"] for row in found} == {
        n: result["prediction"] for n, result in expected.items()
    }
