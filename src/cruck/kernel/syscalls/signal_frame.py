# SPDX-License-Identifier: MPL-2.0
"""The signal frame on the guest's stack (arch/x86/kernel/signal_64.c: struct rt_sigframe) and its way back, rt_sigreturn.

Layout from the new stack pointer up: restorer address (8), ucontext (304), siginfo (128), then the FPU state aligned to 64 bytes.
"""

import struct
from typing import Final

from cruck.framework.hardware import (
    EFLAGS,
    FS_BASE,
    GS_BASE,
    NR_REGS,
    ORIG_RAX,
    R8,
    R9,
    R10,
    R11,
    R12,
    R13,
    R14,
    R15,
    RAX,
    RBP,
    RBX,
    RCX,
    RDI,
    RDX,
    RIP,
    RSI,
    RSP,
)
from cruck.framework.mm.user_memory import UserFault
from cruck.kernel.process.task import Task
from cruck.kernel.signal.actions import SA_ONSTACK, SA_RESTORER, UNBLOCKABLE_MASK, SigAction
from cruck.kernel.signal.pending import SI_TIMER, SigInfo

UCONTEXT_SIZE: Final = 304
SIGINFO_SIZE: Final = 128
FRAME_SIZE: Final = 8 + UCONTEXT_SIZE + SIGINFO_SIZE
RED_ZONE: Final = 128
UC_FLAGS: Final = 7  # UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS
USER_CS: Final = 0x33
USER_SS: Final = 0x2B
EFLAGS_CLEARED: Final = 0x10000 | 0x400 | 0x100  # RF, DF, TF
SS_ONSTACK: Final = 1
SS_DISABLE: Final = 2
SS_AUTODISARM: Final = 1 << 31
U64: Final = 0xFFFF_FFFF_FFFF_FFFF

# uc_flags, uc_link, uc_stack{sp, flags, pad, size}, sigcontext, uc_sigmask
UCONTEXT: Final = struct.Struct("<QQQiiQ18QHHHHQQQQQ64xQ")
# sigcontext's order of general registers.
SIGCONTEXT_REGS: Final = (R8, R9, R10, R11, R12, R13, R14, R15, RDI, RSI, RBP, RBX, RDX, RAX, RCX, RSP, RIP, EFLAGS)

_HEAD: Final = struct.Struct("<iii4x")  # si_signo, si_errno, si_code
_CHILD: Final = struct.Struct("<iIi4xqq")
_PID_UID: Final = struct.Struct("<iIQ")
_TIMER: Final = struct.Struct("<iiQ")
_FAULT: Final = struct.Struct("<Q")
_POLL: Final = struct.Struct("<qi")
_SYS: Final = struct.Struct("<QiI")

SIGCHLD: Final = 17
SIGSYS: Final = 31
MAX_FAULT_CODE: Final = 15  # FPE_CONDTRAP; beyond are SI_KERNEL and ptrace's codes
FAULT_MASK: Final = (1 << 10) | (1 << 6) | (1 << 3) | (1 << 4) | (1 << 7)


def siginfo_bytes(info: SigInfo) -> bytes:
    """siginfo_t, 128 bytes (include/uapi/asm-generic/siginfo.h)."""
    head = _HEAD.pack(info.signo, info.errno, info.code)
    if info.code == SI_TIMER:
        body = _TIMER.pack(info.timer_id, info.overrun, info.value & U64)
    elif info.code > 0 and info.code != 0x80 and info.signo == SIGCHLD:
        body = _CHILD.pack(info.pid, info.uid & 0xFFFF_FFFF, info.status, info.utime, info.stime)
    elif 0 < info.code <= MAX_FAULT_CODE and FAULT_MASK >> (info.signo - 1) & 1:
        body = _FAULT.pack(info.addr & U64)
    elif info.code > 0 and info.signo == SIGSYS:
        body = _SYS.pack(info.call_addr & U64, info.call_nr, info.call_arch)
    elif info.fd or info.band:
        body = _POLL.pack(info.band, info.fd)
    else:
        body = _PID_UID.pack(info.pid, info.uid & 0xFFFF_FFFF, info.value & U64)
    return (head + body).ljust(SIGINFO_SIZE, b"\0")


def on_altstack(task: Task, sp: int) -> bool:
    base, size, flags = task.altstack
    return not flags & (SS_DISABLE | SS_AUTODISARM) and base < sp <= base + size


def push(task: Task, action: SigAction, info: SigInfo, old_mask: int) -> bool:
    """Makes the context enter `action.handler`. False: the stack cannot be written (nothing changed)."""
    if not action.flags & SA_RESTORER:
        return False
    context = task.context
    regs = list(context.registers())
    sp = regs[RSP] - RED_ZONE
    base, size, ss_flags = task.altstack
    uses_altstack = False
    if action.flags & SA_ONSTACK and not ss_flags & SS_DISABLE and not on_altstack(task, regs[RSP]):
        sp = (base + size) & U64
        uses_altstack = True
    fpu = context.fpu()
    fpu_at = (sp - len(fpu)) & ~63
    frame = ((fpu_at - FRAME_SIZE) & ~15) - 8
    if uses_altstack and frame < base or frame < 0:
        return False
    stack_flags = ss_flags & ~SS_ONSTACK
    if on_altstack(task, regs[RSP]):
        stack_flags |= SS_ONSTACK
    ucontext = UCONTEXT.pack(
        UC_FLAGS, 0, base, _s32(stack_flags), 0, size,
        *[regs[index] & U64 for index in SIGCONTEXT_REGS],
        USER_CS, 0, 0, USER_SS, info.error_code & U64, info.trapno & U64, old_mask, info.addr & U64 if info.trapno == 14 else 0, fpu_at,
        old_mask,
    )  # fmt: skip
    data = action.restorer.to_bytes(8, "little") + ucontext + siginfo_bytes(info)
    try:
        task.user.write(fpu_at, fpu)
        task.user.write(frame, data)
    except UserFault:
        return False
    if uses_altstack and ss_flags & SS_AUTODISARM:
        task.altstack = (0, 0, SS_DISABLE)
    regs[RSP] = frame
    regs[RIP] = action.handler
    regs[RDI] = info.signo
    regs[RSI] = frame + 8 + UCONTEXT_SIZE
    regs[RDX] = frame + 8
    regs[RAX] = 0
    regs[ORIG_RAX] = U64
    regs[EFLAGS] &= ~EFLAGS_CLEARED
    context.set_registers(tuple(regs))
    return True


def pop(task: Task) -> bool:
    """rt_sigreturn(2): restores what push() saved, as the guest left it. False: the frame is bad (SIGSEGV)."""
    context = task.context
    regs = list(context.registers())
    frame = regs[RSP] - 8  # the handler's `ret` took the restorer address
    try:
        values = UCONTEXT.unpack(task.user.read(frame + 8, UCONTEXT_SIZE))
        fpu_at = values[32]
        fpu = task.user.read(fpu_at, len(context.fpu())) if fpu_at else b""
    except UserFault:
        return False
    if fpu:
        if not context.set_fpu(fpu):
            return False
    else:
        context.reset_fpu()
    for position, index in enumerate(SIGCONTEXT_REGS):
        regs[index] = values[6 + position]
    regs[ORIG_RAX] = U64
    fs_base, gs_base = regs[FS_BASE], regs[GS_BASE]
    assert len(regs) == NR_REGS
    regs[FS_BASE], regs[GS_BASE] = fs_base, gs_base
    context.set_registers(tuple(regs))
    task.blocked_mask = values[33] & ~UNBLOCKABLE_MASK
    flags = values[3] & 0xFFFF_FFFF
    if not flags & ~(SS_ONSTACK | SS_DISABLE | SS_AUTODISARM) and not on_altstack(task, regs[RSP]):
        task.altstack = (values[2], values[5], flags & ~SS_ONSTACK)
    return True


def _s32(value: int) -> int:
    value &= 0xFFFF_FFFF
    return value - (1 << 32) if value & 0x8000_0000 else value
