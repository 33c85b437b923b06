"""The documentation: it builds, its links lead somewhere, its snippets run as printed."""

import importlib.util
import os
import re
import shlex
import subprocess
import sys
import types
from pathlib import Path

import pytest

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


RUNS = [path for path in TEXTS if FENCE.search(path.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("path", RUNS, ids=name)
def test_snippets_run(path, tmp_path, monkeypatch):
    """Blocks of python run, one after the other, and so do blocks of sh marked <!-- run -->.

    A block marked <!-- file NAME --> is written to a file first; one marked <!-- shown --> is not
    run, and its page says what it needs.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    names: dict[str, object] = {"__name__": "snippet"}
    for found in FENCE.finditer(path.read_text(encoding="utf-8")):
        note, kind, code = found["note"] or "", found["kind"], found["code"]
        if note.startswith("file "):
            Path(note.removeprefix("file ").strip()).write_text(code, encoding="utf-8")
        elif kind == "python" and note != "shown":
            exec(compile(code, f"{name(path)}: {code[:40]!r}", "exec"), names)
        elif kind == "sh" and note == "run":
            _run_lines(code)


def _run_lines(code: str) -> None:
    """Each line as a command; stream-rnn is this environment's."""
    environment = os.environ | {"COLUMNS": "100"}
    for line in code.replace("\\\n", " ").splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        line = re.sub(r"^stream-rnn\b", f"{shlex.quote(sys.executable)} -m stream_rnn", line)
        done = subprocess.run(
            ["bash", "-c", line], capture_output=True, text=True, env=environment, timeout=600
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"


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
