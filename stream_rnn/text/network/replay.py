"""Replay: old text is learned once more between the blocks of new text.

On a stream of which every symbol is seen once, a network is far from having learned all
that the past has to say.  A second head reads a ring of the symbols read before: a passage
of `PASSAGE` blocks from a random place, its state carried from block to block, then another
place (Lin 1992, "Self-improving reactive agents", there for transitions).  On a megabyte of
English one old block for every two new ones is worth 0.035 bits a character with 90 units
and 0.05 with 192, more than twice the units would be at the same speed.

It uses nothing but what was read before: predictions stay honest.
"""

import numpy as np

from ...codegen.inlined import inlined
from ...numerics.float32 import F, fill, scramble
from ..words import head as headwise
from .backward import learn_block, learn_output
from .coupled_lstm import BLOCKS_LEFT, HEAD, POSITION, REMEMBERED, STEPS, WAITING
from .forward import carry_over, forward, predict

PASSAGE = 20  # blocks
UNITS, EVERY = range(2)  # places in `Network.size`


@inlined
def remember(net, symbol):
    """Append the symbol to the ring."""
    M = net.memory.size
    if M > 1:
        net.memory[net.clock[REMEMBERED] % M] = np.uint16(symbol)
        net.clock[REMEMBERED] += 1


@inlined
def is_due(net):
    """Whether an old block follows the new one that was just learned."""
    if net.size[EVERY] == 0:
        return False
    net.clock[WAITING] += 1
    if net.clock[WAITING] < net.size[EVERY]:
        return False
    net.clock[WAITING] = 0
    return net.clock[REMEMBERED] >= 2 * PASSAGE * net.symbols.size


@inlined
def swap(x, y, n):
    """Exchange x[:n] and y[:n]."""
    for i in range(n):
        z = x[i]
        x[i] = y[i]
        y[i] = z


@inlined
def exchange_states(net):
    """The state of the first reading for that of the second, or back."""
    L, _, H = net.cell.shape
    swap(net.hidden[0], net.head_hidden, L * H)
    for layer in range(L):
        swap(net.cell[layer, 0], net.head_cell[layer], H)


@inlined
def choose_passage(net):
    """Move the head to a random passage, if it has come to the end of one."""
    clock, T, M = net.clock, net.symbols.size, net.memory.size
    oldest = max(np.int64(0), clock[REMEMBERED] - M)
    if clock[BLOCKS_LEFT] > 0 and clock[HEAD] >= oldest:
        return
    places = clock[REMEMBERED] - oldest - PASSAGE * T
    h = scramble(np.uint64(clock[STEPS]), np.uint64(12345))
    clock[HEAD] = oldest + np.int64(h >> np.uint64(33)) % places
    clock[BLOCKS_LEFT] = PASSAGE
    fill(F(0), net.head_hidden.size, net.head_hidden)
    for layer in range(net.head_cell.shape[0]):
        fill(F(0), net.head_cell.shape[1], net.head_cell[layer])


@inlined
def learn_target(net, head, target, seen):
    """One step of the output, which foretold the symbol; ``head`` is that of words, or None."""
    if head is not None:
        headwise.learn(net, head, target, seen)
    else:
        learn_output(net, target, seen)


@inlined
def foretell(net, head, target, seen, full):
    """Predict the symbol at the position; of words the class of `target` and its members."""
    if head is not None:
        headwise.predict_class(net, head, seen)
        headwise.predict_member(net, head, target // headwise.MEMBERS, seen)
    else:
        predict(net, seen, full)


@inlined
def read_passage(net, head, seen, full):
    """Read an old block as when it was new; a forgotten symbol (0) is no target."""
    M, clock = net.memory.size, net.clock
    for _ in range(net.symbols.size):
        forward(net, np.int64(net.memory[clock[HEAD] % M]))
        clock[HEAD] += 1
        target = np.int64(net.memory[clock[HEAD] % M])
        if target == 0:
            fill(F(0), net.pull.shape[1], net.pull[clock[POSITION]])
        else:
            foretell(net, head, target, seen, full)
            learn_target(net, head, target, seen)
        clock[POSITION] += 1
    clock[BLOCKS_LEFT] -= 1


@inlined
def learn_blocks(net, head, seen, full):
    """Learn the block that is full, and perhaps an old one.

    One call of `learn_block` serves both, for it is most of what there is to compile.
    """
    again = is_due(net)
    for reading in range(2 if again else 1):
        if reading == 1:
            choose_passage(net)
            exchange_states(net)
            read_passage(net, head, seen, full)
        learn_block(net, net.symbols.size)
        carry_over(net, net.symbols.size)
    if again:
        exchange_states(net)


@inlined
def learn(net, head, target, seen, full):
    """Learn the symbol that was foretold, and what is due at the end of a block; what the
    network predicts is no longer there then."""
    learn_target(net, head, target, seen)
    net.clock[STEPS] += 1
    net.clock[POSITION] += 1
    if net.clock[POSITION] == net.symbols.size:
        learn_blocks(net, head, seen, full)
