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
from typing import Annotated, NamedTuple

import numpy as np

from ..codegen.dispatch import compiled
from ..codegen.inlined import inlined
from ..codegen.reference import whole
from ..numerics.float32 import copy_into
from ..numerics.places import aligned
from ..numerics.trees import Float
from .bits import learn as bits_learn
from .bits import predict as bits_predict
from .bits.state import BitMixture
from .contexts import history as past
from .contexts import mixture as symbolwise
from .contexts.history import History
from .contexts.mixture import Mixture
from .contexts.tables import Tables, has_room
from .network.any_cell import EngineNetwork
from .network.coupled_lstm import Network
from .network.member import foretell, forward, has_failed, learn, stay, take_in
from .vocabulary import SEEN, Vocabulary, admit, is_full, unseen

SHARE = 1e-5


class Predictor(NamedTuple):
    """All state of a text predictor; a member that is switched off is None."""

    vocabulary: Vocabulary
    history: History
    network: Network | EngineNetwork | None
    second: Network | None  # for the bit mixture only
    mixture: Mixture | None
    tables: Tables | None
    bits: BitMixture | None
    belief: Annotated[Float, "1"]  # b


def create_belief() -> np.ndarray:
    """b before the first symbol."""
    belief = aligned((1,), np.float64)
    belief[0] = 0.999
    return belief


@inlined
def uniform_of(vocabulary):
    """u of a known symbol: one over their number, and one more if there can be a new one."""
    known = vocabulary.size[SEEN] - 1
    return 1.0 / (known + (1 if unseen(vocabulary) > 0 else 0))


@inlined
def uniform_share(vocabulary, code):
    """u of one code; a code that is not known has its share of the newcomers' u."""
    u = uniform_of(vocabulary)
    return u if vocabulary.index[code] > 0 else u / unseen(vocabulary)


@inlined
def update_belief(belief, model, uniform):
    """Bayes' rule, then the exchange of a share."""
    posterior = belief[0] * model / (belief[0] * model + (1 - belief[0]) * uniform)
    belief[0] = SHARE + (1 - 2 * SHARE) * posterior


@inlined
def predict_next(vocabulary, history, network, second, mixture, tables, bits):
    """Every member predicts the next symbol."""
    seen, full = vocabulary.size[SEEN], unseen(vocabulary) == 0
    if network is not None:
        foretell(network, seen, full)
    if second is not None:
        foretell(second, seen, full)
    if mixture is not None:
        symbolwise.predict(mixture, tables, network, history, seen, full)
    if bits is not None:
        new = unseen(vocabulary)
        bits_predict.prepare(bits, network, second, mixture, history, seen, vocabulary.codes, new)


@inlined
def score(vocabulary, history, network, second, mixture, bits, code):
    """q of one code; a code that is not known has its share of q(unknown)."""
    if bits is not None:
        return bits_predict.score(bits, network, second, mixture, history, code)
    elif mixture is not None:  # Numba prunes the branches of members that are None
        return share_of(vocabulary, mixture.q, code)
    elif network is not None:
        return share_of(vocabulary, network.p, code)
    else:
        return 0.0


@inlined
def share_of(vocabulary, q, code):
    """q of a known code; another one has its share of q[0]."""
    symbol = vocabulary.index[code]
    p = np.float64(q[symbol])
    return p if symbol > 0 else p / unseen(vocabulary)


@inlined
def read(history, network, second, mixture, bits, symbol, code):
    """Move on to the position after the symbol."""
    past.observe(history, code)
    if mixture is not None:
        symbolwise.shift(mixture, symbol)
    if bits is not None:
        bits_learn.shift(bits, code)
    if network is not None:
        forward(network, symbol)
    if second is not None:
        forward(second, symbol)


@inlined
def learn_scored(vocabulary, history, network, second, mixture, tables, bits, belief, code, q, u):
    """Learn and read one symbol that had the probabilities q and u."""
    seen = vocabulary.size[SEEN]
    symbol = np.int64(vocabulary.index[code])
    update_belief(belief, q, u)
    if bits is not None:
        bits_learn.learn(bits, code)
    if mixture is not None:
        symbolwise.learn(mixture, tables, symbol, seen)
    full = unseen(vocabulary) == 0
    if network is not None:
        learn(network, symbol, seen, full)
    if second is not None:
        learn(second, symbol, seen, full)
    new = symbol == 0
    if new:
        symbol = np.int64(admit(vocabulary, code))
    if network is not None:
        take_in(network, symbol, new)
    if second is not None:
        take_in(second, symbol, new)
    vocabulary.counts[symbol] += 1
    if mixture is not None:
        symbolwise.count(mixture, tables, history.keys, symbol)
    read(history, network, second, mixture, bits, symbol, code)
    predict_next(vocabulary, history, network, second, mixture, tables, bits)


@inlined
def has_room_for(vocabulary, network, mixture, tables, code):
    """Whether the symbol can be learned without enlarging, or restoring, anything."""
    if network is not None and has_failed(network):
        return False
    if mixture is not None and not has_room(tables, mixture.select.size):
        return False
    return vocabulary.index[code] > 0 or not is_full(vocabulary)


@inlined
def start_of(vocabulary, history, network, second, mixture, tables, bits, belief):
    """See `start`."""
    past.make_keys(history)
    if network is not None:
        forward(network, 0)
    if second is not None:
        forward(second, 0)
    predict_next(vocabulary, history, network, second, mixture, tables, bits)


@compiled
def start(bound):
    """Make the first prediction."""
    start_of(*whole(bound.state))


@inlined
def learn_chunk_of(
    vocabulary, history, network, second, mixture, tables, bits, belief, codes, costs
):
    """See `learn_chunk`."""
    for t in range(codes.size):
        code = np.int64(codes[t])
        if not has_room_for(vocabulary, network, mixture, tables, code):
            return t
        q = score(vocabulary, history, network, second, mixture, bits, code)
        u = uniform_share(vocabulary, code)
        costs[t] = -math.log2(belief[0] * q + (1 - belief[0]) * u)
        learn_scored(
            vocabulary, history, network, second, mixture, tables, bits, belief, code, q, u
        )
    return codes.size


@compiled
def learn_chunk(bound, codes, costs):
    """Learn codes (n,) int32, their costs in bits to `costs`; returns how many were learned.

    Fewer than n means that the next one needs room: enlarge and call again.
    """
    return learn_chunk_of(*whole(bound.state), codes, costs)


@inlined
def repredict_of(vocabulary, history, network, second, mixture, tables, bits, belief):
    """See `repredict`."""
    predict_next(vocabulary, history, network, second, mixture, tables, bits)


@compiled
def repredict(bound):
    """Predict the next symbol again, after the network was restored."""
    repredict_of(*whole(bound.state))


@inlined
def follow_of(vocabulary, history, network, second, mixture, tables, bits, belief, code):
    """See `follow`."""
    symbol = np.int64(vocabulary.index[code])
    if network is not None:
        stay(network)
    if second is not None:
        stay(second)
    read(history, network, second, mixture, bits, symbol, code)
    predict_next(vocabulary, history, network, second, mixture, tables, bits)


@compiled
def follow(bound, code):
    """Read one symbol without learning from it, and predict the next."""
    follow_of(*whole(bound.state), code)


@inlined
def distribution_of(vocabulary, history, network, second, mixture, tables, bits, belief, out):
    """See `distribution`."""
    seen, u = vocabulary.size[SEEN], uniform_of(vocabulary)
    members_distribution(vocabulary, history, network, second, mixture, bits, out)
    for s in range(seen):
        out[s] = belief[0] * out[s] + (1 - belief[0]) * u
    if unseen(vocabulary) == 0:
        out[0] = 0.0


@compiled
def distribution(bound, out):
    """out[:seen] = p: the unknown symbol, then the symbols in use."""
    distribution_of(*whole(bound.state), out)


@inlined
def members_distribution(vocabulary, history, network, second, mixture, bits, out):
    """out[:seen] = q"""
    seen = vocabulary.size[SEEN]
    if bits is not None:
        bits_predict.distribute(bits, network, second, mixture, history, bits.leaves)
        out[0] = 1.0
        for s in range(1, seen):
            out[s] = bits.leaves[256 + vocabulary.codes[s]]
            out[0] -= out[s]
        out[0] = max(out[0], 0.0)
    elif mixture is not None:
        copy_into(mixture.q, seen, out)
    elif network is not None:
        copy_into(network.p, seen, out)
