"""What an optimizer is.

A gradient optimizer rewrites the gradient g (P,) in place as the step to be added to the
parameters θ (P,).  A tuple of them is a chain, itself an optimizer: each link reads what
the one before it wrote.  Links that remember own rows of `Moments.rows`, handed out in
order by `at`.

Another kind, such as a filter, says how it learns a target (`adapt`), what it remembers
(`memory_of`, `reset`) and what else it needs; nobody outside asks which one it is.
"""

from functools import singledispatch
from math import isfinite
from typing import Annotated, Any, NamedTuple

from ..codegen.blas import dot
from ..codegen.dispatch import generic
from ..losses import slope
from ..numerics.linalg import zero
from ..numerics.trees import Int, Real, fields, walk


class Moments(NamedTuple):
    """The memory of a chain."""

    rows: Annotated[Real, "M P"]
    steps: Annotated[Int, "M"]  # updates seen by the link that owns the row
    clips: Annotated[Int, "1"]  # gradients that were clipped


class Descent(NamedTuple):
    """A chain needs no scratch of its own."""


@generic
def adapt(optimizer, model, state, work):
    """Learn the target work.y; returns False, with θ unchanged, if the step is not finite."""


@generic
def differentiate(model, state, work, e, g):
    """Write Σ_j e_j ∂o_j/∂θ (P,) into g; whether it is complete, that is, an update due.

    What is to be adapted registers it: see `engine.network`.
    """


@generic
def update(optimizer, theta, g, memory, at):
    """Rewrite g as the step to take; returns the first row the next link may use."""


@singledispatch
def slots(optimizer) -> int:
    """How many rows of memory a link needs."""
    return 0


@singledispatch
def makes_step(optimizer) -> bool:
    """Whether it ends a chain; one that does not only shapes what comes to the next."""
    return True


@singledispatch
def is_link(optimizer) -> bool:
    """Whether it works on gradients, in a chain."""
    return True


@singledispatch
def check_fit(optimizer, links, loss, gatherer) -> None:
    """Raise `ConfigError` if it cannot be used in the chain of *links*, or with the loss.

    *gatherer* is the learner, if it gathers the gradient of several records.
    """


@singledispatch
def chain_of(optimizer, links) -> Any:
    """What the chain of *links* is, of which *optimizer* is the first."""
    return links if is_link(links[-1]) else links[0]


@singledispatch
def memory_of(optimizer, sizes: dict[str, int], shapes: list[tuple[int, ...]], dtype) -> Any:
    """The `Field`s of its memory; *shapes* are those of the parameter arrays in θ."""
    sizes = sizes | {"M": sum(slots(link) for link in optimizer)}
    return fields(Moments, sizes, dtype)


@singledispatch
def scratch_of(optimizer) -> type:
    """The class of its scratch."""
    return Descent


@singledispatch
def reset(optimizer, memory) -> None:
    """Set the memory to that of a new one."""
    for _, array in walk(memory):
        array[...] = 0


@singledispatch
def enlarge(optimizer, memory, before) -> None:
    """Begin what a *memory* of zeros has more than *before*, whose values will be put into it.

    Of *before* only the shapes are looked at.
    """
    reset(optimizer, memory)


@singledispatch
def unsettle(optimizer, memory, share: float) -> None:
    """Be less sure of what was learned, by *share* of what it was not sure of at the start."""


@singledispatch
def reactions(optimizer) -> tuple[str, ...]:
    """What it can do when errors have grown: ``"noise"`` if `unsettle` does anything."""
    return ()


@singledispatch
def report(optimizer, memory) -> dict[str, int]:
    """Its counters by metric name."""
    return {"gradient_clips": int(memory.clips[0])}


@update.register
def end(optimizer: (), theta, g, memory, at):  # type: ignore[syntax]
    return at


@update.register
def chain(optimizer: tuple, theta, g, memory, at):
    return update(optimizer[1:], theta, g, memory, update(optimizer[0], theta, g, memory, at))


@adapt.register
def descend(optimizer: tuple, model, state, work):
    """θ ← θ + chain(∂L/∂θ), when the learner says that an update is due."""
    slope(model.loss, work.y, work.o, work.p, work.e)
    g = state.gradient
    if not differentiate(model, state, work, work.e, g):
        return True
    update(optimizer, state.theta, g, state.memory, 0)
    if not isfinite(dot(g, g)):
        zero(g)
        return False
    for i in range(g.size):
        state.theta[i] += g[i]
        g[i] = 0
    return True
