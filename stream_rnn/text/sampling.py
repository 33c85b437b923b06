"""Looking ahead: drawing text from a model, and its best continuations."""

import heapq

import numpy as np

from .model import TextModel


def sample(
    model: TextModel, prompt: np.ndarray, length: int, temperature: float, rng: np.random.Generator
) -> list[int]:
    """Codes of `length` symbols drawn from p^(1/temperature), after reading `prompt`."""
    drawn: list[int] = []
    with model.looking_ahead():
        for code in prompt.tolist():
            model.follow(code)
        for _ in range(length):
            p = model.distribution()[1:]
            if not len(p):
                break
            drawn.append(int(model.known[draw(p, temperature, rng)]))
            model.follow(drawn[-1])
    return drawn


def draw(p: np.ndarray, temperature: float, rng: np.random.Generator) -> int:
    """An index with probability proportional to p^(1/temperature); the largest p at 0."""
    if temperature == 0:
        return int(np.argmax(p))
    logit = np.log(np.maximum(p, 1e-30)) / temperature
    weight = np.cumsum(np.exp(logit - logit.max()))
    return int(np.searchsorted(weight, rng.random() * weight[-1], side="right"))


def continuations(
    model: TextModel, prompt: np.ndarray, k: int, length: int, ends: set[int]
) -> list[tuple[list[int], float]]:
    """The k cheapest continuations found by beam search, best first, with their bits.

    A continuation ends before a code in `ends` or after `length` symbols; the cost of the
    end is part of its bits.  Different beginnings only: the beam starts with k symbols.
    """
    with model.looking_ahead():
        for code in prompt.tolist():
            model.follow(code)
        found: list[tuple[list[int], float]] = []
        for first, bits in _steps(model, k, ends):
            place = model.place()
            model.follow(first)
            found.append(_greedy(model, first, bits, length, ends))
            model.return_to(place)
    return heapq.nsmallest(k, found, key=lambda item: item[1])


def _steps(model: TextModel, k: int, ends: set[int]) -> list[tuple[int, float]]:
    """The k most probable next symbols that do not end the continuation, with their bits."""
    p, known = model.distribution()[1:], model.known
    order = [i for i in np.argsort(-p, kind="stable") if int(known[i]) not in ends]
    return [(int(known[i]), -float(np.log2(p[i]))) for i in order[:k]]


def _greedy(
    model: TextModel, first: int, bits: float, length: int, ends: set[int]
) -> tuple[list[int], float]:
    """Go on with the most probable symbol until the end."""
    path = [first]
    while len(path) < length:
        p = model.distribution()[1:]
        i = int(np.argmax(p))
        code = int(model.known[i])
        bits -= float(np.log2(p[i]))
        if code in ends:
            break
        path.append(code)
        model.follow(code)
    return path, bits
