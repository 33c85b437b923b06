"""The HTTP server: paths, health and readiness, TLS, and what it does not answer."""

import io
import json
import re
import ssl
import subprocess
import urllib.error
import urllib.request

import pytest
from average import Linear
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console
from typer.testing import CliRunner

from connectors.memory import MemorySink, MemorySource
from stream_rnn.cli import top
from stream_rnn.cli.app import app
from stream_rnn.config.schema import Http
from stream_rnn.errors import ConfigError
from stream_rnn.features.rows import Rows
from stream_rnn.metrics import Metrics
from stream_rnn.service.pipeline import Pipeline
from stream_rnn.service.task import Task
from stream_rnn.web import Site, serve
from stream_rnn.web.asked import Answer


class Dependency:
    """As connectors report of what they depend on."""

    def __init__(self, name, address):
        self.name, self.address, self.state, self.reason = name, address, "connecting", ""

    def down(self, reason):
        self.state, self.reason = "down", reason

    def up(self):
        self.state, self.reason = "up", ""

    def status(self):
        return self


def get(url, **options):
    with urllib.request.urlopen(url, timeout=5, **options) as response:
        return response.read().decode()


def status(url):
    """The status and the body of an answer, whatever it is."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


@pytest.fixture
def served():
    site = Site(Metrics(), Http(most_behind=100))
    server = serve(site, port=0)
    yield site, server
    server.close()


def test_served_on_the_loopback_only_until_closed():
    server = serve(Site(Metrics()), port=0)
    try:
        assert server.host == "127.0.0.1"
        assert server.url.startswith("http://127.0.0.1:")
        assert "stream_rnn_records_consumed_total 0.0" in get(server.url)
        with pytest.raises(ConfigError, match=r"metrics\.port = .*choose another port"):
            serve(Site(Metrics()), port=server.port)
    finally:
        server.close()
    with pytest.raises(urllib.error.URLError):
        get(server.url)


def test_the_exposition_is_what_was_asked_for(served):
    _, server = served
    openmetrics = urllib.request.Request(
        server.url, headers={"Accept": "application/openmetrics-text; version=1.0.0"}
    )
    assert get(openmetrics).endswith("# EOF\n")
    assert list(text_string_to_metric_families(get(server.url)))


def test_any_other_path_or_method_is_refused(served):
    _, server = served
    assert status(server.root + "metricsx")[0] == 404
    assert status(server.root + "../etc/passwd")[0] == 404
    assert status(urllib.request.Request(server.url, b"x", method="POST"))[0] == 405


def test_ready_once_it_runs_and_until_it_ends(served):
    site, server = served
    ready = server.root + "readyz"
    assert status(ready) == (503, {"ready": False, "reasons": ["the service is starting"]})
    seen = []

    class Asking(Linear):
        def stream(self, xs, ys):
            seen.append(status(ready))
            return super().stream(xs, ys)

    class Source(MemorySource):
        def next_batch(self, most, timeout):
            if seen:
                seen.append(status(ready))
            return super().next_batch(1, timeout)

    line = Pipeline(
        Source([{"u": 1.0, "y": 1.0}] * 2),
        Task(Asking(), Rows("y")),
        MemorySink(),
        observers=site.observers,
    )
    line.run()
    assert (503, {"ready": False, "reasons": ["the model is being compiled"]}) in seen
    assert (200, {"ready": True, "reasons": []}) in seen
    assert status(ready)[1]["reasons"] == ["the service is stopped"]
    assert status(server.root + "healthz") == (200, {"alive": True})
    site.ready.state("failed")
    assert status(server.root + "healthz")[0] == 503


def test_not_ready_while_behind_or_without_what_it_depends_on(served):
    site, server = served

    class Kafka(MemorySource):
        lag = 101.0

        def metrics(self):
            yield "consumer_lag_records", {"topic": "t", "partition": "0"}, self.lag

    source, broker = Kafka([]), Dependency("source", "b:9092")
    broker.down("connection refused")
    line = Pipeline(source, Task(Linear(), Rows("y")), MemorySink(), observers=site.observers)
    site.ready.statuses = lambda: [broker.status()]
    site.ready.state("running")
    site.ready.batch(line, None)
    assert status(server.root + "readyz")[1]["reasons"] == [
        "source (b:9092) is down: connection refused",
        "101 records behind, more than http.most_behind = 100",
    ]
    source.lag = 100.0
    broker.up()
    site.ready.batch(line, None)
    assert status(server.root + "readyz")[0] == 200
    site.ready.rebalance(0)
    assert status(server.root + "readyz")[1]["reasons"] == ["no partition is assigned"]


@pytest.fixture
def certificate(tmp_path):
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1"
    files = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)]
    subprocess.run([*command.split(), *files], check=True, capture_output=True)
    return str(cert), str(key)


def test_tls(certificate):
    cert, key = certificate
    server = serve(Site(Metrics()), port=0, certfile=cert, keyfile=key)
    try:
        assert server.url.startswith("https://")
        trusted = ssl.create_default_context(cafile=cert)
        assert "stream_rnn_state" in get(server.url, context=trusted)
    finally:
        server.close()


def test_client_certificates(certificate):
    cert, key = certificate
    server = serve(Site(Metrics()), port=0, certfile=cert, keyfile=key, client_cafile=cert)
    try:
        context = ssl.create_default_context(cafile=cert)
        with pytest.raises((OSError, urllib.error.URLError)):
            get(server.url, context=context)
        context.load_cert_chain(cert, key)
        assert "stream_rnn_state" in get(server.url, context=context)
    finally:
        server.close()


def test_tls_options_that_cannot_work(tmp_path, certificate):
    cert, _ = certificate
    with pytest.raises(ConfigError, match=r"metrics\.certfile = .*no such file"):
        serve(Site(Metrics()), port=0, certfile=str(tmp_path / "none.pem"))
    with pytest.raises(ConfigError, match=r"needs metrics\.certfile"):
        serve(Site(Metrics()), port=0, client_cafile=__file__)
    with pytest.raises(ConfigError, match=r"metrics\.certfile = .*not usable"):
        serve(Site(Metrics()), port=0, certfile=cert, keyfile=__file__)


def test_top_shows_what_the_page_shows(served):
    site, server = served
    rows = [{"u": 1.0, "y": float(t % 3)} for t in range(40)]
    Pipeline(
        MemorySource(rows), Task(Linear(), Rows("y")), MemorySink(), observers=site.observers
    ).run()
    shown = CliRunner().invoke(app, ["top", server.root, "--once"])
    assert shown.exit_code == 0, shown.output
    for text in ("40 records, 0 refused", "not ready: the service is stopped", "mean error"):
        assert text in shown.output
    with pytest.raises(OSError, match="404"):
        CliRunner().invoke(app, ["top", server.root + "x", "--once"], catch_exceptions=False)
    with pytest.raises(ConfigError, match="URL"):
        CliRunner().invoke(app, ["top", "taxi", "--once"], catch_exceptions=False)


def test_top_shows_what_was_found_out_in_80_columns():
    found = {
        "members": {"a tree of windows": 0.25, "LSTM(16)": 0.75},
        "series": [{"name": "", "season": 24, "experts": {"seasonal": 1.0}}],
        "sensitivities": [{"name": "", "features": [["wind", 0.1, -2.5], ["[red]x", 0.0, 1.25]]}],
    }
    learner = {"totals": {"consumed": 1, "refused": 0}, "worst": [], **found}
    learner["history"] = {"update": [float(t) for t in range(60)]}
    state = {"name": "load", "part": "", "parts": [], "state": "running", "reasons": []}
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(top.view(state | {"learner": learner}, console.width))
    lines = console.export_text().splitlines()
    assert max(map(len, lines)) <= 80
    text = "\n".join(lines)
    for words in ("experts, a season of 24", "a tree of win…", "[red]x", "-2.5   ████████"):
        assert words in text
    assert text.index("LSTM(16)") < text.index("a tree")
    assert any(line.rstrip().endswith("█") and "59" in line for line in lines), "the newest"


def test_what_is_answered_is_described(tmp_path):
    secret = tmp_path / "token"
    secret.write_text("0123456789abcdef")
    http = Http(predict=True, checkpoint=True, token_file=str(secret))
    server = serve(Site(Metrics(), http, make=lambda: Task(Linear(), Rows("y"))), port=0)
    try:
        found = json.loads(get(server.root + "openapi.json"))
    finally:
        server.close()
    assert set(found["paths"]) == {
        *("/healthz", "/readyz", "/metrics", "/openapi.json", "/predict", "/checkpoint"),
    }
    question = found["components"]["schemas"]["Question"]["properties"]
    assert question["horizon"]["maximum"] == 1000
    named = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(found)))
    assert named <= set(found["components"]["schemas"])
    assert Answer.__struct_fields__[0] == "learned"
