# SPDX-License-Identifier: MPL-2.0
"""Signals at the edge: rt_sig*, kill family, sigaltstack, pause."""

import struct
from typing import Final

from cruck.abi.errno import EAGAIN, EINTR, EINVAL, ENOMEM, EPERM, ERESTARTNOHAND, ESRCH, ETIMEDOUT
from cruck.framework.hardware import RSP
from cruck.kernel.process.credentials import CAP_KILL
from cruck.kernel.process.process import Process
from cruck.kernel.process.task import Task
from cruck.kernel.signal import deliver
from cruck.kernel.signal.actions import UNBLOCKABLE_MASK, SigAction
from cruck.kernel.signal.pending import NSIG, SI_TKILL, SI_USER, SigInfo
from cruck.kernel.signal.send import send_to_process, send_to_task
from cruck.kernel.syscalls import blocking, signal_frame
from cruck.kernel.syscalls.outcome import KEEP_REGISTERS
from cruck.kernel.syscalls.signal_frame import SS_AUTODISARM, SS_DISABLE, SS_ONSTACK, siginfo_bytes
from cruck.kernel.syscalls.signal_mask import SIGSET_SIZE, read_sigset
from cruck.kernel.syscalls.time import read_timespec
from cruck.kernel.syscalls.types import CInt, Pid, Signo, Size, UserAddr

SIGACTION: Final = struct.Struct("<QQQQ")  # handler, flags, restorer, mask
STACK: Final = struct.Struct("<Qi4xQ")  # ss_sp, ss_flags, ss_size
MINSIGSTKSZ: Final = 2048
SIG_BLOCK: Final = 0
SIG_UNBLOCK: Final = 1
SIG_SETMASK: Final = 2
SIGSEGV: Final = 11
SIGCONT: Final = 18
# What of sa_flags is kept (include/uapi/asm-generic/signal-defs.h, UAPI_SA_FLAGS): a program sees by asking what a kernel does not know.
KNOWN_SA_FLAGS: Final = 0x1 | 0x2 | 0x4 | 0x800 | 0x0400_0000 | 0x0800_0000 | 0x1000_0000 | 0x4000_0000 | 0x8000_0000


def sys_rt_sigaction(task: Task, signum: Signo, act: UserAddr, oldact: UserAddr, sigsetsize: Size) -> int:
    """Errors: EINVAL (size; number; SIGKILL or SIGSTOP with act), EFAULT."""
    if sigsetsize != SIGSET_SIZE:
        return -EINVAL
    new: SigAction | None = None
    if act:
        handler, flags, restorer, mask = SIGACTION.unpack(task.user.read(act, SIGACTION.size))
        new = SigAction(handler, flags & KNOWN_SA_FLAGS, restorer, mask & ~UNBLOCKABLE_MASK)
    if not 1 <= signum <= NSIG or new is not None and UNBLOCKABLE_MASK >> (signum - 1) & 1:
        return -EINVAL
    old = task.actions.get(signum)
    if oldact:
        task.user.write(oldact, SIGACTION.pack(old.handler, old.flags, old.restorer, old.mask))
    if new is not None:
        task.actions.set(signum, new)
        if task.actions.is_ignored(signum):
            bit = 1 << (signum - 1)
            task.process.pending.discard(bit)
            for other in task.process.threads.values():
                other.pending.discard(bit)
    return 0


def sys_rt_sigprocmask(task: Task, how: CInt, nset: UserAddr, oset: UserAddr, sigsetsize: Size) -> int:
    """Errors: EINVAL (how, size), EFAULT."""
    if sigsetsize != SIGSET_SIZE:
        return -EINVAL
    old = task.blocked_mask
    new = old
    if nset:
        given = task.user.read_u64(nset)
        if how == SIG_BLOCK:
            new = old | given
        elif how == SIG_UNBLOCK:
            new = old & ~given
        elif how == SIG_SETMASK:
            new = given
        else:
            return -EINVAL
    task.blocked_mask = new & ~UNBLOCKABLE_MASK
    if oset:
        task.user.write_u64(oset, old)
    return 0


def sys_rt_sigpending(task: Task, uset: UserAddr, sigsetsize: Size) -> int:
    """Errors: EINVAL, EFAULT."""
    if sigsetsize > SIGSET_SIZE:
        return -EINVAL
    bits = (task.pending.bits | task.process.pending.bits) & task.blocked_mask
    task.user.write(uset, bits.to_bytes(8, "little")[:sigsetsize])
    return 0


def sys_rt_sigsuspend(task: Task, unewset: UserAddr, sigsetsize: Size) -> int:
    """Errors: EINTR always in the end; EINVAL, EFAULT."""
    if sigsetsize != SIGSET_SIZE:
        return -EINVAL
    mask = read_sigset(task, unewset, sigsetsize) if task.saved_mask < 0 else 0
    if task.saved_mask < 0:
        task.saved_mask = task.blocked_mask
        task.blocked_mask = mask & ~UNBLOCKABLE_MASK
    return blocking.wait_on(task, None, restart=ERESTARTNOHAND)


def sys_pause(task: Task) -> int:
    """EINTR, always in the end."""
    return blocking.wait_on(task, None, restart=ERESTARTNOHAND)


def sys_rt_sigtimedwait(task: Task, uthese: UserAddr, uinfo: UserAddr, uts: UserAddr, sigsetsize: Size) -> int:
    """Errors: EAGAIN (timeout), EINTR, EINVAL, EFAULT."""
    wanted = read_sigset(task, uthese, sigsetsize) & ~UNBLOCKABLE_MASK
    timeout_ns = read_timespec(task, uts) if uts else -1
    info = task.pending.take(wanted)
    if info is None:
        info = task.process.pending.take(wanted)
    if info is not None:
        if uinfo:
            task.user.write(uinfo, siginfo_bytes(info))
        return info.signo
    deadline_ns = blocking.deadline_after(task, timeout_ns)
    result = blocking.wait_on(task, task.kernel.signal_queued, deadline_ns=deadline_ns, restart=EINTR)
    return -EAGAIN if result == -ETIMEDOUT else result


def sys_rt_sigreturn(task: Task) -> int:
    if not signal_frame.pop(task):
        task.wait = None
        deliver.force(task, SigInfo(SIGSEGV, 0x80))
    return KEEP_REGISTERS


def sys_sigaltstack(task: Task, uss: UserAddr, uoss: UserAddr) -> int:
    """Errors: EPERM (on it now), EINVAL (flags), ENOMEM (too small), EFAULT."""
    base, size, flags = task.altstack
    is_on = signal_frame.on_altstack(task, task.context.get_reg(RSP))
    new = task.altstack
    if uss:
        new_base, new_flags, new_size = STACK.unpack(task.user.read(uss, STACK.size))
        new_flags &= 0xFFFF_FFFF
        if is_on:
            return -EPERM
        mode = new_flags & ~SS_AUTODISARM
        if mode not in (0, SS_ONSTACK, SS_DISABLE):
            return -EINVAL
        if mode == SS_DISABLE:
            new = (0, 0, new_flags)
        elif new_size < MINSIGSTKSZ:
            return -ENOMEM
        else:
            new = (new_base, new_size, new_flags & SS_AUTODISARM)
    if uoss:
        shown = flags | SS_ONSTACK if is_on else flags
        task.user.write(uoss, STACK.pack(base, shown - (1 << 32) if shown & 0x8000_0000 else shown, size))
    task.altstack = new
    return 0


def may_signal(task: Task, target: Process, signo: int) -> bool:
    """kill(2): same user, CAP_KILL, or SIGCONT within the session."""
    creds = task.creds
    if target is task.process or creds.has(CAP_KILL):
        return True
    if target is task.kernel.init:
        return False  # built in, root's, alone in its session
    other = target.any_thread()
    their = other.creds if other is not None else target.leader.creds
    if creds.has_in(their.user_ns, CAP_KILL):
        return True
    if creds.euid in (their.suid, their.uid) or creds.uid in (their.suid, their.uid):
        return True
    return signo == SIGCONT and target.group.session is task.process.group.session


def user_info(task: Task, signo: int, code: int, target: Process) -> SigInfo:
    """From the caller, as `target` knows it."""
    info = SigInfo(signo, code, target.pid_ns.number(task.process.pid), task.creds.uid)
    info.sender = task.process.pid
    return info


def sys_kill(task: Task, pid: Pid, sig: Signo) -> int:
    """Errors: EINVAL (number), ESRCH, EPERM."""
    if not 0 <= sig <= NSIG:
        return -EINVAL
    kernel = task.kernel
    if pid > 0:
        target = task.find_process(pid)
        if target is None:
            thread = task.find_task(pid)
            if thread is None:
                return -ESRCH
            target = thread.process
        targets = [target]
    elif pid == -1:
        targets = [process for process in kernel.processes.values() if process is not task.process and task.number_of(process.pid) > 1]
    else:
        group = task.process.group if pid == 0 else task.find_group(-pid)
        if group is None or pid == -(1 << 31):
            return -ESRCH
        targets = list(group.members)
    if not targets:
        return -ESRCH
    permitted = [process for process in targets if may_signal(task, process, sig)]
    if not permitted:
        return -EPERM
    if sig:
        for process in permitted:
            if process is not kernel.init:
                send_to_process(process, user_info(task, sig, SI_USER, process))
    return 0


def sys_tgkill(task: Task, tgid: Pid, tid: Pid, sig: Signo) -> int:
    """Errors: EINVAL, ESRCH, EPERM, EAGAIN."""
    if tgid <= 0 or tid <= 0:
        return -EINVAL
    return _send_thread(task, tgid, tid, sig, None)


def sys_tkill(task: Task, tid: Pid, sig: Signo) -> int:
    """Errors: EINVAL, ESRCH, EPERM, EAGAIN."""
    if tid <= 0:
        return -EINVAL
    return _send_thread(task, 0, tid, sig, None)


def _send_thread(task: Task, tgid: int, tid: int, sig: int, info: SigInfo | None) -> int:
    """info: None for tgkill's own."""
    if not 0 <= sig <= NSIG:
        return -EINVAL
    target = task.find_task(tid)
    if target is None or (tgid and target.process is not task.find_process(tgid)):
        process = task.find_process(tid)
        return 0 if process is not None and process.is_zombie and tgid in (0, tid) else -ESRCH
    if not may_signal(task, target.process, sig):
        return -EPERM
    if info is None:
        info = user_info(task, sig, SI_TKILL, target.process)
    return send_to_task(target, info) if sig else 0


def read_siginfo(task: Task, addr: int, sig: int) -> SigInfo:
    """A siginfo_t given by the guest, for the *sigqueueinfo calls. sig: −1: the number that stands in it."""
    signo, errno, code, pid, uid, value = struct.unpack("<iii4xiIQ", task.user.read(addr, 32))
    info = SigInfo(sig if sig >= 0 else signo, code, pid, uid)
    info.errno, info.value, info.sender = errno, value, task.process.pid
    return info


def sys_rt_sigqueueinfo(task: Task, tgid: Pid, sig: Signo, uinfo: UserAddr) -> int:
    """Errors: EINVAL, EPERM (forged code), ESRCH, EAGAIN, EFAULT."""
    info = read_siginfo(task, uinfo, sig)
    if (info.code >= 0 or info.code == SI_TKILL) and task.find_process(tgid) is not task.process:
        return -EPERM
    if not 0 <= sig <= NSIG:
        return -EINVAL
    target = task.find_process(tgid)
    if target is None:
        thread = task.find_task(tgid)  # any thread's number will do
        if thread is None:
            return -ESRCH
        target = thread.process
    if not may_signal(task, target, sig):
        return -EPERM
    return send_to_process(target, info) if sig else 0


def sys_rt_tgsigqueueinfo(task: Task, tgid: Pid, tid: Pid, sig: Signo, uinfo: UserAddr) -> int:
    """Errors: EINVAL, EPERM (forged code), ESRCH, EAGAIN, EFAULT."""
    if tgid <= 0 or tid <= 0:
        return -EINVAL
    info = read_siginfo(task, uinfo, sig)
    if (info.code >= 0 or info.code == SI_TKILL) and task.find_process(tgid) is not task.process:
        return -EPERM
    return _send_thread(task, tgid, tid, sig, info)
