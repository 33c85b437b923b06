"""The log of the command line: one event a line, few of a kind, nothing of the data."""

import json
import logging
import subprocess
import sys

import pytest

from stream_rnn.cli.logs import given, set_up
from stream_rnn.service.processes import worker_commands

PIPELINE = """
source = {type = "file", path = "in.jsonl"}
sink = {type = "file", path = "out.jsonl"}
features.target = "y"
metrics.enabled = false
run = {batch_records = 1, max_dead_letter_ratio = 1.0}
"""


@pytest.fixture
def logged(tmp_path):
    """What a run logs about 50 records that cannot be learned."""
    (tmp_path / "pipeline.toml").write_text(PIPELINE)
    record = json.dumps({"u": "secret\x1b[2J\nforged", "y": "wrong"})
    (tmp_path / "in.jsonl").write_text(f"{record}\n" * 50)

    def run(*options):
        command = [sys.executable, "-m", "stream_rnn", *options, "run", "pipeline.toml"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stderr.splitlines()

    return run


def test_json_lines_are_few_and_tell_no_values(logged):
    events = [json.loads(line) for line in logged("--log-format", "json")]
    refused = [event for event in events if "refused record" in event["message"]]
    assert len(refused) == 20
    assert refused[0]["level"] == "WARNING"
    assert not [event for event in events if "wrong" in json.dumps(event)]


def test_values_if_asked_with_control_characters_escaped(logged):
    lines = logged("--log-values")
    refused = [line for line in lines if "refused record" in line]
    assert len(refused) == 20
    assert "wrong" in refused[0] or "secret" in refused[0]
    assert "\x1b" not in "".join(lines)


def test_an_unknown_format_is_named():
    command = [sys.executable, "-m", "stream_rnn", "--log-format", "xml", "list"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert "--log-format xml: choose one of console, json" in done.stderr


def test_workers_log_as_the_one_that_starts_them(monkeypatch):
    monkeypatch.setattr("stream_rnn.cli.logs._given", [])
    monkeypatch.setattr("logging.basicConfig", lambda **_: None)
    monkeypatch.setattr("logging.Logger.setLevel", lambda *_: None)
    set_up(logging.WARNING, "json", True)
    words = worker_commands(2, "p.toml", [], 0, None, given())[1][3:]
    assert words[:5] == ["--log-format", "json", "--log-values", "--quiet", "run"]
