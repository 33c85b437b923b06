"""States out of Spark and into it: models by key, and checkpoints that everything else reads."""

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..errors import ConfigError
from ..estimators.keyed.estimator import Keyed
from ..estimators.packing import Packer
from ..estimators.saving import load
from .frames import BUCKET, use_rocksdb
from .processor import BLOB, STATE
from .seven import from_text

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


def models(spark: "SparkSession", checkpoint: str | os.PathLike, estimator: Any) -> dict[Any, Any]:
    """The models by key, as they were after the last micro-batch of a *checkpoint* location.

    A key of several columns is a tuple.  *estimator* has the settings of the query's; raises
    `CheckpointError` if it has others.
    """
    packer = Packer(_each(estimator))
    use_rocksdb(spark)  # a session that has run no query yet could not read
    found = spark.read.format("statestore").option("stateVarName", STATE).load(str(checkpoint))
    return {
        _single(row["user_map_key"]): packer.load(_blob(row["user_map_value"]))
        for row in found.select("user_map_key", "user_map_value").toLocalIterator()
    }


def save_models(
    spark: "SparkSession",
    checkpoint: str | os.PathLike,
    estimator: Any,
    path: str | os.PathLike,
    key: str | None = None,
) -> None:
    """Write the models of a query to a file that `stream_rnn.load` and the command line read.

    It holds a `Keyed` whose keys share nothing, *key* being the field that says whose a record
    is; or, where the query's own estimator is a `Keyed`, that one.
    """
    found = models(spark, checkpoint, estimator)
    if _shares_weights(estimator):
        if len(found) != 1:
            raise ConfigError(f"checkpoint: it holds {len(found)} networks; save each of `models`")
        next(iter(found.values())).save(path)
        return
    name = estimator.key if isinstance(estimator, Keyed) else key
    if name is None:
        raise ConfigError("key: is missing; name the field that says whose a record is")
    keyed = Keyed(_each(estimator), name, share="nothing")
    for owner, model in found.items():
        keyed.contexts.change(owner).state = model
    keyed.save(path)


def states(
    spark: "SparkSession", source: Mapping[Any, Any] | str | os.PathLike, key: str
) -> "DataFrame":
    """States for `learn` to begin with, in columns *key* and ``blob``.

    *source* is what `models` gives, or a file or checkpoint folder of a `Keyed` whose keys share
    nothing, of a service too; of one with shared weights it is all in one bucket.
    """
    key = BUCKET if _shares_weights(source := _opened(source)) else key
    template: Any = None
    rows = []
    for owner, model in _models_of(source):
        if template is None:
            template = Packer(model.clone())
        rows.append((owner, bytearray(template.dump(model))))  # now: the next may take its place
    if not rows:
        raise ConfigError("source: it holds no model")
    kind = {int: "bigint", bytes: "binary"}.get(type(rows[0][0]), "string")
    kind = "int" if key == BUCKET else kind
    return spark.createDataFrame(rows, f"`{key}` {kind}, {BLOB} binary")


def _opened(source: Mapping[Any, Any] | str | os.PathLike) -> Any:
    found = source if isinstance(source, Mapping) else load(source)
    if not isinstance(found, Mapping | Keyed):
        raise ConfigError(f"source: it holds a {type(found).__name__}, which has no keys")
    return found


def _shares_weights(source: Any) -> bool:
    return isinstance(source, Keyed) and source.share == "weights"


def _models_of(source: Any) -> Iterator[tuple[Any, Any]]:
    """Each key with its model, which the next one's may overwrite."""
    if isinstance(source, Mapping):
        yield from source.items()
    elif _shares_weights(source):
        yield 0, source
    else:
        for owner in source.contexts:
            entry = source.contexts.find(owner)
            if entry is not None and entry.state is not None:
                yield owner, entry.state


def _each(estimator: Any) -> Any:
    """What each key has."""
    nothing = isinstance(estimator, Keyed) and estimator.share == "nothing"
    return estimator.estimator if nothing else estimator


def _blob(value: Any) -> bytes:
    """The packed state; where keys are forgotten, Spark keeps it beside a time."""
    return from_text((value if BLOB in value else value["value"])[BLOB])


def _single(key: Any) -> Any:
    values = tuple(key)
    return values[0] if len(values) == 1 else values
