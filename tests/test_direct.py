"""Plain questions are answered at once, and nobody can tell but by the time it takes."""

import asyncio
import json
from contextlib import asynccontextmanager
from functools import partial

import pytest
from average import Linear
from uvicorn.server import ServerState

from stream_rnn.config.schema import Http
from stream_rnn.features.rows import Rows
from stream_rnn.metrics import Metrics
from stream_rnn.service.task import Task
from stream_rnn.web import Site
from stream_rnn.web.answers import answer
from stream_rnn.web.asking import Asking
from stream_rnn.web.direct import MOST_BYTES
from stream_rnn.web.front import Plain
from stream_rnn.web.server import settings

SECRET = "0123456789abcdef"


class Predicting(Linear):
    """Answers, too."""

    def predict_one(self, x):
        return 3.0 * x["u"]


def asking(tmp_path, host="127.0.0.1", **more):
    """What answers, and a list of the questions that were answered at once."""
    (tmp_path / "token").write_text(SECRET)
    task, seen = Task(Predicting(), Rows("y")), []
    http = Http(predict=True, token_file=str(tmp_path / "token"), max_records=2, **more)

    def now(partition, records, asked):
        seen.append(records)
        return [answer(task, record, asked) for record in records], 60

    async def later(*question):
        found = now(*question)
        seen.pop()
        return found

    return Asking(Site(Metrics(), http, host), later, now), seen


@asynccontextmanager
async def served(made):
    """A connection to a server of it; other paths say what they heard."""

    async def app(scope, receive, send):
        if scope["path"] == "/predict":
            from starlette.requests import Request

            await (await made.predict(Request(scope, receive)))(scope, receive, send)
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message["body"], message["more_body"]
        text = b"%s %s %d" % (scope["method"].encode(), scope["path"].encode(), len(body))
        length = [(b"content-length", b"%d" % len(text))]
        await send({"type": "http.response.start", "status": 200, "headers": length})
        await send({"type": "http.response.body", "body": text})

    config, state = settings(app, {}), ServerState()
    config.load()
    state.default_headers = [(b"x-own", b"1")]
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        partial(Plain, made.at_once, config, state, {}), "127.0.0.1", 0
    )
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        try:
            async with asyncio.timeout(10):
                yield reader, writer
        finally:
            writer.close()
            for connection in list(state.connections):
                connection.transport.abort()
            await asyncio.sleep(0)


def request(body=b'{"record": {"u": 2}}', start="POST /predict HTTP/1.1", **headers):
    given = {"Host": "localhost", "Authorization": f"Bearer {SECRET}", **headers}
    given.setdefault("Content_Length", str(len(body)))
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in given.items() if value]
    return "\r\n".join([start, *lines, "", ""]).encode() + body


async def response(reader):
    """Status, headers and body."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
    headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return int(head[0].split()[1]), headers, body


RIGHT = {"learned": 60, "prediction": 6.0}


def test_the_answer_is_the_same_but_comes_at_once(tmp_path):
    made, seen = asking(tmp_path)

    async def ask():
        async with served(made) as (reader, writer):
            for size in (1000, 1, 7):  # bytes in a packet
                wire = request()
                for at in range(0, len(wire), size):
                    writer.write(wire[at : at + size])
                    await asyncio.sleep(0)
                direct = await response(reader)
                writer.write(request(Expect="100-continue"))
                assert (await response(reader))[0] == 100
                usual = await response(reader)
                assert direct == usual
                assert json.loads(direct[2]) == RIGHT
                assert direct[1]["x-own"] == "1"

    asyncio.run(ask())
    assert seen == [[{"u": 2}]] * 3


def test_answers_come_in_the_order_of_the_questions(tmp_path):
    made, seen = asking(tmp_path)

    async def ask():
        async with served(made) as (reader, writer):
            two = request(b'{"records": [{"u": 1}, {"u": 2}]}')
            other = request(b"abc", "PUT /other HTTP/1.1")
            writer.write(request() + two + other + request() + other + two)
            found = [(await response(reader))[2] for _ in range(6)]
        both = {"learned": 60, "answers": [{"prediction": 3.0}, {"prediction": 6.0}]}
        assert [json.loads(found[at]) for at in (0, 1, 3, 5)] == [RIGHT, both, RIGHT, both]
        assert found[2] == found[4] == b"PUT /other 3"

    asyncio.run(ask())
    assert seen[:2] == [[{"u": 2}], [{"u": 1}, {"u": 2}]]


CHUNKED = b'5\r\n{"rec\r\nf\r\nord": {"u": 2}}\r\n0\r\n\r\n'
LONG = b'{"record": {"u": 2}%s}' % (b" " * MOST_BYTES)


@pytest.mark.parametrize(
    ("wire", "status", "message"),
    [
        (request(Authorization="Bearer nonsense"), 401, "give the token"),
        (request(Authorization=None), 401, "give the token"),
        (request(b'{"record": {"u": 2}'), 400, "not JSON"),
        (request(b'{"record": {}, "horizon": 0}'), 400, "Expected int >= 1"),
        (request(b"{}"), 400, "give one of record and records"),
        (request(b'{"records": [{}, {}, {}]}'), 413, "3 records"),
        (request(b'{"record": {"u": 2}, "level": 0.5}' + b" " * 400), 413, "http.max_body_bytes"),
        (request(LONG), 413, "http.max_body_bytes"),
    ],
)
def test_what_is_wrong_goes_the_usual_way(tmp_path, wire, status, message):
    made, seen = asking(tmp_path, max_body_bytes=400)

    async def ask():
        async with served(made) as (reader, writer):
            writer.write(wire)
            found = await response(reader)
            assert found[0] == status
            assert message in json.loads(found[2])["error"]["message"]

    asyncio.run(ask())
    assert seen == []


def test_another_host_is_not_answered_at_once(tmp_path):
    headers = [(b"host", b"evil.example"), (b"authorization", f"Bearer {SECRET}".encode())]
    body = b'{"record": {"u": 2}}'
    assert asking(tmp_path)[0].at_once(headers, body) is None
    assert json.loads(asking(tmp_path, "0.0.0.0")[0].at_once(headers, body)) == RIGHT
    assert asking(tmp_path, "0.0.0.0")[0].at_once([*headers, headers[1]], body) is None


@pytest.mark.parametrize(
    "wire",
    [
        request(start="POST /predict HTTP/1.0"),
        request(Connection="close"),
        request(start="POST /predict?a=b HTTP/1.1"),
        request(LONG),
        request(Authorization=f"bearer  {SECRET}"),
    ],
)
def test_what_is_right_but_not_plain_goes_the_usual_way(tmp_path, wire):
    made, seen = asking(tmp_path)

    async def ask():
        async with served(made) as (reader, writer):
            writer.write(wire)
            status, _, body = await response(reader)
            assert (status, json.loads(body)) == (200, RIGHT)

    asyncio.run(ask())
    assert seen == []


def test_chunks_are_plain_too(tmp_path):
    made, seen = asking(tmp_path)

    async def ask():
        async with served(made) as (reader, writer):
            writer.write(
                request(CHUNKED, Content_Length=None, Transfer_Encoding="chunked") + request()
            )
            assert [json.loads((await response(reader))[2]) for _ in range(2)] == [RIGHT] * 2

    asyncio.run(ask())
    assert len(seen) == 2


def test_the_allowance_is_that_of_all_questions(tmp_path):
    made, _ = asking(tmp_path, max_requests=3)

    async def ask():
        async with served(made) as (reader, writer):
            writer.write(request() + request(b"{}") + request() + request() + request())
            return [(await response(reader))[0] for _ in range(5)]

    assert asyncio.run(ask()) == [200, 400, 200, 429, 429]
