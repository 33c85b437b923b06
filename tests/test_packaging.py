"""What is built for a package index: an sdist that passes its tests, a wheel with page and docs."""

import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOT_SOURCES = (
    *(".git", ".venv", "build", "dist", "*.egg-info", "__pycache__", ".*_cache", ".hypothesis"),
    *(".coverage*", ".benchmarks", "shared"),
)
FOLDERS = ("stream_rnn", "connectors", "tests", "docs", "deploy", ".ci")


def run(*command, cwd, **environment):
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A folder with the sdist, the same unpacked, and the wheel that was built of that."""
    folder = tmp_path_factory.mktemp("built")
    shutil.copytree(ROOT, folder / "source", ignore=shutil.ignore_patterns(*NOT_SOURCES))
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / "bin" / "python"
    requires = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    run(python, "-m", "pip", "install", "-q", *requires, cwd=folder)
    build = "from setuptools import build_meta as b; b.build_{}('..')"
    run(python, "-c", build.format("sdist"), cwd=folder / "source")
    [sdist] = folder.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (folder / sdist.name.removesuffix(".tar.gz")).rename(folder / "unpacked")
    run(python, "-c", build.format("wheel"), cwd=folder / "unpacked")
    return folder


def files(folder):
    found = {path.relative_to(folder) for top in FOLDERS for path in (folder / top).rglob("*")}
    return {path for path in found if (folder / path).is_file() and "__pycache__" not in path.parts}


@pytest.mark.slow
def test_the_sdist_holds_everything(built):
    assert files(built / "source") == files(built / "unpacked")
    assert len(files(built / "unpacked")) > 700
    for name in ("README.md", "LICENSE", "CHANGELOG.md", "CITATION.cff", "pyproject.toml"):
        assert (built / "unpacked" / name).is_file()


@pytest.mark.slow
def test_the_sdist_passes_tests_without_a_clone(built):
    chosen = ("tests/test_rooms.py", "tests/test_docs.py", "tests/test_deploy.py")
    few = "rooms or links or place or build_ or kubernetes or explained or example_is"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *chosen]
    said = run(*command, "-m", "not slow", "-k", few, cwd=built / "unpacked", PYTHONPATH="")
    assert " passed" in said
    assert " failed" not in said


@pytest.mark.slow
def test_the_wheel_has_the_page_and_the_docs_and_no_tests(built):
    [wheel] = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        archive.extractall(built / "installed")
    pages = {f"stream_rnn/pages/{page.name}" for page in (ROOT / "docs").glob("*.md")}
    images = {f"stream_rnn/pages/images/{one.name}" for one in (ROOT / "docs/images").glob("*")}
    static = {
        f"stream_rnn/web/static/{one.name}" for one in (ROOT / "stream_rnn/web/static").iterdir()
    }
    sources = {
        path.relative_to(ROOT).as_posix()
        for top in ("stream_rnn", "connectors")
        for path in (ROOT / top).rglob("*.py")
    }
    assert pages | images | static | sources | {"stream_rnn/py.typed"} <= names
    assert {name.partition("/")[0] for name in names if ".dist-info/" not in name} == {
        *("stream_rnn", "connectors")
    }
    here = run(
        *(sys.executable, "-m", "stream_rnn", "docs", "--where"),
        cwd=built,
        PYTHONPATH=str(built / "installed"),
    )
    assert Path(here.strip()) == built / "installed" / "stream_rnn" / "pages"
