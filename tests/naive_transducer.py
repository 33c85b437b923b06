"""The encoder–decoder in plain NumPy, in double precision, one symbol after another."""

import numpy as np

from stream_rnn import GRU, LSTM


def sigma(x):
    return 1 / (1 + np.exp(-x))


def cell_step(cell, a, s):
    """(K, H) from pre-activations (G, H) and the state before."""
    if isinstance(cell, LSTM):
        c = sigma(a[1]) * s[1] + sigma(a[0]) * np.tanh(a[2])
        return np.stack([sigma(a[3]) * np.tanh(c), c])
    if isinstance(cell, GRU):
        r, z = sigma(a[0]), sigma(a[1])
        return ((1 - z) * np.tanh(a[2] + r * a[3]) + z * s[0])[None]
    return np.tanh(a[0])[None]


def layer(cell, W, row, context, s):
    z = np.concatenate([s[0], [1.0], context])
    return cell_step(cell, row + np.tensordot(z, W, 1), s)


def loss(cell, attention, w, source, target):
    """−ln p(target | source); both sides end with 0, and *w* has the weights by name."""
    H = w["ahead"].shape[2]
    states = 2 if isinstance(cell, LSTM) else 1
    notes = [[], []]
    last = []
    for side, (name, order) in enumerate((("ahead", source), ("back", source[::-1]))):
        s = np.zeros((states, H))
        for x in order:
            s = layer(cell, w[name], w[f"{name}_lookup"][x], [], s)
            notes[side].append(s[0])
        last.append(s)
    notes = np.concatenate([notes[0], notes[1][::-1]], axis=1)
    s = np.concatenate(last, axis=1)
    context, total = np.zeros(2 * H), 0.0
    for x, y in zip([0, *target[:-1]], target, strict=True):
        s = layer(cell, w["writer"], w["writer_lookup"][x], context, s)
        if attention:
            scores = notes @ (s[0] @ w["query"]) / np.sqrt(2 * H)
            alpha = np.exp(scores - scores.max())
            context = alpha / alpha.sum() @ notes
        else:
            context = np.concatenate([last[0][0], last[1][0]])
        o = w["output"] @ np.concatenate([s[0], context, [1.0]])
        total -= o[y] - np.log(np.exp(o - o.max()).sum()) - o.max()
    return total
