"""The demo: the real pipeline on a real stream, in a terminal and without one."""

import io
import json
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from rich.console import Console
from rich.text import Text

from stream_rnn.cli.demo.chart import chart
from stream_rnn.cli.demo.display import LiveView, Progress
from stream_rnn.cli.demo.replay import Replay
from stream_rnn.cli.demo.show import MADE, configuration, demo, prepare
from stream_rnn.errors import ConfigError
from stream_rnn.service.outcome import Outcome


def plain(width=100):
    return Console(file=io.StringIO(), width=width, highlight=False)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A demo that ran through, without a terminal."""
    folder, console = tmp_path_factory.mktemp("demo") / "out", plain()
    progress = demo(folder, port=0, seconds=1.0, console=console)
    return folder, progress, console.file.getvalue()


def test_it_learns_beyond_the_last_value(finished):
    _, progress, _ = finished
    model, last = progress.rolling()
    assert model < 0.6 * last
    scores = {s.name: s.score().values["MAE"] for s in progress.judge.scorers}
    assert scores["LSTM"] < 0.7 * min(mae for name, mae in scores.items() if name != "LSTM")


def test_it_writes_predictions_made_before_the_truth_and_a_checkpoint(finished):
    folder, progress, _ = finished
    rows = [json.loads(line) for line in (folder / "predictions.jsonl").read_text().splitlines()]
    truth = [line.split(",") for line in (folder / "passengers.csv").read_text().splitlines()[1:]]
    assert [(row["month"], str(row["target"])) for row in rows] == [tuple(line) for line in truth]
    assert len(rows) == progress.total == 144
    assert rows[0]["prediction"] == 0.0  # nothing was learned yet
    assert list((folder / "checkpoints").glob("checkpoint-*.safetensors"))
    assert {path.name for path in folder.iterdir()} <= set(MADE)


def test_plain_lines_tell_the_errors_and_what_comes_next(finished):
    folder, _, text = finished
    assert "\x1b" not in text
    assert re.search(r"metrics +http://127\.0\.0\.1:\d+/metrics", text)
    assert "144 of 144 records" in text
    assert "the same errors to the last bit" in text
    assert f"stream-rnn inspect {folder / 'checkpoints'}" in text
    for name in ("LSTM", "last value", "running mean", "value 12 before"):
        assert f"│ {name} " in text


def test_its_configuration_is_the_one_that_run_takes(finished):
    from stream_rnn.config import load

    folder, *_ = finished
    assert load(folder / "pipeline.toml").features == configuration(folder).features
    assert configuration(folder).source.path == str(folder / "passengers.csv")


def test_a_folder_with_other_things_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("precious")
    (tmp_path / "predictions.jsonl").write_text("precious too")
    with pytest.raises(ConfigError, match=r"holds thesis\.tex, which the demo did not make"):
        prepare(tmp_path)
    assert (tmp_path / "predictions.jsonl").read_text() == "precious too"
    with pytest.raises(ConfigError, match="is a file"):
        prepare(tmp_path / "thesis.tex")


def test_an_earlier_demo_is_replaced(tmp_path):
    assert prepare(tmp_path) == 144
    (tmp_path / "predictions.jsonl").write_text("old")
    (tmp_path / "checkpoints").mkdir()
    assert prepare(tmp_path) == 144
    assert {path.name for path in tmp_path.iterdir()} == {"passengers.csv", "pipeline.toml"}


def test_in_a_process_it_serves_metrics_and_drains_on_a_signal(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        program = (
            f"from stream_rnn.cli.demo.show import demo; demo('out', port={port}, seconds=100.0)"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", program], cwd=tmp_path, stdout=subprocess.PIPE, text=True
        )
        try:
            lines = iter(process.stdout.readline, "")
            heading = next(line for line in lines if line.startswith("metrics"))
            assert f"(port {port} is taken)" in heading
            url = re.search(r"http://127\.0\.0\.1:\d+/metrics", heading)[0]
            assert next(line for line in lines if "12 of 144 records" in line)
            with urllib.request.urlopen(url) as answer:
                text = answer.read().decode()
            assert float(re.search(r"_records_predicted_total ([\d.]+)", text)[1]) >= 12
            process.send_signal(signal.SIGTERM)
            rest = process.stdout.read()
            assert process.wait(timeout=60) == 0
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
    assert "records, from the first one on" in rest
    rows = (tmp_path / "out" / "predictions.jsonl").read_text().splitlines()
    assert 12 <= len(rows) < 144
    assert all(json.loads(row)["month"] for row in rows)


# The pieces of the display.


def outcome(values, predictions):
    rows = [{"prediction": p, "target": y, "month": "m"} for y, p in zip(values, predictions)]
    counts = {"consumed": len(rows), "predicted": len(rows), "learned": len(rows), "refused": 0}
    return Outcome(rows, [], counts, {}, 0.001, [])


class Pipeline:
    """As much of a pipeline as an observer looks at."""

    class ledger:
        class task:
            estimator = None


def test_live_view_shows_chart_errors_and_address():
    progress = Progress("LSTM", 40, "month", window=10)
    console = Console(file=io.StringIO(), width=70, height=24, force_terminal=True)
    view = LiveView(progress, console, lambda: ["title", "metrics http://here"])
    view.state("starting")
    assert "compiling the model" in text_of(view, console)
    for start in range(0, 40, 10):
        values = [float(i % 5) for i in range(start, start + 10)]
        view.batch(Pipeline, outcome(values, [v + 0.5 for v in values]))
    shown = text_of(view, console)
    view.state("stopped")
    assert "metrics http://here" in shown
    assert "40 of 40 records" in shown
    assert "mean error of the last 10: LSTM 0.5 (31%), last value 1.6" in shown
    assert sum("\u2800" <= c <= "\u28ff" for c in shown) > 100
    assert max(map(len, shown.splitlines())) <= 70


def text_of(view, console):
    with console.capture() as captured:
        console.print(view.render())
    return Text.from_ansi(captured.get()).plain


def test_chart_scale_gaps_and_flat_series():
    lines = [line.plain for line in chart([([1.0, float("nan"), 3.0], "")], width=5, height=2)]
    assert lines[0].startswith("3 ")
    assert lines[1].startswith("1 ")
    assert all(len(line) == 7 for line in lines)
    assert sum(c != "\u2800" for line in lines for c in line[2:]) == 2  # two dots, no line
    flat = chart([([2.0, 2.0], "")], width=3, height=3)
    assert sum(c > "\u2800" for line in flat for c in line.plain) == 3
    assert chart([([], "")], width=3, height=2)
    newest = chart([(list(range(100)), "")], width=5, height=2, columns=10)
    assert newest[0].plain.startswith("99 ")
    assert newest[1].plain.startswith("90 ")


def test_replay_keeps_the_pace_and_all_records():
    from connectors.memory import MemorySource

    replay = Replay(MemorySource([{"x": i} for i in range(5)]))
    assert [r.value["x"] for r in replay.next_batch(100, timeout=0)] == [0]
    assert replay.next_batch(100, timeout=0.01) == []  # until the first one was learned
    replay.start(0.02)
    assert replay.next_batch(100, timeout=0) == []
    begun, seen = time.monotonic(), []
    while not replay.finished:
        seen += [r.value["x"] for r in replay.next_batch(100, timeout=0.5)]
    assert seen == [1, 2, 3, 4]
    assert 0.06 < time.monotonic() - begun < 5
    assert replay.snapshot() == 5
    replay.restore(3)
    assert replay.snapshot() == 3
    replay.close()


def test_the_output_of_the_demo_is_found_by_the_reader(finished):
    """What is left behind can be read again by the file source."""
    from connectors.files.source import FileSource

    folder, *_ = finished
    source = FileSource(Path(folder) / "predictions.jsonl")
    rows = source.next_batch(1000, timeout=0)
    source.close()
    assert all(row.error is None for row in rows)
