# SPDX-License-Identifier: MPL-2.0
"""A tracee's registers as its tracer sees them: user_regs_struct, the FXSAVE image and the XSAVE area (arch/x86/kernel/ptrace.c).

The machine's FPU state is the XSAVE area of a signal frame; where that keeps its marks (bytes 464 … 511), PTRACE_GETREGSET has the mask
of the components the processor saves.
"""

import struct
from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EFAULT, EINVAL, EIO
from cruck.framework.hardware import NR_REGS
from cruck.kernel.errors import LinuxError

if TYPE_CHECKING:
    from cruck.framework.hardware import Context
    from cruck.kernel.process.task import Task

NT_PRSTATUS: Final = 1
NT_PRFPREG: Final = 2
NT_X86_XSTATE: Final = 0x202
REGS: Final = struct.Struct("<27Q")
FXSAVE_BYTES: Final = 512
MARKS: Final = 464  # sw_reserved of the FXSAVE image
FEATURES: Final = 472  # … where a signal frame has the mask
XSTATE_HEADER: Final = 512
FS_BASE: Final = 21
GS_BASE: Final = 22
LEGACY_FEATURES: Final = 3  # x87, SSE


def registers_bytes(task: "Task") -> bytes:
    return REGS.pack(*task.context.registers())


def set_registers(task: "Task", data: bytes) -> None:
    """`data`: 27 words. Errors: LinuxError(EIO): a segment base outside of user addresses."""
    values = REGS.unpack(data)
    user_end = task.kernel.machine.user_end
    if values[FS_BASE] >= user_end or values[GS_BASE] >= user_end:
        raise LinuxError(EIO)
    assert len(values) == NR_REGS
    task.context.set_registers(values)


def fxsave(context: "Context") -> bytes:
    """user_fpregs_struct, 512 bytes."""
    return context.fpu()[:MARKS] + bytes(FXSAVE_BYTES - MARKS)


def set_fxsave(context: "Context", data: bytes) -> None:
    """`data`: 512 bytes. Errors: LinuxError(EINVAL): reserved bits of MXCSR."""
    old = context.fpu()
    features = old[XSTATE_HEADER] | LEGACY_FEATURES
    if not context.set_fpu(data[:MARKS] + old[MARKS:XSTATE_HEADER] + bytes((features,)) + old[XSTATE_HEADER + 1 :]):
        raise LinuxError(EINVAL)


def xsave(context: "Context") -> bytes:
    area = context.fpu()
    return area[:MARKS] + area[FEATURES : FEATURES + 8] + bytes(FXSAVE_BYTES - MARKS - 8) + area[FXSAVE_BYTES:]


def set_xsave(context: "Context", data: bytes) -> None:
    """Errors: LinuxError(EFAULT: not the whole area; EINVAL: what the processor would refuse)."""
    old = context.fpu()
    if len(data) != len(old):
        raise LinuxError(EFAULT)
    if not context.set_fpu(data[:MARKS] + old[MARKS:FXSAVE_BYTES] + data[FXSAVE_BYTES:]):
        raise LinuxError(EINVAL)


def read(task: "Task", kind: int) -> bytes:
    """A register set by its note type. Errors: LinuxError(EINVAL): no such set."""
    if kind == NT_PRSTATUS:
        return registers_bytes(task)
    if kind == NT_PRFPREG:
        return fxsave(task.context)
    if kind == NT_X86_XSTATE:
        return xsave(task.context)
    raise LinuxError(EINVAL)


def write(task: "Task", kind: int, data: bytes) -> None:
    """A prefix of a general register set is enough. Errors: LinuxError."""
    if kind == NT_PRSTATUS:
        set_registers(task, data + registers_bytes(task)[len(data) :])
    elif kind == NT_PRFPREG:
        set_fxsave(task.context, data + fxsave(task.context)[len(data) :])
    elif kind == NT_X86_XSTATE:
        set_xsave(task.context, data)
    else:
        raise LinuxError(EINVAL)


def size(task: "Task", kind: int) -> int:
    """Bytes of a set. Errors: LinuxError(EINVAL)."""
    if kind == NT_PRSTATUS:
        return REGS.size
    if kind == NT_PRFPREG:
        return FXSAVE_BYTES
    if kind == NT_X86_XSTATE:
        return task.kernel.machine.fpu_bytes
    raise LinuxError(EINVAL)
