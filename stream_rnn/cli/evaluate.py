"""``stream-rnn evaluate``: how good on this file, and compared with what."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

PEEK = 200  # records that tell what the columns are


File = Annotated[str, typer.Argument(help="CSV or JSONL, plain, .gz or .zst.", show_default=False)]
Target = Annotated[
    list[str],
    typer.Option("--target", "-y", help="The field to predict (repeatable: several targets)."),
]
Exclude = Annotated[
    list[str] | None, typer.Option("--exclude", "-x", help="Not a feature (repeatable).")
]
Timestamp = Annotated[
    str | None, typer.Option(help="The field that holds the time; adds its day and week.")
]
Estimator = Annotated[
    str | None,
    typer.Option(
        "--estimator",
        "--model",
        help="regressor, classifier, multitarget or forecaster; else what the fields call for.",
    ),
]
Key = Annotated[
    str | None, typer.Option(help="The field that says whose a record is, if not all one's.")
]
Share = Annotated[str | None, typer.Option(help="What keys have in common: weights or nothing.")]
Setting = Annotated[
    list[str] | None,
    typer.Option("--set", help="As in a pipeline: --set estimator.cell.units=8 (repeatable)."),
]
Pipeline = Annotated[
    Path | None, typer.Option(help="Take features and estimator from this pipeline.")
]
Period = Annotated[
    int | None, typer.Option(help="Records in a season: adds the value one season ago.")
]
Limit = Annotated[int | None, typer.Option(help="Read at most so many records.")]
Json = Annotated[bool, typer.Option("--json", help="One line, for machines.")]
Plot = Annotated[Path | None, typer.Option(help="Draw a picture: .png, .svg or .pdf.")]


def command(
    file: File,
    target: Target,
    exclude: Exclude = None,
    timestamp: Timestamp = None,
    estimator: Estimator = None,
    key: Key = None,
    share: Share = None,
    set_: Setting = None,
    config: Pipeline = None,
    period: Period = None,
    limit: Limit = None,
    as_json: Json = False,
    plot: Plot = None,
) -> None:
    """Predict every record of a file before learning from it, and score the predictions.

    A table compares the model with the last value and the running mean (for classes: the
    last and the most frequent class); a forecaster also with river's SNARIMAX and
    HoltWinters and the value one season before.  Errors count from the first record on.
    Text columns are left out, with a note; a number without other fields is forecast from its
    own past.  With labels that come later (--config), baselines know those that had come
    before the record.

    \b
      stream-rnn evaluate taxi.csv --target riders --timestamp time
      stream-rnn evaluate load.csv.gz -y load --set 'features.lags={load=[1,24]}' --period 24
      stream-rnn evaluate load.csv -y load --estimator forecaster --plot load.png
      stream-rnn evaluate flowers.csv -y species --plot flowers.png
      stream-rnn evaluate sensors.csv -y load --key sensor --share nothing
      stream-rnn evaluate events.jsonl -y amount --config pipeline.toml --json
    """
    from ..assembly.parts import open_source, task, with_labels
    from ..config.schema import FileSource
    from ..evaluation.evaluate import evaluate

    keys = [f"{n}={_quoted(v)}" for n, v in (("key", key), ("share", share)) if v is not None]
    set_ = [*(set_ or ()), *keys]
    loaded = configure(file, target, exclude, timestamp, estimator, set_, config, key)
    assert isinstance(loaded.source, FileSource)
    source = with_labels(open_source(loaded.source), loaded)
    try:
        with progress_bar(limit) as show:
            result = evaluate(source, task(loaded), period=period, limit=limit, progress=show)
    finally:
        source.close()
    if plot is not None:
        from ..evaluation.plot import plot as draw

        draw(result, plot)
    if as_json:
        typer.echo(result.to_json())
    else:
        show_result(result, period)


def show_result(result: Any, period: int | None) -> None:
    """The table, and what a reader of it has to know."""
    from rich.console import Console

    Console().print(result.table())
    told = [score.name for score in result.scores if "m=" in score.name or "1,1,0," in score.name]
    if told and period is None:
        typer.echo(f"{' and '.join(told)} were told the season, which was found in hindsight")
    for reason, example in result.reasons.items():
        typer.echo(f"refused ({reason}), for example: {example}")


def configure(
    file: str,
    target: list[str],
    exclude: list[str] | None,
    timestamp: str | None,
    estimator: str | None,
    overrides: list[str] | None,
    config: Path | None,
    key: str | None = None,
) -> Any:
    """The pipeline that the options describe; what they leave open is told by the data."""
    from ..config import from_table, load

    if config is not None:
        both = [f"source={{type='file', path={_quoted(file)}}}", *(overrides or ())]
        return load(config, [*both, f"features.target={_targets(target)}"])
    columns = peek(file)
    named = (("target", target), ("key", [key]), ("timestamp", [timestamp]))
    for option, names in named:
        for name in names:
            if name is not None and name not in columns:
                raise_missing(option, name, file, columns)
    texts = {n for n, values in columns.items() if any(isinstance(v, str) for v in values)}
    others = [n for n in columns if n not in (*target, *(exclude or ()), timestamp, key)]
    left_out = [name for name in others if name in texts]
    if left_out:
        typer.echo(f"text columns left out: {', '.join(left_out)}", err=True)
    if estimator is None:
        lagged = any(setting.startswith("features.") for setting in overrides or ())
        inputs = lagged or len(others) > len(left_out)
        estimator = called_for(target, texts, inputs)
    features: dict[str, Any] = {
        "target": target[0] if len(target) == 1 else target,
        "exclude": [*(exclude or ()), *left_out],
    }
    model = {"type": estimator}
    if timestamp is not None:
        if estimator == "forecaster":  # which makes calendar features of its own
            model["timestamp"] = timestamp
        else:
            features |= {"timestamp": timestamp, "calendar": ["day", "week"]}
    table = {
        "source": {"type": "file", "path": file},
        "sink": {"type": "stdout"},
        "features": features,
        "estimator": model,
    }
    return from_table(table, overrides or ())


def called_for(target: list[str], texts: set[str], inputs: bool) -> str:
    """The estimator for targets of which *texts* are text, with or without *inputs*.

    >>> called_for(["y"], set(), inputs=True), called_for(["y"], set(), inputs=False)
    ('regressor', 'forecaster')
    """
    if len(target) > 1:
        return "multitarget"
    if target[0] in texts:
        return "classifier"
    return "regressor" if inputs else "forecaster"  # which has nothing but the past


def peek(file: str) -> dict[str, list[Any]]:
    """The columns of the first records, with their values."""
    from connectors.files.source import FileSource

    source = FileSource(file)
    columns: dict[str, list[Any]] = {}
    try:
        for record in source.next_batch(PEEK, timeout=0):
            for name, value in (record.value or {}).items():
                columns.setdefault(name, []).append(value)
    finally:
        source.close()
    return columns


def raise_missing(option: str, name: str, file: str, columns: Any) -> None:
    """Raise `ConfigError` for a field that the file does not have, with the likeliest one."""
    from ..errors import ConfigError, suggest

    raise ConfigError(f"--{option} {name}: {file} has no such field; {suggest(name, columns)}")


@contextmanager
def progress_bar(limit: int | None) -> Iterator[Callable[[int, float | None], None] | None]:
    """What shows the records read, on a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.fields[records]:,} records"),
        BarColumn(),
        TextColumn("{task.fields[rate]:,.0f}/s"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        shown = bar.add_task("", total=None, records=0, rate=0.0)

        def show(records: int, fraction: float | None) -> None:
            if limit is not None:
                fraction = max(fraction or 0.0, records / limit)
            elapsed = bar.tasks[0].elapsed or 1e-9
            total = None if fraction is None else 1.0
            bar.update(
                shown, completed=fraction or 0, total=total, records=records, rate=records / elapsed
            )

        yield show


def _quoted(text: str) -> str:
    """As a TOML string."""
    import json

    return json.dumps(text)


def _targets(names: list[str]) -> str:
    return _quoted(names[0]) if len(names) == 1 else f"[{', '.join(map(_quoted, names))}]"
