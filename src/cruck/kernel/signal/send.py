# SPDX-License-Identifier: MPL-2.0
"""Sending signals (Linux: kernel/signal.c, prepare_signal, complete_signal).

Queues the signal, undoes pending stops or continues, wakes whoever can take it. Delivery is in deliver.py.
"""

from typing import TYPE_CHECKING, Final

from cruck.kernel.process.task import BLOCKED, READY, RUNNABLE, RUNNING, STOPPED, TRACED, Task
from cruck.kernel.signal.actions import SIG_DFL, STOP_MASK
from cruck.kernel.signal.pending import SI_KERNEL, SIGRTMIN, PendingSignals, SigInfo

if TYPE_CHECKING:
    from cruck.kernel.process.process import Process

SIGKILL: Final = 9
SIGCONT: Final = 18
SIGSTOP: Final = 19
SIGCONT_BIT: Final = 1 << 17
CLD_CONTINUED: Final = 6
MAX_QUEUED: Final = 100_000  # signals, of the whole kernel
LONG_QUEUE: Final = 128


def send_to_process(process: "Process", info: SigInfo) -> int:
    """Process-directed. 0, or −EAGAIN when the queue of a real-time signal is full."""
    return _send(process, None, info)


def send_to_task(task: Task, info: SigInfo) -> int:
    """Thread-directed (tgkill, faults)."""
    return _send(task.process, task, info)


def _send(process: "Process", target: Task | None, info: SigInfo) -> int:
    signo = info.signo
    if process.is_zombie or process.is_exiting or not process.threads:
        if signo == SIGKILL and process.threads:
            release_exit_stop(process)
        return 0
    if process.pid_ns.reaper is process and process.pid_ns.level and not _reaches_reaper(process, info):
        return 0
    if signo == SIGKILL:
        process.kernel.exit_group(process, SIGKILL)
        return 0
    bit = 1 << (signo - 1)
    if bit & STOP_MASK:
        _discard_everywhere(process, SIGCONT_BIT)
    elif signo == SIGCONT:
        _discard_everywhere(process, STOP_MASK)
        continue_process(process)
    pending: PendingSignals = process.pending if target is None else target.pending
    taker = _taker(process, target, bit)
    if _is_ignored(process, target, signo, bit):
        tracer = process.kernel.tracer
        if tracer is not None and taker is not None:
            tracer.signal(taker, info)
        return 0
    if signo >= SIGRTMIN and info.code < 0 and _is_full(process, pending):
        return -11
    if not pending.add(info):
        return 0
    if taker is not None:
        kick(taker)
    process.kernel.signal_queued.wake()
    return 0


def _is_full(process: "Process", pending: PendingSignals) -> bool:
    """RLIMIT_SIGPENDING is a user's on Linux. Here one queue may not exceed it, and what all queues hold together is looked at now and
    then while one grows long."""
    length = len(pending.queue)
    if length >= min(process.rlimit(11), MAX_QUEUED):
        return True
    if length < LONG_QUEUE or length % LONG_QUEUE:
        return False
    kernel = process.kernel
    total = 0
    for other in kernel.processes.values():
        total += len(other.pending.queue)
    for task in kernel.tasks.values():
        total += len(task.pending.queue)
    return total >= MAX_QUEUED


def _reaches_reaper(process: "Process", info: SigInfo) -> bool:
    """The first process of a PID namespace gets only what it has handlers for, and SIGKILL and SIGSTOP from outside
    (sig_task_ignored, SIGNAL_UNKILLABLE)."""
    task = process.any_thread()
    if task is not None and info.signo not in (SIGKILL, SIGSTOP) and task.actions.get(info.signo).handler != SIG_DFL:
        return True
    if info.signo not in (SIGKILL, SIGSTOP):
        return info.code > 0 and info.code != SI_KERNEL  # a fault of its own
    sender = process.kernel.processes.get(info.sender)
    return sender is None or not sender.pid_ns.is_below(process.pid_ns)


def _is_ignored(process: "Process", target: Task | None, signo: int, bit: int) -> bool:
    """Ignored signals are dropped when they are sent, unless blocked: the disposition may change before they are unblocked."""
    task = target if target is not None else process.any_thread()
    assert task is not None
    if task.ptrace is not None:
        return False  # its tracer wants to see it
    if task.blocked_mask & bit or (task.saved_mask >= 0 and task.saved_mask & bit):
        return False
    return task.actions.is_ignored(signo)


def _taker(process: "Process", target: Task | None, bit: int) -> Task | None:
    """Who shall be woken for it: a thread that does not block it; the leader first."""
    if target is not None:
        return None if target.blocked_mask & bit else target
    leader = process.threads.get(process.pid)
    if leader is not None and not leader.blocked_mask & bit:
        return leader
    for task in process.threads.values():
        if not task.blocked_mask & bit:
            return task
    return None


def _discard_everywhere(process: "Process", mask: int) -> None:
    process.pending.discard(mask)
    for task in process.threads.values():
        task.pending.discard(mask)


def kick(task: Task) -> None:
    """Makes a task look at its signals soon: ends an interruptible wait, interrupts a running guest."""
    if task.state == BLOCKED:
        record = task.wait
        assert record is not None
        if record.is_interruptible or task.process.is_exiting:
            task.wake()
    elif task.state == RUNNING:
        task.context.interrupt()
    elif task.state == RUNNABLE or (task.state in (STOPPED, TRACED) and task.process.is_exiting):
        task.kernel.sched.forget(task)
        task.state = READY
        task.kernel.ready.append(task)


def continue_process(process: "Process") -> None:
    """SIGCONT's effect, which does not depend on its disposition."""
    if process.is_stopped:
        process.is_stopped = False
        process.report_stop = False
        process.report_continue = True
        for task in process.threads.values():
            if task.state == STOPPED and (task.ptrace is None or not task.ptrace.is_listening):
                task.state = READY
                process.kernel.ready.append(task)
        process.kernel.notify_parent(process, CLD_CONTINUED, SIGCONT)
    for task in process.threads.values():
        if task.ptrace is not None:
            show_continue(task)


def release_exit_stop(process: "Process") -> None:
    from cruck.kernel.process import ptrace

    ptrace.release_exit_stop(process)


def show_continue(task: Task) -> None:
    from cruck.kernel.process import ptrace

    ptrace.on_continue(task)
