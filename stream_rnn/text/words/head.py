"""A softmax in two steps, so that its cost does not grow with the vocabulary.

Word s is member s mod 128 of class s div 128; words are numbered as they appear, so early
and frequent words share classes.  With h the hidden state::

    p(s) = softmax(C h + a)[class] · softmax(V h + b over the class's members)[member]

One step costs two products of at most 128 (or vocabulary / 128) rows.  Source: Goodman
2001, "Classes for fast maximum entropy training".
"""

from typing import Annotated, NamedTuple

import numpy as np

from ...codegen.inlined import inlined
from ...numerics.float32 import (
    F,
    add_combination,
    add_into,
    add_outer,
    add_scaled,
    copy_into,
    fill,
    rows_dot,
    softmax_into,
)
from ...numerics.growing import keep
from ...numerics.trees import SCRATCH, Float32, allocate
from ..network.backward import output_step
from ..network.coupled_lstm import POSITION

MEMBERS = 128


class WordHead(NamedTuple):
    """V words in ceil(V / 128) classes; the members' weights are the network's output."""

    classes: Annotated[Float32, "G LH"]
    bias: Annotated[Float32, "G"]
    p_class: Annotated[Float32, "G"]  # the prediction of the class
    p_member: Annotated[Float32, "128"]  # of the members of the class asked for last
    work: Annotated[Float32, "W", SCRATCH]

    @classmethod
    def create(cls, symbols: int, width: int) -> "WordHead":
        """A fresh head; the output weights start at 0."""
        n = -(-symbols // MEMBERS)
        return allocate(cls, {"G": n, "LH": width, "W": max(n, MEMBERS)})

    def resized(self, symbols: int) -> "WordHead":
        """With room for more words; classes stay what they are."""
        new = WordHead.create(symbols, self.classes.shape[1])
        keep(self, new, np.arange(symbols))
        return new


@inlined
def classes_in_use(seen):
    """How many classes the first `seen` words make."""
    return (seen + MEMBERS - 1) // MEMBERS


@inlined
def members_in_use(group, seen):
    """How many words of the class are in use."""
    return min(MEMBERS, seen - group * MEMBERS)


@inlined
def predict_class(net, head, seen):
    """p_class, from the hidden state after the newest word."""
    h = net.hidden[net.clock[POSITION] + 1]
    n = classes_in_use(seen)
    rows_dot(head.classes, h, n, h.size, head.work)
    add_into(head.bias, n, head.work)
    softmax_into(head.work, n, head.p_class)


@inlined
def predict_member(net, head, group, seen):
    """p_member of one class."""
    h = net.hidden[net.clock[POSITION] + 1]
    n, first = members_in_use(group, seen), group * MEMBERS
    rows_dot(net.output[first:], h, n, h.size, head.work)
    add_into(net.output_bias[first:], n, head.work)
    softmax_into(head.work, n, head.p_member)


@inlined
def learn(net, head, target, seen):
    """One step of both softmaxes towards `target`, whose class was asked for last."""
    e = net.clock[POSITION]
    h, pull = net.hidden[e + 1], net.pull[e]
    width, step = h.size, output_step(net)
    group = target // MEMBERS
    fill(F(0), width, pull)
    n = classes_in_use(seen)
    copy_into(head.p_class, n, head.work)
    head.work[group] -= F(1)
    move(head.work, h, n, width, step, head.classes, head.bias, pull)
    n, first = members_in_use(group, seen), group * MEMBERS
    copy_into(head.p_member, n, head.work)
    head.work[target - first] -= F(1)
    move(head.work, h, n, width, step, net.output[first:], net.output_bias[first:], pull)


@inlined
def move(error, h, n, width, step, rows, bias, pull):
    """Add dLoss/dh to `pull`, then move the rows."""
    add_combination(error, rows, n, width, pull)
    add_outer(-step, error, h, n, width, rows)
    add_scaled(-step, error, n, bias)
