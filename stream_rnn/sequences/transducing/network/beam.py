"""Greedy and beam search with the mean of the parameters."""

import math

import numpy as np

from ....codegen.blas import matvec
from ....codegen.dispatch import entry, kernel
from ....numerics.linalg import copy, zero
from ..symbols import END
from .attention import attend
from .record import log_softmax, read
from .recurrence import step


@entry
def decode(cell, attention, network, source, known, width, texts, lengths, scores):
    """The best targets of a source that ends with END, most probable first; how many.

    Of the partial targets the *width* best are kept; 1 is greedy.  *known* target symbols have
    been learned.  Writes texts (b, T), lengths (b,), scores (b,), ln p(target | source).
    """
    beam, record, weights = network.beam, network.record, network.mean
    n = source.size
    read(cell, weights, record, source)
    copy(record.writer.s[0].reshape(beam.s[0].size), beam.s[0].reshape(beam.s[0].size))
    zero(beam.context[0])
    beam.scores[0] = 0.0
    alive, found = 1, 0
    for t in range(texts.shape[1] + 1):
        for b in range(alive):
            x = beam.symbols[t - 1, b] if t > 0 else END
            write_step(cell, attention, weights, record, beam, n, b, x)
        alive, found = extend(beam, t, alive, known, width, texts, lengths, scores, found)
        if alive == 0 or (found == width and beam.scores[0] <= scores[found - 1]):
            break
    return found


@kernel
def write_step(cell, attention, weights, record, beam, n, b, x):
    """One step of partial target b, whose last symbol is x: its state, context and p."""
    writer, r = record.writer, record.r[0]
    D = writer.a.shape[1]
    step(
        cell, weights.writer, weights.writer_lookup[x], beam.context[b], beam.s[b],
        writer.z[0], writer.a, writer.s[1], writer.A[0], writer.B[0],
    )  # fmt: skip
    h = writer.s[1, 0]
    copy(writer.s[1].reshape(writer.s[1].size), beam.s[b].reshape(writer.s[1].size))
    attend(
        attention, weights.query, record.notes, n, h, record.queries[0],
        record.attention[0], beam.context[b],
    )  # fmt: skip
    copy(h, r[:D])
    copy(beam.context[b], r[D : 2 * D])
    r[2 * D] = 1
    matvec(weights.output, r, beam.p[b], 0.0)
    log_softmax(beam.p[b], beam.p.shape[1], END)


@kernel
def extend(beam, t, alive, known, width, texts, lengths, scores, found):
    """Every partial target with every symbol; those that end are ranked. (alive, found)"""
    kept = 0
    for b in range(alive):
        for v in range(known):
            if beam.p[b, v] < 1e-7:
                continue
            score = beam.scores[b] + math.log(beam.p[b, v])
            if v == END:
                found = conclude(beam, t, b, score, width, texts, lengths, scores, found)
            elif kept < width or score > beam.best[kept - 1]:
                at = min(kept, width - 1)
                while at > 0 and beam.best[at - 1] < score:
                    beam.best[at] = beam.best[at - 1]
                    beam.parent[at], beam.symbol[at] = beam.parent[at - 1], beam.symbol[at - 1]
                    at -= 1
                beam.best[at], beam.parent[at], beam.symbol[at] = score, b, v
                kept = min(kept + 1, width)
    if t == texts.shape[1]:
        return 0, found
    size = beam.s[0].size
    for b in range(kept):
        parent = beam.parent[b]
        beam.scores[b] = beam.best[b]
        beam.parents[t, b], beam.symbols[t, b] = parent, beam.symbol[b]
        copy(beam.s[parent].reshape(size), beam.next_s[b].reshape(size))
        copy(beam.context[parent], beam.next_context[b])
    for b in range(kept):
        copy(beam.next_s[b].reshape(size), beam.s[b].reshape(size))
        copy(beam.next_context[b], beam.context[b])
    return kept, found


@kernel
def conclude(beam, t, b, score, width, texts, lengths, scores, found):
    """Rank partial target b, of t symbols, among the targets found; how many there are."""
    if found == width and score <= scores[found - 1]:
        return found
    at = min(found, width - 1)
    while at > 0 and scores[at - 1] < score:
        scores[at], lengths[at] = scores[at - 1], lengths[at - 1]
        for j in range(lengths[at]):
            texts[at, j] = texts[at - 1, j]
        at -= 1
    scores[at], lengths[at] = score, t
    for j in range(t - 1, -1, -1):
        texts[at, j] = np.int32(beam.symbols[j, b])
        b = beam.parents[j, b]
    return min(found + 1, width)
