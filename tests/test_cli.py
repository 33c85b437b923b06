"""The command line: what a person types, sees, and what a script gets as an exit status."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from stream_rnn.checkpoints.store import Store
from stream_rnn.cli import app as cli
from stream_rnn.cli.warm import TARGETS
from stream_rnn.specs import ESTIMATORS

COMMANDS = ["demo", "run", "evaluate", "inspect", "warm"]
PIPELINE = """
source = {type = "file", path = "in.csv"}
features = {target = "y"}
sink = {type = "file", path = "out.jsonl"}
checkpoint = {url = "checkpoints"}
metrics = {port = 0}

[estimator]
type = "regressor"
cell = {type = "LSTM", units = 4}
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    rows = [f"{u:.3f},{2 * u:.3f}" for u in rng.normal(size=300)]
    (tmp_path / "in.csv").write_text("\n".join(["u,y", *rows, ""]))
    (tmp_path / "pipeline.toml").write_text(PIPELINE)
    return tmp_path


@pytest.fixture
def call(monkeypatch, capfd):
    """Run the entry point in this process: exit status, output, errors."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["stream-rnn", *map(str, arguments)])
        status = 0
        try:
            cli.main()
        except SystemExit as end:
            status = end.code or 0
        out, err = capfd.readouterr()
        return status, out, err

    return call


def test_help_teaches(call):
    status, out, _ = call("--help")
    assert status == 0
    assert all(f"  {name} " in out for name in COMMANDS)
    assert "Exit status" in out
    status, out, err = call()
    assert status == 2
    assert (out + err).startswith("Usage")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_shows_examples_as_they_are_typed(call, name):
    status, out, _ = call(name, "--help")
    assert status == 0
    assert f"\n    stream-rnn {name}" in out or f"\n  stream-rnn {name}" in out
    assert "\b" not in out


def test_help_is_quick():
    before = os.times().children_user
    subprocess.run([sys.executable, "-m", "stream_rnn", "--help"], check=True, capture_output=True)
    assert os.times().children_user - before < 2.0  # seconds of CPU; nothing is compiled


def test_version(call):
    assert call("--version")[1].startswith("stream-rnn 0.")


def test_run_learns_writes_and_checkpoints(here, call):
    status, _, err = call("run", "pipeline.toml")
    assert status == 0, err
    rows = [json.loads(line) for line in (here / "out.jsonl").read_text().splitlines()]
    assert len(rows) == 300
    assert rows[0]["prediction"] == 0.0
    late = [abs(row["prediction"] - row["target"]) for row in rows[-50:]]
    assert np.mean(late) < 0.3 * np.mean([abs(row["target"]) for row in rows[-50:]])
    assert Store(here / "checkpoints").load_newest().manifest["counters"]["learned"] == 300
    assert call("run", "pipeline.toml")[0] == 0  # nothing left to do
    assert len((here / "out.jsonl").read_text().splitlines()) == 300


def test_run_check_reads_the_configuration_only(here, call):
    assert call("run", "pipeline.toml", "--check")[1] == "pipeline.toml: ok\n"
    assert not (here / "out.jsonl").exists()


ERRORS = [
    (["run", "none.toml"], 2, "cannot read the configuration 'none.toml': No such file"),
    (["run", "pipeline.toml", "--set", "source.pth=x"], 2, "source.pth: unknown field; did you"),
    (["run", "pipeline.toml", "--set", "source.path=none.csv"], 2, "source: "),
    (["run", "pipeline.toml", "--set", "estimator.loss=Softmax"], 2, "loss: "),
    (["run", "pipeline.toml", "--set", "metrics.host=203.0.113.1"], 2, "metrics.host"),
    (["run", "pipeline.toml", "--nonsense"], 2, "No such option"),
    (["rnu"], 2, "No such command"),
    (["evaluate", "in.csv", "-y", "yy"], 2, "in.csv has no such field; did you mean 'y'?"),
    (["evaluate", "in.csv", "-y", "y", "--timestamp", "xx"], 2, "in.csv has no such field"),
    (["evaluate", "none.csv", "-y", "y"], 1, "none.csv"),
    (["inspect", "none"], 3, "cannot read none: No such file"),
    (["inspect", "pipeline.toml"], 3, "pipeline.toml is damaged or not a checkpoint"),
]


@pytest.mark.parametrize(("arguments", "status", "message"), ERRORS)
def test_errors_are_one_line_with_a_status(here, call, arguments, status, message):
    got, out, err = call(*arguments)
    assert got == status, err
    assert message in err
    assert "Traceback" not in out + err
    lines = [line for line in err.splitlines() if line.startswith("stream-rnn: ")]
    assert len(lines) == 1 or "No such" in message  # the parser's own errors show the usage


def test_debug_shows_the_traceback(here, call):
    from stream_rnn.errors import ConfigError

    with pytest.raises(ConfigError):
        call("--debug", "run", "none.toml")
    assert call("run", "none.toml")[0] == 2  # and the next call is quiet again


def test_an_error_nobody_foresaw_says_where_to_look(here, call, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError("of two numbers\nover two lines")

    monkeypatch.setattr("stream_rnn.config.load", broken)
    status, _, err = call("run", "pipeline.toml")
    assert status == 1
    assert "ZeroDivisionError: of two numbers over two lines (run stream-rnn --debug" in err


def test_too_many_refusals_have_a_status_of_their_own(here, call):
    (here / "in.csv").write_text("u,y\n1,1\n" + "text,1\n" * 50)
    status, _, err = call("run", "pipeline.toml", "--set", "run.dead_letter_window=20")
    assert status == 4
    assert "max_dead_letter_ratio" in err
    assert "'u'" in err or "u" in err
    assert len((here / "out.jsonl.refused.jsonl").read_text().splitlines()) == 50


def test_another_model_does_not_touch_the_checkpoint(here, call):
    assert call("run", "pipeline.toml")[0] == 0
    status, _, err = call("run", "pipeline.toml", "--set", "estimator.cell.units=5")
    assert status == 3
    assert "another checkpoint directory" in err


def test_a_full_sink_is_an_error_not_a_traceback(here, call):
    status, _, err = call(
        "run", "pipeline.toml", "--set", "sink={type='file',path='/dev/full',format='jsonl'}"
    )
    assert status == 1
    assert "/dev/full" in err


def test_a_directory_in_use_is_refused(here, call):
    store = Store(here / "checkpoints")
    store.lock()
    try:
        status, _, err = call("run", "pipeline.toml")
    finally:
        store.close()
    assert status == 3
    assert "in use by another run" in err


LIMITED = """
source = {type = "file", path = "in.csv"}
features = {target = "y"}
sink = {type = "stdout"}
checkpoint = {url = "full", every_records = 50}
estimator = {type = "regressor", cell = {type = "LSTM", units = 32}}
metrics = {enabled = false}
run = {batch_records = 50}
"""


@pytest.mark.parametrize(("on_failure", "status"), [("continue", 0), ("stop", 3)])
def test_a_disk_without_room_for_checkpoints(here, on_failure, status):
    """A limit on file sizes stands for a full disk; the checkpoint is larger than it."""
    (here / "pipeline.toml").write_text(LIMITED)
    command = f"{sys.executable} -m stream_rnn -q run pipeline.toml"
    subprocess.run(  # compiles, without the limit
        f"{command} --set checkpoint.url=warm", shell=True, check=True, capture_output=True
    )
    done = subprocess.run(
        f"ulimit -f 64; exec {command} --set checkpoint.on_failure={on_failure}",
        shell=True,
        executable="/bin/bash",
        capture_output=True,
        text=True,
    )
    assert done.returncode == status, done.stderr
    assert "cannot write a checkpoint" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stdout.splitlines()) == (300 if status == 0 else 50)
    assert len(Store(here / "full").list()) == 1  # the first, of an untrained model


def test_inspect(here, call):
    call("run", "pipeline.toml")
    status, out, _ = call("inspect", "checkpoints")
    assert status == 0
    assert "hash good" in out
    assert "counters.learned: 300" in out
    assert "theta" in out
    one = call("inspect", "checkpoints/" + Store("checkpoints").list()[-1], "--json")[1]
    found = json.loads(one)
    assert found["counters"]["learned"] == 300
    assert {"name", "dtype", "shape", "norm"} <= set(found["arrays"][0])


def test_evaluate_for_people_and_machines(here, call):
    status, out, err = call("evaluate", "in.csv", "--target", "y")
    assert status == 0, err
    assert "MAE" in out
    assert "last value" in out
    status, out, _ = call("evaluate", "in.csv", "-y", "y", "--json", "--limit", "200")
    found = json.loads(out)
    assert found["records"] == 200
    assert found["scores"]["StreamRegressor"]["MAE"] < found["scores"]["last value"]["MAE"]


def test_evaluate_reads_a_pipeline_and_draws(here, call):
    status, _, err = call(
        "evaluate", "in.csv", "-y", "y", "--config", "pipeline.toml", "--plot", "out.png"
    )
    assert status == 0, err
    assert (here / "out.png").read_bytes().startswith(b"\x89PNG")


def test_evaluate_tells_classes_and_text_columns_by_themselves(here, call):
    rows = [f"{n % 2},note {n},{'odd' if n % 2 else 'even'}" for n in range(200)]
    (here / "classes.csv").write_text("\n".join(["u,note,parity", *rows, ""]))
    status, out, err = call("evaluate", "classes.csv", "-y", "parity", "--json")
    assert status == 0, err
    assert "text columns left out: note" in err  # another in each record
    assert json.loads(out)["task"] == "classification"


def test_evaluate_forecasts_a_number_without_other_fields(here, call):
    rows = [f"note {n},{n % 7}" for n in range(200)]
    (here / "alone.csv").write_text("\n".join(["note,u", *rows, ""]))
    for settings, model in (
        ((), "RecurrentForecaster"),
        (("--set", "features.lags={u=[1,2]}"), "StreamRegressor"),
    ):
        status, out, err = call("evaluate", "alone.csv", "-y", "u", *settings, "--json")
        assert status == 0, err
        assert json.loads(out)["model"] == model


def test_evaluate_several_targets_and_a_timestamp(here, call):
    rows = [f"2024-01-{1 + n // 24:02d}T{n % 24:02d}:00,{n % 24},{n % 7}" for n in range(200)]
    (here / "two.csv").write_text("\n".join(["when,a,b", *rows, ""]))
    status, out, err = call(
        "evaluate", "two.csv", "-y", "a", "-y", "b", "--timestamp", "when", "--json"
    )
    assert status == 0, err
    found = json.loads(out)
    assert found["task"] == "multi-target regression"
    assert found["refused"] == 0


def test_evaluate_reads_texts(here, call):
    lines = [
        {"message": f"win {n} now" if n % 3 else f"home at {n}", "kind": "spam" if n % 3 else "ham"}
        for n in range(200)
    ]
    (here / "texts.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    asked = ("evaluate", "texts.jsonl", "-y", "kind", "--json", "--estimator")
    status, out, err = call(*asked, "text-classifier")
    assert status == 0, err
    assert "left out" not in err
    assert json.loads(out)["scores"]["TextClassifier"]["accuracy"] > 0.9


def test_evaluate_scores_written_targets(here, call):
    words = ["".join("abcd"[(n >> k) % 4] for k in (0, 2, 4)) for n in range(60)]
    lines = [f"{word},{word.upper()}" for word in words]
    (here / "words.csv").write_text("\n".join(["source,target", *lines, ""]))
    more = ("--set", "estimator.network=false", "--json")
    status, out, err = call(
        "evaluate", "words.csv", "-y", "target", "--estimator", "transducer", *more
    )
    assert status == 0, err
    scores = json.loads(out)["scores"]
    assert scores["SequenceTransducer"]["accuracy"] > 0.8
    assert scores["usual symbol of a symbol"]["edits/symbol"] < 0.2


SENTENCES = "".join(
    f"# {n}\n1\tWe\tO\n2\tleft\tO\n3\t{city}\tB-LOC\n\n"
    for n, city in enumerate(["Rome", "Oslo", "Lima", "Bonn"] * 25)
)


def test_evaluate_scores_labels_of_tokens(here, call):
    (here / "cities.iob2").write_text(SENTENCES + "1\tWe\tO\n2\tleft\n")
    rows = [{"tokens": ["We", "left"], "labels": "O B-X"}, {"tokens": "We ran", "labels": None}]
    (here / "cities.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows * 9))
    asked = ("evaluate", "cities.iob2", "--estimator", "labeler", "--json")
    status, _, err = call(*asked)
    assert status == 2
    assert "3 columns in a line; name them, such as --columns number,word,label" in err
    status, _, err = call(*asked, "--columns", "number,wort,label")
    assert status == 2
    assert "'word'" in err
    status, out, err = call(*asked, "--columns", "number,word,label")
    assert status == 0, err
    found = json.loads(out)
    assert (found["scored"], found["refused"]) == (100, 1)
    assert found["scores"]["SequenceLabeler"]["entity F1"] > 0.9
    assert found["scores"]["usual label of the word"] == {
        "accuracy": pytest.approx((300 - 3 - 3) / 300),
        "entity F1": pytest.approx(2 * 96 / (100 + 96)),
    }
    status, out, err = call("evaluate", "cities.jsonl", "--estimator", "labeler", "-y", "labels")
    assert status == 0, err
    assert "entity F1" in out
    status, _, err = call("evaluate", "cities.jsonl", "--estimator", "labeler")
    assert status == 2
    assert "--target" in err


def test_docs_come_with_the_program(call):
    status, out, _ = call("docs")
    assert status == 0
    assert out.splitlines()[0].split() == ["first-steps", "First", "steps"]
    status, out, _ = call("docs", "--where")
    assert (Path(out.strip()) / "configuration.md").is_file()
    status, out, _ = call("docs", "docs/configuration.md")
    assert "## `[http]`" in out
    status, _, err = call("docs", "first-step")
    assert status == 2
    assert "did you mean 'first-steps'?" in err


def test_warm_compiles_what_a_pipeline_needs(here, call):
    status, out, _ = call("warm", "pipeline.toml")
    assert status == 0
    assert out.startswith("pipeline.toml: ")
    assert set(TARGETS) == set(ESTIMATORS)


def test_a_terminal_gets_a_progress_line(here):
    """The same run with a terminal as standard error shows how far it is."""
    rows = [f"{n % 7},{n % 5}" for n in range(20_000)]
    (here / "in.csv").write_text("\n".join(["u,y", *rows, ""]))
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "stream_rnn", "run", "pipeline.toml"], stderr=theirs, cwd=here
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    assert process.wait() == 0
    assert b"records" in shown
    assert b"/s" in shown


def test_stdin_to_stdout(here):
    fields = ("source={type='stdin'}", "sink={type='stdout'}", "metrics.enabled=false")
    options = [word for field in fields for word in ("--set", field)]
    done = subprocess.run(
        [sys.executable, "-m", "stream_rnn", "-q", "run", "pipeline.toml", *options],
        input="".join(json.dumps({"u": n, "y": n}) + "\n" for n in range(10)),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert len([json.loads(line) for line in done.stdout.splitlines()]) == 10
