"""What runs in Spark's Python workers: rows of one micro-batch, put in order and learned by key.

Spark calls an operator once for each group and makes an Arrow table of what it gives, which costs
more than to learn a record.  So a group is not a key but a `GROUPS`th of all keys, by hash, and its
state is a map from the key to one column, what a `Packer` writes as text (`seven` says why): of the
map Spark stores each entry by itself.  `getValue` alone says whether there is one; to ask first
would be one more round trip to the JVM.
"""

import datetime
import decimal
import pickle
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from ..errors import BadRecord
from ..estimators.packing import Packer, digest
from ..estimators.protocol import bad_records
from .columns import Column
from .seven import from_text, to_text

STATE, BLOB = "model", "blob"
GROUP = "_group"  # the column by which Spark groups
GROUPS = 256  # and so many tasks at most; of any number, but for ever

#: Of this worker, by the digest of the settings: they outlive a task, as processors do not.
_PACKERS: dict[bytes, Packer] = {}


class Plan(NamedTuple):
    """Which column is what."""

    key: tuple[str, ...]
    target: str | tuple[str, ...] | None
    order: tuple[str, ...]
    features: tuple[str, ...]
    spread: tuple[str, ...]  # features that are maps, each entry a feature
    keep: tuple[str, ...]
    outputs: tuple[Column, ...]
    owner: Any  # the key's type, a StructType
    ttl: datetime.timedelta | None = None


class Answer(dict):
    """A row for Spark, which asks a row for nothing but this; a `Row` is made thrice as slowly."""

    def asDict(self, recursive: bool = False) -> dict[str, Any]:
        return self


class Learner:
    """A stateful processor of Spark: predicts each row, then learns it.

    It has the methods of `pyspark.sql.streaming.StatefulProcessor`, which Spark calls by name.
    """

    def __init__(self, estimator: Any, plan: Plan):
        self.estimator, self.plan = estimator, plan

    def __getstate__(self) -> dict[str, Any]:
        """Compressed: beyond a megabyte Spark makes a broadcast of it, and its driver's worker
        for stateful processors cannot read one.  A new state is nearly all zeros.
        """
        from pyspark import cloudpickle

        return {"plan": self.plan, "estimator": zlib.compress(cloudpickle.dumps(self.estimator), 1)}

    def __setstate__(self, kept: dict[str, Any]) -> None:
        self.plan = kept["plan"]
        self.estimator = pickle.loads(zlib.decompress(kept["estimator"]))

    def init(self, handle: Any) -> None:
        ttl = self.plan.ttl
        self.states = handle.getMapState(
            STATE,
            self.plan.owner,
            state_type(),
            None if ttl is None else int(ttl.total_seconds() * 1000),
        )
        self.packer = packer(self.estimator)

    def handleInputRows(self, group: tuple, rows: Iterable[Any], times: Any) -> Iterator[Answer]:
        made: list[Answer] = []
        for key, own in by_key(rows, self.plan.key).items():
            made += self._learned(key, _ordered(own, self.plan.order))
        return iter(made)

    def _learned(self, key: tuple, rows: list[Any]) -> list[Answer]:
        """What is made of the *rows* of one key."""
        plan = self.plan
        if None in key:
            error = f"{', '.join(plan.key)}: the key is null; give each record one"
            return answers(plan, rows, [None] * len(rows), dict.fromkeys(range(len(rows)), error))
        xs, ys = records(rows, plan)
        blob = self.states.getValue(key)
        model = self.packer.new() if blob is None else self.packer.load(from_text(blob[0]))
        results, errors = learn_what_can_be(model, xs, ys)
        self.states.updateValue(key, (to_text(self.packer.dump(model)),))
        self.packer.release(model)
        return answers(plan, rows, results, errors)

    def handleInitialState(self, group: tuple, row: Any, times: Any) -> None:
        """A state that was learned before the stream began; a wrong one is refused here."""
        self.packer.release(self.packer.load(row[BLOB]))
        key = tuple(row[name] for name in self.plan.key)
        self.states.updateValue(key, (to_text(bytes(row[BLOB])),))

    def handleExpiredTimer(self, key: tuple, times: Any, info: Any) -> Iterator[Answer]:
        return iter(())

    def close(self) -> None:
        pass


class Historian(NamedTuple):
    """Learns all rows of a key, an Arrow table, and gives its state in one row; for `applyInArrow`.

    Not a stateful operator: Spark takes none for what an initial state is computed from.
    """

    estimator: Any
    plan: Plan

    def __call__(self, key: tuple, table: Any) -> Any:
        import pyarrow
        from pyspark.sql.types import Row

        values = [scalar.as_py() for scalar in key]
        names, states = self.plan.key, []
        if None not in values:
            make = Row(*table.column_names)
            columns = [column.to_pylist() for column in table.columns]
            rows = _ordered([make(*row) for row in zip(*columns, strict=True)], self.plan.order)
            own = packer(self.estimator)
            model = own.new()
            learn_what_can_be(model, *records(rows, self.plan))
            states = [own.dump(model)]
            own.release(model)
        owners = [
            pyarrow.array([value] * len(states), scalar.type)
            for value, scalar in zip(values, key, strict=True)
        ]
        return pyarrow.table([*owners, pyarrow.array(states, "binary")], names=[*names, BLOB])


def packer(estimator: Any) -> Packer:
    """This worker's packer for *estimator*."""
    identity = digest(estimator)
    if identity not in _PACKERS:
        _PACKERS[identity] = Packer(estimator)
    return _PACKERS[identity]


def state_type() -> Any:
    from pyspark.sql.types import StringType, StructField, StructType

    return StructType([StructField(BLOB, StringType())])


# From rows to records -------------------------------------------------------------------------


def by_key(rows: Iterable[Any], names: Sequence[str]) -> dict[tuple, list[Any]]:
    """*rows* by the values of the columns *names*."""
    found: dict[tuple, list[Any]] = {}
    places: list[int] = []
    for row in rows:
        places = places or [row.__fields__.index(name) for name in names]
        found.setdefault(tuple([row[at] for at in places]), []).append(row)
    return found


def _ordered(rows: list[Any], order: Sequence[str]) -> list[Any]:
    """*rows* sorted by the columns *order*, nulls first: Spark promises no order inside a key."""
    if len(rows) < 2:
        return rows
    places = [rows[0].__fields__.index(name) for name in order]
    return sorted(rows, key=lambda row: [(row[at] is not None, row[at]) for at in places])


def records(rows: Sequence[Any], plan: Plan) -> tuple[list[dict], list[Any]]:
    """Features and targets of *rows*."""
    if not rows:
        return [], []
    fields = rows[0].__fields__
    features = [(name, fields.index(name)) for name in plan.features]
    spread = [fields.index(name) for name in plan.spread]
    xs: list[dict[Any, Any]] = [
        {name: row[at] if type(row[at]) in PLAIN else plain(row[at]) for name, at in features}
        for row in rows
    ]
    for at in spread:
        for x, row in zip(xs, rows, strict=True):
            x.update((name, plain(value)) for name, value in dict(row[at] or ()).items())
    return xs, _targets(rows, fields, plan.target)


def _targets(
    rows: Sequence[Any], fields: Sequence[str], target: str | tuple[str, ...] | None
) -> list[Any]:
    if target is None:
        return [None] * len(rows)
    if isinstance(target, str):
        at = fields.index(target)
        return [plain(row[at]) for row in rows]
    places = [(name, fields.index(name)) for name in target]
    return [{name: plain(row[at]) for name, at in places} for row in rows]


PLAIN = frozenset((float, int, str, bool, type(None)))


def plain(value: Any) -> Any:
    """A value of a column as an estimator takes it.

    >>> plain(decimal.Decimal("1.5")), plain("a"), plain(bytearray(b"x"))
    (1.5, 'a', b'x')
    """
    if isinstance(value, decimal.Decimal):
        return float(value)
    return bytes(value) if isinstance(value, bytearray) else value


# Learning -------------------------------------------------------------------------------------


def learn_what_can_be(
    model: Any, xs: Sequence[dict], ys: Sequence[Any]
) -> tuple[list[dict | None], dict[int, str]]:
    """The result of each record that can be learned, and by its place what is wrong with another.

    >>> from stream_rnn import RecurrentRegressor
    >>> results, errors = learn_what_can_be(
    ...     RecurrentRegressor(), [{"x": 1.0}, {"x": float("inf")}], [1.0, 2.0])
    >>> results, list(errors)
    ([{'prediction': 0.0}, None], [1])
    """
    try:
        return list(model.stream(xs, ys)), {}
    except BadRecord:
        bad = {t: str(fault) for t, fault in bad_records(model, xs, ys).items()}
    todo = [t for t in range(len(xs)) if t not in bad]
    made: Sequence[dict] = ()
    while todo:
        try:
            made = model.stream([xs[t] for t in todo], [ys[t] for t in todo])
            break
        except BadRecord as fault:  # an estimator that cannot name all at once
            bad[todo.pop(fault.index)] = str(fault)
    results: list[dict | None] = [None] * len(xs)
    for t, result in zip(todo, made, strict=True):
        results[t] = result
    return results, bad


# From results to rows -------------------------------------------------------------------------


def answers(
    plan: Plan, rows: Sequence[Any], results: Sequence[dict | None], errors: dict[int, str]
) -> list[Answer]:
    """A row for each record: key, what is kept, the result's fields, the error."""
    fields = rows[0].__fields__
    kept = [(name, fields.index(name)) for name in (*plan.key, *plan.keep)]
    columns: list[tuple[str, Callable[[dict], Any]]] = [(c.name, c.read) for c in plan.outputs]
    made = []
    for t, (row, result) in enumerate(zip(rows, results, strict=True)):
        answer = Answer([(name, row[at]) for name, at in kept])
        if result is not None:
            for name, read in columns:
                answer[name] = read(result)
        answer["error"] = errors.get(t)
        made.append(answer)
    return made
