"""The table ``labels``: what it needs, and what does not go together with it."""

import re
from typing import Any

import msgspec

from ..errors import ConfigError
from ..service.late.join import Join
from . import schema

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
ESTIMATORS = (
    *("regressor", "classifier", "multitarget"),
    *("sequence-regressor", "sequence-classifier", "stream-regressor", "stream-classifier"),
)


def duration(value: float | str | None, field: str = "labels.within") -> float | None:
    """Seconds, of the value of *field*; raises `ConfigError`.

    >>> duration("10m"), duration(90), duration("1.5h")
    (600.0, 90.0, 5400.0)
    """
    if value is None:
        return None
    if isinstance(value, str):
        match = re.fullmatch(r"(\d+(?:\.\d*)?) *([smhd])", value.strip())
        seconds = float(match[1]) * UNITS[match[2]] if match else 0.0
    else:
        seconds = float(value)
    if not 0 < seconds < float("inf"):
        raise ConfigError(
            f"{field} = {value!r}: give seconds above 0, or a time such as '30s', '10m', "
            "'12h', '7d'"
        )
    return seconds


def join(labels: schema.Labels) -> Join:
    """How labels find their records."""
    return Join(labels.key, duration(labels.within), labels.time, labels.max_pending)


def identity(labels: schema.Labels | None) -> Any:
    """What must stay as it is for a checkpoint to be continued."""
    if labels is None:
        return None
    return {"key": labels.key, "topic": labels.topic, "source": msgspec.to_builtins(labels.source)}


def check(config: schema.Config, labels: schema.Labels, targets: list[str]) -> None:
    """Raise `ConfigError` for what does not go together."""
    duration(labels.within)
    kind = config.estimator.get("type", "regressor")
    if not targets:
        raise ConfigError("labels needs features.target: the field of a label that is learned")
    if labels.key in targets:
        raise ConfigError(f"labels.key = {labels.key!r} is the target; name the field of the id")
    if labels.key in (config.features.include or ()):
        raise ConfigError(
            f"features.include holds labels.key = {labels.key!r}, which only joins records; "
            "leave it out there"
        )
    if config.key is not None:
        raise ConfigError("labels cannot be used together with key; leave one of them out")
    if kind not in ESTIMATORS:
        raise ConfigError(
            f"estimator.type = {kind!r} cannot learn later than it predicts; with labels use "
            f"one of {', '.join(ESTIMATORS)}"
        )
    if config.sequence is not None and config.sequence.gap is not None:
        raise ConfigError(
            "sequence.gap: does not go together with labels, for a sequence's label is that of the "
            "record that ends it; say sequence.end or sequence.length"
        )
    if config.estimator.get("target_lags"):
        raise ConfigError(
            "estimator.target_lags: with labels the last targets are not known when a record is "
            "predicted; leave it out"
        )
    for name in targets:
        if name in config.features.lags:
            raise ConfigError(
                f"features.lags.{name}: with labels the last targets are not known when a "
                "record is predicted; leave it out"
            )
    _check_source(config, labels)


def _check_source(config: schema.Config, labels: schema.Labels) -> None:
    kafka = isinstance(config.source, schema.KafkaSource)
    if labels.topic is not None and labels.source is not None:
        raise ConfigError("labels.topic and labels.source: give one of them")
    if labels.source is not None and isinstance(config.source, schema.HttpSource):
        raise ConfigError("labels.source: post the labels to /learn too, among the records")
    if labels.source is not None and isinstance(config.source, schema.StdinSource):
        raise ConfigError(
            "labels.source: standard input cannot be read twice, so that a run could not go on "
            "where it ended; write the labels to it too, or read the records from a file"
        )
    if labels.topic is not None and not isinstance(config.source, schema.KafkaSource):
        raise ConfigError("labels.topic is for a Kafka source; give labels.source instead")
    if isinstance(config.source, schema.KafkaSource) and labels.topic in (
        [config.source.topic] if isinstance(config.source.topic, str) else config.source.topic
    ):
        raise ConfigError(
            "labels.topic is the source's own topic; leave it out: labels are then the records "
            "whose target is not null"
        )
    if labels.within is not None and labels.time is None and (not kafka or labels.source):
        raise ConfigError(
            "labels.within needs labels.time: name the field that holds the time, in records "
            "and in labels, for a file does not say when its records came"
        )
