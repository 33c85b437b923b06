"""Protobuf: what is decoded, what is refused, and what a registry has to do with it."""

import base64
import json
import math
import struct

import pytest
from google.protobuf import descriptor_pb2, json_format, text_format
from hypothesis import given
from hypothesis import strategies as st
from registry_server import Server

from connectors.base import TOMBSTONE, SourceError
from connectors.kafka.records import EachMessage
from connectors.protobuf.descriptors import Types, decimal_file, files_in
from connectors.protobuf.records import MessageOf, by_registry, indexes, protobuf_messages
from connectors.protobuf.values import BadProtobuf
from connectors.registry.client import BadSchema, Registry
from connectors.registry.settings import RegistrySettings
from stream_rnn.assembly.parts import messages
from stream_rnn.config import parse
from stream_rnn.errors import ConfigError
from stream_rnn.service.deletions import meant


def file(text, name="level.proto"):
    """A descriptor from its text; as protoc would write it."""
    made = text_format.Parse(text, descriptor_pb2.FileDescriptorProto())
    made.name = name
    return made


def field(name, number, kind, more=""):
    return f'field {{name: "{name}" number: {number} {kind} {more}}}'


def scalar(name, number, kind, label="OPTIONAL", more=""):
    return field(name, number, f"type: TYPE_{kind} label: LABEL_{label}", more)


def message(name, number, kind, label="OPTIONAL"):
    return field(name, number, f'type: TYPE_MESSAGE label: LABEL_{label} type_name: "{kind}"')


def proto3(*parts, package="rivers", needs=()):
    dependencies = " ".join(f'dependency: "{name}"' for name in needs)
    return f'syntax: "proto3" package: "{package}" {dependencies} {" ".join(parts)}'


def message_type(name, *fields):
    return f'message_type {{name: "{name}" {" ".join(fields)}}}'


KINDS = {
    **{kind: st.integers(-(2**31), 2**31 - 1) for kind in ("INT32", "SINT32", "SFIXED32")},
    **{kind: st.integers(-(2**63), 2**63 - 1) for kind in ("INT64", "SINT64", "SFIXED64")},
    **{kind: st.integers(0, 2**32 - 1) for kind in ("UINT32", "FIXED32")},
    **{kind: st.integers(0, 2**64 - 1) for kind in ("UINT64", "FIXED64")},
    "DOUBLE": st.floats(allow_nan=False, allow_infinity=False),
    "FLOAT": st.floats(width=32, allow_nan=False, allow_infinity=False),
    "BOOL": st.booleans(),
    "STRING": st.text(max_size=10),
}
ALL = proto3(
    message_type(
        "All",
        *(scalar(kind.lower(), n, kind) for n, kind in enumerate(KINDS, 1)),
        *(scalar(f"many_{kind.lower()}", 20 + n, kind, "REPEATED") for n, kind in enumerate(KINDS)),
    )
)
CLASS = Types([file(ALL)]).by_name("rivers.All")


@given(
    st.fixed_dictionaries(KINDS),
    st.fixed_dictionaries({k: st.lists(v, max_size=3) for k, v in KINDS.items()}),
)
def test_what_was_written_is_read(values, lists):
    sent = {kind.lower(): value for kind, value in values.items()}
    sent |= {f"many_{kind.lower()}": value for kind, value in lists.items()}
    found = MessageOf(CLASS)(CLASS(**sent).SerializeToString())
    assert found == sent
    assert {name: type(value) for name, value in found.items()} == {
        n: type(v) for n, v in sent.items()
    }


@given(st.binary(max_size=60))
def test_any_bytes_are_a_record_or_an_error(raw):
    [found] = EachMessage(MessageOf(CLASS))("t-0", [raw], [3], [5000], [b"k"])
    assert (found.value is None) != (found.error is None)
    assert (found.raw, found.offset, found.timestamp, found.key) == (raw, 3, 5.0, b"k")


WHOLE = proto3(
    message_type("Site", scalar("name", 1, "STRING"), message("inside", 2, ".rivers.Site")),
    message_type(
        "Level",
        scalar("id", 1, "INT64"),
        message("site", 2, ".rivers.Site"),
        message("at", 3, ".google.protobuf.Timestamp"),
        message("took", 4, ".google.protobuf.Duration"),
        message("rain", 5, ".google.protobuf.DoubleValue"),
        message("more", 6, ".google.protobuf.Struct"),
        message("price", 7, ".confluent.type.Decimal"),
        field("state", 8, 'type: TYPE_ENUM label: LABEL_OPTIONAL type_name: ".rivers.State"'),
        scalar("metres", 9, "DOUBLE", more="oneof_index: 0"),
        scalar("feet", 10, "DOUBLE", more="oneof_index: 0"),
        scalar("wind", 11, "DOUBLE", more="oneof_index: 1 proto3_optional: true"),
        message("counts", 12, ".rivers.Level.CountsEntry", "REPEATED"),
        message("sites", 13, ".rivers.Site", "REPEATED"),
        scalar("raw", 14, "BYTES"),
        'oneof_decl {name: "level"} oneof_decl {name: "_wind"}',
        'nested_type {name: "CountsEntry" options {map_entry: true} '
        + scalar("key", 1, "BOOL")
        + scalar("value", 2, "INT32")
        + "}",
        "nested_type {name: 'Deep' " + scalar("x", 1, "DOUBLE") + "}",
    ),
    'enum_type {name: "State" value {name: "DRY" number: 0} value {name: "WET" number: 1}}',
    needs=[
        *(
            f"google/protobuf/{name}.proto"
            for name in ("timestamp", "duration", "wrappers", "struct")
        ),
        *("confluent/meta.proto", "confluent/type/decimal.proto"),
    ],
)
TYPES = Types([file(WHOLE)])
LEVEL = TYPES.by_name("rivers.Level")


def level(**fields):
    """The bytes of a Level from JSON's words."""
    return json_format.ParseDict(fields, LEVEL(), ignore_unknown_fields=False)


def test_an_empty_message_has_defaults_where_there_is_no_presence():
    assert MessageOf(LEVEL)(b"") == {
        **dict.fromkeys(["site", "at", "took", "rain", "more", "price", "metres", "feet", "wind"]),
        **{"id": 0, "state": "DRY", "counts": {}, "sites": [], "raw": ""},
    }


def test_every_kind_has_a_plain_value():
    sent = level(
        id=str(2**53 + 1),
        site={"name": "a", "inside": {"name": "b"}},
        at="2020-01-01T00:00:00.500Z",
        took="90.25s",
        rain=2.5,
        more={"x": 1.5, "list": [None, True, "t", {"y": 2}]},
        state="WET",
        feet=0.0,
        counts={"true": 3},
        sites=[{"name": "c"}],
        raw="AP8=",
    )
    sent.price.value, sent.price.scale = (-1225).to_bytes(2, "big", signed=True), 2
    found = MessageOf(LEVEL)(sent.SerializeToString())
    assert found == {
        "id": 9007199254740993,  # exactly: JSON's words for it would be text
        "site": {"name": "a", "inside": {"name": "b", "inside": None}},
        "at": 1577836800.5,
        "took": 90.25,
        "rain": 2.5,
        "more": {"x": 1.5, "list": [None, True, "t", {"y": 2.0}]},
        "price": -12.25,
        "state": "WET",
        "metres": None,
        "feet": 0.0,  # of the oneof this one is there
        "wind": None,
        "counts": {"true": 3},
        "sites": [{"name": "c", "inside": None}],
        "raw": "AP8=",
    }
    json.dumps(found)
    sent.state = 7  # of a newer schema
    assert MessageOf(LEVEL)(sent.SerializeToString())["state"] == "7"


def test_what_is_not_finite_or_too_deep_is_refused():
    for sent, error in (
        (LEVEL(metres=math.nan), "metres: nan is not finite"),
        (LEVEL(rain={"value": math.inf}), "rain: inf is not finite"),
        (level(more={}), None),
    ):
        if error is None:
            sent.more.fields["x"].number_value = -math.inf
            error = "more: -inf is not finite"
        with pytest.raises(BadProtobuf, match=error):
            MessageOf(LEVEL)(sent.SerializeToString())
    deep = LEVEL()
    inner = deep.site
    for _ in range(20):
        inner.inside.name = "x"
        inner = inner.inside
    with pytest.raises(BadProtobuf, match="deeper than the 16 levels"):
        MessageOf(LEVEL)(deep.SerializeToString())
    price = LEVEL()
    price.price.value, price.price.scale = b"\x01", -400
    with pytest.raises(BadProtobuf, match="price: a decimal too large"):
        MessageOf(LEVEL)(price.SerializeToString())


def test_bytes_of_another_type_are_refused():
    with pytest.raises(BadProtobuf, match="not a message 'Level': DecodeError"):
        MessageOf(LEVEL)(b"\xff\xff")
    with pytest.raises(BadProtobuf, match="none of its fields is there"):
        MessageOf(TYPES.by_name("rivers.Site"))(LEVEL(metres=1.0).SerializeToString())


def test_proto2_has_defaults_of_its_own():
    text = 'syntax: "proto2" ' + message_type(
        "Old",
        scalar("a", 1, "INT32", more='default_value: "5"'),
        scalar("b", 2, "INT32"),
        scalar("c", 3, "STRING", "REQUIRED"),
    )
    old = MessageOf(Types([file(text)]).by_name(None))
    assert old(b"\x1a\x01x") == {"a": 5, "b": None, "c": "x"}
    with pytest.raises(BadProtobuf, match="not a message 'Old'"):
        old(b"\x08\x01")  # without what it requires


# -- descriptors -------------------------------------------------------------------------


def test_a_descriptor_file(tmp_path):
    path = tmp_path / "level.desc"
    files = descriptor_pb2.FileDescriptorSet(file=[decimal_file(), file(WHOLE)])
    path.write_bytes(files.SerializeToString())
    options = {"descriptor": str(path), "message": "rivers.Level"}
    good, bad, large = protobuf_messages(options, 50)(
        "t-0",
        [LEVEL(id=7).SerializeToString(), b"\xff", b"\x00" * 51],
        [0, 1, 2],
        [0] * 3,
        [None] * 3,
    )
    assert good.value["id"] == 7
    assert bad.error == "not a message 'Level': DecodeError"
    assert large.error == "51 bytes, more than the 50 allowed"
    for message_name, error in (
        (None, r"it has 2 messages \(Site, Level\); say in format\.message"),
        ("rivers.Lvl", "it has no message 'rivers.Lvl', only Site, Level"),
    ):
        with pytest.raises(ValueError, match=error):
            protobuf_messages({**options, "message": message_name})


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({}, "needs either format.registry"),
        ({"registry": "http://r", "descriptor": "x"}, "needs either"),
        ({"registry": "http://r", "message": "x"}, "format.message is for format.descriptor"),
        ({"descriptor": "no.desc"}, "format.descriptor: cannot read 'no.desc'"),
        ({"descriptor": "FILE"}, "it holds no set of descriptors"),
        ({"descriptor": "EMPTY"}, "it holds no file"),
    ],
)
def test_settings_that_are_refused(options, error, tmp_path):
    (tmp_path / "FILE").write_bytes(b"\xff\xff")
    (tmp_path / "EMPTY").write_bytes(b"")
    if (tmp_path / options.get("descriptor", "-")).exists():
        options = {"descriptor": str(tmp_path / options["descriptor"])}
    with pytest.raises(ValueError, match=error):
        protobuf_messages(options)


def test_a_file_that_is_missing_is_named():
    with pytest.raises(BadSchema, match=r"depends on 'other\.proto', which is not there"):
        Types([file(proto3(message_type("A"), needs=["other.proto"]))])
    with pytest.raises(BadSchema, match="is no Protobuf file: "):
        Types([file(proto3(message_type("A", message("b", 1, ".rivers.Nowhere"))))])
    assert files_in(b"") == []


# -- the registry ------------------------------------------------------------------------


@given(st.lists(st.integers(0, 2**30), min_size=1, max_size=5))
def test_indexes_as_the_registry_writes_them(path):
    def varint(number):
        number, out = number << 1, bytearray()
        while number > 0x7F:
            out.append(number & 0x7F | 0x80)
            number >>= 7
        return bytes([*out, number])

    raw = varint(len(path)) + b"".join(map(varint, path))
    assert indexes(raw + b"rest", 0) == (tuple(path), len(raw))
    for cut in range(len(raw)):
        with pytest.raises(BadProtobuf, match="no indexes"):
            indexes(raw[:cut], 0)


@pytest.fixture
def server():
    server = Server()
    yield server
    server.end()


def serialized(text, **more):
    data = file(text).SerializeToString()
    return {"schemaType": "PROTOBUF", "schema": base64.b64encode(data).decode(), **more}


def decode(server, *raws):
    read = EachMessage(by_registry(Registry(RegistrySettings(server.url, retry_seconds=0.05))))
    return read("t-0", list(raws), list(range(len(raws))), [0] * len(raws), [None] * len(raws))


def framed(number, path, sent):
    return struct.pack(">bI", 0, number) + path + sent.SerializeToString()


def test_schemas_and_types_by_what_stands_in_front(server):
    server.answers["/schemas/ids/7?format=serialized"] = serialized(WHOLE)
    deep = TYPES.by_name("rivers.Level.Deep")
    found = decode(
        server,
        framed(7, b"\x02\x02", LEVEL(id=5)),
        framed(7, b"\x00", TYPES.by_name("rivers.Site")(name="a")),
        framed(7, b"\x04\x02\x02", deep(x=1.5)),
    )
    assert [r.error for r in found] == [None] * 3
    assert found[0].value["id"] == 5
    assert [r.value for r in found[1:]] == [{"name": "a", "inside": None}, {"x": 1.5}]
    assert server.asked == ["/schemas/ids/7?format=serialized"]


def test_the_key_of_a_tombstone_is_read_by_its_schema(server):
    server.answers["/schemas/ids/3?format=serialized"] = serialized(WHOLE)
    read = protobuf_messages({"registry": server.url}, keys=True)
    key = framed(3, b"\0", TYPES.by_name("rivers.Site")(name="north"))
    good, other = read("t-0", [None, None], [0, 1], [0, 0], [key, b"north"])
    assert good.error == other.error == TOMBSTONE
    assert list(meant(good.key, "name", good.value)) == ["north"]
    assert list(meant(other.key, "name", other.value)) == ["north"]


def test_references_are_followed(server):
    place = proto3(message_type("Place", scalar("lat", 1, "DOUBLE")), package="geo")
    whole = proto3(message_type("Whole", message("at", 1, ".geo.Place")), needs=["geo/place.proto"])
    reference = {"name": "geo/place.proto", "subject": "place", "version": 3}
    server.answers["/schemas/ids/1?format=serialized"] = serialized(whole, references=[reference])
    server.answers["/subjects/place/versions/3?format=serialized"] = serialized(place)
    kinds = Types([file(place, "geo/place.proto"), file(whole)])
    sent = kinds.by_name("rivers.Whole")(at={"lat": 2.5})
    [found] = decode(server, framed(1, b"\x00", sent))
    assert found.value == {"at": {"lat": 2.5}}


def test_what_is_the_records_fault_is_a_letter_with_its_reason(server):
    server.answers["/schemas/ids/7?format=serialized"] = serialized(WHOLE)
    server.answers["/schemas/ids/8?format=serialized"] = {"schema": '"long"'}
    text = {"schemaType": "PROTOBUF", "schema": 'syntax = "proto3";'}
    server.answers["/schemas/ids/9?format=serialized"] = text
    needy = serialized(proto3(message_type("A"), needs=["other.proto"]))
    server.answers["/schemas/ids/10?format=serialized"] = needy
    head = [struct.pack(">bI", 0, number) for number in (5, 7, 7, 8, 9, 10)]
    found = decode(
        server,
        *(head[0] + b"\x00", head[1] + b"\x02\x12", head[2] + b"\x04\x02\x12", head[3] + b"\x00"),
        *(head[4] + b"\x00", head[5] + b"\x00", b'{"json": 1}', head[1], None),
    )
    no_index = "no indexes of a message behind the schema's number"
    assert [r.error for r in found] == [
        "schema 5: the registry does not know it",
        "schema 7: its file has no message with the index 9 there",
        "schema 7: its file has no message with the index 9 there",
        "schema 8: it is AVRO, not PROTOBUF",
        "schema 9: the registry gives no serialized form of it (format=serialized); give "
        "format.descriptor instead",
        "schema 10: it depends on 'other.proto', which is not there",
        "not in the registry's wire format: no zero and schema number in front",
        no_index,
        "a tombstone (a message without a value), which only deletes a key",
    ]


def test_a_registry_that_is_down_is_not_the_records_fault(server):
    server.failures = 1000
    with pytest.raises(SourceError, match="does not answer"):
        decode(server, struct.pack(">bI", 0, 7) + b"\x00")


# -- the configuration -------------------------------------------------------------------


def test_the_configuration_names_what_is_wrong():
    def table(text):
        return parse(
            f'source = {{type = "kafka", bootstrap = "b", topic = "t", format = {text}}}\n'
            'sink = {type = "stdout"}\nfeatures.target = "m"'
        )

    with pytest.raises(ConfigError, match=r"source\.format\.descripter: .*did you mean"):
        table('{type = "protobuf", descripter = "x"}')
    with pytest.raises(ValueError, match="needs either"):
        messages(table('{type = "protobuf"}').source)
    made = messages(table('{type = "protobuf", registry = "http://r:1"}').source)
    assert made("t-0", [b"{}"], [0], [0], [None])[0].error.startswith("not in the registry's wire")
