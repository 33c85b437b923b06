"""A pipeline configuration, run by Spark: what means something there, a sentence for the rest.

Order comes from Kafka's partition and offset, or from the field ``features.timestamp``; the
states are in Spark's checkpoint below ``checkpoint.url``; refused records are rows with ``error``.
"""

import logging
import os
import re
import sys
from typing import TYPE_CHECKING, Any

from .. import specs
from ..config import schema
from ..errors import ConfigError
from ..estimators.keyed.estimator import Keyed
from .frames import learn
from .kafka import exactly_once

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

log = logging.getLogger(__name__)

ORIGIN = ("partition", "offset")

#: Fields that mean nothing here unless they are as they are by default, and what to do instead.
ELSEWHERE = {
    "labels": "join labels and records before, and give records with their target",
    "dead_letter": "refused records are rows with `error`; leave the table out",
    "features.lags": "make them before, or give the estimator target_lags",
    "features.missing": "write null for what is missing",
    "features.sentinels": "write null for what is missing",
    "features.day_first": "write times as ISO 8601",
}


def run_on(master: str, config: schema.Config) -> None:
    """Run *config* on a Spark *master* until all is read, or for ever if the source goes on.

    Raises `ConfigError`, with field and remedy, for what Spark cannot do of it.
    """
    check(config)
    spark = session(master, config.run.name)
    source = config.source
    df = read(spark, source)
    order = ORIGIN if isinstance(source, schema.KafkaSource) else (config.features.time or "",)
    out = learn(df, estimator_of(config), order=order, **columns_of(config, df, order))
    writer = out.writeStream.queryName(config.run.name)
    assert config.checkpoint is not None
    writer = writer.option("checkpointLocation", f"{config.checkpoint.url}/spark")
    ends = getattr(source, "stop_at_end", not getattr(source, "follow", False))
    writer = writer.trigger(**({"availableNow": True} if ends else {"processingTime": "2 seconds"}))
    _into(writer, out, config).awaitTermination()


def check(config: schema.Config) -> None:
    """Raise `ConfigError` for what cannot be run on Spark."""
    default = schema.Config(source=config.source, sink=config.sink)
    for field, remedy in ELSEWHERE.items():
        value, usual = (_at(table, field) for table in (config, default))
        if value != usual:
            raise ConfigError(f"{field}: it has no meaning on Spark; {remedy}")
    source, sink, features = config.source, config.sink, config.features
    if config.key is None or config.key.startswith("@"):
        raise ConfigError("key: is missing; on Spark each key has a model: name a field")
    if config.checkpoint is None:
        raise ConfigError("checkpoint.url: is missing; Spark keeps states and offsets there")
    if isinstance(source, schema.HttpSource):
        raise ConfigError("source.type: 'http' cannot be read by Spark; give 'file' or 'kafka'")
    if isinstance(source, schema.StdinSource):
        raise ConfigError("source.type: 'stdin' cannot be read by Spark; give 'file' or 'kafka'")
    if isinstance(source, schema.FileSource):
        if features.time is None:
            raise ConfigError(
                "features.timestamp: is missing; Spark knows no order of lines: name the field by "
                "which the records of a key follow each other"
            )
        if not isinstance(source.path, str):
            raise ConfigError("source.path: several; on Spark give one folder or pattern")
    if isinstance(source, schema.KafkaSource) and (
        not isinstance(source.topic, str) or source.topic.startswith("^")
    ):
        raise ConfigError("source.topic: several; on Spark give one, whose offsets are the order")
    if getattr(source, "tombstones", "skip") != "skip":
        raise ConfigError("source.tombstones: Spark deletes no key's state so; leave it out")
    if features.calendar or (features.time and features.calendar is None):
        raise ConfigError(
            "features.calendar: Spark makes none; set calendar = [], or give them as fields"
        )
    if isinstance(sink, schema.StdoutSink) or getattr(sink, "format", None) in ("csv", "avro"):
        raise ConfigError("sink: Spark writes a folder of JSON lines, or Kafka; give one of these")
    for name, end in (("source", source), ("sink", sink)):
        if isinstance(end, schema.KafkaConnection):
            _check_kafka(name, end)


def _check_kafka(name: str, end: schema.KafkaConnection) -> None:
    if end.protocol not in (None, "PLAINTEXT"):
        raise ConfigError(
            f"{name}.protocol: {end.protocol}; run on Spark only plain connections are made from a "
            "configuration: write the query with stream_rnn.spark.learn"
        )
    if not isinstance(getattr(end, "format", schema.JsonFormat()), schema.JsonFormat):
        raise ConfigError(
            f"{name}.format: not JSON; write the query with stream_rnn.spark.learn, from_avro and "
            "confluent_payload"
        )
    _bootstrap(name, end)


def session(master: str, name: str) -> "SparkSession":
    """A session on *master*; everything else is said in Spark's own configuration."""
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise ConfigError(
            "--on: Spark is not installed; pip install 'stream-rnn[spark]', and Java 17"
        ) from None
    if master.startswith("local"):  # workers on this machine: Spark would take any python3
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    return SparkSession.builder.master(master).appName(f"stream-rnn {name}").getOrCreate()


def read(spark: "SparkSession", source: Any) -> "DataFrame":
    """The records as a stream; their columns are found in what is there at the start."""
    import pyspark.sql.functions as F

    if isinstance(source, schema.FileSource):
        form = source.format or ("csv" if ".csv" in str(source.path) else "jsonl")
        words = {"header": "true", "inferSchema": "true"} if form == "csv" else {}
        kind = "csv" if form == "csv" else "json"
        found = spark.read.format(kind).options(**words).load(str(source.path)).schema
        stream = spark.readStream.format(kind).options(**words).schema(found)
        return stream.option("maxFilesPerTrigger", 100).load(str(source.path))
    words = {"kafka.bootstrap.servers": _bootstrap("source", source), **subscription(source.topic)}
    sample = spark.read.format("kafka").options(**words).load().limit(1000)
    values = sample.select(F.col("value").cast("string")).rdd.map(lambda row: row[0])
    found = spark.read.json(values).schema
    if not found.fields:
        raise ConfigError(f"source.topic: {source.topic} is empty; columns are found in records")
    stream = spark.readStream.format("kafka").options(**words)
    stream = stream.option("startingOffsets", source.start).option("maxOffsetsPerTrigger", 100_000)
    parsed = F.from_json(F.col("value").cast("string"), found)
    return stream.load().select(parsed.alias("r"), *ORIGIN).select("r.*", *ORIGIN)


def subscription(topic: str | list[str]) -> dict[str, str]:
    """The topics in Spark's words; its patterns must match whole names.

    >>> subscription(["rides", "visits"]), subscription("^rides-")
    ({'subscribe': 'rides,visits'}, {'subscribePattern': '(?:^rides-).*'})
    """
    topics = [topic] if isinstance(topic, str) else topic
    if not any(name.startswith("^") for name in topics):
        return {"subscribe": ",".join(topics)}
    whole = [f"(?:{name}).*" if name.startswith("^") else re.escape(name) for name in topics]
    return {"subscribePattern": "|".join(whole)}


def estimator_of(config: schema.Config) -> Any:
    made = specs.estimator(config.estimator)
    return Keyed(made, str(config.key), config.share, config.max_contexts)


def columns_of(config: schema.Config, df: "DataFrame", order: tuple[str, ...]) -> dict[str, Any]:
    """Target, features and kept columns, in the words of `learn`."""
    table, target = config.features, config.features.target
    goals = [] if target is None else [target] if isinstance(target, str) else target
    out = {*table.exclude, *goals, *order, config.key}
    features = table.include or [name for name in df.columns if name not in out]
    return {"target": target, "features": features, "keep": config.run.copy}


def _into(writer: Any, out: "DataFrame", config: schema.Config) -> Any:
    """The query that writes where the configuration says."""
    import pyspark.sql.functions as F

    sink = config.sink
    if isinstance(sink, schema.FileSink):
        return writer.format("json").option("path", sink.path).start()
    assert isinstance(sink, schema.KafkaSink)
    write = exactly_once(
        sink.topic, name=config.run.name, bootstrap_servers=_bootstrap("sink", sink)
    )
    key = F.col(sink.key or str(config.key)).cast("string").alias("key")
    value = F.to_json(F.struct(*out.columns)).alias("value")
    return writer.foreachBatch(lambda batch, n: write(batch.select(key, value), n)).start()


def _bootstrap(name: str, end: schema.KafkaConnection) -> str:
    found = end.bootstrap or os.environ.get("KAFKA_BOOTSTRAP")
    if not found:
        raise ConfigError(f"{name}.bootstrap: is missing; name the brokers, or KAFKA_BOOTSTRAP")
    return found


def _at(table: Any, path: str) -> Any:
    for name in path.split("."):
        table = getattr(table, name)
    return table
