"""The rooms of the package: who may import whom, read from the sources.

A room imports only from rooms before it in `ROOMS`.  Imports for types alone do not count, for
they do not run.
"""

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

#: From the ground up; what stands in one line may not import each other.
ROOMS = (
    "errors",
    "plugins",
    "codegen",
    "numerics",
    "specs",
    "keys",
    "cells",
    "losses",
    "learners",
    "optimizers",
    "features",
    "engine",
    "drift",
    "forecasting",
    "text",
    "novelty",
    "mixtures",
    "rows",
    "checkpoints",
    "estimators",
    "service",
    "metrics",
    "evaluation",
    "tools",
    "config",
    "assembly",
    "web",
    "cli",
)
LOOSE = {
    "__init__",
    "__main__",
    "errors",
    "losses",
    "plugins",
    "specs",
    "rows",
}  # modules beside the rooms
LEVELS = 12  # of rooms that stand on each other


@cache
def modules() -> dict[str, Path]:
    """Every module of the two packages by name."""
    found = {}
    for top in ("stream_rnn", "connectors"):
        for path in sorted((ROOT / top).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def at_run_time(tree: ast.AST):
    """All nodes but those under ``if TYPE_CHECKING``."""
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
    """(importing, imported) rooms, the entry points of the package left out."""
    names = [m for m in modules() if m.startswith("stream_rnn.") and not m.endswith("__main__")]
    pairs = {(room(a), room(b)) for a in names for b in imports(a) if b.startswith("stream_rnn.")}
    return {(a, b) for a, b in pairs if a != b}


def circles(graph: dict[str, frozenset[str]]) -> list[list[str]]:
    """Groups of modules that reach each other (Tarjan 1972)."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        order[name] = low[name] = len(order)
        stack.append(name)
        for other in graph[name]:
            if other not in order:
                visit(other)
            if other in stack:
                low[name] = min(low[name], low[other])
        if low[name] == order[name]:
            group = stack[stack.index(name) :]
            del stack[stack.index(name) :]
            if len(group) > 1:
                found.append(group)

    for name in graph:
        if name not in order:
            visit(name)
    return found


def test_every_room_is_known():
    inside = {room(m) for m in modules() if m.count(".") and m.startswith("stream_rnn.")}
    assert inside - set(ROOMS) <= {"__main__"}


def test_no_module_lies_loose():
    loose = {path.stem for path in (ROOT / "stream_rnn").glob("*.py")}
    assert loose <= LOOSE


def test_a_room_imports_from_rooms_before_it_only():
    upward = [
        f"{name} imports {other}"
        for name in modules()
        for other in imports(name)
        if name.startswith("stream_rnn.") and other.startswith("stream_rnn.")
        if room(name) in ROOMS and ROOMS.index(room(other)) > ROOMS.index(room(name))
    ]
    assert upward == []


def test_the_rooms_stand_on_few_levels():
    level: dict[str, int] = {}
    below = arrows()
    for name in ROOMS:
        level[name] = 1 + max((level[b] for a, b in below if a == name), default=0)
    assert max(level.values()) <= LEVELS, level


def test_connectors_know_nothing_of_learning():
    assert [
        m for m in modules() if m.startswith("connectors") for i in imports(m) if "rnn" in i
    ] == []


def test_no_module_imports_itself_by_others():
    names = {m: imports(m) for m in modules() if m != "stream_rnn"}
    graph = {m: frozenset(i for i in others if i in names) for m, others in names.items()}
    assert circles(graph) == []


@pytest.mark.parametrize("name", ["engine", "learners", "optimizers", "codegen"])
def test_the_engine_names_no_cell(name):
    """Composition is by dispatch: what runs a network does not know which cells there are."""
    by_name = [m for m in modules() if room(m) == name for i in imports(m) if "cells.lstm" in i]
    assert by_name == []
