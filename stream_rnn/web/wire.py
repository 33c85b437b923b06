"""How the server's process talks with the learner's: calls over pairs of connected sockets.

One socket is between the two from the beginning, the line.  For a call the server's process makes
a new pair and passes one end over the line; messages are msgpack, each with its length before it.
A call that is over is a socket that is closed, and so is a process that has ended: neither waits
for the other's timeout.  Over the line itself go one-word messages, such as what is to be logged.
"""

import asyncio
import socket
import struct
from typing import Any

import msgspec

LINE = getattr(socket, "SOCK_SEQPACKET", None)  # keeps messages apart and knows its end
MOST = 65_536  # bytes of a message over the line
_LENGTH = struct.Struct(">Q")
_ENCODER = msgspec.msgpack.Encoder()

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
CALL, READY, LOG = b"c", b"r", b"l"  # the first byte of a message over the line


def line() -> tuple[socket.socket, socket.socket]:
    """Both ends of a line; raises `OSError` where the system has none."""
    if LINE is None:
        raise OSError("no sockets that keep messages apart")
    return socket.socketpair(socket.AF_UNIX, LINE)


async def call(end: socket.socket, message: dict[str, Any]) -> Streams:
    """A new pair, one end of it passed over the line, and the first message said."""
    ours, theirs = socket.socketpair()
    with theirs:
        socket.send_fds(end, [CALL], [theirs.fileno()])
    streams = await asyncio.open_connection(sock=ours)
    say(streams[1], message)
    return streams


async def called(descriptor: int) -> Streams:
    """The other end of a call."""
    return await asyncio.open_connection(sock=socket.socket(fileno=descriptor))


def say(writer: asyncio.StreamWriter, message: dict[str, Any]) -> None:
    """Write a message; await ``writer.drain()`` before many."""
    body = _ENCODER.encode(message)
    writer.write(_LENGTH.pack(len(body)))
    writer.write(body)


async def hear(reader: asyncio.StreamReader) -> dict[str, Any] | None:
    """The next message; None when the other side has closed."""
    try:
        (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
        found: dict[str, Any] = msgspec.msgpack.decode(await reader.readexactly(length))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    return found
