"""An arithmetic coder driven by a predictor, and its inverse, as compiled loops.

Bytes are coded as eight binary decisions along the tree of prefixes, each with the
probability that the predictor's distribution gives it, in 32 bits.  The interval [low,
high] is kept in 64 bits; equal leading bytes are written out (Witten, Neal and Cleary 1987;
the carryless form is Subbotin's and Mahoney's).
"""

import math

import numpy as np

from ...codegen.dispatch import compiled
from ...codegen.inlined import inlined
from ...codegen.reference import whole
from ..bits.predict import decide, enter_second_nibble
from ..predictor import has_room_for, learn_scored, share_of, uniform_share

LOW, HIGH, CODE = range(3)  # places in `interval` (3,) uint64
PLACE = 0  # in `place` (1,) int64: next byte to write or read
BYTES_PER_SYMBOL = 40  # more than eight decisions at 32 bits can take


def full_interval() -> np.ndarray:
    """The interval before the first decision."""
    return np.array([0, 0xFFFFFFFFFFFFFFFF, 0], np.uint64)


def last_bytes(interval: np.ndarray) -> bytes:
    """The fewest bytes that, followed by zeros, lie in the interval."""
    low, high = int(interval[LOW]), int(interval[HIGH])
    for n in range(9):
        unit = 1 << (64 - 8 * n)
        value = -(-low // unit) * unit
        if value <= high:
            return value.to_bytes(9, "big")[1 : 1 + n]
    raise AssertionError("an interval contains its lower end")


@inlined
def threshold(interval, p):
    """The last number of the part of the interval that stands for a one."""
    scaled = np.uint64(min(max(p * 4294967296.0, 1.0), 4294967295.0))
    low, width = interval[0], interval[1] - interval[0]
    whole = (width >> np.uint64(32)) * scaled
    part = ((width & np.uint64(0xFFFFFFFF)) * scaled) >> np.uint64(32)
    return low + whole + part


@inlined
def narrow(interval, middle, bit):
    """Keep the part of the interval for `bit`."""
    if bit:
        interval[1] = middle
    else:
        interval[0] = middle + np.uint64(1)


@inlined
def leading_byte_known(interval):
    """Whether low and high agree in their first byte."""
    return (interval[0] ^ interval[1]) >> np.uint64(56) == np.uint64(0)


@inlined
def drop_leading_byte(interval):
    """Make the interval 256 times as wide."""
    interval[0] = interval[0] << np.uint64(8)
    interval[1] = (interval[1] << np.uint64(8)) | np.uint64(255)


@inlined
def write(interval, out, place):
    """Write the leading bytes that are known."""
    while leading_byte_known(interval):
        out[place[PLACE]] = np.uint8(interval[1] >> np.uint64(56))
        place[PLACE] += 1
        drop_leading_byte(interval)


@inlined
def fetch(interval, source, place):
    """Follow with the code; beyond the end of the source there are zeros."""
    while leading_byte_known(interval):
        at = place[PLACE]
        byte = np.uint64(source[at]) if at < source.size else np.uint64(0)
        interval[2] = (interval[2] << np.uint64(8)) | byte
        place[PLACE] += 1
        drop_leading_byte(interval)


@inlined
def sum_leaves(vocabulary, q, known_only, tree):
    """tree[256 + byte] = its share of q (or of the uniform distribution), summed down."""
    for byte in range(256):
        if known_only:
            tree[256 + byte] = share_of(vocabulary, q, byte)
        else:
            tree[256 + byte] = uniform_share(vocabulary, byte)
    for k in range(255, 0, -1):
        tree[k] = tree[2 * k] + tree[2 * k + 1]


@inlined
def open_symbol(vocabulary, network, mixture, bits, model, uniform):
    """Sum the distributions of the next byte down the tree."""
    sum_leaves(vocabulary, uniform, False, uniform)
    if bits is not None:
        model[1] = 1.0
    elif mixture is not None:
        sum_leaves(vocabulary, mixture.q, True, model)
    elif network is not None:
        sum_leaves(vocabulary, network.p, True, model)


@inlined
def node(history, network, second, mixture, bits, model, prefix):
    """The members' probability of a one after `prefix`."""
    if bits is not None:
        depth = 0
        while prefix >> (depth + 1) > 0:
            depth += 1
        if depth == 4:
            enter_second_nibble(bits, prefix)
        return np.float64(decide(bits, network, second, mixture, history, depth, prefix))
    else:
        return model[2 * prefix + 1] / max(model[prefix], 1e-300)


@inlined
def blend(belief, q, one, uniform, prefix):
    """The probability of a one when the prefix had the probability q: see `predictor`."""
    b = belief[0]
    ones = b * q * one + (1 - b) * uniform[2 * prefix + 1]
    return ones / (b * q + (1 - b) * uniform[prefix])


@inlined
def close_symbol(
    vocabulary, history, network, second, mixture, tables, bits, belief, code, q, uniform
):
    """Learn the byte; returns its cost in bits."""
    if bits is None:
        if mixture is not None:
            q = share_of(vocabulary, mixture.q, code)
        elif network is not None:
            q = share_of(vocabulary, network.p, code)
    u = uniform_share(vocabulary, code)
    cost = -math.log2(belief[0] * q + (1 - belief[0]) * u)
    learn_scored(vocabulary, history, network, second, mixture, tables, bits, belief, code, q, u)
    return cost


@inlined
def code_all(
    vocabulary,
    history,
    network,
    second,
    mixture,
    tables,
    bits,
    belief,
    decoding,
    codes,
    interval,
    model,
    uniform,
    data,
    place,
    costs,
):
    """See `code_chunk`."""
    for t in range(codes.size):
        if not has_room_for(vocabulary, network, mixture, tables, np.int64(codes[t])):
            return t
        open_symbol(vocabulary, network, mixture, bits, model, uniform)
        q, prefix = model[1], 1
        for depth in range(8):
            one = node(history, network, second, mixture, bits, model, prefix)
            middle = threshold(interval, blend(belief, q, one, uniform, prefix))
            bit = (np.int64(codes[t]) >> (7 - depth)) & 1
            if decoding:
                bit = 1 if interval[CODE] <= middle else 0
            narrow(interval, middle, bit)
            if decoding:
                fetch(interval, data, place)
            else:
                write(interval, data, place)
            q *= one if bit else 1.0 - one
            prefix = prefix << 1 | bit
        code = prefix & 255
        codes[t] = code
        costs[t] = close_symbol(
            vocabulary, history, network, second, mixture, tables, bits, belief, code, q, uniform
        )
    return codes.size


@compiled
def code_chunk(bound, decoding, codes, interval, model, uniform, data, place, costs):
    """Code bytes (n,) to `data`, or decode them from it, and learn them; returns how many.

    Fewer than n means that something must be enlarged first.  There must be room for all
    256 symbols from the start, since a decoder knows a byte only when it is decoded.  One
    function does both, so that the same machine code makes the predictions: compiled
    twice, they could round differently.
    """
    return code_all(
        *whole(bound.state), decoding, codes, interval, model, uniform, data, place, costs
    )
