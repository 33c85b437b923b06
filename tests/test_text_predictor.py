"""TextPredictor: determinism, honest probabilities, vocabulary, streams, river's manners."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream_rnn.errors import BadRecord, CheckpointError, ConfigError
from stream_rnn.estimators.text import TextPredictor
from stream_rnn.evaluation.river_metrics import BitsPerSymbol, Perplexity
from stream_rnn.numerics.trees import walk
from stream_rnn.text.network.coupled_lstm import NetworkSpec
from stream_rnn.text.presets import PRESETS, Preset, from_plain, to_plain

SPEECH = (
    "Before we proceed any further, hear me speak.\nSpeak, speak.\nYou are all resolved "
    "rather to die than to famish?\nResolved. resolved.\nFirst, you know Caius Marcius is "
    "chief enemy to the people.\nWe know't, we know't.\n"
) * 4
SETTINGS = [
    ("byte", "contexts", {}),
    ("byte", "network", {"units": 12}),
    ("byte", "replay", {"units": 12}),
    ("byte", "fast", {}),
    ("char", "contexts", {"max_symbols": 20}),
    ("word", "contexts", {"max_symbols": 30}),
]


def make(unit="byte", preset="contexts", **settings):
    if preset == "fast":  # the same, with a table that is quick to allocate
        bits = PRESETS["fast"].bits._replace(buckets=1 << 12)
        preset = PRESETS["fast"]._replace(bits=bits)
    if preset == "replay":
        preset = Preset(NetworkSpec(block=6, replay=1, memory=256), mixture=None)
    return TextPredictor(unit=unit, preset=preset, seed=5, **settings)


@pytest.mark.parametrize(("unit", "preset", "settings"), SETTINGS)
def test_one_at_a_time_in_chunks_and_after_a_restore_are_the_same(unit, preset, settings):
    whole, pieces, single = (make(unit, preset, **settings) for _ in range(3))
    expected = whole.learn_text(SPEECH, per_symbol=True)
    symbols = whole._unit.split(SPEECH)
    got, at = [], 0
    for n in [1, 0, 50, 7, 1, 333, len(symbols)]:
        got.append(pieces._learn(symbols[at : at + n]))
        at += n
        other = make(unit, preset, **settings)
        other.restore(pieces.snapshot())
        pieces = other
    np.testing.assert_array_equal(np.concatenate(got), expected)
    for symbol in symbols[:300]:
        single.learn_one(symbol if unit == "word" else single._unit.symbol(int(symbol)))
    half = make(unit, preset, **settings)
    half._learn(symbols[:300])
    for name, array in half.snapshot().arrays.items():
        np.testing.assert_array_equal(single.snapshot().arrays[name], array, err_msg=name)


@pytest.mark.parametrize(("unit", "preset", "settings"), SETTINGS)
def test_where_the_heap_puts_an_array_changes_no_bit(unit, preset, settings):
    """Every array begins at a cache line: new, with a larger vocabulary, and restored."""
    model = make(unit, preset, **settings)
    model.learn_text(SPEECH)
    other = make(unit, preset, **settings)
    other.restore(model.snapshot())
    for learned in (model, other):
        arrays = dict(walk(learned._model.state))
        assert len(arrays) > 5
        assert [name for name, a in arrays.items() if a.size and a.ctypes.data % 64] == []


@pytest.mark.parametrize(("unit", "preset", "settings"), SETTINGS)
def test_probabilities_sum_to_one_and_are_the_costs(unit, preset, settings):
    model = make(unit, preset, **settings)
    model.learn_text(SPEECH)
    for symbol in model._unit.split("We know all."):
        name = symbol if unit == "word" else model._unit.symbol(int(symbol))
        p = model.predict_proba_one()
        assert sum(p.values()) == pytest.approx(1, abs=1e-5)
        assert min(p.values()) >= 0
        before = model._bits
        model.learn_one(name)
        if name in p:
            assert model._bits - before == pytest.approx(-math.log2(p[name]), abs=1e-3)


def test_learning_pays():
    model = make()
    first, again = model.learn_text(SPEECH), model.learn_text(SPEECH)
    assert again < first / 10
    assert model.bits_per_symbol == pytest.approx((first + again) / (2 * len(SPEECH)))
    assert model.top_k(1)[0] == (ord("B"), model.predict_proba_one()[ord("B")])


def test_all_bytes_leave_nothing_unknown():
    model = make()
    model.learn_text(bytes(range(256)))
    p = model.predict_proba_one()
    assert p["<unk>"] == 0
    assert len(p) == 257
    assert sum(p.values()) == pytest.approx(1)


def test_any_unicode_and_surrogates():
    model = TextPredictor(unit="char", preset="contexts")
    model.learn_text("naïve Ελλάδα 日本 \U0001f600 \ud800 a\0b")
    assert "\U0001f600" in model.predict_proba_one()
    assert model.generate(5)
    byte = make()
    byte.learn_text("\U0001f600 \udcff")
    assert byte._symbols == 6


@pytest.mark.parametrize("unit", ["char", "word"])
def test_the_vocabulary_is_bounded(unit):
    model = make(unit, max_symbols=20)
    rng = np.random.default_rng(1)
    text = " ".join(chr(0x4E00 + i) for i in rng.integers(0, 400, 2000))
    model.learn_text("keep " * 50 + text)
    health = model.health()
    assert model.vocabulary_size <= 20
    assert health["vocabulary_overflows"] > 500
    assert 0 < health["unknown_rate"] < 1
    assert sum(model.predict_proba_one().values()) == pytest.approx(1, abs=1e-5)
    model.learn_text("keep " * 50)
    assert model.learn_text("keep keep keep") < 12


@settings(max_examples=20)
@given(st.lists(st.text(max_size=30), max_size=6), st.integers(0, 6))
def test_streams_do_not_depend_on_batches(lines, cut):
    records = [{"text": line} for line in lines]
    whole, parts = make(), make()
    expected = whole.stream(records, [None] * len(records))
    got = parts.stream(records[:cut], []) + parts.stream(records[cut:], [])
    assert got == expected
    assert whole.health() == pytest.approx(parts.health(), nan_ok=True)


def test_lines_unlike_the_others_are_flagged():
    model = make()
    rng = np.random.default_rng(2)
    usual = [
        {"text": f"10:{i // 60:02d}:{i % 60:02d} accepted user{rng.integers(10)} port 22"}
        for i in range(600)
    ]
    odd = {"text": "kernel: Oops: general protection fault 0000 [#1] SMP PTI"}
    results = model.stream([*usual, odd, *usual[-50:]], [])
    flags = [i for i, result in enumerate(results) if result["flag"]]
    assert 600 in flags
    assert len(flags) <= 5
    result = results[-1]
    assert result["bits_per_symbol"] < 1.5
    assert result["top"][0][0] == "1"
    assert len(result["top"]) == 5
    assert model.health()["surprising_lines"] == len(flags)


def test_bad_records_change_nothing():
    model = TextPredictor(preset="contexts", max_line=10)
    before = model.snapshot()
    for records, index in (
        ([{"text": "fine"}, {"text": 3}], 1),
        ([{}], 0),
        ([{"text": "x" * 11}], 0),
    ):
        with pytest.raises(BadRecord, match="text") as caught:
            model.stream(records, [])
        assert caught.value.index == index
    for name, array in model.snapshot().arrays.items():
        np.testing.assert_array_equal(array, before.arrays[name])
    with pytest.raises(BadRecord, match="not a byte"):
        model.learn_one(256)
    with pytest.raises(BadRecord, match="one character"):
        TextPredictor(unit="char", preset="contexts").learn_one("ab")
    with pytest.raises(BadRecord, match="one word"):
        TextPredictor(unit="word", preset="contexts").learn_one("two words")


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"unit": "syllable"}, "unit"),
        ({"preset": "strong"}, "preset"),
        ({"preset": "contexts", "units": 5}, "units"),
        ({"units": 0}, "units"),
        ({"unit": "char", "preset": "fast"}, "preset"),
        ({"max_symbols": 1}, "max_symbols"),
    ],
)
def test_settings_that_cannot_work(arguments, field):
    with pytest.raises(ConfigError, match=field):
        TextPredictor(**arguments)


def test_snapshots_of_other_models_are_refused():
    snapshot = make().snapshot()
    with pytest.raises(CheckpointError, match="unit"):
        make("char").restore(snapshot)
    with pytest.raises(CheckpointError, match="seed"):
        TextPredictor(preset="contexts").restore(snapshot)
    del snapshot.arrays["mixture.weights"]
    with pytest.raises(CheckpointError, match=r"mixture\.weights"):
        make().restore(snapshot)


def test_looking_ahead_changes_nothing():
    model = make()
    model.learn_text(SPEECH)
    before = model.snapshot().arrays
    text = model.generate(60, prompt="We", seed=1)
    best = model.complete("First, you know C", k=3, length=60)
    for name, array in model.snapshot().arrays.items():
        np.testing.assert_array_equal(array, before[name], err_msg=name)
    assert len(text) == 60
    assert text == model.generate(60, prompt="We", seed=1)
    assert best[0][0] == "aius Marcius is chief enemy to the people."
    assert [bits for _, bits in best] == sorted(bits for _, bits in best)
    with pytest.raises(ConfigError, match="temperature"):
        model.generate(1, temperature=-1)


def test_river_manners():
    model = TextPredictor(preset="network", units=9, seed=2)
    twin = model.clone()
    assert twin is not model
    assert twin._get_params() == model._get_params()
    assert "units=9" in repr(model).replace(" ", "")
    preset = PRESETS["best"]
    assert from_plain(to_plain(preset)) == preset


def test_metrics_agree_with_the_costs():
    model, bits, perplexity = make(), BitsPerSymbol(), Perplexity()
    for symbol in b"to be or not to be":
        p = model.predict_proba_one()
        p["<unk>"] /= 256 - model.vocabulary_size
        bits.update(symbol, p)
        perplexity.update(symbol, p)
        model.learn_one(symbol)
    assert bits.get() == pytest.approx(model.bits_per_symbol, rel=1e-5)
    assert perplexity.get() == pytest.approx(2 ** bits.get())
    bits.revert(symbol, p)
    assert bits.get() > 0
    assert BitsPerSymbol().is_better_than(perplexity) is False
    empty = BitsPerSymbol(floor=0.25, unknown=None)
    empty.update("never", {})
    assert empty.get() == 2
