"""The documentation: it builds, its links lead somewhere, its snippets run as printed."""

import contextlib
import importlib.util
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
import types
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from stream_rnn.cli.app import app

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
TEXTS = [
    *sorted(DOCS.glob("*.md")),
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "deploy/README.md")),
]
FENCE = re.compile(
    r"^(?:<!-- (?P<note>[^>]*) -->\n+)?```(?P<kind>\w+)\n(?P<code>.*?)^```", re.M | re.S
)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")

spec = importlib.util.spec_from_file_location("build_docs", DOCS / "build.py")
docs = importlib.util.module_from_spec(spec)
spec.loader.exec_module(docs)


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def anchors(path: Path) -> set[str]:
    """The names of a page's headings, as they are in a link."""
    found = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in found}


@pytest.mark.parametrize("path", TEXTS, ids=name)
def test_links_lead_somewhere(path):
    for link in LINK.findall(path.read_text(encoding="utf-8")):
        target, _, anchor = link.partition("#")
        if target.startswith(("http:", "https:")):
            continue
        found = (path.parent / target).resolve() if target else path
        assert found.exists(), link
        if anchor and found.suffix == ".md":
            assert anchor in anchors(found), link


def test_every_page_has_its_place():
    assert {path.stem for path in DOCS.glob("*.md")} <= set(docs.PAGES)


def test_the_pages_build(tmp_path):
    docs.build(tmp_path / "site", api=False)
    built = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.glob("site/*.html")}
    assert set(built) == {"index.html", *(f"{page}.html" for page in docs.pages())}
    for text in built.values():
        assert "```" not in text
        assert "<nav>" in text
        for link in re.findall(r'(?:href|src)="([^"#:]+)"', text):
            outside = link.startswith(("api/", "../"))
            assert outside or (tmp_path / "site" / link).exists(), link


@pytest.mark.slow
def test_the_reference_builds(tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning:pdoc", DOCS / "build.py", tmp_path / "site"],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    pages = [p.relative_to(tmp_path / "site/api") for p in tmp_path.glob("site/api/**/*.html")]
    assert len(pages) > 250
    assert "Warn" not in done.stderr


LONG = ("tutorial", "notebook")  # they learn more than a quick test can
RUNS = [
    pytest.param(path, marks=[pytest.mark.slow] if path.stem in LONG else [])
    for path in TEXTS
    if FENCE.search(path.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize("path", RUNS, ids=name)
def test_snippets_run(path, tmp_path, monkeypatch):
    """Blocks of python run, one after the other, and so do blocks of sh marked <!-- run -->.

    A block marked <!-- file NAME --> is written to a file first; a command marked <!-- beside -->
    goes on to the end of the page; one marked <!-- shown --> is not run, and its page says what it
    needs.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    names: dict[str, object] = {"__name__": "snippet"}
    with Beside() as beside:
        for found in FENCE.finditer(path.read_text(encoding="utf-8")):
            note, kind, code = found["note"] or "", found["kind"], found["code"]
            if note.startswith("file "):
                Path(note.removeprefix("file ").strip()).write_text(code, encoding="utf-8")
            elif kind == "python" and note != "shown":
                exec(compile(code, f"{name(path)}: {code[:40]!r}", "exec"), names)
            elif kind == "sh" and note == "run":
                _run_lines(code, beside.port)
            elif kind == "sh" and note == "beside":
                beside.start(code.strip())


def _run_lines(code: str, port: int) -> None:
    """Each line as a command; those of stream-rnn alone in this process, which has it already."""
    for line in code.replace("\\\n", " ").splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line.startswith("stream-rnn ") and not set(line) & set("|<>&$;`"):
            words = shlex.split(line.replace(":9108", f":{port}"))[1:]
            result = CliRunner().invoke(app, words, env={"COLUMNS": "100"})
            assert result.exit_code == 0, f"{line}\n{result.output}\n{result.exception}"
            continue
        done = subprocess.run(**_command(line, port), capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
        assert '{"error":' not in done.stdout, f"{line}\n{done.stdout}"


def _command(line: str, port: int) -> dict[str, Any]:
    """With *port* in place of the page's own, which somebody may be using."""
    programs = {"stream-rnn": "-m stream_rnn", "python": ""}
    for program, arguments in programs.items():
        line = re.sub(rf"^{program}\b", f"{shlex.quote(sys.executable)} {arguments}", line)
    line = line.replace("127.0.0.1:9108", f"127.0.0.1:{port}")
    environment = os.environ | {"COLUMNS": "100", "STREAM_RNN__METRICS__PORT": str(port)}
    return {"args": ["bash", "-c", line], "env": environment}


class Beside:
    """Commands that go on to the end of a page; the service among them must then end well."""

    def __enter__(self) -> "Beside":
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.running: list[tuple[str, subprocess.Popen]] = []
        return self

    def start(self, line: str) -> None:
        command = _command(line, self.port)
        command["args"][-1] = f"exec {command['args'][-1]}"
        process = subprocess.Popen(**command, stderr=subprocess.PIPE, text=True)
        self.running.append((line, process))
        while line.startswith("stream-rnn run") and not self.learns():
            assert process.poll() is None, f"{line}\n{process.communicate()}"
            time.sleep(0.1)

    def learns(self) -> bool:
        state = f"http://127.0.0.1:{self.port}/state"
        with contextlib.suppress(OSError), urllib.request.urlopen(state, timeout=5) as answer:
            return json.load(answer)["learner"] is not None
        return False

    def __exit__(self, *failed: object) -> None:
        for line, process in self.running:
            ours = line.startswith("stream-rnn")  # others ignore Ctrl-C if these tests do
            process.send_signal(signal.SIGINT if ours else signal.SIGTERM)
            said = process.communicate(timeout=60)[1]
            if failed[0] is None and ours:
                assert process.returncode == 0, f"{line}\n{said}"


@pytest.mark.parametrize("package", ["stream_rnn", "connectors.base"])
def test_every_public_name_has_an_example(package):
    module = importlib.import_module(package)
    public = getattr(module, "__all__", None) or [
        name for name, thing in vars(module).items() if is_own(thing, module)
    ]
    things = {name: getattr(module, name) for name in public}
    without = [
        name
        for name, thing in things.items()
        if callable(thing) and not isinstance(thing, types.UnionType) and ">>>" not in thing.__doc__
    ]
    assert len(things) > 10
    assert without == []


def is_own(thing: object, module: types.ModuleType) -> bool:
    """Whether *module* defines this class or function for others."""
    named = getattr(thing, "__module__", None) == module.__name__
    return named and not getattr(thing, "__name__", "_").startswith("_")
