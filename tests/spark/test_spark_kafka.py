"""Real Kafka in and out, through Spark: each record once, also where a driver dies between two."""

import io
import json
import os
import pathlib
import shutil
import signal
import struct
import subprocess
import time
import urllib.request

import fastavro
import pytest
from conftest import make_session
from kafka_broker import free_port
from spark_streams import CASES, plain, records
from test_spark_pipeline import TABLE, text
from typer.testing import CliRunner

from stream_rnn.cli.app import app
from stream_rnn.spark import confluent_message, confluent_payload, exactly_once, learn

pytestmark = pytest.mark.slow
CONNECTOR = pathlib.Path(__file__).with_name("connector.xml")
QUERY = pathlib.Path(__file__).parents[2] / "deploy" / "spark" / "query.py"
COUNT = 120
SCHEMA = "id long, key string, a double, b double, y double"


@pytest.fixture(scope="module")
def jars(tmp_path_factory):
    """Spark's connectors for Kafka and Avro; SPARK_JARS names a folder that has them already."""
    folder = os.environ.get("SPARK_JARS")
    if folder is None:
        folder = str(tmp_path_factory.mktemp("jars"))
        command = ["mvn", "-q", "-f", str(CONNECTOR), "dependency:copy-dependencies"]
        subprocess.run([*command, f"-DoutputDirectory={folder}"], check=True, timeout=600)
    wanted = ("spark-sql-kafka", "spark-token", "spark-avro", "kafka-clients", "commons-pool2")
    return ",".join(str(p) for p in pathlib.Path(folder).glob("*.jar") if p.name.startswith(wanted))


@pytest.fixture(scope="module")
def session(jars):
    """A session that has the connectors; another one of this process is ended for it."""
    from pyspark.sql import SparkSession

    if (active := SparkSession.getActiveSession()) is not None:
        active.stop()
    made = make_session(spark__jars=jars)
    yield made
    made.stop()


class Died(Exception):
    pass


def start(session, bootstrap, source, work, write):
    import pyspark.sql.functions as F

    words = {"kafka.bootstrap.servers": bootstrap, "subscribe": source}
    raw = session.readStream.format("kafka").options(**words)
    raw = raw.option("startingOffsets", "earliest").option("maxOffsetsPerTrigger", 40).load()
    value = F.from_json(
        F.col("value").cast("string"), "id long, key string, a double, b double, y double"
    )
    df = raw.select(value.alias("r"), "partition", "offset").select("r.*", "partition", "offset")
    estimator, target, features = CASES["regressor"]
    out = learn(
        df, estimator, key="key", target=target, order=["partition", "offset"], keep=["id"],
        features=features,
    )  # fmt: skip
    out = out.select(F.col("key"), F.to_json(F.struct("id", "prediction")).alias("value"))
    writer = out.writeStream.option("checkpointLocation", str(work)).trigger(availableNow=True)
    writer.foreachBatch(write).start().awaitTermination()


def test_each_record_once_though_a_driver_dies_after_a_commit(session, topics, tmp_path):
    rows = records(keys=5, count=COUNT)
    source, target = topics.make(1, "in"), topics.make(2, "out")
    topics.produce(source, [json.dumps(row).encode() for row in rows])
    words = {"bootstrap_servers": topics.bootstrap}

    def once(name="query"):
        return exactly_once(target, name=name, **words)

    first = once()

    def die_after_the_second(batch, number):
        first(batch, number)
        if number == 1:  # it is in the topic, and Spark does not know
            raise Died

    from pyspark.errors import StreamingQueryException

    with pytest.raises(StreamingQueryException):
        start(session, topics.bootstrap, source, tmp_path / "ck", die_after_the_second)
    start(session, topics.bootstrap, source, tmp_path / "ck", once())
    got = [json.loads(record.value) for part in topics.read(target).values() for record in part]
    assert sorted(row["id"] for row in got) == list(range(COUNT))
    expected, _ = plain("regressor", rows)
    assert {r["id"]: r["prediction"] for r in got} == {
        n: result["prediction"] for n, result in expected.items()
    }


LEVEL = {"type": "record", "name": "Level", "fields": [
    {"name": "id", "type": "long"}, {"name": "key", "type": "string"},
    *({"name": name, "type": "double"} for name in ("a", "b", "y")),
]}  # fmt: skip
MADE = {"type": "record", "name": "Made", "fields": [
    {"name": "id", "type": "long"}, {"name": "prediction", "type": ["null", "double"]},
]}  # fmt: skip


def framed(row, number):
    """*row* in Avro, behind the header of a registry that knows its schema by *number*."""
    stream = io.BytesIO(struct.pack(">bI", 0, number))
    stream.seek(5)
    fastavro.schemaless_writer(stream, fastavro.parse_schema(LEVEL), row)
    return stream.getvalue()


def test_avro_of_a_registry_in_and_out(session, topics, tmp_path):
    import pyspark.sql.functions as F
    from pyspark.sql.avro.functions import from_avro, to_avro

    rows = records(keys=3, count=60)
    source, target = topics.make(1, "in"), topics.make(1, "out")
    topics.produce(source, [framed(row, 7) for row in rows])
    words = {"kafka.bootstrap.servers": topics.bootstrap, "subscribe": source}
    raw = session.readStream.format("kafka").options(**words, startingOffsets="earliest").load()
    level = from_avro(confluent_payload("value"), json.dumps(LEVEL)).alias("r")
    df = raw.select(level, "partition", "offset").select("r.*", "partition", "offset")
    estimator, goal, features = CASES["regressor"]
    made = learn(
        df, estimator, key="key", target=goal, order=["partition", "offset"], keep=["id"],
        features=features,
    )  # fmt: skip
    body = to_avro(F.struct("id", "prediction"), json.dumps(MADE))
    out = made.select(F.col("key"), confluent_message(body, 8).alias("value"))
    write = exactly_once(target, name="avro", bootstrap_servers=topics.bootstrap)
    writer = out.writeStream.option("checkpointLocation", str(tmp_path)).trigger(availableNow=True)
    writer.foreachBatch(write).start().awaitTermination()
    expected, _ = plain("regressor", rows)
    got = [record.value for record in topics.read(target)[0]]
    assert {value[:5] for value in got} == {struct.pack(">bI", 0, 8)}
    schema = fastavro.parse_schema(MADE)
    read = [fastavro.schemaless_reader(io.BytesIO(value[5:]), schema, None) for value in got]
    assert {row["id"]: row["prediction"] for row in read} == {
        n: result["prediction"] for n, result in expected.items()
    }


def test_a_configuration_from_kafka_to_kafka(session, topics, tmp_path):
    rows = records(keys=5, count=COUNT)
    source, target = topics.make(1, "in"), topics.make(1, "out")
    topics.produce(source, [json.dumps(row).encode() for row in rows])
    ends = {"type": "kafka", "bootstrap": topics.bootstrap}
    tables = {
        "source": {**ends, "topic": source, "stop_at_end": True},
        "sink": {**ends, "topic": target},
        "features": {"target": "y", "include": ["a", "b"]},
        "run": {"copy": ["id"]},
        "checkpoint": {"url": str(tmp_path / "checkpoints")},
    }
    path = tmp_path / "pipeline.toml"
    path.write_text(text(TABLE | tables))
    for _ in range(2):  # a second run finds nothing more
        done = CliRunner().invoke(app, ["run", str(path), "--on", "local[2]"])
        assert done.exit_code == 0, done.output
    got = [json.loads(record.value) for record in topics.read(target)[0]]
    assert sorted(row["id"] for row in got) == list(range(COUNT))
    expected, _ = plain("regressor", rows)
    assert {r["id"]: r["prediction"] for r in got} == {
        n: result["prediction"] for n, result in expected.items()
    }


def test_the_query_to_submit(jars, topics, tmp_path):
    source, target = topics.make(2, "in"), topics.make(1, "out")
    rows = [{"sensor": f"s{n % 3}", "temperature": n / 9, "load": n % 2} for n in range(90)]
    topics.produce(source, [json.dumps(row).encode() for row in rows])
    port = free_port()
    command = [shutil.which("spark-submit"), "--master", "local[2]", "--jars", jars]
    command += ["--conf", "spark.sql.shuffle.partitions=2", str(QUERY)]
    child = subprocess.Popen(
        [*command, topics.bootstrap, source, target, str(tmp_path / "checkpoint")],
        env={**os.environ, "METRICS_ADDRESS": f"127.0.0.1:{port}", "SPARK_LOCAL_IP": "127.0.0.1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        got, end = [], time.monotonic() + 240
        while len(got) < len(rows):
            assert child.poll() is None
            assert time.monotonic() < end
            time.sleep(2)
            got = topics.read(target)[0]
        while "stream_rnn_records_learned_total 90.0" not in scraped(port):
            assert time.monotonic() < end
            time.sleep(1)
        assert f'stream_rnn_consumer_lag_records{{partition="0",topic="{source}"}} 0.0' in (
            scraped(port)
        )
    finally:
        os.killpg(child.pid, signal.SIGTERM)
        child.wait(60)
    assert {
        json.loads(record.value)["error"] for record in got if b"error" in record.value
    } == set()


def scraped(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        return answer.read().decode()


def test_the_header_of_a_registry(session):
    import pyspark.sql.functions as F

    df = session.createDataFrame([(bytearray(b"\x02ab"),), (None,)], "body binary")
    framed = df.select(confluent_message(F.col("body"), 258).alias("message"))
    assert bytes(framed.first()[0]) == b"\x00\x00\x00\x01\x02\x02ab"
    back = framed.select(confluent_payload("message").alias("body"))
    assert [row[0] and bytes(row[0]) for row in back.collect()] == [b"\x02ab", None]
