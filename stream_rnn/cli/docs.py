"""``stream-rnn docs``: the documentation that comes with the program, without network."""

from pathlib import Path
from typing import Annotated

import typer

from ..errors import ConfigError, suggest

PACKAGE = Path(__file__).parents[1]


def command(
    page: Annotated[
        str | None, typer.Argument(help="Such as first-steps; without it, the list of pages.")
    ] = None,
    where: Annotated[
        bool, typer.Option("--where", help="Print the folder that the pages are in.")
    ] = False,
) -> None:
    """Read the documentation, which comes with the program.

    On a terminal a page is set and shown by the pager, elsewhere it is plain Markdown.

    \b
      stream-rnn docs
      stream-rnn docs first-steps
      stream-rnn docs configuration | grep -A 20 '## `source'
    """
    if where:
        typer.echo(folder())
    elif page is None:
        typer.echo(listed())
    else:
        show(found(page).read_text(encoding="utf-8"))


def folder() -> Path:
    """Of the pages: in the installed package, or beside it in a clone."""
    for place in (PACKAGE / "pages", PACKAGE.parent / "docs"):
        if (place / "first-steps.md").is_file():
            return place
    raise ConfigError("the pages are not installed with this package; they are in docs/ of a clone")


def titles() -> dict[str, str]:
    """The pages by name, the first steps first."""
    names = sorted(page.stem for page in folder().glob("*.md"))
    return {name: _title(name) for name in sorted(names, key=lambda name: name != "first-steps")}


def _title(name: str) -> str:
    with open(folder() / f"{name}.md", encoding="utf-8") as page:
        return page.readline().lstrip("# ").strip()


def listed() -> str:
    """All pages, and how to read them."""
    width = max(map(len, titles()))
    lines = [f"  {name:{width}}  {title}" for name, title in titles().items()]
    return "\n".join(
        [*lines, "", f"Read one with: stream-rnn docs first-steps.  The files are in {folder()}"]
    )


def found(page: str) -> Path:
    """The file of a page, by its name with or without .md; raises `ConfigError`."""
    name = page.rpartition("/")[2].removesuffix(".md")
    if name not in titles():
        raise ConfigError(f"docs {page}: no such page; {suggest(name, list(titles()))}")
    return folder() / f"{name}.md"


def show(text: str) -> None:
    """Set for a terminal, in its pager; as it is for a file or another program."""
    import sys

    if not sys.stdout.isatty():
        typer.echo(text)
        return
    from rich.console import Console
    from rich.markdown import Markdown

    console = Console()
    with console.pager(styles=True):
        console.print(Markdown(text))
