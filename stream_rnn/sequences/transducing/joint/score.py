"""How probable a given target is under the joint model, over all ways to emit it.

As `beam`, but only emissions that go on with the target are followed.  A piece that its source
symbol has never emitted is not ruled out: it has the probability of a slip, `SLIP` / V^|piece|.
"""

import math

from ....codegen.dispatch import entry, kernel
from ..symbols import END, PAD
from .beam import keep, key_contexts, take_over
from .lattice import padded_length
from .ngram import of_emissions, of_source
from .state import ORDER, place_of

SLIP = 1e-4


@entry
def score(joint, tables, keys, source, target, known, targets):
    """ln p(source, target), of so many known symbols of either side; −∞ if the beam lost it."""
    beam = joint.beam
    n, m = padded_length(source.size, target.size), target.size
    width = 1
    beam.scores[0], beam.position[0] = 0.0, 0
    for k in range(ORDER - 1):
        beam.recent[0, k] = 0
    for i in range(n):
        a = source[i] if i < source.size else PAD
        kept = 0
        for b in range(width):
            least = m - 2 * (n - 1 - i)  # must be emitted by now for the rest to be able to
            kept = follow(joint, tables, keys, a, target, known, targets, least, b, kept)
        if kept == 0:
            return -math.inf
        for b in range(kept):
            parts = beam.token[b] % 4
            beam.token[b] //= 4
            beam.next_position[b] = beam.position[beam.parent[b]] + parts
        take_over(beam, i, kept)
        for b in range(kept):
            beam.position[b] = beam.next_position[b]
        width = kept
    total = 0.0
    top = -math.inf
    for b in range(width):
        if beam.position[b] == m:
            key_contexts(keys, beam.recent[b])
            found = beam.scores[b] + math.log(of_source(tables, keys, END, known))
            if found > top:
                total = total * math.exp(top - found) + 1.0 if total > 0.0 else 1.0
                top = found
            else:
                total += math.exp(found - top)
    return top + math.log(total) if total > 0.0 else -math.inf


@kernel
def follow(joint, tables, keys, a, target, known, targets, least, b, kept):
    """Partial target b with the pieces of the target that a may emit now; see `keep`.

    The token of a candidate is kept as 4 · token + the length of the piece.
    """
    beam = joint.beam
    key_contexts(keys, beam.recent[b])
    score = beam.scores[b] + math.log(of_source(tables, keys, a, known))
    n = of_emissions(tables, keys, a, beam)
    at = beam.position[b]
    slip = SLIP
    for parts in range(3):
        if at + parts <= target.size and at + parts >= least:
            first = target[at] if parts > 0 else 0
            second = target[at + 1] if parts > 1 else 0
            token = joint.places[place_of(joint, a, first, second)]
            place = beam.place[token]
            p = slip
            if token > 0 and place < n and beam.symbols[place] == token:
                p = max(slip, beam.p[place])
            kept = keep(beam, kept, score + math.log(p), b, 4 * token + parts)
        slip /= targets
    return kept
