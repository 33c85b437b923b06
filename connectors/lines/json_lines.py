"""JSON Lines: one object a line (https://jsonlines.org)."""

from typing import Any

import msgspec

from ..base import Record, good_records
from ..json_records import FLOAT64_DIGITS, MAX_DEPTH, BadJson, beyond_limits, with_nan
from .headless import BOM, Headless

_decode = msgspec.json.Decoder(dict[str, Any]).decode


def decode_object(raw: bytes) -> tuple[dict[str, Any] | None, str | None]:
    """The JSON object in *raw*, or None and why it is not one.

    >>> decode_object(b'{"x": 1}')
    ({'x': 1}, None)
    >>> decode_object(b'[1]')
    (None, 'not a JSON object: Expected `object`, got `array`')
    """
    try:
        value = _decode(raw)
    except UnicodeDecodeError as error:
        return None, f"not UTF-8: {error.reason} at byte {error.start}"
    except msgspec.ValidationError as error:
        return None, f"not a JSON object: {error}"
    except msgspec.DecodeError as error:
        try:
            value = with_nan(raw, str(error))
        except BadJson as bad:
            return None, str(bad)
        if not isinstance(value, dict):
            return None, "not a JSON object"
    except RecursionError:
        return None, f"nested deeper than the {MAX_DEPTH} levels allowed"
    except ValueError as error:  # a number Python will not convert
        return None, f"not a JSON object: {error}"
    problem = beyond_limits(raw, value)
    return (value, None) if problem is None else (None, problem)


class JsonLines(Headless):
    """Decodes JSON Lines; blank lines are skipped.

    >>> records, used = JsonLines().decode([b'{"y": 2}', b"", b"{"], 10, True, "f", 0)
    >>> records[0].value, records[1].error, used
    ({'y': 2}, 'Input data was truncated', 3)
    """

    def decode(
        self, lines: list[bytes], limit: int, final: bool, partition: str, offset: int
    ) -> tuple[list[Record], int]:
        """At most *limit* records of *lines*; see `connectors.lines.formats.LineFormat`."""
        lines = lines[:limit]
        try:
            values = list(map(_decode, lines))
        except (ValueError, RecursionError):  # DecodeError is a ValueError
            return _one_by_one(lines, partition, offset), len(lines)
        if not _are_flat(lines) and any(map(beyond_limits, lines, values)):
            return _one_by_one(lines, partition, offset), len(lines)
        return good_records(values, lines, partition, offset), len(lines)


def _are_flat(lines: list[bytes]) -> bool:
    """Whether nothing is nested, and no line long enough for a number beyond float64."""
    joined = b"".join(lines)
    brackets = joined.count(b"{") + joined.count(b"[")
    return brackets <= len(lines) and max(map(len, lines), default=0) <= FLOAT64_DIGITS


def _one_by_one(lines: list[bytes], partition: str, offset: int) -> list[Record]:
    records: list[Record] = []
    for line in lines:
        if line.strip():
            value, error = decode_object(line.removeprefix(BOM))
            if error is not None and (bare := _bare(line)) is not None:
                value, error = decode_object(bare)
            records.append(Record(value, line, error, partition, offset + len(records)))
    return records


def _bare(line: bytes) -> bytes | None:
    """The object alone, of a line as within an array or a JSON text sequence (RFC 7464).

    >>> _bare(b'\x1e{"u": 1}'), _bare(b'{"u": 1},'), _bare(b'{"u"')
    (b'{"u": 1}', b'{"u": 1}', None)
    """
    bare = line.strip().removeprefix(b"\x1e").removesuffix(b",")
    return bare if bare[:1] == b"{" and bare[-1:] == b"}" and bare != line.strip() else None
