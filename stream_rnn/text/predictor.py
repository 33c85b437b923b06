"""The compiled loop: members, vocabulary and history, one symbol after another.

A step scores the symbol with the prediction made before it, lets every member learn it,
and makes the next prediction, which is part of the state.  One at a time, in chunks of any
size, and after a restore, the same operations therefore run in the same order.

The prediction q of the members is mixed with the uniform distribution u over the symbols
in use and the unknown one::

    p = b q + (1 - b) u,    b the belief in the members, by Bayes' rule with a share of
                            1e-5 exchanged at every symbol (Herbster and Warmuth 1998)

so that no input costs much more than its plain code.  A symbol not seen yet costs its
share of p(unknown): every possible newcomer is equally likely.
"""

import math
from typing import NamedTuple

import numpy as np

from stream_rnn.dispatch import compiled
from stream_rnn.text import history as past
from stream_rnn.text import mixture as symbolwise
from stream_rnn.text import network as recurrent
from stream_rnn.text.history import History
from stream_rnn.text.mixture import Mixture
from stream_rnn.text.network import Network
from stream_rnn.text.numerics import inlined, kernel
from stream_rnn.text.tables import Tables, has_room
from stream_rnn.text.vocabulary import SEEN, Vocabulary, admit, is_full, unseen

SHARE = 1e-5


class Predictor(NamedTuple):
    """All state of a text predictor; a member that is switched off is None."""

    vocabulary: Vocabulary
    history: History
    network: Network | None
    mixture: Mixture | None
    tables: Tables | None
    belief: np.ndarray  # (1,) float64: b


@kernel
def uniform_share(vocabulary):
    """u: one over the number of symbols in use, and one more if there can be a new one."""
    known = vocabulary.size[SEEN] - 1
    return 1.0 / (known + (1 if unseen(vocabulary) > 0 else 0))


@kernel
def update_belief(belief, model, uniform):
    """Bayes' rule, then the exchange of a share."""
    posterior = belief[0] * model / (belief[0] * model + (1 - belief[0]) * uniform)
    belief[0] = SHARE + (1 - 2 * SHARE) * posterior


@inlined
def predict_next(vocabulary, history, network, mixture, tables):
    """Every member predicts the next symbol."""
    seen, full = vocabulary.size[SEEN], unseen(vocabulary) == 0
    if network is not None:
        recurrent.predict(network, seen, full)
    if mixture is not None:
        symbolwise.predict(mixture, tables, network, history, seen, full)


@inlined
def prediction(network, mixture):
    """q, the prediction of the outermost member."""
    if mixture is None:
        return network.p
    else:  # Numba prunes the branch of a member that is None
        return mixture.q


@inlined
def learn_members(history, network, mixture, tables, symbol, seen):
    """Every member learns the symbol (0: a new one) from its prediction."""
    if mixture is not None:
        symbolwise.learn(mixture, tables, symbol, seen)
    if network is not None:
        recurrent.learn(network, symbol, seen)


@inlined
def read(history, network, mixture, tables, symbol, code):
    """Move on to the position after the symbol."""
    past.observe(history, code)
    if mixture is not None:
        symbolwise.shift(mixture, symbol)
    if network is not None:
        recurrent.forward(network, symbol)


@inlined
def step(vocabulary, history, network, mixture, tables, belief, code):
    """Score, learn and read one symbol; returns its cost in bits."""
    seen = vocabulary.size[SEEN]
    symbol = np.int64(vocabulary.index[code])
    q = np.float64(prediction(network, mixture)[symbol])
    u = uniform_share(vocabulary)
    p = belief[0] * q + (1 - belief[0]) * u
    cost = -math.log2(p if symbol > 0 else p / unseen(vocabulary))
    update_belief(belief, q, u)
    learn_members(history, network, mixture, tables, symbol, seen)
    if symbol == 0:
        symbol = np.int64(admit(vocabulary, code))
        if network is not None:
            recurrent.adopt_row(network, symbol)
    vocabulary.counts[symbol] += 1
    if mixture is not None:
        symbolwise.count(mixture, tables, history.keys, symbol)
    read(history, network, mixture, tables, symbol, code)
    predict_next(vocabulary, history, network, mixture, tables)
    return cost


@inlined
def has_room_for(vocabulary, mixture, tables, code):
    """Whether the symbol can be learned without enlarging anything."""
    if mixture is not None:
        if not has_room(tables, mixture.select.size):
            return False
    return vocabulary.index[code] > 0 or not is_full(vocabulary)


@compiled
def start(vocabulary, history, network, mixture, tables, belief):
    """Make the first prediction."""
    if network is not None:
        recurrent.forward(network, 0)
    predict_next(vocabulary, history, network, mixture, tables)


@compiled
def learn_chunk(vocabulary, history, network, mixture, tables, belief, codes, costs):
    """Learn codes (n,) int32, their costs in bits to `costs`; returns how many were learned.

    Fewer than n means that the next one needs room: enlarge and call again.
    """
    for t in range(codes.size):
        code = np.int64(codes[t])
        if not has_room_for(vocabulary, mixture, tables, code):
            return t
        costs[t] = step(vocabulary, history, network, mixture, tables, belief, code)
    return codes.size


@compiled
def follow(vocabulary, history, network, mixture, tables, belief, code):
    """Read one symbol without learning from it, and predict the next."""
    symbol = np.int64(vocabulary.index[code])
    if network is not None:
        recurrent.stay(network)
    read(history, network, mixture, tables, symbol, code)
    predict_next(vocabulary, history, network, mixture, tables)


@compiled
def distribution(vocabulary, history, network, mixture, tables, belief, out):
    """out[:seen] = p: the unknown symbol, then the symbols in use."""
    q = prediction(network, mixture)
    u = uniform_share(vocabulary)
    for s in range(vocabulary.size[SEEN]):
        out[s] = belief[0] * q[s] + (1 - belief[0]) * u
    if unseen(vocabulary) == 0:
        out[0] = 0.0
