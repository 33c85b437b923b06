"""From what the pipeline's thread wrote down to what the page and ``stream-rnn top`` draw."""

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from ..metrics import FAMILIES
from ..rows import kind_of
from .board import Frame
from .site import Site

Column = list[Any]
_ENCODER = msgspec.json.Encoder(enc_hook=str)


def event(site: Site, part: str | None = None) -> bytes:
    """Everything that is shown of the learner of *part*, as JSON; by default of the first."""
    site.board.look()
    frames = site.board.frames
    chosen = part if part in frames else min(frames, default="")
    return _ENCODER.encode(
        {
            "time": time.time(),
            "started": site.board.started_at,
            "name": site.metrics.learner,
            "state": site.ready.name,
            "reasons": site.ready.reasons(),
            "part": chosen,
            "parts": [_line(name, frame) for name, frame in sorted(frames.items())],
            "model": _model(site),
            "learner": _learner(frames[chosen]) if chosen in frames else None,
        }
    )


def _model(site: Site) -> dict[str, str]:
    """The words of ``model_info``, of one learner for all."""
    names = FAMILIES["model_info"].labels
    for name, labels in list(site.metrics.values):
        if name == "model_info":
            return dict(zip(names, labels, strict=True))
    return {}


def _line(part: str, frame: Frame) -> dict[str, Any]:
    """A partition in the table of partitions."""
    last = frame["history"][-1] if frame["history"] else {}
    lags = [value for name, _, value in frame["lag"] if "lag" in name]
    return {
        "part": part,
        "consumed": frame["totals"]["consumed"],
        "refused": frame["totals"]["refused"],
        "rate": last.get("rate"),
        "error": last.get("rolling_mae"),
        "lag": sum(lags) if lags else None,
    }


def _learner(frame: Frame) -> dict[str, Any]:
    rows = [row for _, row in frame["rows"]]
    return {
        "counts": frame["counts"],
        "totals": frame["totals"],
        "kind": kind_of(rows[-1] if rows else {}),
        "points": _points(frame["rows"]),
        "history": _columns(frame["history"]),
        "marks": frame["marks"],
        "worst": [_surprise(surprise) for surprise in frame["worst"]],
        "anomalies": [_surprise(surprise) for surprise in reversed(frame["anomalies"])],
        "classes": frame["classes"],
        "keys": [[_word(key), error, count] for key, error, count in frame["keys"]],
        "top": rows[-1]["top"] if rows and "top" in rows[-1] else [],
        **frame["insight"],
    }


def _points(rows: Sequence[tuple[int, Mapping[str, Any]]]) -> dict[str, Any]:
    """The columns of the picture of truth and prediction, None where there is no number."""
    results = [row for _, row in rows]
    last = results[-1] if results else {}
    columns: dict[str, Column] = {"number": [number for number, _ in rows]}
    kind = kind_of(last)
    if kind == "anomalies":
        columns["score"] = [_number(row.get("score")) for row in results]
    elif kind == "text":
        columns["bits"] = [_number(row.get("bits_per_symbol")) for row in results]
    elif kind == "classes":
        columns["surprise"] = [_class_surprise(row) for row in results]
    else:
        name = _first_target(last)
        for column, field in FIELDS.items():
            values = [_picked(row.get(field), name) for row in results]
            if any(value is not None for value in values):
                columns[column] = values
        return {"name": str(name), **columns}
    return columns


FIELDS = {
    "truth": "target",
    "prediction": "prediction",
    "lower": "prediction_lower",
    "upper": "prediction_upper",
}


def _picked(value: Any, name: Any) -> float | None:
    """A number; of several targets that of *name*."""
    return _number(value.get(name) if isinstance(value, dict) else value)


def _first_target(row: Mapping[str, Any]) -> Any:
    """The name of the one that is drawn, of several; else nothing."""
    several = row.get("target") or row.get("prediction")
    return next(iter(several), "") if isinstance(several, dict) else ""


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and abs(value) < float("inf") else None


def _class_surprise(row: Mapping[str, Any]) -> float | None:
    """1 − the probability that the true class had."""
    truth, shares = row.get("target"), row["probabilities"]
    return 1.0 - shares.get(truth, 0.0) if truth is not None and shares else None


def _columns(points: Iterable[Mapping[str, float]]) -> dict[str, Column]:
    points = list(points)
    names = dict.fromkeys(name for point in points for name in point)
    return {name: [point.get(name) for point in points] for name in names}


def _surprise(surprise: Any) -> dict[str, Any]:
    row = surprise.row
    return {
        "time": surprise.time,
        "number": surprise.number,
        "size": surprise.size,
        "key": None if surprise.key is None else _word(surprise.key),
        "truth": _word(row.get("target", row.get("field", ""))),
        "prediction": _word(
            row.get("prediction", row.get("score", row.get("bits_per_symbol", "")))
        ),
        "reason": _word(row.get("reason") or "", 200),
    }


def _first(row: Mapping[str, Any], *fields: str) -> Any:
    return next((row[field] for field in fields if field in row), "")


def _word(value: Any, most: int = 60) -> str:
    """A value in a table, not too long."""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, dict):
        text = ", ".join(f"{name} {_word(inner)}" for name, inner in value.items())
    elif isinstance(value, tuple):
        text = " · ".join(map(_word, value))
    else:
        text = str(value)
    return text if len(text) <= most else text[: most - 1] + "…"
