# SPDX-License-Identifier: MPL-2.0
"""Tracing: attach, ptrace-stops, resuming, and what becomes of tracees when either side ends (ptrace(2), kernel/ptrace.c).

A task in a ptrace-stop is TRACED: off its CPU, out of every queue, its registers at rest. `Task.phase` says what it does when it
is resumed; the trap loop does it (`go_on`). So a stop may happen anywhere in the life of a call without anybody waiting.

Tracers are processes here, not single threads: every thread of the tracer may give orders. Neighbours: tracee.py (the state),
syscall_work.py (stops at calls), signal/deliver.py (stops at signals), wait.py (what the tracer is told), syscalls/ptrace.py.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.ptrace import (
    PTRACE_EVENT_CLONE,
    PTRACE_EVENT_EXEC,
    PTRACE_EVENT_EXIT,
    PTRACE_EVENT_FORK,
    PTRACE_EVENT_SECCOMP,
    PTRACE_EVENT_STOP,
    PTRACE_EVENT_VFORK,
    PTRACE_EVENT_VFORK_DONE,
    PTRACE_O_EXITKILL,
)
from cruck.framework.hardware import EFLAGS
from cruck.kernel.process.task import DEAD, READY, STOPPED, TRACED, Task
from cruck.kernel.process.tracee import (
    PHASE_ENTRY,
    PHASE_EXIT,
    PHASE_RERUN,
    PHASE_RETURN,
    PHASE_SIGNAL,
    PHASE_SKIP,
    WORK_SECCOMP,
    WORK_STEP,
    WORK_TRACED,
    Tracee,
)
from cruck.kernel.signal.actions import SA_NOCLDSTOP, SIG_IGN
from cruck.kernel.signal.pending import SI_KERNEL, SI_USER, SigInfo
from cruck.kernel.signal.send import kick, send_to_process, send_to_task

if TYPE_CHECKING:
    from cruck.kernel.process.process import Process

SIGTRAP: Final = 5
SIGKILL: Final = 9
SIGCHLD: Final = 17
SIGSTOP: Final = 19
CLD_TRAPPED: Final = 4
TRAP_FLAG: Final = 0x100  # EFLAGS.TF
# The option that asks for an event is 1 << event, but for those without one.
EVENTS_WITH_OPTION: Final = (
    PTRACE_EVENT_FORK, PTRACE_EVENT_VFORK, PTRACE_EVENT_CLONE, PTRACE_EVENT_EXEC, PTRACE_EVENT_VFORK_DONE, PTRACE_EVENT_EXIT,
    PTRACE_EVENT_SECCOMP,
)  # fmt: skip
CLONE_UNTRACED: Final = 0x0080_0000
CLONE_VFORK: Final = 0x4000
CLONE_PTRACE: Final = 0x2000
CSIGNAL: Final = 0xFF


# Beginning and end.
def attach(tracer: "Process", task: Task, is_seized: bool, options: int) -> None:
    """Makes `task`, which nobody traces, a tracee. PTRACE_ATTACH stops it by SIGSTOP; a task that is stopped already is at once in
    the ptrace-stop. The caller has checked the right to."""
    link(tracer, task, is_seized, options)
    if task.restart:
        task.context.set_result(-task.restart)  # what a tracer sees of an interrupted call
    if not is_seized:
        send_to_task(task, SigInfo(SIGSTOP, SI_KERNEL))
    if task.state == STOPPED:
        group_stop(task)


def link(tracer: "Process", task: Task, is_seized: bool, options: int) -> Tracee:
    tracee = Tracee(task, tracer, is_seized, options)
    task.ptrace = tracee
    task.work |= WORK_TRACED
    tracer.tracees[task] = None
    return tracee


def unlink(task: Task) -> None:
    """Nobody's tracee any more; a stop it may be in is left to the caller."""
    tracee = task.ptrace
    assert tracee is not None
    tracee.tracer.tracees.pop(task, None)
    _set_step(task, False)
    task.ptrace = None
    task.work &= WORK_SECCOMP


def detach(task: Task, signo: int) -> None:
    """The tracee goes on as if it had never been traced, with the signal `signo` (0 none) if it stopped at one."""
    tracee = task.ptrace
    assert tracee is not None
    if task.state == TRACED or tracee.is_listening:
        _choose_signal(task, tracee, signo)
        if task.resume_info is not None:
            task.pending.add(task.resume_info)
            task.resume_info = None
        unlink(task)
        if task.process.is_stopped and not task.process.is_exiting:
            task.state = STOPPED
        else:
            _make_ready(task)
    else:
        unlink(task)


# Stops.
def stop(task: Task, code: int, info: SigInfo | None, phase: int, message: int = 0) -> None:
    """The task, off its CPU, enters a ptrace-stop and its tracer is told. It is TRACED when this returns, or READY if it is being
    killed: either way the caller is done with it.

    Args: code: signal | event << 8. info: what PTRACE_GETSIGINFO shows. phase: what it does afterwards."""
    tracee = task.ptrace
    assert tracee is not None
    task.phase = phase
    _set_step(task, False)
    if task.process.is_exiting and phase != PHASE_EXIT:
        _make_ready(task)
        return
    tracee.stop_code = code
    tracee.is_reported = tracee.is_listening = tracee.wants_trap = False
    if code >> 8 == PTRACE_EVENT_STOP:
        tracee.wants_notice = False
    tracee.siginfo = info
    tracee.message = message
    task.state = TRACED
    task.context.park()
    _tell_tracer(task, tracee, CLD_TRAPPED, code & 0x7F)


def event(task: Task, number: int, message: int, phase: int) -> None:
    """A PTRACE_EVENT_* stop."""
    code = SIGTRAP | number << 8
    stop(task, code, _own_info(task, SIGTRAP, code), phase, message)


def wants_event(task: Task, number: int) -> bool:
    """Is the task traced, and did the tracer ask for the event?"""
    tracee = task.ptrace
    return tracee is not None and bool(tracee.options >> number & 1)


def signal_stop(task: Task, info: SigInfo) -> None:
    """Signal-delivery-stop: the tracer sees the signal before the program does."""
    stop(task, info.signo, info, PHASE_SIGNAL)


def group_stop(task: Task) -> None:
    """The process was stopped: the tracer sees it thread by thread."""
    tracee = task.ptrace
    assert tracee is not None
    signo = task.process.stop_signal
    if tracee.is_seized:
        code = signo | PTRACE_EVENT_STOP << 8
        stop(task, code, _own_info(task, signo, code), PHASE_RETURN)
    else:
        stop(task, signo, None, PHASE_RETURN)


def trap(task: Task) -> None:
    """The stop that PTRACE_INTERRUPT asked for, or a seized tracee's first."""
    tracee = task.ptrace
    assert tracee is not None
    if task.process.is_stopped:
        group_stop(task)
    else:
        event(task, PTRACE_EVENT_STOP, 0, PHASE_RETURN)


def step_stop(task: Task) -> None:
    """After a step into a signal handler (ptrace_notify)."""
    stop(task, SIGTRAP, _own_info(task, SIGTRAP, SIGTRAP), PHASE_RETURN)


def interrupt(task: Task) -> None:
    """PTRACE_INTERRUPT: a stop soon, unless it is in one; one that listens shows its stop again."""
    tracee = task.ptrace
    assert tracee is not None
    if tracee.is_listening:
        trap(task)
    elif task.state != TRACED:
        tracee.wants_trap = True
        kick(task)
    else:
        tracee.wants_trap = True


def on_continue(task: Task) -> None:
    """SIGCONT for the process of a tracee: a seized one shows it by a stop, at once if it listens."""
    tracee = task.ptrace
    assert tracee is not None
    tracee.has_left_group_stop = False
    if tracee.is_listening:
        trap(task)
    elif tracee.is_seized:
        tracee.wants_notice = True
        if task.state != TRACED:
            kick(task)


# Going on.
def resume(task: Task, signo: int, work: int) -> None:
    """Ends a ptrace-stop. `work`: WORK_SYSCALL, WORK_STEP, WORK_EMULATED or 0, until the next one."""
    tracee = task.ptrace
    assert tracee is not None
    _choose_signal(task, tracee, signo)
    tracee.has_left_group_stop = task.process.is_stopped
    tracee.is_listening = False
    task.work = task.work & (WORK_TRACED | WORK_SECCOMP) | work
    _set_step(task, bool(work & WORK_STEP))
    _make_ready(task)


def listen(task: Task) -> None:
    """PTRACE_LISTEN: it stays stopped, but SIGCONT will be shown. The caller has checked that it is in a group-stop."""
    tracee = task.ptrace
    assert tracee is not None
    if tracee.wants_notice:
        trap(task)
        return
    tracee.is_listening = True
    tracee.stop_code = 0
    tracee.siginfo = None
    task.state = STOPPED


def _choose_signal(task: Task, tracee: Tracee, signo: int) -> None:
    """What the tracer gave with its order: in a signal-delivery-stop the signal to deliver, at a call one to send."""
    info = tracee.siginfo
    if task.phase == PHASE_SIGNAL:
        if signo and (info is None or info.signo != signo):
            info = SigInfo(signo, SI_USER, tracee.tracer.pid, tracee.tracer.leader.creds.uid)
        task.resume_info = info if signo else None
    elif (
        signo
        and info is not None
        and (task.phase in (PHASE_ENTRY, PHASE_SKIP) or (task.phase == PHASE_RETURN and info.code & ~0x80 == SIGTRAP))
    ):
        send_to_task(task, SigInfo(signo, SI_USER, tracee.tracer.pid, tracee.tracer.leader.creds.uid))
    tracee.stop_code = 0
    tracee.siginfo = None


def _make_ready(task: Task) -> None:
    task.state = READY
    task.kernel.ready.append(task)


def _set_step(task: Task, is_wanted: bool) -> None:
    """The trap flag, which the program itself does not see."""
    if is_wanted:
        task.context.set_reg(EFLAGS, task.context.get_reg(EFLAGS) | TRAP_FLAG)
    elif task.work & WORK_STEP:
        task.context.set_reg(EFLAGS, task.context.get_reg(EFLAGS) & ~TRAP_FLAG)


def hide_step(task: Task) -> None:
    """Before a signal frame is made: the flag is not the program's."""
    _set_step(task, False)


def _own_info(task: Task, signo: int, code: int) -> SigInfo:
    """ptrace_notify's siginfo: from the tracee itself."""
    return SigInfo(signo, code, task.tid, task.creds.uid)


def syscall_info(task: Task, tracee: Tracee) -> SigInfo:
    """… at a call; 0x80 marks it with PTRACE_O_TRACESYSGOOD."""
    return _own_info(task, SIGTRAP, SIGTRAP | (0x80 if tracee.options & 1 else 0))


def _tell_tracer(task: Task, tracee: Tracee, code: int, status: int) -> None:
    tracer = tracee.tracer
    thread = tracer.any_thread()
    if thread is not None:
        action = thread.actions.get(SIGCHLD)
        if action.handler != SIG_IGN and not action.flags & SA_NOCLDSTOP:
            info = SigInfo(SIGCHLD, code, tracer.pid_ns.number(task.tid), task.creds.uid)
            info.status = status
            send_to_process(tracer, info)
    tracer.child_events.wake()


# Births.
def on_clone(task: Task, child: Task, flags: int, exit_signal: int) -> int:
    """The event that a clone is for the tracer (0: none); a child it asked for is its tracee from the start and stops before its
    first instruction."""
    tracee = task.ptrace
    assert tracee is not None
    number = PTRACE_EVENT_CLONE
    if flags & CLONE_VFORK:
        number = PTRACE_EVENT_VFORK
    elif exit_signal == SIGCHLD:
        number = PTRACE_EVENT_FORK
    is_shown = bool(tracee.options >> number & 1) and not flags & CLONE_UNTRACED
    if is_shown or flags & CLONE_PTRACE:
        new = link(tracee.tracer, child, tracee.is_seized, tracee.options)
        if tracee.is_seized:
            new.wants_trap = True
        else:
            child.pending.add(SigInfo(SIGSTOP, SI_KERNEL))
    return number if is_shown else 0


def after_exec(task: Task, old_tid: int) -> bool:
    """execve has succeeded: True if the task has stopped for it. A tracer that did not ask gets a SIGTRAP."""
    tracee = task.ptrace
    assert tracee is not None
    if wants_event(task, PTRACE_EVENT_EXEC):
        event(task, PTRACE_EVENT_EXEC, old_tid, PHASE_RERUN)
        return True
    if not tracee.is_seized:
        send_to_task(task, SigInfo(SIGTRAP, SI_USER, task.process.pid, task.creds.uid))
    return False


def shown_to_tracer(task: Task, tid: int) -> int:
    """The number of another task as the tracer knows it (PTRACE_GETEVENTMSG)."""
    tracee = task.ptrace
    return tracee.tracer.pid_ns.number(tid) if tracee is not None else 0


# Ends.
def on_exit(task: Task, status: int) -> None:
    """A tracee ended. A thread that is no leader is kept for the tracer's wait; the leader when its process has ended."""
    tracee = task.ptrace
    assert tracee is not None
    tracee.stop_code = 0
    if task.tid != task.process.pid:
        tracee.exit_status = status
        code = 2 if status & 0x7F else 1
        _tell_tracer(task, tracee, code, status & 0x7F or status >> 8)


def tell_of_end(task: Task, status: int) -> None:
    """The process of this traced leader has ended: its tracer may wait for it now."""
    tracee = task.ptrace
    assert tracee is not None
    _tell_tracer(task, tracee, 2 if status & 0x7F else 1, status & 0x7F or status >> 8)


def release(task: Task) -> None:
    """The tracer has waited for a dead tracee: its number is free, or its process the real parent's business."""
    unlink(task)
    process = task.process
    if task.tid != process.pid:
        process.kernel.free_pid(task.tid, process.pid_ns)
    elif process.is_zombie:
        from cruck.kernel.process import exit as process_exit

        process_exit.tell_parent(process.kernel, process)


def on_tracer_exit(process: "Process") -> None:
    """Tracees of an ended process go on, or die if it asked for that."""
    for task in list(process.tracees):
        tracee = task.ptrace
        assert tracee is not None
        if task.state == DEAD:
            release(task)
            continue
        is_to_die = bool(tracee.options & PTRACE_O_EXITKILL)
        detach(task, 0)
        if is_to_die:
            send_to_task(task, SigInfo(SIGKILL, SI_KERNEL))


def release_exit_stop(process: "Process") -> None:
    """A second SIGKILL ends even the last stop of all."""
    for task in list(process.threads.values()):
        if task.state == TRACED and task.phase == PHASE_EXIT:
            _make_ready(task)
