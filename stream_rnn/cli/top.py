"""``stream-rnn top``: what a running service's page shows, in a terminal."""

import json
import math
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table

BARS = "▁▂▃▄▅▆▇█"
WIDTH, BESIDE = 48, 50  # characters of a curve at most, and of what stands beside it
BAR, NAME = 8, 14  # characters of a bar, and of a name beside it
MOST_FOUND, MOST_ROWS = 4, 6  # series or outputs, and rows of each
CURVES = {
    "rolling_mae": "mean error, last 1,000",
    "rolling_mae_last_value": "… of the last value",
    "rolling_accuracy": "right, of the last 1,000",
    "rolling_accuracy_last_class": "… of the last class",
    "bits_per_symbol_rolling": "bits per symbol",
    "interval_coverage": "within the interval",
    "rate": "records a second",
    "update": "seconds to predict and learn one",
    "latency": "seconds from record to prediction",
}


def command(
    url: Annotated[str, typer.Argument(help="Where the service's page is.")] = (
        "http://127.0.0.1:9108/"
    ),
    part: Annotated[
        str | None, typer.Option(help="The partition to show, such as rides-3.")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Print it once and exit.")] = False,
) -> None:
    """Watch a running service: its error beside the last value's, its speed, its surprises.

    \b
      stream-rnn top
      stream-rnn top http://127.0.0.1:9109/ --part rides-3
    """
    from rich.console import Console
    from rich.live import Live

    address = f"{url.rstrip('/')}/state" + (f"?part={part}" if part else "")
    console = Console()
    first = _fetch(address)  # an address that is wrong ends here
    if once:
        console.print(view(first, console.width))
        return
    with Live(
        view(first, console.width), console=console, screen=True, refresh_per_second=4
    ) as live:
        while True:
            try:
                live.update(view(_fetch(address), console.width))
            except OSError as error:
                live.update(f"{url}: {error}; trying again")
            time.sleep(0.5)


def _fetch(address: str) -> dict[str, Any]:
    """The state as JSON; raises `OSError` that says what is wrong."""
    from ..errors import ConfigError

    if not address.startswith(("http://", "https://")):
        raise ConfigError(f"URL: {address!r}; give such as http://127.0.0.1:9108/")
    try:
        with urllib.request.urlopen(address, timeout=5) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        hint = "; has it http.page = true?" if error.code == 404 else ""
        raise OSError(f"{address}: {error.code} {error.reason}{hint}") from None
    except urllib.error.URLError as error:
        raise OSError(f"{address}: {error.reason}") from None


def view(state: dict[str, Any], width: int = 120) -> "Group":
    """All of it, for a terminal of *width* characters."""
    from rich.columns import Columns
    from rich.console import Group
    from rich.text import Text

    reasons = "; ".join(state["reasons"])
    learner = state["learner"]
    totals = learner["totals"] if learner else {"consumed": 0, "refused": 0}
    head = Text.assemble(
        (state["name"], "bold"),
        f"  {state['part']}  " if state["part"] else "  ",
        (f"{state['state']}, not ready: {reasons}", "red")
        if reasons
        else (f"{state['state']} and ready", "green"),
        f"  {totals['consumed']:,} records, {totals['refused']:,} refused",
    )
    if not learner:
        return Group(head)
    parts = [_parts(state["parts"])] if len(state["parts"]) > 1 else []
    found = [Columns(tables, padding=(0, 1))] if (tables := _found(learner)) else []
    curves = _curves(learner["history"], min(WIDTH, width - BESIDE))
    return Group(head, curves, *found, *parts, _worst(learner["worst"][:8]))


def _table(title: str, *columns: str) -> "Table":
    from rich import box
    from rich.table import Table

    table = Table(title=title or None, box=box.SIMPLE_HEAD, title_justify="left")
    for at, column in enumerate(columns):
        table.add_column(column, justify="left" if at == 0 else "right")
    return table


def _curves(history: dict[str, list[float | None]], width: int) -> "Table":
    table = _table("", "", "now", "of late")
    for name, text in CURVES.items():
        values = [value for value in history.get(name, ()) if value is not None]
        if values:
            table.add_row(text, f"{values[-1]:.4g}", curve(values[-max(width, 1) :]))
    return table


def _found(learner: dict[str, Any]) -> list["Table"]:
    """What was found out: weights of experts and members, and what the prediction follows."""
    tables = []
    for one in learner.get("series", [])[:MOST_FOUND]:
        season = f", a season of {one['season']}" if one["season"] else ""
        tables.append(_shares(" of ".join(filter(None, ("experts", one["name"]))) + season,
                              one["experts"]))  # fmt: skip
    if members := learner.get("members"):
        tables.append(_shares("members", members))
    for one in learner.get("sensitivities", [])[:MOST_FOUND]:
        title = " of ".join(filter(None, ("change per deviation", one["name"])))
        most = max((abs(effect) for *_, effect in one["features"]), default=0.0)
        tables.append(_bars(title, [(name, f"{effect:+.3g}", abs(effect) / most if most else 0.0)
                                    for name, _, effect in one["features"]]))  # fmt: skip
    return tables


def _shares(title: str, weights: dict[str, float]) -> "Table":
    ordered = sorted(weights.items(), key=lambda one: -one[1])
    return _bars(title, [(name, f"{share:.1%}", share) for name, share in ordered])


def _bars(title: str, rows: list[tuple[str, str, float]]) -> "Table":
    """Names, numbers, and bars of a length between 0 and 1."""
    from rich.markup import escape

    table = _table(escape(printable(title)), "", "", "")
    table.show_header, table.columns[-1].justify = False, "left"
    for name, number, length in rows[:MOST_ROWS]:
        bar = "█" * round(BAR * length)
        table.add_row(escape(shortened(printable(name))), number, bar.ljust(BAR))
    return table


def shortened(name: str) -> str:
    """So that two tables stand beside each other in 80 columns.

    >>> shortened("temperature of yesterday")
    'temperature o…'
    """
    return name if len(name) <= NAME else f"{name[: NAME - 1]}…"


def _parts(parts: list[dict[str, Any]]) -> "Table":
    table = _table("partitions", "partition", "records", "a second", "error", "behind", "refused")
    for part in parts:
        cells = (part[name] for name in ("consumed", "rate", "error", "lag", "refused"))
        table.add_row(part["part"], *("–" if c is None else f"{c:,.4g}" for c in cells))
    return table


def _worst(worst: list[dict[str, Any]]) -> "Table":
    from rich.markup import escape

    table = _table("worst of late", "time", "record", "size", "truth", "prediction")
    for one in worst:
        at = time.strftime("%H:%M:%S", time.localtime(one["time"]))
        words = (escape(printable(one[name])) for name in ("truth", "prediction"))
        table.add_row(at, f"{one['number']:,}", f"{one['size']:.3g}", *words)
    return table


def curve(values: list[float]) -> str:
    """A line of bars from the least to the most.

    >>> curve([0.0, 1.0, 2.0, 4.0])
    '▁▃▅█'
    """
    low, high = min(values), max(values)
    span = high - low
    if not span > 0 or not math.isfinite(span):
        return BARS[0] * len(values)
    return "".join(BARS[round((value - low) / span * (len(BARS) - 1))] for value in values)


def printable(text: str) -> str:
    """Without what a terminal would obey.

    >>> printable("a\\x1b[2Jb")
    'a�[2Jb'
    """
    return "".join(letter if letter.isprintable() else "�" for letter in text)
