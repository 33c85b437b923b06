"""HTTP with clients that may be slow, silent or hostile.

A request must be there in full, and an answer read, within `SECONDS`; a head, or what else is
sent around a body, has `HEAD_BYTES`.  The parser is httptools, llhttp in C: with one in Python a
question beside a learner took half a millisecond more.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

SECONDS = 10.0
HEAD_BYTES = 16 << 10
AROUND_BODY = 8  # bytes of chunk sizes for each byte of the body: one by one they take 6


class BadRequest(ValueError):
    """Raised in a callback of the parser, which then refuses the request."""


class PatientProtocol(HttpToolsProtocol):
    """uvicorn's protocol with deadlines that start with the connection, not with the request."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._asking: asyncio.TimerHandle | None = None  # until a request is complete
        self._is_complete = False  # the last request: nothing has come after it
        self._telling: asyncio.TimerHandle | None = None  # until the client has read on
        self._around = self._inside = 0  # bytes of this request: of all but the body, of the body

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._await_request()

    def connection_lost(self, exc: Exception | None) -> None:
        self._asking = _cancelled(self._asking)
        self._telling = _cancelled(self._telling)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return  # what comes after a refusal
        self._around += len(data)
        self._is_complete = False
        super().data_received(data)
        if not self._is_complete:
            self._await_request()
        if self._around > HEAD_BYTES + AROUND_BODY * self._inside:
            self._refuse("The head of the request is too long.")

    def on_message_begin(self) -> None:
        self._is_complete = False
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        hosts = sum(name == b"host" for name, _ in self.headers)
        if (
            size > HEAD_BYTES
            or hosts > 1
            or (not hosts and self.parser.get_http_version() != "1.0")
        ):
            raise BadRequest
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._around -= len(body)
        self._inside += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._is_complete = True  # and it needs no timer if it came in one piece
        self._asking = _cancelled(self._asking)
        self._around = self._inside = 0
        super().on_message_complete()

    def _await_request(self) -> None:
        if self._asking is None:
            self._asking = self.loop.call_later(SECONDS, self.transport.abort)

    def _refuse(self, message: str) -> None:
        if not self.transport.is_closing():
            self.send_400_response(message)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._telling is None:
            self._telling = self.loop.call_later(SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        self._telling = _cancelled(self._telling)
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        if self.transport.get_write_buffer_size():  # of one who does not read
            self.transport.abort()
        else:
            super().timeout_keep_alive_handler()


def _cancelled(timer: asyncio.TimerHandle | None) -> asyncio.TimerHandle | None:
    """None, in the place of a timer that is not needed any more."""
    if timer is not None:
        timer.cancel()
    return None
