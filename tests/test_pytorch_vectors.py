"""Hidden states, predictions and per-step gradients of PyTorch, for every exact learner.

`data/pytorch/README.json` says how the vectors were made: PyTorch's own initialisation,
float64, 3 inputs, 4 units, 2 outputs, 12 steps; the gradient of each step's loss
Σ (p − y)² / 2 through all steps before it.
"""

from pathlib import Path

import numpy as np
import pytest
from helpers import EXACT, cover, gradients, network

from stream_rnn.cells import CELLS

pytestmark = pytest.mark.usefixtures("interpreted")

FOLDER = Path(__file__).parent / "data" / "pytorch"
SPECS = {name.lower(): spec(4) for name, spec in CELLS.items()}
FILES = sorted(FOLDER.glob("*.npz"))


def lay_out(name, weight_ih, weight_hh, bias_ih, bias_hh):
    """PyTorch's arrays (G·H, …), or their gradients, as W (Z, G, H) with one bias row."""
    H = weight_hh.shape[1]
    m = weight_ih.shape[1]
    gates = len(weight_ih) // H
    ih = weight_ih.reshape(gates, H, m).transpose(2, 0, 1)
    hh = weight_hh.reshape(gates, H, H).transpose(2, 0, 1)
    bi, bh = bias_ih.reshape(gates, H), bias_hh.reshape(gates, H)
    if name != "gru":
        return ih, hh, bi, bh
    none_ih, none_hh = np.zeros_like(ih[:, :1]), np.zeros_like(hh[:, :1])
    return (  # r, z, n reading [1, x], k reading [h, 1]
        np.concatenate([ih, none_ih], 1),
        np.concatenate([hh[:, :2], none_hh, hh[:, 2:]], 1),
        np.concatenate([bi, np.zeros_like(bi[:1])]),
        np.concatenate([bh[:2], np.zeros_like(bh[:1]), bh[2:]]),
    )


def parameters(name, data):
    ih, hh, bi, bh = lay_out(name, *(data[n] for n in NAMES))
    return np.concatenate([hh, (bi + bh)[None], ih])


def expected_gradient(name, data, t):
    """PyTorch counts the bias twice; each of its two gradients is the one of their sum."""
    ih, hh, bi, bh = lay_out(name, *(data["grad." + n][t] for n in NAMES))
    bias = np.where(bi == 0, bh, bi)
    return np.concatenate([hh, bias[None], ih])


NAMES = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")


def test_there_are_vectors_for_the_classical_cells():
    assert {path.stem for path in FILES} == {"elman", "gru", "lstm"}


@pytest.mark.parametrize(
    ("path", "learner"),
    cover(FILES, EXACT),
    ids=lambda value: value.stem if isinstance(value, Path) else repr(value),
)
def test_equal_to_pytorch(path, learner):
    name = path.stem
    data = dict(np.load(path))
    net = network(SPECS[name], learner, 3, 2)
    W, V = net.parameters()
    W[...] = parameters(name, data)
    V[...] = np.concatenate([data["head.weight"].T, data["head.bias"][None]])
    losses, G = gradients(net, data["x"], data["y"])
    errors = data["prediction"] - data["y"]
    assert np.allclose(losses, (errors**2).sum(axis=1) / 2, rtol=1e-12)
    for t in range(len(data["x"])):
        got = G[t, : W.size].reshape(W.shape)
        assert np.allclose(got, expected_gradient(name, data, t), rtol=1e-9, atol=1e-13), t
        r = np.append(data["hidden"][t], 1.0)
        readout = np.outer(r, errors[t]).ravel()
        assert np.allclose(G[t, W.size :], readout, rtol=1e-11, atol=1e-13)
    assert np.allclose(net.state.layers[0].s[0], data["hidden"][-1], rtol=1e-12)
