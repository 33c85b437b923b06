"""How functions become machine code, where Numba and LLVM need to be told.

`parts` saves compile time; `blas` calls the machine's matrix products; `denormals` sets how the
processor takes tiny numbers; `tiles` and `columns` are loops written in vector instructions
(`vectors`).  What they compute is written in Python too, and tested against it.
"""
