"""Elementary functions on float32 arrays, written so that LLVM vectorises them.

The transcendental functions of the C library are scalar calls; at 66 symbols times 12
members they would cost more than the network.  Each function here is a short polynomial
without branches.  Loops live in small functions of their own with one output each: inside
a longer function LLVM meets more pairs of arrays that might overlap than it is ready to
check, and gives up.
"""

import numpy as np
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from ..codegen.inlined import anew, inlined, ordered
from .activations import rational_tanh

F = np.float32


def bits_of(x):
    """The 32 bits of a float32 as an int32."""
    return np.float32(x).view(np.int32)


def float_of(i):
    """The float32 whose 32 bits are the int32 `i`."""
    return np.int32(i).view(np.float32)


def _bitcast(kind, llvm):
    @intrinsic
    def cast(typingctx, value):
        def codegen(context, builder, signature, args):
            return builder.bitcast(args[0], llvm)

        return kind(value), codegen

    return cast


_to_bits = _bitcast(types.int32, cgutils.int32_t)
_to_float = _bitcast(types.float32, cgutils.ir.FloatType())


@overload(bits_of, inline="always")
def _bits_of(x):
    return lambda x: _to_bits(F(x))


@overload(float_of, inline="always")
def _float_of(i):
    return lambda i: _to_float(np.int32(i))


tanh = inlined(anew(rational_tanh))


@inlined
def sigmoid(x):
    """1 / (1 + e^-x) = (1 + tanh(x/2)) / 2."""
    return F(0.5) * tanh(F(0.5) * x) + F(0.5)


@inlined
def exp(x):
    """e^x for x <= 0, relative error below 2e-7; arguments below -27 count as -27."""
    y = max(x * F(1.44269504), F(-40.0))
    k = np.int32(y)  # towards zero, so the fraction is in (-1, 0]
    f = (y - F(k)) * F(0.69314718)
    p = F(1 / 5040)
    p = p * f + F(1 / 720)
    p = p * f + F(1 / 120)
    p = p * f + F(1 / 24)
    p = p * f + F(1 / 6)
    p = p * f + F(0.5)
    p = p * f + F(1)
    p = p * f + F(1)
    return p * float_of(np.int32((k + np.int32(127)) << np.int32(23)))


@inlined
def log(x):
    """Natural logarithm of a normal x > 0, relative error below 2e-7 (Cephes' logf)."""
    i = bits_of(x)
    e = np.int32((i - np.int32(0x3F3504F3)) >> np.int32(23))
    f = float_of(np.int32(i - np.int32(e << np.int32(23)))) - F(1)
    p = F(7.0376836292e-2)
    p = p * f + F(-1.1514610310e-1)
    p = p * f + F(1.1676998740e-1)
    p = p * f + F(-1.2420140846e-1)
    p = p * f + F(1.4249322787e-1)
    p = p * f + F(-1.6668057665e-1)
    p = p * f + F(2.0000714765e-1)
    p = p * f + F(-2.4999993993e-1)
    p = p * f + F(3.3333331174e-1)
    u = f * f
    return f - F(0.5) * u + u * f * p + F(e) * F(0.69314718)


@ordered
def peak(x, n):
    """max(x[:n])"""
    m = x[0]
    for i in range(1, n):
        m = max(m, x[i])
    return m


@inlined
def log_into(x, n, out):
    """out[:n] = log(x[:n])"""
    for i in range(n):
        out[i] = log(x[i])


@inlined
def softmax_into(x, n, out):
    """out[:n] = softmax(x[:n])"""
    m = peak(x, n)
    s = F(0)
    for i in range(n):
        e = exp(x[i] - m)
        out[i] = e
        s += e
    s = F(1) / s
    for i in range(n):
        out[i] *= s


@inlined
def fill(x, n, out):
    """out[:n] = x"""
    for i in range(n):
        out[i] = x


@inlined
def copy_into(x, n, out):
    """out[:n] = x[:n]"""
    for i in range(n):
        out[i] = x[i]


@inlined
def sum_into(x, y, n, out):
    """out[:n] = x[:n] + y[:n]"""
    for i in range(n):
        out[i] = x[i] + y[i]


@inlined
def add_into(x, n, out):
    """out[:n] += x[:n]"""
    for i in range(n):
        out[i] += x[i]


@inlined
def add_product(x, y, n, out):
    """out[:n] += x[:n] * y[:n]"""
    for i in range(n):
        out[i] += x[i] * y[i]


@inlined
def add_scaled(a, x, n, out):
    """out[:n] += a * x[:n]"""
    for i in range(n):
        out[i] += a * x[i]


@inlined
def add_outer(a, u, x, n, width, rows):
    """rows[:n, :width] += a * u[:n] ⊗ x[:width]"""
    for i in range(n):
        b = a * u[i]
        row = rows[i]
        for j in range(width):
            row[j] += b * x[j]


@inlined
def dot(a, b, n):
    """Σ a[i] b[i] over i < n"""
    s = F(0)
    for i in range(n):
        s += a[i] * b[i]
    return s


@inlined
def add_combination(u, rows, n, width, out):
    """out[:width] += u[:n] @ rows[:n, :width]; eight rows at once, to load `out` less often."""
    add_columns(u, rows, n, 0, width, out)


@inlined
def add_columns(u, rows, n, first, last, out):
    """out[: last - first] += u[:n] @ rows[:n, first:last]"""
    width, eights = last - first, n - n % 8
    fours = n - n % 4
    for i in range(0, eights, 8):
        a, b, c, d = u[i], u[i + 1], u[i + 2], u[i + 3]
        e, f, g, h = u[i + 4], u[i + 5], u[i + 6], u[i + 7]
        p, q = rows[i][first:last], rows[i + 1][first:last]
        r, s = rows[i + 2][first:last], rows[i + 3][first:last]
        w, x = rows[i + 4][first:last], rows[i + 5][first:last]
        y, z = rows[i + 6][first:last], rows[i + 7][first:last]
        for j in range(width):
            near = a * p[j] + b * q[j] + c * r[j] + d * s[j]
            out[j] += near + e * w[j] + f * x[j] + g * y[j] + h * z[j]
    if fours > eights:
        a, b, c, d = u[eights], u[eights + 1], u[eights + 2], u[eights + 3]
        p, q = rows[eights][first:last], rows[eights + 1][first:last]
        r, s = rows[eights + 2][first:last], rows[eights + 3][first:last]
        for j in range(width):
            out[j] += a * p[j] + b * q[j] + c * r[j] + d * s[j]
    for i in range(fours, n):
        a = u[i]
        p = rows[i][first:last]
        for j in range(width):
            out[j] += a * p[j]


@inlined
def rows_dot(rows, x, n, width, out):
    """out[:n] = rows[:n, :width] @ x[:width]; four rows at once, to load `x` less often."""
    whole = n - n % 4
    for i in range(0, whole, 4):
        p, q, r, s = rows[i], rows[i + 1], rows[i + 2], rows[i + 3]
        a = b = c = d = F(0)
        for j in range(width):
            v = x[j]
            a += p[j] * v
            b += q[j] * v
            c += r[j] * v
            d += s[j] * v
        out[i], out[i + 1], out[i + 2], out[i + 3] = a, b, c, d
    for i in range(whole, n):
        out[i] = dot(rows[i], x, width)


@inlined
def scramble(a, b):
    """A 64-bit hash of two 64-bit numbers (multiply, shift, multiply: SplitMix64's finaliser)."""
    x = np.uint64(a) * np.uint64(0x9E3779B97F4A7C15)
    x ^= (np.uint64(b) + np.uint64(0x7F4A7C15)) * np.uint64(0xD6E8FEB86659FD93)
    x ^= x >> np.uint64(29)
    x *= np.uint64(0xBF58476D1CE4E5B9)
    return x ^ (x >> np.uint64(32))


@inlined
def uniform(seed, i, j):
    """A number in [-1, 1) that depends on nothing but its arguments."""
    h = scramble(scramble(np.uint64(seed), np.uint64(i)), np.uint64(j))
    return F(np.int64(h >> np.uint64(40))) * F(2.0**-23) - F(1)


def log_odds_table(size: int = 4096) -> np.ndarray:
    """ln(p / (1-p)) at the middles of `size` equal intervals of (0, 1); float32."""
    p = (np.arange(size) + 0.5) / size
    return np.log(p / (1 - p)).astype(F)
