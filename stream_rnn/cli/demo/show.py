"""``stream-rnn demo``: predict, then learn, one record at a time, on a real stream.

The stream is the monthly count of international airline passengers from 1949 to 1960
(Box and Jenkins, series G), which comes with river.  Twelve years are replayed in some
seconds; nothing else is staged: it is the pipeline that ``stream-rnn run`` runs, and its
configuration is left in the folder.
"""

import csv
import json
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from river.datasets import AirlinePassengers

from ...assembly.dependencies import surroundings
from ...assembly.parts import open_source, task
from ...assembly.service import metrics as make_metrics
from ...assembly.service import pipeline as assemble
from ...config import load
from ...config.schema import Config
from ...errors import ConfigError
from ...evaluation.evaluate import evaluate
from ...evaluation.scores import Score, score_table
from ...metrics import Metrics
from ...service.pipeline import stop_on_signals
from ...web import Server, Site, serve
from .display import Lines, LiveView, Progress
from .replay import Replay, Starter

STREAM, PIPELINE = "passengers.csv", "pipeline.toml"
MADE = (
    STREAM,
    PIPELINE,
    "predictions.jsonl",
    "predictions.jsonl.refused.jsonl",
    "checkpoints",
    "errors.png",  # that the last line of the demo proposes to draw
)
SEASON = 12  # months
SECONDS = 16.0  # of the replay
NAME = "LSTM"

CONFIGURATION = """\
# What `stream-rnn demo` ran.  To run it again in this folder, without the replay's pace:
#   rm -r checkpoints predictions.jsonl*; stream-rnn run pipeline.toml

[source]
type = "file"
path = "passengers.csv"

[features]
target = "passengers"
timestamp = "month"
calendar = ["year"]                  # the time of the year, as sines and cosines
lags = {passengers = [1, 12, 13]}    # a month ago, a year ago, and the month before that

[estimator]
type = "regressor"
cell = {type = "LSTM", units = 16}
learner = {type = "RTRL"}            # exact gradients at every record, no truncation
optimizer = {type = "Kalman"}

[sink]
type = "file"
path = "predictions.jsonl"

[checkpoint]
url = "checkpoints"
every_seconds = 2.0

[run]
copy = ["month"]
"""


def demo(
    folder: str | os.PathLike[str] = "stream-rnn-demo",
    *,
    port: int = 9108,
    seconds: float = SECONDS,
    console: Console | None = None,
) -> Progress:
    """Run the demo into *folder*, show it on *console*, and return what it found.

    Metrics are served on 127.0.0.1, at *port* or the next free one.  The replay takes
    *seconds*.  An earlier demo in *folder* is replaced; raises `ConfigError` if the folder
    holds anything else.  Ctrl-C and SIGTERM end it early, with a checkpoint.
    """
    console = console or Console(highlight=False)
    folder = Path(folder)
    total = prepare(folder)
    config = configuration(folder)
    progress = Progress(NAME, total, "month", window=2 * SEASON, period=SEASON)
    with stop_on_signals(signal.SIGTERM, signal.SIGINT) as stop, _endpoint(config, port) as served:
        _, server, note = served
        heading = _heading(server, folder, note)
        view, starter = _view(progress, console, heading), Starter(progress, seconds)
        pipeline = assemble(config, surroundings(config, (*server.site.observers, view, starter)))
        pipeline.source = starter.replay = Replay(pipeline.source)
        try:
            pipeline.run(stop)
        finally:
            pipeline.close()
    _summary(console, progress, folder, view)
    return progress


def prepare(folder: Path) -> int:
    """Write the stream and the configuration into *folder*; the number of records."""
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"--output {folder}: is a file; choose a folder")
    present = {path.name for path in folder.iterdir()} if folder.exists() else set()
    if present - set(MADE):
        raise ConfigError(
            f"--output {folder}: holds {min(present - set(MADE))}, which the demo did not make; "
            "choose an empty folder"
        )
    for name in present:
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    rows = [(x["month"].date().isoformat(), y) for x, y in AirlinePassengers()]
    with open(folder / STREAM, "w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([("month", "passengers"), *rows])
    (folder / PIPELINE).write_text(CONFIGURATION, encoding="utf-8")
    return len(rows)


def configuration(folder: Path) -> Config:
    """The configuration in *folder*, whose paths are relative to it, seen from here."""
    fields = {
        "source.path": STREAM,
        "sink.path": "predictions.jsonl",
        "checkpoint.url": "checkpoints",
    }
    overrides = [f"{field}={json.dumps(str(folder / name))}" for field, name in fields.items()]
    return load(folder / PIPELINE, overrides)


@contextmanager
def _endpoint(config: Config, port: int) -> Iterator[tuple[Metrics, Server, str]]:
    """Metrics, served at *port* or the first free port after it, and a note on which."""
    metrics = make_metrics(config)
    assert metrics is not None
    note = ""
    try:
        server = serve(Site(metrics), port)
    except ConfigError:
        server = _next_free(metrics, port)
        note = f" (port {port} is taken)"
    try:
        yield metrics, server, note
    finally:
        server.close()


def _next_free(metrics: Metrics, port: int) -> Server:
    for candidate in range(port + 1, port + 20):
        try:
            return serve(Site(metrics), candidate)
        except ConfigError:
            continue
    return serve(Site(metrics), 0)


def _heading(server: Server, folder: Path, note: str) -> list[str]:
    return [
        "Airline passengers, 1949 to 1960: an LSTM predicts each month, then learns from it",
        f"metrics      {server.url}{note}",
        f"predictions  {folder / 'predictions.jsonl'}",
    ]


def _view(progress: Progress, console: Console, heading: list[str]) -> LiveView | Lines:
    if console.is_terminal:
        return LiveView(progress, console, lambda: heading)
    for line in heading:
        print(line, file=console.file, flush=True)

    def write(line: str) -> None:
        print(line, file=console.file, flush=True)

    return Lines(progress, write, SEASON)


def _without_pace(folder: Path, paced: Score) -> str:
    """How fast the same run is when nobody watches, and whether it is the same."""
    config = configuration(folder)
    source = open_source(config.source)
    try:
        result = evaluate(source, task(config), name=NAME)
    finally:
        source.close()
    same = "the same errors to the last bit" if result.scores[0] == paced else "other errors"
    return f"once more without the pace: {result.records_per_second:,.0f} records/s, {same}"


def _summary(console: Console, progress: Progress, folder: Path, view: Any) -> None:
    """The last chart, the table of errors, and what to do next."""
    if progress.judge is None:
        console.print("stopped before the first record was learned")
        return
    if isinstance(view, LiveView):
        for line in view.body():
            console.print(line)
    model, last = progress.rolling()
    scores = [scorer.score() for scorer in progress.judge.scorers]
    console.print(score_table(scores, f"{progress.judge.count} records, from the first one on"))
    console.print(
        f"in the last two years {NAME} {model:.1f}, last value {last:.1f} "
        "(mean absolute error, thousands of passengers)",
        soft_wrap=True,
    )
    if progress.judge.count == progress.total:
        console.print(_without_pace(folder, scores[0]), soft_wrap=True)
    console.print(
        f"\nwritten to {folder}: predictions.jsonl, checkpoints, pipeline.toml\n"
        f"  stream-rnn inspect {folder / 'checkpoints'}\n"
        f"  stream-rnn evaluate {folder / STREAM} --target passengers "
        f"--config {folder / PIPELINE} --plot {folder / 'errors.png'}\n",
        soft_wrap=True,
    )
