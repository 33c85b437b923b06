"""A schema registry for tests."""

import http.server
import json
import threading

FIRST = 100  # the number of the first schema that is registered


class Server(http.server.ThreadingHTTPServer):
    """The part of a schema registry that is used; it can fail on demand."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, dict | bytes | int] = {}
        self.asked: list[str] = []
        self.headers: list = []
        self.subjects: dict[str, list[str]] = {}  # schemas by subject
        self.rejected = ""  # why schemas are not taken
        self.status = 0  # of every answer, unless 0
        self.failures = 0  # of the next requests, with status 503
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def add(self, number, schema, **more):
        self.answers[f"/schemas/ids/{number}"] = {"schema": json.dumps(schema), **more}

    def end(self):
        if self.thread.is_alive():
            self.shutdown()
            self.server_close()
            self.thread.join()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        """Register under /subjects/S/versions, look up under /subjects/S."""
        server, parts = self.server, self.path.split("/")
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        known = server.subjects.setdefault(parts[2], [])
        answer: object = 404
        if server.rejected:
            answer = 409
        elif parts[3:] == ["versions"] or body["schema"] in known:
            if body["schema"] not in known:
                known.append(body["schema"])
                number = FIRST + sum(map(len, server.subjects.values())) - 1
                server.add(number, json.loads(body["schema"]))
            found = {"schema": body["schema"]}
            [number] = [n for n in server.answers if server.answers[n] == found]
            answer = {"id": int(number.rpartition("/")[2])}
        self.answer(answer)

    def do_GET(self):
        self.answer(self.server.answers.get(self.path, 404))

    def answer(self, answer):
        server = self.server
        server.asked.append(self.path)
        server.headers.append(self.headers)
        if server.failures:
            server.failures -= 1
            answer = 503
        answer = server.status or answer
        status = answer if isinstance(answer, int) else 200
        body = {"message": server.rejected} if status == 409 else answer
        data = answer if isinstance(answer, bytes) else json.dumps(body).encode()
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "http://127.0.0.1:9/")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass
