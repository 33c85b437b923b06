"""The log: one event a line, for people or as JSON; few of a kind; no values of the data.

What a record holds may be private and may hold what a terminal obeys.  An event that would name
values has them beside its message, as `values`, and they are written only if asked for; control
characters are escaped.
"""

import json
import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from ..errors import ConfigError

FORMATS = ("console", "json")
BURST, SECONDS = 20, 60.0  # so many lines of one message in so many seconds


_given: list[str] = []


def given() -> list[str]:
    """The options of the log as they were given, for processes that this one starts."""
    return list(_given)


class Few(logging.Filter):
    """Passes `BURST` events of a kind in `SECONDS`, and later says how many it kept.

    >>> few = Few(burst=1, seconds=60.0)
    >>> record = logging.makeLogRecord({"msg": "refused record %s"})
    >>> [few.passes(record, second) for second in (0.0, 1.0, 2.0, 61.0)], record.kept
    ([True, False, False, True], 2)
    """

    most_kinds = 1000

    def __init__(self, burst: int = BURST, seconds: float = SECONDS):
        super().__init__()
        self.burst, self.seconds = burst, seconds
        self._kinds: dict[tuple[str, int, str], list[float]] = {}  # since, passed, kept

    def filter(self, record: logging.LogRecord) -> bool:
        return self.passes(record, time.monotonic())

    def passes(self, record: logging.LogRecord, now: float) -> bool:
        """Whether a record is written at the time *now*; it is told how many were not."""
        kind = record.name, record.levelno, str(record.msg)
        if kind not in self._kinds and len(self._kinds) >= self.most_kinds:
            self._kinds.clear()
        state = self._kinds.setdefault(kind, [now, 0, 0])
        if now - state[0] >= self.seconds:
            record.kept = int(state[2])
            state[:] = [now, 0, 0]
        state[1] += 1
        state[2] += state[1] > self.burst
        return state[1] <= self.burst


class Console(logging.Formatter):
    """Time, level, message.

    >>> fields = {"msg": "a\\x1b[2J\\nb", "levelname": "INFO", "created": 0.0}
    >>> record = logging.makeLogRecord(fields)
    >>> Console().format(record)
    '1970-01-01T00:00:00.000Z INFO a\\\\x1b[2J\\\\nb'
    """

    def __init__(self, with_values: bool = False):
        super().__init__()
        self.with_values = with_values

    def format(self, record: logging.LogRecord) -> str:
        """A record as a person reads it."""
        fields = event(record, self.with_values)
        text = f"{fields['time']} {fields['level']} {fields['message']}"
        if "values" in fields:
            text += f": {fields['values']}"
        if "kept" in fields:
            text += f" (and {fields['kept']} more like it)"
        text = escaped(text)
        return f"{text}\n{fields['traceback']}" if "traceback" in fields else text


class Json(Console):
    """One JSON object a line.

    >>> record = logging.makeLogRecord({"msg": "up", "levelname": "INFO", "name": "stream_rnn"})
    >>> sorted(json.loads(Json().format(record)))
    ['level', 'logger', 'message', 'time']
    """

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(event(record, self.with_values), default=str)


def event(record: logging.LogRecord, with_values: bool) -> dict[str, Any]:
    """The fields of a line."""
    moment = datetime.fromtimestamp(record.created, UTC)
    fields: dict[str, Any] = {
        "time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": record.levelname,
        "logger": record.name,
        "message": record.getMessage(),
    }
    if with_values and hasattr(record, "values"):
        fields["values"] = str(record.values)
    if kept := getattr(record, "kept", 0):
        fields["kept"] = kept
    if record.exc_info:
        fields["traceback"] = logging.Formatter().formatException(record.exc_info)
    return fields


def escaped(text: str) -> str:
    """Control characters as Python writes them; all else as it is."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def set_up(level: int, form: str, with_values: bool) -> None:
    """Let the root logger write to standard error; raises `ConfigError`."""
    if form not in FORMATS:
        raise ConfigError(f"--log-format {form}: choose one of {', '.join(FORMATS)}")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter((Json if form == "json" else Console)(with_values))
    handler.addFilter(Few())
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    _given[:] = ["--log-format", form, *(["--log-values"] if with_values else [])]
    _given.extend({logging.DEBUG: ["--debug"], logging.WARNING: ["--quiet"]}.get(level, []))
    for name in ("stream_rnn", "connectors"):
        logging.getLogger(name).setLevel(level)


@contextmanager
def warnings_only(name: str) -> Iterator[None]:
    """Within it, what *name* has to say is logged from a warning on."""
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(before)
