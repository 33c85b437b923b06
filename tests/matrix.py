"""Every cell × learner × optimizer × loss of the registries, on a few records each.

Run as a script, with the JIT off, it prints as JSON what became of each: its refusal, or
its predictions.  `test_matrix` reads that and compares compiled runs with it.
"""

import json
import sys
import warnings
from itertools import product

import numpy as np

from stream_rnn.cells import CELLS
from stream_rnn.engine.model import compose
from stream_rnn.engine.online import OnlineNetwork
from stream_rnn.errors import ConfigError
from stream_rnn.learners import LEARNERS
from stream_rnn.losses import LOSSES, is_regression
from stream_rnn.optimizers import OPTIMIZERS

SHAPING = ("Average", "Clip", "ClipValue", "Decay")


def small(spec):
    """A spec that is quick to run: few units, a short window, a rate that shows."""
    fields = spec._fields
    sizes = {"units": 3, "window": 4, "lr": 0.02, "records": 2}
    return spec(**{name: size for name, size in sizes.items() if name in fields})


AXES = {
    "cell": {name: small(spec) for name, spec in CELLS.items()},
    "learner": {name: small(spec) for name, spec in LEARNERS.items()},
    "optimizer": {name: small(spec) for name, spec in OPTIMIZERS.items()},
    "loss": {name: spec() for name, spec in LOSSES.items()},
}
CHAIN = (*(AXES["optimizer"][name] for name in SHAPING), AXES["optimizer"]["Adam"])
AXES["optimizer"]["Average | Clip | ClipValue | Decay | Adam"] = CHAIN
NAMES = list(product(*AXES.values()))


def build(names, dtype="float64", outputs=2):
    specs = [axis[name] for axis, name in zip(AXES.values(), names, strict=True)]
    return OnlineNetwork(compose(*specs), 2, outputs, seed=5, skip=True, dtype=dtype)


def stream(loss, T, outputs=2):
    """Targets that follow the inputs of this record and of the one before."""
    rng = np.random.default_rng(6)
    X = rng.normal(size=(T, 2))
    Y = X @ rng.normal(size=(2, outputs)) + 0.5 * np.roll(X, 1, axis=0)[:, :1]
    if is_regression(AXES["loss"][loss]):
        return X, 10 + 3 * Y
    if loss == "Softmax":
        return X, np.eye(outputs)[Y.argmax(axis=1)]
    return X, (Y > 0).astype(float)


def outcome(names, T=6, dtype="float64"):
    """The refusal, or predictions and parameters after T records of which one has no target."""
    if message := refusal(names):
        return {"refused": message}
    network = build(names, dtype)
    X, Y = stream(names[3], T)
    Y[T // 2] = np.nan
    start = network.state.theta.copy()
    P = network.prequential(X, Y)
    return {
        "predictions": P.tolist(),
        "moved": bool((network.state.theta != start).any()),
        "finite": bool(np.isfinite(P).all() and np.isfinite(network.state.theta).all()),
        "rollbacks": network.counts["nonfinite_rollbacks"],
    }


def learned(names, T=240):
    """Mean loss per record of the first and of the last quarter."""
    network = build(names, outputs=2)
    X, Y = stream(names[3], T)
    sums = [0.0]
    for start in range(0, T, T // 4):
        network.prequential(X[start : start + T // 4], Y[start : start + T // 4])
        sums.append(float(network.state.sums[0]))
    quarters = np.diff(sums) * 4 / T
    return float(quarters[0]), float(quarters[-1])


def covering():
    """Combinations that are not refused and in which each spec appears at least once."""
    axes = [[n for n in axis if n not in SHAPING] for axis in AXES.values()]
    chosen = []
    for n in range(max(map(len, axes))):
        cell, learner, optimizer, _ = (axis[n % len(axis)] for axis in axes)
        for shift in range(len(axes[3])):
            names = (cell, learner, optimizer, axes[3][(n + shift) % len(axes[3])])
            if not refusal(names):
                chosen.append(names)
                break
    return chosen


def refusal(names):
    """Why these do not go together, or nothing."""
    try:
        build(names)
    except ConfigError as error:
        return str(error)
    return ""


def learning_pairs():
    """Each cell with each learner, and each optimizer with each loss."""
    pairs = [(c, l, o, "Squared") for c, l, o in product(CELLS, LEARNERS, ("Adam", "Kalman"))]
    pairs += [("Elman", "RTRL", o, l) for o, l in product(AXES["optimizer"], LOSSES)]
    return [names for names in pairs if not refusal(names)]


if __name__ == "__main__":
    warnings.simplefilter("error")
    json.dump(
        {
            "outcomes": [[names, outcome(names)] for names in NAMES],
            "learned": [[names, learned(names)] for names in learning_pairs()],
            "covering": [
                [names, dtype, outcome(names, T=12, dtype=dtype)]
                for names in covering()
                for dtype in ("float32", "float64")
            ],
        },
        sys.stdout,
    )
