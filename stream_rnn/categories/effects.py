"""What each value of a field adds to the target: a linear model with one weight a value.

A record has a value s in each of F fields, and numbers z in standard units.  With w_s the effect
of a value, v_s its variance, and y the target in standard units, or 0 and 1 for a class,

    f = Σ_s w_s + Σ_j u_j z_j,   a = Σ_s v_s + Σ_j v_j z_j²                               (1)
    numbers: γ = (y − f) / (R + a),             λ = 1 / (R + a)                            (2)
    classes: γ = (y − p) / (1 + p(1 − p) a),    λ = p(1 − p) / (1 + p(1 − p) a)
             p = σ(f / √(1 + π a / 8))
    w_s += v_s γ,   v_s −= v_s² λ,  and alike for u_j and v_j with z_j                     (3)

which is a Kalman filter whose covariance is held diagonal (a group of `optimizers.kalman` for
each weight), so that a record costs O(F).  All weights share one innovation: an effect is what
the other fields and the numbers do not explain.  A value that is new has w = 0 and the variance
τ² that the values of its field have shown so far, the mean of w² + v over them (empirical Bayes,
as by expectation and maximisation; Dempster, Laird, Rubin 1977): where they differ much one
record says much, where they differ little the mean of all counts.  Several targets, or classes,
share v; λ is then the largest.  All in float64.
"""

from math import exp, pi, sqrt
from typing import Annotated, Any, NamedTuple

import numpy as np

from ..codegen.bound import bind
from ..codegen.dispatch import compiled, generic, kernel
from ..engine.moments import Moments
from ..engine.scale import Standard, express, observe, standardise
from ..numerics.trees import Float, Int, fields, walk, zeros

NUMBERS = 32  # columns that are regressed on beside the values
FAR = 5.0  # deviations of the innovation up to which it counts
SLOPE, BIAS = 0.1, 1.0  # prior variances
FLOOR = 1e-3  # share of τ² below which no variance falls: effects may drift
PRIOR = 1.0  # of one value that every field is thought to have shown


class OfNumbers(NamedTuple):
    """Targets are numbers, standardised by the records before."""


class OfClasses(NamedTuple):
    """Targets are 1 where the record is of the class, else 0."""


class State(NamedTuple):
    """S values of F fields, N numbers and 1, C targets."""

    effects: Annotated[Float, "S C"]  # w
    variance: Annotated[Float, "S"]  # v
    field: Annotated[Int, "S"]  # whose value it is, and 1; 0 where there is none
    shown: Annotated[Float, "F 2"]  # Σ(w² + v), and how many values
    slopes: Annotated[Float, "N C"]  # u; the last is of the constant 1
    spread: Annotated[Float, "N"]  # v of u
    numbers: Moments  # of N columns
    targets: Moments  # of C
    noise: Annotated[Float, "C"]  # R
    learned: Annotated[Int, "1"]  # targets


class Work(NamedTuple):
    """Scratch: z, y in standard units, f, γ, and the numbers as they are."""

    z: Annotated[Float, "N"]
    y: Annotated[Float, "C"]
    f: Annotated[Float, "C"]
    step: Annotated[Float, "C"]
    raw: Annotated[Float, "N"]


def allocate(values: int, fields_: int, outputs: int) -> tuple[State, Work]:
    """The state of so many values, fields and targets, and its scratch."""
    sizes = {"S": values, "F": fields_, "C": outputs, "N": NUMBERS + 1}
    declared = fields(
        *(State, sizes),
        numbers=fields(Moments, {"m": NUMBERS + 1}),
        targets=fields(Moments, {"m": outputs}),
    )
    state, work = zeros((declared, fields(Work, sizes)))
    state.noise[:] = 1.0
    state.spread[:NUMBERS], state.spread[NUMBERS] = SLOPE, BIAS
    state.shown[:] = PRIOR, 1.0
    return state, work


class Effects:
    """The effects at work on arrays; everything grows in powers of two.

    >>> effects = Effects(OfNumbers(), 1)
    >>> slots = np.arange(400)[:, None] % 2
    >>> made = np.empty((400, 1))
    >>> effects.learn(slots, slots < 0, np.empty((400, 0)), 3.0 * slots, made)
    >>> bool(made[-1, 0] - made[-2, 0] > 1.9)  # two deviations of the target
    True
    """

    def __init__(self, task: Any, outputs: int):
        self.task = task
        self._lay_out(64, 8, outputs)

    def _lay_out(self, values: int, fields_: int, outputs: int) -> None:
        self.state, work = allocate(values, fields_, outputs)
        self._bound = bind((self.task, Standard()), self.state, work)

    def fit(self, values: int, fields_: int, outputs: int) -> None:
        """Have room for so many values, fields and targets."""
        old = self.state
        has = (*old.effects.shape[:1], len(old.shown), old.effects.shape[1])
        wanted = (values, fields_, outputs)
        if all(w <= h for w, h in zip(wanted, has, strict=True)):
            return
        sizes = [h if w <= h else 1 << (w - 1).bit_length() for w, h in zip(wanted, has)]
        self._lay_out(sizes[0], sizes[1], max(has[2], outputs))
        for (_, before), (_, after) in zip(walk(old), walk(self.state), strict=True):
            after[tuple(slice(n) for n in before.shape)] = before

    def learn(
        self,
        slots: np.ndarray,
        fresh: np.ndarray,
        numbers: np.ndarray,
        targets: np.ndarray,
        out: np.ndarray,
    ) -> None:
        """Write the effects (T, F C) of the values in *slots* (T, F), then learn the targets.

        A slot is -1 where there is no value, *fresh* (T, F) where a new value begins in it;
        *numbers* (T, n) and *targets* (T, C) are in their own units, NaN where missing.
        """
        rows = np.ascontiguousarray(targets, np.float64)
        numbers = np.ascontiguousarray(numbers[:, :NUMBERS], np.float64)
        self.learn_known(np.ascontiguousarray(slots, np.int64), fresh, numbers, rows, out)

    def learn_known(
        self,
        slots: np.ndarray,
        fresh: np.ndarray,
        numbers: np.ndarray,
        targets: np.ndarray,
        out: np.ndarray,
    ) -> None:
        """`learn` for arrays that are as compiled code takes them."""
        learn(self._bound, slots, fresh, numbers, targets, out)


@compiled
def learn(bound, slots, fresh, numbers, targets, out):
    """`Effects.learn`."""
    (task, scale), state, work = bound.model, bound.state, bound.work
    C = targets.shape[1]
    for t in range(slots.shape[0]):
        begin(state, slots[t], fresh[t])
        a = infer(scale, state, work, slots[t], numbers[t], out[t], C)
        shrink = innovate(task, scale, state, work, targets[t], a)
        if shrink > 0:
            move(state, work, slots[t], shrink, C)
        observe(scale, state.numbers, work.raw)


@kernel
def begin(state, slots, fresh):
    """New values begin, in slots of which some were another's."""
    for i in range(slots.size):
        s = slots[i]
        if s >= 0 and (fresh[i] or state.field[s] == 0):
            if state.field[s] > 0:
                tell(state, s, -1.0)
            variance = state.shown[i, 0] / state.shown[i, 1]
            for c in range(state.effects.shape[1]):
                state.effects[s, c] = 0
            state.variance[s] = variance
            state.field[s] = i + 1
            tell(state, s, 1.0)


@kernel
def tell(state, s, sign):
    """Count the value into, or with -1 out of, what its field has shown."""
    i = state.field[s] - 1
    state.shown[i, 0] += sign * square(state, s)
    state.shown[i, 1] += sign


@kernel
def square(state, s):
    """w² + v, of several targets the largest."""
    most = 0.0
    for c in range(state.effects.shape[1]):
        most = max(most, state.effects[s, c] ** 2)
    return most + state.variance[s]


@kernel
def infer(scale, state, work, slots, numbers, out, C):
    """Eq. (1): writes f, and the effects of each field; returns a."""
    for j in range(work.raw.size):
        work.raw[j] = numbers[j] if j < numbers.size else np.nan
    standardise(scale, state.numbers, work.raw, work.z)
    work.z[NUMBERS] = 1.0
    a = 0.0
    for c in range(C):
        work.f[c] = 0
    for i in range(slots.size):
        s = slots[i]
        if s >= 0:
            a += state.variance[s]
        for c in range(C):
            w = state.effects[s, c] if s >= 0 else np.nan
            out[i * C + c] = w
            if s >= 0:
                work.f[c] += w
    for j in range(work.z.size):
        z = work.z[j]
        if z != 0:
            a += state.spread[j] * z * z
            for c in range(C):
                work.f[c] += state.slopes[j, c] * z
    return a


@generic
def innovate(task, scale, state, work, targets, a):
    """Eq. (2): writes γ; returns λ, 0 where there is no target."""


@innovate.register
def innovate_numbers(task: OfNumbers, scale, state, work, targets, a):
    most = 0.0
    observed = state.targets
    for c in range(targets.size):
        work.y[c] = targets[c]
    observe_first(scale, observed, work.y, targets.size)
    express(scale, observed, work.y, work.y)
    for c in range(targets.size):
        work.step[c] = 0
        if work.y[c] != work.y[c]:
            continue
        alpha = state.noise[c] + a
        limit = FAR * sqrt(alpha)
        e = max(-limit, min(limit, work.y[c] - work.f[c]))
        work.step[c] = e / alpha
        most = max(most, 1 / alpha)
        rate = max(1.0 / (state.learned[0] + 10), 0.001)
        sample = e * e * state.noise[c] / alpha
        state.noise[c] = max(state.noise[c] + rate * (sample - state.noise[c]), 1e-6)
    state.learned[0] += most > 0
    return most


@kernel
def observe_first(scale, moments, values, count):
    """Take the targets into their statistics; there may be room for more of them."""
    for c in range(count, values.size):
        values[c] = np.nan
    observe(scale, moments, values)


@innovate.register
def innovate_classes(task: OfClasses, scale, state, work, targets, a):
    most = 0.0
    root = sqrt(1 + pi / 8 * a)
    for c in range(targets.size):
        work.step[c] = 0
        if targets[c] != targets[c]:
            continue
        p = 1 / (1 + exp(-max(-30.0, min(30.0, work.f[c] / root))))
        s = max(p * (1 - p), 1e-5)
        work.step[c] = (targets[c] - p) / (1 + s * a)
        most = max(most, s / (1 + s * a))
    return most


@kernel
def move(state, work, slots, shrink, C):
    """Eq. (3)."""
    for i in range(slots.size):
        s = slots[i]
        if s < 0:
            continue
        tell(state, s, -1.0)
        v = state.variance[s]
        for c in range(C):
            state.effects[s, c] += v * work.step[c]
        lowest = FLOOR * max(state.shown[i, 0] / state.shown[i, 1], 1e-6)
        state.variance[s] = max(v - v * v * shrink, lowest)
        tell(state, s, 1.0)
    for j in range(work.z.size):
        vz = state.spread[j] * work.z[j]
        for c in range(C):
            state.slopes[j, c] += vz * work.step[c]
        state.spread[j] = max(state.spread[j] - vz * vz * shrink, 1e-4)
