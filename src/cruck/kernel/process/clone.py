# SPDX-License-Identifier: MPL-2.0
"""New tasks and processes (clone(2), fork(2), vfork(2), clone3(2))."""

from typing import TYPE_CHECKING

from cruck.abi.errno import EAGAIN, EINVAL, ENOMEM
from cruck.abi.sched import (
    CLONE_CHILD_CLEARTID,
    CLONE_CHILD_SETTID,
    CLONE_CLEAR_SIGHAND,
    CLONE_DETACHED,
    CLONE_FILES,
    CLONE_FS,
    CLONE_NEWIPC,
    CLONE_NEWNS,
    CLONE_NEWPID,
    CLONE_NEWUSER,
    CLONE_PARENT,
    CLONE_PARENT_SETTID,
    CLONE_PIDFD,
    CLONE_SETTLS,
    CLONE_SIGHAND,
    CLONE_SYSVSEM,
    CLONE_THREAD,
    CLONE_VFORK,
    CLONE_VM,
)
from cruck.framework.hardware import FS_BASE, RIP, RSP
from cruck.framework.mm.user_memory import UserFault
from cruck.kernel.errors import LinuxError
from cruck.kernel.ipc.sem import SemUndo
from cruck.kernel.ledger import AREA, DESCRIPTOR, TASK
from cruck.kernel.memory.fork import warm
from cruck.kernel.process import namespaces
from cruck.kernel.process.namespaces import new_user_namespace
from cruck.kernel.process.process import Process
from cruck.kernel.process.seccomp import set_mode
from cruck.kernel.process.task import Task
from cruck.kernel.time.cpu_timers import watch_cpu_limit

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel

RLIMIT_NPROC = 6
RLIMIT_NOFILE = 7


class CloneArgs:
    """struct clone_args of clone3, or clone's registers."""

    def __init__(self, flags: int, stack: int, parent_tid: int, child_tid: int, tls: int, exit_signal: int) -> None:
        self.flags = flags
        self.stack = stack  # the child's stack pointer; 0 the parent's
        self.parent_tid = parent_tid
        self.child_tid = child_tid
        self.tls = tls
        self.exit_signal = exit_signal
        self.pidfd = 0  # where to write the pidfd


def clone(task: Task, args: CloneArgs) -> Task:
    """The new task, runnable, its registers a copy of the caller's with result 0. Errors: LinuxError as clone(2)."""
    kernel = task.kernel
    flags = args.flags
    _check(kernel, task, flags, args)
    process = task.process
    if flags & CLONE_VM:
        mm = task.mm.get()
    else:
        mm = task.mm.fork(kernel)
        caller = task.context
        warm(task.mm, mm, caller.get_reg(RIP), args.stack or caller.get_reg(RSP), caller.get_reg(FS_BASE))
    try:
        context = mm.space.new_context()
    except OSError as error:
        mm.put()
        raise LinuxError(EAGAIN, "host task") from error
    context.set_registers(task.context.registers())
    context.set_fpu(task.context.fpu())
    context.set_result(0)
    if args.stack:
        context.set_reg(RSP, args.stack)
    if flags & CLONE_SETTLS:
        context.set_reg(FS_BASE, args.tls)
    files = task.files if flags & CLONE_FILES else task.files.copy()
    if flags & CLONE_FILES:
        files.refs += 1
    fs = task.fs if flags & CLONE_FS else task.fs.copy()
    if flags & CLONE_FS:
        fs.refs += 1
    if flags & CLONE_SIGHAND:
        actions = task.actions
        actions.refs += 1
    elif flags & CLONE_CLEAR_SIGHAND:
        actions = task.actions.for_exec()
    else:
        actions = task.actions.copy()
    creds = new_user_namespace(kernel, task.creds) if flags & CLONE_NEWUSER else task.creds
    ns = task.ns
    if flags & namespaces.KNOWN:
        ns, root, cwd = namespaces.make(kernel, task, flags & namespaces.KNOWN, creds.user_ns)
        if root is not None and cwd is not None:
            fs.root, fs.cwd = root, cwd
    tid = kernel.alloc_pid()
    if ns.pid.level:
        ns.pid.add(tid)
    if flags & CLONE_THREAD:
        child_process = process
    else:
        parent = process.parent if flags & CLONE_PARENT else process
        assert parent is not None
        child_process = Process(kernel, tid, parent, process.group)
        child_process.pid_ns = ns.pid
        if ns.pid.reaper is None:
            ns.pid.reaper = child_process
        child_process.exit_signal = process.exit_signal if flags & CLONE_PARENT else args.exit_signal
        child_process.name = process.name
        child_process.dumpable = process.dumpable
        watch_cpu_limit(child_process)
        parent.children[tid] = child_process
        kernel.processes[tid] = child_process
    child = Task(kernel, tid, child_process, context, mm, files, fs, actions, creds, task.comm)
    if ns is not child.ns:
        namespaces.set_namespaces(child, ns)
    if not flags & CLONE_THREAD:
        child_process.leader = child
    child_process.threads[tid] = child
    mm.rlimits = child_process.rlimits
    child_process.nr_threads_ever += 1
    kernel.tasks[tid] = child
    child.blocked_mask = task.blocked_mask
    if not flags & CLONE_VM or flags & CLONE_VFORK:
        child.altstack = task.altstack
    child.nice, child.policy, child.rt_priority = task.nice, task.policy, task.rt_priority
    child.ioprio = task.ioprio
    if task.resets_on_fork:
        child.nice = max(0, task.nice)
        if task.policy in (1, 2):
            child.policy = child.rt_priority = 0
    child.affinity = task.affinity
    child.timer_slack_ns = child.default_timer_slack_ns = task.timer_slack_ns
    child.vruntime_ns = task.vruntime_ns
    child.personality = task.personality
    child.mempolicy = task.mempolicy
    if flags & CLONE_SYSVSEM:
        if task.sem_undo is None:
            task.sem_undo = SemUndo()
        task.sem_undo.refs += 1
        child.sem_undo = task.sem_undo
    if task.seccomp_mode:
        set_mode(child, task.seccomp_mode, task.seccomp_filter)
    if flags & CLONE_CHILD_CLEARTID:
        child.clear_child_tid = args.child_tid
    _publish_tids(task, child, flags, args)
    if flags & CLONE_VFORK:
        child.vfork_child_of = task
    return child


def _check(kernel: "Kernel", task: Task, flags: int, args: CloneArgs) -> None:
    if flags & CLONE_SIGHAND and not flags & CLONE_VM:
        raise LinuxError(EINVAL)
    if flags & CLONE_THREAD and not flags & CLONE_SIGHAND:
        raise LinuxError(EINVAL)
    if flags & CLONE_CLEAR_SIGHAND and flags & CLONE_SIGHAND:
        raise LinuxError(EINVAL)
    if flags & CLONE_FS and flags & CLONE_NEWNS:
        raise LinuxError(EINVAL)
    if flags & (CLONE_FS | CLONE_NEWUSER) == CLONE_FS | CLONE_NEWUSER:
        raise LinuxError(EINVAL)
    if flags & CLONE_NEWPID and flags & CLONE_THREAD:
        raise LinuxError(EINVAL)
    if flags & CLONE_NEWIPC and flags & CLONE_SYSVSEM:
        raise LinuxError(EINVAL)
    if flags & CLONE_PIDFD and flags & CLONE_DETACHED:
        raise LinuxError(EINVAL)
    if flags & CLONE_THREAD and (flags & CLONE_NEWUSER or task.ns.pid is not task.process.pid_ns):
        raise LinuxError(EINVAL)
    if flags & namespaces.KNOWN:
        namespaces.check(kernel, task, flags & namespaces.KNOWN)
    if task.ns.pid.has_ended and not flags & CLONE_NEWPID:
        raise LinuxError(ENOMEM, "the PID namespace has lost its init")
    if flags & CLONE_PARENT and task.process.parent is kernel.init:
        raise LinuxError(EINVAL)
    if flags & CLONE_PIDFD and flags & CLONE_THREAD:
        raise LinuxError(EINVAL)
    if len(kernel.pids) > kernel.pids_limit:  # zombies count too, and init
        raise LinuxError(EAGAIN, "the run's --pids-limit")
    if not kernel.ledger.has_room(_cost(task, flags)):
        raise LinuxError(ENOMEM, "kernel memory")
    limit = task.process.rlimit(RLIMIT_NPROC)
    if task.creds.uid != 0 and len(kernel.tasks) >= limit:
        raise LinuxError(EAGAIN, "RLIMIT_NPROC")
    if kernel.machine.nr_free_frames() < 16:
        raise LinuxError(ENOMEM)
    if flags & CLONE_SETTLS and args.tls >= kernel.machine.user_end:
        raise LinuxError(EINVAL)


def _cost(task: Task, flags: int) -> int:
    """What a clone enters into the ledger."""
    cost = TASK
    if not flags & CLONE_FILES:
        cost += task.files.nr_open * DESCRIPTOR
    if not flags & CLONE_VM:
        cost += len(task.mm.vmas) * AREA
    return cost


def _publish_tids(task: Task, child: Task, flags: int, args: CloneArgs) -> None:
    """Faults are ignored, as Linux ignores those of put_user here; only the pidfd's were checked before."""
    try:
        if flags & CLONE_PARENT_SETTID:
            task.user.write_u32(args.parent_tid, task.number_of(child.tid))
    except UserFault:
        pass
    try:
        if flags & CLONE_CHILD_SETTID:
            child.user.write_u32(args.child_tid, child.own_number())
    except UserFault:
        pass
