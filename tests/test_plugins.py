"""Another package brings a part of each kind: one file each, named by a configuration."""

import base64
import hashlib
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from stream_rnn import plugins
from stream_rnn.config import parse
from stream_rnn.errors import ConfigError

OUTSIDE = Path(__file__).parent / "data" / "outside"
METADATA = "Metadata-Version: 2.1\nName: outside-parts\nVersion: 1.0\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: a test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
PIPELINE = """
source = {{type = "ticks", count = {count}, period = 3}}
sink = {{type = "tally", path = "out.txt"}}
checkpoint = {{url = "checkpoints", every_records = 100}}
metrics = {{enabled = false}}
features = {{target = "wave", include = [], lags = {{wave = [1, 2]}}}}
run = {{batch_records = 10}}
[estimator]
{estimator}
"""
NETWORK = """
type = "regressor"
cell = {type = "Leaky", units = 4, leak = 0.7}
learner = "Instant"
optimizer = [{type = "Clip", limit = 1.0}, {type = "AdaGrad", lr = 0.1}]
loss = "LogCosh"
"""
FORECASTER = """
type = "forecaster"
experts = [{type = "Ewma", rate = 1.0}, {type = "Momentary", damping = 0.9}]
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder into which pip has installed the package."""
    folder = tmp_path_factory.mktemp("outside")
    wheel = folder / "outside_parts-1.0-py3-none-any.whl"
    files = {p.relative_to(OUTSIDE).as_posix(): p.read_bytes() for p in OUTSIDE.rglob("*.py")}
    info = "outside_parts-1.0.dist-info"
    files[f"{info}/METADATA"] = METADATA.encode()
    files[f"{info}/WHEEL"] = WHEEL.encode()
    files[f"{info}/entry_points.txt"] = (OUTSIDE / "entry_points.txt").read_bytes()
    record = [f"{name},sha256={_digest(data)},{len(data)}" for name, data in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,", ""]).encode()
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    target = folder / "site"
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps"]
    done = subprocess.run([*pip, "--target", target, wheel], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return target


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def command(site, folder, *arguments, jit="1"):
    """stream-rnn in a process that sees the package, interpreted unless told otherwise."""
    path = os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {"PYTHONPATH": path, "NUMBA_DISABLE_JIT": jit}
    line = [sys.executable, "-m", "stream_rnn", *arguments]
    return subprocess.run(line, cwd=folder, env=environment, capture_output=True, text=True)


def run(site, folder, count, estimator=NETWORK, jit="1"):
    (folder / "pipeline.toml").write_text(PIPELINE.format(count=count, estimator=estimator))
    done = command(site, folder, "run", "pipeline.toml", jit=jit)
    assert done.returncode == 0, done.stderr
    lines = (folder / "out.txt").read_text().split()
    return [float(line) for line in lines if line != "None"]


def test_a_network_of_foreign_parts_learns_and_resumes_bit_for_bit(site, tmp_path):
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    whole.mkdir(), halves.mkdir()
    made = run(site, whole, 200)
    run(site, halves, 130)
    assert run(site, halves, 200) == made
    errors = [abs(p - n % 3) for n, p in enumerate(made)]
    assert sum(errors[-30:]) / 30 < 0.1 < sum(errors[:30]) / 30


def test_foreign_parts_compile(site, tmp_path):
    made = run(site, tmp_path, 200, jit="0")
    assert max(abs(p - n % 3) for n, p in enumerate(made) if n >= 170) < 0.3


def test_a_foreign_estimator_is_chosen_by_its_name(site, tmp_path):
    made = run(site, tmp_path, 30, 'type = "running-mean"')
    assert made == pytest.approx([sum(k % 3 for k in range(n)) / max(n, 1) for n in range(30)])
    assert run(site, tmp_path, 40, 'type = "running-mean"')[:30] == made


def test_a_foreign_expert_is_mixed_and_resumes_bit_for_bit(site, tmp_path):
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    whole.mkdir(), halves.mkdir()
    made = run(site, whole, 60, FORECASTER)
    run(site, halves, 25, FORECASTER)
    assert run(site, halves, 60, FORECASTER) == made


def test_list_names_the_parts_and_their_package(site, tmp_path):
    done = command(site, tmp_path, "list", "--json")
    assert done.returncode == 0, done.stderr
    found = {(part["kind"], part["name"]): part for part in json.loads(done.stdout)}
    assert found["cell", "Leaky"]["package"] == "outside-parts"
    assert found["cell", "LSTM"]["package"] == "stream-rnn"
    assert found["source", "ticks"]["summary"].startswith("The records")
    for kind in ("learner", "optimizer", "loss", "experts", "estimator", "sink", "metric"):
        assert any(p["package"] == "outside-parts" for (k, _), p in found.items() if k == kind)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("source.period=x", "source.period = 'x': expected `int`"),
        ("source.perod=2", "source.perod: unknown field; did you mean 'period'?"),
        ("source.type=tics", "source.type = 'tics': unknown; did you mean 'ticks'?"),
        ("estimator.type=runing-mean", "did you mean 'running-mean'?"),
    ],
)
def test_its_configuration_is_checked_like_ours(site, tmp_path, change, message):
    (tmp_path / "p.toml").write_text(PIPELINE.format(count=1, estimator=NETWORK))
    done = command(site, tmp_path, "run", "p.toml", "--check", "--set", change)
    assert done.returncode == 2
    assert message.replace("`", "") in done.stderr


class Point:
    """An entry point."""

    dist = None

    def __init__(self, name, value):
        self.name, self.value = name, value

    def load(self):
        return __import__(self.value)


@pytest.fixture
def points(monkeypatch):
    """Pretend that entry points are installed."""

    def install(kind, *given):
        monkeypatch.setattr(plugins, "entry_points", lambda group: list(given))
        plugins.installed.cache_clear(), plugins.fetch.cache_clear()

    yield install
    monkeypatch.undo()
    plugins.installed.cache_clear(), plugins.fetch.cache_clear()


def test_a_package_that_cannot_be_loaded_is_named(points):
    points("source", Point("mqtt", "no_such_module"))
    with pytest.raises(ConfigError, match=r"source 'mqtt' of .* cannot be loaded"):
        parse('source.type = "mqtt"\nsink.type = "stdout"')


def test_two_packages_may_not_share_a_name(points):
    points("cell", Point("Leaky", "a"), Point("Leaky", "b"))
    with pytest.raises(ConfigError, match="uninstall one of them"):
        plugins.installed("cell")


def test_a_package_may_not_take_our_name(points):
    points("source", Point("file", "os"))
    with pytest.raises(ConfigError, match="must give its entry point another name"):
        parse('source = {type = "file", path = "a.csv"}\nsink.type = "stdout"')


def test_what_is_no_configuration_is_refused(points):
    points("source", Point("mqtt", "os"))
    with pytest.raises(ConfigError, match=r"is not a msgspec\.Struct"):
        parse('source.type = "mqtt"\nsink.type = "stdout"')
