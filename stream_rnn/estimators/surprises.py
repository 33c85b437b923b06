"""How surprising each symbol of a text is to a predictor."""

from typing import Any

from .saving import dumps, loads
from .text import TextPredictor


def surprises(predictor: TextPredictor, text: str | bytes) -> list[tuple[str, float]]:
    """Each symbol of *text*, as it is shown, with its bits: −log₂ p before it was learned.

    *predictor* learns nothing; a copy learns symbol by symbol, as from a stream.  The bytes of
    a character are one symbol.

    >>> model = TextPredictor(units=16, seed=1)
    >>> _ = model.learn_text("all is well\\n" * 30)
    >>> found = surprises(model, "all is ill\\n")
    >>> "".join(symbol for symbol, _ in found), max(found, key=lambda pair: pair[1])[0]
    ('all is ill\\n', 'i')
    """
    given: Any = predictor
    learner = loads(dumps(given))
    costs = learner.learn_text(text, per_symbol=True).tolist()
    if predictor.unit == "word":
        symbols = [str(symbol) for symbol in learner._unit.split(text)]
        return list(zip(symbols, costs, strict=True))
    if predictor.unit == "char":
        return list(zip(learner._unit.text(learner._unit.split(text).tolist()), costs, strict=True))
    data = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
    shown, at = [], 0
    for character in data.decode("utf-8", "surrogateescape"):
        size = len(character.encode("utf-8", "surrogateescape"))
        shown.append((character, sum(costs[at : at + size])))
        at += size
    return shown
