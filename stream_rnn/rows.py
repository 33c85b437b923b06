"""What a result row holds: its fields by estimator, what counts as known, what an error is.

A row is a dict, a line of the output.  Everything downstream reads it by what is said here:
drift, metrics, evaluation, the display, the page docs/rows.md.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

NUMBERS = (float, int)
ONLY = 0  # the name of the error where a row has one


class Field(NamedTuple):
    """One field of a row."""

    name: str
    values: str
    meaning: str


PREDICTION = Field("prediction", "number", "of the target, made before the record was learned")
INTERVAL = "number or null"
AHEAD = "one for each of `horizons`, made after the record was seen"

#: What each estimator yields, by the name that a configuration has for it.
FIELDS: dict[str, tuple[Field, ...]] = {
    "regressor": (PREDICTION,),
    "stream-regressor": (PREDICTION,),
    "sequence-regressor": (PREDICTION,),
    "classifier": (
        Field("prediction", "class or null", "the most probable class; null before there is one"),
        Field("probabilities", "object", "of every class seen so far; together 1"),
    ),
    "multitarget": (
        Field("prediction", "object", "a number for each target, made before it was learned"),
    ),
    "forecaster": (
        Field("prediction", INTERVAL, "of this record, made at the shortest horizon before it"),
        Field("prediction_lower", INTERVAL, "lower bound of it, at `level`"),
        Field("prediction_upper", INTERVAL, "upper bound of it"),
        Field("forecast", "list of numbers", AHEAD),
        Field("lower", "list of numbers", "lower bounds of the forecasts"),
        Field("upper", "list of numbers", "upper bounds of the forecasts"),
    ),
    "multivariate": (
        Field("prediction", "object", "for each target, made at the shortest horizon before it"),
        Field("forecast", "object of lists", f"for each target {AHEAD}"),
        Field("lower", "object of lists", "lower bounds of the forecasts"),
        Field("upper", "object of lists", "upper bounds of the forecasts"),
    ),
    "anomaly": (
        Field("record", "whole number", "which one it is, from 1: episodes are told by it"),
        Field("score", "number", "how unusual the record is: −log10 of how often such comes"),
        Field("alarm", "true or false", "whether a new alarm begins"),
        Field("field", "text or null", "the field that is the most unusual"),
        Field("view", "text or null", "in which way it is"),
        Field("reason", "text or null", "the same in a sentence, at an alarm"),
        Field("expected", INTERVAL, "of that field, before it was seen"),
        Field("expected_lower", INTERVAL, "lower bound of it"),
        Field("expected_upper", INTERVAL, "upper bound of it"),
        Field("fields", "list", "all fields that take part, the most unusual first"),
        Field("episode", "whole number or null", "the record at which this episode began"),
        Field("episode_end", "whole number or null", "the record at which it ended"),
        Field("severity", "number", "of the episode"),
        Field("scores", "object", "the score of each field"),
        Field("feedback", "text or null", "what came of an operator's label in the record"),
    ),
    "text": (
        Field("bits", "number", "−log2 of the probability that the line had, newline included"),
        Field("bits_per_symbol", "number", "the same for each of its symbols"),
        Field("surprise", "number", "standard deviations from usual lines"),
        Field("flag", "true or false", "whether it is above `surprise_threshold`"),
        Field("top", "list of pairs", "the most probable next symbols with their probabilities"),
    ),
    "transducer": (
        Field("prediction", "text, list or null", "the best target; null before there is one"),
        Field("probability", "number or null", "its probability among the best ones"),
    ),
}
FIELDS["labeler"] = (
    Field("prediction", "list of texts", "a label for each token, made before they were learned"),
)
FIELDS["stream-classifier"] = FIELDS["sequence-classifier"] = FIELDS["classifier"]
FIELDS["text-classifier"] = FIELDS["classifier"]

#: What the service adds to it, where it has been asked to.
SERVICE: tuple[Field, ...] = (
    Field("target", "as in the record", "the truth; null where it is missing, absent without one"),
    Field("…", "as in the record", "the fields that `run.copy` names"),
    Field("steps", "whole number or null", "of the sequence that ended here, with `[sequence]`"),
    Field("lookahead", "whole number", "how many records before this one it is of, if `lookahead`"),
    Field("partition", "text", "where the record came from, with `run.origin`"),
    Field("offset", "whole number", "which one it was there, with `run.origin`"),
)

#: A dead letter, which a record has instead of a result.
LETTER: tuple[Field, ...] = (
    Field("reason", "text", "undecodable, missing_target, missing_key, refused, unwritable, label"),
    Field("error", "text", "what is wrong, in a sentence"),
    Field("stage", "text", "who refused it: decode, learn, label, write"),
    Field("partition", "text", "where the record came from"),
    Field("offset", "whole number", "which one it was there"),
    Field("timestamp", "number", "seconds since 1970, where the source says them"),
    Field("key_base64", "text", "the key of the message, where it has one"),
    Field("raw", "text", "the bytes as they came, or `raw_base64` where they are no text"),
)


#: Which fields show of what kind a row is; any other row is of numbers.
_KINDS = {"classes": "probabilities", "anomalies": "alarm", "text": "bits_per_symbol"}


def kind_of(row: Mapping[str, Any]) -> str:
    """What is to be shown of it: "classes", "anomalies", "text" or "numbers".

    >>> kind_of({"prediction": 1.0}), kind_of({"score": 2.0, "alarm": True})
    ('numbers', 'anomalies')
    """
    return next((kind for kind, field in _KINDS.items() if field in row), "numbers")


def is_known(target: Any) -> bool:
    """Whether there is something to score: None and NaN are missing; of several one is enough.

    >>> is_known(0.0), is_known(float("nan")), is_known({"a": None, "b": 1.0}), is_known({})
    (True, False, True, False)
    """
    if isinstance(target, dict):
        return any(map(is_known, target.values()))
    return target is not None and target == target


def errors_of(row: dict[str, Any]) -> dict[Any, float]:
    """The errors of one row by column; none where the target is not known.

    A row with class probabilities: 1 for a wrong class.  With a prediction and a target: the
    absolute error, of each target if there are several.  Else the score of an anomaly
    detector, 0 where it is negative, or the bits per symbol of a text.

    >>> errors_of({"prediction": 1.0, "target": 3.0})
    {0: 2.0}
    >>> errors_of({"prediction": {"a": 1.0, "b": None}, "target": {"a": 3.0, "b": 2.0}})
    {'a': 2.0}
    >>> errors_of({"prediction": "x", "probabilities": {"x": 1.0}, "target": None})
    {}
    """
    truth, made = row.get("target"), row.get("prediction")
    if "probabilities" in row:
        return {ONLY: float(made != truth)} if is_known(truth) and made is not None else {}
    pairs: dict[Any, tuple[Any, Any]]
    if isinstance(truth, dict) and isinstance(made, dict):
        pairs = {str(name): (made.get(name), y) for name, y in truth.items()}
    elif "prediction" in row:
        pairs = {ONLY: (made, truth)}
    else:
        score = row.get("score", row.get("bits_per_symbol"))
        pairs = {ONLY: (max(0.0, score) if isinstance(score, NUMBERS) else score, 0.0)}
    return {
        name: abs(float(p) - float(y))
        for name, (p, y) in pairs.items()
        if isinstance(p, NUMBERS) and isinstance(y, NUMBERS)
    }


def error_of(row: dict[str, Any]) -> float | None:
    """The absolute error of a row with one prediction that is a number; None for others.

    >>> error_of({"prediction": 1.0, "target": 3.0})
    2.0
    """
    if "prediction" not in row or "probabilities" in row:
        return None
    error = errors_of(row).get(ONLY)
    return error if error == error else None


def prediction_of(row: dict[str, Any]) -> Any:
    """What is scored: class probabilities where there are any, else the prediction; 0 for none."""
    if "probabilities" in row:
        return row["probabilities"]
    return 0.0 if row["prediction"] is None else row["prediction"]
