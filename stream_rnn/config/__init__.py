"""A pipeline's configuration: TOML in, checked tables out.

>>> config = parse('''
... source = {type = "file", path = "taxi.csv"}
... sink = {type = "stdout"}
... features.target = "riders"
... estimator = {type = "regressor", cell = {type = "LSTM", units = 8}}
... ''')
>>> config.source.path, config.features.target
('taxi.csv', 'riders')
>>> parse('source = {type = "file", pth = "taxi.csv"}')
Traceback (most recent call last):
...
stream_rnn.errors.ConfigError: source.pth: unknown field; did you mean 'path'?
"""

import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from ..errors import ConfigError
from ..keys.key import MESSAGE_KEY
from .deletions import check_deletions, forgets
from .foreign import with_foreign
from .labels import check as check_labels
from .labels import duration
from .messages import explain
from .schema import Config, FileSource, HttpSource, KafkaSink, KafkaSource, StdoutSink

VARIABLE = "STREAM_RNN__"  # how variables of the environment begin that set a field

__all__ = ["Config", "forgets", "from_table", "load", "parse"]


def load(path: str | os.PathLike, overrides: Sequence[str] = ()) -> Config:
    """The configuration in the file *path*; raises `ConfigError`.

    *overrides* are ``section.field=value`` with a TOML value, or a bare string.  Before them
    come those of the environment, see `from_environment`.
    """
    overrides = [*from_environment(os.environ), *overrides]
    try:
        text = Path(path).read_text(encoding="utf-8-sig")  # some editors write a mark before it
    except OSError as error:
        raise ConfigError(
            f"cannot read the configuration {os.fspath(path)!r}: {error.strerror or error}"
        ) from None
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{os.fspath(path)}: byte {error.start} is not UTF-8; save the file as UTF-8"
        ) from None
    try:
        return parse(text, overrides)
    except ConfigError as error:
        raise ConfigError(f"{os.fspath(path)}: {error}") from None


def from_environment(environment: Mapping[str, str]) -> list[str]:
    """Overrides from variables: ``STREAM_RNN__SOURCE__PATH`` is ``source.path``.

    >>> from_environment({"STREAM_RNN__SOURCE__PATH": "a.csv", "HOME": "/"})
    ['source.path=a.csv']
    """
    return [
        f"{name.removeprefix(VARIABLE).lower().replace('__', '.')}={value}"
        for name, value in sorted(environment.items())
        if name.startswith(VARIABLE)
    ]


def parse(text: str, overrides: Sequence[str] = ()) -> Config:
    """The configuration in *text*; raises `ConfigError`."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"not TOML: {error}") from None
    return from_table(table, overrides)


def from_table(table: dict[str, Any], overrides: Sequence[str] = ()) -> Config:
    """The configuration in *table*, as TOML would give it; raises `ConfigError`."""
    for override in overrides:
        _override(table, override)
    _refuse_variables(table)
    table = {n: t if n in _OF_FIELDS else _in_seconds(t, n) for n, t in table.items()}
    whole = with_foreign(table)
    try:
        config = msgspec.convert(table, whole)
    except msgspec.ValidationError as error:
        raise ConfigError(explain(error, table, whole)) from None
    _check(config)
    return config


#: Tables whose names may be those of a record's fields, or another program's.
_OF_FIELDS = ("features", "estimator", "drift", "client_settings")


def _in_seconds(value: Any, place: str) -> Any:
    """*value* with every "30s" of a field called ``…_seconds`` as a number."""
    if isinstance(value, dict):
        return {
            n: v if n in _OF_FIELDS else _in_seconds(v, f"{place}.{n}") for n, v in value.items()
        }
    if isinstance(value, str) and place.endswith("_seconds"):
        return duration(value, place)
    return value


def _refuse_variables(value: Any, place: str = "") -> None:
    """Raise `ConfigError` for a text that waits for somebody to put a variable into it."""
    if isinstance(value, dict):
        for name, inner in value.items():
            _refuse_variables(inner, f"{place}.{name}" if place else str(name))
    elif isinstance(value, list):
        for inner in value:
            _refuse_variables(inner, place)
    elif isinstance(value, str) and (found := re.search(r"\$\{\w+\}", value)):
        variable = VARIABLE + place.upper().replace(".", "__")
        raise ConfigError(
            f"{place} holds {found[0]} as it stands: variables are not filled in; write the value, "
            f"or set the environment variable {variable} to it"
        )


def _override(table: dict[str, Any], text: str) -> None:
    name, equals, value = text.partition("=")
    steps = name.strip().split(".")
    if not equals or not all(steps):
        raise ConfigError(f"override {_named(text)!r}: write it as section.field=value")
    for step in steps[:-1]:
        table = table.setdefault(step, {})
        if not isinstance(table, dict):
            raise ConfigError(f"override {_named(text)!r}: {step} is a value, not a table")
    try:
        table[steps[-1]] = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        table[steps[-1]] = value.strip()  # a bare string


def _named(text: str) -> str:
    """The field that an override names: its value may be a secret."""
    return re.split(r"[=:\s]", text.strip(), maxsplit=1)[0]


def _check(config: Config) -> None:
    """What a field's type cannot say."""
    features = config.features
    targets = [features.target] if isinstance(features.target, str) else features.target or []
    if features.calendar and features.timestamp is None:
        raise ConfigError(
            "features.calendar needs features.timestamp: name the field that holds the time"
        )
    if isinstance(features.timestamp, list) and len(features.timestamp) != 2:
        raise ConfigError(
            f"features.timestamp = {features.timestamp!r}: several are two, the field of the day "
            "and that of the time of day"
        )
    if features.include is not None:
        for name in targets:
            if name in features.include:
                raise ConfigError(
                    f"features.include holds the target {name!r}, which would give the answer "
                    f"away; use features.lags = {{{name} = [1]}} for its past"
                )
    for name, steps in features.lags.items():
        if not steps:
            raise ConfigError(f"features.lags.{name} = []: give at least one lag, such as [1]")
    check_deletions(config)
    _check_key(config, targets)
    for part in ("source", "sink", "dead_letter"):
        if isinstance(table := getattr(config, part), KafkaSource | KafkaSink):
            duration(table.wait, f"{part}.wait")
    if isinstance(config.source, HttpSource):
        _check_posted(config)
    if config.labels is not None:
        check_labels(config, config.labels, targets)


def _check_posted(config: Config) -> None:
    if not config.metrics.enabled:
        raise ConfigError("source.type = 'http' needs metrics.enabled: records are posted there")
    if config.http.token_file is None:
        raise ConfigError(
            "source.type = 'http' needs http.token_file: name a file with the secret of those who "
            "may post records"
        )


def _check_key(config: Config, targets: list[str]) -> None:
    if config.key is None:
        for name in ("share", "max_contexts"):
            if getattr(config, name) != getattr(_DEFAULTS, name):
                raise ConfigError(f"{name} needs key: name the field that says whose a record is")
        return
    if config.key in targets:
        raise ConfigError(f"key = {config.key!r} is the target; name the field of the entity")
    if config.key in (config.features.include or ()):
        raise ConfigError(
            f"features.include holds the key {config.key!r}, which tells records apart and is "
            "not a feature; leave it out there"
        )
    if config.key == MESSAGE_KEY and not isinstance(config.source, KafkaSource):
        raise ConfigError(
            f"key = {MESSAGE_KEY!r} is the key of Kafka's messages, which a {_kind(config)} "
            "source does not have; name a field"
        )


def _kind(config: Config) -> str:
    return str(type(config.source).__struct_config__.tag)


_DEFAULTS = Config(source=FileSource(path=""), sink=StdoutSink())
