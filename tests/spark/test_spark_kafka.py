"""Real Kafka in and out, through Spark: each record once, also where a driver dies between two."""

import json
import os
import pathlib
import subprocess

import pytest
from conftest import make_session
from spark_streams import CASES, plain, records

from stream_rnn.spark import confluent_message, confluent_payload, exactly_once, learn

pytestmark = pytest.mark.slow
CONNECTOR = pathlib.Path(__file__).with_name("connector.xml")
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


def test_the_header_of_a_registry(session):
    import pyspark.sql.functions as F

    df = session.createDataFrame([(bytearray(b"\x02ab"),), (None,)], "body binary")
    framed = df.select(confluent_message(F.col("body"), 258).alias("message"))
    assert bytes(framed.first()[0]) == b"\x00\x00\x00\x01\x02\x02ab"
    back = framed.select(confluent_payload("message").alias("body"))
    assert [row[0] and bytes(row[0]) for row in back.collect()] == [b"\x02ab", None]
