"""Windows of time in which something was wrong label the records within them."""

import json

import pytest
from typer.testing import CliRunner

from connectors.memory import MemorySource
from stream_rnn.cli.app import app
from stream_rnn.errors import ConfigError
from stream_rnn.evaluation.unlabelled import AnomalyJudge
from stream_rnn.evaluation.windows import FIELD, WindowedSource, read_windows

DAYS = [["2024-01-02 00:00:00.000000", "2024-01-03 00:00:00.000000"], ["2024-01-05", "2024-01-05"]]


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "windows.json"

    def write(found):
        path.write_text(json.dumps(found))
        return path

    return write


def test_windows_are_those_of_the_file(written):
    path = written({"a/cpu.csv": DAYS, "b/cpu.csv": DAYS[:1], "c/mem.csv": []})
    assert len(read_windows(path, "/data/a/cpu.csv")) == 2
    assert len(read_windows(path, "b/cpu.csv")) == 1
    assert read_windows(path, "/x/c/mem.csv") == []
    assert len(read_windows(written(DAYS), "any.csv")) == 2


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ({"cpu.csv": []}, "has no windows for cpx.csv; did you mean 'cpu.csv'"),
        ({"cpx.csv": 3}, "a list of pairs"),
        ([["2024-01-02"]], "is no pair of times"),
        ([["soon", "later"]], "is no pair of times"),
        ([["2024-01-03", "2024-01-02"]], "ends before it begins"),
    ],
)
def test_other_files_are_refused(written, found, message):
    with pytest.raises(ConfigError, match=message):
        read_windows(written(found), "cpx.csv")


def test_records_within_are_labelled_and_scored(written):
    days = [{"at": f"2024-01-0{day}", "y": day} for day in range(1, 7)] + [{"at": "?", "y": 7}]
    windows = read_windows(written(DAYS), "y.csv")
    source = WindowedSource(MemorySource(days), "at", windows)
    labels = [record.value[FIELD] for record in source.next_batch(99, 0)]
    assert labels == ["0", "1", "1", "0", "1", "0", ""]
    judge = AnomalyJudge("model")
    for label, alarm in zip(labels, (1, 0, 1, 0, 0, 0, 1), strict=True):
        judge.update({"score": float(alarm), "alarm": bool(alarm), "target": label or None})
    values = judge.score().values
    assert (values["found"], values["of"], values["false alarms"]) == (1, 2, 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["-y", "y"], "--windows scores alarms: give --estimator anomaly"),
        (["--estimator", "anomaly", "-y", "wrong"], "says already what was wrong"),
        (["--estimator", "anomaly"], "has no windows for load.csv"),
    ],
)
def test_options_that_do_not_go_together(tmp_path, written, options, message):
    table = tmp_path / "load.csv"
    rows = [f"2024-01-01 {hour:02}:00,{hour % 7},{int(hour == 9)}" for hour in range(24)]
    table.write_text("at,y,wrong\n" + "\n".join(rows))
    command = ["evaluate", str(table), *options, "--windows", str(written({"mem.csv": []}))]
    shown = CliRunner().invoke(app, command)
    assert message in (shown.output + str(shown.exception or "")), shown.output
