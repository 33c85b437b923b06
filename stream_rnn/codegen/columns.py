"""The loops of `learners.own_tiles`, written in vector instructions.

    T[k,c] = Σ_l D[k,l] T[l,c] + A[k] z[c]      element by element                (1)
    g[c]   = w T[c]                                                               (2)

The rows c share D, A and w; going down the rows for a few columns at a time, each number of
the trace is read and written once and nothing else is read.
"""

from numba import types
from numba.core import cgutils
from numba.core.errors import TypingError
from numba.extending import intrinsic

from .vectors import Vectors, integer

VECTORS = 4  # of columns at a time: with fewer, memory is read in pieces too small to be fast


class _Columns:
    """A few vectors of columns after the other, down all rows; the last ones with a mask.

    The last array tells how many rows and columns there are.
    """

    def __init__(self, context, builder, kinds, values):
        self.builder, self.on = builder, Vectors(builder, kinds[0].dtype.bitwidth)
        arrays = [
            context.make_array(kind)(context, builder, value)
            for kind, value in zip(kinds, values, strict=True)
        ]
        self.data = [array.data for array in arrays]
        *self.outer, self.Z, self.n = cgutils.unpack_tuple(builder, arrays[-1].shape)

    def emit(self):
        """The loops over the columns."""
        builder, V = self.builder, VECTORS * self.on.lanes
        whole = builder.mul(builder.udiv(self.n, integer(V)), integer(V))
        with cgutils.for_range_slice(builder, integer(0), whole, integer(V)) as (column, _):
            self.column, self.masks = column, [None] * VECTORS
            self.down()
        left = builder.sub(self.n, whole)
        with builder.if_then(builder.icmp_unsigned("!=", left, integer(0))):
            self.column = whole
            self.masks = [self.on.first(left, v * self.on.lanes) for v in range(VECTORS)]
            self.down()

    def down(self):
        """All rows of these columns."""
        raise NotImplementedError

    def _places(self, number):
        at = self.builder.add(self.builder.mul(number, self.n), self.column)
        return [(mask, at, integer(v * self.on.lanes)) for v, mask in enumerate(self.masks)]

    def load(self, base, number):
        """The vectors of row *number*."""
        return [self.on.load(mask, base, *offset) for mask, *offset in self._places(number)]

    def store(self, vectors, base, number):
        """Write the *vectors* of row *number*."""
        for vector, (mask, *offset) in zip(vectors, self._places(number), strict=True):
            self.on.store(mask, vector, base, *offset)


class _Carry(_Columns):
    """Eq. (1), once for each K, which is then known when the code is written."""

    def emit(self):
        """The loops over the columns, for the K that T has."""
        for self.K in (1, 2):
            here = self.builder.icmp_unsigned("==", self.outer[0], integer(self.K))
            with self.builder.if_then(here):
                super().emit()

    def down(self):
        """Carry these columns over, row by row."""
        builder, on = self.builder, self.on
        D_, A_, z_, T_ = self.data
        states = range(self.K)
        D = [[self.load(D_, integer(k * self.K + l)) for l in states] for k in states]
        A = [self.load(A_, integer(k)) for k in states]
        with cgutils.for_range(builder, self.Z) as c:
            z = on.splat(on.number(z_, c.index))
            place = [builder.add(builder.mul(integer(k), self.Z), c.index) for k in states]
            T = [self.load(T_, place[k]) for k in states]
            for k in states:
                totals = [builder.fmul(a, z) for a in A[k]]
                for l in states:
                    factors = zip(D[k][l], T[l], totals, strict=True)
                    totals = [on.fma(d, t, total) for d, t, total in factors]
                self.store(totals, T_, place[k])


class _Weigh(_Columns):
    """Eq. (2)."""

    def down(self):
        """Weigh these columns, row by row."""
        w, T, g = self.data
        weights = self.load(w, integer(0))
        with cgutils.for_range(self.builder, self.Z) as c:
            factors = zip(weights, self.load(T, c.index), strict=True)
            self.store([self.builder.fmul(*pair) for pair in factors], g, c.index)


@intrinsic
def carry_columns(typingctx, D, A, z, T):
    """`carry_rows`, a few columns at a time; arguments as there."""
    _check("carry_rows", D, A, z, T)

    def codegen(context, builder, signature, args):
        _Carry(context, builder, signature.args, args).emit()
        return context.get_dummy_value()

    return types.void(D, A, z, T), codegen


@intrinsic
def weigh_columns(typingctx, w, T, g):
    """`weigh_rows`, a few columns at a time; arguments as there."""
    _check("weigh_rows", w, T, g)

    def codegen(context, builder, signature, args):
        _Weigh(context, builder, signature.args, args).emit()
        return context.get_dummy_value()

    return types.void(w, T, g), codegen


def _check(name: str, *arrays) -> None:
    for array in arrays:
        last = arrays[-1]
        if not isinstance(array, types.Array) or array.layout != "C" or array.dtype != last.dtype:
            raise TypingError(f"{name} needs C-contiguous arrays of {last.dtype}, not {array}")
