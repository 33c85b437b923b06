"""Garbage in the topic: no crash, every bad record a dead letter, every good one learned."""

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kafka_chaos import Job
from kafka_kinds import KINDS

from connectors.kafka.records import JsonMessages
from stream_rnn.assembly.parts import task
from stream_rnn.config import parse


def spoiled(message: bytes, rng: random.Random) -> bytes | None:
    """*message* changed so that it cannot be learned."""
    if rng.random() < 0.5:
        return broken(message, rng)
    row = json.loads(message)
    name = rng.choice([name for name, value in row.items() if not isinstance(value, str)])
    match rng.randrange(7):
        case 0:
            return json.dumps({**row, name: rng.choice([float("inf"), float("-inf")])}).encode()
        case 1:
            row.pop("approval")
            return json.dumps(row).encode()
        case 2:
            return json.dumps({**row, "approval": rng.choice(["high", [1], {"a": 1}])}).encode()
        case 3:
            deep = rng.randrange(20, 5000)
            return b'{"approval": ' + b"[" * deep + b"]" * deep + b"}"
        case 4:
            return message.replace(b'"approval', b'"\xff\xfeapproval')
        case 5:  # the schema has changed; a column that a key has not seen yet may hold words
            name = "approval" if "place" in row else name
            return json.dumps({**row, name: f"about {row[name]}"}).encode()
        case _:
            return b'{"approval": 1' + b"0" * rng.randrange(400, 900) + b"}"


def broken(message: bytes, rng: random.Random) -> bytes | None:
    """*message* changed so that nothing can be read in it."""
    match rng.randrange(6):
        case 0:
            return None
        case 1:
            return message[: rng.randrange(len(message) - 1)]
        case 2:
            return message + rng.choice([b"}", b"x", b"{}", b"\xff"])
        case 3:
            return message.replace(b":", rng.choice([b"", b";", b"\x00"]), 1)
        case 4:
            return json.dumps(list(json.loads(message).values())).encode()
        case _:
            return json.dumps({**json.loads(message), "text": "x" * 4000}).encode()


def mutated(message: bytes, rng: random.Random) -> bytes:
    """*message* with a few bytes changed, lost or added; it may still be good."""
    data = bytearray(message)
    for _ in range(rng.randrange(1, 4)):
        place = rng.randrange(len(data))
        match rng.randrange(3):
            case 0:
                data[place] = rng.randrange(256)
            case 1:
                del data[place]
            case _:
                data.insert(place, rng.randrange(256))
    return bytes(data)


def fuzz(topics, folder, count: int, seed: int, kind: str = "regressor") -> None:
    rng = random.Random(seed)
    job = Job(topics, folder, batch=500, every=10_000, kind=kind)
    text = job.config.read_text()
    job.config.write_text(text.replace("[source]", "[source]\nmax_record_bytes = 2000"))
    values, sure = [], {}
    wrong = broken if kind in ("late", "text") else spoiled
    for n, message in enumerate(job.kind.messages(count, 0)):
        fate = rng.choice(("good", "spoiled", "mutated"))
        if message is None:  # it deletes a key
            values.append(None)
            continue
        sure[n] = {"good": True, "spoiled": False}.get(fate)
        change = {"good": lambda m, _: m, "spoiled": wrong, "mutated": mutated}[fate]
        values.append(change(message, rng))
    job.max_record_bytes = 2000
    job.send(0, values)
    with job.service() as service:
        assert service.wait(250) == 0, service.log
    job.verify()
    if kind == "late":  # a label is no result, nor is one whose record was spoiled
        return
    learned = {json.loads(record.value)["offset"] for record in topics.read(job.out)[0]}
    letters = {}
    for record in topics.read(job.dead)[0]:
        headers = dict(record.headers)
        letters[int(headers["offset"])] = record.value, headers
    assert learned.isdisjoint(letters)
    assert len(learned) + len(letters) == count - values.count(None)  # tombstones are neither
    for n, good in sure.items():
        assert good is None or (n in learned) == good, (n, values[n])
    for n, (value, headers) in letters.items():
        assert value == (values[n] or b"")
        assert headers["topic"] == job.topic.encode()
        assert headers.keys() >= {"partition", "timestamp", "stage", "reason", "error", "version"}


@pytest.mark.slow
@pytest.mark.timeout(280)
@pytest.mark.parametrize("kind", KINDS)
def test_some_garbage(topics, tmp_path, kind):
    fuzz(topics, tmp_path, 5000, seed=5, kind=kind)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_hundred_thousand_records_of_garbage(topics, tmp_path):
    fuzz(topics, tmp_path, 150_000, seed=6)


CONFIG = """
source = {type = "stdin"}
sink = {type = "stdout"}
features = {target = "y"}
"""
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner)
)
names = st.sampled_from(["y", "a", "b"]) | st.text(max_size=3)
records = st.dictionaries(names, values, max_size=4).map(lambda r: json.dumps(r).encode())


@settings(max_examples=30, deadline=None)
@given(st.lists(st.binary(max_size=30) | records | st.none(), max_size=8))
def test_any_bytes_are_a_result_or_a_dead_letter(raws):
    learner = task(parse(CONFIG))
    count = len(raws)
    decoded = JsonMessages()("t-0", raws, range(count), [0] * count, [None] * count)
    outcome = learner.learn(decoded)
    assert len(decoded) == count
    assert outcome.passed == raws.count(None)
    assert len(outcome.rows) + len(outcome.refused) + outcome.passed == count
    json.dumps(outcome.rows, allow_nan=False)
