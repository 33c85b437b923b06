"""Tables of contexts and their mixture against dictionaries."""

from collections import defaultdict

import numpy as np
import pytest
from helpers import MachineCode
from hypothesis import given, settings
from hypothesis import strategies as st
from naive_text import NaiveContexts

from stream_rnn.text.contexts import tables
from stream_rnn.text.model import TextModel
from stream_rnn.text.presets import PRESETS

T = MachineCode(tables)

TEXT = (
    "It is a truth universally acknowledged, that a single man in possession of a good "
    "fortune, must be in want of a wife. However little known the feelings or views of such "
    "a man may be on his first entering a neighbourhood, this truth is so well fixed. "
)


def entries(table, key, salt):
    symbols, values = np.zeros(256, np.int64), np.zeros(256, np.float32)
    slot = T.find(table.slots, key, salt)
    if table.slots[slot, T.TOTAL] == 0:
        return {}
    n = T.read_list(table, slot, symbols, values)
    assert table.slots[slot, T.TOTAL] & T.N_MASK == values[:n].sum()
    return dict(zip(symbols[:n].tolist(), values[:n].tolist(), strict=True))


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 9)), max_size=400))
def test_lists_are_counts_by_context(updates):
    table, naive = T.Tables.create(64), defaultdict(lambda: defaultdict(int))
    latest = {}
    for key, symbol in updates:
        if not T.has_room(table, 1):
            table = table.enlarged(1, 1 << 16)
        assert T.update_list(table, np.uint64(key), 3, symbol) == naive[key][symbol]
        naive[key][symbol] += 1
        latest[key] = symbol
    for key, counts in naive.items():
        found = entries(table, np.uint64(key), 3)
        assert found == counts
        assert next(iter(found)) == latest[key]
    assert not entries(table, np.uint64(99), 3)


def test_a_bounded_table_forgets_what_was_idle():
    table = T.Tables.create(256)
    for n in range(5000):
        while not T.has_room(table, 2):
            table = table.enlarged(2, 1024)
        T.update_list(table, np.uint64(n), 0, 1)
        T.update_list(table, np.uint64(7), 1, 2)  # always in use
    assert len(table.slots) <= 1024
    assert entries(table, np.uint64(7), 1) == {2: 5000.0}
    assert entries(table, np.uint64(4999), 0) == {1: 1.0}
    assert not entries(table, np.uint64(3), 0)


def test_a_table_of_busy_contexts_still_makes_room():
    table = T.Tables.create(64)
    for n in range(3000):
        while not T.has_room(table, 1):
            table = table.enlarged(1, 64)
        T.update_list(table, np.uint64(n % 60), 0, 1 + n % 7)
    assert len(table.slots) == 64


def test_full_counts_are_halved():
    table = T.Tables.create(64)
    for n in range(70_000):
        T.update_list(table, np.uint64(1), 0, 1 + (n % 10 == 0))
    found = entries(table, np.uint64(1), 0)
    assert 16_000 < found[1] < T.COUNT_MAX
    assert found[1] / found[2] == pytest.approx(9, rel=0.05)


def test_long_lists_are_cut_at_the_oldest():
    table = T.Tables.create(1024)
    for symbol in range(1, 400):
        T.update_list(table, np.uint64(1), 0, symbol)
    symbols, values = np.zeros(256, np.int64), np.zeros(256, np.float32)
    n = T.read_list(table, T.find(table.slots, np.uint64(1), 0), symbols, values)
    assert n <= T.LONGEST_LIST
    assert symbols[0] == 399
    assert 1 not in symbols[:n]


def test_orders_follow_the_equation():
    model = TextModel(PRESETS["contexts"], 256, 256, 256, seed=0)
    naive = NaiveContexts(6)
    for i, letter in enumerate(TEXT):
        if i > 60 and i % 7 == 0:
            alphabet = [chr(code) for code in model.known]
            expected = naive.probabilities(alphabet)
            for order in range(7):
                vector = model.state.mixture.vectors[order]
                got = {s: vector[i + 1] for i, s in enumerate(alphabet)} | {None: vector[0]}
                assert got == pytest.approx(expected[order], rel=1e-4)
        model.learn(np.array([ord(letter)]))
        naive.learn(letter)


def test_weights_follow_the_gradient():
    model = TextModel(PRESETS["contexts"], 256, 256, 256, seed=0)
    model.learn(np.frombuffer(TEXT.encode(), np.uint8))
    mix = model.state.mixture
    seen = int(model.state.vocabulary.size[0])
    logs, q = mix.logs[:, :seen].astype(float), mix.q[:seen].astype(float)
    rows = [(m, mix.sets[m], mix.weights[m, mix.sets[m]].astype(float)) for m in range(4)]
    target = 4
    gradient = logs[:, target] - logs @ q
    rate = 0.005 / (1 + 1e-4 * len(TEXT))
    model.learn(model.known[target - 1 : target])
    for m, row, before in rows:
        np.testing.assert_allclose(mix.weights[m, row], before + rate * gradient, atol=1e-5)
