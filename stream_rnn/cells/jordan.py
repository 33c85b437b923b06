"""The network whose output is fed back (Jordan 1986)."""

from typing import Annotated, NamedTuple

from ..numerics.activations import ReLU, Tanh
from ..numerics.linalg import copy, zero
from ..numerics.trees import Real
from . import base, elman


class Jordan(NamedTuple):
    """Hidden units read the network's last output instead of each other.

    With readout V (R, O), of which the rows V[:H+1] read [h, 1], and feedback weights
    F (O, G, H):

        y₋ = [h₋, 1] V[:H+1],   a = Σ_o y₋[o] F[o] + [1, x] W,   h = f(a)        (1)

    y₋ is the output before the link, in standard units and without the part of ``skip``,
    as the present readout makes it.  A learner sees the Elman network that this is, with

        W̃ = [V[:H] F;  W[0] + V[H] F;  W[1:]],                                   (2)

    and its gradient g̃ goes on by the chain rule, so that it is as exact as the learner:

        dL/dF = V[:H]ᵀ g̃[:H] + V[H] ⊗ g̃[H],   dL/dW = g̃[H:],
        dL/dV[:H] += g̃[:H] Fᵀ,   dL/dV[H] += g̃[H] Fᵀ                             (3)

    The uppermost layer of a stack only.

    >>> from stream_rnn import Jordan, RecurrentRegressor
    >>> model = RecurrentRegressor(cell=Jordan(units=6), skip=False, seed=1)
    >>> y = 0.0
    >>> for t in range(400):  # the target remembers itself
    ...     y = 0.5 * y + t % 2
    ...     model.learn_one({"x": t % 2}, y)
    >>> abs(model.predict_one({"x": 0}) - y / 2) < 0.1
    True
    """

    units: int = 16
    activation: Tanh | ReLU = Tanh()


class Feedback(NamedTuple):
    """Scratch: copies of the two factors."""

    F: Annotated[Real, "O G H"]
    V: Annotated[Real, "R O"]


@base.reads_output.register
def _(cell: Jordan):
    return True


@base.sizes.register
def _(cell: Jordan):
    return 1, 1


@base.parameter_shapes.register
def _(cell: Jordan, dims):
    G, H = dims["G"], dims["H"]
    return [(1 + dims["D"], G, H), (dims["O"], G, H)]


@base.product_size.register
def _(cell: Jordan, dims):
    return dims["Z"] * dims["G"] * dims["H"]


@base.scratch_of.register
def _(cell: Jordan):
    return Feedback


@base.initialise.register
def _(cell: Jordan, rng, W, F):
    base.draw_inputs(rng, W[1:], cell.activation.gain / 2)
    base.draw_inputs(rng, F, cell.activation.gain / 2)


base.activate.register(elman.activate, Jordan)
base.mask.register(elman.mask, Jordan)


@base.parameter_count.register
def parameter_count(scratch: Feedback, work):
    return work.W.size + scratch.F.size - work.back.size * work.a.size


@base.make_weights.register
def make_weights(scratch: Feedback, theta, at, work):
    F, V = scratch.F, scratch.V
    O, G, H = F.shape
    own = work.W.size - H * G * H
    W = work.W.reshape(work.z.size, G, H)  # W[H:] is W of Eq. (1)
    copy(theta[at : at + own], W[H:].reshape(own))
    copy(theta[at + own : at + own + F.size], F.reshape(F.size))
    copy(theta[theta.size - V.size :], V.reshape(V.size))
    zero(W[:H].reshape(H * G * H))
    for c in range(H + 1):
        for o in range(O):
            for g in range(G):
                for i in range(H):
                    W[c, g, i] += V[c, o] * F[o, g, i]


@base.take_back.register
def take_back(scratch: Feedback, at, work, g):
    F, V = scratch.F, scratch.V
    O, G, H = F.shape
    own = work.g.size - H * G * H
    effective = work.g.reshape(work.z.size, G, H)
    copy(effective[H:].reshape(own), g[at : at + own])
    by_F = g[at + own : at + own + F.size].reshape(O, G, H)
    by_V = g[g.size - V.size :].reshape(V.shape)
    for o in range(O):
        for gate in range(G):
            for i in range(H):
                by_F[o, gate, i] = 0
                for c in range(H + 1):
                    by_F[o, gate, i] += V[c, o] * effective[c, gate, i]
                    by_V[c, o] += effective[c, gate, i] * F[o, gate, i]
