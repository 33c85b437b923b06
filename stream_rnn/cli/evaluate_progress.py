"""How far an evaluation is: a bar on a terminal, a line now and then elsewhere.

There is one bar for all that has to be done, each part of which has its place on it; it never goes
back.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer

EVERY = 10.0  # seconds between lines where there is no terminal
TIMES = 0.1  # of the bar is for reading the times, where that is done first
RIVALS = 0.9  # here other forecasters begin, which are run at the end

Draw = Callable[[str, int, float | None, float], None]  # words, records, share, records/s


class Stages:
    """Calls *draw* with the share of everything that is done; *limit* records are read at most.

    >>> said = []
    >>> stages = Stages(lambda words, records, share, rate: said.append((words, records, share)))
    >>> stages.begin("times", 0.1)
    >>> stages(50, 0.5)
    >>> stages.begin("", 1.0)
    >>> stages(1, 0.0)
    >>> stages(50, 0.5)
    >>> [(words, records, round(share, 3)) for words, records, share in said]
    [('times', 50, 0.05), ('', 1, 0.1), ('', 50, 0.55)]
    """

    def __init__(
        self,
        draw: Draw,
        limit: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._draw, self._limit, self._clock = draw, limit, clock
        self._words, self._from, self._to, self._done = "", 0.0, 1.0, 0.0
        self._begun = clock()

    def begin(self, words: str, to: float) -> None:
        """What comes now, up to the share *to*."""
        self._words, self._from, self._to = words, self._to if self._done else 0.0, to
        self._begun = self._clock()

    def __call__(self, records: int, share: float | None) -> None:
        """So many *records*, which are this *share* of the stage."""
        if self._limit is not None:
            share = max(share or 0.0, min(1.0, records / self._limit))
        if share is not None:
            reached = self._from + (self._to - self._from) * share
            share = self._done = max(self._done, reached)
        seconds = max(self._clock() - self._begun, 1e-9)
        self._draw(self._words, records, share, records / seconds)


@contextmanager
def progress(limit: int | None) -> Iterator[Stages]:
    """What shows the records read."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lines(limit)
        return
    with _bar() as draw:
        yield Stages(draw, limit)


def lines(limit: int | None, clock: Callable[[], float] = time.monotonic) -> Stages:
    """A line on standard error every `EVERY` seconds."""
    shown = clock()

    def draw(words: str, records: int, share: float | None, rate: float) -> None:
        nonlocal shown
        now = clock()
        if now - shown < EVERY:
            return
        shown = now
        before = f"{words}: " if words else ""
        of_all = "" if share is None else f" ({int(100 * share)}%)"
        typer.echo(f"{before}{records:,} records{of_all}, {rate:,.0f}/s", err=True)

    return Stages(draw, limit, clock)


@contextmanager
def _bar() -> Iterator[Draw]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}{task.fields[records]:,} records"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rate]:,.0f}/s"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        shown = bar.add_task("", total=None, records=0, rate=0.0)

        def draw(words: str, records: int, share: float | None, rate: float) -> None:
            total = None if share is None else 1.0
            said = f"{words}: " if words else ""
            bar.update(shown, description=said, completed=share or 0, total=total)
            bar.update(shown, records=records, rate=rate)

        yield draw
