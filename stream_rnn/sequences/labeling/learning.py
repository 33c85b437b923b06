"""Sentences through the compiled chain: features to scores, scores to labels, errors to weights.

A sentence comes as the attributes of its words, from which `templates` makes features with the
value 1, or as features made elsewhere, with values; or both.
"""

from typing import Annotated, NamedTuple

import numpy as np

from ...codegen.dispatch import entry, kernel
from ...numerics import trees
from ...numerics.trees import Float, Float32, Int, Int32, Word
from ..sparse.adagrad import add_scores, descend, step_row
from ..sparse.table import CLOCK, NONE, row_of
from .chain import (
    backward,
    best_path,
    expected_transitions,
    exponentials,
    forward,
    marginals,
    transition_factors,
)
from .network.sentence import add_scores_of, step_network
from .templates import features_of


class Transitions(NamedTuple):
    """A and its squared gradients; the last row is from the start, the last column to the end."""

    weights: Annotated[Float, "S S"]
    squares: Annotated[Float, "S S"]


class Work(NamedTuple):
    """What is computed of a sentence of at most T tokens, with F template features each."""

    keys: Annotated[Word, "F"]
    rows: Annotated[Int32, "T F"]
    scores: Annotated[Float, "T L"]
    phi: Annotated[Float, "T L"]
    alpha: Annotated[Float, "T L"]
    beta: Annotated[Float, "T L"]
    p: Annotated[Float, "T L"]
    back: Annotated[Int, "T L"]
    factors: Annotated[Float, "S S"]
    expected: Annotated[Float, "S S"]
    error: Annotated[Float32, "L"]


class Sentence(NamedTuple):
    """Attributes (T, A), or (T, 0); the given features of token t are from starts[t] on."""

    attributes: np.ndarray
    starts: np.ndarray
    keys: np.ndarray
    values: np.ndarray


def workspace(tokens: int, features: int, labels: int) -> Work:
    """Room for sentences of so many tokens, and no longer ones."""
    sizes = {"T": tokens, "F": features, "L": labels, "S": labels + 1}
    work: Work = trees.allocate(Work, sizes)
    return work


@entry
def predict(table, transitions, templates, network, sentence, sparse, count, work, path):
    """path (T,) ← the most probable labels."""
    T = path.size
    score(table, templates, sparse, count, work, False)
    add_scores_of(network, sentence, count, False, work.scores)
    best_path(work.scores, transitions.weights, T, count, work.alpha, work.back, path)


@entry
def distribution(table, transitions, templates, network, sentence, sparse, count, work, p):
    """p (T, count) ← how probable each label of each token is."""
    score(table, templates, sparse, count, work, False)
    add_scores_of(network, sentence, count, False, work.scores)
    infer(transitions, len(p), count, work)
    for t in range(len(p)):
        for l in range(count):
            p[t, l] = work.p[t, l]


@entry
def learn(
    table, transitions, templates, network, sentence, sparse, labels, count, rule, work, path
):
    """Predict into path (T,), then take a step for labels (T,); returns −log p(labels | x)."""
    T = labels.size
    table.size[CLOCK] += 1
    score(table, templates, sparse, count, work, True)
    add_scores_of(network, sentence, count, True, work.scores)
    best_path(work.scores, transitions.weights, T, count, work.alpha, work.back, path)
    log_z = infer(transitions, T, count, work)
    loss = log_z - path_score(work.scores, transitions.weights, labels)
    expected_transitions(
        work.alpha, work.beta, work.phi, work.factors, work.p, T, count, work.expected
    )
    for t in range(T):
        work.p[t, labels[t]] -= 1.0
    subtract_path(labels, work.expected)
    step_features(table, templates, sparse, count, rule, work)
    step_network(network, sentence, count, work.p)
    step_transitions(transitions, count, rule, work)
    return loss


@kernel
def score(table, templates, sentence, count, work, learning):
    """Fill the scores; of template features also the rows, which are new ones when *learning*."""
    T = sentence.starts.size - 1
    for t in range(T):
        scores = work.scores[t]
        for l in range(count):
            scores[l] = 0.0
        if sentence.attributes.shape[1] > 0:
            features_of(sentence.attributes, templates, t, work.keys)
            for n in range(work.keys.size):
                row = row_of(table, work.keys[n], learning)
                work.rows[t, n] = row
                if row != NONE:
                    add_scores(table.weights[row], np.float32(1), count, scores)
        for n in range(sentence.starts[t], sentence.starts[t + 1]):
            row = row_of(table, sentence.keys[n], learning)
            if row != NONE:
                add_scores(table.weights[row], sentence.values[n], count, scores)


@kernel
def infer(transitions, T, count, work):
    """From scores to marginals; returns log Z."""
    shift = transition_factors(transitions.weights, count, work.factors) * (T + 1)
    for t in range(T):
        shift += exponentials(work.scores[t], count, work.phi[t])
    log_z = forward(work.phi, work.factors, T, count, work.alpha)
    backward(work.phi, work.factors, T, count, work.beta)
    marginals(work.alpha, work.beta, T, count, work.p)
    return log_z + shift


@kernel
def path_score(scores, A, labels):
    """The score of one sequence of labels."""
    last = A.shape[0] - 1
    total, before = 0.0, last
    for t in range(labels.size):
        total += A[before, labels[t]] + scores[t, labels[t]]
        before = labels[t]
    return total + A[before, last]


@kernel
def subtract_path(labels, expected):
    """Expected transitions minus those of the truth."""
    last = expected.shape[0] - 1
    before = last
    for t in range(labels.size):
        expected[before, labels[t]] -= 1.0
        before = labels[t]
    expected[before, last] -= 1.0


@kernel
def step_features(table, templates, sentence, count, rule, work):
    """Move the weights of every token's features against p − truth, in work.p."""
    error = work.error
    for t in range(sentence.starts.size - 1):
        for l in range(count):
            error[l] = np.float32(work.p[t, l])
        if sentence.attributes.shape[1] > 0:
            for n in range(work.keys.size):
                if work.rows[t, n] != NONE:
                    step_row(table, work.rows[t, n], rule, error, np.float32(1), count)
        for n in range(sentence.starts[t], sentence.starts[t + 1]):
            row = row_of(table, sentence.keys[n], False)
            if row != NONE:
                step_row(table, row, rule, error, sentence.values[n], count)


@kernel
def step_transitions(transitions, count, rule, work):
    """Move A against expected − true transitions, in work.expected."""
    last = transitions.weights.shape[0] - 1
    for k in range(count):
        descend(rule, transitions.weights[k], transitions.squares[k], work.expected[k], 1.0, count)
        descend(
            rule,
            transitions.weights[k, last:],
            transitions.squares[k, last:],
            work.expected[k, last:],
            1.0,
            1,
        )
    descend(
        rule, transitions.weights[last], transitions.squares[last], work.expected[last], 1.0, count
    )
