"""How far an evaluation is: a bar on a terminal, a line now and then elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer

Show = Callable[[int, float | None], None]

EVERY = 10.0  # seconds between lines where there is no terminal


@contextmanager
def progress(limit: int | None) -> Iterator[Show]:
    """What shows the records read."""
    if not sys.stderr.isatty():
        yield lines(limit)
        return
    with _bar(limit) as show:
        yield show


def lines(limit: int | None, clock: Callable[[], float] = time.monotonic) -> Show:
    """A line on standard error every `EVERY` seconds."""
    begun = shown = clock()

    def show(records: int, fraction: float | None) -> None:
        nonlocal shown
        now = clock()
        if now - shown < EVERY:
            return
        shown = now
        if limit is not None:
            fraction = max(fraction or 0.0, records / limit)
        share = "" if fraction is None else f" ({fraction:.0%})"
        typer.echo(f"{records:,} records{share}, {records / (now - begun):,.0f}/s", err=True)

    return show


@contextmanager
def _bar(limit: int | None) -> Iterator[Show]:
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
