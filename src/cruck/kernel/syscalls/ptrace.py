# SPDX-License-Identifier: MPL-2.0
"""ptrace(2) at the edge: the requests. What they do to a tracee is in process/ptrace.py, its registers in regset.py.

There are no debug registers: they read as 0, and setting one is refused with ENOSPC (no slot is free), so that debuggers fall back to
single-stepping for watchpoints.
"""

import struct
from typing import Final

from cruck.abi.errno import EINVAL, EIO, ENOSPC, EPERM, ESRCH
from cruck.abi.ptrace import (
    PTRACE_ARCH_PRCTL,
    PTRACE_ATTACH,
    PTRACE_CONT,
    PTRACE_DETACH,
    PTRACE_EVENT_SECCOMP,
    PTRACE_EVENT_STOP,
    PTRACE_EVENTMSG_SYSCALL_ENTRY,
    PTRACE_EVENTMSG_SYSCALL_EXIT,
    PTRACE_GET_SYSCALL_INFO,
    PTRACE_GETEVENTMSG,
    PTRACE_GETFPREGS,
    PTRACE_GETREGS,
    PTRACE_GETREGSET,
    PTRACE_GETSIGINFO,
    PTRACE_GETSIGMASK,
    PTRACE_INTERRUPT,
    PTRACE_KILL,
    PTRACE_LISTEN,
    PTRACE_O_MASK,
    PTRACE_O_SUSPEND_SECCOMP,
    PTRACE_OLDSETOPTIONS,
    PTRACE_PEEKDATA,
    PTRACE_PEEKSIGINFO,
    PTRACE_PEEKSIGINFO_SHARED,
    PTRACE_PEEKTEXT,
    PTRACE_PEEKUSR,
    PTRACE_POKEDATA,
    PTRACE_POKETEXT,
    PTRACE_POKEUSR,
    PTRACE_SEIZE,
    PTRACE_SETFPREGS,
    PTRACE_SETOPTIONS,
    PTRACE_SETREGS,
    PTRACE_SETREGSET,
    PTRACE_SETSIGINFO,
    PTRACE_SETSIGMASK,
    PTRACE_SINGLESTEP,
    PTRACE_SYSCALL,
    PTRACE_SYSCALL_INFO_ENTRY,
    PTRACE_SYSCALL_INFO_EXIT,
    PTRACE_SYSCALL_INFO_NONE,
    PTRACE_SYSCALL_INFO_SECCOMP,
    PTRACE_SYSEMU,
    PTRACE_SYSEMU_SINGLESTEP,
    PTRACE_TRACEME,
)
from cruck.framework.hardware import FS_BASE, GS_BASE, ORIG_RAX, RAX, RIP, RSP
from cruck.kernel.errors import LinuxError
from cruck.kernel.memory import foreign
from cruck.kernel.process import ptrace
from cruck.kernel.process.access import may_access_as_user
from cruck.kernel.process.credentials import CAP_SYS_ADMIN
from cruck.kernel.process.task import DEAD, TRACED, Task
from cruck.kernel.process.tracee import WORK_EMULATED, WORK_STEP, WORK_SYSCALL, Tracee
from cruck.kernel.signal.actions import UNBLOCKABLE_MASK
from cruck.kernel.signal.pending import NSIG, SigInfo
from cruck.kernel.syscall_work import arguments
from cruck.kernel.syscalls import regset
from cruck.kernel.syscalls.signal import read_siginfo
from cruck.kernel.syscalls.signal_frame import siginfo_bytes
from cruck.kernel.syscalls.types import Long, Pid, ULong

SIGKILL: Final = 9
SIGTRAP: Final = 5
AUDIT_ARCH_X86_64: Final = 0xC000_003E
USER_BYTES: Final = 928  # sizeof(struct user)
DEBUG_REGISTERS: Final = 848  # offsetof(struct user, u_debugreg)
IOVEC: Final = struct.Struct("<QQ")
INFO_HEAD: Final = struct.Struct("<B3xIQQ")
INFO_ENTRY: Final = struct.Struct("<7Q")
INFO_EXIT: Final = struct.Struct("<qB")
INFO_SECCOMP: Final = struct.Struct("<7QI")
PEEKSIGINFO_ARGS: Final = struct.Struct("<QIi")
ARCH_SET_GS: Final = 0x1001
ARCH_SET_FS: Final = 0x1002
ARCH_GET_FS: Final = 0x1003
ARCH_GET_GS: Final = 0x1004
RESUMING: Final[dict[int, int]] = {
    PTRACE_CONT: 0,
    PTRACE_SYSCALL: WORK_SYSCALL,
    PTRACE_SINGLESTEP: WORK_STEP,
    PTRACE_SYSEMU: WORK_EMULATED,
    PTRACE_SYSEMU_SINGLESTEP: WORK_EMULATED | WORK_STEP,
}


def sys_ptrace(task: Task, request: Long, pid: Pid, addr: ULong, data: ULong) -> int:
    """Errors: ESRCH (no such task; no tracee of the caller's; not stopped), EPERM (may not be traced, or is already), EIO (unknown
    request, bad signal, address outside), EINVAL (options, register set), EFAULT, ENOSPC (debug registers)."""
    if request == PTRACE_TRACEME:
        return _trace_me(task)
    other = task.find_task(pid)
    if other is None:
        return -EPERM if pid == task.kernel.init.pid and request in (PTRACE_ATTACH, PTRACE_SEIZE) else -ESRCH
    if request in (PTRACE_ATTACH, PTRACE_SEIZE):
        return _attach(task, other, request, addr, data)
    tracee = other.ptrace
    if tracee is None or tracee.tracer is not task.process:
        return -ESRCH
    if request == PTRACE_KILL:
        task.kernel.send_signal_process(other.process, SIGKILL)
        return 0
    if request == PTRACE_INTERRUPT:
        if not tracee.is_seized:
            return -EIO
        ptrace.interrupt(other)
        return 0
    if other.state != TRACED:
        return -ESRCH
    return _order(task, other, tracee, request, addr, data)


def _trace_me(task: Task) -> int:
    parent = task.process.parent
    if task.ptrace is not None or parent is None:
        return -EPERM
    if parent is not task.kernel.init:  # nobody waits there for a stop: Linux would let init trace
        ptrace.link(parent, task, False, 0)
        return 0
    return -EPERM


def _attach(task: Task, other: Task, request: int, addr: int, options: int) -> int:
    is_seized = request == PTRACE_SEIZE
    if is_seized:
        if addr or options & ~PTRACE_O_MASK:
            return -EIO
        if options & PTRACE_O_SUSPEND_SECCOMP and not task.creds.has(CAP_SYS_ADMIN):
            return -EPERM
    if other.process is task.process or not may_access_as_user(task, other.process):
        return -EPERM
    if other.state == DEAD or other.ptrace is not None:
        return -EPERM
    ptrace.attach(task.process, other, is_seized, options if is_seized else 0)
    return 0


def _order(task: Task, other: Task, tracee: Tracee, request: int, addr: int, data: int) -> int:
    """A request about a tracee in a ptrace-stop."""
    work = RESUMING.get(request, -1)
    if work >= 0:
        if data > NSIG:
            return -EIO
        ptrace.resume(other, data, work)
        return 0
    if request == PTRACE_DETACH:
        if data > NSIG:
            return -EIO
        ptrace.detach(other, data)
        return 0
    if request in (PTRACE_PEEKTEXT, PTRACE_PEEKDATA):
        word = foreign.read(other.mm, addr, 8) if addr < other.user.user_end else b""
        if len(word) < 8:
            return -EIO
        task.user.write(data, word)
        return 0
    if request in (PTRACE_POKETEXT, PTRACE_POKEDATA):
        return 0 if foreign.write(other.mm, addr, data.to_bytes(8, "little")) == 8 else -EIO
    if request in (PTRACE_PEEKUSR, PTRACE_POKEUSR):
        return _user_area(task, other, request, addr, data)
    if request == PTRACE_GETREGS:
        task.user.write(data, regset.registers_bytes(other))
        return 0
    if request == PTRACE_SETREGS:
        regset.set_registers(other, task.user.read(data, regset.REGS.size))
        return 0
    if request == PTRACE_GETFPREGS:
        task.user.write(data, regset.fxsave(other.context))
        return 0
    if request == PTRACE_SETFPREGS:
        regset.set_fxsave(other.context, task.user.read(data, regset.FXSAVE_BYTES))
        return 0
    if request in (PTRACE_GETREGSET, PTRACE_SETREGSET):
        return _register_set(task, other, request, addr, data)
    if request in (PTRACE_SETOPTIONS, PTRACE_OLDSETOPTIONS):
        if data & ~PTRACE_O_MASK:
            return -EINVAL
        if data & PTRACE_O_SUSPEND_SECCOMP and not task.creds.has(CAP_SYS_ADMIN):
            return -EPERM
        tracee.options = data
        return 0
    if request == PTRACE_GETEVENTMSG:
        task.user.write_u64(data, tracee.message)
        return 0
    if request == PTRACE_LISTEN:
        if not tracee.is_seized or tracee.siginfo is None or tracee.siginfo.code >> 8 != PTRACE_EVENT_STOP:
            return -EIO
        ptrace.listen(other)
        return 0
    if request == PTRACE_GET_SYSCALL_INFO:
        return _syscall_info(task, other, tracee, addr, data)
    return _signals(task, other, tracee, request, addr, data)


def _user_area(task: Task, other: Task, request: int, offset: int, value: int) -> int:
    """struct user: the general registers, and the debug registers at their place; what lies between reads as 0."""
    if offset & 7 or offset >= USER_BYTES:
        return -EIO
    index = offset // 8
    if request == PTRACE_PEEKUSR:
        task.user.write_u64(value, other.context.get_reg(index) if index < 27 else 0)
        return 0
    if index < 27:
        if index in (FS_BASE, GS_BASE) and value >= task.kernel.machine.user_end:
            return -EIO
        other.context.set_reg(index, value)
        return 0
    if offset < DEBUG_REGISTERS:
        return -EIO
    return -ENOSPC if value else 0


def _register_set(task: Task, other: Task, request: int, kind: int, addr: int) -> int:
    """GETREGSET, SETREGSET: `addr` is an iovec, whose length is set to what was copied."""
    base, length = IOVEC.unpack(task.user.read(addr, IOVEC.size))
    word = 4 if kind == 0x200 else 8
    if length % word:
        return -EINVAL
    count = min(length, regset.size(other, kind))
    if request == PTRACE_GETREGSET:
        task.user.write(base, regset.read(other, kind)[:count])
    else:
        regset.write(other, kind, task.user.read(base, count))
    task.user.write_u64(addr + 8, count)
    return 0


def _syscall_info(task: Task, other: Task, tracee: Tracee, size: int, addr: int) -> int:
    """The number of bytes there are; at most `size` are written."""
    registers = other.context.registers()
    info = tracee.siginfo
    code = info.code if info is not None else 0
    op, tail = PTRACE_SYSCALL_INFO_NONE, b""
    result = registers[RAX] - (1 << 64) if registers[RAX] >> 63 else registers[RAX]
    nr = registers[ORIG_RAX]
    if code == SIGTRAP | 0x80 and tracee.message == PTRACE_EVENTMSG_SYSCALL_ENTRY:
        op, tail = PTRACE_SYSCALL_INFO_ENTRY, INFO_ENTRY.pack(nr, *arguments(registers))
    elif code == SIGTRAP | 0x80 and tracee.message == PTRACE_EVENTMSG_SYSCALL_EXIT:
        op, tail = PTRACE_SYSCALL_INFO_EXIT, INFO_EXIT.pack(result, int(-4095 <= result < 0))
    elif code == SIGTRAP | PTRACE_EVENT_SECCOMP << 8:
        op, tail = PTRACE_SYSCALL_INFO_SECCOMP, INFO_SECCOMP.pack(nr, *arguments(registers), tracee.message & 0xFFFF_FFFF)
    text = INFO_HEAD.pack(op, AUDIT_ARCH_X86_64, registers[RIP], registers[RSP]) + tail
    task.user.write(addr, text[: min(size, len(text))])
    return len(text)


def _signals(task: Task, other: Task, tracee: Tracee, request: int, addr: int, data: int) -> int:
    if request == PTRACE_GETSIGINFO:
        if tracee.siginfo is None:
            return -EINVAL
        task.user.write(data, siginfo_bytes(tracee.siginfo))
        return 0
    if request == PTRACE_SETSIGINFO:
        if tracee.siginfo is None:
            return -EINVAL
        signo = task.user.read_s32(data)
        if not 1 <= signo <= NSIG:
            return -EINVAL
        tracee.siginfo = _changed_info(task, tracee.siginfo, data, signo)
        return 0
    if request in (PTRACE_GETSIGMASK, PTRACE_SETSIGMASK):
        if addr != 8:
            return -EINVAL
        if request == PTRACE_GETSIGMASK:
            task.user.write_u64(data, other.saved_mask if other.saved_mask >= 0 else other.blocked_mask)
        else:
            other.blocked_mask = task.user.read_u64(data) & ~UNBLOCKABLE_MASK
        return 0
    if request == PTRACE_PEEKSIGINFO:
        return _peek_signals(task, other, addr, data)
    if request == PTRACE_ARCH_PRCTL:
        return _arch_prctl(task, other, addr, data)
    return -EIO


def _changed_info(task: Task, old: SigInfo, addr: int, signo: int) -> SigInfo:
    """What PTRACE_SETSIGINFO gives; a siginfo that it only read and wrote back stays whole."""
    if task.user.read(addr, 128) == siginfo_bytes(old):
        return old
    new = read_siginfo(task, addr, signo)
    if new.code == old.code and signo == old.signo:
        new.status, new.utime, new.stime, new.timer_id, new.overrun = old.status, old.utime, old.stime, old.timer_id, old.overrun
        new.trapno, new.error_code, new.fd, new.band = old.trapno, old.error_code, old.fd, old.band
    new.addr = task.user.read_u64(addr + 16)
    return new


def _peek_signals(task: Task, other: Task, args: int, addr: int) -> int:
    """PTRACE_PEEKSIGINFO: the number of pending signals copied."""
    offset, flags, count = PEEKSIGINFO_ARGS.unpack(task.user.read(args, PEEKSIGINFO_ARGS.size))
    if flags & ~PTRACE_PEEKSIGINFO_SHARED or count < 0:
        return -EINVAL
    queue = other.process.pending.queue if flags & PTRACE_PEEKSIGINFO_SHARED else other.pending.queue
    infos = queue[offset : offset + count] if offset < len(queue) else []
    for index, info in enumerate(infos):
        task.user.write(addr + 128 * index, siginfo_bytes(info))
    return len(infos)


def _arch_prctl(task: Task, other: Task, addr: int, option: int) -> int:
    if option in (ARCH_SET_FS, ARCH_SET_GS):
        if addr >= task.kernel.machine.user_end:
            raise LinuxError(EPERM)
        other.context.set_reg(FS_BASE if option == ARCH_SET_FS else GS_BASE, addr)
        return 0
    if option in (ARCH_GET_FS, ARCH_GET_GS):
        task.user.write_u64(addr, other.context.get_reg(FS_BASE if option == ARCH_GET_FS else GS_BASE))
        return 0
    return -EINVAL
