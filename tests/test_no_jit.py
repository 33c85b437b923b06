"""The core again without the JIT: every combination, the doctests, and what they cover.

Interpreted, a combination costs milliseconds instead of seconds, so `helpers.cover` gives
the tests below the whole product of the registries here; and coverage can see the kernels.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# The fixture runs hundreds of tests; a stage of its own in .ci/run.
pytestmark = [pytest.mark.timeout(900), pytest.mark.slow]

CORE = [
    "cells/*",
    "learners/*",
    "optimizers/*",
    "losses.py",
    "engine/*",
    *(f"numerics/{module}.py" for module in ("activations", "linalg", "trees", "growing")),
]
TESTS = [
    *("gradients", "pytorch_vectors", "optimizers", "losses", "kalman", "scale", "growth"),
    *("engine", "keys", "trees"),
    *("cells_*", "learners_*"),
]
DOCTESTS = ["cells", "learners", "optimizers", "losses.py", "numerics", "engine"]
# Large networks, long streams, and what says nothing of the kernels.
SLOW = "not single_precision and not time_delay and not narx and not predicts and not eviction"
PERCENT = 98  # of the core's statements


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """Coverage of each file of the core, by the tests and doctests run interpreted."""
    folder = tmp_path_factory.mktemp("coverage")
    files = [path for name in TESTS for path in sorted(ROOT.glob(f"tests/test_{name}.py"))]
    include = ",".join(f"stream_rnn/{pattern}" for pattern in CORE)
    environment = os.environ | {
        "NUMBA_DISABLE_JIT": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "COVERAGE_FILE": str(folder / "data"),
    }
    coverage = [sys.executable, "-m", "coverage"]
    run = [*coverage, "run", f"--include={include}", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*run, "-m", "not slow", "-k", SLOW, *files] + [f"stream_rnn/{path}" for path in DOCTESTS],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    out = folder / "report.json"
    made = subprocess.run([*coverage, "json", "-o", out], cwd=ROOT, env=environment, check=False)
    assert made.returncode == 0
    return json.loads(out.read_text())


def test_the_core_passes_its_tests_and_doctests_interpreted(report):
    missed = {
        name: file["missing_lines"]
        for name, file in report["files"].items()
        if file["missing_lines"]
    }
    assert report["totals"]["percent_covered"] >= PERCENT, missed


def test_every_kernel_is_reached(report):
    """No file of the core is left out, and none is covered by half."""
    measured = {
        str(path.relative_to(ROOT))
        for pattern in CORE
        for path in (ROOT / "stream_rnn").glob(pattern)
        if path.suffix == ".py" and path.stat().st_size
    }
    assert set(report["files"]) == measured
    percentages = {
        name: file["summary"]["percent_covered"] for name, file in report["files"].items()
    }
    assert {name: p for name, p in percentages.items() if p < 85} == {}
