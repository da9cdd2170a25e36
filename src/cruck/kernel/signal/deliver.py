# SPDX-License-Identifier: MPL-2.0
"""Delivery: what happens to pending signals when a task is about to return to its program (Linux: get_signal, handle_signal)."""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EINTR, ERESTARTNOINTR, ERESTARTSYS
from cruck.framework.hardware import RAX, RIP
from cruck.kernel.process import exit as process_exit
from cruck.kernel.process import groups, ptrace
from cruck.kernel.process.task import RUNNING, STOPPED, Task
from cruck.kernel.process.tracee import WORK_STEP
from cruck.kernel.signal.actions import (
    CORE_MASK,
    DEFAULT_IGNORE_MASK,
    SA_NODEFER,
    SA_RESETHAND,
    SA_RESTART,
    SIG_DFL,
    SIG_IGN,
    STOP_MASK,
    UNBLOCKABLE_MASK,
    SigAction,
)
from cruck.kernel.signal.pending import SigInfo
from cruck.kernel.syscalls import signal_frame

if TYPE_CHECKING:
    from cruck.kernel.process.process import Process

SIGSTOP: Final = 19
SIGSEGV: Final = 11
CLD_STOPPED: Final = 5
RLIMIT_CORE: Final = 4
ALL_BITS: Final = (1 << 64) - 1

# What deliver() says the task shall do.
RETURN_TO_GUEST: Final = 0
STAY_STOPPED: Final = 1
EXITED: Final = 2


def deliver(task: Task, restart: int) -> int:
    """Handles pending signals of a stopped task. `restart`: the restart code (> 0) of the call it is leaving, else 0.

    Returns RETURN_TO_GUEST with registers ready (`task.restart` stays set if the call is to be run again because no handler
    was invoked), STAY_STOPPED, or EXITED.
    """
    process = task.process
    kernel = task.kernel
    while True:
        if process.is_exiting:
            return EXITED if process_exit.leave(kernel, task, process.exit_status) else STAY_STOPPED
        tracee = task.ptrace
        if process.is_stopped and (tracee is None or not tracee.has_left_group_stop):
            if tracee is not None:
                ptrace.group_stop(task)
            else:
                task.state = STOPPED
            return STAY_STOPPED
        if tracee is not None and (tracee.wants_trap or tracee.wants_notice):
            ptrace.trap(task)
            return STAY_STOPPED
        info = _next(task, process)
        if info is None:
            break
        if task.phase:
            return STAY_STOPPED
        if kernel.tracer is not None:
            kernel.tracer.signal(task, info)
        action = task.actions.get(info.signo)
        if action.handler == SIG_IGN:
            continue
        if action.handler == SIG_DFL:
            _default(task, process, info)
            continue
        # Further signals that this handler's mask admits go on top of its frame, and so run first, as on Linux.
        is_stepping = bool(task.work & WORK_STEP)
        if is_stepping:
            ptrace.hide_step(task)
        _invoke(task, action, info, restart)
        restart = 0
        if is_stepping and not task.has_deliverable_signal():
            ptrace.step_stop(task)
            return STAY_STOPPED
    if task.saved_mask >= 0:
        task.blocked_mask = task.saved_mask
        task.saved_mask = -1
        if task.has_deliverable_signal():
            return deliver(task, restart)
    return RETURN_TO_GUEST


def _next(task: Task, process: "Process") -> SigInfo | None:
    """The signal to act on, taken out of its queue. A traced task shows it to its tracer first: it has stopped then."""
    info = task.resume_info
    if info is not None:
        task.resume_info = None
        if not task.blocked_mask >> (info.signo - 1) & 1:
            return info
        task.pending.add(info)  # the tracer, or another thread's sigaction, has blocked it meanwhile
    allowed = ALL_BITS & ~task.blocked_mask
    info = task.pending.take(allowed)
    if info is None:
        info = process.pending.take(allowed)
    if info is not None and task.ptrace is not None:
        ptrace.signal_stop(task, info)
    return info


def _default(task: Task, process: "Process", info: SigInfo) -> None:
    bit = 1 << (info.signo - 1)
    if bit & DEFAULT_IGNORE_MASK:
        return
    if bit & STOP_MASK:
        if info.signo != SIGSTOP and groups.is_orphaned(process.group):
            return
        stop_process(process, info.signo)
        if task.kernel.tracer is not None:
            task.kernel.tracer.stopped(task, info.signo)
        return
    task.kernel.exit_group(process, fatal_status(task, info))


def fatal_status(task: Task, info: SigInfo) -> int:
    """What wait shows of a process that this signal kills; its core is dumped if it asked for that (RLIMIT_CORE)."""
    signo = info.signo
    if CORE_MASK >> (signo - 1) & 1 and task.process.rlimit(RLIMIT_CORE) > 0:
        from cruck.kernel.process import core_dump

        if core_dump.dump(task, info):
            return signo | 0x80
    return signo


def stop_process(process: "Process", signo: int) -> None:
    """Group stop: every thread stops at its next return to the guest; the parent is told."""
    process.is_stopped = True
    process.stop_signal = signo
    process.report_stop = True
    process.report_continue = False
    for other in process.threads.values():
        if other.ptrace is not None:
            other.ptrace.has_left_group_stop = False
        if other.state == RUNNING:
            other.context.interrupt()
    process.kernel.notify_parent(process, CLD_STOPPED, signo)


def _invoke(task: Task, action: SigAction, info: SigInfo, restart: int) -> None:
    """Arranges that the guest runs the handler."""
    if restart:
        task.restart = 0
        task.wait = None
        if restart == ERESTARTNOINTR or (restart == ERESTARTSYS and action.flags & SA_RESTART):
            context = task.context
            context.set_reg(RAX, task.call_nr & 0xFFFF_FFFF_FFFF_FFFF)
            context.set_reg(RIP, context.get_reg(RIP) - 2)
        else:
            task.context.set_result(-EINTR)
    old_mask = task.saved_mask if task.saved_mask >= 0 else task.blocked_mask
    task.saved_mask = -1
    if not signal_frame.push(task, action, info, old_mask):
        # No room for the frame: SIGSEGV, whose handler gets a chance unless it is the one that has no room (Linux: force_sigsegv).
        if info.signo == SIGSEGV:
            task.actions.set(SIGSEGV, SigAction(SIG_DFL))
        force(task, SigInfo(SIGSEGV, 0x80))
        return
    if action.flags & SA_RESETHAND:
        task.actions.set(info.signo, SigAction(SIG_DFL, action.flags, action.restorer, action.mask))
    mask = task.blocked_mask | action.mask
    if not action.flags & SA_NODEFER:
        mask |= 1 << (info.signo - 1)
    task.blocked_mask = mask & ~UNBLOCKABLE_MASK


def force(task: Task, info: SigInfo) -> None:
    """A synchronous fault: cannot be ignored or blocked (Linux: force_sig_info)."""
    bit = 1 << (info.signo - 1)
    action = task.actions.get(info.signo)
    if task.blocked_mask & bit or action.handler == SIG_IGN:
        task.actions.set(info.signo, SigAction(SIG_DFL))
        task.blocked_mask &= ~bit
    task.pending.discard(bit)
    task.pending.add(info)
