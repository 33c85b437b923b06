"""The simple peers of sequence classification, in one pass."""

from typing import Any

import numpy as np


def lstm(inputs: int, units: int, seed: int) -> Any:
    """A random LSTM: from a sequence to its last state and the mean of its states."""
    rng = np.random.default_rng(seed)
    W = rng.uniform(-1, 1, (units, 4 * units)) * np.sqrt(3 / (2 * units))
    U = rng.uniform(-1, 1, (inputs, 4 * units)) * np.sqrt(3 / (2 * inputs))
    b = np.repeat([0.0, 1.0, 0.0, 0.0], units)

    def read(X):
        h, c, made = np.zeros(units), np.zeros(units), []
        for x in X:
            i, f, g, o = np.split(h @ W + x @ U + b, 4)
            c = c / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
            h = np.tanh(c) / (1 + np.exp(-o))
            made.append(h)
        return np.concatenate([made[-1], np.mean(made, axis=0)])

    return read


class Scaled:
    """Standardise steps by the running statistics of the steps before the sequence."""

    def __init__(self, inputs: int):
        self.n, self.mean, self.square = 0, np.zeros(inputs), np.zeros(inputs)

    def __call__(self, X):
        deviation = np.sqrt(self.square / max(self.n, 1))
        return np.clip((X - self.mean) / np.where(deviation > 0, deviation, 1e9), -6, 6)

    def take(self, X):
        for x in X:
            self.n += 1
            d = x - self.mean
            self.mean += d / self.n
            self.square += d * (x - self.mean)


class ReservoirLeastSquares:
    """Last and mean state of a random LSTM, recursive least squares on one-hot targets."""

    name = "random LSTM(64), RLS on last + mean"

    def __init__(self, inputs: int, classes: int, seed: int):
        self.read, self.scale = lstm(inputs, 64, seed), Scaled(inputs)
        self.P, self.W, self.classes = np.eye(129), np.zeros((129, classes)), classes

    def predict(self, X):
        self.phi = np.append(self.read(self.scale(X)), 1.0)
        return int((self.phi @ self.W).argmax())

    def learn(self, X, y):
        self.predict(X)
        gain = self.P @ self.phi
        alpha = 1 + self.phi @ gain
        error = (np.arange(self.classes) == y) - self.phi @ self.W
        self.W += np.outer(gain, error) / alpha
        self.P -= np.outer(gain, gain) / alpha
        self.scale.take(X)


class GaussianPerClass:
    """A Gaussian of the steps of each class, shrunk to that of all by so many steps as channels."""

    name = "Gaussian per class"

    def __init__(self, inputs: int, classes: int, seed: int):
        self.m = inputs
        self.n = np.zeros(classes)
        self.sum, self.square = np.zeros((classes, inputs)), np.zeros((classes, inputs, inputs))

    def predict(self, X):
        if not self.n.any():
            return 0
        found = np.full(len(self.n), -np.inf)
        n = self.n.sum()
        mean = self.sum.sum(0) / n
        pooled = self.square.sum(0) / n - np.outer(mean, mean)
        pooled += 1e-6 * np.eye(self.m) * max(np.trace(pooled), 1e-9)
        for c in np.flatnonzero(self.n):
            own = self.sum[c] / self.n[c]
            scatter = self.square[c] - self.n[c] * np.outer(own, own)
            V = (scatter + self.m * pooled) / (self.n[c] + self.m)
            d = X - own
            found[c] = -((d @ np.linalg.inv(V)) * d).sum() - len(X) * np.linalg.slogdet(V)[1]
        return int(found.argmax())

    def learn(self, X, y):
        self.n[y] += len(X)
        self.sum[y] += X.sum(0)
        self.square[y] += X.T @ X
