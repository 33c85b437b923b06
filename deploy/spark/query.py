"""A query over a Kafka topic, to be submitted: a model for each sensor, predictions to Kafka.

    spark-submit --packages org.apache.spark:spark-sql-kafka-0-10_2.13:4.2.0 \
        --conf spark.executorEnv.NUMBA_CACHE_DIR=/var/cache/stream-rnn \
        query.py b1:9092,b2:9092 readings predictions s3a://bucket/checkpoint

The driver shows its metrics on METRICS_ADDRESS (default 127.0.0.1:9108) for Prometheus.
"""

import os
import sys

import pyspark.sql.functions as F
from prometheus_client import start_http_server
from pyspark.sql import SparkSession

from stream_rnn import LSTM, RecurrentRegressor
from stream_rnn.metrics import Metrics
from stream_rnn.spark import exactly_once, learn, watched

NAME = "load-by-sensor"

SCHEMA = "sensor string, temperature double, load double"


def main() -> None:
    brokers, source, sink, checkpoint = sys.argv[1:]
    spark = SparkSession.builder.appName("stream-rnn").getOrCreate()
    raw = spark.readStream.format("kafka").option("kafka.bootstrap.servers", brokers)
    raw = raw.option("startingOffsets", "earliest").option("maxOffsetsPerTrigger", 100_000)
    raw = raw.option("subscribe", source).load()
    record = F.from_json(F.col("value").cast("string"), SCHEMA)
    df = raw.select(record.alias("r"), "partition", "offset").select("r.*", "partition", "offset")
    made = learn(
        df,
        RecurrentRegressor(LSTM(8), seed=1),
        key="sensor",
        target="load",
        order=["partition", "offset"],
    )
    metrics = Metrics(NAME)
    host, _, port = os.environ.get("METRICS_ADDRESS", "127.0.0.1:9108").rpartition(":")
    start_http_server(int(port), host, metrics.registry)
    made = watched(made, metrics)
    out = made.select(F.col("sensor").alias("key"), F.to_json(F.struct("*")).alias("value"))
    write = exactly_once(sink, name=NAME, bootstrap_servers=brokers.split(","))
    writer = out.writeStream.option("checkpointLocation", checkpoint)
    writer.trigger(processingTime="2 seconds").foreachBatch(write).start().awaitTermination()


if __name__ == "__main__":
    main()
