"""A model: what is composed, and which compositions make sense."""

from typing import Any, NamedTuple

from ..cells import CELLS, Dropout, Jordan, Stack
from ..errors import ConfigError
from ..learners import LEARNERS, RTRL, TBPTT, BlockRTRL, StackRTRL
from ..losses import LOSSES, Absolute, Quantile, is_regression
from ..optimizers import OPTIMIZERS, Clip, Decay, Kalman
from .auto import fastest_exact
from .scale import Standard, Unscaled


class Model(NamedTuple):
    """The specs of a network and of its learning; their types select the compiled code."""

    cells: tuple
    learner: Any
    optimizer: Any  # a Kalman, or a tuple of links
    loss: Any
    input_scale: Any
    target_scale: Any


def compose(cell, learner, optimizer, loss, scale: bool = True) -> Model:
    """Check and assemble; raises `ConfigError` that names what does not go together."""
    cells = tuple(typed_cell(c) for c in _members(cell))
    if not cells:
        raise ConfigError("cell: an empty stack; give at least one cell, e.g. LSTM(16)")
    for c in cells:
        if c.units < 1:
            raise ConfigError(f"units: {c.units} in {c}; a cell needs at least one unit")
    check_cells(cells)
    if isinstance(learner, str) and learner == "auto":
        learner = RTRL() if getattr(cell, "exact", False) else fastest_exact(cells)
    learner = through_stack(typed(learner, LEARNERS, "learner"), cell)
    loss = typed(loss, LOSSES, "loss")
    links = tuple(typed(link, OPTIMIZERS, "optimizer") for link in _members(optimizer))
    check_learner(learner)
    check_stack(learner, cells)
    check_optimizer(links, learner, loss)
    inputs = Standard() if scale else Unscaled()
    targets = Standard() if scale and is_regression(loss) else Unscaled()
    kalman = isinstance(links[0], Kalman)
    return Model(cells, learner, links[0] if kalman else links, loss, inputs, targets)


def typed_cell(cell):
    """A cell, perhaps inside Dropout, with its numbers in their declared types."""
    cell = typed(cell, CELLS, "cell")
    return cell._replace(cell=typed_cell(cell.cell)) if isinstance(cell, Dropout) else cell


def check_cells(cells) -> None:
    """Raise `ConfigError` for cells that cannot be where they are."""
    for cell in cells:
        if isinstance(cell, Dropout) and not 0 <= cell.rate < 1:
            raise ConfigError(f"rate: {cell.rate}; Dropout leaves out 0 ≤ rate < 1 of the units")
        if isinstance(cell, Dropout) and isinstance(cell.cell, Dropout):
            raise ConfigError(f"cell: {cell} drops twice; use one Dropout with a higher rate")
    for cell in cells[:-1]:
        if isinstance(getattr(cell, "cell", cell), Jordan):
            raise ConfigError(
                f"cell: {cell} below another; Jordan feeds back the network's output, so it "
                "is the last cell of a stack"
            )


def through_stack(learner, cell):
    """The learner that is exact across layers, where the stack asks for it."""
    if isinstance(learner, StackRTRL) and len(_members(cell)) == 1:
        return RTRL()  # the same, without layers to pass through
    if not isinstance(cell, Stack) or not cell.exact or isinstance(learner, StackRTRL | TBPTT):
        return learner
    if isinstance(learner, RTRL):
        return StackRTRL()
    raise ConfigError(
        f"exact: {type(learner).__name__} knows no influence across layers; in a stack with "
        "exact=True use RTRL, or TBPTT, which propagates through layers in any case"
    )


def check_stack(learner, cells) -> None:
    """Raise `ConfigError` for layers that `StackRTRL` cannot follow."""
    if isinstance(learner, StackRTRL) and isinstance(getattr(cells[-1], "cell", cells[-1]), Jordan):
        raise ConfigError(
            f"cell: Jordan in {cells}, whose parameters are not those that StackRTRL follows; "
            "use TBPTT, which is exact across layers within its window"
        )
    if isinstance(learner, StackRTRL) and any(isinstance(c, Dropout) for c in cells[:-1]):
        raise ConfigError(
            f"cell: Dropout between layers of {cells} is not for StackRTRL, whose influence "
            "passes through what is handed upward; use it in the last layer, or TBPTT"
        )


def check_learner(learner) -> None:
    """Raise `ConfigError` for settings of a learner that contradict each other."""
    if isinstance(learner, BlockRTRL) and learner.block is not None and learner.block < 1:
        raise ConfigError(f"block: {learner.block}; a block holds 1 or more records, or None")
    if isinstance(learner, TBPTT):
        if learner.every < 1:
            raise ConfigError(f"every: {learner.every}; TBPTT updates every 1 or more records")
        if learner.window < learner.every:
            raise ConfigError(
                f"window: {learner.window} is shorter than every = {learner.every}; "
                "losses would fall out of the window before they are learned"
            )


def check_optimizer(links, learner, loss) -> None:
    """Raise `ConfigError` for a chain without one step at its end, or a step that does not fit."""
    steps = [link for link in links if not isinstance(link, Clip | Decay)]
    if len(steps) != 1 or links[-1] is not steps[0]:
        raise ConfigError(
            f"optimizer: {links}; a chain is any number of Clip and Decay followed by one "
            "optimizer that makes the step, e.g. (Clip(1.0), Adam(1e-3))"
        )
    if isinstance(steps[0], Kalman):
        if len(links) > 1:
            raise ConfigError(
                "optimizer: Kalman takes no Clip or Decay before it, for it follows "
                "derivatives of the prediction, not of the loss; use Kalman() alone, and "
                "Huber as the loss to bound an outlier's influence"
            )
        if isinstance(loss, Absolute | Quantile):
            raise ConfigError(
                f"loss: {type(loss).__name__} has no likelihood that Kalman could filter "
                "with; use Squared or Huber, or Adam as the optimizer"
            )
        if isinstance(learner, TBPTT) and learner.every > 1:
            raise ConfigError(
                f"every: {learner.every}; Kalman learns from each record, so use "
                "TBPTT(window, every=1) or another optimizer"
            )


def typed(spec, registry: dict[str, type], role: str):
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


def _members(spec) -> tuple:
    """A plain tuple is several specs, a NamedTuple is one."""
    return tuple(spec) if type(spec) in (tuple, list, Stack) else (spec,)
