"""Clients that mean no good, in a process of their own: ``python hostile.py KIND PORT COUNT``.

Prints one line when they are all there, and stays until its standard input is closed.  Kinds:
idle; slow, a head byte by byte; deaf, asks and does not read; wrong, one malformed or oversized
request after the other.
"""

import contextlib
import resource
import socket
import sys
import threading
import time

WRONG = (
    b"\x16\x03\x01\x00\xff" * 20,
    b"GET /metrics HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
    b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999\r\n\r\n",
    b'POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n{"record"',
)


def send(port, data):
    """A request of which the answer is not waited for long."""
    with (
        contextlib.suppress(OSError),
        socket.create_connection(("127.0.0.1", port), timeout=0.2) as client,
    ):
        client.sendall(data)
        client.recv(4096)


def main(kind, port, count):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, count + 200), hard))
    clients = []
    for _ in range(count):
        client = socket.create_connection(("127.0.0.1", port), timeout=5)
        clients.append(client)
        with contextlib.suppress(OSError):
            if kind == "slow":
                client.sendall(b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
            elif kind == "deaf":  # asks, and does not read
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
                client.sendall(b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 50)
    print("there", flush=True)
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    while not ended.wait(0.1):
        if kind == "wrong":
            for shape in WRONG:
                send(port, shape)
        for client in clients if kind == "slow" else ():
            with contextlib.suppress(OSError):
                client.send(b"x")
    time.sleep(0)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
