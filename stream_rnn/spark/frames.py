"""`learn`: from a DataFrame of records to a DataFrame of predictions, a model for each key."""

import datetime
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError, suggest
from ..estimators.keyed.estimator import Keyed
from .columns import columns
from .ending import end_when_all_is_read
from .processor import BLOB, GROUP, GROUPS, Historian, Learner, Plan

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

BUCKET = "bucket"  # whose task learns, where keys share a network
PROVIDER = "spark.sql.streaming.stateStore.providerClass"
ROCKSDB = "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider"
CHANGELOG = "spark.sql.streaming.stateStore.rocksdb.changelogCheckpointing.enabled"

#: Types of which equal values are not always the same: -0.0 and 0.0, two times NaN.
NO_KEYS = ("double", "float", "array", "map", "struct")

Names = str | Sequence[str]


def learn(
    df: "DataFrame",
    estimator: Any,
    *,
    order: Names,
    key: Names | None = None,
    target: Names | None = None,
    features: Sequence[str] | None = None,
    keep: Sequence[str] = (),
    ttl: datetime.timedelta | None = None,
    buckets: int = 1,
    initial: "DataFrame | None" = None,
) -> "DataFrame":
    """A row for each record of *df*: key, order, what is kept, prediction, error.

    Each record is predicted before it is learned, by the model of its key.  A record that
    cannot be learned becomes a row whose ``error`` says why; the others know nothing of it.
    The columns are those of the estimator's result (docs/rows.md).  Of a frame that ends, all
    models begin anew; see `learn_history` for going on from it.

    Parameters
    ----------
    estimator
        Not yet trained; every key gets one with its settings.  A `Keyed` says the key itself;
        with ``share="weights"`` one task learns one network for all keys, or with *buckets*
        each bucket of keys, by hash, one of its own: independent models, not one.
    order
        The columns by which the records of a key follow each other, such as
        ``["partition", "offset"]``; Spark promises no order inside a micro-batch.
    target
        A column, several for an estimator of several targets, or None.
    features
        By default all other columns.  The entries of a map are features of their own, which
        may appear at any time.
    ttl
        After how much silence, by the clock, the model of a key is forgotten.
    initial
        States to begin with, see `states` and `learn_history`.

    Sets the session's state store to RocksDB, which Spark wants for this, with a log of changes.
    Raises `ConfigError` for columns that are not there.
    """
    df, estimator, plan = planned(df, estimator, order, key, target, features, keep, buckets)
    if ttl is not None:
        if ttl <= datetime.timedelta(0):
            raise ConfigError(f"ttl: {ttl}; give more than no time, or None to keep all models")
        plan = plan._replace(ttl=ttl)
        if df.isStreaming:
            end_when_all_is_read(df.sparkSession)
    use_rocksdb(df.sparkSession)
    return _grouped(df, plan).transformWithState(
        Learner(estimator, plan),  # type: ignore[arg-type]
        _schema(df, plan),
        "Append",
        "None" if ttl is None else "ProcessingTime",
        initialState=None if initial is None else _initial(initial, plan),
    )


def learn_history(
    df: "DataFrame",
    estimator: Any,
    *,
    order: Names,
    key: Names | None = None,
    target: Names | None = None,
    features: Sequence[str] | None = None,
    buckets: int = 1,
) -> "DataFrame":
    """The state of each key after all records of a frame that ends: key, ``blob``.

    Give it to `learn` as *initial*, and the stream goes on where the history ends.
    """
    if df.isStreaming:
        raise ConfigError("df: it is a stream, which has no end; give a frame that ends")
    df, estimator, plan = planned(df, estimator, order, key, target, features, (), buckets)
    types = ", ".join(f"`{name}` {_type(df, name)}" for name in plan.key)
    learner = Historian(estimator, plan)
    return df.groupBy(*plan.key).applyInArrow(
        lambda key, table: learner(key, table), f"{types}, {BLOB} binary"
    )


def planned(
    df: "DataFrame",
    estimator: Any,
    order: Names,
    key: Names | None,
    target: Names | None,
    features: Sequence[str] | None,
    keep: Sequence[str],
    buckets: int,
) -> tuple["DataFrame", Any, Plan]:
    """The columns that are needed, whose estimator each key gets, and which column is what."""
    inner: tuple[str, ...] = ()  # the key, where the estimator itself wants it
    if isinstance(estimator, Keyed):
        if key is not None and _names(key) != (estimator.key,):
            raise ConfigError(f"key: {key!r}, but the Keyed has {estimator.key!r}; leave it out")
        if estimator.share == "nothing":
            estimator, key = estimator.estimator, estimator.key
        else:
            _check_names(df, (estimator.key,), "estimator.key")
            df, key, inner = _in_buckets(df, estimator.key, buckets), BUCKET, (estimator.key,)
    elif buckets != 1:
        raise ConfigError("buckets: only keys that share weights lie in buckets; leave it out")
    if key is None:
        raise ConfigError("key: is missing; name the column that says whose a record is")
    keys, orders = _names(key), _names(order)
    if not orders:
        raise ConfigError("order: is empty; name the columns by which records follow each other")
    goal = target if target is None or isinstance(target, str) else tuple(target)
    goals = () if goal is None else _names(goal)
    kept = tuple(dict.fromkeys([*inner, *orders, *keep]))
    kept = tuple(name for name in kept if name not in keys)
    taken = {*keys, *goals, *kept} - {*inner}
    given = tuple(n for n in df.columns if n not in taken) if features is None else tuple(features)
    wanted = tuple(dict.fromkeys([*inner, *given]))
    for field, names in {
        "key": keys, "target": goals, "order": orders, "keep": tuple(keep), "features": given,
    }.items():  # fmt: skip
        _check_names(df, names, field)
    maps = tuple(n for n in wanted if _type(df, n).startswith("map<"))
    outputs = columns(estimator, "double" if not goals else _type(df, goals[0]))
    _check_key(df, keys)
    for name in (*(column.name for column in outputs), "error"):
        if name in (*keys, *kept):
            raise ConfigError(f"{name}: the result has a column of that name; rename the record's")
    plan = Plan(
        keys, goal, orders, tuple(n for n in wanted if n not in maps), maps, kept, outputs,
        _struct(df, keys),
    )  # fmt: skip
    return df.select(*dict.fromkeys([*keys, *kept, *wanted, *goals])), estimator, plan


def use_rocksdb(spark: Any) -> None:
    """Let the session keep states in RocksDB, the one store that `transformWithState` takes.

    Its coordinator begins with the manager of streams, which a frame that ends would not start.
    """
    assert spark.streams is not None
    if spark.conf.get(PROVIDER, "").rpartition(".")[2] != ROCKSDB.rpartition(".")[2]:
        spark.conf.set(PROVIDER, ROCKSDB)
        spark.conf.set(CHANGELOG, "true")


def _in_buckets(df: "DataFrame", key: str, buckets: int) -> "DataFrame":
    """*df* with a number in ``bucket``; one for all, unless there are several by hash."""
    import pyspark.sql.functions as F

    if buckets < 1:
        raise ConfigError(f"buckets: {buckets}; give 1 or more")
    if BUCKET in df.columns:
        raise ConfigError(f"{BUCKET}: the result has a column of that name; rename the record's")
    number = F.lit(0) if buckets == 1 else F.pmod(F.xxhash64(key), F.lit(buckets)).cast("int")
    return df.withColumn(BUCKET, number)


def _schema(df: "DataFrame", plan: Plan) -> str:
    own = [(name, _type(df, name)) for name in (*plan.key, *plan.keep)]
    made = [(column.name, column.type) for column in plan.outputs]
    return ", ".join(f"`{name}` {kind}" for name, kind in [*own, *made, ("error", "string")])


def _initial(initial: "DataFrame", plan: Plan) -> Any:
    _check_names(initial, (*plan.key, BLOB), "initial")
    return _grouped(initial.select(*plan.key, BLOB), plan)


def _grouped(df: "DataFrame", plan: Plan) -> Any:
    """*df* in the groups that a `Learner` takes: many keys in each."""
    import pyspark.sql.functions as F

    number = F.pmod(F.xxhash64(*plan.key), F.lit(GROUPS)).cast("int")
    return df.withColumn(GROUP, number).groupBy(GROUP)


def _type(df: "DataFrame", name: str) -> str:
    return df.schema[name].dataType.simpleString()


def _struct(df: "DataFrame", names: Sequence[str]) -> Any:
    from pyspark.sql.types import StructType

    return StructType([df.schema[name] for name in names])


def _check_key(df: "DataFrame", names: Sequence[str]) -> None:
    for name in names:
        kind = _type(df, name)
        if kind.startswith(NO_KEYS):
            raise ConfigError(f"key: {name!r} is of type {kind}; cast it to text or whole numbers")


def _names(given: Names) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


def _check_names(df: "DataFrame", names: Sequence[str], field: str) -> None:
    for name in names:
        if name not in df.columns:
            raise ConfigError(f"{field}: no column {name!r}; {suggest(name, df.columns)}")
