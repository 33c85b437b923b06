"""Bit statistics and the match model against straightforward twins."""

import numpy as np
import pytest
from helpers import MachineCode
from hypothesis import given, settings
from hypothesis import strategies as st

from stream_rnn import ConfigError
from stream_rnn.text import predictor
from stream_rnn.text.bits import counters, match
from stream_rnn.text.bits.state import BitMixture, BitSpec
from stream_rnn.text.presets import Preset
from stream_rnn.text.symbols import Bytes
from stream_rnn.text.units import create_model

C, M = MachineCode(counters), MachineCode(match)


def naive_history(bits):
    """Bounded counts that make way for the opposite, and the last two bits."""
    counts, last = [0, 0], []
    for bit in bits:
        counts[bit] = min(counts[bit] + 1, 31)
        if counts[1 - bit] > 3:
            counts[1 - bit] = (counts[1 - bit] + 3) // 2
        last = [*last, bit][-2:]
    recent = sum(bit << i for i, bit in enumerate(reversed(last)))
    return recent << 10 | counts[1] << 5 | counts[0]


@given(st.lists(st.integers(0, 1), max_size=60))
def test_counters(bits):
    rates, word = C.rate_table(60.0), np.uint32(0)
    p = 0.5
    for n, bit in enumerate(bits):
        word = C.next_counter(word, bit, rates)
        p += (bit - p) * (1 / (n + 1.6) if n < 15 else 1 / 60)
    if bits:
        assert int(word) & 4095 == naive_history(bits)
        assert abs((int(word) >> 16) / 65535 - p) < 1e-3


@given(st.lists(st.integers(0, 3), min_size=1, max_size=50))
def test_runs(values):
    word = np.uint32(0x1234_0000)
    for value in values:
        word = C.next_run(word, value)
    run = 0
    while run < len(values) and values[-1 - run] == values[-1]:
        run += 1
    assert int(word) == 0x1234 << 16 | values[-1] << 8 | run


def test_buckets_are_found_until_they_are_replaced():
    buckets = C.empty_buckets(64)
    assert buckets.ctypes.data % 64 == 0
    hashes = np.random.default_rng(1).integers(0, 2**63, 40).astype(np.uint64)
    for h in hashes:
        assert C.peek(buckets, h) < 0
        j = C.insert(buckets, h)
        buckets[j + 1] = 1
        assert C.peek(buckets, h) == j
    found = sum(C.peek(buckets, h) >= 0 for h in hashes)
    assert 25 <= found <= 40


@settings(max_examples=40)
@given(st.lists(st.sampled_from(b"abc"), max_size=150))
def test_matches_are_repeats(data):
    model, text = M.Match.create(ring=256, heads=64, least=4), bytes(data)
    for i, byte in enumerate(text):
        n = int(model.place[M.LENGTH])
        if n:
            at = int(model.place[M.POINTER])
            assert text[at - n : at] == text[i - n : i]
            assert M.expected(model) == text[at]
        else:
            assert M.expected(model) == -1
        M.advance(model, byte)


def test_a_long_repeat_is_found():
    model = M.Match.create(least=8)
    for byte in b"once upon a midnight dreary; once upon a midnight":
        M.advance(model, byte)
    assert M.expected(model) == ord(" ")
    assert model.place[M.LENGTH] == len("once upon a midnight")


@pytest.mark.parametrize("contexts", [("order1",), ("order2", "word"), ("order5", "line", "1,3")])
def test_few_contexts_stay_within_memory(contexts):
    """Interpreted, an index beyond an array raises; compiled, it would read what lies there."""
    unit = Bytes()
    preset = Preset(None, None, bits=BitSpec(contexts, buckets=1 << 8))
    codes = np.frombuffer(b"to be or not to be, " * 12, np.uint8).astype(np.int32)
    compiled, interpreted = (create_model(preset, unit, 0) for _ in range(2))
    costs = np.empty(len(codes))
    with np.errstate(over="ignore"):  # hashes are taken modulo 2⁶⁴
        assert predictor.learn_chunk_of(*interpreted.state, codes, costs) == len(codes)
    assert costs == pytest.approx(compiled.learn(codes), rel=1e-3)
    assert costs[-20:].mean() < 1 < 4 < costs[:10].mean()


def test_a_bit_mixture_has_contexts_by_name():
    with pytest.raises(ConfigError, match="contexts: none"):
        BitMixture.create(BitSpec(()))
    with pytest.raises(ConfigError, match=r"'ordre1'.*'order1'"):
        BitMixture.create(BitSpec(("ordre1",)))
