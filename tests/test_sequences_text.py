"""Text in the steps of sequences."""

import numpy as np
import pandas as pd
import pytest

from stream_rnn import SequenceClassifier, SequenceRegressor
from stream_rnn.errors import BadRecord, ConfigError

QUICK = {"network": False, "reservoir": 8, "seed": 1}
ACTS = ("look", "search", "help")


def visits(n, seed=0, many=0):
    """Visits to a shop, bought or not: who puts things into a basket buys."""
    rng = np.random.default_rng(seed)
    for _ in range(n):
        bought = bool(rng.integers(2))
        acts = [str(rng.choice(ACTS)) for _ in range(rng.integers(3, 8))]
        if bought:
            acts[rng.integers(len(acts))] = "basket"
        steps = [{"act": act, "seconds": float(rng.exponential())} for act in acts]
        if many:
            for step in steps:
                step["page"] = f"page {rng.integers(many)}"
        yield steps, bought


def right(model, n=120, **given):
    hits = 0
    for t, (steps, bought) in enumerate(visits(n, **given)):
        hits += t >= n // 2 and model.predict_one(steps) == bought
        model.learn_one(steps, bought)
    return hits / (n - n // 2)


def test_text_tells():
    assert right(SequenceClassifier(**QUICK)) > 0.95
    without = SequenceClassifier(categorical={"act": "leave"}, **QUICK)
    assert right(without) < 0.7
    assert without._features.names == ("seconds",)


def test_many_values_share_buckets():
    model = SequenceClassifier(**QUICK)
    assert right(model, many=1000) > 0.85
    names = model._features.names
    assert sum(name.startswith("page=") for name in names) == 8
    assert sum(name.startswith("page#") for name in names) == 8
    hashed = SequenceClassifier(categorical={"page": "hash"}, **QUICK)
    right(hashed, 20, many=1000)
    assert all(not name.startswith("page=") for name in hashed._features.names)


def test_whole_step_by_step_and_after_a_restore_alike():
    whole, steps, other = (SequenceClassifier(**QUICK) for _ in range(3))
    made = []
    for n, (xs, bought) in enumerate(visits(30)):
        made.append(whole.stream([xs], [bought])[0]["probabilities"])
        for x in xs[:2]:
            steps.step(x)
        if n == 17:
            other.restore(steps.snapshot())
            steps = other
        for x in xs[2:]:
            steps.step(x)
        assert steps.end(bought) == made[-1]
    assert whole.snapshot().meta == steps.snapshot().meta


def test_frames_too_and_a_look_changes_nothing():
    dicts, frames = (SequenceRegressor(**QUICK) for _ in range(2))
    for xs, bought in visits(10):
        assert dicts.predict_one(xs) == frames.predict_one(pd.DataFrame(xs))
        dicts.predict_one([{"act": "never met", "what": "new"}])
        dicts.learn_one(xs, float(bought))
        frames.learn_one(pd.DataFrame(xs), float(bought))
    assert dicts.snapshot().meta == frames.snapshot().meta


def test_what_is_text_is_decided_by_the_first_value():
    model = SequenceClassifier(**QUICK)
    xs = [[{"a": 1.0}], [{"a": "two"}], [{"b": "x"}], [{"b": 3}]]
    assert list(model.check(xs, [1, 1, 1, 1])) == [1]
    model.learn_one(xs[0], 1)
    with pytest.raises(BadRecord, match="'two' is not a number"):
        model.learn_one(xs[1], 1)
    with pytest.raises(ConfigError, match="before a sequence ends; say 'indicators'"):
        SequenceClassifier(categorical={"a": "statistics"})
