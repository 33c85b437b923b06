"""The options of ``stream-rnn evaluate``."""

from pathlib import Path
from typing import Annotated

import typer

FILE = "Of the file; found by itself if not given"

File = Annotated[
    str,
    typer.Argument(
        help="CSV or JSON, plain or compressed; a folder or a pattern.",
        show_default=False,
    ),
]
Target = Annotated[
    list[str] | None,
    typer.Option("--target", "-y", help="The field to predict (repeatable: several targets)."),
]
Exclude = Annotated[
    list[str] | None, typer.Option("--exclude", "-x", help="Not a feature (repeatable).")
]
Given = Annotated[
    list[str] | None,
    typer.Option("--given", help="Holds a forecast of the target made elsewhere (repeatable)."),
]
Timestamp = Annotated[
    str | None, typer.Option(help="The field of the time, or 'day + time'; adds its day and week.")
]
Estimator = Annotated[
    str | None,
    typer.Option(
        "--estimator",
        "--model",
        help="regressor, classifier, multitarget, forecaster, multivariate, anomaly, text, "
        "text-classifier, labeler, transducer or one of sequences; else what the fields call for.",
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
    Path | None, typer.Option(help="Take features, estimator and source from this pipeline.")
]
Period = Annotated[
    int | None, typer.Option(help="Records in a season: adds the value one season ago.")
]
Limit = Annotated[int | None, typer.Option(help="Read at most so many records.")]
Json = Annotated[bool, typer.Option("--json", help="One line, for machines.")]
Plot = Annotated[Path | None, typer.Option(help="Draw a picture: .png, .svg or .pdf.")]
Windows = Annotated[
    Path | None,
    typer.Option(help="Of --estimator anomaly: JSON with the times in which something was wrong."),
]
Sort = Annotated[bool, typer.Option("--sort", help="Read the records in the order of their times.")]
AsItIs = Annotated[
    bool, typer.Option("--as-it-is", help="Score them in their order, even if it runs backwards.")
]

Format = Annotated[str | None, typer.Option(help="csv, jsonl or text.", rich_help_panel=FILE)]
Delimiter = Annotated[str | None, typer.Option(help="Such as ';'.", rich_help_panel=FILE)]
Quote = Annotated[str | None, typer.Option(help="Around cells.", rich_help_panel=FILE)]
Decimal = Annotated[str | None, typer.Option(help="'.' or ','.", rich_help_panel=FILE)]
Thousands = Annotated[str | None, typer.Option(help="'', ',', '.', ' '.", rich_help_panel=FILE)]
Comment = Annotated[str | None, typer.Option(help="Begins comment lines.", rich_help_panel=FILE)]
SkipLines = Annotated[int | None, typer.Option(help="Before the header.", rich_help_panel=FILE)]
HeaderRows = Annotated[int | None, typer.Option(help="0 for none.", rich_help_panel=FILE)]
Encoding = Annotated[str | None, typer.Option(help="Such as cp1252.", rich_help_panel=FILE)]
Columns = Annotated[
    str | None, typer.Option(help="Their names, with commas between.", rich_help_panel=FILE)
]
DayFirst = Annotated[
    bool | None,
    typer.Option("--day-first/--month-first", help="Of 01/02/2024.", rich_help_panel=FILE),
]
Missing = Annotated[
    list[str] | None,
    typer.Option(help="What a missing value is written as, or its number (repeatable)."),
]
