"""Tuples of arrays by reference: compiled parts read what Python wrote, and write what it reads."""

from copy import deepcopy
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from llvmlite import ir
from numba import njit, typeof
from numba.core.registry import cpu_target

from stream_rnn.codegen.bound import Bound, bind
from stream_rnn.codegen.cache import _is_ours
from stream_rnn.codegen.memory import laid_out
from stream_rnn.codegen.reference import whole


class Spec(NamedTuple):
    flag: bool
    count: int
    rate: float
    nothing: None
    inner: tuple


class State(NamedTuple):
    a: Any
    chain: tuple
    same: tuple


def parts():
    spec = Spec(True, 7, 0.25, None, (False, 3.5, (), True))
    a, b = np.arange(6.0).reshape(2, 3), np.arange(4, dtype=np.float32)
    chain = ((b, ()), (a[0], (a, b)), (np.arange(3),))
    return spec, State(a, chain, (a[0], a[1])), (np.zeros(8),)


@njit
def read(bound):
    spec, state, out = bound.model, bound.state, bound.work[0]
    out[0] = spec.count + spec.rate + spec.flag + spec.inner[1] + spec.inner[3]
    out[1] = state.a[1, 2] + state.chain[0][0][3] + state.chain[-1][0][2]
    out[2] = rest(state.chain[1:])
    for k in range(len(state.same)):
        out[3 + k] = state.same[k][1]
    out[5] = splat(*whole(state))
    state.a[0, 0] = 99.0
    return len(state.chain) + len(state.chain[1:])


@njit
def rest(chain):
    return chain[0][0][2] + chain[0][1][0][1, 1] + chain[1][0][1] + len(chain[0:0])


@njit
def splat(a, chain, same):
    return a.sum() + same[1][0] + chain[1][1][1][2]


def test_every_kind_of_field():
    spec, state, work = parts()
    bound = bind(spec, state, work)
    assert read(bound) == 5
    out = work[0]
    assert out[0] == 7 + 0.25 + 1 + 3.5 + 1
    assert out[1] == 5 + 3 + 2
    assert out[2] == 2 + 4 + 1
    assert out[3:5].tolist() == [1, 4]
    assert out[5] == 15 + 3 + 2
    assert state.a[0, 0] == 99  # shared, not copied


def test_a_copy_is_of_its_own_memory():
    spec, state, work = parts()
    bound = bind(spec, state, work)
    copied = deepcopy(bound)
    read(copied)
    assert work[0][0] == 0
    assert copied._parts.work[0][0] == 12.75
    assert isinstance(copied, Bound)
    assert copied._address != bound._address


def test_what_has_no_place_is_refused():
    with pytest.raises(TypeError, match="cannot be bound: a spec holds numbers"):
        bind(("text",), (), ())


def test_a_bound_spec_from_elsewhere_is_not_cached():
    spec, state, work = parts()
    assert not _is_ours([typeof(bind(spec, state, work))])
    assert _is_ours([typeof(bind((1,), (np.zeros(2),), ()))])


LEAVES = st.one_of(
    st.integers(-(2**60), 2**60), st.floats(allow_nan=False), st.booleans(), st.none()
)
TUPLES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4).map(tuple), max_leaves=8)


@given(st.lists(TUPLES, min_size=1, max_size=4).map(tuple))
def test_numbers_lie_where_the_data_models_say(value):
    """As LLVM lays out the structure of the type."""
    kind, block = laid_out(value)
    context = cpu_target.target_context
    model = context.data_model_manager[kind].get_data_type()
    size = context.get_abi_sizeof(model)
    assert len(block) == -(-size // 8)
    for n, part in enumerate(value):
        if isinstance(model, ir.ArrayType):
            at = n * size // len(value)
        else:
            at = model.get_element_offset(context.target_data, n)
        form = {int: np.int64, float: np.float64, bool: np.uint8}.get(type(part))
        if form is not None:
            assert block.view(np.uint8)[at : at + form().itemsize].view(form)[0] == part
