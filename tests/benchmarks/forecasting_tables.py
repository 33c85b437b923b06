"""What `forecasting.py` prints: figures of each series as Markdown tables."""

from typing import Any

import numpy as np
import rivals
from series import SQUARED, Stream

OURS = "RecurrentForecaster"
LEVEL, LONG = 0.9, 1000  # coverage is measured on series of more records
JUMP = 10.0  # deviations, of the level shift after which coverage is measured again


def gather(stream: Stream, rows: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """The figures of a stream: medians over seeds, the best of the others."""
    own = rows[OURS]
    head = "mean" if stream.measure in SQUARED else "median"
    found: dict[str, Any] = {
        "stream": stream.name,
        "measure": stream.measure,
        "horizon": stream.horizon,
        "recipe": stream.recipe,
        "known rival": stream.rival,
        "seeds": len(own),
        "head": head,
    }
    for name in ("median", "mean", "coverage", "coverage after a shift", "us"):
        if name in own[0]:
            found[name] = float(np.median([row[name] for row in own]))
    found["others"], found["notes"] = {}, {}
    for name, others in rows.items():
        if name == OURS:
            continue
        scores = [row["score"] for row in others if "score" in row]
        if scores:
            found["others"][name] = float(np.median(scores))
        elif others:
            found["notes"][name] = others[0]["note"]
    return found


def tables(found: list[dict[str, Any]], known: set[str]) -> str:
    """All tables as Markdown."""
    parts = []
    first = [row for row in found if row["stream"] in known]
    if first:
        parts.append(reference_table(first))
    rest = [row for row in found if row["stream"] not in known]
    if rest:
        parts.append(further_table(rest))
    covered = [row for row in found if "coverage" in row]
    if covered:
        parts.append(coverage_table(covered))
    parts.append(everyone(found))
    return "\n\n".join(parts)


def reference_table(found: list[dict[str, Any]]) -> str:
    lines = [
        "| series | measure | median head | mean head | recipe | to recipe | last value "
        "| best other here | known before |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in found:
        change = row[row["head"]] / row["recipe"] - 1
        both = [f"**{figure(row[h])}**" if h == row["head"] else figure(row[h]) for h in HEADS]
        last = row["others"].get("last value")
        lines.append(
            f"| {row['stream']} | {row['measure']} | {both[0]} | {both[1]} "
            f"| {figure(row['recipe'])} | {100 * change:+.1f} % | {figure(last)} "
            f"| {best(row)} | {row['known rival']} |"
        )
    return "\n".join(lines)


def further_table(found: list[dict[str, Any]]) -> str:
    lines = [
        "| series | median head MAE | last value | to last value | best other here |",
        "|---|---|---|---|---|",
    ]
    for row in found:
        last = row["others"]["last value"]
        lines.append(
            f"| {row['stream']} | {figure(row['median'])} | {figure(last)} "
            f"| {100 * (row['median'] / last - 1):+.1f} % | {best(row)} |"
        )
    return "\n".join(lines)


def coverage_table(found: list[dict[str, Any]]) -> str:
    lines = [
        f"| more than {LONG:,} records | {100 * LEVEL:.0f} % interval covers "
        f"| after a shift by {JUMP:.0f} deviations |",
        "|---|---|---|",
    ]
    lines += [
        f"| {row['stream']} | {100 * row['coverage']:.1f} % "
        f"| {100 * row['coverage after a shift']:.1f} % |"
        for row in found
    ]
    return "\n".join(lines)


def everyone(found: list[dict[str, Any]]) -> str:
    names = [*rivals.NAMES, *rivals.DEEP]
    shown = [n for n in names if any(n in row["others"] or n in row["notes"] for row in found)]
    lines = [
        f"| series | measure | {OURS} | {' | '.join(shown)} |",
        "|---" * (len(shown) + 3) + "|",
    ]
    notes = []
    for row in found:
        if not row["others"]:
            continue
        scores = [figure(row["others"].get(name)) for name in shown]
        own = figure(row[row["head"]])
        lines.append(f"| {row['stream']} | {row['measure']} | {own} | {' | '.join(scores)} |")
        notes += [f"{row['stream']}, {n}: {text}" for n, text in row["notes"].items()]
    return "\n".join([*lines, "", *(note for note in notes if not note.endswith("no season"))])


HEADS = ("median", "mean")


def best(row: dict[str, Any]) -> str:
    """The best of the others, bold where it is better than the forecaster."""
    if not row["others"]:
        return "–"
    name = min(row["others"], key=row["others"].__getitem__)
    text = f"{figure(row['others'][name])} {name}"
    return f"**{text}**" if row["others"][name] < row[row["head"]] else text


def figure(value: float | None) -> str:
    """Four significant digits.

    >>> figure(0.05974321), figure(119.9512), figure(None)
    ('.05974', '120', '–')
    """
    if value is None:
        return "–"
    text = f"{value:.4g}"
    return text.removeprefix("0") if text.startswith("0.") else text
