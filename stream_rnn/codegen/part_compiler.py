"""Compile a kernel as a part of its callers only.

Numba optimises every function it compiles and generates its machine code, and does so
again for the copy that each caller links in.  A kernel is never called from Python, so here
it is only translated and simplified by itself; the entry function that contains it is
optimised once, as a whole.  This halves the time of compiling a network.
"""

from typing import Any

from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import CompilerBase, DefaultPassBuilder


class _Unset:
    """A code generator for a library that has no machine code to hold an environment."""

    def __init__(self, codegen: Any):
        self._codegen = codegen

    def __getattr__(self, name: str) -> Any:
        return getattr(self._codegen, name)

    def set_env(self, name: str, environment: Any) -> None:
        """Kernels raise nothing and call nothing in Python, so they need no environment."""


class Part(JITCodeLibrary):
    """The translated code of a kernel, to be linked into its callers."""

    @property
    def codegen(self) -> Any:
        return _Unset(self._codegen)

    def finalize(self) -> None:
        self._raise_if_finalized()
        seen = set()
        for library in self._linking_libraries:
            if library not in seen:
                self._reload_init.update(library._reload_init)
                seen.add(library)
                self._final_module.link_in(library._get_module_for_linking(), preserve=True)
        self._finalize_dynamic_globals()
        self._finalized = True

    def get_pointer_to_function(self, name: str) -> int:
        self._ensure_finalized()
        return 0  # nothing in Python calls it


class PartCompiler(CompilerBase):
    """Numba's compiler, up to the point where a kernel can be linked."""

    def define_pipelines(self) -> list[Any]:
        state = self.state
        if state.library is None:
            state.library = Part(state.targetctx.codegen(), state.func_id.func_qualname)
        return [DefaultPassBuilder.define_nopython_pipeline(state)]
