"""From the options of ``stream-rnn evaluate`` and a look at the file to a pipeline."""

import json
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import typer

from connectors.lines.formats import plain_name

from ..config import Config, from_table, load
from ..config.schema import FileSource
from ..errors import ConfigError, suggest
from ..evaluation.choice import READERS, choose
from ..evaluation.look import Look, look
from ..features.missing import MARKERS, Missing
from ..features.paths import parts


class Asked(NamedTuple):
    """The options that say what is read and learned."""

    file: str
    targets: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    timestamp: str | None = None
    estimator: str | None = None
    key: str | None = None
    share: str | None = None
    overrides: tuple[str, ...] = ()
    config: Path | None = None
    source: dict[str, Any] = {}  # noqa: RUF012 - read only
    day_first: bool | None = None
    missing: tuple[str, ...] = ()
    given: tuple[str, ...] = ()


def configure(asked: Asked) -> Config:
    """The pipeline that the options describe; what they leave open is told by the data."""
    overrides = [*asked.overrides, *_settings(asked)]
    if asked.config is not None:
        return _of_pipeline(asked, overrides)
    source = {**asked.source, **_source_of(overrides)}
    if asked.targets and asked.estimator not in READERS and plain_name(asked.file).endswith(".txt"):
        source.setdefault("format", "csv")  # lines of text have no field to predict
    seen = _look(asked, source, overrides)
    named = (
        ("target", asked.targets),
        ("exclude", asked.exclude),
        ("key", [asked.key]),
        ("given", asked.given),
        ("timestamp", parts(asked.timestamp)),
    )
    for option, names in named:
        for name in names:
            if name is not None:
                check_field(f"--{option} {name}", name, seen)
    for name in asked.targets:
        if name in seen.lists and name not in seen.fields:
            raise ConfigError(
                f"--target {name}: {asked.file} has lists there, not values; of one object of "
                'columns make lines, with python -c "import pandas as p; p.read_json('
                f"'{asked.file}').to_json('{asked.file}l', orient='records', lines=True)\""
            )
    if not asked.targets and asked.estimator not in ("anomaly", "text", "multivariate"):
        raise ConfigError(
            f"--target: name the field to predict; {asked.file} has {', '.join(seen.fields)}"
        )
    if asked.estimator == "text" and "text" not in seen.fields:
        raise ConfigError(
            f"--estimator text reads the field 'text', which {asked.file} does not have; give a "
            "file of lines, with --format text whatever its name"
        )
    named_too = [setting.partition("=")[0].strip() for setting in asked.overrides]
    choice = choose(
        seen, asked.targets, asked.exclude, asked.timestamp, asked.key, asked.estimator, named_too
    )
    held = seen.source.get("format")
    if held is not None and "format" not in source:
        holds = "JSON" if held == "jsonl" else "CSV"
        typer.echo(f"{asked.file}: read as {holds}, by its content", err=True)
    for line in (f"{asked.file}: {seen.said}" if seen.said else "", choice.said):
        if line:
            typer.echo(line, err=True)
    table = {
        "source": {"type": "file", "path": asked.file, **seen.source},
        "sink": {"type": "stdout"},
        "features": choice.features,
        "estimator": choice.estimator | _outside(asked, choice.estimator.get("type")),
    }
    loaded = from_table(table, overrides)
    check_names(loaded, seen)
    return loaded


def _of_pipeline(asked: Asked, overrides: list[str]) -> Config:
    """The pipeline of a file, with the data of another."""
    assert asked.config is not None
    if asked.estimator is not None:
        raise ConfigError(
            f"--estimator {asked.estimator}: {asked.config} says which; "
            "use --set estimator.type=… to overrule it"
        )
    path = _quoted(asked.file)
    more = [f"source={{type='file', path={path}}}"]
    if _source_type(asked.config) == "file":  # keep what is said of the file
        more = [f"source.path={path}", "source.follow=false"]
    more += [f"source.{name}={_toml(value)}" for name, value in asked.source.items()]
    if asked.targets:
        more.append(f"features.target={_toml(_one_or_many(asked.targets))}")
    if asked.timestamp is not None:
        more.append(f"features.timestamp={_quoted(asked.timestamp)}")
    if asked.given:
        raise ConfigError(
            f"--given {asked.given[0]}: the pipeline {asked.config} says what is mixed; put "
            f'{{type = "Given", name = "{asked.given[0]}"}} among its experts, or members'
        )
    loaded = load(asked.config, [*more, *overrides])
    loaded.features.exclude += [n for n in asked.exclude if n not in loaded.features.exclude]
    settings = _given(loaded.source)
    seen = _look(asked, settings, overrides)
    if seen.said:
        typer.echo(f"{asked.file}: {seen.said}", err=True)
    if loaded.labels is None:
        for name in asked.targets:
            check_field(f"--target {name}", name, seen)
    check_names(loaded, seen)
    return loaded


def _outside(asked: Asked, estimator: Any) -> dict[str, Any]:
    """What the estimator is told of fields that hold forecasts."""
    if not asked.given:
        return {}
    if estimator in ("forecaster", "multivariate"):
        place = "experts"
    elif estimator in ("stream-regressor", "stream-classifier"):
        place = "members"
    else:
        raise ConfigError(
            f"--given {asked.given[0]}: a {estimator} takes no forecast made elsewhere; "
            "give --estimator forecaster, or stream-regressor"
        )
    return {place: [{"type": "Given", "name": name} for name in asked.given]}


# Names ------------------------------------------------------------------------------------


def check_names(loaded: Config, seen: Look) -> None:
    """Raise `ConfigError` for a field in a setting that the file does not have."""
    features = loaded.features
    settings: list[tuple[str, Sequence[str]]] = [
        ("features.include", features.include or ()),
        ("features.exclude", features.exclude),
        ("features.lags", list(features.lags)),
        ("run.copy", loaded.run.copy),
        ("key", [loaded.key] if loaded.key is not None else []),
        ("features.timestamp", parts(features.time)),
    ]
    if loaded.labels is not None:
        return
    for setting, names in settings:
        for name in names:
            check_field(f"{setting}: {name!r}", name, seen)


def check_field(place: str, name: str, seen: Look) -> None:
    """Raise `ConfigError` if the file has no field of that *name*, with the likeliest one."""
    if seen.has(name):
        return
    message = f"{place}: {seen.file} has no such field; {suggest(name, seen.fields)}"
    if seen.records == 1 and seen.lists and seen.file.endswith(".json"):
        inner = seen.lists[0]
        message += (
            f"; the file is one object, with a list {inner!r}: if that holds the records, make "
            f"lines of it, with jq -c '.{inner}[]' {seen.file} > {seen.file}l"
        )
    if [*seen.fields] == ["text"]:
        message += "; its lines are read as text: say --format csv if they are a table"
    if seen.source.get("header_rows") == 0 and not seen.source.get("columns"):
        message += (
            "; the file has no header: name its columns, such as --columns "
            + ",".join(f"name{n}" for n, _ in enumerate(seen.fields, 1))
            + " (source.columns in a pipeline), or say --header-rows 1"
        )
    raise ConfigError(message)


# Settings ---------------------------------------------------------------------------------


def _look(asked: Asked, settings: dict[str, Any], overrides: Sequence[str]) -> Look:
    try:
        return look(asked.file, asked.targets, settings, _missing(overrides))
    except ValueError as error:  # settings that do not go together
        raise ConfigError(f"source: {error}") from None


def _settings(asked: Asked) -> list[str]:
    """Options that are settings of a pipeline."""
    found = [
        f"{name}={_quoted(value)}"
        for name, value in (("key", asked.key), ("share", asked.share))
        if value is not None
    ]
    if asked.day_first is not None:
        found.append(f"features.day_first={_toml(asked.day_first)}")
    texts, numbers = [], []
    for one in asked.missing:
        try:
            numbers.append(float(one))
        except ValueError:
            texts.append(one)
    if numbers:
        found.append(f"features.sentinels={_toml(numbers)}")
    if texts:
        found.append(f"features.missing={_toml([*MARKERS, *texts])}")
    return found


def _missing(overrides: Sequence[str]) -> Missing:
    """What is missing, as the settings say."""
    table = _table_of(overrides).get("features", {})
    return Missing(table.get("missing"), table.get("sentinels", ()))


def _source_of(overrides: Sequence[str]) -> dict[str, Any]:
    """What the settings say of the source."""
    table = _table_of(overrides).get("source", {})
    return {name: value for name, value in table.items() if name not in ("type", "path")}


def _table_of(overrides: Sequence[str]) -> dict[str, Any]:
    """The settings as a table; those that are none are complained of later."""
    table: dict[str, Any] = {}
    for override in overrides:
        name, _, value = override.partition("=")
        inner, *steps = name.strip().split(".")
        if len(steps) != 1:
            continue
        try:
            read = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            read = value.strip()
        table.setdefault(inner, {})[steps[0]] = read
    return table


def _source_type(config: Path) -> Any:
    try:
        source = tomllib.loads(config.read_text(encoding="utf-8")).get("source")
    except (OSError, ValueError):
        return None  # `load` says what is wrong
    return source.get("type") if isinstance(source, dict) else None


def _given(source: Any) -> dict[str, Any]:
    """The settings of a file source that are given, but where it is."""
    assert isinstance(source, FileSource)
    import msgspec

    found = msgspec.structs.asdict(source)
    found = {name: value for name, value in found.items() if value is not None}
    return {n: v for n, v in found.items() if n not in ("path", "follow")}


def _one_or_many(names: Sequence[str]) -> str | list[str]:
    return names[0] if len(names) == 1 else list(names)


def _quoted(text: str) -> str:
    """As a TOML string."""
    return json.dumps(text)


def _toml(value: Any) -> str:
    """As TOML, which for texts, numbers, booleans and lists of them is JSON."""
    return json.dumps(value)
