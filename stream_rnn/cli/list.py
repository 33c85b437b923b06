"""``stream-rnn list``: what a configuration can name."""

import inspect
import json
from typing import Annotated, Any, NamedTuple

import typer


class Part(NamedTuple):
    """Something that a configuration can name."""

    kind: str
    name: str
    package: str
    summary: str  # the first line of its documentation


def command(
    kind: Annotated[
        str | None, typer.Argument(help="cell, learner, estimator, source, … By default all.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array.")] = False,
) -> None:
    """List cells, learners, estimators, sources and all else that a pipeline can name.

    Parts of other installed packages are among them, with the package that brings them.

    \b
      stream-rnn list
      stream-rnn list learner
    """
    from ..errors import ConfigError, suggest
    from ..plugins import GROUPS

    if kind is not None and kind not in GROUPS:
        raise ConfigError(f"list {kind}: no such kind; {suggest(kind, GROUPS)}")
    found = [part for name in ([kind] if kind else GROUPS) for part in parts(name)]
    if as_json:
        typer.echo(json.dumps([part._asdict() for part in found], indent=1))
        return
    width = max((len(part.name) for part in found), default=0)
    for part in found:
        origin = "" if part.package == "stream-rnn" else f" [{part.package}]"
        typer.echo(f"{part.kind:11}{part.name:{width}}  {part.summary}{origin}")


def parts(kind: str) -> list[Part]:
    """Ours and those of other packages."""
    from .. import plugins

    ours = [Part(kind, name, "stream-rnn", summary(part)) for name, part in own(kind).items()]
    points = plugins.installed(kind)
    return ours + [
        Part(kind, name, plugins.package(points[name]), summary(part))
        for name, part in plugins.brought(kind).items()
    ]


def own(kind: str) -> dict[str, Any]:
    """Our parts of a kind by name."""
    from .. import specs
    from ..config import schema
    from ..metrics.families import FAMILIES
    from ..plugins import brought

    if kind in specs.REGISTRIES:
        registry: dict[str, Any] = specs.load(specs.REGISTRIES[kind])
        return registry
    if kind == "estimator":
        return {name: specs.load(place) for name, place in specs.ESTIMATORS.items()}
    if kind == "metric":
        foreign = brought(kind)
        return {name: family for name, family in FAMILIES.items() if name not in foreign}
    union = schema.Source if kind == "source" else schema.Sink
    return {str(table.__struct_config__.tag): table for table in union.__args__}


def summary(part: Any) -> str:
    """The first line of what is said about it."""
    text = getattr(part, "help", None) or inspect.getdoc(part) or ""
    return " ".join(text.split("\n\n")[0].split())
