"""The labeler's network in plain NumPy, in double precision, one token after another."""

import numpy as np
from naive_transducer import layer

from stream_rnn import LSTM


def outputs(cell, readers, output, x):
    """Scores (T, L) of inputs x (T, d): readers (D, Z, G, H), output (L, R)."""
    sides = []
    for side, W in enumerate(readers):
        s = np.zeros((2 if isinstance(cell, LSTM) else 1, W.shape[2]))
        hidden = []
        for row in x[::-1] if side else x:
            s = layer(cell, W, 0.0, row, s)
            hidden.append(s[0])
        sides.append(hidden[::-1] if side else hidden)
    r = np.concatenate([*map(np.array, sides), np.ones((len(x), 1))], axis=1)
    return r @ output.T
