"""How functions become machine code, where Numba and LLVM need to be told.

`parts` saves compile time; `tiles` and `columns` are loops written in vector instructions
(`vectors`).  What they compute is written in Python where they are used, and tested against it.
"""
