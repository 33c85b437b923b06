"""Draw the pictures of the tutorial: by its own commands, and of its page in Chromium.

Run from the repository's root: ``PYTHONPATH=tests python docs/tutorial_pictures.py``.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from browser import chromium

DOCS = Path(__file__).resolve().parent
BLOCK = re.compile(r"^(?:<!-- ([^>]*) -->\n+)?```(\w+)\n(.*?)^```", re.M | re.S)
PORT = "9118"  # not the page's own, which may be in use
WATCHED_SECONDS = 40


def main() -> None:
    text = (DOCS / "tutorial.md").read_text(encoding="utf-8").partition("## When it is killed")[0]
    os.environ |= {"MPLBACKEND": "agg", "STREAM_RNN__METRICS__PORT": PORT}
    os.environ["PYTHONPATH"] = os.pathsep.join([str(DOCS.parent), os.environ.get("PYTHONPATH", "")])
    beside = []
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for note, kind, code in BLOCK.findall(text):
            if note.startswith("file "):
                Path(note.removeprefix("file ")).write_text(code, encoding="utf-8")
            elif kind == "python" and "plot(" in code:
                exec(compile(code, "tutorial", "exec"), {})
            elif note == "run":
                subprocess.run(["bash", "-ec", command(code)], check=True)
            elif note == "beside":
                beside.append(subprocess.Popen(["bash", "-c", f"exec {command(code)}"]))
                time.sleep(WATCHED_SECONDS)
        with chromium(1360, 1370) as driver:
            driver.get(f"http://127.0.0.1:{PORT}/")
            time.sleep(WATCHED_SECONDS / 2)
            driver.save_screenshot(str(DOCS / "images" / "tutorial-page.png"))
        for process in beside:
            process.terminate()
            process.wait()
        for name in ("evaluate", "forecast"):
            shutil.copy(f"{name}.png", DOCS / "images" / f"tutorial-{name}.png")


def command(code: str) -> str:
    """With this environment's programs."""
    return re.sub(
        r"^(stream-rnn|python)\b",
        lambda found: sys.executable + (" -m stream_rnn" if found[1] == "stream-rnn" else ""),
        code,
        flags=re.M,
    )


if __name__ == "__main__":
    main()
