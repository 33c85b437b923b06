"""How an estimator shows itself: what was set, and how much it has learned."""

import inspect
from collections.abc import Iterable
from html import escape
from typing import Any

UNITS = (
    ("symbols", "symbols learned"),
    ("loss_observations", "records learned"),
    ("learned", "records learned"),
)
STYLE = "text-align:left;vertical-align:top;padding:.1em .8em .1em 0"


def text_of(model: Any) -> str:
    """The settings that are not the defaults, and how much was learned.

    >>> from stream_rnn import RecurrentForecaster
    >>> model = RecurrentForecaster(horizons=3)
    >>> model
    RecurrentForecaster(horizons=3): nothing learned yet
    """
    return f"{call_of(model)}: {progress(model)}"


def call_of(model: Any) -> str:
    """The call that makes such a model."""
    given = ", ".join(f"{name}={_spec(value)}" for name, value in settings(model, changed=True))
    return f"{type(model).__name__}({given})"


def html_of(model: Any) -> str:
    """All settings and how much was learned, as a table."""
    rows = [(name, _spec(value)) for name, value in settings(model)]
    title = f"<b>{escape(type(model).__name__)}</b>: {escape(progress(model))}"
    return f"<div>{title}{table(rows)}</div>"


def table(rows: Iterable[tuple[str, str]]) -> str:
    """Names and values as an HTML table."""
    lines = (
        f'<tr><th style="{STYLE}">{escape(name)}</th><td style="{STYLE}">{escape(value)}</td></tr>'
        for name, value in rows
    )
    return f"<table>{''.join(lines)}</table>"


def settings(model: Any, changed: bool = False) -> list[tuple[str, Any]]:
    """What *model* was made with; with *changed* what is not the default."""
    found = []
    for name, parameter in inspect.signature(type(model).__init__).parameters.items():
        if name == "self" or not hasattr(model, name):
            continue
        value = getattr(model, name)
        default = parameter.default
        if isinstance(default, type) and not isinstance(value, type):
            default = default()  # a spec given as its class
        if not changed or not _same(value, default):
            found.append((name, value))
    return found


def progress(model: Any) -> str:
    """How much was learned, in words."""
    try:
        metrics = model.health()
    except (AttributeError, TypeError):  # it is being made
        metrics = {}
    said = [f"{metrics['keys']:,.0f} keys"] if metrics.get("keys") else []
    if said and getattr(model, "share", "nothing") == "nothing":
        return said[0]  # the counts of a model for each key begin anew when they are loaded
    for name, words in UNITS:
        if metrics.get(name):
            said.append(f"{metrics[name]:,.0f} {words}")
            break
    features = getattr(getattr(model, "_features", None), "names", ())
    if features:
        said.append(f"{len(features):,} feature{'s' * (len(features) > 1)}")
    return ", ".join(said) or "nothing learned yet"


def _same(value: Any, default: Any) -> bool:
    try:
        return type(value) is type(default) and bool(value == default)
    except (TypeError, ValueError):
        return False


def _spec(value: Any) -> str:
    """A spec without the fields that have their defaults.

    >>> from stream_rnn import LSTM, Adam, Clip
    >>> _spec(LSTM(8)), _spec((Clip(2.0), Adam()))
    ('LSTM(8)', '(Clip(2.0), Adam())')
    """
    if isinstance(value, tuple) and type(value) is not tuple and hasattr(value, "_fields"):
        defaults = type(value)._field_defaults  # type: ignore[attr-defined]
        if type(value).__repr__ is not tuple.__repr__ and not defaults:
            return repr(value)
        given, skipped = [], False
        for name, field in zip(value._fields, value, strict=True):
            if name in defaults and _same(field, defaults[name]):
                skipped = True
                continue
            shown = _spec(field)
            given.append(f"{name}={shown}" if skipped else shown)
        return f"{type(value).__name__}({', '.join(given)})"
    if hasattr(value, "learned") and hasattr(value, "snapshot"):
        return call_of(value)  # an estimator inside another
    if type(value) is tuple:
        return f"({', '.join(map(_spec, value))}{',' * (len(value) == 1)})"
    return repr(value)
