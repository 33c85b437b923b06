"""Probabilities of the next pair, by interpolated absolute discounting.

A pair (a, t) of a source symbol and its emission is predicted in two steps, p(a | h) p(t | h, a),
each from the contexts h of the last ORDER − 1 emissions, ORDER − 2, …, none:

    p_k(x) = (c_k(x) − d)⁺ / N_k + (1 − Σ_y (c_k(y) − d)⁺ / N_k) p_{k−1}(x)             (1)

with p₋₁ uniform.  As Kneser and Ney found, the counts of a shorter context are those of the
longer contexts it was met in, not of its occurrences: `count` goes on to a shorter context only
where the pair is new in the longer one.
"""

import numpy as np

from ....codegen.dispatch import kernel
from ....codegen.inlined import inlined
from ....numerics.float32 import scramble
from ....text.contexts.tables import FRONT, N_MASK, NEXT, TOTAL, find, update_list
from .state import DISCOUNT, ORDER


@inlined
def lengthened(key, token):
    """The key of a context with one more emission, further back."""
    return scramble(key, np.uint64(token) + np.uint64(1))


@inlined
def with_source(key, a):
    """The key of a context together with the source symbol."""
    return scramble(key ^ np.uint64(0x5851F42D4C957F2D), np.uint64(a))


@kernel
def count(tables, keys, a, token):
    """Count the pair in all its contexts; keys (ORDER,) from no emission to ORDER − 1."""
    for k in range(ORDER - 1, -1, -1):
        if update_list(tables, keys[k], 2 * k, a) > 0:
            break
    for k in range(ORDER - 1, -1, -1):
        if update_list(tables, with_source(keys[k], a), 2 * k + 1, token) > 0:
            break


@kernel
def of_source(tables, keys, a, known):
    """p(a | h), Eq. (1); *known* source symbols there are."""
    p = 1.0 / known
    for k in range(ORDER):
        slot = find(tables.slots, keys[k], 2 * k)
        if tables.slots[slot, TOTAL] == 0:
            break
        N = float(tables.slots[slot, TOTAL] & N_MASK)
        packed, node = tables.slots[slot, FRONT], tables.slots[slot, NEXT]
        own = taken = 0.0
        while True:
            c = float(packed >> 16) - DISCOUNT
            taken += c
            if packed & 0xFFFF == a:
                own = c
            if node < 0:
                break
            packed, node = tables.nodes[node, 0], tables.nodes[node, 1]
        p = own / N + (1.0 - taken / N) * p
    return p


@kernel
def of_emissions(tables, keys, a, beam):
    """p(t | h, a) of all n emissions t of a, in beam.symbols and beam.p; returns n."""
    symbols, p = beam.symbols, beam.p
    n = 0
    for k in range(ORDER):
        slot = find(tables.slots, with_source(keys[k], a), 2 * k + 1)
        if tables.slots[slot, TOTAL] == 0:
            break
        N = float(tables.slots[slot, TOTAL] & N_MASK)
        packed, node = tables.slots[slot, FRONT], tables.slots[slot, NEXT]
        if k == 0:
            n = list_symbols(tables, packed, node, symbols, beam.place)
            for i in range(n):
                p[i] = 1.0 / (n + 1)
        taken, here, following = 0.0, packed, node
        while True:
            taken += float(here >> 16) - DISCOUNT
            if following < 0:
                break
            here, following = tables.nodes[following, 0], tables.nodes[following, 1]
        rest = 1.0 - taken / N
        for i in range(n):
            p[i] *= rest
        while True:
            at = beam.place[packed & 0xFFFF]
            if at < n and symbols[at] == packed & 0xFFFF:
                p[at] += (float(packed >> 16) - DISCOUNT) / N
            if node < 0:
                break
            packed, node = tables.nodes[node, 0], tables.nodes[node, 1]
    return n


@kernel
def list_symbols(tables, packed, node, symbols, place):
    """The symbols of a list, and the place of each in it; returns how many."""
    n = 0
    while True:
        symbols[n] = packed & 0xFFFF
        place[packed & 0xFFFF] = n
        n += 1
        if node < 0:
            return n
        packed, node = tables.nodes[node, 0], tables.nodes[node, 1]
