"""Words: how text is cut, the numbers of words, and an online trigram as the bar."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from naive_text import witten_bell_trigram_bits

from stream_rnn.estimators.text import TextPredictor
from stream_rnn.text.words.split import Words, ending_of, hash_of

SUBJECTS = ["the old king", "a young queen", "my lord", "the clever fool", "our good friend"]
VERBS = ["sees", "loves", "will not follow", "has always feared"]
OBJECTS = ["the crown", "a rose", "this long war", "his brother's daughter", "me"]


def sentences(n, seed=1):
    rng = np.random.default_rng(seed)
    pick = lambda words: words[rng.integers(len(words))]  # noqa: E731
    return "".join(
        f"{pick(SUBJECTS).capitalize()} {pick(VERBS)} {pick(OBJECTS)}{pick(['.', '!'])}\n"
        for _ in range(n)
    )


def test_split():
    assert Words.split("O'er l\u2019homme re-use x_1 3.5\t!\n") == [
        "O'er", "l\u2019homme", "re", "-", "use", "x", "_", "1", "3", ".", "5", "!", "\n",
    ]  # fmt: skip
    assert Words.split(b"caf\xc3\xa9 \xff") == ["café", "\ufffd"]


@given(st.text(max_size=80))
def test_text_and_split_are_inverse(text):
    words = Words()
    symbols = words.split(text)
    codes = [words.number(word) for word in symbols]
    assert words.split(words.text(codes)) == symbols
    other = Words()
    other.load(words.save(), words.free)
    assert other.words == words.words
    assert other.numbers == words.numbers


def test_numbers_are_given_out_again():
    words = Words(most=2)
    a, b = words.number("a"), words.number("b")
    words.release(np.array([1, 0]))
    assert words.number("c") == b
    assert (words.number("a"), words.symbol(b)) == (a, "c")


def test_spelling():
    assert hash_of("abc") != hash_of("acb")
    assert ending_of("walking") == ending_of("talking") != ending_of("Talking")
    assert ending_of(".") == hash_of(".")


def test_better_than_a_trigram():
    text = sentences(500)
    model = TextPredictor(unit="word", preset="contexts")
    costs = model.learn_text(text, per_symbol=True)
    symbols = Words.split(text)
    assert len(costs) == len(symbols)
    assert costs.sum() < witten_bell_trigram_bits(symbols)
    assert model.predict_proba_one().keys() == {"<unk>", *symbols}
    best = [text for text, _ in model.complete("The old king has", k=2, length=2, stop=".")]
    assert "always feared" in best


def sentences_that_agree(n, seed=1):
    """His or her, by a subject six words before: beyond what any context sees."""
    rng = np.random.default_rng(seed)
    lines = []
    for who in rng.integers(2, size=n):
        between = " ".join(("far", "away", "long", "ago")[i] for i in rng.integers(4, size=4))
        king, his = (("king", "his"), ("queen", "her"))[who]
        lines.append(f"Then the {king} went {between} with {his} horse.\n")
    return "".join(lines)


@pytest.mark.slow
def test_the_network_helps_words():
    """Where contexts cannot see it learns what they miss; where they see all it costs little."""
    text = sentences_that_agree(1500)
    plain = TextPredictor(unit="word", preset="contexts").learn_text(text)
    mixed = TextPredictor(unit="word", units=16, seed=1).learn_text(text)
    alone = TextPredictor(unit="word", preset="network", units=32, seed=1).learn_text(text)
    assert mixed < 0.9 * plain
    assert alone < 0.95 * plain
    text = sentences(3000)  # the contexts reach the entropy; the mixture has one weight more
    plain = TextPredictor(unit="word", preset="contexts").learn_text(text)
    mixed = TextPredictor(unit="word", units=16, seed=1).learn_text(text)
    assert mixed < 1.001 * plain
