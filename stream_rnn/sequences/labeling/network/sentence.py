"""Scores of a sentence's labels, and their gradient.

Token t has the input x_t = Σ_f v_f E[f] over its features f with values v_f; an unknown one counts
as nothing.  With z = [h₋, 1, x_t] (cells.base) the readers and the scores are

    →s_t = φ(→W, →s_{t−1}, x_t),  ←s_t = φ(←W, ←s_{t+1}, x_t)                            (1)
    o_t = O [→h_t, ←h_t, 1]                                                              (2)

From e_t = ∂L/∂o_t everything is differentiated through the whole sentence (`learners.adjoint`),
and moved by AdaGrad.
"""

from math import isfinite, sqrt

import numpy as np

from ....cells.base import activate, mask
from ....codegen.blas import dot, matmul, matmul_tn, matvec, vecmat
from ....codegen.dispatch import generic, kernel
from ....learners.adjoint import pull_back
from ....numerics.linalg import copy, zero
from ...sparse.adagrad import step_row
from ...sparse.keys import joined, key_of
from ...sparse.table import CLOCK, NONE, row_of
from ..words import COLUMN
from .state import Network

#: The attributes of a word that are read.
READ = ("lower", "shape", "prefix 1", "prefix 2", "prefix 3", "suffix 1", "suffix 2", "suffix 3")
COLUMNS = np.array([COLUMN[name] for name in READ])
KEYS = np.array([key_of("read", name) for name in READ], np.uint64)


@generic
def add_scores_of(network, sentence, count, learning, scores):
    """scores (T, L) += o; unknown features get a row when *learning*."""


@generic
def step_network(network, sentence, count, p):
    """Move all parameters against p − truth (T, L), after `add_scores_of`."""


@add_scores_of.register
def add_nothing(network: (), sentence, count, learning, scores):  # type: ignore[syntax]
    pass


@step_network.register
def step_nothing(network: (), sentence, count, p):  # type: ignore[syntax]
    pass


@add_scores_of.register
def add_outputs(network: Network, sentence, count, learning, scores):
    work, W = network.work, network.weights
    T = sentence.starts.size - 1
    if learning:
        network.table.size[CLOCK] += 1
    for t in range(T):
        look_up(network.table, sentence, t, learning, work.rows[t], work.x[t])
    for side in range(len(W.readers)):
        read(network.cell, W.readers[side], work, side, T)
    for t in range(T):
        work.r[t, work.r.shape[1] - 1] = 1
        for l in range(count):
            scores[t, l] += dot(W.output[l], work.r[t])


@kernel
def look_up(table, sentence, t, learning, rows, x):
    """x ← Σ v E of token t's features."""
    zero(x)
    if sentence.attributes.shape[1] > 0:
        for n in range(KEYS.size):
            key = sentence.attributes[t, COLUMNS[n]]
            rows[n] = row_of(table, joined(KEYS[n], key) if key != 0 else key, learning)
            if rows[n] != NONE:
                add(x, table.weights[rows[n]], np.float32(1))
    for n in range(sentence.starts[t], sentence.starts[t + 1]):
        row = row_of(table, sentence.keys[n], learning)
        if row != NONE:
            add(x, table.weights[row], sentence.values[n])


@kernel
def add(x, row, value):
    for j in range(x.size):
        x[j] += row[j] * value


@kernel
def read(cell, W, work, side, T):
    """Eq. (1) of one reader; r takes its h."""
    z, s = work.z[side], work.s[side]
    K, H = s.shape[1:]
    J = z.shape[1] - 1 - work.x.shape[1]
    zero(s[0].reshape(K * H))
    for n in range(T):
        t = token(side, n, T)
        copy(s[n, 0, :J], z[n, :J])
        z[n, J] = 1
        copy(work.x[t], z[n, J + 1 :])
        vecmat(z[n], W.reshape(z.shape[1], work.a.size), work.a.reshape(work.a.size), 0.0)
        activate(cell, work.a, s[n], s[n + 1], work.A[side, n], work.B[side, n])
        copy(s[n + 1, 0], work.r[t, side * H : (side + 1) * H])


@kernel
def token(side, n, T):
    """The token that a reader comes to after n others."""
    return T - 1 - n if side else n


@step_network.register
def step_readers(network: Network, sentence, count, p):
    T, work = sentence.starts.size - 1, network.work
    for t in range(T):
        zero(work.e[t])
        for l in range(count):
            work.e[t, l] = p[t, l]
    differentiate(network, T)
    g = network.gradient
    if not isfinite(norm2(g.readers) + norm2(g.output)):
        return
    move(network.rule, network.weights.readers, network.squares.readers, g.readers)
    move(network.rule, network.weights.output, network.squares.output, g.output)
    for t in range(T):
        step_inputs(network, sentence, t)


@kernel
def differentiate(network, T):
    """From work.e to the gradient, and to d_x (T, d)."""
    work, W, g = network.work, network.weights, network.gradient
    matmul_tn(work.e[:T], work.r[:T], g.output, 0.0)
    matmul(work.e[:T], W.output, work.d_r[:T], 0.0)
    for t in range(T):
        zero(work.d_x[t])
    for side in range(len(W.readers)):
        read_back(network.cell, W.readers[side], work, side, T, g.readers[side])


@kernel
def read_back(cell, W, work, side, T, g):
    """One reader from the last token that it has read to the first."""
    z, delta = work.z[side], work.delta[side]
    Z, G, H = W.shape
    J = Z - 1 - work.x.shape[1]
    inputs = W[J + 1 :].reshape(Z - J - 1, G * H)
    zero(work.sigma.reshape(work.sigma.size))
    for n in range(T - 1, -1, -1):
        t = token(side, n, T)
        now, before = work.sigma[n % 2], work.sigma[1 - n % 2]
        for i in range(H):
            now[0, i] += work.d_r[t, side * H + i]
        pull_back(W, work.A[side, n], work.B[side, n], now, before, delta[n], J)
        matvec(inputs, delta[n].reshape(G * H), work.d_x[t], 1.0)
    matmul_tn(z[:T], delta[:T].reshape(T, G * H), g.reshape(Z, G * H), 0.0)
    mask(cell, g)


@kernel
def norm2(g):
    flat = g.reshape(g.size)
    return dot(flat, flat)


@kernel
def move(rule, weights, squares, g):
    """AdaGrad without decay on parameters of any shape."""
    w, G, d = weights.reshape(g.size), squares.reshape(g.size), g.reshape(g.size)
    for i in range(d.size):
        G[i] += d[i] * d[i]
        w[i] -= rule.rate * d[i] / sqrt(G[i] + rule.damping)


@kernel
def step_inputs(network, sentence, t):
    """Move the rows that token t has brought."""
    table, rule, d_x = network.table, network.rule, network.work.d_x[t]
    if sentence.attributes.shape[1] > 0:
        rows = network.work.rows[t]
        for n in range(rows.size):
            if rows[n] != NONE:
                step_row(table, rows[n], rule, d_x, np.float32(1), d_x.size)
    for n in range(sentence.starts[t], sentence.starts[t + 1]):
        row = row_of(table, sentence.keys[n], False)
        if row != NONE:
            step_row(table, row, rule, d_x, sentence.values[n], d_x.size)
