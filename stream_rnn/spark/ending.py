"""A query that forgets silent keys ends under ``availableNow``, as others do.

Spark makes a micro-batch for the clock's sake whenever an operator keeps time, so that such a
query would make empty batches for ever.  Whoever listens sees them, and stops the query.
"""

import logging
import weakref
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

log = logging.getLogger(__name__)
FORGETS = "numMapStateWithTTLVars"  # Spark's count of what `ttl` is given for, in an operator
WORD = "AvailableNow"  # in what Spark calls that trigger

#: Sessions that have a listener.
_HEARD: weakref.WeakSet = weakref.WeakSet()


def end_when_all_is_read(spark: "SparkSession") -> None:
    """Let queries of this session that keep time end under ``availableNow``."""
    from pyspark.sql.streaming import StreamingQueryListener

    class Ender(StreamingQueryListener):
        def onQueryStarted(self, event: Any) -> None:
            pass

        def onQueryProgress(self, event: Any) -> None:
            progress = event.progress
            if forgets(progress) and nothing_new(progress):
                stop(spark, progress.id)

        def onQueryIdle(self, event: Any) -> None:
            pass

        def onQueryTerminated(self, event: Any) -> None:
            pass

    if spark not in _HEARD:
        _HEARD.add(spark)
        spark.streams.addListener(Ender())


def forgets(progress: Any) -> bool:
    """Whether an operator of the query has states with a time to live."""
    return any(op.customMetrics.get(FORGETS, 0) > 0 for op in progress.stateOperators)


def nothing_new(progress: Any) -> bool:
    """Whether a micro-batch has read nothing from any source."""
    return all(source.startOffset == source.endOffset for source in progress.sources)


def stop(spark: Any, number: Any) -> None:
    """Stop the query, if its trigger is ``availableNow``."""
    query = spark.streams.get(str(number))
    if query is not None and WORD in query._jsq.streamingQuery().trigger().toString():
        log.info("query %s: all is read, and with availableNow it ends", query.name or number)
        query.stop()
