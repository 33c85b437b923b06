"""BLAS on row-major arrays that can add to what is there.

Numba ships C wrappers of the BLAS inside SciPy, the ones behind its `np.dot`.  Called
directly they also accumulate (beta), which saves a pass over the result.  Arrays are
C-contiguous and of one dtype.  Called from Python the same names are NumPy expressions.
"""

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.errors import TypingError
from numba.extending import intrinsic, overload
from numba.np.linalg import check_blas_return, ensure_blas, get_blas_kind

from .dispatch import INNER

CHAR, WORD, POINTER = ir.IntType(8), ir.IntType(64), ir.IntType(8).as_pointer()


def matmul(A, B, C, beta):
    """C (M, N) = A (M, K) B (K, N) + beta C."""
    C[...] = A @ B + (beta * C if beta else 0)


def matmul_tn(A, B, C, beta):
    """C (M, N) = Aᵀ B + beta C, with A (K, M) and B (K, N)."""
    C[...] = A.T @ B + (beta * C if beta else 0)


def matmul_nt(A, B, C, beta):
    """C (M, N) = A Bᵀ + beta C, with A (M, K) and B (N, K)."""
    C[...] = A @ B.T + (beta * C if beta else 0)


def matvec(A, x, y, beta):
    """y (M,) = A (M, N) x (N,) + beta y."""
    y[...] = A @ x + (beta * y if beta else 0)


def vecmat(x, A, y, beta):
    """y (N,) = x (M,) A (M, N) + beta y."""
    y[...] = x @ A + (beta * y if beta else 0)


def dot(x, y):
    """Σ x y of two vectors."""
    return x @ y


def _check(*arrays):
    ensure_blas()
    for array in arrays:
        if not isinstance(array, types.Array) or array.layout != "C":
            raise TypingError(f"BLAS needs C-contiguous arrays, not {array}")
        if array.dtype != arrays[0].dtype:
            raise TypingError(f"BLAS needs arrays of one dtype, not {arrays}")


def _data(context, builder, kind, value):
    """The pointer to an array's elements, and its shape."""
    array = context.make_array(kind)(context, builder, value)
    return builder.bitcast(array.data, POINTER), cgutils.unpack_tuple(builder, array.shape)


def _slot(builder, value):
    """A pointer to a scalar, as Fortran wants its arguments."""
    return builder.bitcast(cgutils.alloca_once_value(builder, value), POINTER)


def _call(context, builder, name, kinds, arguments):
    kind = ir.FunctionType(ir.IntType(32), kinds)
    function = cgutils.get_or_insert_function(builder.module, kind, name)
    check_blas_return(context, builder, builder.call(function, arguments))


def _letter(text: str):
    return ir.Constant(CHAR, ord(text))


def _product(transposed_a: bool, transposed_b: bool):
    """C = op(A) op(B) + beta C; a row-major C is a column-major Cᵀ = op(B)ᵀ op(A)ᵀ."""
    kinds = [CHAR] * 3 + [WORD] * 3 + [POINTER, POINTER, WORD, POINTER, WORD]
    kinds += [POINTER, POINTER, WORD]

    @intrinsic
    def product(typingctx, A, B, C, beta):
        _check(A, B, C)

        def codegen(context, builder, signature, args):
            a, (a0, a1) = _data(context, builder, A, args[0])
            b, (_, b1) = _data(context, builder, B, args[1])
            c, (m, n) = _data(context, builder, C, args[2])
            one = _slot(builder, context.get_constant(A.dtype, 1))
            scale = _slot(builder, context.cast(builder, args[3], beta, A.dtype))
            flags = (_letter("t" if transposed_b else "n"), _letter("t" if transposed_a else "n"))
            sizes = (n, m, a0 if transposed_a else a1)
            arguments = (_letter(get_blas_kind(A.dtype)), *flags, *sizes, one, b, b1, a, a1)
            _call(context, builder, "numba_xxgemm", kinds, (*arguments, scale, c, n))
            return context.get_dummy_value()

        return types.void(A, B, C, beta), codegen

    return product


def _vector_product(from_left: bool):
    """y = A x + beta y, or y = x A + beta y; a row-major A is a column-major Aᵀ."""
    kinds = [CHAR] * 2 + [WORD] * 2 + [POINTER, POINTER, WORD] + [POINTER] * 3

    @intrinsic
    def product(typingctx, A, x, y, beta):
        _check(A, x, y)

        def codegen(context, builder, signature, args):
            a, (rows, columns) = _data(context, builder, A, args[0])
            x_data, _ = _data(context, builder, x, args[1])
            y_data, _ = _data(context, builder, y, args[2])
            one = _slot(builder, context.get_constant(A.dtype, 1))
            scale = _slot(builder, context.cast(builder, args[3], beta, A.dtype))
            flag = _letter("n" if from_left else "t")
            arguments = (_letter(get_blas_kind(A.dtype)), flag, columns, rows, one, a, columns)
            _call(context, builder, "numba_xxgemv", kinds, (*arguments, x_data, scale, y_data))
            return context.get_dummy_value()

        return types.void(A, x, y, beta), codegen

    return product


_nn, _tn, _nt = _product(False, False), _product(True, False), _product(False, True)
_mv, _vm = _vector_product(False), _vector_product(True)


@overload(matmul, jit_options=INNER)
def _compile_matmul(A, B, C, beta):
    return lambda A, B, C, beta: _nn(A, B, C, beta)


@overload(matmul_tn, jit_options=INNER)
def _compile_matmul_tn(A, B, C, beta):
    return lambda A, B, C, beta: _tn(A, B, C, beta)


@overload(matmul_nt, jit_options=INNER)
def _compile_matmul_nt(A, B, C, beta):
    return lambda A, B, C, beta: _nt(A, B, C, beta)


@overload(matvec, jit_options=INNER)
def _compile_matvec(A, x, y, beta):
    return lambda A, x, y, beta: _mv(A, x, y, beta)


@overload(vecmat, jit_options=INNER)
def _compile_vecmat(x, A, y, beta):
    return lambda x, A, y, beta: _vm(A, x, y, beta)


@intrinsic
def _dot(typingctx, x, y):
    _check(x, y)

    def codegen(context, builder, signature, args):
        x_data, (n,) = _data(context, builder, x, args[0])
        y_data, _ = _data(context, builder, y, args[1])
        out = cgutils.alloca_once(builder, context.get_value_type(x.dtype))
        kinds = [CHAR, CHAR, WORD, POINTER, POINTER, POINTER]
        flags = (_letter(get_blas_kind(x.dtype)), ir.Constant(CHAR, 0))
        arguments = (*flags, n, x_data, y_data, builder.bitcast(out, POINTER))
        _call(context, builder, "numba_xxdot", kinds, arguments)
        return builder.load(out)

    return x.dtype(x, y), codegen


@overload(dot, jit_options=INNER)
def _compile_dot(x, y):
    return lambda x, y: _dot(x, y)
