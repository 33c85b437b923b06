"""Plain questions, answered as soon as they are there.

A question costs a small model 15 microseconds, and ten times that what a server does around it: a
task, ASGI's messages, a router, objects for what goes in and comes out.  Where the processor's
caches are cold, because others compute meanwhile, each is four times slower still.  So what is
plain is answered without them.  All else, and all that is wrong, goes the usual way, as if there
were no other.
"""

from collections.abc import Callable, Sequence

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

Headers = Sequence[tuple[bytes, bytes]]
AtOnce = Callable[[Headers, bytes], bytes | None]  # the answer, as JSON

PATH = b"/predict"
MOST_BYTES = 16 << 10  # of the body of a plain question


class Direct(HttpToolsProtocol):
    """A layer of uvicorn's protocol, below the one with the limits.

    ``at_once`` answers a ``POST`` to `PATH` from its headers and body, or says None.
    """

    at_once: AtOnce | None = None
    _body: bytearray | None = None  # of a request that may be plain

    def on_headers_complete(self) -> None:
        if self._may_be_plain():
            self._body = bytearray()
        else:
            self._begin()

    def on_body(self, body: bytes) -> None:
        if self._body is None:
            super().on_body(body)
            return
        self._body += body
        if len(self._body) > MOST_BYTES:
            self._go_the_usual_way()

    def on_message_complete(self) -> None:
        if self._body is not None:
            if self._is_answered(bytes(self._body)):
                self._body = None
                return
            self._go_the_usual_way()
        super().on_message_complete()

    def _may_be_plain(self) -> bool:
        return (
            self.at_once is not None
            and self.url == PATH
            and self.parser.get_method() == b"POST"
            and self.parser.get_http_version() == "1.1"
            and self.parser.should_keep_alive()
            and not self.parser.should_upgrade()
            and not self.expect_100_continue
            and (self.cycle is None or self.cycle.response_complete)  # else it has to wait
        )

    def _is_answered(self, body: bytes) -> bool:
        if self.at_once is None or self.transport.is_closing() or self.flow.write_paused:
            return False
        if (found := self.at_once(self.headers, body)) is None:
            return False
        content = [STATUS_LINE[200]]
        for name, value in self.server_state.default_headers:
            content += (name, b": ", value, b"\r\n")
        content.append(b"content-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(found))
        content.append(found)
        self.transport.write(b"".join(content))
        self.on_response_complete()
        return True

    def _go_the_usual_way(self) -> None:
        """Say again what has been heard of the request."""
        body, self._body = self._body, None
        self._begin()
        if body:
            super().on_body(bytes(body))

    def _begin(self) -> None:
        self._unset_keepalive_if_required()  # set by an answer to what came just before
        super().on_headers_complete()
