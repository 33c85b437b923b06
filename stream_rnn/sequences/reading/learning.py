"""Documents through compiled loops: tokens to features, features to scores, errors to weights."""

from math import exp, log
from typing import Annotated, NamedTuple

import numpy as np

from ...codegen.dispatch import entry, kernel
from ...numerics import trees
from ...numerics.trees import Float, Float32, Int, Int32
from ..sparse.adagrad import add_scores, descend
from ..sparse.keys import joined, key_of
from ..sparse.table import CLOCK, NONE, admit, find

WORD, SHAPE, PAIR, GRAM = (np.uint64(key_of("kind", k)) for k in ("word", "shape", "pair", "gram"))
FAR = 60.0  # nats; what is further below the best counts as that far


class Reading(NamedTuple):
    """Which features a text has: shapes, pairs of words, character n-grams from *least* to *most*.

    With *most* 0 there are no n-grams.
    """

    shapes: bool = True
    pairs: bool = True
    least: int = 3
    most: int = 5


class Work(NamedTuple):
    """Scores and errors of L classes; the rows of F features; the document at hand."""

    scores: Annotated[Float, "L"]
    error: Annotated[Float32, "L"]
    rows: Annotated[Int32, "F"]
    mark: Annotated[Int, "1"]


def workspace(features: int, labels: int) -> Work:
    """Room for documents of so many features, and no more."""
    work: Work = trees.allocate(Work, {"F": features, "L": labels})
    return work


def how_many(reading: Reading, tokens: int, characters: int) -> int:
    """Features of a text of so many tokens and characters, at most."""
    grams = characters * max(0, reading.most - reading.least + 1)
    return tokens * (1 + reading.shapes + reading.pairs) + grams


@entry
def features_of(reading, tokens, characters, field, out):
    """Fill *out* with the keys of a text in a *field*; returns how many there are.

    First those of the words, in their order, then shapes, pairs and n-grams.
    """
    n, T = 0, tokens.shape[0]
    word, figure = joined(field, WORD), joined(field, SHAPE)
    pair, gram = joined(field, PAIR), joined(field, GRAM)
    for t in range(T):
        out[n] = joined(word, tokens[t, 0])
        n += 1
    if reading.shapes:
        for t in range(T):
            out[n] = joined(figure, tokens[t, 1])
            n += 1
    if reading.pairs:
        for t in range(T - 1):
            out[n] = joined(joined(pair, tokens[t, 0]), tokens[t + 1, 0])
            n += 1
    for start in range(characters.size):
        key = gram
        for length in range(1, min(reading.most, characters.size - start) + 1):
            key = joined(key, np.uint64(characters[start + length - 1]))
            if length >= reading.least:
                out[n] = key
                n += 1
    return n


@kernel
def score(table, keys, values, count, work, learning):
    """Fill scores and rows; a feature that comes again has no row but the first time."""
    work.mark[0] += 1
    for l in range(count):
        work.scores[l] = 0.0
    for n in range(keys.size):
        row = admit(table, keys[n]) if learning else find(table, keys[n])
        if row != NONE:
            if table.stamp[row] == work.mark[0]:
                row = NONE
            else:
                table.stamp[row] = work.mark[0]
                add_scores(table.weights[row], values[n], count, work.scores)
        work.rows[n] = row


@kernel
def softmax(scores, count, p):
    """p ← softmax(scores); returns log Σ exp(scores)."""
    top = scores[0]
    for l in range(1, count):
        top = max(top, scores[l])
    total = 0.0
    for l in range(count):
        p[l] = exp(max(scores[l] - top, -FAR))
        total += p[l]
    for l in range(count):
        p[l] /= total
    return top + log(total)


@entry
def predict(table, keys, values, count, work, p):
    """p (count,) ← the probabilities of the classes."""
    score(table, keys, values, count, work, False)
    softmax(work.scores, count, p)


@entry
def learn(table, keys, values, label, count, rule, work, p):
    """Predict into p (count,), then take a step for *label*; returns −log p(label | x)."""
    table.size[CLOCK] += 1
    score(table, keys, values, count, work, True)
    loss = softmax(work.scores, count, p) - work.scores[label]
    for l in range(count):
        work.error[l] = np.float32(p[l])
    work.error[label] -= np.float32(1)
    for n in range(keys.size):
        row = work.rows[n]
        if row != NONE:
            table.uses[row] += 1
            descend(rule, table.weights[row], table.squares[row], work.error, values[n], count)
    return loss


@entry
def explain(table, keys, values, count, work, out):
    """out (N, count) ← what each feature adds to each score."""
    score(table, keys, values, count, work, False)
    for n in range(keys.size):
        for l in range(count):
            row = work.rows[n]
            out[n, l] = 0.0 if row == NONE else table.weights[row, l] * values[n]
