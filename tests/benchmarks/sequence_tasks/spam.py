"""A class a text: SMS spam, prequential in the file's order, so there is one run and no seed."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from river import feature_extraction, linear_model, metrics, naive_bayes, optim

from stream_rnn import TextClassifier

from .table import GOAL, PEER, PRODUCT, Row


def contestants() -> Iterator[tuple[str, str, Any]]:
    def bag(**settings: Any) -> Any:
        return feature_extraction.BagOfWords(**settings)

    bayes = naive_bayes.MultinomialNB()
    yield "river, bag of words, multinomial Bayes", PEER, bag() | bayes
    for name, grams in (("words", {}), ("words and pairs", {"ngram_range": (1, 2)})):
        logistic = linear_model.LogisticRegression(optim.AdaGrad(0.3))
        yield f"river, {name}, logistic AdaGrad(0.3)", PEER, bag(**grams) | logistic
    yield "TextClassifier()", PRODUCT, TextClassifier()


def spam(data: Path, seeds: int) -> Iterator[Row]:
    """Predict each message, then learn it."""
    path = data / "sms" / "SMSSpamCollection"
    lines = [line.split("\t", 1) for line in path.read_text(encoding="utf-8").splitlines()]
    yield Row("must reach", GOAL, {"accuracy": [0.987], "F1 of spam": [0.95]})
    warm = TextClassifier()
    for label, text in lines[:2]:
        warm.learn_one(text, label)
        warm.predict_one(text)
    for name, role, model in contestants():
        accuracy, f1 = metrics.Accuracy(), metrics.F1()
        started = time.process_time()
        for label, text in lines:
            truth, made = label == "spam", bool(model.predict_one(text))
            accuracy.update(truth, made)
            f1.update(truth, made)
            model.learn_one(text, truth)
        cost = (time.process_time() - started) / len(lines) * 1e6
        figures = {"accuracy": [accuracy.get()], "F1 of spam": [f1.get()]}
        yield Row(name, role, figures, f"{cost:.0f} µs a message, predict and learn")


TASKS = {"spam": spam}
