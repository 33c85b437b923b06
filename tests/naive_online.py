"""A whole online network, record by record, from the parts of `naive`.

Takes the specs and the initial parameters of a `stream_rnn.engine.online.OnlineNetwork` and must
then predict what it predicts: running statistics, stack, learner, optimizer and loss.
"""

import copy
from types import SimpleNamespace

import numpy as np
from naive import (
    Filter,
    Layer,
    RobustMoments,
    as_seen_by_learner,
    jacobians,
    link,
    loss_slope,
    loss_value,
    reads,
    step,
)

from stream_rnn.cells.base import recurrent_rows
from stream_rnn.engine.scale import Standard
from stream_rnn.learners import TBPTT
from stream_rnn.optimizers import Kalman


class NaiveNetwork:
    def __init__(self, network):
        self.model, self.skip = network.model, network.skip
        self.parameters = [np.array(p, float) for p in network.parameters()]
        *weights, V = self.parameters
        if len(self.model.cells) == 1:
            weights = [as_seen_by_learner(self.parameters)[0]]
        self.layers = [Layer(c, W) for c, W in zip(self.model.cells, weights, strict=True)]
        self.V = V
        self.xs, self.ys, self.loss = [], [], 0.0
        self.gradients, self.thetas, self.unused = [], [], []
        self.usual, self.seen, self.former, self.returns = 0.0, 0, None, 0
        if isinstance(self.model.optimizer, Kalman):
            groups = list(self._groups())
            self.filter = Filter(self.model.optimizer, self.model.loss, groups, V.shape[1])

    def prequential(self, X, Y):
        return np.array([self._record(x, y) for x, y in zip(X, Y, strict=True)])

    def _record(self, x, y):
        out = self._infer(x)
        if isinstance(self.model.input_scale, Standard) and not np.isnan(y).all():
            self._reconsider(x, y)
        for layer, ahead in zip(self.layers, self.aheads, strict=True):
            layer.go(*ahead)
        if not np.isnan(y).all():
            observe(self.ys, y)
            self._learn(self._express(y))
        observe(self.xs, x)
        return out

    def _infer(self, x):
        """Prediction in the target's units."""
        inputs = np.nan_to_num(x)
        if isinstance(self.model.input_scale, Standard):
            scale = self.model.input_scale
            columns = self.xs = self.xs or [RobustMoments(scale.memory) for _ in x]
            inputs = np.array([standard(c, v) for c, v in zip(columns, x, strict=True)])
            inputs = np.clip(inputs, -scale.limit, scale.limit)
        self.aheads, below = [], inputs
        for layer in self.layers:
            s, parts = layer.ahead(below)
            self.aheads.append((s, parts))
            below = s[0]
        self.r = np.concatenate([below, [1.0], inputs if self.skip else []])
        self.o = self.r @ self.V
        out = link(self.model.loss, self.o)
        if isinstance(self.model.target_scale, Standard):
            memory = self.model.target_scale.memory
            self.ys = self.ys or [RobustMoments(memory) for _ in out]
            statistics = np.array([column.statistics() for column in self.ys])
            return statistics[:, 0] + np.sqrt(statistics[:, 1]) * out
        return out

    def _reconsider(self, x, y):
        """Keep what it is, compare it with what it was, or return to that: see `engine.former`."""
        loss = self._cost(y, self.o, self.ys)
        most = 9 * max(self.usual, 1e-6)
        if self.former:
            self._suspect(x, y, loss)
        elif self.seen >= 64 and (loss > most or self._is_strange()):
            self.former = SimpleNamespace(
                parts=copy.deepcopy((self._theta(), self.xs, self.ys)),
                **{"v": most / 9, "age": 1, "strange": 1, "sure": False, "s": 0.0},
                **{"heat": min(9 * loss / most, 9) / 4, "logs": []},
            )
        self.seen += 1
        kept = min(loss, 9 * max(self.usual, 1e-6)) if self.seen > 64 else loss
        self.usual += max(1 / self.seen, 1 / 128) * (kept - self.usual)

    def _is_strange(self):
        return any(column.doubted for column in self.xs)

    def _suspect(self, x, y, loss):
        former = self.former
        former.age += 1
        former.heat += (min(loss / former.v, 9) - former.heat) / 4
        former.strange += self._is_strange()
        former.sure = former.sure or former.heat > 4 or former.strange >= 5
        if not former.sure:
            self.former = None if former.age > 8 else former
            return
        raw = self._infer(x)
        ys = former.parts[2]
        now = self._cost(y, self._in_units(raw, ys) if ys else self.o, ys)
        mine = copy.deepcopy((self._theta(), self.xs, self.ys))
        self._become(former.parts)
        self._infer(x)
        then = self._cost(y, self.o, ys)
        self._become(mine)
        ratio = np.clip(np.log((former.v + now) / (former.v + then)), -5, 5)
        former.s = max(0, former.s + ratio - 0.25)
        if min(now, then) < 9 * former.v:
            former.logs.append(abs(ratio))
        if former.s > 8:
            self._return()
        elif former.age > 256 or (len(former.logs) > 24 and faded(former.logs) < 0.25):
            self.former = None
        self._infer(x)

    def _return(self):
        theta, *then = self.former.parts
        for was, now in zip([*then[0], *then[1]], [*self.xs, *self.ys], strict=True):
            was.outliers, was.narrowings = now.outliers, now.narrowings
            was.block, was.sizes, was.narrow, was.granted, was.doubted = [0] * 24, [], 0, 0, False
        self._become((theta, *then))
        self.usual, self.former, self.returns = self.former.v, None, self.returns + 1

    def _become(self, parts):
        theta, self.xs, self.ys = parts
        self._move(theta - self._theta())

    def _cost(self, y, o, ys):
        y = self._in_units(y, ys) if ys else y
        return loss_value(self.model.loss, y, link(self.model.loss, o))

    def _in_units(self, values, columns):
        mean, variance = np.array([column.statistics() for column in columns]).T
        z = np.where(variance > 0, (values - mean) / np.sqrt(variance + (variance == 0)), 0.0)
        return np.clip(np.where(np.isnan(values), np.nan, z), -1000, 1000)

    def _express(self, y):
        if not isinstance(self.model.target_scale, Standard):
            return y
        expressed = []
        for column, value in zip(self.ys, y, strict=True):
            mean, variance = column.statistics()
            z = (value - mean) / np.sqrt(variance) if variance > 0 else 0 * value
            expressed.append(np.nan if column.doubted else z)
        return np.array(expressed)

    def _learn(self, y):
        self.loss += loss_value(self.model.loss, y, link(self.model.loss, self.o))
        if isinstance(self.model.optimizer, Kalman):
            p = link(self.model.loss, self.o)
            self.filter.learn(y, p, self._derivative, self._move)
            return
        every = getattr(self.model.learner, "every", 1)
        self.unused.append(
            (len(self.layers[0].past), loss_slope(self.model.loss, y, self.o), self.r)
        )
        if len(self.unused) == every:
            self.gradients.append(self._gathered())
            self.thetas.append(self._theta())
            self._move(step(self.model.optimizer, self.gradients, self.thetas))
            self.unused = []

    def _gathered(self):
        """∂/∂θ of the losses since the last update, with the parameters of now."""
        newest = self.unused[-1][0]
        total = np.zeros(self._theta().size)
        for seen, e, r in self.unused:
            total += self._gradient(e, r, newest - seen)
        return total

    def _derivative(self, j, p):
        unit = np.eye(len(p))[j]
        match type(self.model.loss).__name__:
            case "Logistic":
                unit = unit * p[j] * (1 - p[j])
            case "Softmax":
                unit = p[j] * (unit - p)
        return self._gradient(unit, self.r)

    def _gradient(self, e, r, ago=0):
        """∂L/∂θ for ∂L/∂o = e at the record *ago* records back, layers from the top down."""
        learner, by_W = self.model.learner, []
        lam = self.V[: self.layers[-1].s.shape[1]] @ e
        lams = {len(self.layers[0].past) - 1 - ago: lam}  # by record
        for layer in self.layers[::-1]:
            if isinstance(learner, TBPTT):
                part, lams = through_time(layer, lams, learner.window - ago)
            else:
                part = layer.rtrl(lam)
                inputs = layer.W[recurrent_rows(layer.cell) + 1 :]
                lam = np.einsum("jgi,gi,i->j", inputs, layer.past[-1][1][0], lam)
            by_W.append(part * reads(layer.cell, part.shape))
        by_V = np.outer(r, e)
        if len(self.layers) == 1:
            return as_seen_by_learner(self.parameters)[2](by_W[0], by_V)
        return np.concatenate([part.ravel() for part in (*by_W[::-1], by_V)])

    def _theta(self):
        return np.concatenate([part.ravel() for part in self.parameters])

    def _move(self, change):
        at = 0
        for part in self.parameters:
            part += change[at : at + part.size].reshape(part.shape)
            at += part.size
        if len(self.layers) == 1:
            self.layers[0].W = as_seen_by_learner(self.parameters)[0]

    def _groups(self):
        """Indices into θ of W[:, g, i] for every g and i, then of V[:, j] for every j."""
        at = 0
        for part in self.parameters:
            indices = at + np.arange(part.size).reshape(len(part), -1)
            yield from indices.T
            at += part.size


def faded(values):
    """The mean of the first 24, then an exponential average of rate 1/24."""
    mean = 0.0
    for n, value in enumerate(values, 1):
        mean += (value - mean) / min(n, 24)
    return mean


def observe(columns, values):
    """Take each value that is not missing into the statistics of its column, if it has some."""
    for column, value in zip(columns, values, strict=False):
        if not np.isnan(value):
            column.take(value)


def standard(column, value):
    """The value in standard units by the statistics of a column."""
    mean, variance = column.statistics()
    if np.isnan(value) or variance == 0 or column.waits(value):
        return 0.0
    return (value - mean) / np.sqrt(variance)


def through_time(layer, lams, steps):
    """(dL/dW, {record: ∂L/∂x}) from {record: ∂L/∂h}, *steps* records back from the newest."""
    last = max(lams)
    adjoint, total, below = np.zeros(layer.s.shape), np.zeros(layer.W.size), {}
    for t in range(last, max(last - steps, -1), -1):
        z, A, B = layer.past[t]
        adjoint[0] += lams.get(t, 0)
        by_state, by_weight = jacobians(layer.W, z, A, B, layer.diagonal)
        total += adjoint.ravel() @ by_weight
        delta = np.einsum("kgi,ki->gi", A, adjoint)
        below[t] = np.tensordot(layer.W[recurrent_rows(layer.cell) + 1 :], delta, 2)
        adjoint = (adjoint.ravel() @ by_state).reshape(adjoint.shape)
    return total.reshape(layer.W.shape), below
