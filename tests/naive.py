"""Readable references for the core's kernels, in plain NumPy and written differently.

Cells are textbook formulas on complex arrays, so that their partial derivatives come from
a complex step instead of calculus; RTRL multiplies explicit dense Jacobians; BPTT walks
the whole history; statistics are taken over everything seen; every Kalman group has its
own dense covariance.  Everything is float64 and slow.
"""

from functools import singledispatch
from math import log

import numpy as np

from stream_rnn.cells import ELSTM, GRU, LSTM, Elman, FeedForward, Jordan, MinGRU, TimeDelay
from stream_rnn.cells.base import recurrent_rows
from stream_rnn.cells.base import sizes as state_shape
from stream_rnn.losses import Absolute, Huber, Logistic, Quantile, Softmax, Squared
from stream_rnn.numerics.activations import ReLU
from stream_rnn.optimizers import SGD, Adam, Clip, ClipValue, Decay, Momentum, RMSProp

STEP = 1e-40  # of the complex step: no rounding, for nothing is subtracted


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


# Cells: s (K, H) from a (G, H) and s₋ (K, H), real or complex ------------------------------


@singledispatch
def phi(cell, a, s_):
    raise NotImplementedError(f"write the naive twin of {type(cell).__name__} in tests/naive.py")


@phi.register
def _(cell: LSTM, a, s_):
    input_gate, forget_gate, output_gate = sigmoid(a[0]), sigmoid(a[1]), sigmoid(a[3])
    c = forget_gate * s_[1] + input_gate * np.tanh(a[2])
    return np.array([output_gate * np.tanh(c), c])


@phi.register
def _(cell: GRU, a, s_):
    reset, keep = sigmoid(a[0]), sigmoid(a[1])
    candidate = np.tanh(a[2] + reset * a[3])
    return np.array([candidate + keep * (s_[0] - candidate)])


@phi.register
def _(cell: ELSTM, a, s_):
    forget, candidate, output, u, v, w = a
    keep = sigmoid(forget + u * s_[1])
    c = np.tanh(candidate + v * s_[1]) * (1 - keep) + s_[1] * keep
    return np.array([sigmoid(output + w * c) * c, c])


@phi.register
def _(cell: MinGRU, a, s_):
    gate = sigmoid(a[0])
    return s_ + gate * (a[1] - s_)


@phi.register(Elman)
@phi.register(Jordan)
@phi.register(FeedForward)
def _(cell, a, s_):
    if isinstance(cell.activation, ReLU):
        return np.where(a.real > 0, a, 0)
    return np.tanh(a)


@phi.register
def _(cell: TimeDelay, a, s_):
    waiting = np.concatenate([s_[1:], np.zeros_like(s_[:1])])
    return np.concatenate([np.tanh(a[:1] + waiting[:1]), a[1:] + waiting[1:]])


def concatenated(cell, h_, x):
    """z = [h₋, 1, x], or [1, x] for a cell whose units do not feed each other."""
    return np.concatenate([h_[: recurrent_rows(cell)], [1.0], x])


def reads(cell, shape):
    """1 where a pre-activation reads a component of z = [h₋, 1, x], else 0."""
    mask, H = np.ones(shape), shape[2]
    if isinstance(cell, GRU):
        mask[:H, 2] = 0
        mask[H + 1 :, 3] = 0
    if isinstance(cell, ELSTM):
        mask[1:, 3:] = 0
    if isinstance(cell, TimeDelay):
        mask[0, 1:] = 0
    return mask


def as_seen_by_learner(parameters):
    """(W, V, back): W (Z, G, H) of a one-layer network, and the chain rule to its parameters.

    ``back(by_W, by_V)`` is the gradient of θ.  A Jordan network is the Elman network whose
    recurrent weights are the product of readout and feedback.
    """
    *own, V = (np.array(p) for p in parameters)
    if len(own) == 1:
        return own[0], V, lambda by_W, by_V: np.concatenate([by_W.ravel(), by_V.ravel()])
    W, F = own
    H = W.shape[2]
    through = np.tensordot(V[: H + 1], F, 1)
    through[H] += W[0]

    def back(by_W, by_V):
        by_F = np.einsum("co,cgi->ogi", V[: H + 1], by_W[: H + 1])
        total = by_V.copy()
        total[: H + 1] += np.einsum("cgi,ogi->co", by_W[: H + 1], F)
        return np.concatenate([by_W[H:].ravel(), by_F.ravel(), total.ravel()])

    return np.concatenate([through, W[1:]]), V, back


def partials(cell, a, s_):
    """A[k,g,i] = ∂s[k,i]/∂a[g,i] and B[k,l,i] = ∂s[k,i]/∂s₋[l,i], by a complex step."""
    K, G, H = len(s_), *a.shape
    A, B = np.empty((K, G, H)), np.empty((K, K, H))
    for g in range(G):
        nudged = a.astype(complex)
        nudged[g] += STEP * 1j
        A[:, g] = phi(cell, nudged, s_.astype(complex)).imag / STEP
    for l in range(K):
        nudged = s_.astype(complex)
        nudged[l] += STEP * 1j
        B[:, l] = phi(cell, a.astype(complex), nudged).imag / STEP
    return A, B


def jacobians(W, z, A, B, diagonal=False):
    """Dense ds/ds₋ (K·H, K·H) and ds/dW at fixed s₋ (K·H, Z·G·H)."""
    K, G, H = A.shape
    Z = len(z)
    unit = np.eye(H)
    by_state = np.einsum("kli,ij->kilj", B, unit)
    if not diagonal:
        by_state[:, :, 0, :] += np.einsum("kgi,jgi->kij", A, W[:H])
    by_weight = np.einsum("kgi,c,in->kicgn", A, z, unit)
    return by_state.reshape(K * H, K * H), by_weight.reshape(K * H, Z * G * H)


class Layer:
    """One recurrent layer that keeps its whole past: records of (z, A, B)."""

    def __init__(self, cell, W):
        self.cell, self.W = cell, W
        self.diagonal = recurrent_rows(cell) == 0
        self.s = np.zeros((state_shape(cell)[0], W.shape[2]))
        self.influence = np.zeros((self.s.size, W.size))
        self.past = []

    def ahead(self, x):
        """The state after input x, and (z, A, B)."""
        z = concatenated(self.cell, self.s[0], x)
        a = np.tensordot(z, self.W, 1)
        return phi(self.cell, a, self.s), (z, *partials(self.cell, a, self.s))

    def go(self, s, step):
        by_state, by_weight = jacobians(self.W, *step, self.diagonal)
        self.influence = by_state @ self.influence + by_weight
        self.past.append(step)
        self.s = s

    def rtrl(self, lam):
        """Σᵢ λᵢ dh[i]/dW from the influence matrix."""
        return (lam @ self.influence[: len(lam)]).reshape(self.W.shape)

    def bptt(self, lam, window=None):
        """The same from the last *window* records of the past, or from all of it."""
        adjoint, gradient = np.zeros(self.s.size), np.zeros(self.W.size)
        adjoint[: len(lam)] = lam
        for step in self.past[::-1][:window]:
            by_state, by_weight = jacobians(self.W, *step, self.diagonal)
            gradient += adjoint @ by_weight
            adjoint = adjoint @ by_state
        return gradient.reshape(self.W.shape)


# Losses -----------------------------------------------------------------------------------


def link(loss, o):
    if isinstance(loss, Logistic):
        return sigmoid(o)
    if isinstance(loss, Softmax):
        return np.exp(o - np.logaddexp.reduce(o))
    return o


def loss_value(loss, y, p):
    """L(y, p), summed over the targets that are not missing, from the definition."""
    total = 0.0
    for t, q in zip(y, p):
        if np.isnan(t):
            continue
        d = abs(t - q)
        match loss:
            case Squared():
                total += d**2 / 2
            case Absolute():
                total += d
            case Huber():
                total += d**2 / 2 if d <= loss.delta else loss.delta * (d - loss.delta / 2)
            case Quantile():
                total += d * (loss.q if t > q else 1 - loss.q)
            case Logistic():
                total -= t * log(q) + (1 - t) * log(1 - q)
            case Softmax():
                total -= t * log(q)
            case _:
                raise NotImplementedError(f"write the naive twin of {loss!r}")
    return total


def loss_slope(loss, y, o):
    """∂L/∂o by hand, one target at a time."""
    p = link(loss, o)
    d = np.nan_to_num(p - y)
    match loss:
        case Absolute():
            return np.sign(d)
        case Huber():
            return np.where(abs(d) <= loss.delta, d, loss.delta * np.sign(d))
        case Quantile():
            return np.where(np.isnan(y), 0, np.where(y > p, -loss.q, 1 - loss.q))
        case Squared() | Logistic() | Softmax():
            return d
    raise NotImplementedError(f"write the naive twin of {loss!r}")


# Optimizers: from the gradients of all records so far to the last step ------------------


def step(chain, gradients, thetas):
    """Δθ after the last of *gradients*, at the last of *thetas*; all of them (n, P)."""
    gradients = [np.array(g, float) for g in gradients]
    for spec in chain:
        match spec:
            case Clip():
                gradients = [g * min(1, spec.limit / (norm(g) or 1)) for g in gradients]
            case ClipValue():
                gradients = [np.clip(g, -spec.limit, spec.limit) for g in gradients]
            case Decay():
                gradients = [g + spec.rate * theta for g, theta in zip(gradients, thetas)]
            case SGD():
                return -spec.lr * gradients[-1]
            case Momentum():
                return -spec.lr * faded(gradients, spec.beta)
            case RMSProp():
                v = (1 - spec.beta) * faded(np.square(gradients), spec.beta)
                return -spec.lr * gradients[-1] / (np.sqrt(v) + spec.eps)
            case Adam():
                n = len(gradients)
                m = (1 - spec.beta1) * faded(gradients, spec.beta1) / (1 - spec.beta1**n)
                v = (1 - spec.beta2) * faded(np.square(gradients), spec.beta2)
                return -spec.lr * m / (np.sqrt(v / (1 - spec.beta2**n)) + spec.eps)
            case _:
                raise NotImplementedError(f"write the naive twin of {spec!r}")
    raise ValueError("a chain without a step")


def norm(g):
    return float(np.linalg.norm(g))


def faded(values, beta):
    """Σ_t beta^(n−t) value_t."""
    n = len(values)
    return sum(beta ** (n - 1 - t) * value for t, value in enumerate(values))


class Filter:
    """The decoupled extended Kalman filter, a dense covariance for every group.

    *groups* are index arrays into θ: one per row of parameters.
    """

    def __init__(self, spec, loss, groups, outputs):
        self.spec, self.loss, self.groups = spec, loss, groups
        self.covariances = [spec.prior * np.eye(len(g)) for g in groups]
        self.noise, self.measured = np.ones(outputs), 0

    def learn(self, y, p, derivative, move):
        """Measure the targets y one by one: ``move(Δθ)`` takes each step before the next.

        ``derivative(j, p)`` is ∂p[j]/∂θ; p, the prediction, is corrected to first order.
        """
        p, moved = np.array(p, float), 0.0
        for j in np.flatnonzero(~np.isnan(y)):
            q = derivative(j, p)
            p[j] += np.sum(q * moved)
            change = self._measure(j, y[j] - p[j], p[j], q)
            move(change)
            moved = moved + change

    def _measure(self, j, e, p, q):
        a = sum(q[g] @ C @ q[g] for g, C in zip(self.groups, self.covariances))
        R, alpha = self.noise[j], None
        if isinstance(self.loss, Logistic | Softmax):
            slope, logit = p * (1 - p), np.log(p / (1 - p))
            steeper = sigmoid(logit / np.sqrt(1 + np.pi * a / (8 * slope**2)))
            steeper *= 1 - steeper
            alpha, sample = slope**2 / steeper + a, R
            e *= slope / steeper
        else:
            weight = 1.0
            if isinstance(self.loss, Huber):
                weight = min(1.0, self.loss.delta * np.sqrt(R + a) / max(abs(e), 1e-30))
            else:
                e = np.clip(e, -5 * np.sqrt(R + a), 5 * np.sqrt(R + a))
            alpha, sample = R / weight + a, max((weight * e) ** 2, 1e-12)
        rate = max(0.005, 1 / (self.measured / len(self.noise) + 10))
        self.noise[j] = (1 - rate) * R + rate * sample
        self.measured += 1
        moved, Q = np.zeros_like(q), self.spec.process_noise
        for n, g in enumerate(self.groups):
            gain = self.covariances[n] @ q[g]
            moved[g] = gain * e / alpha
            C = self.covariances[n] - np.outer(gain, gain) / alpha
            variances = np.maximum(np.diag(C), Q)
            np.fill_diagonal(C, variances + Q * (variances < self.spec.prior))
            self.covariances[n] = C
        return moved


# Running statistics -------------------------------------------------------------------------


def moments(values, memory):
    """Mean and variance of a column, NaN being missing, as weighted sums over all of it."""
    seen = np.array(values, float)
    seen = seen[~np.isnan(seen)]
    if not seen.size:
        return 0.0, 0.0
    rates = np.maximum(1 / np.arange(1, len(seen) + 1), 1 / memory)
    weights = rates * np.append(np.cumprod((1 - rates)[:0:-1])[::-1], 1.0)
    mean = weights @ seen
    return mean, weights @ (seen - mean) ** 2


class RobustMoments:
    """Statistics of a column that doubt far values: the rules of `moments`, over lists.

    *counted* are the values since the statistics began, held within what counted then, and
    *start* the (mean, variance) that stand for 24 before them, if there is one.
    """

    def __init__(self, memory, far=10.0):
        self.memory, self.far = memory, far
        self.counted, self.start, self.granted = [], None, 0.0
        self.block, self.sizes, self.narrow, self.narrowings = [], [], 0, 0
        self.outliers, self.doubted = 0, False

    def statistics(self):
        if self.start is None and len(set(self.counted)) < 2:
            return (*self.counted[:1], 0.0, 0.0)[:2]
        if self.start is None:
            return moments(self.counted, self.memory)
        mean, variance = self.start
        for n, x in enumerate(self.counted, 25):
            rate = max(1 / n, 1 / self.memory)
            d = x - mean
            mean, variance = mean + rate * d, (1 - rate) * (variance + rate * d * d)
        return mean, variance

    def count(self):
        return len(self.counted) + (0 if self.start is None else 24)

    def bound(self):
        n, (_, variance) = self.count(), self.statistics()
        if n < 3 or (variance == 0 and n < 24):
            return np.inf
        return self.far * np.sqrt(variance) * (1 + (4 / (n - 2)) ** 2)

    def limit(self):
        return max(self.bound(), self.granted)

    def waits(self, x):
        return bool(self.sizes) and abs(x - self.statistics()[0]) > self.limit()

    def take(self, x):
        mean, _ = self.statistics()
        d, b, limit = x - mean, self.bound(), self.limit()
        self.doubted = abs(d) > limit
        is_sixth = self.count() == 5 and not self.outliers
        if len(self.block) == 24 or (self.doubted and not self.sizes) or is_sixth:
            self.block, self.sizes = [], []
        self.block.append(x)
        if self.doubted:
            self.outliers += 1
            self.sizes.append(np.log(abs(d)))
        self.granted *= 0.999
        if not self.doubted or len(self.sizes) == 1:
            self.counted.append(mean + np.clip(d, -limit, limit))
            if abs(d) > b:
                most = limit * (2 if self.doubted else 1) if limit > 0 else np.inf
                self.granted = max(self.granted, min(2 * abs(d), most))
        if len(self.sizes) >= 5 and np.var(self.sizes) < 1:
            self._widen()
        elif len(self.block) == 24:
            self._review()

    def _widen(self):
        (m1, v1), m2, v2 = self.statistics(), np.mean(self.block), np.var(self.block)
        self._begin((m1 + m2) / 2, (v1 + v2) / 2 + ((m2 - m1) / 2) ** 2)

    def _review(self):
        deviation = np.std(self.block)
        is_young = self.count() < 48 and not self.outliers
        share = 1 / 5 if is_young else 1 / self.count() if self.outliers else 1e-6
        if self.sizes or not 0 < deviation < share * np.sqrt(self.statistics()[1]):
            self.narrow = 0
            return
        self.narrow += 1
        if self.narrow == 2**self.narrowings:
            self.narrowings += not is_young
            self._begin(np.mean(self.block), np.var(self.block))

    def _begin(self, mean, variance):
        self.start, self.counted, self.granted, self.narrow = (mean, variance), [], 0.0, 0
        self.block, self.sizes = [0.0] * 24, []
