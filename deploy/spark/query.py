"""A query over a Kafka topic, to be submitted: a model for each sensor, predictions to Kafka.

    spark-submit --packages org.apache.spark:spark-sql-kafka-0-10_2.13:4.2.0 \
        --conf spark.executorEnv.NUMBA_CACHE_DIR=/var/cache/stream-rnn \
        query.py b1:9092,b2:9092 readings predictions s3a://bucket/checkpoint
"""

import sys

import pyspark.sql.functions as F
from pyspark.sql import SparkSession

from stream_rnn import LSTM, RecurrentRegressor
from stream_rnn.spark import exactly_once, learn

SCHEMA = "sensor string, temperature double, load double"


def main() -> None:
    brokers, source, sink, checkpoint = sys.argv[1:]
    spark = SparkSession.builder.appName("stream-rnn").getOrCreate()
    raw = spark.readStream.format("kafka").option("kafka.bootstrap.servers", brokers)
    raw = raw.option("subscribe", source).option("maxOffsetsPerTrigger", 100_000).load()
    record = F.from_json(F.col("value").cast("string"), SCHEMA)
    df = raw.select(record.alias("r"), "partition", "offset").select("r.*", "partition", "offset")
    made = learn(
        df,
        RecurrentRegressor(LSTM(8), seed=1),
        key="sensor",
        target="load",
        order=["partition", "offset"],
    )
    out = made.select(F.col("sensor").alias("key"), F.to_json(F.struct("*")).alias("value"))
    write = exactly_once(sink, name="load-by-sensor", bootstrap_servers=brokers.split(","))
    writer = out.writeStream.option("checkpointLocation", checkpoint)
    writer.trigger(processingTime="2 seconds").foreachBatch(write).start().awaitTermination()


if __name__ == "__main__":
    main()
