"""Write docs/rows.md: what a line of the output holds, from stream_rnn/rows.py.

Run from the repository's root: ``python docs/rows.py``.  A test compares the two.
"""

from collections.abc import Sequence
from pathlib import Path

from stream_rnn.rows import FIELDS, LETTER, SERVICE, Field

PAGE = Path(__file__).with_suffix(".md")
HEAD = """\
# What a line of the output holds

A record has one result, or one dead letter. A result is a JSON object with the fields of its
estimator and those that the service adds; in CSV lists and objects are JSON inside a cell. NaN and
infinity are null. The names of classes are text: true is `"true"`, and where a number and a text
are spelled alike, the text is in quotes.
"""


def page() -> str:
    """The Markdown of rows.py."""
    parts = [HEAD]
    told: dict[tuple[Field, ...], list[str]] = {}
    for kind, fields in FIELDS.items():
        told.setdefault(fields, []).append(f"`{kind}`")
    parts += [table(" and ".join(kinds), fields) for fields, kinds in told.items()]
    parts.append(table("Added by the service", SERVICE))
    parts.append(table("A dead letter", LETTER))
    return "\n".join(parts)


def table(title: str, fields: Sequence[Field]) -> str:
    lines = [f"## {title}", "", "| field | value | |", "|---|---|---|"]
    lines += [f"| `{field.name}` | {field.values} | {field.meaning} |" for field in fields]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    PAGE.write_text(page())
