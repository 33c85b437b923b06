"""States as bytes: what comes back goes on with the same bits, and what does not fit is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays as any_array
from test_saving import CASES as SAVED
from test_saving import ROWS

from stream_rnn import (
    GRU,
    LSTM,
    CheckpointError,
    Packer,
    RecurrentAnomalyDetector,
    RecurrentForecaster,
    RecurrentRegressor,
    TextPredictor,
)
from stream_rnn.estimators import packing
from stream_rnn.estimators.packing import restored, thinned

CASES = SAVED | {
    "anomaly": (RecurrentAnomalyDetector, lambda row: {"a": row["a"], "b": row["b"]}, [None] * 60),
    "text": (
        lambda: TextPredictor(preset="contexts"),
        lambda row: {"text": f"user {row['who']} sent {row['a']:.2f}"},
        [None] * 60,
    ),
}


def same(a, b):
    """Whether two estimators hold the same."""
    (mine, meta), (theirs, other) = a.snapshot(), b.snapshot()
    return (
        meta == other
        and mine.keys() == theirs.keys()
        and all(mine[n].tobytes() == theirs[n].tobytes() for n in mine)
    )


@pytest.mark.parametrize("case", CASES)
def test_an_estimator_used_again_goes_on_with_the_bits_of_each_stream(case):
    make, features, ys = CASES[case]
    packer = Packer(make())
    xs = [features(row) for row in ROWS]
    plain = {0: make(), 1: make()}
    states: dict[int, bytes] = {}
    for begin in range(0, 60, 15):
        for stream, shift in ((0, 0), (1, 1)):  # two streams, one estimator
            part = slice(begin, begin + 10 + 5 * shift)
            model = packer.load(states[stream]) if begin else packer.new()
            expected = plain[stream].stream(xs[part], ys[part])
            assert model.stream(xs[part], ys[part]) == expected
            states[stream] = packer.dump(model)
            packer.release(model)
    for stream, one in plain.items():
        model = packer.load(states[stream])
        assert type(model) is type(one)
        assert packer.dump(model) == states[stream]
        if case != "models by key":  # a context that was never on the shelf is packed anew
            assert same(model, one)


def test_a_state_grows_and_an_older_smaller_one_is_still_itself():
    packer = Packer(RecurrentRegressor(LSTM(3), seed=1))
    model = packer.new()
    model.learn_one({"a": 1.0}, 2.0)
    small = packer.dump(model)
    model.learn_one({"a": 1.0, "b": 2.0}, 3.0)
    large = packer.dump(model)
    packer.release(model)
    assert packer.load(small).snapshot().meta["features"] == ["a"]
    packer.release(model)
    assert packer.load(large).snapshot().meta["features"] == ["a", "b"]


def packed(**settings):
    packer = Packer(RecurrentRegressor(GRU(2), **settings))
    model = packer.new()
    model.learn_one({"a": 1.0}, 2.0)
    return packer.dump(model)


def test_a_state_of_another_model_is_refused():
    packer = Packer(RecurrentRegressor(GRU(2), seed=2))
    with pytest.raises(CheckpointError, match=r"another model than RecurrentRegressor\(.*seed=2"):
        packer.load(packed(seed=1))


@pytest.mark.parametrize("at", [5, 20, 30, 36, 60, -1])
def test_a_state_with_a_changed_bit_is_refused(at):
    data = bytearray(packed())
    data[at] ^= 1
    with pytest.raises(CheckpointError, match="damaged"):
        Packer(RecurrentRegressor(GRU(2))).load(bytes(data))


@given(st.integers(0, 2000))
def test_a_state_cut_short_is_refused(length):
    data = packed()
    packer = Packer(RecurrentRegressor(GRU(2)))
    with pytest.raises(CheckpointError, match=r"damaged|none"):
        packer.load(data[: min(length, len(data) - 1)])


def test_a_state_of_a_newer_program_is_refused_by_its_number(monkeypatch):
    monkeypatch.setattr(packing, "FORMAT", 2)
    data = packed()
    monkeypatch.undo()
    with pytest.raises(CheckpointError, match=r"format 2, of stream-rnn 0\.\d+\.\d+, newer"):
        Packer(RecurrentRegressor(GRU(2))).load(data)


def test_what_is_no_state_is_refused():
    with pytest.raises(CheckpointError, match="is none: it begins with b'PK"):
        Packer(RecurrentRegressor(GRU(2))).load(b"PK\x03\x04" + bytes(100))


def test_the_default_forecaster_takes_a_quarter_of_a_megabyte():
    model = RecurrentForecaster(seed=1)
    rng = np.random.default_rng(1)
    t = np.arange(1500)
    model.prequential(np.round(20 + 5 * np.sin(t / 3) + t % 24 + rng.normal(size=1500), 3))
    assert len(Packer(RecurrentForecaster(seed=1)).dump(model)) <= 240_000
    assert sum(a.nbytes for a in model.snapshot().arrays.values()) > 440_000


@given(
    st.lists(
        any_array(
            st.sampled_from([np.float32, np.float64, np.int64, np.uint8, np.uint16]),
            st.tuples(st.integers(0, 3), st.integers(0, 5)),
        ),
        max_size=4,
    ),
    st.data(),
)
def test_thinned_arrays_are_restored(given_arrays, data):
    arrays = {str(n): array for n, array in enumerate(given_arrays)}
    base = {n: a for n, a in arrays.items() if data.draw(st.booleans())}
    back = restored(*thinned(arrays, base), base)
    assert back.keys() == arrays.keys()
    for name, array in arrays.items():
        assert back[name].dtype == array.dtype
        assert back[name].shape == array.shape
        assert back[name].tobytes() == array.tobytes()
        back[name][...] = 0  # of its own
