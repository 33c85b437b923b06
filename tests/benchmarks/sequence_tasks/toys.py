"""Ten symbols in reverse order, or sorted: how many sequences until 500 fresh ones are exact."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from stream_rnn import SequenceTransducer

from .table import GOAL, PRODUCT, Row

SYMBOLS, LENGTH, FRESH, EVERY = 10, 10, 500, 500


def until_exact(
    target: Callable, seed: int, most: int, **settings: object
) -> tuple[int, int, float]:
    """Sequences until .99 of 500 fresh ones are right, until all are, and ms to learn one.

    Asked after every 500; *most* + 1 where it was not seen.
    """
    rng = np.random.default_rng(100 + seed)
    fresh = np.random.default_rng(7).integers(0, SYMBOLS, (FRESH, LENGTH)).tolist()
    model, nearly, spent = SequenceTransducer(seed=seed, **settings), most + 1, 0.0  # type: ignore
    for count in range(EVERY, most + 1, EVERY):
        started = time.process_time()
        for x in rng.integers(0, SYMBOLS, (EVERY, LENGTH)).tolist():
            model.learn_one(x, target(x))
        spent += time.process_time() - started
        right = np.mean([model.predict_one(x) == tuple(target(x)) for x in fresh])
        nearly = min(nearly, count) if right >= 0.99 else nearly
        if right == 1.0:
            return nearly, count, spent / count * 1e3
    return nearly, most + 1, spent / most * 1e3


def toy(target: Callable, goal: Row, most: int) -> Callable[[Path, int], Iterator[Row]]:
    def rows(data: Path, seeds: int) -> Iterator[Row]:
        yield goal
        until_exact(target, 0, EVERY)  # compiled before anything is timed
        contestants = {
            "SequenceTransducer()": {},
            "SequenceTransducer(joint=False)": {"joint": False},
        }
        for who, settings in contestants.items():
            found = [until_exact(target, seed, most, **settings) for seed in range(seeds)]
            nearly, exact, cost = zip(*found, strict=True)
            figures = {"-.99 after": nearly, "-exact after": exact}
            yield Row(who, PRODUCT, figures, f"{np.mean(cost):.2f} ms to learn a sequence")

    return rows


def goal(nearly: float, exact: float) -> Row:
    return Row("must reach", GOAL, {"-.99 after": [nearly], "-exact after": [exact]})


TASKS = {
    "reversal": toy(lambda x: x[::-1], goal(3000, 3000), 5000),
    "sorting": toy(sorted, goal(6000, 20_000), 20_000),
}
