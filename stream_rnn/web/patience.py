"""HTTP with clients that may be slow, silent or hostile.

A request must be there in full, and an answer read, within `SECONDS`; a head has 16 KiB.
"""

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

SECONDS = 10.0
HEAD_BYTES = 16 << 10


class PatientProtocol(H11Protocol):
    """uvicorn's protocol with deadlines that start with the connection, not with the request."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._asking: asyncio.TimerHandle | None = None  # until a request is complete
        self._telling: asyncio.TimerHandle | None = None  # until the client has read on

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._asking = self.loop.call_later(SECONDS, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        self._asking = _cancelled(self._asking)
        self._telling = _cancelled(self._telling)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        is_long = len(data) > HEAD_BYTES and b"\r\n\r\n" not in data[:HEAD_BYTES]
        if is_long and self.conn.their_state is h11.IDLE:  # h11 bounds what comes in pieces only
            self.send_400_response("The head of the request is too long.")
            return
        super().data_received(data)
        if self.conn.their_state not in (h11.IDLE, h11.SEND_BODY):
            self._asking = _cancelled(self._asking)
        elif self._asking is None:
            self._asking = self.loop.call_later(SECONDS, self.transport.abort)

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
