"""The gradient through this instant alone."""

from typing import NamedTuple

from stream_rnn.learners import base


class Instant(NamedTuple):
    """dL/dW[c,g,i] = λ_i A[0,g,i] z[c]: nothing is remembered."""


class Nothing(NamedTuple):
    """Neither a trace nor scratch."""


@base.trace_of.register
def _(learner: Instant, sizes):
    return Nothing


@base.work_of.register
def _(learner: Instant, sizes):
    return Nothing


base.pass_down.register(base.pass_down_now, Instant)


@base.observe.register
def observe(learner: Instant, W, s_, trace, work, below):
    pass


@base.gradient.register
def gradient(learner: Instant, W, trace, work, lam, g):
    Z, G, H = g.shape
    for c in range(Z):
        for k in range(G):
            for i in range(H):
                g[c, k, i] = lam[i] * work.A[0, k, i] * work.z[c]
    return True
