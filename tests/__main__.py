"""``python -m tests``: style, types, then the quick tests; ``python -m tests --slow``: the rest.

The quick tests run side by side, in as many processes as there are cores, four at most.  The
first failure ends the run with its exit code.  ``--slow --minutes 30`` begins no further file of
long tests after so many minutes, and says which were left out; further arguments go to pytest.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
PYTHON = [sys.executable, "-m"]
SIDE_BY_SIDE = ["-n", "logical", "--maxprocesses", "4", "--dist", "loadfile"]
SIDE_BY_SIDE += ["--no-loadscope-reorder"]
QUICK = (
    [*PYTHON, "ruff", "check", "."],
    [*PYTHON, "ruff", "format", "--check", "."],
    [*PYTHON, "mypy", "stream_rnn", "connectors"],
    [*PYTHON, "pytest", "-q", "-m", "not slow", *SIDE_BY_SIDE],
)
SLOW = [*PYTHON, "pytest", "-q", "-m", "slow", "--timeout", "3600"]
LAST = ("test_kills", "test_fuzz", "test_scale_out")  # the longest


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests", description=__doc__)
    parser.add_argument("--slow", action="store_true", help="the long tests")
    parser.add_argument("--minutes", type=float, help="begin no file of them after so many")
    options, extra = parser.parse_known_args()
    if not options.slow:
        return quick(extra)
    os.environ.setdefault("HYPOTHESIS_PROFILE", "search")
    return slow(options.minutes, extra)


def quick(extra: list[str]) -> int:
    for command in QUICK:
        if code := run(command + (extra if "pytest" in command else [])):
            return code
    return 0


def slow(minutes: float | None, extra: list[str]) -> int:
    if minutes is None:
        return run([*SLOW, *extra])
    started, left = time.monotonic(), []
    for path in long_files():
        if time.monotonic() - started > 60 * minutes:
            left.append(path.name)
        elif code := run([*SLOW, str(path), *extra]):
            return code
    print("not run, for want of time:", ", ".join(left) or "none", flush=True)
    return 0


def long_files() -> list[Path]:
    """The files with long tests, the longest last."""
    found = [path for path in HERE.rglob("test_*.py") if "mark.slow" in path.read_text("utf-8")]
    found = [path for path in found if "benchmarks" not in path.parts]
    return sorted(found, key=lambda path: (path.stem in LAST, path.name))


def run(command: list[str]) -> int:
    print("+", " ".join(command[2:]), flush=True)
    started = time.monotonic()
    code = subprocess.run(command).returncode
    print(f"  {time.monotonic() - started:.0f} s, exit code {code}", flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
