"""Write docs/configuration.md: every table and field of a pipeline, from config/schema.py.

Run from the repository's root: ``python docs/configuration.py``.  A test compares the two.
"""

import ast
from pathlib import Path

SCHEMA = Path(__file__).parents[1] / "stream_rnn" / "config" / "schema.py"
PAGE = Path(__file__).with_suffix(".md")
HEAD = """\
# The configuration of a pipeline

A TOML file for `stream-rnn run`; any field can be given on the command line too, as
`--set source.follow=true`. A field that is not listed here is refused, and so is a value of another
type. `stream-rnn run pipeline.toml --check` only checks: the configuration, a sample of the records
where they are in files, and that nothing reads what it writes. deploy/examples has files to start
from.

A variable of the environment sets a field too: `STREAM_RNN__SOURCE__PATH=other.csv` is
`--set source.path=other.csv`. The command line comes after the environment, the environment after
the file. `${NAME}` inside a value is not filled in, and refused.

The tables `source`, `sink` and `dead_letter` take one of several forms, which `type` picks.
`estimator` holds the estimator's `type` and its arguments, by the names that the Python classes
give them: `estimator = {type = "regressor", cell = {type = "LSTM", units = 16}, seed = 7}`. `drift`
holds a `detector`, the arguments of that detector, and `on_drift`, the reaction.
"""
TYPES = {
    "Positive": "a whole number above 0",
    "Natural": "a whole number, 0 or more",
    "Seconds": 'seconds, above 0, or such as "30s", "10m"',
    "Ratio": "from 0 to 1",
    "Port": "a port",
    "Format": '"jsonl", "csv" or "text"',
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "list[str]": "a list of texts",
    "list[float]": "a list of numbers",
    "dict[str, list[Positive]]": "lists of whole numbers, by field",
    "dict[str, Any]": "a table",
}


def page() -> str:
    """The Markdown of schema.py."""
    text = SCHEMA.read_text()
    lines = text.splitlines()
    classes = {node.name: node for node in ast.parse(text).body if isinstance(node, ast.ClassDef)}
    parts = [HEAD]
    order = ["Config", *(name for name in classes if name not in ("_Table", "Config"))]
    for name in order:
        node = classes[name]
        rows = [row(field, lines) for field in node.body if isinstance(field, ast.AnnAssign)]
        parts.append(f"## {title(node)}\n\n{ast.get_docstring(node)}\n".replace("``", "`"))
        if rows:
            parts.append(
                "\n".join(["| field | value | default | |", "|---|---|---|---|", *rows, ""])
            )
    return "\n".join(parts)


def title(node: ast.ClassDef) -> str:
    """How a configuration calls the table."""
    tags = [
        k.value.value for k in node.keywords if k.arg == "tag" and isinstance(k.value, ast.Constant)
    ]
    if node.name == "Config":
        return "The whole"
    if node.name == "KafkaConnection":
        return "Of every Kafka source and sink"
    if node.name == "RegistryConnection":
        return "Of every format with a schema registry"
    if node.name == "_Dialect":
        return "Of CSV, in `source` of type file or stdin"
    for ending, place in (
        ("Source", "source"),
        ("Sink", "sink"),
        ("Format", "source.format"),
        ("Results", "sink.format"),
    ):
        if tags and node.name.endswith(ending):
            return f'`{place} = {{type = "{tags[0]}"}}`'
    return f"`[{node.name.lower()}]`"


def row(field: ast.AnnAssign, lines: list[str]) -> str:
    """A line of the table; the comment beside the field says what it is for."""
    name, kind = ast.unparse(field.target), ast.unparse(field.annotation)
    line = lines[(field.end_lineno or field.lineno) - 1]
    comment = line.partition("  # ")[2]
    cells = [f"`{name}`", values(kind), default(field), comment]
    return "| " + " | ".join(cells) + " |"


def values(kind: str) -> str:
    """A type as words."""
    found = []
    for part in kind.split(" | "):
        if part == "None":
            continue
        if part.startswith("Literal["):
            texts = [repr(v).replace("'", '"') for v in ast.literal_eval(f"[{part[8:-1]}]")]
            found.append(" or ".join(texts))
        elif part.endswith(("Source", "Sink", "Format", "Results")) and part not in TYPES:
            found.append("a table, see below")
        else:
            found.append(TYPES.get(part, "a table, see below"))
    return ", or ".join(dict.fromkeys(found))


def default(field: ast.AnnAssign) -> str:
    if field.value is None:
        return "must be given"
    text = ast.unparse(field.value)
    if text == "None" or text.startswith("field("):
        return ""
    if isinstance(field.value, ast.BinOp):  # 1 << 20
        left, right = (ast.literal_eval(side) for side in (field.value.left, field.value.right))
        text = str(left << right)
    return "`" + text.replace("'", '"').replace("True", "true").replace("False", "false") + "`"


if __name__ == "__main__":
    PAGE.write_text(page())
