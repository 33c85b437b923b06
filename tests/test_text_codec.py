"""Round trips, honest sizes, and what a damaged file says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream_rnn.text.codec import container as codec

TEXT = b"The quality of mercy is not strain'd, it droppeth as the gentle rain from heaven. " * 60
HEADER = len(codec.MAGIC) + codec.HEADER.size
SAMPLES = {
    "empty": b"",
    "one": b"x",
    "all": bytes(range(256)),
    "text": TEXT,
    "binary": np.arange(3000, dtype=np.float64).tobytes(),
    "random": np.random.default_rng(3).bytes(20_000),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_round_trip(name):
    data = SAMPLES[name]
    code, bits = codec.compress(data, "contexts")
    assert codec.decompress(code) == data
    assert abs((len(code) - HEADER) * 8 - bits) < 16 + 0.001 * bits
    if name == "random":
        assert len(code) < 1.005 * len(data) + 200  # it takes a while to give up


@pytest.mark.parametrize("preset", ["fast", pytest.param("network", marks=pytest.mark.slow)])
def test_presets(preset):
    units = 8 if preset == "network" else None
    code, bits = codec.compress(TEXT, preset, units, seed=9)
    assert codec.decompress(code) == TEXT
    assert abs((len(code) - HEADER) * 8 - bits) < 16
    assert len(code) < len(TEXT) / 3


@settings(max_examples=25)
@given(st.binary(max_size=300))
def test_any_bytes(data):
    assert codec.decompress(codec.compress(data, "contexts")[0]) == data


def test_the_size_is_what_learning_costs():
    from stream_rnn.estimators.text import TextPredictor

    _, bits = codec.compress(TEXT, "contexts", seed=1)
    learned = TextPredictor(preset="contexts", seed=1).learn_text(TEXT)
    assert bits == pytest.approx(learned, rel=1e-4)


def test_damage_is_found():
    code = bytearray(codec.compress(TEXT, "contexts")[0])
    with pytest.raises(codec.CodecError, match="not a file"):
        codec.decompress(b"PK\x03\x04" + bytes(code[4:]))
    with pytest.raises(codec.CodecError, match="not a file"):
        codec.decompress(bytes(code[:10]))
    with pytest.raises(codec.CodecError, match="damaged"):
        codec.decompress(bytes(code[:-20]))
    code[HEADER + 10] ^= 1
    with pytest.raises(codec.CodecError, match="damaged"):
        codec.decompress(bytes(code))
    code[HEADER - 1] ^= 1
    with pytest.raises(codec.CodecError, match="another version or on another kind"):
        codec.decompress(bytes(code))
    with pytest.raises(codec.CodecError, match="preset"):
        codec.compress(b"", "strong")
