"""Which source symbol emitted which target symbols.

A path through the lattice takes each source symbol a once and emits a piece b of the target, of
nought to two symbols, with probability

    p(b | a) = (c(a, b) + p₀(b)) / (c(a) + 1),   p₀(b) = q(|b|) / V^|b|                 (1)

where c are expected counts over all records so far, V the number of target symbols and q a prior
over lengths.  `expect` adds the expectations under (1) to c (Baum 1972; one record at a time,
Neal & Hinton 1998); `align` finds the most probable path.  A source that is too short is padded.
"""

import math

from ....codegen.dispatch import kernel
from ....codegen.inlined import inlined
from ..symbols import PAD
from .state import TARGETS, admit, place_of

SILENT, SINGLE, DOUBLE = 0.1, 0.8, 0.1  # q
LEAST = 0.05  # expectations below it are not worth an emission of their own


@inlined
def probability(joint, a, token, length):
    """Eq. (1)"""
    V = max(2.0, float(joint.clock[TARGETS]))
    prior = SILENT if length == 0 else (SINGLE / V if length == 1 else DOUBLE / (V * V))
    count = joint.counts[token] if token > 0 else 0.0
    return (count + prior) / (joint.totals[a] + 1.0)


@inlined
def padded_length(n, m):
    """How long a source has to be for a target of m symbols."""
    return max(n, (m + 1) // 2)


@kernel
def fill_in(joint, source, target):
    """Pad the source and weigh the arcs by Eq. (1); returns the padded length."""
    n, m = padded_length(source.size, target.size), target.size
    for i in range(n):
        joint.padded[i] = source[i] if i < source.size else PAD
    for i in range(n):
        a = joint.padded[i]
        for j in range(m + 1):
            for length in range(min(2, m - j) + 1):
                b = target[j] if length > 0 else 0
                c = target[j + 1] if length > 1 else 0
                token = joint.places[place_of(joint, a, b, c)]
                joint.arc_p[i, j, length] = probability(joint, a, token, length)
    return n


@kernel
def expect(joint, source, target):
    """Add the expected counts of the record; every row of α and β is scaled to the sum 1."""
    m = target.size
    n = fill_in(joint, source, target)
    beta = joint.beta
    forward(joint, n, m)
    for j in range(m):
        beta[n, j] = 0.0
    beta[n, m] = 1.0
    for i in range(n - 1, -1, -1):
        total = 0.0
        for j in range(m + 1):
            s = 0.0
            for length in range(min(2, m - j) + 1):
                s += joint.arc_p[i, j, length] * beta[i + 1, j + length]
            beta[i, j] = s
            total += s
        for j in range(m + 1):
            beta[i, j] /= total
    for i in range(n):
        count(joint, i, m, target)


@kernel
def forward(joint, n, m):
    """α[i, j]: how probable it is that the first i symbols emit the first j, but for a factor."""
    alpha = joint.alpha
    alpha[0, 0] = 1.0
    for j in range(1, m + 1):
        alpha[0, j] = 0.0
    for i in range(n):
        for j in range(m + 1):
            alpha[i + 1, j] = 0.0
        total = 0.0
        for j in range(m + 1):
            for length in range(min(2, m - j) + 1):
                p = alpha[i, j] * joint.arc_p[i, j, length]
                alpha[i + 1, j + length] += p
                total += p
        for j in range(m + 1):
            alpha[i + 1, j] /= total


@kernel
def count(joint, i, m, target):
    """Add the expected counts of what symbol i emits; they sum to 1 but for what is negligible."""
    a, total = joint.padded[i], 0.0
    weigh = joint.weigh
    for j in range(m + 1):
        for length in range(min(2, m - j) + 1):
            p = joint.arc_p[i, j, length] * joint.alpha[i, j] * joint.beta[i + 1, j + length]
            weigh[j, length] = p
            total += p
    for j in range(m + 1):
        for length in range(min(2, m - j) + 1):
            if weigh[j, length] > LEAST * total:
                b = target[j] if length > 0 else 0
                c = target[j + 1] if length > 1 else 0
                token = admit(joint, a, b, c)
                if token > 0:
                    joint.counts[token] += weigh[j, length] / total
                    joint.totals[a] += weigh[j, length] / total


@kernel
def align(joint, source, target):
    """The most probable path as emissions in `path`; its length, or −1 where one has no number."""
    m = target.size
    n = fill_in(joint, source, target)
    score = joint.alpha
    for j in range(m + 1):
        score[0, j] = 0.0 if j == 0 else -math.inf
    for i in range(n):
        for j in range(m + 1):
            score[i + 1, j] = -math.inf
        for j in range(m + 1):
            for length in range(min(2, m - j) + 1):
                s = score[i, j] + math.log(joint.arc_p[i, j, length])
                if s > score[i + 1, j + length]:
                    score[i + 1, j + length] = s
                    joint.beta[i + 1, j + length] = length
    j = m
    for i in range(n - 1, -1, -1):
        length = int(joint.beta[i + 1, j])
        j -= length
        b = target[j] if length > 0 else 0
        c = target[j + 1] if length > 1 else 0
        joint.path[i] = admit(joint, joint.padded[i], b, c)
        if joint.path[i] == 0:
            return -1
    return n
