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

from ..codegen.blas import matvec
from ..codegen.dispatch import generic, kernel
from ..errors import ConfigError


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


def observe_by_trace(learner, W, s_, trace, work, below):
    """`observe` of a learner whose kinds of trace say it all."""
    carry_over(trace, W, work)


def gradient_by_trace(learner, W, trace, work, lam, g):
    """`gradient` of such a learner: complete at every record."""
    project(trace, W, work, lam, g)
    return True


@singledispatch
def trace_of(learner, sizes: dict[str, int]) -> type:
    """The class of the learner's trace; may add its own *sizes*."""
    raise TypeError(f"{learner!r} is not a learner; they are in stream_rnn.learners.LEARNERS")


@singledispatch
def work_of(learner, sizes: dict[str, int]) -> type:
    """The class of the learner's scratch arrays."""
    raise TypeError(f"{learner!r} is not a learner; they are in stream_rnn.learners.LEARNERS")


@singledispatch
def gathers(learner) -> bool:
    """Whether the gradient of several records is gathered before an update."""
    return False


@singledispatch
def across_layers(learner):
    """The learner to take in its place where a stack is to be exact across its layers."""
    raise ConfigError(
        f"exact: {type(learner).__name__} knows no influence across layers; in a stack with "
        "exact=True use RTRL, or TBPTT, which propagates through layers in any case"
    )


@singledispatch
def in_one_layer(learner):
    """The learner to take in its place where there is one layer only."""
    return learner


@singledispatch
def check_layers(learner, cells) -> None:
    """Raise `ConfigError` for layers that the learner cannot follow."""


__all__ = [
    "across_layers",
    "carry_over",
    "check_layers",
    "gathers",
    "gradient",
    "gradient_by_trace",
    "in_one_layer",
    "kernel",
    "observe",
    "observe_by_trace",
    "pass_down",
    "pass_down_now",
    "project",
    "trace_of",
    "work_of",
]
