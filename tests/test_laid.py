"""What grows at once is what grows one array after another, byte for byte."""

import copy
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from stream_rnn import GRU, LSTM, RTRL, TBPTT, Adam, BlockRTRL, Clip, Elman, Kalman, Squared
from stream_rnn.codegen.bound import Bound, Parts
from stream_rnn.engine.layout import lay_out
from stream_rnn.engine.model import compose
from stream_rnn.engine.online import OnlineNetwork
from stream_rnn.estimators.anomaly import FORECASTER
from stream_rnn.forecasting import bank as banks
from stream_rnn.forecasting.experts import base as ops
from stream_rnn.forecasting.experts.default import DEFAULT, LIGHT
from stream_rnn.forecasting.experts.lstm import Lstm
from stream_rnn.forecasting.lengthen import in_blocks, lengthened
from stream_rnn.forecasting.series import Series
from stream_rnn.forecasting.twins import Twins
from stream_rnn.numerics import growing, laid
from stream_rnn.numerics.laid import Laid
from stream_rnn.numerics.places import MOAT
from stream_rnn.numerics.trees import leaves, walk, words

CELLS = [Elman(1), Elman(3), GRU(3), LSTM(4), (Elman(3), LSTM(2))]
LEARNERS = [RTRL(), TBPTT(3), BlockRTRL()]
OPTIMIZERS = [Kalman(), (Clip(1.0), Adam(0.01))]
SIZES = some.integers(1, 12), some.integers(0, 9)


@settings(max_examples=25, deadline=None)
@given(
    *(some.sampled_from(kinds) for kinds in (CELLS, LEARNERS, OPTIMIZERS)),
    *SIZES, *SIZES, some.booleans(), some.sampled_from(["float32", "float64"]), some.integers(0),
)  # fmt: skip
def test_all_of_a_state_moves_as_its_arrays_do_one_by_one(
    cell, learner, optimizer, m, more, O, others, skip, dtype, seed
):
    model, rng = compose(cell, learner, optimizer, Squared()), np.random.default_rng(seed)
    before, after = (
        lay_out(model, *sizes, skip=skip, dtype=np.dtype(dtype))
        for sizes in ((m, O), (m + more, O + others))
    )
    old = Laid(model, before.state, before.work, ("layers",), joined=("P",))
    for array in leaves(old.arrays):
        array[...] = rng.integers(-99, 99, array.shape)
    new = old.grown(after.state, after.work, (before.shapes, after.shapes))
    naive = old.longer(after.state, after.work)
    joined = {"P": (before.shapes, after.shapes)}
    growing.grow(before.state, old.state, naive.state, joined)
    assert new.words.tobytes() == naive.words.tobytes()
    assert sum(a.any() for a in leaves(new.state)) > 9
    assert not any(a.any() for a in leaves(new.work))


def test_compiled_code_is_told_what_numpy_says():
    model = compose(LSTM(4), RTRL(), Kalman(), Squared())
    layout = lay_out(model, 3, 2, skip=True, dtype=np.dtype("float32"))
    made = Laid(model, layout.state, layout.work, ("layers",), joined=("P",))
    other = lay_out(model, 5, 2, skip=True, dtype=np.dtype("float32"))
    for one in (made, made.longer(other.state, other.work)):
        ours, numpys = one.bound(), Bound(Parts(model, *one.arrays))
        assert ours._type is numpys._type
        here, there = ours._memory.copy(), numpys._memory.copy()
        for array in leaves(one.arrays):
            if array.size == 0:  # lies anywhere
                there[there == array.ctypes.data] = 0
        here[there == 0] = 0
        assert np.array_equal(here, there)


def test_a_growth_looks_at_no_array_but_the_filters(monkeypatch):
    """Not the number of arrays but of bytes decides what it costs."""
    network = OnlineNetwork(compose(LSTM(4), RTRL(), Kalman(), Squared()), 2, 1, skip=True)
    seen = []
    views = Laid._views

    def counted(self, found, first):
        seen.extend(found)
        return views(self, found, first)

    monkeypatch.setattr(Laid, "_views", counted)
    monkeypatch.setattr(laid, "framed", None)  # not called
    network.grow(3, 1)
    assert len(seen) == len(leaves(network._fields.memory)) == 4
    assert len(leaves(network.state)) > 40


def test_a_copy_has_memory_of_its_own():
    model = compose(Elman(2), RTRL(), Kalman(), Squared())
    layout = lay_out(model, 2, 1, skip=True, dtype=np.dtype("float32"))
    one = Laid(model, layout.state, layout.work, joined=("P",))
    one.state.theta[:] = 3
    bound, other = copy.deepcopy((one.bound(), one))
    assert bound._parts is other
    assert (other.state.theta == 3).all()
    assert other.state.theta.ctypes.data != one.state.theta.ctypes.data


def test_more_than_arrays_cannot_grow():
    layout = lay_out(
        compose(Elman(2), RTRL(), Kalman(), Squared()), 2, 1, skip=True, dtype=np.dtype("float32")
    )
    with pytest.raises(TypeError, match="more than arrays"):
        Laid((), layout.state._replace(memory=(3.0, layout.state.memory)), layout.work)


@pytest.mark.parametrize("given_", [0, 2])
@pytest.mark.parametrize("specs", [DEFAULT, (*LIGHT, Lstm(4), Lstm(8))], ids=["default", "light"])
def test_a_bank_is_lengthened_as_if_it_were_carried_over_into_a_new_one(specs, given_):
    rng = np.random.default_rng(1)
    for inputs, more, horizon in ((2, 1, 1), (3, 4, 2)):
        old = banks.allocate(specs, inputs, horizon, 0, given=given_)
        for name, array in walk(old):
            if array.dtype.kind == "f" and name.split(".")[-1] not in ("prior", "motion"):
                array[...] = rng.normal(size=array.shape)
        new = banks.allocate(specs, inputs + more, horizon, 0, given=given_)
        banks.grow(old, new)
        (block,) = in_blocks([], [old])
        block = lengthened(block, more)
        assert block.words.nbytes == 8 * words(ops.as_it_is(new), MOAT)
        mine, naive = (dict(walk(b, scratch=False)) for b in (block.state, new))
        assert mine.keys() == naive.keys()
        for name, array in mine.items():
            assert array.tobytes() == naive[name].tobytes(), name
        again = banks.allocate(specs, inputs + 2 * more, horizon, 0, given=given_)
        banks.grow(new, again)
        block = lengthened(block, more)
        for name, array in walk(block.state, scratch=False):
            assert array.tobytes() == dict(walk(again))[name].tobytes(), name


def test_experts_that_do_not_say_how_are_made_anew():
    class Unknown(NamedTuple):
        x: np.ndarray

    bank = banks.allocate(LIGHT, 1)
    other = bank._replace(groups=(*bank.groups, Unknown(np.zeros(1))))
    assert in_blocks([], [bank, other]) == []


def test_a_twin_of_a_series_goes_on_by_itself():
    first, values = (
        Series(FORECASTER, (1,), 0, 3),
        np.cumsum(np.random.default_rng(2).normal(size=60)),
    )
    twins = Twins(first)
    none = np.empty((60, 0))
    once, again = (twins.born().run(values, none)[0] for _ in range(2))
    assert np.array_equal(once, again, equal_nan=True)
    assert np.array_equal(once, Series(FORECASTER, (1,), 0, 3).run(values, none)[0], equal_nan=True)
    assert first.count == 0
