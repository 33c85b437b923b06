"""kill -9 whatever records and results are written as: Avro, Protobuf, CSV."""

import io
import json
import struct

import fastavro
import pytest
from google.protobuf import descriptor_pb2, text_format
from kafka_chaos import Job
from registry_server import Server
from test_kill import PIPELINE, finish, kill, left_behind, start, write_stream
from test_kills import kill_again_and_again

from connectors.protobuf.descriptors import Types
from stream_rnn.assembly.parts import messages
from stream_rnn.assembly.results import result_schema
from stream_rnn.config import load

FIELDS = ("ordinal_date", "gallup", "ipsos", "morning_consult", "rasmussen", "you_gov", "approval")
GARBAGE = b"\x00\x00\x00\x00\x63garbage"  # schema 99, which nobody knows
POLL = {
    "type": "record",
    "name": "Poll",
    "fields": [{"name": name, "type": ["null", "double"], "default": None} for name in FIELDS],
}
PROTO = """syntax: "proto3" message_type {{name: "Poll" {}}}""".format(
    " ".join(
        f'field {{name: "{name}" number: {n} type: TYPE_DOUBLE label: LABEL_OPTIONAL}}'
        for n, name in enumerate(FIELDS, 1)
    )
)


def poll_file():
    made = text_format.Parse(PROTO, descriptor_pb2.FileDescriptorProto())
    made.name = "poll.proto"
    return made


def as_avro(row, schema, front=b""):
    stream = io.BytesIO(front)
    stream.seek(len(front))
    fastavro.schemaless_writer(stream, schema, row)
    return stream.getvalue()


def avro(server, folder):
    """The source's format, what encodes a row, and the sink's format: with a registry."""
    server.add(7, POLL)
    schema = fastavro.parse_schema(POLL)
    told = f'{{type = "avro", registry = "{server.url}"}}'
    return told, lambda row: as_avro(row, schema, struct.pack(">bI", 0, 7)), told


def bare_avro(server, folder):
    """Without one, from a schema file; garbage is too short for a record."""
    (folder / "poll.avsc").write_text(json.dumps(POLL))
    schema = fastavro.parse_schema(POLL)
    told = f'{{type = "avro", schema = "{folder}/poll.avsc"}}'
    return told, lambda row: as_avro(row, schema), '{type = "avro"}'


def protobuf(server, folder):
    """From a descriptor file; results are JSON."""
    files = descriptor_pb2.FileDescriptorSet(file=[poll_file()])
    (folder / "poll.desc").write_bytes(files.SerializeToString())
    made = Types([poll_file()]).by_name("Poll")
    told = f'{{type = "protobuf", descriptor = "{folder}/poll.desc"}}'
    return told, lambda row: made(**row).SerializeToString(), '{type = "json"}'


class FormatJob(Job):
    """Messages and results of a format; every hundredth message is garbage."""

    def __init__(self, topics, folder, source, encode, sink):
        super().__init__(topics, folder, partitions=2, batch=300, every=700)
        self.encode = encode
        text = self.config.read_text()
        text = text.replace("[source]", f"[source]\nformat = {source}")
        self.config.write_text(text.replace("[sink]", f"[sink]\nformat = {sink}"))
        self.is_avro = "avro" in sink
        self.front = 5 * ("registry" in sink)
        self.schema = fastavro.parse_schema(result_schema(load(self.config)))

    def shares(self, count):
        return [
            [
                GARBAGE if n % 100 == 99 else self.encode(json.loads(message))
                for n, message in enumerate(share)
            ]
            for share in super().shares(count)
        ]

    def decoder(self):
        return messages(load(self.config).source)

    def result(self, value):
        if not self.is_avro:
            return json.loads(value)
        stream = io.BytesIO(value[self.front :])
        found = fastavro.schemaless_reader(stream, self.schema, None)
        assert not stream.read()
        return {name: field for name, field in found.items() if field is not None}


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("form", [avro, bare_avro, protobuf])
def test_a_few_kills_of_every_format(topics, tmp_path, form):
    server = Server()
    try:
        job = FormatJob(topics, tmp_path, *form(server, tmp_path))
        job.fill(5000)
        kill_again_and_again(job, 4, seed=3)
        job.verify()
    finally:
        server.end()
    letters = [record for records in topics.read(job.dead).values() for record in records]
    assert {record.value for record in letters} == {GARBAGE}
    assert len(letters) == 50


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("out", ["out.csv", "out.avro"])
def test_a_few_kills_of_every_file(tmp_path, out):
    peace, war = tmp_path / "peace", tmp_path / "war"
    for folder in (peace, war):
        folder.mkdir()
        (folder / "pipeline.toml").write_text(PIPELINE.replace("out.jsonl", out))
        write_stream(folder / "in.csv")
    finish(start(peace))
    expected = left_behind(peace, out)
    kill(war, len(expected[0][0]), 6, out)
    finish(start(war))
    assert left_behind(war, out) == expected
