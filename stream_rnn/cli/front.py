"""The process that clients talk to where a model is asked, see `web.front`."""

from ..assembly.parts import task
from ..web.front import run


def main(line: int, listening: int) -> None:
    """Serve until the learner's process ends; descriptors both."""
    run(task, line, listening)
