"""The network: a stack of recurrent layers and a linear readout, forwards and backwards.

With parameters θ = [W₀, W₁, …, V] in one vector, for input x of a record:

    z = [h₋, 1, x] or [1, x],  a = zᵀW,  s = φ(a, s₋)    for each layer, x being the u below
    r = [u, 1] or [u, 1, x],  o = rᵀV,  p = link(o)                              (1)

u = h unless some of it is left out (`Dropout`).

For a loss with e = ∂L/∂o:

    ∂L/∂V = r ⊗ e,  λ = V[:H] e (1 − shed) = ∂L/∂h  of the uppermost layer       (2)

Each layer's learner turns its λ into ∂L/∂W, and says what λ the layer below gets.  (3)
"""

from typing import Annotated, Any, NamedTuple

from ..cells.base import activate, drop, make_weights, mask, parameter_count, take_back
from ..codegen.blas import matvec
from ..codegen.dispatch import generic, kernel
from ..learners.base import gradient, observe, pass_down
from ..losses import link
from ..numerics.linalg import combine_rows, copy
from ..numerics.trees import Real
from ..optimizers.base import differentiate
from .model import Model


class Layer(NamedTuple):
    """The state of a layer."""

    s: Annotated[Real, "K H"]
    trace: Any  # the learner's
    memory: Any  # the cell's, beside s


class LayerWork(NamedTuple):
    """What one record brings forth in a layer; scratch, not state."""

    z: Annotated[Real, "Z"]
    a: Annotated[Real, "G H"]
    s: Annotated[Real, "K H"]
    A: Annotated[Real, "K G H"]
    B: Annotated[Real, "K K H"]
    lam: Annotated[Real, "H"]
    back: Annotated[Real, "J"]  # J the recurrent rows of W: H, or 0 in a diagonal cell
    shed: Annotated[Real, "H"]  # u = (1 − shed) h is what the layer hands upward
    u: Annotated[Real, "H"]
    W: Annotated[Real, "W"]  # where the cell makes it, else empty: W is in θ
    g: Annotated[Real, "W"]  # dL/dW
    cell: Any
    learner: Any


class Work(NamedTuple):
    """What one record brings forth in the network; scratch, not state."""

    layers: tuple[LayerWork, ...]
    x: Annotated[Real, "m"]  # standardised input
    y: Annotated[Real, "O"]  # target in standard units
    r: Annotated[Real, "R"]
    o: Annotated[Real, "O"]
    p: Annotated[Real, "O"]
    e: Annotated[Real, "O"]
    optimizer: Any


@kernel
def forward(model, state, work):
    """Eq. (1) for the input work.x; the state is read, not changed."""
    evaluate(model, state.theta, state.layers, work)


@kernel
def evaluate(model, theta, layers, work):
    """Eq. (1) by the parameters *theta* (P,)."""
    at = ascend(model.cells, layers, work.layers, theta, 0, work.x)
    u = work.layers[-1].u
    copy(u, work.r[: u.size])
    work.r[u.size] = 1
    skip = work.r[u.size + 1 :]
    copy(work.x, skip)
    V = theta[at : at + work.r.size * work.o.size].reshape(work.r.size, work.o.size)
    combine_rows(work.r, V, work.o)
    link(model.loss, work.o, work.p)


@generic
def ascend(cells, layers, works, theta, at, x):
    """Evaluate the layers from the input up; returns where V begins in θ."""


@ascend.register
def ascended(cells: (), layers, works, theta, at, x):  # type: ignore[syntax]
    return at


@ascend.register
def ascend_layer(cells: tuple, layers, works, theta, at, x):
    layer, work = layers[0], works[0]
    make_weights(work.cell, theta, at, work)
    G, H = work.a.shape
    Z, J = work.z.size, work.back.size
    W = theta[at : at + Z * G * H] if work.W.size == 0 else work.W
    copy(layer.s[0], work.z[:J])
    work.z[J] = 1
    copy(x, work.z[J + 1 :])
    combine_rows(work.z, W.reshape(Z, G * H), work.a.reshape(G * H))
    activate(cells[0], work.a, layer.s, work.s, work.A, work.B)
    for i in range(work.u.size):
        work.u[i] = (1 - work.shed[i]) * work.s[0, i]
    above = at + parameter_count(work.cell, work)
    return ascend(cells[1:], layers[1:], works[1:], theta, above, work.u)


@generic
def draw_dropout(cells, layers, works, learning):
    """Have every layer choose what it hands upward; whether any of them leaves some out."""


@draw_dropout.register
def scattered(cells: (), layers, works, learning):  # type: ignore[syntax]
    return False


@draw_dropout.register
def scatter_layer(cells: tuple, layers, works, learning):
    here = drop(layers[0].memory, cells[0], works[0], learning)
    above = draw_dropout(cells[1:], layers[1:], works[1:], learning)
    return here or above


@generic
def advance(cells, learner, layers, works, theta, at, below):
    """Carry every layer's trace and state over to this record, from the input up."""


@advance.register
def advanced(cells: (), learner, layers, works, theta, at, below):  # type: ignore[syntax]
    pass


@advance.register
def advance_layer(cells: tuple, learner, layers, works, theta, at, below):
    layer, work = layers[0], works[0]
    Z = work.z.size
    G, H = work.a.shape
    W = theta[at : at + Z * G * H] if work.W.size == 0 else work.W
    observe(learner, W.reshape(Z, G, H), layer.s, layer.trace, work, below)
    copy(work.s.reshape(work.s.size), layer.s.reshape(work.s.size))
    above = at + parameter_count(work.cell, work)
    advance(cells[1:], learner, layers[1:], works[1:], theta, above, layer.trace)


@kernel
def backward(model, state, work, e, g):
    """Write ∂L/∂θ (P,) for e = ∂L/∂o into g: equations (2) and (3).

    Returns whether the learner's part is complete; the readout's part is added to what
    g holds when it was not complete on the record before.
    """
    O = work.o.size
    at = g.size - work.r.size * O
    V = state.theta[at:].reshape(work.r.size, O)
    lam, shed = work.layers[-1].lam, work.layers[-1].shed
    matvec(V[: lam.size], e, lam, 0.0)
    for i in range(lam.size):
        lam[i] *= 1 - shed[i]
    for i in range(work.r.size):
        for j in range(O):
            g[at + i * O + j] += work.r[i] * e[j]
    return descend(model.cells, model.learner, state.layers, work.layers, state.theta, 0, g)


@differentiate.register
def of_a_network(model: Model, state, work, e, g):
    return backward(model, state, work, e, g)


@generic
def descend(cells, learner, layers, works, theta, at, g):
    """Gradients of the layers from the top down; λ of the uppermost is in its scratch."""


@descend.register
def descended(cells: (), learner, layers, works, theta, at, g):  # type: ignore[syntax]
    return True


@descend.register
def descend_layer(cells: tuple, learner, layers, works, theta, at, g):
    work = works[0]
    Z = work.z.size
    G, H = work.a.shape
    above = at + parameter_count(work.cell, work)
    due = descend(cells[1:], learner, layers[1:], works[1:], theta, above, g)
    hand_down(works[1:], learner, theta, above, work, due)
    make_weights(work.cell, theta, at, work)
    W = theta[at : at + Z * G * H] if work.W.size == 0 else work.W
    part = (g[at : at + Z * G * H] if work.W.size == 0 else work.g).reshape(Z, G, H)
    due = gradient(learner, W.reshape(Z, G, H), layers[0].trace, work, work.lam, part)
    mask(cells[0], part)
    if due:
        take_back(work.cell, at, work, g)
    return due


@generic
def hand_down(above, learner, theta, at, below, due):
    """Eq. (3): write the λ of a layer from the layers above it, if there are any."""


@hand_down.register
def hand_down_nothing(above: (), learner, theta, at, below, due):  # type: ignore[syntax]
    pass


@hand_down.register
def hand_down_layer(above: tuple, learner, theta, at, below, due):
    work = above[0]
    G, H = work.a.shape
    Z = work.z.size
    W = theta[at : at + Z * G * H] if work.W.size == 0 else work.W
    pass_down(learner, W.reshape(Z, G, H), work, below, due)
