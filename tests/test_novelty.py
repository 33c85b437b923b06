"""The compiled parts of the anomaly detector against their naive twins."""

import naive_novelty as naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from stream_rnn.errors import ConfigError
from stream_rnn.novelty import cover, tail, views
from stream_rnn.novelty.budget import Budget, budget
from stream_rnn.novelty.state import (
    CENTRED,
    CENTRES,
    FILLED,
    LENGTH,
    LOCATION,
    RADIUS,
    SCALE,
    SHORTEST,
    TAIL_SHAPE,
    WAITING,
    WIDTH,
    allocate,
    grown,
)  # fmt: skip
from stream_rnn.numerics import trees


@njit
def take_all(state, patterns, every, least, out):
    marks, centres = state.cover.marks[0, 0], state.cover.centres[0, 0]
    for t in range(len(patterns)):
        out[t] = cover.nearest(patterns[t], centres, int(marks[CENTRED]))
        cover.remember(state.cover, 0, 0, patterns[t], out[t], t, t - every * t, least)


@njit
def count_all(state, novelties, out):
    for t in range(len(novelties)):
        out[t] = tail.rarity(state.tail.marks[0, 0], novelties[t])
        tail.count(state.tail.marks[0, 0], state.tail.maxima[0, 0], novelties[t])


@njit
def average_all(state, xs, times):
    for t in range(len(xs)):
        x = views.limited(state.clock[0], xs[t])
        views.observe(state.clock[0], x)
        for view in range(5):
            views.average(state.means[0, view], state.clock[0], view, x, times[t])
        state.clock[0, 4] = x
        state.clock[0, 0] += 1


@pytest.mark.parametrize("digits", [8, 1])  # with ties, too
def test_the_cover_is_that_of_the_twin(digits):
    rng = np.random.default_rng(digits)
    patterns = np.round(np.cumsum(rng.normal(size=(900, WIDTH)) * 0.2, axis=0), digits)
    state, twin, out = allocate(1).state.fields, naive.Cover(), np.empty(900)
    take_all(state, patterns, 0.05, 0.01, out)
    made = [twin.take(p, t, t - 0.05 * t, 0.01) for t, p in enumerate(patterns)]
    assert np.allclose(out, made, rtol=1e-12)
    marks = state.cover.marks[0, 0]
    assert marks[CENTRED] == len(twin.centres) <= CENTRES
    assert marks[WAITING] == len(twin.waiting)
    assert marks[RADIUS] == pytest.approx(twin.radius)
    assert np.array_equal(state.cover.centres[0, 0, : len(twin.centres)], twin.centres)
    assert marks[RADIUS] > 0  # it was thinned
    # every pattern but the last, which wait, is near to a centre
    far = [naive.distances(p, twin.centres).min() for p in patterns[:800]]
    assert max(far) <= 2 * twin.radius * naive.GROW / (naive.GROW - 1)


@settings(deadline=None, max_examples=30)
@given(st.integers(128, 700), st.integers(0, 10**6), st.sampled_from(["normal", "heavy", "ties"]))
def test_the_tail_is_that_of_the_twin(n, seed, kind):
    rng = np.random.default_rng(seed)
    novelties = {
        "normal": rng.normal(size=n), "heavy": rng.standard_t(2, size=n),
        "ties": rng.integers(0, 4, n).astype(float),
    }[kind]  # fmt: skip
    state = allocate(1).state.fields
    count_all(state, novelties, np.empty(n))
    marks = state.tail.marks[0, 0]
    maxima = naive.block_maxima(novelties, SHORTEST)
    assert marks[FILLED] == len(maxima)
    assert marks[LENGTH] == SHORTEST * 2 ** max(0, int(np.log2(n // SHORTEST / 16)))
    assert np.array_equal(state.tail.maxima[0, 0, : len(maxima)], maxima)
    assert marks[[LOCATION, SCALE, TAIL_SHAPE]] == pytest.approx(naive.gev(maxima))
    if marks[SCALE] > 0:
        for novelty in novelties.max() + np.array([0.0, 0.5, 2.0]):
            rare = max(-2, min(6, -np.log10(naive.expected(maxima, novelty) + 1e-12)))
            assert tail.rarity(marks, novelty) == pytest.approx(rare, abs=1e-3)


def test_rounding_is_no_news_and_the_first_change_of_a_constant_is():
    state, out = allocate(1).state.fields, np.empty(301)
    rng = np.random.default_rng(0)
    count_all(state, np.r_[-7 + 1e-9 * rng.random(300), -6.0], out)
    assert (out[:300] == -2).all()
    assert out[300] == 4


def test_the_views_are_means_of_the_last_records():
    rng = np.random.default_rng(0)
    xs, times = rng.normal(5, 2, size=700), 1e9 + 600.0 * np.arange(700)
    state = allocate(1).state.fields
    average_all(state, xs, times)
    shares = [0.5**j * (1 - 0.5**j) ** np.arange(699, -1, -1) for j in range(1, 4)]
    assert np.allclose(state.means[0, 0, 1:4], [share @ xs for share in shares], atol=1e-3)
    assert np.allclose(state.clock[0, 1], xs.mean())
    angle = 2 * np.pi * (times[-1] % 86400) / 86400
    circle = state.means[0, 3, 8:] / views.CLOCK_WEIGHT
    assert circle == pytest.approx([np.cos(angle), np.sin(angle)], abs=1e-6)


def test_one_wild_value_does_not_hide_what_follows():
    rng = np.random.default_rng(0)
    xs = rng.normal(size=1200)
    xs[400] = 1e50
    state = allocate(1).state.fields
    average_all(state, xs, np.full(1200, 0.0))
    assert state.clock[0, 2] < 3  # the mean deviation, .8 without it


def test_growing_keeps_what_was_learned_and_begins_the_new_fields():
    laid = allocate(2)
    state = laid.state
    for i, (_, array) in enumerate(trees.walk(state)):
        array[...] = i
    new = grown(laid, 3).state
    for (name, old), (_, array) in zip(trees.walk(state.fields), trees.walk(new.fields)):
        assert np.array_equal(array[:2], old), name
    fresh = allocate(3).state.fields
    for (name, array), (_, other) in zip(trees.walk(new.fields), trees.walk(fresh)):
        assert np.array_equal(array[2:], other[2:]), name
    assert laid.words.nbytes < 2 * 240_000


def test_budgets():
    assert budget(2) == Budget(2.0, 0)
    assert budget("3 per 1000 records") == Budget(0.003, 1)
    assert budget("1 per day") == Budget(1 / 86400, 2)
    assert budget("2 per 4 weeks") == Budget(2 / (4 * 7 * 86400), 2)
    for wrong in ("1 a day", "-1 per day", "1 per 0 records", 0, float("inf"), False):
        with pytest.raises(ConfigError, match="false_alarms: "):
            budget(wrong)
