"""Which estimator and features suit the fields of a file, and why."""

import re
from collections.abc import Sequence
from itertools import chain, pairwise
from statistics import fmean
from typing import Any, NamedTuple

from connectors import times
from connectors.missing import MARKERS

from ..errors import ConfigError
from ..features.paths import JOINT, parts
from .look import Field, Look

SERIES = (
    0.5  # error of the last value, as a share of that of the mean, of a target that moves slowly
)
LAGS = 2  # past targets that are then inputs
TELLS = 20  # records from which on it tells that each has a text of its own
LARGE = 100 << 20  # bytes of a file from which on a mixture takes too long to wait for


class Choice(NamedTuple):
    """Tables of a configuration, and the reasons in words."""

    features: dict[str, Any]
    estimator: dict[str, Any]
    said: str


#: Estimators that read texts themselves.
READERS = ("text", "text-classifier", "transducer")


def choose(
    seen: Look,
    targets: Sequence[str],
    exclude: Sequence[str] = (),
    timestamp: str | None = None,
    key: str | None = None,
    estimator: str | None = None,
    settings: Sequence[str] = (),
) -> Choice:
    """Tables for *seen*; *estimator* and *timestamp* where they are given, else what suits.

    *settings* are named beside, such as ``features.lags``.
    """
    lagged = any(name.startswith("features.") for name in settings)
    roles = _roles(seen, targets, exclude, timestamp, key, estimator)
    reasons, inputs, told = roles.reasons, roles.inputs, roles.told
    if estimator is None:
        fields = [seen.fields[t] for t in targets if t in seen.fields]
        estimator, why = _called_for(fields, targets, inputs, lagged)
        estimator, why = _mixed(estimator, why, _not_mixed(seen, key, settings))
    else:
        why = "as you say"
    if told and estimator not in READERS:
        how = "what each value has meant for the target" if targets else "how rare each value is"
        reasons = [f"{', '.join(told)} as {how}", *reasons]
    if estimator == "multivariate" and not targets:
        targets, inputs = [name for name in inputs if name not in told], []
        why = f"{', '.join(targets)} are forecast together"
    features, odd = _features(seen, roles, targets, exclude, estimator)
    model: dict[str, Any] = {"type": estimator}
    slow = [t for t in targets[:1] if t in seen.fields and slowness(seen.fields[t]) < SERIES]
    if estimator == "regressor" and slow and not lagged and key is None:
        model["target_lags"] = LAGS
        why += f", and its last {LAGS} values are inputs, for it moves slowly"
    return Choice(features, model, "; ".join([f"{estimator}: {why}", *reasons, *odd]))


class _Roles(NamedTuple):
    """What the fields that are not named are for, and why."""

    timestamp: str | None
    told: list[str]  # text that tells something
    left_out: list[str]
    inputs: list[str]
    reasons: list[str]


def _roles(
    seen: Look,
    targets: Sequence[str],
    exclude: Sequence[str],
    timestamp: str | None,
    key: str | None,
    estimator: str | None,
) -> _Roles:
    """The parts that the fields of *seen* play."""
    taken = {*targets, *exclude, *parts(timestamp), key}
    free = {
        name: field
        for name, field in seen.fields.items()
        if name not in taken and not any(name.startswith(f"{outer}.") for outer in exclude)
    }
    reasons: list[str] = []
    clocks = [n for n, field in free.items() if field.kind == "time" or _ticks(n, field)]
    if timestamp is None and clocks and key is None:
        timestamp = _with_clock(clocks[0], free)
        reasons.append(f"{timestamp} is the time")
        free = {name: field for name, field in free.items() if name not in parts(timestamp)}
    told, left_out = _texts(seen, free, targets, timestamp, estimator)
    counts = [name for name, field in free.items() if field.is_count]
    inputs = [n for n in free if n not in (*left_out, *counts, timestamp)]
    if left_out:
        reasons.append(f"text columns left out: {', '.join(left_out)}")
    if counts:
        reasons.append(f"{', '.join(counts)} counts the records and is left out")
    if seen.lists:
        reasons.append(f"lists left out: {', '.join(seen.lists)}")
    return _Roles(timestamp, told, [*left_out, *counts], inputs, reasons)


def _features(
    seen: Look, roles: _Roles, targets: Sequence[str], exclude: Sequence[str], estimator: str
) -> tuple[dict[str, Any], list[str]]:
    """The table of the features, and what is told of missing values."""
    features: dict[str, Any] = {"exclude": [*exclude, *roles.left_out]}
    odd = {n: words for n in (*roles.inputs, *targets) if (words := seen.odd(n))}
    if odd:
        features["missing"] = [*MARKERS, *dict.fromkeys(chain.from_iterable(odd.values()))]
    mixed = [n for n in roles.told if not all(isinstance(v, str) for v in seen.fields[n].known)]
    if mixed and estimator not in READERS:
        way = "indicators" if estimator.startswith("sequence") else "statistics"
        features["categorical"] = dict.fromkeys(mixed, way)
    if targets:
        features["missing_target"] = "advance"
        several = len(targets) > 1 or estimator in ("multivariate", "multitarget")
        features["target"] = list(targets) if several else targets[0]
    if roles.timestamp is not None:
        features["timestamp"] = roles.timestamp
    return features, [f"{', '.join(map(repr, ws))} in {n} is missing" for n, ws in odd.items()]


def _called_for(
    fields: Sequence[Field], targets: Sequence[str], inputs: Sequence[str], lagged: bool
) -> tuple[str, str]:
    """The estimator for the target *fields*, and the reason."""
    if not targets:
        return "anomaly", "there is no target"
    if len(targets) > 1:
        return "multitarget", "there are several targets"
    target, known = targets[0], fields[0].known if fields else []
    kind = fields[0].kind if fields else "number"
    if kind in ("text", "time") and fields[0].is_identifier and len(known) >= TELLS:
        raise ConfigError(
            f"--target {target}: nearly every record has a text of its own, such as {known[0]!r}, "
            "of which no class can be learned; if these are numbers, say how they are written "
            "(--decimal, --thousands, --missing, --set 'source.units=[…]'), or choose with "
            "--estimator classifier all the same"
        )
    if kind in ("boolean", "text", "time"):
        return "classifier", f"{target} is {'true or false' if kind == 'boolean' else 'text'}"
    if set(known) in ({0, 1}, {1, 2}, {-1, 1}):
        return "classifier", f"{target} is {min(known):g} or {max(known):g}"
    if fields and fields[0].is_code:
        return "classifier", f"{target} has digits that are names, as 007 beside 7"
    if inputs or lagged:
        some = ", ".join(inputs[:3]) + (", …" if len(inputs) > 3 else "")
        return "regressor", f"{target} is a number" + (f" beside {some}" if inputs else "")
    return "forecaster", f"{target} is a number with nothing but its past"


def _mixed(estimator: str, why: str, forbids: str | None) -> tuple[str, str]:
    """The mixture of unlike models in place of one network, unless something *forbids* it."""
    if estimator not in ("regressor", "classifier"):
        return estimator, why
    if forbids is None:
        return f"stream-{estimator}", why
    return estimator, f"{why}; no stream-{estimator}, for {forbids}"


def _not_mixed(seen: Look, key: str | None, settings: Sequence[str]) -> str | None:
    """Why there can be no mixture."""
    if key is not None:
        return "each key has a context of its own"
    if any(name.startswith("estimator.") for name in settings):
        return "settings of the network are given"
    if seen.bytes > LARGE:
        return "the file is large, and a record costs about ten times as much"
    return None


def _texts(
    seen: Look,
    free: dict[str, Field],
    targets: Sequence[str],
    timestamp: str | None,
    estimator: str | None,
) -> tuple[list[str], list[str]]:
    """The fields of text, and of digits that are names, that tell something; and the others."""
    texts = [n for n, field in free.items() if field.kind == "text" and n != timestamp]
    told = _useful(texts, seen, targets, estimator)
    left_out = [name for name in texts if name not in told]
    left_out += [n for n, field in free.items() if field.kind == "time" and n != timestamp]
    for name, field in free.items():
        if field.kind == "number" and field.is_code:
            (left_out if field.is_identifier else told).append(name)
    return told, left_out


def _useful(
    texts: Sequence[str], seen: Look, targets: Sequence[str], estimator: str | None
) -> list[str]:
    """Which text columns tell something: not all the same, nor another in each record."""
    if estimator == "text":
        return [name for name in texts if name == "text"]
    if estimator in ("text-classifier", "transducer"):
        return list(texts)
    if estimator == "anomaly" or (estimator is None and not targets):
        return [name for name in texts if not seen.fields[name].is_identifier]
    if not targets:
        return []
    return [
        name
        for name in texts
        if len(set(seen.fields[name].known)) > 1 and not seen.fields[name].is_identifier
    ]


def _with_clock(day: str, free: dict[str, Field]) -> str:
    """The *day* with the one other field that is a time of day, if it has none itself."""
    if any(_TIME_OF_DAY.search(str(value)) for value in free[day].raw):
        return day
    clocks = [name for name, field in free.items() if name != day and field.is_time_of_day]
    return f"{day}{JOINT}{clocks[0]}" if len(clocks) == 1 else day


_TIME_OF_DAY = re.compile(r"\d:(?!00:00|00$)\d\d|[1-9]:\d\d|1\d:\d\d")  # but midnight
_CLOCK = re.compile(r"(.*[^a-z])?(time|date|timestamp|datetime|ts|epoch|at)", re.IGNORECASE)


def _ticks(name: str, field: Field) -> bool:
    """Whether numbers are times: by the name, and because they are of plausible years, in order.

    >>> _ticks("time", Field([1.7e12, 1.7000036e12], [])), _ticks("time", Field([1, 2], []))
    (True, False)
    """
    known = field.known
    if field.kind != "number" or not _CLOCK.fullmatch(name) or not known or known[0] < 1e8:
        return False
    if any(isinstance(value, str) or b < a for (a, b), value in zip(pairwise(known), known)):
        return False
    try:
        years = [times.read(value).year for value in (known[0], known[-1])]
    except times.NotATime:
        return False
    return years[0] >= 1980 and years[1] < 2100


def slowness(field: Field) -> float:
    """Mean error of the last value, as a share of that of the mean.

    >>> slowness(Field([1.0, 1.1, 1.2, 5.0, 5.1, 5.2], [])) < 0.5
    True
    """
    known = [value for value in field.known if isinstance(value, int | float)]
    if len(known) < 3:
        return 1.0
    mean = fmean(known)
    spread = fmean(abs(value - mean) for value in known)
    steps = fmean(abs(b - a) for a, b in pairwise(known))
    return steps / spread if spread else 1.0
