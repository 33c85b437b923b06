"""Text as features, for a pipeline: columns, what is not known yet, bounded memory."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream_rnn.categories.columns import Columns
from stream_rnn.categories.encoder import CategoryEncoder
from stream_rnn.categories.seen import AGE
from stream_rnn.errors import BadRecord


def learned(records, **settings):
    encoder = CategoryEncoder(**settings)
    for x, y in records:
        encoder.learn_one(x, y)
    return encoder


def test_the_encoder_has_the_columns_that_an_estimator_makes():
    rng = np.random.default_rng(0)
    xs = [{"c": str(rng.choice(["red", "blue"])), "u": float(rng.normal())} for _ in range(60)]
    ys = [(2.0 if x["c"] == "red" else -1.0) + x["u"] for x in xs]
    encoder, columns = CategoryEncoder(), Columns()
    for x, y in zip(xs, ys, strict=True):
        made = encoder.transform_one(x)
        row = columns.row(x)[0]
        expected = dict(zip(columns.names, row.tolist(), strict=True)) or {"u": x["u"]}
        assert {n: v for n, v in expected.items() if v == v} == made
        encoder.learn_one(x, y)
        X, widths = columns.encode([x], [1])
        columns.learn(X, np.array([[y]]))
        columns.extend(widths[-1])
    assert set(made) == {"c=red", "c=blue", "c:effect", "u"}
    assert encoder.transform_one({"c": "red"})["c:effect"] > 0.5
    assert encoder.transform_one({"c": "green"}) == {"c=red": 0.0, "c=blue": 0.0, "c:effect": 0.0}


def test_what_is_not_known_is_left_out():
    encoder = learned([({"c": "red"}, None), ({"c": "red"}, float("nan"))])
    assert encoder.transform_one({"c": "red", "b": True, "u": 3, "v": None}) == {"b": 1.0, "u": 3}
    encoder.learn_one({"c": "red", "u": 3}, 1.0)
    assert encoder.transform_one({"c": None, "u": 4}) == {"u": 4}
    with pytest.raises(BadRecord, match="there were numbers before"):
        encoder.learn_one({"u": "four"}, 1.0)


def test_classes_tell_how_much_a_value_speaks_for_each():
    rng = np.random.default_rng(1)
    kinds = {"a": "up", "b": "down", "c": "still"}
    encoder = learned([({"id": i}, kinds[i]) for i in rng.choice(list("abc"), 90)])
    first = encoder._classes[0]
    made = {kind: encoder.transform_one({"id": i}) for i, kind in kinds.items()}
    for n, kind in enumerate(encoder._classes[1:], 1):
        column = f"id:effect{n if n > 1 else ''}"
        assert made[kind][column] > max(made[k][column] for k in made if k != kind)
    assert made[first]["id:effect"] < 0


def test_a_record_is_not_told_its_own_target():
    encoder = learned([({"id": f"v{i % 20}"}, float(i)) for i in range(100)])
    before = encoder.transform_one({"id": "v3"})
    encoder.learn_one({"id": "v3"}, 40.0)
    assert encoder.transform_one({"id": "v3"}) != before


def test_numbers_that_are_names():
    records = [({"zip": 1010}, 1.0), ({"zip": 2020}, 2.0)] * AGE
    for named in (("zip",), {"zip": "statistics"}):
        made = learned(records, categorical=named).transform_one({"zip": 2020})
        assert made.keys() == {"zip:effect"}
    assert learned(records, categorical={"zip": "leave"}).transform_one({"zip": 2020}) == {}


def test_memory_is_bounded():
    encoder = CategoryEncoder()
    encoder.learn_one({"id": "v"}, 0.0)
    values = encoder._columns.categories["id"].values
    values.most = 50
    for i in range(2000):
        encoder.learn_one({"id": f"v{i}"}, float(i % 7))
    assert len(values) <= 100
    assert encoder._columns.slots.used <= 101


def test_a_copy_by_pickle_goes_on():
    encoder = learned([({"id": "a"}, "up"), ({"id": "b"}, "down")] * AGE)
    again = pickle.loads(pickle.dumps(encoder))
    for model in (encoder, again):
        model.learn_one({"id": "c"}, "still")
    assert again.transform_one({"id": "a"}) == encoder.transform_one({"id": "a"})


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


def the_long_way(columns, x, y):
    X, _ = columns.encode([x], [1])
    columns.learn(X, np.array([[y]]))
    columns.extend(X.shape[1])
    return X


ZONES = st.sampled_from(["north", "south", "", None, "NA", 7, "7", 1.5, "x" * 99, *"abcdefghijk"])
NUMBERS = st.sampled_from([0.0, -1.5, 3, True, None, float("nan"), "2", 10**17])


@settings(max_examples=8, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {"zone": ZONES, "u": NUMBERS},
            optional={"id": st.integers(0, 50).map("n{}".format), "v": ZONES},
        ),
        max_size=30,
    ),
    st.sampled_from([None, {"zone": "hash"}, {"id": "indicators"}, {"v": "leave"}]),
)
def test_the_short_way_gives_the_same_bits(odd, rules):
    """Records that bring nothing new, among others that do."""
    usual = [{"zone": "ab"[n % 2], "id": f"n{n % 3}", "u": n / 7} for n in range(90)]
    short, long = Columns(categorical=rules), Columns(categorical=rules)
    taken = 0
    for n, x in enumerate([*usual, *odd, *usual]):
        try:
            long.encode([x])
        except BadRecord:  # which must not be taken the short way
            assert short.known_row(x, 0.0) is None
            continue
        assert np.array_equal(short.row(x), long.row(x), equal_nan=True), x
        made = short.known_row(x, n / 3)
        taken += made is not None
        if made is None:
            made = the_long_way(short, x, n / 3)
        expected = the_long_way(long, x, n / 3)
        assert np.array_equal(made, expected, equal_nan=True), x
    one, other = short.arrays(), long.arrays()
    assert all(np.array_equal(one[name], array, equal_nan=True) for name, array in other.items())
    assert taken > 30 or short.silent or rules
