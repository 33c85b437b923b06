"""What a query did, under the names that the service has for it.

The counts are Spark's own observations: each is right once for a micro-batch, also where one is
done again.  A listener in the driver puts them into a `Metrics`, which Prometheus reads.
"""

import datetime
import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from ..metrics import Metrics

OPERATOR = "transformWithState"  # how Spark's names of the operator begin
REFUSED = "refused"  # the one reason that a row with ``error`` tells


def watched(made: "DataFrame", metrics: "Metrics", target: str | None = None) -> "DataFrame":
    """*made*, which `learn` gave, so that its query tells *metrics* what it does.

    Give it on as it is to whatever comes behind.  *target* is the target's column, where it is
    kept: then records without one do not count as learned.  The name of *metrics* must be the
    only one of that name in the query.  Serve them where you like::

        metrics = Metrics("load-by-sensor")
        made = watched(made, metrics)
        prometheus_client.start_http_server(9108, "127.0.0.1", metrics.registry)
    """
    import pyspark.sql.functions as F
    from pyspark.sql.streaming import StreamingQueryListener

    for name in ("error", *([] if target is None else [target])):
        if name not in made.columns:
            raise ConfigError(f"{name}: no such column; give what `learn` made, the target kept")
    good = F.col("error").isNull()
    learned = good if target is None else good & F.col(target).isNotNull()
    name = metrics.learner
    given = made.observe(
        name,
        F.count(F.lit(1)).alias("consumed"),
        F.count(F.when(good, 1)).alias("predicted"),
        F.count(F.when(learned, 1)).alias("learned"),
    )

    class Watcher(StreamingQueryListener):
        """Of all queries of the session it knows its own by the observation's name."""

        run: str | None = None

        def onQueryStarted(self, event: Any) -> None:
            pass

        def onQueryProgress(self, event: Any) -> None:
            found = event.progress.observedMetrics.get(name)
            if found is not None:
                self.run = str(event.progress.runId)
                tell(metrics, json.loads(event.progress.json), found.asDict())

        def onQueryIdle(self, event: Any) -> None:
            pass

        def onQueryTerminated(self, event: Any) -> None:
            if str(event.runId) == self.run:
                metrics.state("failed" if event.exception else "stopped")

    made.sparkSession.streams.addListener(Watcher())
    return given


def tell(metrics: "Metrics", progress: Mapping[str, Any], counts: Mapping[str, int]) -> None:
    """Put into *metrics* what Spark says of one micro-batch."""
    metrics.state("running")
    for name in ("consumed", "predicted", "learned"):
        metrics.add(f"records_{name}_total", counts[name])
    refused = counts["consumed"] - counts["predicted"]
    metrics.add("records_dead_lettered_total", refused, reason=REFUSED)
    operators = [o for o in progress["stateOperators"] if o["operatorName"].startswith(OPERATOR)]
    keys = sum(o["numRowsTotal"] for o in operators)
    metrics.set("keys", keys, learner=metrics.learner)
    took = progress["durationMs"]
    begun = datetime.datetime.fromisoformat(progress["timestamp"]).timestamp()
    ended = begun + took.get("triggerExecution", 0) / 1000
    metrics.set("checkpoint_last_success_timestamp_seconds", ended)
    committed = sum(o["commitTimeMs"] for o in operators) / 1000
    metrics.set("checkpoint_duration_seconds", committed)
    if counts["consumed"]:
        seconds = took.get("addBatch", 0) / 1000
        metrics.observe("update_duration_seconds", seconds / counts["consumed"], counts["consumed"])
    for topic, partition, done, end in places(progress["sources"]):
        labels = {"topic": topic, "partition": partition}
        metrics.set("consumer_position_offset", done, **labels)
        metrics.set("consumer_lag_records", max(end - done, 0), **labels)


def places(sources: list[Mapping[str, Any]]) -> Iterator[tuple[str, str, int, int]]:
    """Topic, partition, next offset and end of each partition of Kafka's that was read.

    >>> list(places([{"endOffset": {"t": {"0": 5}}, "latestOffset": {"t": {"0": 7}}}]))
    [('t', '0', 5, 7)]
    """
    for source in sources:
        ends, latest = source.get("endOffset"), source.get("latestOffset") or {}
        if not isinstance(ends, Mapping):
            continue
        for topic, partitions in ends.items():
            if isinstance(partitions, Mapping):
                for partition, done in partitions.items():
                    yield topic, partition, done, latest.get(topic, {}).get(partition, done)
