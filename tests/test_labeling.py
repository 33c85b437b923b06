"""A chain of labels: against enumeration and differences; the labeler as an estimator."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive_chain import enumerated, score

from connectors.base import Record
from stream_rnn import BadRecord, CheckpointError, ConfigError, SequenceLabeler, dumps, loads
from stream_rnn.evaluation.sequence_metrics import EntityF1, TokenAccuracy
from stream_rnn.features.rows import Rows
from stream_rnn.sequences.labeling import learning
from stream_rnn.sequences.labeling.learning import Sentence, Transitions
from stream_rnn.sequences.labeling.model import Chain
from stream_rnn.sequences.labeling.rehearsal import Rehearsal
from stream_rnn.sequences.labeling.spans import iob2, spans
from stream_rnn.sequences.labeling.templates import DEFAULT, compile_templates
from stream_rnn.sequences.labeling.words import NAMES, Words, attributes
from stream_rnn.sequences.sparse.adagrad import AdaGrad
from stream_rnn.sequences.sparse.keys import key_of
from stream_rnn.sequences.sparse.shapes import shape
from stream_rnn.service.task import Task
from stream_rnn.web.answers import Asked, answer

ROOM = 5


@pytest.fixture(autouse=True)
def wrapping():
    """Hashes multiply modulo 2⁶⁴, of which NumPy warns when a kernel runs interpreted."""
    with np.errstate(over="ignore"):
        yield


def chain_of(rng, T, count, spread):
    """Scores and transitions, drawn, and where the chain computes."""
    A = rng.normal(0, spread, (ROOM + 1, ROOM + 1))
    used = [*range(count), ROOM]
    small = A[np.ix_(used, used)]
    work = learning.workspace(T, 1, ROOM)
    work.scores[:T, :count] = rng.normal(0, spread, (T, count))
    transitions = Transitions(A, np.zeros_like(A))
    return work, transitions, small


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    T=st.integers(1, 5),
    count=st.integers(1, 4),
    spread=st.floats(0.01, 6),
)
def test_the_chain_is_its_enumeration(seed, T, count, spread):
    work, transitions, A = chain_of(np.random.default_rng(seed), T, count, spread)
    log_z, p, expected, best = enumerated(work.scores[:T, :count], A, count)
    path = np.zeros(T, np.int64)
    inferred = run(work, transitions, T, count, path)
    used = [*range(count), ROOM]
    assert inferred == pytest.approx(log_z, abs=1e-9)
    np.testing.assert_allclose(work.p[:T, :count], p, atol=1e-9)
    np.testing.assert_allclose(work.expected[np.ix_(used, used)], expected, atol=1e-9)
    scores = work.scores[:T, :count]
    assert score(scores, A, path) == pytest.approx(score(scores, A, best), abs=1e-12)


def run(work, transitions, T, count, path):
    """The kernels as `learning.learn` calls them."""
    log_z = learning.infer(transitions, T, count, work)
    learning.expected_transitions(
        work.alpha, work.beta, work.phi, work.factors, work.p, T, count, work.expected
    )
    learning.best_path(work.scores, transitions.weights, T, count, work.alpha, work.back, path)
    return log_z


def test_scores_far_apart_stay_finite():
    work, transitions, _ = chain_of(np.random.default_rng(1), 4, 3, 1e5)
    assert np.isfinite(run(work, transitions, 4, 3, np.zeros(4, np.int64)))
    assert np.isfinite(work.p[:4, :3]).all()
    assert np.isfinite(work.expected).all()


WORDS = ["the", "Rain", "fell", "on", "the", "2nd", "of", "May"]


def prepared(seed):
    """A chain whose weights are drawn, a sentence, and its labels."""
    chain = Chain(compile_templates(DEFAULT), AdaGrad(0.2, 0.01, 0.003), 1 << 14)
    sentence = with_values(Words()(WORDS))
    labels = np.array([0, 1, 2, 0, 0, 1, 2, 1])
    chain.learn(sentence, labels, 3)
    rng = np.random.default_rng(seed)
    chain.table.weights[:] = rng.normal(0, 0.3, chain.table.weights.shape)
    chain.transitions.weights[:] = rng.normal(0, 0.3, chain.transitions.weights.shape)
    return chain, sentence, labels


def with_values(words):
    """Every token also has a feature with a value."""
    T = len(words)
    keys = np.array([key_of("given", str(t % 3)) for t in range(T)], np.uint64)
    values = np.linspace(-1, 2, T).astype(np.float32)
    return Sentence(words, np.arange(T + 1), keys, values)


def loss_of(chain, sentence, labels):
    """−log p(labels), by the kernels; work.p and work.expected are left as they compute them."""
    work, T = chain._room(len(labels)), len(labels)
    learning.score(chain.table, chain.templates, sentence, 3, work, True)
    log_z = learning.infer(chain.transitions, T, 3, work)
    return log_z - learning.path_score(work.scores, chain.transitions.weights, labels)


def slope_of(chain, sentence, labels, array, place):
    """By a two-sided difference."""
    w, h = float(array[place]), 2.0**-5
    losses = []
    for step in (h, -h):
        array[place] = w + step
        losses.append(loss_of(chain, sentence, labels))
    array[place] = w
    return (losses[0] - losses[1]) / (2 * h)


@pytest.mark.parametrize("seed", range(3))
def test_the_gradient_is_that_of_differences(seed):
    chain, sentence, labels = prepared(seed)
    loss_of(chain, sentence, labels)
    work, T = chain._work, len(labels)
    error = work.p[:T, :3] - np.eye(3)[labels]
    learning.expected_transitions(
        work.alpha, work.beta, work.phi, work.factors, work.p, T, 3, work.expected
    )
    learning.subtract_path(labels, work.expected)
    of_transitions, rows = work.expected.copy(), work.rows[:T].copy()
    for row in (0, 3, 40, rows.max()):
        expected = np.array([(rows == row).sum(1) @ error[:, l] for l in range(3)])
        found = [slope_of(chain, sentence, labels, chain.table.weights, (row, l)) for l in range(3)]
        assert found == pytest.approx(expected, abs=2e-3)
    last = chain.labels
    for place in ((0, 1), (2, 0), (last, 0), (1, last)):
        found = slope_of(chain, sentence, labels, chain.transitions.weights, place)
        assert found == pytest.approx(of_transitions[place], abs=2e-3)


def test_learning_is_adagrad_on_every_occurrence():
    chain, sentence, labels = prepared(5)
    loss = loss_of(chain, sentence, labels)
    T, table = len(labels), chain.table
    error = (chain._work.p[:T, :3] - np.eye(3)[labels]).astype(np.float32)
    rows = chain._work.rows[:T].copy()
    weights, squares = table.weights[:, :3].copy(), table.squares[:, :3].copy()
    known = {int(key): row for row, key in enumerate(table.keys)}
    for t in range(T):
        steps = [(row, 1.0) for row in rows[t] if row >= 0]
        steps.append((known[int(sentence.keys[t])], sentence.values[t]))
        for row, value in steps:
            g = error[t] * np.float32(value) + np.float32(0.003) * weights[row]
            squares[row] += g * g
            weights[row] -= 0.2 * g / np.sqrt(squares[row] + 0.01)
    assert chain.learn(sentence, labels, 3)[1] == pytest.approx(loss)
    np.testing.assert_allclose(table.squares[:, :3], squares, atol=1e-5)
    np.testing.assert_allclose(table.weights[:, :3], weights, atol=1e-5)


def test_shapes_and_affixes():
    assert [shape(w) for w in ("Tampa", "USA", "x86", "", "ß-2")] == ["Xxx", "XX", "xdd", "", "x-d"]
    found = dict(zip(NAMES, attributes("Rain"), strict=True))
    assert found["word"] == key_of("Rain")
    assert found["lower"] == key_of("rain") == found["prefix 4"] == found["suffix 4"]
    assert found["suffix 3"] == key_of("ain")
    assert found["prefix 5"] == found["suffix 5"] == 0


@given(st.lists(st.sampled_from("OABC"), max_size=9))
def test_spans_are_undone(kinds):
    labels, before = [], "O"
    for kind in kinds:
        mark = "I" if kind == before else "B"
        labels.append("O" if kind == "O" else f"{mark}-{kind}")
        before = kind
    assert iob2(spans(labels), len(labels)) == labels


def test_spans_of_odd_labels():
    assert spans(["I-A", "I-A", "I-B", "B-B"]) == [(0, 2, "A"), (2, 3, "B"), (3, 4, "B")]
    with pytest.raises(ValueError, match="overlaps"):
        iob2([(0, 2, "A"), (1, 3, "B")], 3)
    with pytest.raises(ValueError, match="within 3"):
        iob2([(2, 4, "A")], 3)


def town(rng):
    """A sentence about a city, and its labels."""
    city = rng.choice(["Paris", "Rome", "New York", "Lima", "Oslo", "Bonn"])
    name = city.split()
    tokens = [rng.choice(["We", "They", "I"]), rng.choice(["saw", "left", "love"]), *name, "."]
    return tokens, ["O", "O", "B-LOC", *["I-LOC"] * (len(name) - 1), "O"]


def stream(n, seed=0):
    rng = np.random.default_rng(seed)
    return [town(rng) for _ in range(n)]


def test_it_learns():
    model = SequenceLabeler()
    assert model.predict_one(["We"]) == [None]
    assert model.predict_proba_one(["We"]) == [{}]
    wrong = 0
    for tokens, labels in stream(100):
        wrong += model.predict_one(tokens) != labels
        model.learn_one(tokens, labels)
    assert wrong <= 12
    assert model.labels == ["O", "B-LOC", "I-LOC"]
    assert model.entities_one(["They", "left", "New", "York", "."]) == [(2, 4, "LOC")]
    p = model.predict_proba_one(["They", "left", "New", "York", "."])
    assert p[2]["B-LOC"] > 0.9
    assert [sum(row.values()) for row in p] == pytest.approx([1] * 5)


def test_features_with_values():
    rng = np.random.default_rng(2)
    model = SequenceLabeler()
    right = 0
    for n in range(300):
        x = rng.normal(size=4)
        tokens = [
            {"x": float(v), "kind": "a", "odd": None, "flag": t == 0} for t, v in enumerate(x)
        ]
        labels = ["up" if v > 0 else "down" for v in x]
        right += n >= 200 and model.predict_one(tokens) == labels
        model.learn_one(tokens, labels)
    assert right >= 80


def test_many_labels_keep_what_was_learned():
    model = SequenceLabeler()
    for n in [*range(40)] * 8:
        model.learn_one([f"w{n}", "x"], [f"L{n}", "O"])
    assert sum(model.predict_one([f"w{n}", "x"])[0] == f"L{n}" for n in range(40)) >= 38


def test_the_table_is_bounded():
    model = SequenceLabeler(max_features=2048)
    for n in range(400):
        model.learn_one([f"{n:x}{n}", "the", "cat"], ["O", "D", "N"])
    known, forgotten = model._chain.size
    assert known <= 2048 == len(model._chain.table.keys)
    assert forgotten > 1000
    assert model.predict_one(["the", "cat"]) == ["D", "N"]


def test_a_sentence_longer_than_the_table():
    model = SequenceLabeler(max_features=1024)
    words = [f"w{n}" for n in range(300)]
    model.learn_one(words, ["O"] * 300)
    assert model._chain.size[0] == 1024
    assert model.predict_one(words) == ["O"] * 300


@pytest.mark.parametrize("cut", [1, 7, 40])
def test_the_same_bits_after_a_restart(cut):
    whole, first = SequenceLabeler(), SequenceLabeler()
    sentences = stream(60)
    rows = whole.stream(*records(sentences))
    before = first.stream(*records(sentences[:cut]))
    second = loads(dumps(first))
    assert before + second.stream(*records(sentences[cut:])) == rows
    for name, array in whole.snapshot().arrays.items():
        np.testing.assert_array_equal(array, second.snapshot().arrays[name], name)


def records(sentences):
    return [{"tokens": tokens} for tokens, _ in sentences], [labels for _, labels in sentences]


def test_one_at_a_time_is_as_in_a_stream():
    one, rows = SequenceLabeler(), SequenceLabeler()
    made = []
    for tokens, labels in stream(30):
        made.append({"prediction": one.predict_one(tokens)})
        one.learn_one(tokens, labels)
    assert rows.stream(*records(stream(30))) == made


def test_no_label_reaches_its_own_prediction():
    a, b = SequenceLabeler(), SequenceLabeler()
    for tokens, labels in stream(20):
        for model in (a, b):
            model.learn_one(tokens, labels)
    tokens, labels = stream(1, seed=9)[0]
    x = {"tokens": tokens}
    assert a.stream([x], [labels]) == b.stream([x], [["other"] * len(labels)])
    assert a.stream([x], [None]) != [{"prediction": ["other"] * len(labels)}]


def test_text_is_split_and_missing_labels_are_not_learned():
    model = SequenceLabeler()
    model.stream([{"tokens": "a b"}], ["X Y"])
    before = model.snapshot()
    assert model.stream([{"tokens": "a b"}], [None]) == [{"prediction": ["X", "Y"]}]
    after = model.snapshot()
    assert before.meta == after.meta
    for name, array in before.arrays.items():
        np.testing.assert_array_equal(array, after.arrays[name], name)
    assert model.predict_one([]) == []
    model.learn_one([], [])


REFUSED = [
    ("text", ["X"], "give a list"),
    (["a"], "X", "give a list"),
    (["a", "b"], ["X"], "1 for 2 tokens"),
    (["a", 3], ["X", "X"], r"tokens\[1\]: 3"),
    ([{"x": float("nan")}], ["X"], r"tokens\[0\]\['x'\]: nan"),
    ([{"x": [1]}], ["X"], r"\['x'\]: \[1\]"),
    (["a"], [None], r"labels\[0\]: None"),
    (["a"] * 101, ["X"] * 101, "max_tokens = 100"),
]


@pytest.mark.parametrize(("tokens", "labels", "message"), REFUSED)
def test_what_is_refused_changes_nothing(tokens, labels, message):
    model = SequenceLabeler(max_tokens=100)
    with pytest.raises(BadRecord, match=message):
        model.learn_one(tokens, labels)
    assert model.labels == []
    assert model._chain.size == (0, 0)


def test_bad_records_are_all_told():
    model = SequenceLabeler()
    xs = [{"tokens": ["a"]}, {}, {"tokens": 3}, {"tokens": ["a"]}]
    assert list(model.check(xs, [["X"], None, None, ["X", "Y"]])) == [1, 2, 3]


def test_settings_and_foreign_checkpoints():
    for settings_ in (
        {"rate": 0},
        {"damping": -1},
        {"decay": -1},
        {"max_features": 3},
        {"max_tokens": 0},
    ):
        with pytest.raises(ConfigError, match=next(iter(settings_))):
            SequenceLabeler(**settings_)
    snapshot = SequenceLabeler(rate=0.1).snapshot()
    with pytest.raises(CheckpointError, match="rate"):
        SequenceLabeler().restore(snapshot)
    with pytest.raises(CheckpointError, match="lacks"):
        SequenceLabeler(rate=0.1).restore(snapshot._replace(arrays={"loss": np.zeros(1)}))


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 50), st.integers(0, 120))
def test_what_is_kept_is_a_sample_of_the_past(most, n):
    past = Rehearsal(most)
    for k in range(n):
        past.keep([f"{k}", {"x": np.float32(0.1), "s": "a"}], [k, 0])
    assert len(past) == min(most, n)
    drawn = {past.draw()[1][0] for _ in range(3 * n)}
    assert drawn <= set(range(n))
    other = Rehearsal(most)
    other.load(past.arrays())
    for k in range(20 if n else 0):
        past.keep(["again"], [k])
        other.keep(["again"], [k])
        assert past.draw() == other.draw()


def test_every_part_of_the_past_is_as_likely():
    kept = []
    past = Rehearsal(50)
    for n in range(5000):
        past.keep(["a"], [n])
        if n >= 4000 and n % 100 == 0:
            kept += [labels[0] / n for _, labels in past._kept]
    assert np.mean(kept) == pytest.approx(0.5, abs=0.1)


def test_without_rehearsal():
    model = SequenceLabeler(rehearsal=0)
    for tokens, labels in stream(60):
        model.learn_one(tokens, labels)
    assert len(model._past) == 0
    assert model.entities_one(["They", "left", "New", "York", "."]) == [(2, 4, "LOC")]


def test_in_a_service():
    task = Task(SequenceLabeler(), Rows("labels", missing_target="advance"))
    sentences = stream(40)
    values = [{"tokens": tokens, "labels": labels} for tokens, labels in sentences]
    values += [
        {"tokens": "We left Rome .", "labels": None},
        {"tokens": ["a"], "labels": ["A", "B"]},
    ]
    made = task.learn([Record(value, b"", offset=n) for n, value in enumerate(values)])
    assert made.rows[-1]["prediction"] == ["O", "O", "B-LOC", "O"]
    assert [letter["offset"] for letter in made.refused] == [41]
    asked = answer(task, {"tokens": ["We", "left", "Rome", "."]}, Asked())
    assert asked == {"prediction": ["O", "O", "B-LOC", "O"]}


def test_metrics_of_sentences():
    f1, accuracy = EntityF1(), TokenAccuracy()
    assert (f1.get(), f1.precision, f1.recall, accuracy.get()) == (0, 0, 0, 0)
    truth, made = ["B-A", "I-A", "O", "B-B"], ["B-A", "I-A", "B-A", None]
    for metric in (f1, accuracy):
        metric.update(truth, made)
        metric.update(truth, truth)
        assert metric.is_better_than(type(metric)())
    assert (f1.get(), f1.precision, f1.recall) == (0.75, 0.75, 0.75)
    assert accuracy.get() == 0.75
    for metric in (f1, accuracy):
        metric.revert(truth, truth)
        assert metric.get() == 0.5
        with pytest.raises(ValueError, match=r"."):
            metric.update(truth, ["O"])
