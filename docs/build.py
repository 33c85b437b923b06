"""Build the documentation as HTML without network: the pages of docs/, and the API's reference.

Run from the repository's root: ``python docs/build.py [FOLDER]``; by default build/docs.  The
reference, a page for each module, is made from the docstrings by pdoc.
"""

import importlib
import pkgutil
import re
import shutil
import sys
from html import escape
from pathlib import Path

import markdown2
import pdoc

DOCS = Path(__file__).parent
#: The pages in reading order; a test holds that none is missing.
PAGES = {
    "first-steps": "First steps",
    "tutorial": "A tutorial: one stream from file to service",
    "notebook": "A notebook: frames, forecasts with dates, pictures",
    "choosing": "Choosing an estimator, a learner, an optimizer",
    "sequences": "Sequences: classify, label, transduce",
    "anomalies": "Anomalies: what is new in a stream",
    "data": "What data may look like",
    "configuration": "Every field of a configuration",
    "rows": "What a line of the output holds",
    "exactly-once": "Exactly once, and its limits",
    "spark": "Learning inside Spark",
    "operations": "Operations: metrics, alerts, upgrades, backups",
    "http": "The page, and asking a running model",
    "measured": "Everything measured",
    "architecture": "Architecture",
}
EXTRAS = ["fenced-code-blocks", "tables", "header-ids", "code-friendly"]
STYLE = """
:root{color-scheme:light dark;--line:#8884}
body{font:16px/1.55 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
nav a{margin-right:1em;white-space:nowrap}nav{border-bottom:1px solid var(--line)}
pre,table{overflow-x:auto;display:block}pre{padding:.7em;border:1px solid var(--line)}
td,th{border:1px solid var(--line);padding:.2em .6em;text-align:left}table{border-collapse:collapse}
img{max-width:100%}
"""


def pages() -> dict[str, str]:
    """The pages that are there, title by name, in reading order."""
    return {name: title for name, title in PAGES.items() if (DOCS / f"{name}.md").exists()}


def html(name: str, title: str) -> str:
    """One page with its navigation; links between pages lead to the built ones."""
    body = markdown2.markdown((DOCS / f"{name}.md").read_text(encoding="utf-8"), extras=EXTRAS)
    body = re.sub(r'href="(?!https?:)([\w-]+)\.md(#[\w-]+)?"', r'href="\1.html\2"', str(body))
    links = "".join(f'<a href="{n}.html">{escape(t.split(":")[0])}</a>' for n, t in pages().items())
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style>'
        f'<nav>{links}<a href="api/stream_rnn.html">API</a></nav><main>{body}</main></html>'
    )


def specified(name: str) -> list[str]:
    """A module, and below a package that says `__all__` its parts: pdoc takes them for private."""
    module = importlib.import_module(name)
    if not (hasattr(module, "__path__") and hasattr(module, "__all__")):
        return [name]
    parts = [part.name for part in pkgutil.iter_modules(module.__path__, f"{name}.")]
    below = [n for part in parts if not part.endswith("__main__") for n in specified(part)]
    return [name, *below]


def reference(folder: Path) -> None:
    """The API's reference by pdoc."""
    package = importlib.import_module("stream_rnn")
    for name in package.__all__:  # some come when first asked for, and pdoc does not ask
        setattr(package, name, getattr(package, name))
    names = [name for top in ("stream_rnn", "connectors") for name in specified(top)]
    pdoc.render.configure(docformat="numpy", footer_text="stream_rnn", search=True)
    pdoc.pdoc(*names, output_directory=folder)


def build(folder: Path, api: bool = True) -> None:
    """Write all pages, and with *api* the reference, into *folder*."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, title in pages().items():
        (folder / f"{name}.html").write_text(html(name, title), encoding="utf-8")
    first = next(iter(pages()))
    (folder / "index.html").write_text(html(first, pages()[first]), encoding="utf-8")
    if (DOCS / "images").exists():
        shutil.copytree(DOCS / "images", folder / "images")
    if api:
        reference(folder / "api")


if __name__ == "__main__":
    build(Path(sys.argv[1] if len(sys.argv) > 1 else "build/docs"))
