"""The append-only feature index: against dicts, whatever the order, and what it refuses."""

import pickle
from decimal import Decimal
from fractions import Fraction
from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_rnn.errors import BadRecord
from stream_rnn.features.index import FeatureIndex

NAMES = st.one_of(st.sampled_from("abcdef"), st.integers(0, 4), st.tuples(st.integers(0, 2)))
VALUES = st.one_of(st.none(), st.integers(-5, 5), st.floats(-1e300, 1e300), st.booleans())
RECORDS = st.lists(st.dictionaries(NAMES, VALUES, max_size=6), max_size=8)


def learn(index, records):
    """Encode and make known; rows as dicts of the values that are there."""
    rows, widths = index.encode(records)
    index.extend(rows.shape[1])
    return rows, widths


@given(RECORDS)
def test_a_row_holds_every_value_under_its_name(records):
    index = FeatureIndex()
    rows, widths = learn(index, records)
    assert rows.shape == (len(records), len(index.names))
    for x, row in zip(records, rows, strict=True):
        for name, value in zip(index.names, row, strict=True):
            expected = x.get(name)
            assert np.isnan(value) if expected is None else value == expected
    seen = set()
    for x, width in zip(records, widths, strict=True):
        seen |= set(x)
        assert width == len(seen)
        assert set(index.names[:width]) == seen


@given(RECORDS, st.integers(0, 8))
def test_names_do_not_depend_on_batches_or_the_order_of_keys(records, cut):
    whole, parts, turned = FeatureIndex(), FeatureIndex(), FeatureIndex()
    learn(whole, records)
    for batch in (records[:cut], records[cut:]):
        learn(parts, batch)
    learn(turned, [dict(reversed(x.items())) for x in records])
    assert whole.names == parts.names == turned.names


@given(RECORDS, RECORDS)
def test_known_names_keep_their_columns(first, second):
    index = FeatureIndex()
    learn(index, first)
    before = index.names
    learn(index, second)
    assert index.names[: len(before)] == before


@given(RECORDS, st.dictionaries(NAMES, VALUES, max_size=6))
def test_a_single_row_leaves_unknown_names_out(records, x):
    index = FeatureIndex()
    learn(index, records)
    known = {name: value for name, value in x.items() if name in index.names}
    row = index.row(x)
    expected = index.encode([known])[0]
    assert row.shape == (1, len(index))
    assert np.array_equal(row, expected, equal_nan=True)


@given(st.integers(1, 4), st.data())
def test_rows_of_a_table_are_the_dicts_of_its_rows(width, data):
    names = data.draw(st.lists(NAMES, min_size=width, max_size=width, unique=True))
    known = data.draw(RECORDS)
    table = np.arange(3.0 * width).reshape(3, width)
    by_dict, by_table = FeatureIndex(), FeatureIndex()
    for index in (by_dict, by_table):
        learn(index, known)
    records = [dict(zip(names, row.tolist(), strict=True)) for row in table]
    expected, widths = learn(by_dict, records)
    rows, table_widths = by_table.encode_rows(names, table)
    by_table.extend(rows.shape[1])
    assert np.array_equal(rows, expected, equal_nan=True)
    assert widths == table_widths
    assert by_dict.names == by_table.names


def test_encoding_alone_makes_nothing_known():
    index = FeatureIndex(["a"])
    index.encode([{"a": 1, "b": 2}])
    assert index.names == ("a",)
    index.encode([{"a": 1}])
    index.extend(1)
    assert index.names == ("a",)


NUMBERS = [
    3,
    3.0,
    True,
    np.float32(1.5),
    np.int64(4),
    np.bool_(True),
    Decimal("2.5"),
    Fraction(1, 2),
]


@pytest.mark.parametrize("value", NUMBERS, ids=repr)
def test_anything_with_a_float_is_a_number(value):
    index = FeatureIndex(["a"])
    assert index.row({"a": value})[0, 0] == float(value)
    assert index.encode([{"a": value, "b": value}])[0].tolist() == [[float(value)] * 2]


BAD = [
    inf,
    -inf,
    "x",
    [1],
    {},
    1j,
    object(),
    10**400,
    np.float32("inf"),
]


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: str(bad)[:20])
@pytest.mark.parametrize("known", [[], ["a"], ["a", "b"]], ids=len)
def test_other_values_are_refused_by_name_and_place(bad, known):
    index = FeatureIndex(known)
    records = [{"a": 1, "b": 2}, {"a": 1, "b": 2}, {"a": bad, "b": 2, "new": 3}]
    with pytest.raises(BadRecord, match=r"feature 'a': .* is not (finite|a number); ") as caught:
        index.encode(records)
    assert caught.value.index == 2
    assert index.names == tuple(known)
    if known:
        with pytest.raises(BadRecord, match="feature 'a'"):
            index.row({"a": bad, "b": 1})
        with pytest.raises(BadRecord, match="feature 'a'"):
            index.encode([dict.fromkeys(known, 1.0), {**dict.fromkeys(known, 1.0), "a": bad}])


def test_large_values_that_only_overflow_as_a_sum_are_kept():
    index = FeatureIndex(["a", "b"])
    assert index.row({"a": 1.7e308, "b": 1.7e308}).tolist() == [[1.7e308, 1.7e308]]
    with pytest.raises(BadRecord):
        index.row({"a": inf, "b": -inf})


def test_names_of_any_type_live_side_by_side():
    index = FeatureIndex()
    learn(index, [{"1": 1, 1.5: 2, 2: 3, (0, "x"): 4, None: 5, b"y": 6}])
    assert len(index) == 6
    assert index.row({1.5: 9, None: 8})[0, index.names.index(1.5)] == 9


@given(RECORDS)
def test_it_pickles(records):
    index = FeatureIndex()
    learn(index, records)
    twin = pickle.loads(pickle.dumps(index))
    assert twin.names == index.names
    assert len(twin) == len(index)
