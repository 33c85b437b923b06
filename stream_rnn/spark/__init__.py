"""Learning inside Spark: a model for each key in Spark's state store (extra ``spark``).

    from stream_rnn import LSTM, RecurrentRegressor
    from stream_rnn.spark import learn, models

    made = learn(df, RecurrentRegressor(LSTM(8)), key="sensor", target="y", order=["offset"])
    made.writeStream.option("checkpointLocation", ck).format("parquet").start(path)
    models(spark, ck, RecurrentRegressor(LSTM(8)))  # {key: estimator}

Spark keeps the states, checkpoints them and moves them between machines; what is learned is bit
for bit what one process would learn.  docs/spark.md says when that is worth its price.
"""

from .frames import learn, learn_history
from .kafka import confluent_message, confluent_payload, exactly_once
from .store import models, save_models, states
from .watching import watched

__all__ = [
    "confluent_message",
    "confluent_payload",
    "exactly_once",
    "learn",
    "learn_history",
    "models",
    "save_models",
    "states",
    "watched",
]
