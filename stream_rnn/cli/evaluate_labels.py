"""``stream-rnn evaluate --estimator labeler``: a file of sentences with a label for each token."""

from typing import Any

from connectors.base import SourceError
from connectors.files.source import FileSource
from connectors.lines.formats import format_of

from ..config import from_table
from ..errors import ConfigError, suggest
from ..evaluation.labels import LABEL, WORD, TokenLines, split
from .evaluate_config import Asked


def sentences(asked: Asked) -> tuple[Any, Any]:
    """The source and the pipeline: JSON records with tokens, or lines with a token each."""
    if asked.config is not None or asked.key is not None or asked.timestamp is not None:
        raise ConfigError(
            "--estimator labeler: takes no --config, --key or --timestamp; a file of sentences has "
            "one order and no fields but tokens and labels"
        )
    given = dict(asked.source)
    columns = given.pop("columns", None)
    form = given.pop("format", None) or form_of(asked.file)
    if form == "jsonl" and columns is None:
        if len(asked.targets) != 1:
            raise ConfigError("--target: name the field with the labels, a list beside 'tokens'")
        source: Any = FileSource(asked.file, format="jsonl")
        target = asked.targets[0]
    else:
        source, target = lines(asked, columns), "labels"
    table = {
        "source": {"type": "file", "path": asked.file},
        "sink": {"type": "stdout"},
        "features": {"target": target, "missing_target": "advance"},
        "estimator": {"type": "labeler"},
    }
    return source, from_table(table, list(asked.overrides))


def form_of(file: str) -> str:
    """The format that the name says, text for an unknown one."""
    try:
        return format_of(file)
    except SourceError:
        return "text"


def lines(asked: Asked, columns: list[str] | None) -> TokenLines:
    """A token a line; raises `ConfigError` unless it is clear which columns are meant."""
    label = asked.targets[0] if asked.targets else LABEL
    if columns is None:
        count = width(asked.file)
        if count != 2:
            raise ConfigError(
                f"{asked.file}: {count} columns in a line; name them, such as --columns "
                f"number,{WORD},{label}" + ",…" * (count > 3)
            )
        columns = [WORD, label]
    for name in (WORD, label):
        if name not in columns:
            raise ConfigError(f"--columns: none is called {name!r}; {suggest(name, columns)}")
    return TokenLines(FileSource(asked.file, format="text"), columns, label)


def width(file: str) -> int:
    """How many columns the first token of a file has; 0 without one."""
    source = FileSource(file, format="text")
    try:
        while not source.finished:
            for record in source.next_batch(100, 1.0):
                text = "" if record.value is None else record.value["text"]
                if text.strip() and not text.startswith("#"):
                    return len(split(text))
    finally:
        source.close()
    return 0
