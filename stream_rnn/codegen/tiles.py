"""The loops of `learners.tiles.propagate`, written in vector instructions.

    S[k,i] = z ⊙ D[k,i] + Σ_{l≥1} B[k,l,i] S[l,i] + Σ_j M[j,k,i] S[0,j]          (1)

A tile of ROWS units × two vectors of columns is summed in registers and stored once.
LLVM does not find this loop order by itself.  Every sum runs in the order of (1), whatever
the tile.
"""

from numba import types
from numba.core import cgutils
from numba.core.errors import TypingError
from numba.extending import intrinsic

from .vectors import Vectors, integer, registers

VECTORS = 2  # vectors of columns in a tile
COLUMNS = VECTORS * 16  # columns of the widest tile: float32 in 64-byte vectors


class _Tiles:
    """The loops of Eq. (1): columns, then k, then units, then the sums of one tile."""

    def __init__(self, context, builder, kinds, values):
        self.builder = builder
        self.on = Vectors(builder, kinds[0].dtype.bitwidth)
        arrays = [
            context.make_array(kind)(context, builder, value)
            for kind, value in zip(kinds, values, strict=True)
        ]
        self.M, self.B, self.D, self.z, self.T, self.S = (array.data for array in arrays)
        self.K, self.H, self.C = cgutils.unpack_tuple(builder, arrays[-1].shape)
        self.width = cgutils.unpack_tuple(builder, arrays[-2].shape)[2]

    def emit(self):
        builder, V = self.builder, VECTORS * self.on.lanes
        whole = builder.mul(builder.udiv(self.C, integer(V)), integer(V))
        with cgutils.for_range_slice(builder, integer(0), whole, integer(V)) as (column, _):
            self._columns(column, [None] * VECTORS)
        left = builder.sub(self.C, whole)
        with builder.if_then(builder.icmp_unsigned("!=", left, integer(0))):
            masks = [self.on.first(left, v * self.on.lanes) for v in range(VECTORS)]
            self._columns(whole, masks)

    def _columns(self, column, masks):
        """VECTORS vectors of columns.  With K ≤ 2 only S[0] is read after it was written."""
        builder, units = self.builder, registers()[1]
        in_place = builder.icmp_unsigned("<=", self.K, integer(2))
        rows = builder.mul(self.K, self.H)
        with cgutils.for_range(builder, builder.select(in_place, self.H, rows)) as row:
            at = self.on.add(builder.mul(row.index, self.C), column)
            to = builder.mul(row.index, self.width)
            for v, mask in enumerate(masks):
                lane = integer(v * self.on.lanes)
                self.on.store(None, self.on.load(mask, self.S, at, lane), self.T, to, lane)
        shifted = builder.gep(self.S, [column])
        before = builder.select(in_place, shifted, self.T)
        stride = builder.select(in_place, self.C, self.width)
        whole = builder.and_(self.H, integer(-units))
        with cgutils.for_range(builder, self.K) as k:
            with cgutils.for_range_slice(builder, integer(0), whole, integer(units)) as (i, _):
                self._tile(k.index, i, units, column, masks, before, stride)
            rest = cgutils.for_range_slice(builder, whole, self.H, integer(units // 2))
            with rest as (i, _):
                self._tile(k.index, i, units // 2, column, masks, before, stride)

    def _tile(self, k, first, units, column, masks, before, stride):
        """Units that do not exist are computed as the last that does."""
        builder, on = self.builder, self.on
        last = builder.sub(self.H, integer(1))
        unit = []
        for r in range(units):
            i = builder.add(first, integer(r))
            inside = builder.icmp_unsigned("<", i, last)
            exact = units == registers()[1]
            unit.append(i if exact else builder.select(inside, i, last))
        row = [builder.add(builder.mul(k, self.H), i) for i in unit]
        place = [builder.add(builder.mul(r, self.C), column) for r in row]
        sums = [[cgutils.alloca_once(builder, on.kind) for _ in masks] for _ in unit]
        lanes = [integer(v * on.lanes) for v in range(len(masks))]

        def accumulate(weights, vectors):
            for weight, sum_row, vector_row in zip(weights, sums, vectors, strict=True):
                for to, vector in zip(sum_row, vector_row, strict=True):
                    builder.store(on.fma(weight, vector, builder.load(to)), to)

        inputs = [on.load(m, self.z, column, lane) for lane, m in zip(lanes, masks, strict=True)]
        for at, to_row in zip(place, sums, strict=True):
            for lane, mask, z, to in zip(lanes, masks, inputs, to_row, strict=True):
                builder.store(builder.fmul(z, on.load(mask, self.D, at, lane)), to)
        with cgutils.for_range_slice(builder, integer(1), self.K, integer(1)) as (l, _):
            of = builder.mul(on.add(builder.mul(k, self.K), l), self.H)
            weights = [on.splat(on.number(self.B, of, i)) for i in unit]
            starts = [builder.mul(on.add(builder.mul(l, self.H), i), stride) for i in unit]
            loads = [
                [on.load(m, before, at, lane) for lane, m in zip(lanes, masks, strict=True)]
                for at in starts
            ]
            accumulate(weights, loads)
        with cgutils.for_range(builder, self.H) as j:
            of = builder.mul(j.index, builder.mul(self.K, self.H))
            at = builder.mul(j.index, self.width)
            vectors = [on.load(None, self.T, at, lane) for lane in lanes]
            accumulate([on.splat(on.number(self.M, of, r)) for r in row], [vectors] * units)
        for at, sum_row in zip(place, sums, strict=True):
            for lane, mask, total in zip(lanes, masks, sum_row, strict=True):
                on.store(mask, builder.load(total), self.S, at, lane)


@intrinsic
def propagate_tiles(typingctx, M, B, D, z, T, S):
    """`propagate` in tiles; arguments as there."""
    for array in (M, B, D, z, T, S):
        if not isinstance(array, types.Array) or array.layout != "C" or array.dtype != S.dtype:
            raise TypingError(f"propagate needs C-contiguous arrays of {S.dtype}, not {array}")

    def codegen(context, builder, signature, args):
        _Tiles(context, builder, signature.args, args).emit()
        return context.get_dummy_value()

    return types.void(M, B, D, z, T, S), codegen
