"""The members of mixtures against their naive twins, and what each is for."""

import itertools

import naive_mixtures as naive
import numpy as np
import pytest

from stream_rnn import FeedForward, Kalman
from stream_rnn.codegen.bound import bind
from stream_rnn.mixtures import base as members
from stream_rnn.mixtures import classes, features
from stream_rnn.mixtures.base import Classes, Numbers
from stream_rnn.mixtures.forest import FEATURE, LEFT, RIGHT, ROOT, THRESHOLD, USED, WEIGHT, Forest
from stream_rnn.mixtures.last import Last
from stream_rnn.mixtures.middle import Middle
from stream_rnn.mixtures.neighbours import Neighbours
from stream_rnn.mixtures.network import Network, NetworkPart
from stream_rnn.mixtures.part import part
from stream_rnn.mixtures.tree import Tree
from stream_rnn.mixtures.wide import Wide
from stream_rnn.numerics.laid import Laid

RNG = np.random.default_rng(5)
T = 120
Z = RNG.normal(size=(T, 3)).astype(np.float32)
X = Z.astype(float)
UNITS = np.tile([0.0, 1.0], (T, 1))
NUMBER = X[:, 0] * X[:, 1] + 0.1 * RNG.normal(size=T)
CLASS = np.digitize(X[:, 0] + X[:, 1], [-0.5, 0.7]).astype(float)
TASKS = [(Numbers(), 1, NUMBER), (Classes(), 3, CLASS)]
IDS = ["numbers", "classes"]


def run(spec, task, outputs, y, Z=Z):
    member = part(spec, task, Z.shape[1], outputs, 0)
    return member, member.prequential(Z.astype(float), Z, UNITS[: len(Z)], y)


@pytest.mark.parametrize(("task", "C", "y"), TASKS, ids=IDS)
def test_neighbours_are_the_nearest_of_the_window(task, C, y):
    _, made = run(Neighbours(window=30, nearest=4), task, C, y)
    expected = naive.neighbours(Z, y, 30, 4, C if C > 1 else 0)
    assert np.allclose(made, expected, atol=1e-5)


def test_wide_is_recursive_least_squares():
    spec = Wide(most=40, drift=1e-3)
    member, made = run(spec, Numbers(), 1, NUMBER)
    grid, _ = features.sizes(3, spec.most, spec.hinges, spec.pairs)
    phi = np.zeros((T, len(member.state.prior)), np.float32)
    for t in range(T):
        features.expand(grid, member.state.names[1 + 3 + 3 * grid :], Z[t], phi[t])
    expected = naive.wide_numbers(
        phi.astype(float), NUMBER, member.state.prior.astype(float), spec.drift
    )
    assert np.allclose(made[:, 0], expected, atol=2e-3)


def test_features_are_what_their_names_say():
    z, m = np.array([0.4, -1.0, 2.0], np.float32), 3
    for hinges in (False, True):
        grid, _ = features.sizes(m, 60, hinges, True)
        names = named(m, 60, hinges, True, 0)
        phi = np.zeros(len(names), np.float32)
        features.expand(grid, names[1 + m + m * grid :], z, phi)
        knots = np.linspace(-features.REACH, features.REACH, grid)
        for (kind, i), value in zip(names.tolist(), phi):
            if kind == 0:
                expected = 1.0
            elif kind == 1:
                expected = z[i]
            elif kind > 1:
                step = knots[1] - knots[0]
                held = np.clip(z[i], knots[0], knots[-1])
                expected = max(0.0, 1 - abs(held - knots[kind - 2]) / step)
            elif kind > -features.HINGE:
                expected = z[-1 - kind] * z[i]
            else:
                expected = max(0.0, z[-1 - features.HINGE - kind]) * z[i]
            assert value == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(("task", "C", "y"), TASKS, ids=IDS)
def test_a_forest_averages_over_all_prunings(task, C, y):
    """Predictions by context tree weighting equal those by summing over the whole tree."""
    member, _ = run(Forest(trees=2, nodes=512), task, C, y)
    state = member.state
    each = []
    for k in range(2):
        tree = naive.MondrianTree(None)

        def node(j, k=k):
            found = {"w": float(state.values[k, j, WEIGHT])}
            n = state.values[k, j, 4]
            a = 1 / max(C, 2)
            found["mean"] = (
                state.stats[k, j, 0] if C == 1 else (state.stats[k, j] + a) / (n + a * C)
            )
            if state.links[k, j, LEFT] >= 0:
                found["children"] = [node(state.links[k, j, s]) for s in (LEFT, RIGHT)]
                found["f"] = state.links[k, j, FEATURE]
                found["at"] = state.values[k, j, THRESHOLD]
            return found

        root = node(int(state.tree[k, ROOT]))
        each.append([tree.predict(root, z) for z in Z[:10]])
    weights = np.exp(0.05 * (state.loss.min() - state.loss))
    expected = np.tensordot(weights / weights.sum(), np.array(each, float), 1)
    made = member.predict(X[:10], Z[:10], UNITS[:10])
    assert np.allclose(made, expected.reshape(10, -1), atol=1e-4)


@pytest.mark.parametrize(("task", "C", "y"), TASKS, ids=IDS)
def test_a_forest_has_boxes_within_boxes_and_bounded_trees(task, C, y):
    member, made = run(Forest(trees=4, nodes=64), task, C, y)
    state = member.state
    assert np.isfinite(made).all()
    assert (state.tree[:, USED] <= 64).all()
    for k in range(4):
        for j in range(int(state.tree[k, USED])):
            for side in (LEFT, RIGHT):
                child = state.links[k, j, side]
                if child >= 0:
                    assert (state.low[k, child] >= state.low[k, j]).all()
                    assert (state.high[k, child] <= state.high[k, j]).all()


@pytest.mark.parametrize(("task", "C", "y"), TASKS, ids=IDS)
def test_a_tree_takes_the_best_split(task, C, y):
    y = y + 2 * (X[:, 1] > 0.3) if C == 1 else y
    member = part(Tree(window=200, nodes=3), task, 3, C, 0)
    member.state.clock[2] = 100  # look once, with 100 records
    member.prequential(X[:100], Z[:100], UNITS[:100], y[:100])
    links = member.state.links[0]
    column, threshold = naive.best_split(X[:100], y[:100], C if C > 1 else 0)
    above = X[:100, column][X[:100, column] > threshold].min()
    assert links[LEFT] == 1
    assert links[2] == column
    assert threshold <= member.state.threshold[0] <= above


def test_a_tree_finds_a_band_of_one_column_and_forgets_it_after_a_change():
    rng = np.random.default_rng(0)
    X = rng.uniform(size=(1500, 4))
    y = ((X[:, 2] > 0.3) & (X[:, 2] < 0.6)).astype(float)
    y[1000:] = X[1000:, 0] > 0.5
    member = part(Tree(), Classes(), 4, 2, 0)
    made = member.prequential(X, X.astype(np.float32), np.tile([0.0, 1.0], (1500, 1)), y)
    right = made.argmax(1) == y
    assert right[300:1000].mean() > 0.98
    assert right[1200:].mean() > 0.97


def test_a_tree_does_not_split_noise():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 10))
    for task, C, y in (
        (Numbers(), 1, rng.normal(size=500)),
        (Classes(), 2, rng.integers(0, 2, 500).astype(float)),
    ):
        member = part(Tree(), task, 10, C, 0)
        member.prequential(X, X.astype(np.float32), np.tile([0.0, 1.0], (500, 1)), y)
        assert member.state.clock[3] <= 5  # nodes


def test_middle_is_the_median_of_the_window_or_the_frequencies():
    _, made = run(Middle(window=7), Numbers(), 1, NUMBER)
    expected = [np.median(NUMBER[max(0, t - 7) : t]) if t else 0.0 for t in range(T)]
    assert np.allclose(made[:, 0], expected)
    _, made = run(Middle(window=7), Classes(), 3, CLASS)
    for t in range(T):
        counts = np.bincount(CLASS[max(0, t - 7) : t].astype(int), minlength=3)
        assert np.allclose(made[t], (counts + 1 / 3) / (counts.sum() + 1))


def test_last_is_the_last_target_or_what_followed_the_last_class():
    y = NUMBER.copy()
    y[5] = np.nan
    _, made = run(Last(), Numbers(), 1, y)
    assert made[0, 0] == 0
    assert made[1:6, 0].tolist() == y[:5].tolist()
    assert made[6, 0] == y[4]
    _, made = run(Last(), Classes(), 3, np.arange(T) % 3.0)
    assert (made[20:].argmax(1) == np.arange(20, T) % 3).all()


def test_classes_are_mixed_by_fixed_share_and_log_linearly():
    P = RNG.dirichlet(np.ones(3), (T, 4))
    state, work = classes.allocate(np.full(4, 0.25), 3)
    out = np.zeros((T, 3))
    classes.prequential(bind((), state, work), P, CLASS, out)
    assert np.allclose(out.sum(axis=1), 1.0)
    assert np.allclose(state.shares, naive.fixed_share(P, CLASS, classes.SHARE, classes.FLOOR))
    settings = (classes.VARIANCE, classes.FORGET, classes.FLOOR, classes.EVEN)
    assert np.allclose(state.powers, naive.log_linear(P, CLASS, *settings))


def test_a_network_whose_covariance_would_be_dear_goes_on_without():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 150))
    y = X[:, 0] - X[:, 1]
    member = NetworkPart(Network(FeedForward(4)), Numbers(), 20, 1, 0)
    member.prequential(X[:30, :20], None, None, y[:30])
    before = member.predict(X[30:31, :20], None, None)
    assert isinstance(member.network.model.optimizer, Kalman)
    member.grow(150, 1)
    assert not isinstance(member.network.model.optimizer, Kalman)
    wider = np.hstack([X[30:31, :20], np.full((1, 130), np.nan)])
    assert np.allclose(member.predict(wider, None, None), before, atol=1e-5)
    other = NetworkPart(Network(FeedForward(4)), Numbers(), 150, 1, 0)
    other.load({name: array.copy() for name, array in member.arrays().items()})
    made = [each.prequential(X[30:], None, None, y[30:]) for each in (member, other)]
    assert np.array_equal(*made)


@pytest.mark.parametrize("spec", [Forest(3, 40), Neighbours(30), Tree(50, 15)])
@pytest.mark.parametrize("task", [Numbers(), Classes()])
def test_members_grow_into_the_room_they_have_as_if_laid_out_anew(spec, task, monkeypatch):
    """The same bits, whether new inputs find room or arrays are made for each; and how often."""
    found, layouts = [], []
    longer = Laid.longer
    monkeypatch.setattr(Laid, "longer", lambda *given: layouts.append(1) or longer(*given))
    for roomy in (members.roomy, lambda inputs: inputs):
        monkeypatch.setattr(members, "roomy", roomy)
        rng = np.random.default_rng(4)
        member = part(spec, task, 1, 2 if task.discrete else 1, 0)
        made = []
        for m in range(1, 13):
            layouts.clear()
            member.grow(m, member.outputs)
            assert len(layouts) == (m == 9 if roomy(1) > 1 else m > 1)
            Z = rng.normal(size=(40, m)).astype(np.float32)
            y = (Z[:, 0] > 0).astype(float)
            made.append(member.prequential(Z.astype(float), Z, np.ones((40, 2)), y))
        other = part(spec, task, 12, member.outputs, 0)
        other.load(member.arrays())
        made += [m.prequential(Z.astype(float), Z, np.ones((40, 2)), y) for m in (member, other)]
        assert np.array_equal(*made[-2:])
        found.append((np.concatenate(made), member.arrays()))
    (ours, mine), (theirs, anew) = found
    assert np.array_equal(ours, theirs)
    assert all(np.array_equal(mine[name], array) for name, array in anew.items())


@pytest.mark.parametrize("spec", [Last(), Middle(20)])
def test_members_that_see_no_inputs_do_not_grow_with_them(spec):
    member = part(spec, Numbers(), 1, 1, 0)
    before = member.state
    member.grow(300, 1)
    assert member.state is before
    assert member.inputs == 300


def named(m, most, hinges, pairs, seed):
    grid, count = features.sizes(m, most, hinges, pairs)
    names = np.empty((1 + m + m * grid + count, 2), np.int64)
    features.name(m, most, hinges, pairs, seed, names)
    return names


def test_names_are_numbers_of_pairs_in_a_triangle_and_in_a_square():
    """By whole arrays."""
    for m, hinges in itertools.product((1, 2, 5, 13, 30), (True, False)):
        grid, count = features.sizes(m, 120, hinges, True)
        names = named(m, 120, hinges, True, 3)
        assert names[0].tolist() == [0, 0]
        assert names[1 : m + 1].tolist() == [[1, i] for i in range(m)]
        hats = [[2 + g, i] for i in range(m) for g in range(grid)]
        assert names[m + 1 : len(names) - count].tolist() == hats
        plain = [(-1 - i, j) for i in range(m) for j in range(i)]
        bent = [(-1 - features.HINGE - i, j) for i in range(m) for j in range(m) if i != j]
        every = np.array(plain + bent if hinges else plain).reshape(-1, 2)
        drawn = np.random.default_rng(3).permutation(len(every))[:count]
        which = drawn if count < len(every) else np.arange(count)
        assert np.array_equal(names[len(names) - count :], every[which])


def test_what_a_wide_member_knows_goes_with_the_names_of_its_features():
    rng = np.random.default_rng(5)
    for m, more in ((2, 1), (9, 1), (9, 12), (30, 40)):
        old, new = (part(Wide(), Classes(), n, 2, 0).state for n in (m, m + more))
        for array in (old.weights, old.covariance):
            array[...] = rng.normal(size=array.shape)
        fresh = new.covariance.copy()
        members.carry(Wide(), old, new, m, m + more)
        same = new.filter[2] == old.filter[2]
        places = {tuple(name): at for at, name in enumerate(new.names.tolist())}
        kept = [n for n, (kind, _) in enumerate(old.names.tolist()) if same or kind <= 1]
        kept = [n for n in kept if tuple(old.names[n]) in places]
        to = [places[tuple(old.names[n])] for n in kept]
        fresh[np.ix_(to, to)] = old.covariance[np.ix_(kept, kept)]
        assert np.array_equal(new.covariance, fresh)
        assert np.array_equal(new.weights[:, to], old.weights[:, kept])
        assert np.count_nonzero(new.weights) == 2 * len(kept)
