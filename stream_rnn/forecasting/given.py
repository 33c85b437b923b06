"""A forecast that arrives in a field of each record, as a spec."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from connectors.lines.numbers import Numbers

from ..errors import BadRecord, ConfigError
from ..features.missing import is_missing

PLAIN = Numbers()


class Given(NamedTuple):
    """A forecast made elsewhere, in the field *name* of the record, which is then no feature.

    It is one of this record's target, made before that was known.  As an expert of a forecaster
    it is weighed beside all the others together, see `outside`; where it is missing, they
    forecast as if there were none.  Several series have a field each, ``name.series``, or one
    field with an object by series.

    As a member of a mixture it may be of a class: the field holds one, or probabilities by class.
    A missing one counts as the mean of the targets, or as no preference.

    >>> import math
    >>> from stream_rnn import Given, RecurrentForecaster
    >>> model = RecurrentForecaster(experts=(Given("vendor"),))
    >>> for t in range(80):  # what the vendor tells is 1 too much
    ...     model.learn_one(math.sin(t * t), {"vendor": math.sin(t * t) + 1})
    >>> round(model.member_weights()["given_vendor"], 1)
    1.0
    >>> round(model.forecast(1, [{"vendor": 1.5}])[0], 1)
    0.5
    """

    name: str = "forecast"


def check(specs: Sequence[Any], place: str = "experts") -> None:
    """Raises `ConfigError` if a name is none, or stands twice."""
    names = fields(specs)
    for name in names:
        if not isinstance(name, str) or not name:
            raise ConfigError(f"{place}: Given({name!r}); give the name of a field")
        if names.count(name) > 1:
            raise ConfigError(f"{place}: Given({name!r}) is there twice; give it once")


def fields(specs: Sequence[Any]) -> tuple[str, ...]:
    """The fields of a record that hold forecasts.

    >>> fields(["last", Given("vendor")])
    ('vendor',)
    """
    return tuple(spec.name for spec in specs if isinstance(spec, Given))


def others(specs: Sequence[Any]) -> tuple[Any, ...]:
    """The specs of what forecasts itself."""
    return tuple(spec for spec in specs if not isinstance(spec, Given))


def holds(field: Any, names: Sequence[str]) -> bool:
    """Whether the *field* of a record of several series holds a forecast.

    >>> [holds(field, ["vendor"]) for field in ("vendor", "vendor.load", "vendors")]
    [True, True, False]
    """
    return isinstance(field, str) and any(
        field == name or field.startswith(f"{name}.") for name in names
    )


def number(x: Mapping[Any, Any], name: str, index: int = 0, series: str | None = None) -> float:
    """The forecast in the field *name* of record *index*, NaN where it is missing.

    Where there are several series it is of one: in an object, or in a field ``name.series``.
    Raises `BadRecord` for what is no finite number.
    """
    value = x.get(name)
    if series is not None:
        of = value if isinstance(value, Mapping) else x
        name = f"{name}.{series}"
        value = {str(key): one for key, one in of.items()}.get(series if of is value else name)
    if is_missing(value):
        return np.nan
    try:
        made = PLAIN.read(value) if isinstance(value, str) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        made = None
    if made is None or not np.isfinite(made):
        raise BadRecord(
            f"forecast {name!r}: {value!r} is not a finite number; None if it is missing", index
        )
    return float(made)


def rows(xs: Any, names: Sequence[str], count: int, series: str | None = None) -> np.ndarray:
    """The forecasts (count, G) in the fields *names* of records *xs*, NaN where missing.

    They are of the *series*, where there are several.
    *xs* may be None; an array has no names, and raises `BadRecord` where some are asked for.
    """
    found = np.full((count, len(names)), np.nan)
    if xs is None or not names:
        return found
    if isinstance(xs, np.ndarray):
        raise BadRecord(f"X has no field {names[0]!r}; give a DataFrame, or a dict for each record")
    for t, x in enumerate(xs):
        for g, name in enumerate(names):
            found[t, g] = number(x, name, t, series)
    return found
