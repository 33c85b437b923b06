"""What a learner is: how the gradient of a loss reaches the recurrent parameters.

For every layer the network calls, in this order and once a record,

    observe(learner, W, s_, trace, work, below)
                                              after the cell was activated: carry the
                                              derivatives over to the new state; *below* is
                                              the trace of the layer below, or ()
    gradient(learner, W, trace, work, lam, g) whenever a derivative is wanted:
                                              write Σᵢ λᵢ ∂h[i]/∂W into g (Z, G, H)
    pass_down(learner, W, above, below, due)  between the gradients of two layers: write
                                              the λ of the lower one

`work` holds z, a, A, B of the record (see `cells.base`); λ = lam (H,) = ∂L/∂h.  `trace` is
the learner's memory of the past, a NamedTuple of arrays that is part of the state.
`gradient` leaves the trace as it is, unless the learner gathers several losses (`TBPTT`
with every > 1).  It returns whether g is complete, that is, whether an update is due.
"""

from functools import singledispatch
from typing import NamedTuple

from ..codegen.blas import matvec
from ..codegen.dispatch import compiled, generic, kernel


@generic
def observe(learner, W, s_, trace, work, below):
    """Carry the influence of the parameters on the state through one step."""


@generic
def gradient(learner, W, trace, work, lam, g):
    """Write dL/dW (Z, G, H) into g; returns whether an update is due."""


@generic
def pass_down(learner, W, above, below, due):
    """λ of the layer *below* from that *above*, whose parameters are W; both `LayerWork`.

    *due* says whether the gradient of the layer above is complete.
    """


def pass_down_now(learner, W, above, below, due):
    """λ'[j] = Σ_{g,i} W[J+1+j,g,i] A[0,g,i] λ[i]: what this instant's input does."""
    G, H = above.a.shape
    J, lam, through = above.back.size, below.lam, above.a  # the pre-activations have been used
    for g in range(G):
        for i in range(H):
            through[g, i] = above.A[0, g, i] * above.lam[i]
    rows = W[J + 1 : J + 1 + lam.size].reshape(lam.size, G * H)
    matvec(rows, through.reshape(G * H), lam, 0.0)
    for j in range(lam.size):
        lam[j] *= 1 - below.shed[j]


@generic
def carry_over(trace, W, work):
    """`observe` for a kind of trace: exact learners keep less where the cell allows it."""


@generic
def project(trace, W, work, lam, g):
    """`gradient` for a kind of trace."""


@singledispatch
def trace_axes(learner, dims: dict[str, int]) -> NamedTuple:
    """The learner's trace as a NamedTuple of `Axes`; may add its own sizes to *dims*."""
    raise TypeError(f"{learner!r} is not a learner; they are in stream_rnn.learners.LEARNERS")


@singledispatch
def work_axes(learner, dims: dict[str, int]) -> NamedTuple:
    """The learner's scratch arrays as a NamedTuple of `Axes`."""
    raise TypeError(f"{learner!r} is not a learner; they are in stream_rnn.learners.LEARNERS")


__all__ = [
    "carry_over",
    "compiled",
    "gradient",
    "kernel",
    "observe",
    "pass_down",
    "pass_down_now",
    "project",
    "trace_axes",
    "work_axes",
]
