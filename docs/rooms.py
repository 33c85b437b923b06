"""Draw docs/images/rooms.svg, the rooms of the package, from the imports in the sources.

Run from the repository's root: ``python docs/rooms.py``.  A test compares the two, and reads
the same imports to hold the order of the rooms.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
PICTURE = Path(__file__).parent / "images" / "rooms.svg"

#: From the ground up: a room imports only from rooms before it.
ROOMS = {
    "errors": "and suggestions",
    "plugins": "parts of other packages",
    "codegen": "how functions compile",
    "numerics": "arrays by name, functions",
    "specs": "specs from tables",
    "keys": "entities of a stream",
    "cells": "LSTM, GRU, …",
    "losses": "what a prediction costs",
    "learners": "RTRL, TBPTT, …",
    "optimizers": "Adam, Kalman, …",
    "features": "from fields to numbers",
    "engine": "a network at work",
    "categories": "text as features",
    "rows": "what a result holds",
    "drift": "alarms on the losses",
    "forecasting": "experts, mixed",
    "text": "contexts and a network",
    "novelty": "what is new",
    "mixtures": "members for records",
    "sequences": "a sequence as the unit",
    "checkpoints": "states on disk",
    "estimators": "river's interface",
    "service": "a run that does not end",
    "metrics": "Prometheus",
    "evaluation": "scores and peers",
    "tools": "gradients, PyTorch",
    "config": "tables, checked",
    "assembly": "from tables to objects",
    "web": "page and questions",
    "spark": "an operator for Spark",
    "cli": "commands",
}


@cache
def modules() -> dict[str, Path]:
    """Every module of the two packages by name."""
    found = {}
    for top in ("stream_rnn", "connectors"):
        for path in sorted((ROOT / top).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def at_run_time(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those under ``if TYPE_CHECKING``: imports for types alone do not run."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        yield from at_run_time(node)


@cache
def imports(name: str) -> frozenset[str]:
    """The modules of the two packages that the module *name* imports, wherever in it."""
    path = modules()[name]
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    found = set()
    for node in at_run_time(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            within = {f"{base}.{alias.name}" for alias in node.names}
            found |= {m if m in modules() else base for m in within}
    return frozenset(m for m in found if m in modules() and m != name)


def room(name: str) -> str:
    """The room of a module of `stream_rnn`."""
    return name.split(".")[1] if "." in name else ""


def arrows() -> set[tuple[str, str]]:
    """(importing, imported) rooms; the package's own `__init__` and `__main__` left out."""
    names = [m for m in modules() if room(m) in ROOMS and m.startswith("stream_rnn.")]
    pairs = {(room(a), room(b)) for a in names for b in imports(a) if b.startswith("stream_rnn.")}
    return {(a, b) for a, b in pairs if a != b}


def levels() -> dict[str, int]:
    """How many rooms stand under each room, one on the other."""
    below, level = arrows(), dict[str, int]()
    present = {room(m) for m in modules() if m.startswith("stream_rnn.")}
    for name in ROOMS:
        if name in present:
            level[name] = 1 + max((level.get(b, 0) for a, b in below if a == name), default=0)
    return level


def shown() -> set[tuple[str, str]]:
    """The arrows that no way over other rooms implies: enough to draw."""
    direct = arrows()
    reach: dict[str, set[str]] = {}
    for name in ROOMS:
        near = {b for a, b in direct if a == name}
        reach[name] = near | {c for b in near for c in reach.get(b, set())}
    return {
        (a, b) for a, b in direct if not any(b in reach[c] for x, c in direct if x == a and c != b)
    }


def picture() -> str:
    """The SVG: the ground at the bottom, an arrow from a room to what it builds on."""
    level = levels()
    rows: dict[int, list[str]] = {}
    for name, n in level.items():
        rows.setdefault(n, []).append(name)
    width, height, gap, drop = 172, 40, 18, 34
    across = max(len(row) for row in rows.values()) * (width + gap) + gap
    tall = max(rows) * (height + drop) + drop
    at = {}
    for n, row in rows.items():
        left = (across - len(row) * (width + gap) + gap) / 2
        for k, name in enumerate(row):
            at[name] = (left + k * (width + gap), tall - n * (height + drop))
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {across} {tall}" role="img" '
        'aria-label="The rooms of stream_rnn and what each builds on" '
        'font-family="sans-serif" text-anchor="middle">',
        "<style>rect{fill:#fff;stroke:#456}path{fill:none;stroke:#9ab}text{fill:#123}</style>",
        f'<rect width="{across}" height="{tall}" style="stroke:none"/>',
    ]
    for a, b in sorted(shown()):
        (x, y), (u, v) = at[a], at[b]
        x, u, y = x + width / 2, u + width / 2, y + height
        middle = (v - y) / 2
        lines.append(
            f'<path d="M{x:.0f} {y:.0f}C{x:.0f} {y + middle:.0f} {u:.0f} {v - middle:.0f} '
            f'{u:.0f} {v:.0f}"/>'
        )
    for name, (x, y) in at.items():
        lines.append(f'<rect x="{x:.0f}" y="{y:.0f}" width="{width}" height="{height}" rx="5"/>')
        centre = x + width / 2
        lines.append(
            f'<text x="{centre:.0f}" y="{y + 17:.0f}" font-size="14" font-weight="bold">'
            f'{name}</text><text x="{centre:.0f}" y="{y + 32:.0f}" font-size="11">'
            f"{ROOMS[name]}</text>"
        )
    return "\n".join([*lines, "</svg>", ""])


if __name__ == "__main__":
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(picture(), encoding="utf-8")
