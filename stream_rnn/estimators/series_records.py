"""From records to the arrays a forecaster takes."""

from collections.abc import Sequence
from datetime import date
from typing import Any, TypeGuard

import numpy as np

from ..categories.columns import Columns
from ..errors import BadRecord, ConfigError
from ..features.calendar import Calendar
from ..features.missing import is_missing
from ..forecasting.series import POINTS, Prediction, bounds
from .regressor import number

LARGEST = 1e60  # squares of squares must stay finite
CALENDAR = Calendar("day", "week")


def with_calendar(x: dict, timestamp: str, index: int) -> dict:
    """*x* with times replaced by calendar columns; *x* itself if there are none."""
    times = [k for k, v in x.items() if k == timestamp or isinstance(v, date)]
    if not times:
        return x
    plain = {k: v for k, v in x.items() if k not in times}
    for name in times:
        try:
            row = {} if is_missing(x[name]) else CALENDAR(x[name])
        except (ValueError, TypeError, OverflowError) as error:
            raise BadRecord(f"{name}: {error}", index) from None
        plain.update({f"{name}.{column}": value for column, value in row.items()})
    return plain


def targets(ys: Any) -> np.ndarray:
    """Targets (T,) with NaN where missing; `BadRecord` where not a usable number."""
    if isinstance(ys, np.ndarray) and ys.ndim == 1 and ys.dtype == np.float64:
        found = np.ascontiguousarray(ys)
    else:
        found = np.array([number(y, t) for t, y in enumerate(ys)], np.float64)
    if np.abs(found).max(initial=0.0) <= LARGEST:  # not so with NaN or infinity either
        return found
    bad = np.flatnonzero(np.abs(found) > LARGEST)
    if len(bad):
        raise BadRecord(
            f"target: {found[bad[0]]!r} is beyond ±{LARGEST:g}; give it in larger units, "
            "or None if it is missing",
            int(bad[0]),
        )
    return found


def records(X: Any) -> Any:
    """X as an array or a list of dicts."""
    if X is None or isinstance(X, np.ndarray):
        return X
    if hasattr(X, "to_dict"):
        return X.to_dict("records")
    return list(X) if len(X) and isinstance(X[0], dict) else np.asarray(X, np.float64)


def known(x: dict) -> dict:
    """*x* without NaN."""
    return {name: value for name, value in x.items() if not is_missing(value)}


def checked_horizons(horizons: Any) -> tuple[int, ...]:
    """An int h as (1, …, h); a sequence in increasing order."""
    if isinstance(horizons, int):
        chosen = tuple(range(1, horizons + 1))
    else:
        chosen = tuple(sorted({int(h) for h in horizons}))
    if not chosen or chosen[0] < 1:
        raise ConfigError(f"horizons: {horizons!r}; give an integer ≥ 1, or several")
    return chosen


def checked_level(level: float) -> float:
    """*level* if it is a probability; raises `ConfigError`."""
    if not 0 < level < 1:
        raise ConfigError(f"level: {level!r}; give a probability between 0 and 1, such as 0.9")
    return level


def checked_levels(level: float | Sequence[float]) -> tuple[float, ...]:
    """One level or several as probabilities; 80 stands for 0.8.  Raises `ConfigError`.

    >>> checked_levels(0.9), checked_levels([50, 97.5])
    ((0.9,), (0.5, 0.975))
    """
    several = [level] if isinstance(level, int | float) else level
    levels = tuple(round(float(p) / 100, 10) if p > 1 else float(p) for p in several)
    for given, share in zip(several, levels):
        if not 0 < share < 1:
            raise ConfigError(
                f"level: {given!r}; give a probability such as 0.9, or percent such as 90"
            )
    if len(set(levels)) < len(levels) or not levels:
        raise ConfigError(f"level: {level!r}; give one or several different ones")
    return levels


def checked_lowest(lowest: float | None) -> None:
    """Raises `ConfigError` if *lowest* is neither None nor a finite number."""
    if lowest is not None and not (isinstance(lowest, int | float) and abs(lowest) <= LARGEST):
        raise ConfigError(f"lowest: {lowest!r}; give a number such as 0, or leave it out")


def not_below(lowest: float | None, values: np.ndarray) -> np.ndarray:
    """*values* (forecasts or bounds), *lowest* where they are below it; NaN stays."""
    return values if lowest is None else np.maximum(values, lowest)


def predictions(
    rows: np.ndarray,
    point: str,
    level: float | Sequence[float] | None,
    lowest: float | None = None,
) -> list[Any]:
    """The points of forecast *rows*, none below *lowest*; with *level* each as `Prediction`.

    With several levels its `lower` and `upper` are tuples, one for each.
    """
    points = not_below(lowest, rows[:, POINTS[point]]).tolist()
    if level is None:
        return points
    made = [not_below(lowest, np.array(bounds(rows, s))) for s in checked_levels(level)]
    if isinstance(level, int | float):
        ((lower, upper),) = made
        return [Prediction(*p) for p in zip(points, lower.tolist(), upper.tolist(), strict=True)]
    lowers = np.column_stack([lower for lower, _ in made]).tolist()
    uppers = np.column_stack([upper for _, upper in made]).tolist()
    return [
        Prediction(p, tuple(low), tuple(high))  # type: ignore[arg-type]
        for p, low, high in zip(points, lowers, uppers, strict=True)
    ]


def nothing_known(steps: int, level: float | Sequence[float] | None) -> list[Any]:
    """The forecasts before the first record: 0, without bounds."""
    if level is None:
        return [0.0] * steps
    if isinstance(level, int | float):
        checked_levels(level)
        return [Prediction(0.0, -np.inf, np.inf)] * steps
    many = len(checked_levels(level))
    none: Any = Prediction(0.0, (-np.inf,) * many, (np.inf,) * many)  # type: ignore[arg-type]
    return [none] * steps


def encode_array(index: Columns, X: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """Rows of an array whose columns are the features 0, 1, …; NaN is missing."""
    X = np.asarray(X, np.float64)
    if X.ndim != 2 or np.isinf(X).any():
        raise BadRecord("X is not an array (T, m) of finite numbers (NaN where missing)")
    m = X.shape[1]
    if index.names != tuple(range(m)):
        if len(index):
            return index.encode([known(dict(enumerate(row))) for row in X.tolist()])
        index.encode([dict.fromkeys(range(m), 0.0)])
    return X, [m] * len(X)


def columns(
    rows: np.ndarray, point: str, level: float, lowest: float | None = None
) -> tuple[list, list, list]:
    """Point, lower and upper of forecast rows, none below *lowest*; None where there is none."""
    three = not_below(lowest, np.array([rows[:, POINTS[point]], *bounds(rows, level)]))
    made, lower, upper = ([None if v != v else v for v in c.tolist()] for c in three)
    return made, lower, upper


def joined(outs: list[list[np.ndarray]]) -> list[np.ndarray]:
    """The parts of each horizon end to end."""
    return [np.concatenate(parts) for parts in zip(*outs, strict=True)]


def usable(y: Any) -> TypeGuard[float]:
    """Whether *y* can be learned as it is."""
    return type(y) is float and (-LARGEST <= y <= LARGEST or y != y)


def results(
    made: tuple[list, list, list], after: Sequence[tuple[list, list, list]], count: int
) -> list[dict[str, Any]]:
    """Rows of `stream`: what was *made* for each of *count* records, and *after* it by horizon."""
    return [
        {
            "prediction": made[0][t],
            "prediction_lower": made[1][t],
            "prediction_upper": made[2][t],
            "forecast": [point[t] for point, _, _ in after],
            "lower": [lower[t] for _, lower, _ in after],
            "upper": [upper[t] for _, _, upper in after],
        }
        for t in range(count)
    ]
