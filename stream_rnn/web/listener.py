"""The socket that clients connect to: at most so many of them at once.

Descriptors are shared with the learner's files and brokers, so the number is bounded where a
connection is accepted, before TLS and before HTTP.
"""

import socket
import weakref
from typing import Any

from ..errors import ConfigError

BACKLOG = 128


class Listener(socket.socket):
    """A listening socket that turns away the connections beyond *most*.

    >>> listener = listen("127.0.0.1", 0, most=1)
    >>> clients = [socket.create_connection(listener.getsockname()) for _ in range(2)]
    >>> one, _ = listener.accept()
    >>> listener.accept()
    Traceback (most recent call last):
        ...
    ConnectionAbortedError: 1 connections are open
    >>> clients[1].recv(1)  # closed by the server
    b''
    >>> for end in (listener, one, *clients):
    ...     end.close()
    """

    most = 256

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._open: weakref.WeakSet[socket.socket] = weakref.WeakSet()

    def dup(self) -> "Listener":
        """Another descriptor of the same, with the same limit."""
        other = Listener(self.family, self.type, self.proto, socket.dup(self.fileno()))
        other.most = self.most
        return other

    def accept(self) -> Any:
        """A connection and its address; raises `ConnectionAbortedError` when there are too many.

        The event loop takes that for a client that has left already, and goes on.
        """
        connection, address = super().accept()
        for other in [other for other in self._open if other.fileno() < 0]:
            self._open.discard(other)
        if len(self._open) >= self.most:
            connection.close()
            raise ConnectionAbortedError(f"{len(self._open)} connections are open")
        self._open.add(connection)
        return connection, address


def listen(host: str, port: int, most: int) -> Listener:
    """A `Listener` at an address; port 0 takes a free one.  Raises `ConfigError`."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        # With its protocol named, the event loop sets TCP_NODELAY: else answers take 40 ms.
        listener = Listener(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(BACKLOG)
        except BaseException:
            listener.close()
            raise
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(
            f"metrics.host = {host!r}, metrics.port = {port}: cannot listen there "
            f"({reason}); choose another port, or 0 for any free one"
        ) from None
    listener.most = most
    return listener
