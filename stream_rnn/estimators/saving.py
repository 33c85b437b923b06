"""Any estimator as bytes or as a file, and back: settings, arrays and a checksum, no pickle.

The format is that of a service's checkpoints (`checkpoints.file`), with the estimator's table, as
a configuration would write it, beside its state.
"""

import inspect
import os
from collections.abc import Mapping
from typing import Any

from .. import plugins, specs
from ..checkpoints.file import Checkpoint, decode, encode
from ..checkpoints.folders import open_folder
from ..checkpoints.store import read_checkpoint
from ..errors import CheckpointError, ConfigError
from . import shown
from .described import check_finite
from .protocol import Snapshot, StreamEstimator

TABLE = "estimator"  # in the manifest of a file made here


def dumps(estimator: StreamEstimator) -> bytes:
    """All of *estimator*, settings and state; raises `ConfigError` if it is none of ours.

    >>> from stream_rnn import LSTM, RecurrentRegressor
    >>> model = RecurrentRegressor(LSTM(4), seed=1)
    >>> for t in range(50):
    ...     model.learn_one({"x": t % 2}, t % 2)
    >>> loads(dumps(model)).predict_one({"x": 1}) == model.predict_one({"x": 1})
    True
    """
    table = table_of(estimator)
    arrays, meta = estimator.snapshot()
    return encode({TABLE: table, "task": {"estimator": meta}}, arrays)


def loads(data: bytes) -> Any:
    """The estimator that `dumps` has packed; raises `CheckpointError` if a bit has changed.

    >>> from stream_rnn import GRU, RecurrentClassifier
    >>> loads(dumps(RecurrentClassifier(GRU(4)))).cell
    GRU(units=4, orthogonal=False)
    """
    return restored(decode(data, "the packed estimator"))


def save(estimator: StreamEstimator, path: str | os.PathLike) -> None:
    """Write *estimator* to a file, or to an fsspec URL, atomically."""
    folder, _, name = os.fspath(path).rpartition("/")
    open_folder(folder or ".").write(name, dumps(estimator))


def load(path: str | os.PathLike) -> Any:
    """The estimator in a file of `save`, or in the newest checkpoint of a service.

    *path* is a file, a checkpoint directory, or an fsspec URL of one.  A service's estimator takes
    the features that its pipeline made, lags and calendar among them.  Raises `CheckpointError`.

    >>> import tempfile
    >>> from stream_rnn import LSTM, RecurrentRegressor
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     RecurrentRegressor(LSTM(4), seed=7).save(f"{folder}/model")
    ...     load(f"{folder}/model").seed
    7
    """
    return restored(read_checkpoint(path))


def restored(checkpoint: Checkpoint) -> Any:
    """The estimator of a checkpoint, as it was."""
    manifest = checkpoint.manifest
    table = manifest.get(TABLE) or served(manifest)
    if table is None or "task" not in manifest:
        raise CheckpointError(
            f"{checkpoint.name} holds no estimator; give a file written by save(), or the "
            "checkpoint directory of a service"
        )
    try:
        estimator = made(table)
    except ConfigError as error:
        raise CheckpointError(f"{checkpoint.name}: {error}") from None
    arrays = {n: a for n, a in checkpoint.arrays.items() if not n.startswith("watch.")}
    check_finite(arrays)
    snapshot = Snapshot(arrays, manifest["task"]["estimator"])
    if checkpoint.contexts is not None:
        estimator.restore_shared(snapshot, checkpoint.contexts)
    else:
        estimator.restore(snapshot)
    return estimator


def served(manifest: dict[str, Any]) -> dict[str, Any] | None:
    """The table of a service's estimator, with its keys and its time if it has some."""
    identity = manifest.get("identity", {})
    table: dict[str, Any] | None = identity.get("estimator")
    if table is None:
        return None
    time = manifest.get("settings", {}).get("features.timestamp")
    kind = specs.estimator_class(table.get("type", "regressor"))
    if time is not None and "timestamp" in inspect.signature(kind).parameters:
        table = {"timestamp": time, **table}
    if identity.get("sequence") is not None:
        return {"type": "sequences", "estimator": table} | identity["sequence"]
    if identity.get("lookahead") is not None:
        table = {"type": "lookahead", "estimator": table, "k": identity["lookahead"]}
    if identity.get("key") is None:
        return table
    return {"type": "keyed", "estimator": table} | {n: identity[n] for n in ("key", "share")}


def made(table: dict[str, Any]) -> Any:
    """A new estimator of *table*, which may be around another one."""
    table = {"type": "regressor", **table}
    if table["type"] not in specs.WRAPPERS:
        return specs.estimator(table)
    settings = {name: value for name, value in table.items() if name != "type"}
    inner = made(settings.pop("estimator"))
    return specs.load(specs.WRAPPERS[table["type"]])(inner, **settings)


def table_of(estimator: Any) -> dict[str, Any]:
    """The table from which a configuration, or `made`, would make *estimator* anew."""
    known = list(inspect.signature(type(estimator).__init__).parameters)[1:]
    settings = {name: getattr(estimator, name) for name in known}
    for name, place in specs.WRAPPERS.items():
        if isinstance(estimator, specs.load(place)):
            return {"type": name, **settings, "estimator": table_of(settings["estimator"])}
    name = name_of(type(estimator))
    return {"type": name} | {n: specs.to_table(v) for n, v in settings.items() if v is not None}


def name_of(kind: type) -> str:
    """What a configuration calls a class of estimators; raises `ConfigError` for others."""
    for name, place in specs.ESTIMATORS.items():
        if place == f"{kind.__module__}:{kind.__qualname__}":
            return name
    for name, point in plugins.installed("estimator").items():
        if point.value == f"{kind.__module__}:{kind.__qualname__}":
            return name
    raise ConfigError(
        f"{kind.__name__} has no name in a configuration; only {', '.join(specs.estimators())} "
        "can be saved"
    )


class Savable:
    """An estimator that can be saved, and that says what it is and what it has learned."""

    def save(self, path: str | os.PathLike) -> None:
        """Write settings and state to a file, or an fsspec URL; `stream_rnn.load` reads it."""
        save(self, path)  # type: ignore[arg-type]

    def learned(self, x: Mapping[Any, Any] | None = None) -> Any:
        """What was found out: weights, season, sensitivities, sizes; see `stream_rnn.learned`."""
        from .learned import learned

        return learned(self, x)

    def __repr__(self) -> str:
        return shown.text_of(self)

    def _repr_html_(self) -> str:
        return shown.html_of(self)
