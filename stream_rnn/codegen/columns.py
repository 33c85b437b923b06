"""The loops of `learners.own_tiles.carry_rows`, written in vector instructions.

    T[k,c] = Σ_l D[k,l] T[l,c] + A[k] z[c]      element by element                (1)

The rows c share D and A; going down the rows for a few columns at a time, each number of
the trace is read and written once and nothing else is read.
"""

from numba import types
from numba.core import cgutils
from numba.core.errors import TypingError
from numba.extending import intrinsic

from .vectors import Vectors, integer

VECTORS = 2  # of columns at a time: D, A and T of two state components fit the registers


class _Columns:
    def __init__(self, context, builder, kinds, values):
        self.builder, self.on = builder, Vectors(builder, kinds[0].dtype.bitwidth)
        arrays = [
            context.make_array(kind)(context, builder, value)
            for kind, value in zip(kinds, values, strict=True)
        ]
        self.D, self.A, self.z, self.T = (array.data for array in arrays)
        self.K, self.Z, self.n = cgutils.unpack_tuple(builder, arrays[-1].shape)

    def emit(self):
        for K in (1, 2):
            with self.builder.if_then(self.builder.icmp_unsigned("==", self.K, integer(K))):
                self._all(K)

    def _all(self, K: int):
        builder, V = self.builder, VECTORS * self.on.lanes
        whole = builder.mul(builder.udiv(self.n, integer(V)), integer(V))
        with cgutils.for_range_slice(builder, integer(0), whole, integer(V)) as (column, _):
            self._down(K, column, [None] * VECTORS)
        left = builder.sub(self.n, whole)
        with builder.if_then(builder.icmp_unsigned("!=", left, integer(0))):
            self._down(K, whole, [self.on.first(left, v * self.on.lanes) for v in range(VECTORS)])

    def _down(self, K: int, column, masks):
        """All rows of VECTORS vectors of columns."""
        builder, on = self.builder, self.on

        def row(base, number):
            at = builder.add(builder.mul(number, self.n), column)
            return [on.load(m, base, at, integer(v * on.lanes)) for v, m in enumerate(masks)]

        states = range(K)
        D = [[row(self.D, integer(k * K + l)) for l in states] for k in states]
        A = [row(self.A, integer(k)) for k in states]
        with cgutils.for_range(builder, self.Z) as c:
            z = on.splat(on.number(self.z, c.index))
            place = [builder.add(builder.mul(integer(k), self.Z), c.index) for k in states]
            T = [row(self.T, place[k]) for k in states]
            for k in states:
                at = builder.add(builder.mul(place[k], self.n), column)
                for v, mask in enumerate(masks):
                    total = builder.fmul(A[k][v], z)
                    for l in states:
                        total = on.fma(D[k][l][v], T[l][v], total)
                    on.store(mask, total, self.T, at, integer(v * on.lanes))


@intrinsic
def carry_columns(typingctx, D, A, z, T):
    """`carry_rows`, a few columns at a time; arguments as there."""
    for array in (D, A, z, T):
        if not isinstance(array, types.Array) or array.layout != "C" or array.dtype != T.dtype:
            raise TypingError(f"carry_rows needs C-contiguous arrays of {T.dtype}, not {array}")

    def codegen(context, builder, signature, args):
        _Columns(context, builder, signature.args, args).emit()
        return context.get_dummy_value()

    return types.void(D, A, z, T), codegen
