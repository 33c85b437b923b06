"""Pipelines that the fault tests disturb, and the messages each of them reads."""

import json
import random
from collections.abc import Callable
from typing import NamedTuple

from kafka_service import as_messages, river_rows
from syslog_lines import syslog_day

SMALL = """
type = "regressor"
cell = {type = "LSTM", units = 6}
learner = {type = "RTRL"}
optimizer = [{type = "Clip", limit = 1.0}, {type = "Adam", lr = 0.002}]
seed = 7
"""
EXPERTS = '{type = "Ewma", rate = 1.0}, {type = "HoltWinters"}, {type = "Lstm", units = 3}'


def rows_from(first: int, count: int) -> list[dict]:
    return river_rows(first + count)[first:]


def polls(count: int, first: int = 0) -> list[bytes]:
    """*count* records of the data set, from the *first* on."""
    return as_messages(rows_from(first, count))


def polls_of_places(count: int, first: int = 0) -> list[bytes]:
    """The same of many places, few of which are in memory."""
    rows = enumerate(rows_from(first, count))
    return as_messages([{**row, "place": place_of(n).decode()} for n, row in rows])


def place_of(n: int) -> bytes:
    """The key of the n-th message about many places."""
    return b"place %d" % (n * n % 101)


def polls_and_deletions(count: int, first: int = 0) -> list[bytes | None]:
    """Many places, some of which are deleted now and then."""
    rng = random.Random(count)
    kept = polls_of_places(count, first)
    return [None if rng.random() < 0.1 else message for message in kept]


def records_and_labels(count: int, first: int = 0) -> list[bytes]:
    """Half of them records, the other half their labels, each up to fifty messages later."""
    rng, sent = random.Random(count), []
    for n, row in enumerate(rows_from(first, count // 2)):
        record = {"id": n, **row}
        label = {"id": n, "approval": record.pop("approval")}
        sent += [(2 * n, record), (2 * n + 1 + rng.uniform(0, 50), label)]
    return as_messages([row for _, row in sorted(sent, key=lambda one: one[0])])


def lines(count: int, first: int = 0) -> list[bytes]:
    """Syslog."""
    day, _ = syslog_day(count, planted=3, seed=first)
    return [json.dumps({"text": line, "ordinal_date": n}).encode() for n, line in enumerate(day)]


class Kind(NamedTuple):
    """What a pipeline has beside its topics and its checkpoints."""

    estimator: str = SMALL
    head: str = ""  # settings of the whole
    features: str = 'target = "approval"'
    source: str = ""  # further settings of it
    messages: Callable[[int, int], list] = polls
    key_of: Callable[[int], bytes] | None = None  # the message key of the n-th

    @property
    def keyed(self) -> bool:
        return self.head.startswith("key")


KEY = 'key = "place"\nmax_contexts = 9\n'
KINDS = {
    "regressor": Kind(),
    "default": Kind('type = "regressor"'),
    "weights": Kind(head=KEY, messages=polls_of_places),
    "nothing": Kind(head=KEY + 'share = "nothing"', messages=polls_of_places),
    "deletions": Kind(
        head=KEY, source='tombstones = "forget"', messages=polls_and_deletions, key_of=place_of
    ),
    "late": Kind(head='labels = {key = "id"}', messages=records_and_labels),
    "forecaster": Kind(f'type = "forecaster"\nexperts = [{EXPERTS}]'),
    "text": Kind('type = "text"\npreset = "contexts"', features="", messages=lines),
}
