"""Text as features: indicators, target statistics, what is not known yet, bounded memory."""

import pickle

import numpy as np
import pytest

from stream_rnn.categories.columns import Columns
from stream_rnn.categories.encoder import BUCKETS, CategoryEncoder


def learned(records, **settings):
    encoder = CategoryEncoder(**settings)
    for x, y in records:
        encoder.learn_one(x, y)
    return encoder


def test_few_values_are_indicators_as_they_are_met():
    encoder = learned([({"c": "red"}, 1.0), ({"c": "blue"}, 2.0)])
    assert encoder.transform_one({"c": "blue", "u": 3}) == {"c=red": 0.0, "c=blue": 1.0, "u": 3}
    assert encoder.transform_one({"c": "green"}) == {"c=red": 0.0, "c=blue": 0.0}
    assert encoder.transform_one({"c": None}) == {"c": None}
    assert encoder.transform_one({"b": True}) == {"b": 1.0}


def test_many_values_tell_their_targets_drawn_towards_the_mean_of_all():
    records = [({"id": "a"}, 4.0), ({"id": "a"}, 6.0), ({"id": "b"}, 1.0), ({"id": "c"}, 1.0)]
    encoder = learned(records, few=1, strength=2.0)
    made = encoder.transform_one({"id": "a"})
    assert made["id:target"] == pytest.approx((2 * 5 + 2 * 3) / 4)
    assert made["id:count"] == pytest.approx(np.log(3))
    unseen = encoder.transform_one({"id": "new"})
    assert (unseen["id:target"], unseen["id:count"], unseen["id=a"]) == (3.0, 0.0, 0.0)


def test_classes_tell_the_share_of_each():
    records = [({"id": "a"}, "up"), ({"id": "a"}, "up"), ({"id": "b"}, "down")]
    made = learned(records, few=1, strength=1.0).transform_one({"id": "a"})
    assert made["id:up"] == pytest.approx((2 + 2 / 3) / 3)
    assert made["id:down"] == pytest.approx((0 + 1 / 3) / 3)


def test_a_record_is_not_told_its_own_target():
    encoder = learned([({"id": str(i % 20)}, float(i)) for i in range(100)])
    before = encoder.transform_one({"id": "3"})
    encoder.learn_one({"id": "3"}, 1e9)
    assert encoder.transform_one({"id": "3"}) != before


def test_numbers_that_are_names():
    encoder = learned([({"zip": 1010}, 1.0), ({"zip": 2020}, 2.0)], categorical=("zip",))
    assert encoder.transform_one({"zip": 2020}) == {"zip=1010": 0.0, "zip=2020": 1.0}


def test_memory_is_bounded():
    encoder = CategoryEncoder(most=50)
    for i in range(20_000):
        encoder.learn_one({"id": f"v{i}"}, float(i % 7))
    assert len(encoder._fields["id"]) <= 50 + BUCKETS
    assert len(encoder.transform_one({"id": "v9"})) == 10


def test_missing_targets_and_a_copy_by_pickle():
    encoder = learned([({"id": "a"}, None), ({"id": "a"}, 2.0), ({"id": "b"}, float("nan"))])
    again = pickle.loads(pickle.dumps(encoder))
    assert again.transform_one({"id": "a"}) == {"id=a": 1.0, "id=b": 0.0}
    assert again._all.mean(None) == 2.0


def rows_in_chunks(xs, ys, size):
    """The rows that a model would see, by records in chunks of *size*."""
    columns, rows = Columns(), []
    for start in range(0, len(xs), size):
        X, widths = columns.encode(xs[start : start + size], [1] * len(xs[start : start + size]))
        columns.learn(X, ys[start : start + size])
        columns.extend(widths[-1])
        rows += [row[:width].tolist() for row, width in zip(X, widths, strict=True)]
    return rows


@pytest.mark.parametrize("first", [0, 1, 7, 30])
def test_text_that_begins_within_a_chunk_has_the_effects_it_has_alone(first):
    rng = np.random.default_rng(first)
    ys = rng.normal(size=(40, 1))
    xs = [{"u": float(u)} for u in rng.normal(3.0, 2.0, 40)]
    for x in xs[first:]:
        x["note"] = str(rng.choice(["by telephone", "online"]))
    alone = rows_in_chunks(xs, ys, 1)
    for size in (2, 9, 40):
        for row, other in zip(alone, rows_in_chunks(xs, ys, size), strict=True):
            assert np.array_equal(row, other, equal_nan=True)
