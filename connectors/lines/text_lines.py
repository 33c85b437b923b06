"""Plain text: every line is a record ``{"text": line}``."""

from ..base import Record
from .headless import BOM, Headless


class TextLines(Headless):
    r"""Decodes UTF-8 text; empty lines are records too, a final carriage return is dropped.

    >>> records, used = TextLines().decode([b"to be\r", b"", b"\xff"], 10, True, "f", 0)
    >>> [record.value for record in records], records[2].error
    ([{'text': 'to be'}, {'text': ''}, None], 'not UTF-8: invalid start byte at byte 0')
    """

    def decode(
        self, lines: list[bytes], limit: int, final: bool, partition: str, offset: int
    ) -> tuple[list[Record], int]:
        """At most *limit* records of *lines*; see `connectors.lines.formats.LineFormat`."""
        lines = lines[:limit]
        records = [_record(line, partition, number) for number, line in enumerate(lines, offset)]
        return records, len(lines)


def _record(line: bytes, partition: str, offset: int) -> Record:
    text = line.removeprefix(BOM).removesuffix(b"\r")
    try:
        return Record({"text": text.decode()}, line, None, partition, offset)
    except UnicodeDecodeError as error:
        reason = f"not UTF-8: {error.reason} at byte {error.start}"
        return Record(None, line, reason, partition, offset)
