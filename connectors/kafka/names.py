"""Topics by name and by pattern."""

import re
from collections.abc import Iterable, Sequence

from .driver import Consumer, Gone, Partition

INTERNAL = "__"  # what names of Kafka's own topics begin with


def is_pattern(topic: str) -> bool:
    """Whether it is a regular expression: those begin with ``^``, as in librdkafka.

    >>> is_pattern("^orders-.*"), is_pattern("orders-eu")
    (True, False)
    """
    return topic.startswith("^")


def check_patterns(topics: Iterable[str]) -> None:
    """Raise `ValueError` for a pattern that is none."""
    for topic in filter(is_pattern, topics):
        try:
            re.compile(topic)
        except re.error as error:
            raise ValueError(f"topic = {topic!r} is no regular expression: {error}") from None


def matching(topics: Iterable[str], there: Iterable[str]) -> list[str]:
    """The names that *topics* stand for, of those that are *there* where they are patterns.

    Kafka's own topics match no pattern.

    >>> matching(["returns", "^orders-"], ["orders-us", "orders-eu", "visits", "__offsets"])
    ['returns', 'orders-eu', 'orders-us']
    >>> matching(["^.*"], ["__offsets"])
    []
    """
    there = sorted(name for name in there if not name.startswith(INTERNAL))
    names: dict[str, None] = {}  # in order, each once
    for topic in topics:
        found = [n for n in there if re.match(topic, n)] if is_pattern(topic) else [topic]
        names |= dict.fromkeys(found)
    return list(names)


def partitions_of(consumer: Consumer, topics: Sequence[str]) -> list[Partition]:
    """All that *topics*, names and patterns, have now.

    Raises `Gone` where a name does not exist, or nothing matches the patterns.
    """
    named = {topic for topic in topics if not is_pattern(topic)}
    there = consumer.topics() if len(named) < len(topics) else set()
    found: list[Partition] = []
    for name in matching(topics, there):
        try:
            found += consumer.partitions(name)
        except Gone:  # deleted between the two questions
            if name in named:
                raise
    if not found:
        raise Gone(
            f"no topic matches {' or '.join(topics)}, or this user may not see it; create one "
            "first, or correct the pattern"
        )
    return found
