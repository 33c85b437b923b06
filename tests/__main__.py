"""``python -m tests``: style, types, then the quick tests; ``python -m tests --slow``: the rest.

The quick tests run side by side, in as many processes as there are cores, four at most.  The
first failure ends the run with its exit code.
"""

import subprocess
import sys
import time

PYTHON = [sys.executable, "-m"]
SIDE_BY_SIDE = ["-n", "logical", "--maxprocesses", "4", "--dist", "loadfile"]
SIDE_BY_SIDE += ["--no-loadscope-reorder"]
QUICK = (
    [*PYTHON, "ruff", "check", "."],
    [*PYTHON, "ruff", "format", "--check", "."],
    [*PYTHON, "mypy", "stream_rnn", "connectors"],
    [*PYTHON, "pytest", "-q", "-m", "not slow", *SIDE_BY_SIDE],
)
SLOW = ([*PYTHON, "pytest", "-q", "-m", "slow", "--timeout", "3600"],)


def main() -> int:
    arguments = sys.argv[1:]
    slow = "--slow" in arguments
    extra = [argument for argument in arguments if argument != "--slow"]
    for command in SLOW if slow else QUICK:
        command = command + (extra if "pytest" in command else [])
        print("+", " ".join(command[2:]), flush=True)
        started = time.monotonic()
        code = subprocess.run(command).returncode
        print(f"  {time.monotonic() - started:.0f} s, exit code {code}", flush=True)
        if code:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
