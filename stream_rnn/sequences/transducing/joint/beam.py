"""From a source to its best targets, with the joint model alone.

Source symbols are taken in order; of the partial targets, told apart by their emissions, the BEAM
most probable are kept.  Ways to one target are added up at the end.  After the source, PAD may
emit more, if it ever has.
"""

import math

from ....codegen.dispatch import entry, kernel
from ..symbols import END, PAD
from .ngram import lengthened, of_emissions, of_source
from .state import BEAM, ORDER

NEGLIGIBLE = 1e-9  # an emission less probable than this is not worth the beam


@entry
def decode(joint, tables, keys, source, known, texts, lengths, scores):
    """The best targets, most probable first; returns how many.

    Writes texts (BEAM, T) int32, lengths (BEAM,) and scores (BEAM,), log p(source, target);
    *known* is how many source symbols there are.  A target longer than T is passed over.
    """
    beam = joint.beam
    width, found = 1, 0
    beam.scores[0] = 0.0
    for k in range(ORDER - 1):
        beam.recent[0, k] = 0
    longest = beam.parents.shape[0]
    for i in range(longest):
        if i >= source.size:
            found = finish(joint, tables, keys, i, width, known, texts, lengths, scores, found)
            if joint.totals[PAD] == 0.0 or (found > 0 and scores[0] > beam.scores[0]):
                break
        a = source[i] if i < source.size else PAD
        width = advance(tables, keys, beam, a, known, i, width)
        if width == 0:
            break
    return found


@kernel
def key_contexts(keys, recent):
    """The keys of the contexts after these emissions, the newest first."""
    for k in range(ORDER - 1):
        keys[k + 1] = lengthened(keys[k], recent[k])


@kernel
def advance(tables, keys, beam, a, known, i, width):
    """Every partial target with every emission of a; the new width of the beam."""
    kept = 0
    for b in range(width):
        key_contexts(keys, beam.recent[b])
        score = beam.scores[b] + math.log(of_source(tables, keys, a, known))
        n = of_emissions(tables, keys, a, beam)
        if n == 0:  # a source symbol that was never learned is silent
            kept = keep(beam, kept, score, b, 0)
        for j in range(n):
            if beam.p[j] > NEGLIGIBLE:
                kept = keep(beam, kept, score + math.log(beam.p[j]), b, beam.symbols[j])
    take_over(beam, i, kept)
    return kept


@kernel
def take_over(beam, i, kept):
    """The best candidates are the partial targets after i + 1 emissions."""
    for b in range(kept):
        parent = beam.parent[b]
        beam.scores[b] = beam.best[b]
        beam.parents[i, b], beam.tokens[i, b] = parent, beam.token[b]
        for k in range(ORDER - 2, 0, -1):
            beam.next_recent[b, k] = beam.recent[parent, k - 1]
        beam.next_recent[b, 0] = beam.token[b]
    for b in range(kept):
        for k in range(ORDER - 1):
            beam.recent[b, k] = beam.next_recent[b, k]


@kernel
def keep(beam, kept, score, parent, token):
    """Put a candidate in its place among the best; how many there are."""
    if kept == BEAM and score <= beam.best[kept - 1]:
        return kept
    at = min(kept, BEAM - 1)
    while at > 0 and beam.best[at - 1] < score:
        beam.best[at] = beam.best[at - 1]
        beam.parent[at], beam.token[at] = beam.parent[at - 1], beam.token[at - 1]
        at -= 1
    beam.best[at], beam.parent[at], beam.token[at] = score, parent, token
    return min(kept + 1, BEAM)


@kernel
def finish(joint, tables, keys, i, width, known, texts, lengths, scores, found):
    """End every partial target after i emissions and rank it; how many targets there are."""
    beam = joint.beam
    for b in range(width):
        key_contexts(keys, beam.recent[b])
        score = beam.scores[b] + math.log(of_source(tables, keys, END, known))
        length = spell(joint, i, b, beam.spelled)
        if length <= texts.shape[1]:
            found = rank(beam.spelled, length, score, texts, lengths, scores, found)
    return found


@kernel
def spell(joint, i, b, text):
    """The target of partial target b after i emissions, into `text`; its length."""
    beam = joint.beam
    at = text.size
    for step in range(i - 1, -1, -1):
        emitted = joint.emitted[beam.tokens[step, b]]
        for part in range(2, 0, -1):
            if emitted[part] > 0:
                at -= 1
                text[at] = emitted[part]
        b = beam.parents[step, b]
    length = text.size - at
    for j in range(length):
        text[j] = text[at + j]
    return length


@kernel
def rank(text, length, score, texts, lengths, scores, found):
    """Add a target to those found, or its probability to that of the same one."""
    at = found
    for c in range(found):
        if lengths[c] == length:
            same = True
            for j in range(length):
                same = same and texts[c, j] == text[j]
            if same:
                high, low = max(scores[c], score), min(scores[c], score)
                score = high + math.log1p(math.exp(low - high))
                at = c
                break
    if at == found:
        if found == len(scores):
            if score <= scores[found - 1]:
                return found
            at = found - 1
        else:
            found += 1
    while at > 0 and scores[at - 1] < score:
        scores[at], lengths[at] = scores[at - 1], lengths[at - 1]
        for j in range(lengths[at]):
            texts[at, j] = texts[at - 1, j]
        at -= 1
    scores[at], lengths[at] = score, length
    for j in range(length):
        texts[at, j] = text[j]
    return found
