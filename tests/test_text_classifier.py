"""Texts to classes: against a naive twin; features, bounds, restarts; river's interface."""

import math
import random
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream_rnn import BadRecord, CheckpointError, ConfigError, TextClassifier, dumps, loads
from stream_rnn.sequences.reading.model import Reader
from stream_rnn.sequences.reading.tokens import Tokens, characters
from stream_rnn.sequences.sparse import table as tables

WORDS = ["free", "prize", "WIN", "home", "dinner", "77", "£5", "you're", "ok", "."]


def texts(n, seed=0):
    """Spam speaks of prizes, ham of dinner; both of the rest."""
    rng = random.Random(seed)
    for _ in range(n):
        spam = rng.random() < 0.4
        own = WORDS[:3] if spam else WORDS[3:5]
        words = [rng.choice(own), *rng.choices(WORDS[5:], k=4), rng.choice(own)]
        rng.shuffle(words)
        yield " ".join(words), "spam" if spam else "ham"


def test_tokens():
    found, keys = Tokens()("You're 2nd of e-mail, £5… ok ok")
    assert found == ["You're", "2nd", "of", "e-mail", ",", "£", "5", "…", "ok", "ok"]
    assert keys.shape == (10, 2)
    assert (keys[8] == keys[9]).all()
    assert Tokens()("")[1].shape == (0, 2)
    assert "".join(map(chr, characters("A\n b\ud800"))) == " a b\ud800 "


class Naive:
    """The same model with features as tuples, in dicts."""

    def __init__(self, shapes, pairs, least, most):
        self.settings = shapes, pairs, least, most
        self.weights, self.squares, self.classes = {}, {}, []

    def features(self, text):
        shapes, pairs, least, most = self.settings
        words, keys = Tokens()(text)
        found = {("bias",)} | {("word", w.lower()) for w in words}
        if shapes:
            found |= {("shape", int(k)) for k in keys[:, 1]}
        if pairs:
            lower = [w.lower() for w in words]
            found |= {("pair", *two) for two in pairwise(lower)}
        whole = "".join(map(chr, characters(text)))
        for n in range(least, most + 1):
            found |= {("gram", whole[i : i + n]) for i in range(len(whole) - n + 1)}
        return found

    def probabilities(self, found):
        scores = [sum(self.weights.get((f, c), 0.0) for f in found) for c in self.classes]
        total = sum(math.exp(s) for s in scores)
        return [math.exp(s) / total for s in scores]

    def learn(self, text, label):
        if label not in self.classes:
            self.classes.append(label)
        found = self.features(text)
        p = self.probabilities(found)
        for c, q in zip(self.classes, p, strict=True):
            g = q - (c == label)
            for key in ((f, c) for f in found):
                h = g + 0.003 * self.weights.get(key, 0.0)
                self.squares[key] = self.squares.get(key, 0.0) + h * h
                step = 0.2 * h / math.sqrt(self.squares[key] + 0.01)
                self.weights[key] = self.weights.get(key, 0.0) - step


@pytest.mark.parametrize(
    "given_", [(True, True, None), (False, True, (2, 4)), (True, False, (1, 2))]
)
def test_it_is_its_naive_twin(given_):
    shapes, pairs, grams = given_
    twin = Naive(shapes, pairs, *(grams or (1, 0)))
    model = TextClassifier(pairs, shapes, grams)
    for n, (text, label) in enumerate(texts(40)):
        label = "third" if n % 9 == 8 else label
        found = model.predict_proba_one(text)
        expected = twin.probabilities(twin.features(text)) if twin.classes else []
        assert list(found) == twin.classes
        assert list(found.values()) == pytest.approx(expected, abs=1e-4)
        model.learn_one(text, label)
        twin.learn(text, label)


def test_it_learns_and_says_why():
    model = TextClassifier()
    right = 0
    for n, (text, label) in enumerate(texts(200)):
        right += n >= 100 and model.predict_one(text) == label
        model.learn_one(text, label)
    assert right >= 98
    words = [word for word, _ in model.keywords("ok WIN dinner 77", 2, "spam")]
    assert words[0] == "win"
    assert "dinner" not in words
    assert model.keywords("dinner", 1)[0][0] == "dinner"
    assert TextClassifier().keywords("dinner") == []
    with pytest.raises(ValueError, match="has not been learned"):
        model.keywords("dinner", label="eggs")


def test_fields_are_read_apart_and_numbers_count():
    model = TextClassifier()
    rng = random.Random(3)
    right = 0
    for n in range(400):
        a, b = rng.sample(["up", "down"], 2)
        size = rng.choice([0.01, 900.0])
        x, y = {"a": a, "b": b, "size": size}, (a == "up") + 2 * (size > 1)
        right += n >= 300 and model.predict_one(x) == y
        model.learn_one(x, y)
    assert right >= 97


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=30), st.sampled_from("abc")), max_size=12))
def test_any_text_is_read_and_restored(stream):
    whole, first = TextClassifier(characters=(1, 3)), TextClassifier(characters=(1, 3))
    xs, ys = [{"text": text} for text, _ in stream], [label for _, label in stream]
    rows = whole.stream(xs, ys)
    half = len(xs) // 2
    before = first.stream(xs[:half], ys[:half])
    second = loads(dumps(first))
    assert before + second.stream(xs[half:], ys[half:]) == rows
    for name, array in whole.snapshot().arrays.items():
        np.testing.assert_array_equal(array, second.snapshot().arrays[name], name)
    for row in rows:
        assert math.isclose(sum(row["probabilities"].values()), 1) or not row["probabilities"]


def test_the_table_is_bounded():
    model = TextClassifier(max_features=1024)
    for n in range(500):
        model.learn_one(f"number{n} other{n} the good", "a")
        model.learn_one(f"thing{n} the bad", "b")
    known, forgotten = model._reader.size
    assert known <= 1024
    assert forgotten > 1500
    assert model.predict_one("the good") == "a"
    assert model.predict_one("the bad") == "b"
    restored = loads(dumps(model))
    model.learn_one("one more", "a")
    restored.learn_one("one more", "a")
    assert restored.predict_proba_one("good") == model.predict_proba_one("good")


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 2**64 - 1), unique=True, max_size=40), st.integers(0, 2**64 - 1))
def test_a_table_finds_what_it_has_admitted(keys, other):
    table = tables.create(32, 1)
    rows = {key: tables.admit(table, np.uint64(key)) for key in keys}
    for n, key in enumerate(keys):
        assert rows[key] == (n if n < 32 else tables.NONE)
        assert tables.find(table, np.uint64(key)) == rows[key]
    if other not in rows:
        assert tables.find(table, np.uint64(other)) == tables.NONE
    grown = tables.with_room(table, 40, 128)
    assert [tables.find(grown, np.uint64(key)) for key in keys[:32]] == list(range(len(keys[:32])))


def test_what_is_least_used_goes_the_newest_first():
    table = tables.create(16, 1)
    for key in range(1, 17):
        row = tables.admit(table, np.uint64(key * 7919))
        table.uses[row] = 5 if key % 2 else 1
        table.weights[row] = key
    smaller = tables.with_room(table, 4, 16)
    assert smaller.weights[: smaller.size[0], 0].tolist() == [*range(1, 10), 11, 13, 15]
    assert smaller.uses[:3].tolist() == [3, 1, 3]
    assert smaller.size.tolist() == [12, 4, 0]


@pytest.mark.parametrize("x", [3, None, {"text": float("inf")}, {"text": ["a"]}, {"t": "x" * 101}])
def test_what_is_refused_changes_nothing(x):
    model = TextClassifier(max_text=100)
    with pytest.raises(BadRecord):
        model.learn_one(x, "a")
    assert model.predict_proba_one("a") == {}
    assert list(model.check([{"text": "a"}, x], ["a", "a"])) == [1]


def test_missing_classes_are_not_learned():
    model = TextClassifier()
    model.learn_one("a", None)
    model.stream([{"text": "a"}], [math.nan])
    assert model.predict_one("a") is None
    assert model.health()["loss_observations"] == 0


def test_settings_and_foreign_checkpoints():
    odd = ({"rate": 0}, {"max_features": 3}, {"max_text": 0}, {"characters": (3, 2)})
    for settings_ in odd:
        with pytest.raises(ConfigError, match=next(iter(settings_))):
            TextClassifier(**settings_)
    snapshot = TextClassifier(pairs=False).snapshot()
    with pytest.raises(CheckpointError, match="pairs"):
        TextClassifier().restore(snapshot)


def test_a_document_has_room_for_all_it_may_hold():
    reader = Reader(TextClassifier(characters=(1, 8))._reader.reading, None, 1024, 100)
    assert len(reader.document("ab").keys) == 1 + 2 + (4 + 3 + 2 + 1)
