"""A model: what is composed, and which compositions make sense."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..cells import CELLS
from ..cells.base import reads_output
from ..errors import ConfigError, check
from ..learners import LEARNERS, RTRL
from ..learners.base import across_layers, check_layers, gathers, in_one_layer
from ..losses import LOSSES, is_regression
from ..optimizers import OPTIMIZERS
from ..optimizers.base import chain_of, check_fit, makes_step
from .auto import fastest_exact
from .scale import Standard, Unscaled


class Model(NamedTuple):
    """The specs of a network and of its learning; their types select the compiled code."""

    cells: tuple
    learner: Any
    optimizer: Any  # a tuple of links, or what is none
    loss: Any
    input_scale: Any
    target_scale: Any


def compose(cell, learner, optimizer, loss, scale: bool = True) -> Model:
    """Check and assemble; raises `ConfigError` that names what does not go together."""
    cells = tuple(typed_cell(c) for c in parts(cell))
    if not cells:
        raise ConfigError("cell: an empty stack; give at least one cell, e.g. LSTM(16)")
    check_cells(cells)
    if isinstance(learner, str) and learner == "auto":
        learner = RTRL() if getattr(cell, "exact", False) else fastest_exact(cells)
    exact = len(cells) > 1 and getattr(cell, "exact", False)
    learner = fit_learner(typed(learner, LEARNERS, "learner"), cells, exact)
    loss = typed(loss, LOSSES, "loss")
    check(loss)
    links = tuple(typed(link, OPTIMIZERS, "optimizer") for link in parts(optimizer))
    check_optimizer(links, learner, loss)
    inputs = Standard() if scale else Unscaled()
    targets = Standard() if scale and is_regression(loss) else Unscaled()
    return Model(cells, learner, chain_of(links[0], links), loss, inputs, targets)


def typed_cell(cell):
    """A cell, perhaps inside another, with its numbers in their declared types."""
    cell = typed(cell, CELLS, "cell")
    return cell._replace(cell=typed_cell(cell.cell)) if hasattr(cell, "cell") else cell


def check_cells(cells) -> None:
    """Raise `ConfigError` for cells that cannot be where they are."""
    for cell in cells:
        if cell.units < 1:
            raise ConfigError(f"units: {cell.units} in {cell}; a cell needs at least one unit")
        check(cell)
    for cell in cells[:-1]:
        if reads_output(cell):
            raise ConfigError(
                f"cell: {cell} below another; {type(cell).__name__} feeds back the network's "
                "output, so it is the last cell of a stack"
            )


def fit_learner(learner, cells, exact: bool):
    """The learner for these layers; raises `ConfigError` if it cannot follow them."""
    if len(cells) == 1:
        learner = in_one_layer(learner)
    if exact:
        learner = across_layers(learner)
    check(learner)
    check_layers(learner, cells)
    return learner


def check_optimizer(links, learner, loss) -> None:
    """Raise `ConfigError` for a chain without one step at its end, or a step that does not fit."""
    steps = [link for link in links if makes_step(link)]
    if len(steps) != 1 or links[-1] is not steps[0]:
        raise ConfigError(
            f"optimizer: {links}; a chain is any number of Clip, ClipValue and Decay, perhaps "
            "behind an Average, followed by one optimizer that makes the step, e.g. "
            "(Clip(1.0), Adam(1e-3))"
        )
    for link in links:
        check(link)
        check_fit(link, links, loss, learner if gathers(learner) else None)


def typed(spec: Any, registry: Mapping[str, type], role: str) -> Any:
    """The spec with its numbers in their declared types: Huber(1) is Huber(1.0)."""
    if isinstance(spec, type):
        spec = spec()
    others = [
        t for r in (CELLS, LEARNERS, OPTIMIZERS, LOSSES) if r is not registry for t in r.values()
    ]
    if type(spec) in others or not hasattr(type(spec), "_fields"):
        names = ", ".join(registry)
        raise ConfigError(f"{role}: {spec!r} is not a {role}; choose one of {names}")
    hints = type(spec).__annotations__
    return spec._replace(
        **{f: float(v) for f, v in spec._asdict().items() if hints.get(f) is float}
    )


def parts(spec: Any) -> tuple:
    """The specs of a tuple, list or `Stack`; a NamedTuple is one spec."""
    several = isinstance(spec, tuple | list) and not hasattr(spec, "_fields")
    return tuple(spec) if several else (spec,)
