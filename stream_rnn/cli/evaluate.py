"""``stream-rnn evaluate``: how good on this file, and compared with what."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from . import options as o

if TYPE_CHECKING:
    from .evaluate_progress import Stages


def command(
    file: o.File,
    target: o.Target = None,
    exclude: o.Exclude = None,
    timestamp: o.Timestamp = None,
    estimator: o.Estimator = None,
    key: o.Key = None,
    share: o.Share = None,
    set_: o.Setting = None,
    config: o.Pipeline = None,
    period: o.Period = None,
    limit: o.Limit = None,
    as_json: o.Json = False,
    plot: o.Plot = None,
    format: o.Format = None,
    delimiter: o.Delimiter = None,
    quote: o.Quote = None,
    decimal: o.Decimal = None,
    thousands: o.Thousands = None,
    comment: o.Comment = None,
    skip_lines: o.SkipLines = None,
    header_rows: o.HeaderRows = None,
    encoding: o.Encoding = None,
    columns: o.Columns = None,
    day_first: o.DayFirst = None,
    missing: o.Missing = None,
    sort: o.Sort = False,
    as_it_is: o.AsItIs = False,
    windows: o.Windows = None,
    given: o.Given = None,
) -> None:
    """Predict every record of a file before learning from it, and score the predictions.

    A table compares the model with the last value and the running mean (for classes: the
    last and the most frequent class); a forecaster also with river's SNARIMAX and
    HoltWinters and the value one season before.  Errors count from the first record on.
    What the file is made of and what its fields call for is found, and said; any of it can
    be set.  A field inside another is named by its path, as meta.site or values[0].  With
    labels that come later (--config), baselines know those that had come before the record.

    \b
      stream-rnn evaluate taxi.csv --target riders --timestamp time
      stream-rnn evaluate load.csv.gz -y load --set 'features.lags={load=[1,24]}' --period 24
      stream-rnn evaluate load.csv -y load --estimator forecaster --plot load.png
      stream-rnn evaluate load.csv -y load --given vendor
      stream-rnn evaluate flowers.csv -y species --plot flowers.png
      stream-rnn evaluate sensors.csv -y load --key sensor --share nothing
      stream-rnn evaluate cpu.csv --estimator anomaly --windows combined_windows.json
      stream-rnn evaluate entities.tsv --estimator labeler --columns n,word,label
      stream-rnn evaluate events.jsonl -y amount --config pipeline.toml --json
    """
    from .evaluate_config import Asked

    dialect = {
        "format": format,
        "delimiter": delimiter,
        "quote": quote,
        "decimal": decimal,
        "thousands": thousands,
        "comment": comment,
        "skip_lines": skip_lines,
        "header_rows": header_rows,
        "encoding": encoding,
        "columns": None if columns is None else [c.strip() for c in columns.split(",")],
    }
    asked = Asked(
        file,
        tuple(target or ()),
        tuple(exclude or ()),
        timestamp,
        estimator,
        key,
        share,
        tuple(set_ or ()),
        config,
        {name: value for name, value in dialect.items() if value is not None},
        day_first,
        tuple(missing or ()),
        tuple(given or ()),
    )
    if plot is not None:
        from ..evaluation.plot import check

        check(plot)
    result = _evaluated(asked, period, limit, windows, sort, as_it_is)
    if as_json:
        typer.echo(result.to_json())
    else:
        show_result(result, period)
    if plot is not None:
        from ..evaluation.plot import plot as draw

        draw(result, path=plot)
    if result.interrupted:
        raise typer.Exit(130)


def _evaluated(
    asked: Any,
    period: int | None,
    limit: int | None,
    windows: Path | None,
    sort: bool,
    as_it_is: bool,
) -> Any:
    """What an evaluation finds; says what was found in the file, and shows how far it is."""
    from .evaluate_config import configure
    from .evaluate_labels import sentences
    from .evaluate_progress import progress
    from .logs import warnings_only

    with warnings_only("connectors.lines"):  # what is found in the file is said here, once
        if asked.estimator == "labeler":
            source, loaded = sentences(asked)
        else:
            source, loaded = None, configure(asked)
        with progress(limit) as show:
            total = None
            if source is None:
                source, total = in_order(loaded, limit, sort, as_it_is, show)
            if windows is not None:
                source, loaded = within(windows, source, loaded)
            return scored(source, loaded, period, limit, Path(asked.file).name, show, total)


def within(windows: Path, source: Any, loaded: Any) -> tuple[Any, Any]:
    """The source with labels by *windows*, and the pipeline that scores by them."""
    from ..errors import ConfigError
    from ..evaluation.windows import FIELD, WindowedSource, read_windows

    features = loaded.features
    if loaded.estimator["type"] != "anomaly":
        raise ConfigError("--windows scores alarms: give --estimator anomaly")
    if features.time is None:
        raise ConfigError("--windows needs --timestamp: name the field that holds the time")
    if features.target is not None:
        raise ConfigError(f"--windows: {features.target!r} says already what was wrong; give one")
    found = read_windows(windows, loaded.source.path)
    labelled = WindowedSource(source, features.time, found, features.day_first)
    features.target = FIELD
    return labelled, loaded


def scored(
    source: Any,
    loaded: Any,
    period: int | None,
    limit: int | None,
    named: str,
    show: "Stages",
    total: int | None = None,
) -> Any:
    """What an evaluation of the pipeline on *source* finds; closes it."""
    from ..assembly.parts import task
    from ..evaluation.evaluate import evaluate
    from .evaluate_progress import RIVALS

    show.begin("", RIVALS if loaded.estimator.get("type") == "forecaster" else 1.0)
    try:
        run = partial(evaluate, named=named, period=period, limit=limit)
        return run(source, task(loaded), progress=show, total=total)
    finally:
        source.close()


def show_result(result: Any, period: int | None) -> None:
    """The table, and what a reader of it has to know."""
    from rich.console import Console

    from ..evaluation.advice import advice

    Console().print(result.table())
    told = [score.name for score in result.scores if "m=" in score.name or "1,1,0," in score.name]
    if told and period is None:
        typer.echo(f"{' and '.join(told)} were told the season, which was found in hindsight")
    for reason, example in result.reasons.items():
        typer.echo(f"refused ({reason}), for example: {example}")
    if said := result.weights.describe():
        typer.echo(said)
    if result.at_end:
        typer.echo(result.at_end)
    if (said := advice(result)) is not None:
        typer.echo(said)


def in_order(
    loaded: Any, limit: int | None, sort: bool, as_it_is: bool, show: "Stages"
) -> tuple[Any, int | None]:
    """The source in the order of time, and how many records there are, if there is one.

    Says what was found.
    """
    from ..assembly.parts import open_source, with_labels
    from ..errors import ConfigError
    from ..evaluation.order import SortedSource, find_order, times_of
    from .evaluate_progress import TIMES

    field, late = loaded.features.time, loaded.labels is not None
    if field is None or late:
        if sort:
            raise ConfigError("--sort needs --timestamp: name the field that holds the time")
        return with_labels(open_source(loaded.source), loaded), None
    source = open_source(loaded.source)
    try:
        show.begin(f"reading {field}", TIMES)
        values, keys = times_of(source, field, loaded.key, limit, show)
    finally:
        source.close()
    order = find_order(values, loaded.features.day_first, keys)
    source = open_source(loaded.source)
    if order is None:
        from connectors.times import NotATime, read

        for value in values:
            try:
                read(value)
            except NotATime as error:
                raise ConfigError(f"--timestamp {field}: {error}") from None
        return source, len(values)
    if order.day_first is not None:
        loaded.features.day_first = order.day_first
    said = f"{field}: {order.describe()}"
    if sort or (order.direction in ("backwards", "shuffled") and not as_it_is):
        source = SortedSource(source, field, order.day_first)
        said += "; read in the order of time" + ("" if sort else " (--as-it-is for theirs)")
    elif order.direction == "restarts" and loaded.key is None:
        said += "; if these are several series, name the field that says whose a record is: --key"
    typer.echo(said, err=True)
    return source, len(values)
