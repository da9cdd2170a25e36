# SPDX-License-Identifier: MPL-2.0
"""Processes and threads at the edge: clone family, exit, wait, groups, sessions, prctl, arch_prctl, robust lists."""

import struct
from typing import Final

from cruck.abi.errno import E2BIG, EAGAIN, EBADF, ECHILD, EINVAL, ENODEV, EPERM, ERESTARTSYS, ESRCH
from cruck.abi.fcntl import O_NONBLOCK
from cruck.abi.ptrace import PTRACE_EVENT_VFORK_DONE
from cruck.abi.sched import (
    CLONE_CHILD_CLEARTID,
    CLONE_CHILD_SETTID,
    CLONE_PARENT,
    CLONE_PARENT_SETTID,
    CLONE_PIDFD,
    CLONE_THREAD,
    CLONE_VFORK,
    CLONE_VM,
)
from cruck.framework.hardware import FS_BASE, GS_BASE
from cruck.kernel.errors import LinuxError
from cruck.kernel.ipc.pidfd import PidFile
from cruck.kernel.process import exit as process_exit
from cruck.kernel.process import groups, ptrace
from cruck.kernel.process import wait as process_wait
from cruck.kernel.process.access import may_access_as_user
from cruck.kernel.process.clone import CloneArgs, clone
from cruck.kernel.process.process import Process
from cruck.kernel.process.task import READY, Task
from cruck.kernel.process.tracee import PHASE_RERUN
from cruck.kernel.process.wait import WaitResult
from cruck.kernel.signal.pending import NSIG, SigInfo
from cruck.kernel.syscalls import blocking
from cruck.kernel.syscalls.outcome import KEEP_REGISTERS
from cruck.kernel.syscalls.rusage import rusage_bytes
from cruck.kernel.syscalls.signal_frame import siginfo_bytes
from cruck.kernel.syscalls.types import CInt, Fd, Long, Pid, Size, ULong, UserAddr

CSIGNAL: Final = 0xFF
SIGCHLD: Final = 17
CLONE_ARGS: Final = struct.Struct("<11Q")
CLONE_ARGS_SIZE_VER0: Final = 64
CLONE3_FLAGS: Final = 0x3_FFBF_FF00 | 0x80  # CLONE_* incl. CLEAR_SIGHAND, INTO_CGROUP, NEWTIME, without DETACHED
RLIMIT_NOFILE: Final = 7
P_PIDFD: Final = 3


def _start(task: Task, args: CloneArgs) -> int:
    """Common end of the clone family. A vfork parent blocks; its rerun finds the child in the record."""
    if blocking.is_rerun(task):
        return _go_on(task, args)
    if args.flags & CLONE_PIDFD:
        task.files.reserve_check(1, task.process.rlimit(RLIMIT_NOFILE))
        task.user.write_u32(args.pidfd, 0)
    child = clone(task, args)
    if args.flags & CLONE_PIDFD:
        file = PidFile(task.kernel, child.process, 0)
        fd = task.files.install(file, task.process.rlimit(RLIMIT_NOFILE), True)
        task.user.write_u32(args.pidfd, fd)
    number = 0
    if task.ptrace is not None:
        number = ptrace.on_clone(task, child, args.flags, args.exit_signal)
    kernel = task.kernel
    if child.ptrace is None:
        kernel.sched.enqueue(child)
    else:
        child.state = READY  # it has to look at its signals first
        kernel.ready.append(child)
    if not args.flags & CLONE_VFORK and not number:
        return task.number_of(child.tid)
    record = blocking.record(task)
    record.progress = task.number_of(child.tid)
    record.token = int(not args.flags & CLONE_VFORK)
    if number:
        ptrace.event(task, number, ptrace.shown_to_tracer(task, child.tid), PHASE_RERUN)
        return blocking.BLOCKED
    return blocking.wait_killable(task, kernel.vfork_queue)


def _go_on(task: Task, args: CloneArgs) -> int:
    """After a tracer's look at the new child, and once a vfork child has let go."""
    record = blocking.record(task)
    if not record.token:
        return blocking.wait_killable(task, task.kernel.vfork_queue)
    if args.flags & CLONE_VFORK and record.token == 1 and ptrace.wants_event(task, PTRACE_EVENT_VFORK_DONE):
        record.token = 2
        ptrace.event(task, PTRACE_EVENT_VFORK_DONE, record.progress, PHASE_RERUN)
        return blocking.BLOCKED
    return record.progress


def sys_clone(task: Task, flags: ULong, newsp: UserAddr, parent_tidptr: UserAddr, child_tidptr: UserAddr, tls: UserAddr) -> int:
    """Errors: EINVAL (flags that exclude or need each other), EFAULT, EPERM (namespaces), EAGAIN (RLIMIT_NPROC), EMFILE (CLONE_PIDFD),
    ENOMEM."""
    args = CloneArgs(flags & ~CSIGNAL & 0xFFFF_FFFF, newsp, parent_tidptr, child_tidptr, tls, flags & CSIGNAL)
    if args.exit_signal > NSIG:
        return -EINVAL
    args.pidfd = parent_tidptr
    if args.flags & CLONE_PIDFD and args.flags & CLONE_PARENT_SETTID:
        return -EINVAL
    return _start(task, args)


def sys_fork(task: Task) -> int:
    """Errors: EAGAIN (RLIMIT_NPROC), ENOMEM."""
    return _start(task, CloneArgs(0, 0, 0, 0, 0, SIGCHLD))


def sys_vfork(task: Task) -> int:
    """As fork."""
    return _start(task, CloneArgs(CLONE_VFORK | CLONE_VM, 0, 0, 0, 0, SIGCHLD))


def sys_clone3(task: Task, uargs: UserAddr, size: Size) -> int:
    """As clone. Errors: also E2BIG (unknown fields set), EINVAL (sizes)."""
    if size < CLONE_ARGS_SIZE_VER0:
        return -EINVAL
    if size > 4096:
        return -E2BIG
    data = task.user.read(uargs, size)
    if any(data[CLONE_ARGS.size :]):
        return -E2BIG
    fields = CLONE_ARGS.unpack(data[: CLONE_ARGS.size].ljust(CLONE_ARGS.size, b"\0"))
    flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup = fields
    if flags & ~CLONE3_FLAGS or flags & 0x80 or exit_signal > NSIG or flags & 0x2_0000_0000:
        return -EINVAL
    if set_tid or set_tid_size:
        return -EPERM if set_tid and set_tid_size else -EINVAL
    if bool(stack) != bool(stack_size) or (flags & (CLONE_THREAD | CLONE_PARENT) and exit_signal):
        return -EINVAL
    if stack and stack + stack_size > task.kernel.machine.user_end:
        return -EINVAL
    args = CloneArgs(flags, stack + stack_size if stack else 0, parent_tid, child_tid, tls, exit_signal)
    if not flags & (CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID):
        args.child_tid = 0
    args.pidfd = pidfd
    return _start(task, args)


def sys_exit(task: Task, error_code: CInt) -> int:
    process_exit.leave(task.kernel, task, (error_code & 0xFF) << 8)
    return KEEP_REGISTERS


def sys_exit_group(task: Task, error_code: CInt) -> int:
    process_exit.exit_group(task.kernel, task.process, (error_code & 0xFF) << 8)
    process_exit.leave(task.kernel, task, (error_code & 0xFF) << 8)
    return KEEP_REGISTERS


def _wait(task: Task, kind: int, which: int, options: int) -> WaitResult | int:
    """The result, 0 for WNOHANG, −errno or BLOCKED."""
    result, has_child = process_wait.find(task.kernel, task.process, kind, which, options)
    if result is not None:
        return result
    if not has_child:
        return -ECHILD
    if options & process_wait.WNOHANG:
        return 0
    return blocking.wait_on(task, task.process.child_events, restart=ERESTARTSYS)


def sys_wait4(task: Task, pid: Pid, stat_addr: UserAddr, options: CInt, rusage: UserAddr) -> int:
    """Errors: ECHILD, EINVAL, EINTR, EFAULT, ESRCH."""
    known = process_wait.WNOHANG | process_wait.WUNTRACED | process_wait.WCONTINUED | 0xE000_0000
    flags = options & 0xFFFF_FFFF
    if flags & ~known:
        return -EINVAL
    if pid == -(1 << 31):
        return -ESRCH
    if pid > 0:
        kind, which = process_wait.P_PID, task.process.pid_ns.find(pid)
    elif pid == -1:
        kind, which = process_wait.P_ALL, 0
    else:
        kind, which = process_wait.P_PGID, task.process.group.pgid if pid == 0 else task.process.pid_ns.find(-pid)
    result = _wait(task, kind, which, flags | process_wait.WEXITED)
    if isinstance(result, int):
        return result
    if stat_addr:
        task.user.write_u32(stat_addr, result.status)
    if rusage:
        task.user.write(rusage, rusage_bytes(result.user_ns, result.system_ns, result.max_rss_pages))
    return result.pid


def sys_waitid(task: Task, which: CInt, upid: Pid, infop: UserAddr, options: CInt, ru: UserAddr) -> int:
    """Errors: ECHILD, EINVAL, EINTR, EFAULT, EBADF (P_PIDFD), EAGAIN (P_PIDFD with O_NONBLOCK: it runs on)."""
    flags = options & 0xFFFF_FFFF
    reports = process_wait.WEXITED | process_wait.WUNTRACED | process_wait.WCONTINUED
    if flags & ~(reports | process_wait.WNOHANG | process_wait.WNOWAIT | 0xE000_0000) or not flags & reports:
        return -EINVAL
    kind, target, refuses = int(which), int(upid), False
    if kind == P_PIDFD:
        if target < 0:
            return -EINVAL
        file = task.files.get(target)
        if not isinstance(file, PidFile):
            return -EBADF
        kind, target, refuses = process_wait.P_PID, file.process.pid, bool(file.flags & O_NONBLOCK and not flags & process_wait.WNOHANG)
        if refuses:
            flags |= process_wait.WNOHANG
    elif kind == process_wait.P_PID:
        if target <= 0:
            return -EINVAL
        target = task.process.pid_ns.find(target)
    elif kind == process_wait.P_PGID:
        if target < 0:
            return -EINVAL
        target = task.process.group.pgid if target == 0 else task.process.pid_ns.find(target)
    elif kind != process_wait.P_ALL:
        return -EINVAL
    result = _wait(task, kind, target, flags)
    if isinstance(result, int):
        if result == 0 and infop:
            task.user.write(infop, bytes(128))
        return -EAGAIN if result == 0 and refuses else result
    if infop:
        info = SigInfo(SIGCHLD, result.code, result.pid, task.creds.shown_uid(result.uid))
        info.status = result.value
        task.user.write(infop, siginfo_bytes(info))
    if ru:
        task.user.write(ru, rusage_bytes(result.user_ns, result.system_ns, result.max_rss_pages))
    return 0


def sys_getpid(task: Task) -> int:
    return task.number_of(task.process.pid)


def sys_gettid(task: Task) -> int:
    return task.own_number()


def sys_getppid(task: Task) -> int:
    parent = task.process.parent
    return task.number_of(parent.pid) if parent is not None else 0


def _process(task: Task, pid: int) -> Process:
    """pid 0: the caller's. Errors: LinuxError(ESRCH)."""
    process = task.process if pid == 0 else task.find_process(pid)
    if process is None:
        thread = task.find_task(pid)
        if thread is None:
            raise LinuxError(ESRCH)
        process = thread.process
    return process


def sys_getpgid(task: Task, pid: Pid) -> int:
    """Errors: ESRCH."""
    return task.number_of(_process(task, pid).group.pgid)


def sys_getpgrp(task: Task) -> int:
    return task.number_of(task.process.group.pgid)


def sys_getsid(task: Task, pid: Pid) -> int:
    """Errors: ESRCH."""
    return task.number_of(_process(task, pid).group.session.sid)


def sys_setpgid(task: Task, pid: Pid, pgid: Pid) -> int:
    """Errors: EINVAL, ESRCH, EPERM, EACCES."""
    if pgid < 0:
        return -EINVAL
    target = task.process if pid == 0 else task.find_process(pid)
    if target is None or target.is_zombie and target is not task.process and target.parent is not task.process:
        return -ESRCH
    groups.set_group(task.kernel, task.process, target, task.process.pid_ns.find(pgid) if pgid else target.pid)
    return 0


def sys_setsid(task: Task) -> int:
    """Errors: EPERM (leads a group already)."""
    process = task.process
    if process.pid in task.kernel.groups:
        return -EPERM
    groups.new_session(task.kernel, process)
    return task.number_of(process.pid)


def sys_set_tid_address(task: Task, tidptr: UserAddr) -> int:
    task.clear_child_tid = tidptr
    return task.own_number()


ARCH_SET_GS: Final = 0x1001
ARCH_SET_FS: Final = 0x1002
ARCH_GET_FS: Final = 0x1003
ARCH_GET_GS: Final = 0x1004
ARCH_GET_CPUID: Final = 0x1011
ARCH_SET_CPUID: Final = 0x1012


def sys_arch_prctl(task: Task, option: CInt, arg2: ULong) -> int:
    """Errors: EPERM (address beyond user space), EFAULT, ENODEV (no CPUID faulting), EINVAL."""
    if option in (ARCH_SET_FS, ARCH_SET_GS):
        if arg2 >= task.kernel.machine.user_end:
            return -EPERM
        task.context.set_reg(FS_BASE if option == ARCH_SET_FS else GS_BASE, arg2)
        return 0
    if option in (ARCH_GET_FS, ARCH_GET_GS):
        task.user.write_u64(arg2, task.context.get_reg(FS_BASE if option == ARCH_GET_FS else GS_BASE))
        return 0
    if option == ARCH_GET_CPUID:
        return 1
    if option == ARCH_SET_CPUID:
        return -ENODEV
    return -EINVAL


MEMBARRIER_CMD_QUERY: Final = 0


def sys_kcmp(task: Task, pid1: Pid, pid2: Pid, kind: CInt, idx1: Long, idx2: Long) -> int:
    """KCMP_FILE, VM, FILES, FS, SIGHAND, IO, SYSVSEM. Errors: ESRCH, EPERM, EINVAL, EBADF."""
    one, two = task.find_task(pid1), task.find_task(pid2)
    if one is None or two is None:
        return -ESRCH
    if not may_access_as_user(task, one.process) or not may_access_as_user(task, two.process):
        return -EPERM
    pairs: dict[int, tuple[object, object]] = {
        1: (one.mm, two.mm),
        2: (one.files, two.files),
        3: (one.fs, two.fs),
        4: (one.actions, two.actions),
        5: (None, None),  # I/O contexts, which nobody has here
        6: (one.sem_undo, two.sem_undo),
    }
    if kind == 0:
        a, b = one.files.get_any(Fd(idx1)), two.files.get_any(Fd(idx2))
        return 0 if a is b else 1 if id(a) < id(b) else 2
    pair = pairs.get(kind)
    if pair is None:
        return -EINVAL
    return 0 if pair[0] is pair[1] else 1 if id(pair[0]) < id(pair[1]) else 2
