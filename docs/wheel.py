"""The pages of docs/ go into the wheel, where ``stream-rnn docs`` finds them.

pyproject.toml names the class; everything else about the build is there too.
"""

from pathlib import Path

from setuptools.command.build_py import build_py

DOCS = Path(__file__).parent
KINDS = ("*.md", "*.svg", "images/*")


class WithPages(build_py):
    """Copies the pages and their pictures to stream_rnn/pages."""

    def run(self):
        super().run()
        if self.editable_mode:  # they are beside the package, where they are written
            return
        for source, target in self.pages():
            self.mkpath(str(target.parent))
            self.copy_file(str(source), str(target))

    def get_outputs(self, include_bytecode=1):
        return super().get_outputs(include_bytecode) + [str(to) for _, to in self.pages()]

    def pages(self):
        folder = Path(self.build_lib, "stream_rnn", "pages")
        found = sorted(page for kind in KINDS for page in DOCS.glob(kind))
        return [(page, folder / page.relative_to(DOCS)) for page in found]
