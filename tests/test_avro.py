"""Avro: what is decoded, what is refused, and what a registry has to do with it."""

import base64
import io
import json
import logging
import math
import struct
from datetime import UTC, date, datetime, time
from decimal import Decimal

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st
from registry_server import Server

from connectors.avro.records import AvroMessages, avro_messages, by_registry
from connectors.avro.schemas import BadAvro, avro_decoder, parsed
from connectors.base import TOMBSTONE, SourceError
from connectors.kafka.settings import Secret
from connectors.registry.client import BadSchema, Registry
from connectors.registry.settings import RegistrySettings
from stream_rnn.assembly.parts import messages
from stream_rnn.assembly.service import service
from stream_rnn.config import parse
from stream_rnn.errors import ConfigError
from stream_rnn.keys.key import MESSAGE_KEY
from stream_rnn.service.deletions import meant


def record(*fields, name="Level"):
    return {
        "type": "record",
        "name": name,
        "fields": [{"name": field, "type": kind} for field, kind in fields],
    }


def body(schema, value):
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, fastavro.parse_schema(schema), value)
    return stream.getvalue()


def framed(number, schema, value):
    return struct.pack(">bI", 0, number) + body(schema, value)


LEVEL = record(("site", "string"), ("m", "double"), ("rain", ["null", "double"]))


# -- values ------------------------------------------------------------------------------

SCALARS = {
    "boolean": st.booleans(),
    "int": st.integers(-(2**31), 2**31 - 1),
    "long": st.integers(-(2**63), 2**63 - 1),
    "float": st.floats(width=32, allow_nan=False, allow_infinity=False),
    "double": st.floats(allow_nan=False, allow_infinity=False),
    "string": st.text(max_size=20),
    "null": st.none(),
}


@st.composite
def schemas_and_values(draw, depth=2):
    """A record schema and a value of it, in the same words as JSON has."""
    fields, value = [], {}
    for number in range(draw(st.integers(0, 4))):
        name, kind = f"f{number}", draw(st.sampled_from([*SCALARS, "optional", "array", "record"]))
        if kind == "record" and depth == 0:
            kind = "long"
        if kind == "record":
            inner, content = draw(schemas_and_values(depth - 1))
            fields.append((name, {**inner, "name": f"R{draw(st.uuids()).hex}"}))
            value[name] = content
        elif kind == "optional":
            fields.append((name, ["null", "double"]))
            value[name] = draw(st.none() | SCALARS["double"])
        elif kind == "array":
            fields.append((name, {"type": "array", "items": "string"}))
            value[name] = draw(st.lists(SCALARS["string"], max_size=3))
        else:
            fields.append((name, kind))
            value[name] = draw(SCALARS[kind])
    return record(*fields), value


@given(schemas_and_values())
def test_what_was_written_is_read(example):
    schema, value = example
    assert avro_decoder()(body(schema, value), 0, parsed(schema)) == value


@given(st.binary(max_size=60))
def test_any_bytes_are_a_record_or_an_error(raw):
    decode = AvroMessages(lambda raw: (parsed(LEVEL), 0))
    [found] = decode("t-0", [raw], [3], [5000], [b"k"])
    assert (found.value is None) != (found.error is None)
    assert (found.raw, found.offset, found.timestamp, found.key) == (raw, 3, 5.0, b"k")


@given(st.data())
def test_a_message_with_changed_bytes_never_raises(data):
    raw = bytearray(body(LEVEL, {"site": "north", "m": 1.5, "rain": None}))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(raw[: data.draw(st.integers(0, len(raw)))])
    [found] = AvroMessages(lambda raw: (parsed(LEVEL), 0))("t-0", [cut], [0], [0], [None])
    assert (found.value is None) != (found.error is None)


def logical(kind, name, **more):
    return {"type": kind, "logicalType": name, **more}


@pytest.mark.parametrize(
    ("kind", "value", "plain"),
    [
        (logical("long", "timestamp-millis"), datetime(2020, 1, 1, tzinfo=UTC), 1577836800.0),
        (logical("long", "timestamp-micros"), datetime(1970, 1, 1, 0, 0, 1, 500000, UTC), 1.5),
        (logical("long", "local-timestamp-millis"), datetime(1970, 1, 2), 86400.0),
        (logical("int", "date"), date(1970, 1, 3), 172800.0),
        (logical("int", "time-millis"), time(1, 0, 2, 500000), 3602.5),
        (logical("bytes", "decimal", precision=9, scale=2), Decimal("-12.25"), -12.25),
        ({"type": "enum", "name": "E", "symbols": ["A", "B"]}, "B", "B"),
        ({"type": "fixed", "name": "F", "size": 2}, b"\x00\xff", "AP8="),
        ("bytes", b"xy", "eHk="),
        ({"type": "map", "values": "int"}, {"a": 1}, {"a": 1}),
        (["null", "string", "long"], 7, 7),
    ],
)
def test_every_kind_has_a_plain_value(kind, value, plain):
    schema = record(("x", kind))
    found = avro_decoder()(body(schema, {"x": value}), 0, parsed(schema))
    assert found == {"x": plain}
    json.dumps(found)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_refused(value):
    schema = record(("x", "double"), ("y", record(("z", "double"), name="Inner")))
    with pytest.raises(BadAvro, match=r"^x: (nan|-?inf) is not finite"):
        avro_decoder()(body(schema, {"x": value, "y": {"z": 1.0}}), 0, parsed(schema))
    with pytest.raises(BadAvro, match=r"^y\.z: "):
        avro_decoder()(body(schema, {"x": 1.0, "y": {"z": value}}), 0, parsed(schema))


def test_limits_and_leftovers():
    raw = body(LEVEL, {"site": "n" * 50, "m": 1.0, "rain": None})
    with pytest.raises(BadAvro, match="more than the 20 allowed"):
        avro_decoder(20)(raw, 0, parsed(LEVEL))
    with pytest.raises(BadAvro, match="2 bytes are left over after 'Level'"):
        avro_decoder()(raw + b"ab", 0, parsed(LEVEL))
    with pytest.raises(BadAvro, match="ends too early"):
        avro_decoder()(raw[:-2], 0, parsed(LEVEL))


LIST = record(("next", ["null", "List"]), name="List")
DEEP = "long"
for n in range(20):
    DEEP = record(("x", DEEP), name=f"D{n}")


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        (LIST, "contains itself"),
        (DEEP, "deeper than the 16"),
        (record(("x", {"type": "array", "items": "null"})), "no limit"),
        (record(("x", {"type": "array", "items": record(name="Empty")})), "no limit"),
        ("string", "not of a record"),
        ({"type": "record", "fields": []}, "not an Avro schema"),
        (record(("x", "no.such.Type")), "not an Avro schema: UnknownType"),
        ([], "not of a record"),
        (None, "not"),
    ],
)
def test_schemas_that_are_refused(schema, reason):
    with pytest.raises(BadSchema, match=reason):
        parsed(schema)


# -- the registry ------------------------------------------------------------------------


@pytest.fixture
def server():
    server = Server()
    yield server
    server.end()


def reader(server, **options):
    return AvroMessages(by_registry(Registry(RegistrySettings(server.url, **options))))


def decode(messages, *raws):
    return messages("t-0", list(raws), list(range(len(raws))), [0] * len(raws), [None] * len(raws))


def test_a_schema_is_asked_for_once_and_a_newer_one_brings_new_fields(server):
    newer = record(("m", "double"), ("wind", "int"))
    server.add(7, LEVEL)
    server.add(8, newer)
    old = framed(7, LEVEL, {"site": "a", "m": 1.5, "rain": 0.5})
    new = framed(8, newer, {"m": 2.5, "wind": 3})
    found = decode(reader(server), old, new, old, new)
    assert [r.value for r in found[:2]] == [
        {"site": "a", "m": 1.5, "rain": 0.5},
        {"m": 2.5, "wind": 3},
    ]
    assert server.asked == ["/schemas/ids/7", "/schemas/ids/8"]


def test_the_key_of_a_tombstone_is_read_by_its_schema(server):
    """A record that has the key's field, or a single value; other bytes are text."""
    server.add(7, LEVEL)
    server.add(8, {"type": "record", "name": "Key", "fields": [{"name": "site", "type": "string"}]})
    server.add(9, "long")
    server.add(10, ["null", "string"])
    keys = [b"\0\0\0\0\x08\x06abc", b"\0\0\0\0\x09\x22", b"\0\0\0\0\x0a\x02\x06abc"]
    keys += [b"abc", b"\0\0\0\0\x63\x06abc", b"\0\0\0\0\x09\x22\x22", b"", None]
    options = {"registry": server.url, "retry_seconds": 0.05}
    both, values = (avro_messages(options, keys=is_read) for is_read in (True, False))
    columns = [None] * len(keys), list(range(len(keys))), [0] * len(keys), keys
    found = both("t-0", *columns)
    assert {r.error for r in found} == {TOMBSTONE}
    assert [list(meant(r.key, "site", r.value)) for r in found] == [
        *(["abc"], [17], ["abc"], ["abc"]),
        *(["\0\0\0\0c\x06abc"], ['\0\0\0\0\t""'], [""], []),
    ]
    assert list(meant(keys[1], MESSAGE_KEY, found[1].value)) == [keys[1]]
    assert [r.value for r in values("t-0", *columns)] == [None] * len(keys)


def test_an_unknown_number_is_the_records_fault(server):
    server.add(7, LEVEL)
    server.add(9, "x", schemaType="PROTOBUF")
    server.add(10, LIST)
    server.answers["/schemas/ids/11"] = {"nothing": 1}
    good = framed(7, LEVEL, {"site": "a", "m": 1.5, "rain": None})
    bad = [struct.pack(">bI", 0, number) for number in (5, 5, 9, 10, 11)]
    found = decode(reader(server), *bad, b"\x01\x00\x00\x00\x07", b"\x00\x00", None, good)
    assert [r.error for r in found] == [
        "schema 5: the registry does not know it",
        "schema 5: the registry does not know it",
        "schema 9: it is PROTOBUF, not Avro",
        "schema 10: the record 'List' contains itself, so its depth has no limit",
        "schema 11: the registry's answer holds no schema",
        "not in the registry's wire format: no zero and schema number in front",
        "not in the registry's wire format: no zero and schema number in front",
        "a tombstone (a message without a value), which only deletes a key",
        None,
    ]
    assert server.asked.count("/schemas/ids/5") == 1


def test_references_are_followed(server):
    place = record(("lat", "double"), name="Place")
    whole = record(("at", "Place"), ("was", "Place"), name="Whole")
    reference = {"name": "Place", "subject": "place/value", "version": 3}
    server.add(1, whole, references=[reference])
    path = "/subjects/place%2Fvalue/versions/3"
    server.answers[path] = {"schema": json.dumps(place), "references": [reference]}
    value = {"at": {"lat": 1.0}, "was": {"lat": 2.0}}
    joint = record(("at", place), ("was", "Place"), name="Whole")
    [found] = decode(reader(server), framed(1, joint, value))
    assert found.value == value


def test_a_registry_that_recovers_costs_nothing(server, caplog):
    server.add(7, LEVEL)
    server.failures = 2
    with caplog.at_level(logging.WARNING):
        [found] = decode(reader(server), framed(7, LEVEL, {"site": "a", "m": 1.0, "rain": None}))
    assert found.error is None
    assert caplog.text.count("status 503; trying again") == 2


def test_a_registry_that_is_down_is_not_the_records_fault(server):
    server.failures = 1000
    raw = struct.pack(">bI", 0, 7)
    with pytest.raises(SourceError, match=r"does not answer \(status 503\).*format\.registry"):
        decode(reader(server, retry_seconds=0.3), raw)
    for answer in (b"<html>", 302, 500, b"[1]"):
        server.failures, server.answers["/schemas/ids/7"] = 0, answer
        with pytest.raises(SourceError, match="does not answer"):
            decode(reader(server, retry_seconds=0.05), raw)
    gone = RegistrySettings("http://127.0.0.1:9", retry_seconds=0.05)
    with pytest.raises(SourceError, match="refused"):
        decode(AvroMessages(by_registry(Registry(gone))), raw)
    server.answers["/schemas/ids/7"] = 401
    with pytest.raises(SourceError, match=r"refuses this client \(status 401\)"):
        decode(reader(server), raw)


def test_credentials_are_sent_and_never_shown(server, tmp_path, caplog):
    (tmp_path / "password").write_text("open sesame\n")
    options = {"registry": "https://r:1", "username": "u", "password_file": tmp_path / "password"}
    settings = RegistrySettings.from_options(options, {})
    assert settings.password == Secret("open sesame")
    environ = {"SCHEMA_REGISTRY_USERNAME": "u", "SCHEMA_REGISTRY_PASSWORD": "open sesame"}
    assert RegistrySettings.from_options({"registry": "https://r:1"}, environ) == settings
    assert "sesame" not in repr(settings)
    object.__setattr__(settings, "url", server.url)  # no TLS on loopback
    server.failures = 1
    with caplog.at_level(logging.DEBUG):
        decode(AvroMessages(by_registry(Registry(settings))), struct.pack(">bI", 0, 5))
    word = server.headers[-1]["Authorization"].removeprefix("Basic ")
    assert base64.b64decode(word) == b"u:open sesame"
    assert "sesame" not in caplog.text
    assert word not in caplog.text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"registry": "registry:8081"}, "give its address"),
        ({"registry": "ftp://r"}, "give its address"),
        ({"registry": "https://u:secret@r"}, "do not belong into the address"),
        ({"registry": "https://r", "username": "u"}, "go together"),
        ({"registry": "http://r", "username": "u", "password_file": "FILE"}, "use https"),
        ({}, "needs either"),
        ({"registry": "http://r", "schema": "s.avsc"}, "needs either"),
        ({"schema": "no.avsc"}, "cannot read 'no.avsc'"),
        ({"schema": "FILE"}, "format.schema = "),
    ],
)
def test_settings_that_are_refused(options, message, tmp_path):
    (tmp_path / "file").write_text("secret")
    options = {k: str(tmp_path / "file") if v == "FILE" else v for k, v in options.items()}
    with pytest.raises(ValueError, match=message) as caught:
        avro_messages(options)
    if "cannot read" not in message:
        assert "secret@" not in str(caught.value)


# -- the configuration, and a real topic -------------------------------------------------

CONFIG = """
source = {{type = "kafka", bootstrap = "{bootstrap}", topic = "{topic}", stop_at_end = true, \
format = {format}}}
sink = {{type = "kafka", bootstrap = "{bootstrap}", topic = "{out}", format = {results}}}
dead_letter = {{type = "kafka", bootstrap = "{bootstrap}", topic = "{dead}"}}
features = {{target = "m", exclude = ["site"], missing_target = "advance"}}
estimator = {{type = "regressor", cell = {{type = "LSTM", units = 6}}}}
metrics = {{enabled = false}}
checkpoint.url = "{folder}"
run.copy = ["site"]
"""


def test_the_configuration_names_what_is_wrong():
    good = {"bootstrap": "b", "topic": "t", "out": "o", "dead": "d", "folder": "c"}
    good["results"] = '{type = "json"}'

    def table(text):
        return parse(CONFIG.format(**good, format=text))

    with pytest.raises(ConfigError, match=r"source\.format\.regstry: unknown field; did you mean"):
        table('{type = "avro", regstry = "http://r"}')
    with pytest.raises(ConfigError, match=r"source\.format\.type = 'afro': unknown; did you mean"):
        table('{type = "afro"}')
    with pytest.raises(ConfigError, match=r"source: format\.type = 'avro' needs either"):
        service(table('{type = "avro"}'))
    with pytest.raises(ValueError, match="needs either"):
        messages(table('{type = "avro"}').source)


def test_from_an_avro_topic_to_predictions(topics, server, tmp_path):
    newer = record(("site", "string"), ("m", "double"), ("rain", ["null", "double"]), ("w", "int"))
    server.add(3, LEVEL)
    server.add(4, newer)
    rows = [{"site": f"s{n}", "m": math.sin(n / 5), "rain": n % 3 / 2 or None} for n in range(300)]
    sent = [framed(3, LEVEL, row) for row in rows[:200]]
    sent += [framed(4, newer, {**row, "w": 1}) for row in rows[200:]]
    sent[50:50] = [b"{}", framed(99, LEVEL, rows[0])]
    names = {hint: topics.make(hint=hint) for hint in ("topic", "out", "dead")}
    topics.produce(names["topic"], sent)
    format = f'{{type = "avro", registry = "{server.url}"}}'
    places = {"bootstrap": topics.bootstrap, "folder": tmp_path, "format": format}
    places["results"] = format
    counters = service(parse(CONFIG.format(**names, **places))).run()
    assert counters == {"consumed": 302, "predicted": 300, "learned": 300, "refused": 2}
    results = [
        r.value for r in decode(reader(server), *(r.value for r in topics.read(names["out"])[0]))
    ]
    assert [r["site"] for r in results] == [row["site"] for row in rows]
    assert [r["target"] for r in results] == [row["m"] for row in rows]
    letters = topics.read(names["dead"])[0]
    assert [letter.value for letter in letters] == sent[50:52]
    assert dict(letters[1].headers)["error"] == b"schema 99: the registry does not know it"
    assert [r["offset"] for r in results] == [*range(50), *range(52, 302)]
    subject = f"/subjects/{names['out']}-value/versions"
    assert server.asked[:4] == [subject, "/schemas/ids/3", "/schemas/ids/99", "/schemas/ids/4"]
    assert server.asked[4:] == ["/schemas/ids/100"]
