"""The compiled loop over words; `predictor` with every prediction in two steps.

The class of the next word is predicted when the word before it was read, the member when
its class is known: to score a word, or to list all of them.  Symbol 0, in class 0, is a
word not seen yet; what it is spelled like is not predicted.
"""

import math
from typing import Annotated, NamedTuple

import numpy as np

from ...codegen.dispatch import compiled
from ...codegen.inlined import inlined
from ...codegen.reference import whole
from ...numerics.trees import SCRATCH, Int, Word
from ..contexts.tables import Tables, has_room
from ..network import forward as recurrent
from ..network.backward import adopt_row
from ..network.coupled_lstm import Network
from ..network.replay import learn, remember
from ..vocabulary import SEEN, Vocabulary, admit, is_full
from . import head as headwise
from . import mixture as wordwise
from .head import MEMBERS, WordHead, classes_in_use, members_in_use
from .history import CONTEXTS, WordHistory, observe
from .mixture import WordMixture


class Spelling(NamedTuple):
    """What is known of the words themselves, by code."""

    words: Annotated[Word, "C", SCRATCH]  # hash of the word
    ends: Annotated[Word, "C", SCRATCH]  # hash of its ending
    newline: Annotated[Int, "1"]  # code of the newline, or -1


class WordPredictor(NamedTuple):
    """All state of a word predictor; a member that is switched off is None."""

    vocabulary: Vocabulary
    spelling: Spelling
    history: WordHistory
    network: Network | None
    head: WordHead | None
    mixture: WordMixture | None
    tables: Tables | None
    tail: Annotated[Int, "1"]  # the last word


@inlined
def predict_next(vocabulary, history, network, head, mixture, tables, tail):
    """Predict the class of the next word."""
    seen = vocabulary.size[SEEN]
    if network is not None:
        headwise.predict_class(network, head, seen)
    if mixture is not None:
        wordwise.predict_class(mixture, tables, head, history, tail[0], seen)


@inlined
def probability_of_class(head, mixture, group):
    """The prediction of the outermost member."""
    if mixture is not None:
        return np.float64(mixture.q_class[group])
    elif head is not None:
        return np.float64(head.p_class[group])
    else:
        return 0.0


@inlined
def probability_of_member(head, mixture, member):
    """The same for a member of the class that `enter_class` was called for."""
    if mixture is not None:
        return np.float64(mixture.q_member[member])
    elif head is not None:
        return np.float64(head.p_member[member])
    else:
        return 0.0


@inlined
def enter_class(network, head, mixture, group, seen):
    """Predict the members of one class."""
    if network is not None:
        headwise.predict_member(network, head, group, seen)
    if mixture is not None:
        wordwise.predict_member(mixture, head, group, seen)


@inlined
def read(spelling, history, network, tail, symbol, code):
    """Move on to the position after the word."""
    newline = code == spelling.newline[0]
    observe(history, spelling.words[code], spelling.ends[code], newline)
    tail[0] = symbol
    if network is not None:
        recurrent.forward(network, symbol)


@inlined
def step(vocabulary, spelling, history, network, head, mixture, tables, tail, code):
    """Score, learn and read one word; returns its cost in bits."""
    seen = vocabulary.size[SEEN]
    symbol = np.int64(vocabulary.index[code])
    group = symbol // MEMBERS
    enter_class(network, head, mixture, group, seen)
    p = probability_of_class(head, mixture, group)
    p *= probability_of_member(head, mixture, symbol - group * MEMBERS)
    if mixture is not None:
        wordwise.learn(mixture, symbol, seen)
    if network is not None:
        learn(network, head, symbol, seen, False)
    new = symbol == 0
    if new:
        symbol = np.int64(admit(vocabulary, code))
        if network is not None:
            adopt_row(network, symbol)
    if network is not None:
        remember(network, symbol)
    vocabulary.counts[symbol] += 1
    if mixture is not None:
        wordwise.count(mixture, tables, history.keys, symbol, new)
    read(spelling, history, network, tail, symbol, code)
    predict_next(vocabulary, history, network, head, mixture, tables, tail)
    return -math.log2(max(p, 1e-30))


@inlined
def has_room_for(vocabulary, mixture, tables, code):
    """Whether the word can be learned without enlarging anything."""
    if mixture is not None and not has_room(tables, CONTEXTS):
        return False
    return vocabulary.index[code] > 0 or not is_full(vocabulary)


@inlined
def start_of(vocabulary, spelling, history, network, head, mixture, tables, tail):
    """See `start`."""
    if network is not None:
        recurrent.forward(network, 0)
    predict_next(vocabulary, history, network, head, mixture, tables, tail)


@compiled
def start(bound):
    """Make the first prediction."""
    start_of(*whole(bound.state))


@inlined
def learn_chunk_of(
    vocabulary, spelling, history, network, head, mixture, tables, tail, codes, costs
):
    """See `learn_chunk`."""
    for t in range(codes.size):
        code = np.int64(codes[t])
        if not has_room_for(vocabulary, mixture, tables, code):
            return t
        costs[t] = step(vocabulary, spelling, history, network, head, mixture, tables, tail, code)
    return codes.size


@compiled
def learn_chunk(bound, codes, costs):
    """Learn codes (n,) int32, their costs in bits to `costs`; returns how many were learned.

    Fewer than n means that the next one needs room: enlarge and call again.
    """
    return learn_chunk_of(*whole(bound.state), codes, costs)


@inlined
def repredict_of(vocabulary, spelling, history, network, head, mixture, tables, tail):
    """See `repredict`."""
    predict_next(vocabulary, history, network, head, mixture, tables, tail)


@compiled
def repredict(bound):
    """Predict the next word again, after words were renumbered."""
    repredict_of(*whole(bound.state))


@inlined
def follow_of(vocabulary, spelling, history, network, head, mixture, tables, tail, code):
    """See `follow`."""
    symbol = np.int64(vocabulary.index[code])
    if network is not None:
        recurrent.stay(network)
    read(spelling, history, network, tail, symbol, code)
    predict_next(vocabulary, history, network, head, mixture, tables, tail)


@compiled
def follow(bound, code):
    """Read one word without learning from it, and predict the next."""
    follow_of(*whole(bound.state), code)


@inlined
def distribution_of(vocabulary, spelling, history, network, head, mixture, tables, tail, out):
    """See `distribution`."""
    seen = vocabulary.size[SEEN]
    for group in range(classes_in_use(seen)):
        enter_class(network, head, mixture, group, seen)
        p = probability_of_class(head, mixture, group)
        for i in range(members_in_use(group, seen)):
            out[group * MEMBERS + i] = p * probability_of_member(head, mixture, i)


@compiled
def distribution(bound, out):
    """out[:seen] = p: the unknown word, then the words in use."""
    distribution_of(*whole(bound.state), out)
