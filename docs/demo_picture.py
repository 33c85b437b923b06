"""Draw docs/demo.svg, the README's picture: the demo in a terminal, some seconds before its end.

Needs tmux.  Run from the repository's root: ``python docs/demo_picture.py``.
"""

import io
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.text import Text

WIDTH, HEIGHT = 96, 26
PICTURE = Path(__file__).parent / "demo.svg"


def tmux(*arguments: str) -> str:
    return subprocess.run(
        ["tmux", "-L", "picture", *arguments], check=True, capture_output=True, text=True
    ).stdout


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        command = f"{sys.executable} -m stream_rnn demo --output demo"
        tmux(
            *("new-session", "-d", "-x", str(WIDTH), "-y", str(HEIGHT), "-c", folder),
            f"{command}; sleep 600",
        )
        try:
            screen = latest = ""
            while "from the first one on" not in latest:
                time.sleep(0.5)
                latest = tmux("capture-pane", "-p", "-e", "-t", "0")
                if "of 144 records" in latest:
                    screen = latest
        finally:
            tmux("kill-server")
    console = Console(record=True, width=WIDTH, file=io.StringIO())
    console.print(Text.from_ansi(screen.rstrip()))
    drawing = console.export_svg(title="stream-rnn demo")
    PICTURE.write_text(re.sub(r"@font-face \{.*?\}\s*", "", drawing, flags=re.DOTALL))
    print(PICTURE)


if __name__ == "__main__":
    main()
