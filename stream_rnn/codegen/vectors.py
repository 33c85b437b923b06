"""LLVM's vector instructions, for the loops whose order LLVM does not find by itself.

A kernel that sums in registers is written here by hand, once; the instructions compile to
what the machine has.  Everything else stays Python that Numba compiles.
"""

import functools

from llvmlite import binding, ir
from numba.core import cgutils

WORD, INT32, BIT = ir.IntType(64), ir.IntType(32), ir.IntType(1)


@functools.cache
def registers() -> tuple[int, int]:
    """(bytes of a vector, rows of a tile): two vectors of sums for each row fit."""
    if binding.get_host_cpu_features().get("avx512f"):
        return 64, 8
    return 32, 4


def integer(value: int):
    """A constant of 64 bits."""
    return ir.Constant(WORD, value)


class Vectors:
    """LLVM's vector instructions on numbers of one dtype."""

    def __init__(self, builder, bits: int):
        self.builder = builder
        self.scalar = ir.FloatType() if bits == 32 else ir.DoubleType()
        self.size = bits // 8
        self.lanes = registers()[0] // self.size
        self.kind = ir.VectorType(self.scalar, self.lanes)
        self.mask = ir.VectorType(BIT, self.lanes)
        self.suffix = f"v{self.lanes}f{bits}"

    def _intrinsic(self, name: str, returns, *kinds):
        kind = ir.FunctionType(returns, kinds)
        return cgutils.get_or_insert_function(self.builder.module, kind, name)

    def add(self, *terms):
        return functools.reduce(self.builder.add, terms)

    def number(self, base, *offset):
        return self.builder.load(self.builder.gep(base, [self.add(*offset)]))

    def _vector_at(self, base, *offset):
        pointer = self.builder.gep(base, [self.add(*offset)])
        return self.builder.bitcast(pointer, self.kind.as_pointer())

    def load(self, mask, base, *offset):
        pointer = self._vector_at(base, *offset)
        if mask is None:
            return self.builder.load(pointer, align=self.size)
        name = f"llvm.masked.load.{self.suffix}.p0"
        function = self._intrinsic(name, self.kind, pointer.type, INT32, self.mask, self.kind)
        align, zeros = ir.Constant(INT32, self.size), ir.Constant(self.kind, None)
        return self.builder.call(function, (pointer, align, mask, zeros))

    def store(self, mask, value, base, *offset):
        pointer = self._vector_at(base, *offset)
        if mask is None:
            self.builder.store(value, pointer, align=self.size)
            return
        name = f"llvm.masked.store.{self.suffix}.p0"
        kinds = (self.kind, pointer.type, INT32, self.mask)
        function = self._intrinsic(name, ir.VoidType(), *kinds)
        self.builder.call(function, (value, pointer, ir.Constant(INT32, self.size), mask))

    def splat(self, number):
        anything = ir.Constant(self.kind, ir.Undefined)
        one = self.builder.insert_element(anything, number, ir.Constant(INT32, 0))
        lanes = ir.Constant(ir.VectorType(INT32, self.lanes), [0] * self.lanes)
        return self.builder.shuffle_vector(one, anything, lanes)

    def fma(self, a, b, c):
        name = f"llvm.fma.{self.suffix}"
        function = self._intrinsic(name, self.kind, self.kind, self.kind, self.kind)
        return self.builder.call(function, (a, b, c))

    def first(self, count, skipped: int):
        """The mask of the lanes that lie among *count* columns, *skipped* before them."""
        lanes = ir.VectorType(WORD, self.lanes)
        numbers = ir.Constant(lanes, [skipped + n for n in range(self.lanes)])
        anything = ir.Constant(lanes, ir.Undefined)
        one = self.builder.insert_element(anything, count, ir.Constant(INT32, 0))
        same = ir.Constant(ir.VectorType(INT32, self.lanes), [0] * self.lanes)
        return self.builder.icmp_signed(
            "<", numbers, self.builder.shuffle_vector(one, anything, same)
        )
