"""Denormal numbers read and written as 0 while a compiled loop runs.

Traces of inputs that stay at 0 decay geometrically; once below 1e-38 every operation on
them costs a hundred times as much.  The processor can take them for 0 instead (x86: FTZ
and DAZ in MXCSR; 64-bit Arm: FZ in FPCR).  The setting belongs to the thread, BLAS on the
same thread obeys it too, and the caller's is put back at the end.
"""

import platform

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic, overload

from .dispatch import INNER

X86 = platform.machine().lower() in ("x86_64", "amd64")
ARM = platform.machine().lower() in ("aarch64", "arm64")
FLUSH = 0x8040 if X86 else 1 << 24  # FTZ | DAZ in MXCSR, FZ in FPCR


def flush_denormals():
    """Take denormals for 0 from here on; returns the setting before, for `restore`."""
    return 0


def restore_denormals(setting):
    """Put back the *setting* that `flush_denormals` returned."""


def _read(builder):
    if X86:
        slot = cgutils.alloca_once(builder, ir.IntType(32))
        pointer = builder.bitcast(slot, ir.IntType(8).as_pointer())
        builder.call(_mxcsr(builder, "llvm.x86.sse.stmxcsr"), [pointer])
        return builder.zext(builder.load(slot), ir.IntType(64))
    if ARM:
        kind = ir.FunctionType(ir.IntType(64), [])
        return builder.asm(kind, "mrs $0, fpcr", "=r", [], side_effect=True)
    return ir.Constant(ir.IntType(64), 0)


def _write(builder, setting):
    if X86:
        slot = cgutils.alloca_once(builder, ir.IntType(32))
        builder.store(builder.trunc(setting, ir.IntType(32)), slot)
        pointer = builder.bitcast(slot, ir.IntType(8).as_pointer())
        builder.call(_mxcsr(builder, "llvm.x86.sse.ldmxcsr"), [pointer])
    elif ARM:
        kind = ir.FunctionType(ir.VoidType(), [ir.IntType(64)])
        builder.asm(kind, "msr fpcr, $0", "r", [setting], side_effect=True)


def _mxcsr(builder, name):
    kind = ir.FunctionType(ir.VoidType(), [ir.IntType(8).as_pointer()])
    return cgutils.get_or_insert_function(builder.module, kind, name)


@intrinsic
def _flush(typingctx):
    def codegen(context, builder, signature, args):
        before = _read(builder)
        _write(builder, builder.or_(before, ir.Constant(ir.IntType(64), FLUSH)))
        return before

    return types.int64(), codegen


@intrinsic
def _restore(typingctx, setting):
    def codegen(context, builder, signature, args):
        _write(builder, args[0])
        return context.get_dummy_value()

    return types.void(types.int64), codegen


@overload(flush_denormals, jit_options=INNER)
def _compile_flush():
    return lambda: _flush()


@overload(restore_denormals, jit_options=INNER)
def _compile_restore(setting):
    return lambda setting: _restore(setting)
