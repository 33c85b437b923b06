"""Results as Avro: what fits a type, the schema that is made, a registry's part, a file of them."""

import contextlib
import io
import json
import math
import struct

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st
from registry_server import FIRST, Server

from connectors.avro.encoders import avro_rows
from connectors.avro.fields import fit
from connectors.avro.rows import AvroRows
from connectors.base import Denied, SinkError, Unreachable, Unwritable
from connectors.files.avro_sink import AvroSink
from connectors.json_rows import encode_lines
from connectors.registry.client import BadSchema
from stream_rnn.assembly.check import check
from stream_rnn.assembly.results import ANY, TYPES, result_schema
from stream_rnn.assembly.service import service
from stream_rnn.config import parse
from stream_rnn.errors import ConfigError
from stream_rnn.rows import FIELDS, SERVICE


def record(*fields, name="Result"):
    return {
        "type": "record",
        "name": name,
        "fields": [{"name": field, "type": kind} for field, kind in fields],
    }


def optional(*fields):
    schema = record(*((name, ["null", *kinds]) for name, kinds in fields))
    for field in schema["fields"]:
        field["default"] = None
    return schema


def back(schema, value):
    """What a reader of the registry's wire format gets, or of bare records."""
    stream = io.BytesIO(value)
    return fastavro.schemaless_reader(stream, fastavro.parse_schema(schema), None)


# -- what fits ---------------------------------------------------------------------------

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
)
VALUES = SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(st.text(max_size=3), SCALARS)


@given(VALUES)
def test_any_flat_value_comes_back_as_it_was(value):
    [raw] = AvroRows(optional(("x", ANY)))([{"x": value}], [0], 1000)
    found = back(optional(("x", ANY)), raw)["x"]
    assert found == value
    assert type(found) is type(value)


@given(st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=2), max_leaves=5))
def test_what_nests_deeper_is_json(value):
    value = [[value]]
    [raw] = AvroRows(optional(("x", ANY)))([{"x": value}], [0], 10_000)
    assert json.loads(back(optional(("x", ANY)), raw)["x"]) == value


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("boolean", 1),
        ("int", 2**31),
        ("long", 2**63),
        ("long", 1.0),
        ("long", True),
        ("double", "1.5"),
        ("double", math.nan),
        ("double", 2**53 + 1),
        ("float", 1e300),
        ("string", 7),
        ("string", None),
        ("null", 0),
        ({"type": "enum", "name": "E", "symbols": ["A"]}, "B"),
        ({"type": "array", "items": "long"}, [1, "x"]),
        ({"type": "map", "values": "long"}, [1]),
        (record(("a", "long"), name="In"), {"a": 1, "b": 2}),
        (["null", "long"], "x"),
    ],
)
def test_nothing_is_bent_to_fit(kind, value):
    with pytest.raises(ValueError, match=r"not |no branch"):
        fit(kind, {})(value)
    with pytest.raises(Unwritable, match=r"row 0: x: ") as caught:
        AvroRows(record(("x", kind)))([{"x": value}], [0], 1000)
    assert list(caught.value.problems) == [0]


@pytest.mark.parametrize(
    "kind",
    [
        {"type": "long", "logicalType": "timestamp-millis"},
        {"type": "fixed", "name": "F", "size": 2},
    ],
)
def test_types_that_are_never_written(kind):
    with pytest.raises(BadSchema, match="is not written"):
        AvroRows(record(("x", kind)))


def test_rows_that_do_not_fit_are_named_and_nothing_else_is():
    rows = AvroRows(optional(("x", ["double"]), ("meta_site", ["string"])))
    good = {"x": 1.5, "meta.site": "a"}
    bad = [
        {"x": "?"},
        {"y": 1},
        {"meta.site": "a", "meta_site": "b"},
        {"x": 1, "meta.site": "\ud800"},
    ]
    with pytest.raises(Unwritable) as caught:
        rows([good, *bad, good], [0] * 6, 1000)
    assert caught.value.problems == {
        1: "x: text, which no branch of the union takes",
        2: "its field 'y' is not in the schema",
        3: "two of its fields are 'meta_site' in Avro",
        4: "it cannot be written as Avro: 'utf-8' codec can't encode character '\\ud800' in "
        "position 0: surrogates not allowed",
    }
    with pytest.raises(Unwritable, match="row 1: 29 bytes, more than the 28"):
        rows([{"x": 1}, good], [1, 17], 28)
    assert back(rows.schema, rows([good], [0], 30)[0]) == {"x": 1.5, "meta_site": "a"}


def test_a_given_schema_selects_fields_and_has_defaults():
    schema = record(("prediction", "double"), ("model", "string"))
    schema["fields"][1]["default"] = "m1"
    rows = AvroRows(schema, selects=True)
    row = {"prediction": 1, "target": 2.0, "offset": 9}
    assert back(schema, rows([row], [0], 100)[0]) == {"prediction": 1.0, "model": "m1"}
    with pytest.raises(Unwritable, match="field 'prediction' is not in the result"):
        rows([{"target": 1.0}], [0], 100)


# -- the schema that is made -------------------------------------------------------------


def config(more="", copy="[]", kind="regressor", results=""):
    return parse(
        f'source = {{type = "kafka", bootstrap = "b", topic = "t"}}\n'
        f'sink = {{type = "kafka", bootstrap = "b", topic = "o"{results}}}\n'
        f'checkpoint.url = "c"\nestimator.type = "{kind}"\nfeatures.target = "y"\n'
        f"run.copy = {copy}\n{more}"
    )


def test_every_kind_of_field_has_a_type():
    told = {field.values for fields in FIELDS.values() for field in fields}
    assert told | {field.values for field in SERVICE} == set(TYPES)


@pytest.mark.parametrize("kind", FIELDS)
def test_it_has_what_the_estimator_yields_and_the_service_adds(kind):
    schema = result_schema(config(kind=kind, copy='["site", "meta.id"]', more="lookahead = 2"))
    names = [field["name"] for field in schema["fields"]]
    own = [field.name for field in FIELDS[kind]]
    assert names == [*own, "target", "lookahead", "partition", "offset", "site", "meta_id"]
    assert all(f["type"][0] == "null" and f["default"] is None for f in schema["fields"])
    fastavro.parse_schema(schema)
    AvroRows(schema)


def test_two_versions_of_it_read_each_other():
    old, new = (result_schema(config(copy=copy)) for copy in ('["a"]', '["b", "c"]'))
    row = {"prediction": 1.5, "target": 2.0, "partition": "t-0", "offset": 3, "a": "x"}
    [raw] = AvroRows(old)([row], [0], 1000)
    parsed = [fastavro.parse_schema(schema) for schema in (old, new)]
    found = fastavro.schemaless_reader(io.BytesIO(raw), *parsed)
    assert found == {**{n: row[n] for n in row if n != "a"}, "b": None, "c": None}


def test_names_that_meet_and_estimators_that_nobody_listed():
    with pytest.raises(ConfigError, match=r"run\.copy: 'a_b' would be 'a_b' in Avro"):
        result_schema(config(copy='["a.b", "a_b"]'))
    with pytest.raises(ConfigError, match=r"sink\.format: .*'mine'.*sink\.format\.schema"):
        result_schema(config(kind="mine"))


def test_a_check_names_them_before_a_run(tmp_path):
    avro = ', format = {type = "avro", registry = "http://127.0.0.1:9"}'
    assert check(config(results=avro)) == []  # and asks no registry
    with pytest.raises(ConfigError, match=r"run\.copy: 'a_b' would be 'a_b' in Avro"):
        check(config(copy='["a.b", "a_b"]', results=avro))


# -- the registry ------------------------------------------------------------------------


@pytest.fixture
def server():
    server = Server()
    yield server
    server.end()


SCHEMA = optional(("prediction", ["double"]))


def made():
    return SCHEMA


def test_the_schema_is_registered_once_and_its_number_stands_in_front(server):
    options = {"registry": server.url}
    values = [avro_rows(options, "out/s", made)([{"prediction": 1.5}], [0], 100) for _ in range(2)]
    assert values[0] == values[1]
    assert values[0][0][:5] == struct.pack(">bI", 0, FIRST)
    assert back(SCHEMA, values[0][0][5:]) == {"prediction": 1.5}
    assert server.asked == ["/subjects/out%2Fs-value/versions"] * 2
    assert server.subjects == {"out%2Fs-value": [json.dumps(SCHEMA)]}


def test_without_the_right_to_register_it_must_be_there(server):
    options = {"registry": server.url, "register": False, "subject": "mine"}
    with pytest.raises(ValueError, match=r"format\.subject = 'mine'.*register it.*\"prediction\""):
        avro_rows(options, "out", made)
    avro_rows({**options, "register": True}, "out", made)
    avro_rows(options, "out", made)
    assert server.asked[-1] == "/subjects/mine"


def test_what_a_registry_refuses_is_said(server):
    server.rejected = "incompatible\x1b[31m with an earlier schema"
    options = {"registry": server.url, "retry_seconds": 0.05}
    with pytest.raises(ValueError, match=r"status 409\): incompatible\[31m with an .*another subj"):
        avro_rows(options, "out", made)
    server.rejected, server.failures = "", 1000
    with pytest.raises(Unreachable, match="does not answer"):  # which is waited for at the start
        avro_rows(options, "out", made)
    server.end()
    with pytest.raises(Unreachable, match="refused"):
        avro_rows(options, "out", made)


@pytest.mark.parametrize("status", [401, 403])
def test_a_registry_that_refuses_the_client_is_not_waited_for(server, status):
    server.status = status
    with pytest.raises(Denied, match=r"refuses this client.*password_file"):
        avro_rows({"registry": server.url}, "out", made)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"subject": "s"}, r"format\.subject is one of a registry"),
        ({"schema": "no.avsc"}, "cannot read 'no.avsc'"),
        ({"schema": "FILE"}, r"format\.schema: the schema is not of a record"),
    ],
)
def test_settings_that_are_refused(options, message, tmp_path):
    (tmp_path / "long.avsc").write_text('"long"')
    options = {n: str(tmp_path / "long.avsc") if v == "FILE" else v for n, v in options.items()}
    with pytest.raises(ValueError, match=message):
        avro_rows(options, "out", made)


def test_letters_are_not_avro():
    letters = (
        'dead_letter = {type = "kafka", bootstrap = "b", topic = "d", format = {type = "avro"}}'
    )
    with pytest.raises(ConfigError, match=r"dead_letter\.format: letters have the record's own"):
        service(config(more=letters))


# -- files -------------------------------------------------------------------------------


def test_a_container_is_cut_back_and_written_again(tmp_path):
    path, rows = tmp_path / "out.avro", [{"prediction": n / 2} for n in range(5)]
    sink = AvroSink(path, SCHEMA)
    sink.write(rows[:2])
    position = sink.snapshot()
    with pytest.raises(Unwritable):
        sink.write([rows[2], {"prediction": "x"}])
    sink.write(rows[2:])
    sink.flush()
    whole = path.read_bytes()
    sink.close()
    sink = AvroSink(path, SCHEMA)
    sink.restore(position)
    sink.write(rows[2:])
    sink.close()
    assert path.read_bytes() == whole
    with path.open("rb") as file:
        assert list(fastavro.reader(file)) == rows


def test_a_header_is_the_same_bytes_in_every_process(tmp_path):
    """The library orders the words of a schema by their hashes, which differ between processes."""
    sink = AvroSink(tmp_path / "out.avro", SCHEMA)
    sink.write([{"prediction": 1.0}])
    sink.close()
    with (tmp_path / "out.avro").open("rb") as file:
        text = fastavro.reader(file).metadata["avro.schema"]
    assert text == json.dumps(json.loads(text), sort_keys=True)


def test_a_file_of_another_schema_is_left_alone(tmp_path):
    path = tmp_path / "out.avro"
    path.write_bytes(b"something else")
    sink = AvroSink(path, SCHEMA)
    with pytest.raises(SinkError, match="another schema, or another program"):
        sink.write([{"prediction": 1.0}])
    sink.close()
    assert path.read_bytes() == b"something else"


def test_from_a_file_to_a_container(tmp_path):
    rows = [{"m": math.sin(n / 5), "site": f"s{n}"} for n in range(50)]
    (tmp_path / "in.jsonl").write_bytes(encode_lines(rows))
    text = (
        f'source = {{type = "file", path = "{tmp_path}/in.jsonl"}}\n'
        f'sink = {{type = "file", path = "{tmp_path}/out.avro"}}\n'
        'features = {target = "m", exclude = ["site"]}\nrun.copy = ["site"]\n'
        'estimator = {type = "regressor", cell = {type = "LSTM", units = 4}}\n'
        "metrics.enabled = false\n"
    )
    with contextlib.closing(service(parse(text))) as run:
        assert run.run()["predicted"] == 50
    with (tmp_path / "out.avro").open("rb") as file:
        found = list(fastavro.reader(file))
    assert [(row["site"], row["target"]) for row in found] == [(r["site"], r["m"]) for r in rows]
    assert all(math.isfinite(row["prediction"]) for row in found)
