"""A request that one process has taken and the application of another answers.

What goes between the two are ASGI's own messages (https://asgi.readthedocs.io/en/latest/specs), so
that the application knows nothing of it, and a stream of events is as good as a page.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any

from .wire import Streams, call, hear, say

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

PIECE = 1 << 16  # bytes
SENT = (
    *("type", "asgi", "http_version", "method", "scheme", "path", "raw_path", "query_string"),
    *("root_path", "headers", "client", "server"),
)  # what of a request an application may look at


class Relay:
    """An ASGI application whose answers come over the line."""

    def __init__(self, line: socket.socket):
        self.line = line

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = {name: scope[name] for name in SENT if name in scope}
        reader, writer = await call(self.line, {"call": "http", "scope": request})
        up = asyncio.create_task(_upward(receive, writer))
        try:
            while (message := await hear(reader)) is not None:
                await send(message)
                if message["type"] == "http.response.body" and not message.get("more_body"):
                    return
        finally:
            up.cancel()
            writer.close()


async def _upward(receive: Receive, writer: asyncio.StreamWriter) -> None:
    """What the client says, until it has gone."""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            writer.close()
            return
        say(writer, dict(message))
        await writer.drain()


async def answer(application: Application, scope: Message, streams: Streams) -> None:
    """Let *application* answer the request at the other end of *streams*."""
    reader, writer = streams

    async def receive() -> Message:
        return await hear(reader) or {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        with suppress(ConnectionError):  # the client has gone: nobody hears it, as ASGI has it
            say(writer, dict(message))
            await writer.drain()

    await application(scope, receive, send)
    if writer.is_closing():
        return
    # What was said and not heard would end the connection before the answer is read.
    writer.write_eof()
    while await reader.read(PIECE):
        pass
