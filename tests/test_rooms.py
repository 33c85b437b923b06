"""The rooms of the package: who may import whom, read from the sources."""

import ast
import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
#: Modules beside the rooms; docs/architecture.md says why.
LOOSE = {"__init__", "__main__", "errors", "losses", "plugins", "rows", "specs"}
LEVELS = 12  # of rooms that stand on each other
FILE_LINES, FUNCTION_LINES = 380, 60

spec = importlib.util.spec_from_file_location("rooms", ROOT / "docs" / "rooms.py")
rooms = importlib.util.module_from_spec(spec)
spec.loader.exec_module(rooms)
OURS = [name for name in rooms.modules() if name.startswith("stream_rnn.")]
ALL = list(rooms.modules().items())
ORDER = list(rooms.ROOMS)


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


def test_circles_are_found():
    graph = {"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}
    assert [sorted(group) for group in circles(graph)] == [["b", "c"]]


def test_every_room_is_known():
    assert {rooms.room(name) for name in OURS} - set(ORDER) == {"__main__"}


def test_no_module_lies_loose():
    loose = {path.stem for path in (ROOT / "stream_rnn").glob("*.py")}
    assert loose <= LOOSE


def test_a_room_imports_from_rooms_before_it_only():
    upward = [
        f"{name} imports {other}"
        for name in OURS
        for other in rooms.imports(name)
        if other.startswith("stream_rnn.") and rooms.room(name) in ORDER
        if ORDER.index(rooms.room(other)) > ORDER.index(rooms.room(name))
    ]
    assert upward == []


def test_the_rooms_stand_on_few_levels():
    assert max(rooms.levels().values()) <= LEVELS, rooms.levels()


def test_connectors_know_nothing_of_learning():
    own = [name for name in rooms.modules() if name.startswith("connectors")]
    assert len(own) > 30
    assert [n for n in own if any(i.startswith("stream_rnn") for i in rooms.imports(n))] == []


def test_no_module_imports_itself_by_others():
    names = {m: rooms.imports(m) for m in rooms.modules() if m != "stream_rnn"}
    graph = {m: frozenset(i for i in others if i in names) for m, others in names.items()}
    assert circles(graph) == []


@pytest.mark.parametrize("name", ["learners", "optimizers", "codegen", "numerics"])
def test_composition_is_by_dispatch(name):
    """What learns does not know which cells there are."""
    cells = {m for m in OURS if rooms.room(m) == "cells"} - {"stream_rnn.cells.base"}
    named = [m for m in OURS if rooms.room(m) == name and rooms.imports(m) & cells]
    assert named == []


#: Whose NamedTuples are specs, or parts of a state chosen by a spec.
SPEC_ROOMS = {"cells", "learners", "losses", "optimizers", "engine", "drift"}
SPEC_ROOMS |= {"forecasting", "text", "novelty", "mixtures", "sequences"}


def tree_of(name: str) -> ast.Module:
    return ast.parse(rooms.modules()[name].read_text(encoding="utf-8"))


def specs() -> dict[str, set[str]]:
    """The modules in which each spec's class is defined."""
    found: dict[str, set[str]] = {}
    for name in OURS:
        if rooms.room(name) not in SPEC_ROOMS:
            continue
        for node in ast.walk(tree_of(name)):
            bases = [ast.unparse(base) for base in getattr(node, "bases", [])]
            if "NamedTuple" in bases or "tuple" in bases:
                found.setdefault(node.name, set()).add(name)
    return found


def asked_for(tree: ast.AST) -> Iterator[ast.AST]:
    """What follows an `isinstance`, a comparison of ``type(…)``, or ``case Class(…)``."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="isinstance" | "issubclass"), args=[_, kinds]):
                yield kinds
            case ast.Compare(left=ast.Call(func=ast.Name(id="type")), comparators=kinds):
                yield from kinds
            case ast.Subscript(value=table, slice=ast.Call(func=ast.Name(id="type"))):
                yield table
            case ast.MatchClass(cls=kind):
                yield kind


def named(tree: ast.AST) -> set[str]:
    nodes = list(ast.walk(tree))
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    return names | {node.attr for node in nodes if isinstance(node, ast.Attribute)}


def test_questions_after_a_class_are_found():
    code = "isinstance(a, m.GRU | LSTM); type(b) in (Kalman,); {SGD: 1}[type(c)]\n"
    code += "match d:\n    case Adam(): pass"
    asked = set().union(*map(named, asked_for(ast.parse(code))))
    assert {"GRU", "LSTM", "Kalman", "SGD", "Adam"} <= asked


def test_nobody_asks_which_spec_it_is_but_the_specs_own_file():
    """What depends on the kind of a spec is a function that each kind registers."""
    where = specs()
    assert {"LSTM", "Stack", "Kalman", "TBPTT", "EngineSpec", "Given"} <= where.keys()
    asking = [
        f"{name} asks for {kind}"
        for name in OURS
        for kinds in asked_for(tree_of(name))
        for kind in named(kinds) & where.keys()
        if name not in where[kind]
    ]
    assert asking == []


def test_the_picture_is_of_these_imports():
    assert rooms.PICTURE.read_text(encoding="utf-8") == rooms.picture(), "run python docs/rooms.py"


def lines_of(node: ast.FunctionDef) -> int:
    """Lines of a function's body; its parameters and docstring are for its users."""
    body = node.body[1:] if ast.get_docstring(node) else node.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def test_files_and_functions_are_short():
    """A file is one idea, a function one screen."""
    files = {name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in ALL}
    assert {name: lines for name, lines in files.items() if lines > FILE_LINES} == {}
    functions = {
        f"{name}.{node.name}": lines_of(node)
        for name, _ in ALL
        for node in ast.walk(tree_of(name))
        if isinstance(node, ast.FunctionDef)
    }
    assert {name: lines for name, lines in functions.items() if lines > FUNCTION_LINES} == {}
