# SPDX-License-Identifier: MPL-2.0
"""The end of tasks and processes (exit(2), exit_group(2), fatal signals) and what their parents learn of it."""

from typing import TYPE_CHECKING, Final

from cruck.abi.ptrace import PTRACE_EVENT_EXIT
from cruck.framework.mm.user_memory import UserFault
from cruck.kernel.ledger import TASK
from cruck.kernel.process import groups, ptrace
from cruck.kernel.process.seccomp import tell_listeners
from cruck.kernel.process.task import DEAD, Task
from cruck.kernel.process.tracee import PHASE_EXIT
from cruck.kernel.signal.actions import SA_NOCLDSTOP, SA_NOCLDWAIT, SIG_IGN
from cruck.kernel.signal.pending import SI_USER, SigInfo
from cruck.kernel.signal.send import kick
from cruck.kernel.tty import job_control

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.process.pid_namespace import PidNamespace
    from cruck.kernel.process.process import Process, ProcessGroup

SIGHUP: Final = 1
SIGKILL: Final = 9
SIGCHLD: Final = 17
SIGCONT: Final = 18
CLD_EXITED: Final = 1
CLD_KILLED: Final = 2
CLD_DUMPED: Final = 3
CLD_STOPPED: Final = 5
NS: Final = 1_000_000_000
NS_PER_TICK: Final = 10_000_000


def exit_group(kernel: "Kernel", process: "Process", status: int) -> None:
    """Starts the end of a whole process with wait-status `status`; each task leaves when it next looks (exit_task).
    A process that is already ending keeps its first status."""
    if process.is_exiting or process.is_zombie:
        return
    process.is_exiting = True
    process.exit_status = status
    for task in list(process.threads.values()):
        kick(task)


def leave(kernel: "Kernel", task: Task, status: int) -> bool:
    """A task ends by itself, or because its process does: as exit_task(), after a last ptrace-stop if its tracer asked for one.
    False: it is in that stop."""
    if ptrace.wants_event(task, PTRACE_EVENT_EXIT):
        task.exit_code = status
        ptrace.event(task, PTRACE_EVENT_EXIT, status, PHASE_EXIT)
        return False
    exit_task(kernel, task, status)
    return True


def exit_task(kernel: "Kernel", task: Task, status: int) -> None:
    """Ends one task now, whatever its state. The last one of a process makes it a zombie with `status`
    (or with the status exit_group has set). Idempotent."""
    if task.state == DEAD:
        return
    process = task.process
    task.leave_queues()
    task.wait = None
    kernel.sched.forget(task)
    was_running = task.context.is_running()
    task.state = DEAD
    if kernel.tracer is not None:
        kernel.tracer.exited(task, process.exit_status if process.is_exiting else status)
    _tell_waiters_in_memory(kernel, task)
    release_vfork_parent(kernel, task)
    if task.sem_undo is not None:
        task.sem_undo.drop(process.pid, kernel.clock.realtime_ns() // NS)
        task.sem_undo = None
    cpu_ns = task.context.cpu_time_ns()
    process.user_ns += max(0, cpu_ns)
    process.system_ns += task.system_ns
    process.io.add(task.io)
    process.max_rss_pages = max(process.max_rss_pages, task.mm.max_rss_pages())
    files, fs = task.files, task.fs
    kernel.contexts.pop(task.context.tag, None)
    if was_running:
        task.context.interrupt()
        kernel.lingering[task.context.tag] = task
    else:
        release_machine(kernel, task)
    kernel.ledger.used -= TASK
    files.release(task)
    fs.refs -= 1
    task.actions.refs -= 1
    task.ns.mnt.let_go()
    process.threads.pop(task.tid, None)
    kernel.tasks.pop(task.tid, None)
    if task.seccomp_filter is not None:
        tell_listeners(task.seccomp_filter)
    if task.ptrace is not None:
        ptrace.on_exit(task, status)
    if task.tid != process.pid and task.ptrace is None:
        kernel.free_pid(task.tid, process.pid_ns)
    if not process.threads:
        _finish_process(kernel, process, process.exit_status if process.is_exiting else status)


def release_machine(kernel: "Kernel", task: Task) -> None:
    """Gives back the host task and the reference to the address space."""
    task.context.release()
    task.mm.put()


def _tell_waiters_in_memory(kernel: "Kernel", task: Task) -> None:
    """set_tid_address(2) and robust futexes: others may wait for this task in shared memory."""
    if task.mm.space.is_dead():
        return
    kernel.futexes.exit_robust_list(task)
    if task.clear_child_tid and task.mm.nr_users() > 1:
        try:
            task.user.write_u32(task.clear_child_tid, 0)
            kernel.futexes.wake_at(kernel, task.mm, task.clear_child_tid, 1)
        except UserFault:
            pass


def release_vfork_parent(kernel: "Kernel", task: Task) -> None:
    """execve or exit of a vfork child: its parent goes on."""
    parent = task.vfork_child_of
    if parent is not None:
        task.vfork_child_of = None
        if parent.wait is not None:
            parent.wait.token = 1
            parent.wake()


def kill_other_threads(kernel: "Kernel", task: Task) -> None:
    """execve: only `task` stays, as the leader with the process's pid."""
    process = task.process
    for other in list(process.threads.values()):
        if other is not task:
            exit_task(kernel, other, 0)
    if task.tid != process.pid:
        if process.leader.ptrace is not None:
            ptrace.unlink(process.leader)
        process.threads.pop(task.tid)
        kernel.tasks.pop(task.tid)
        kernel.free_pid(task.tid, process.pid_ns)
        task.tid = process.pid
        process.threads[task.tid] = task
        kernel.tasks[task.tid] = task
    process.leader = task


def _finish_process(kernel: "Kernel", process: "Process", status: int) -> None:
    process.is_exiting = True
    process.exit_status = status
    process.is_zombie = True
    process.is_stopped = False
    process.timers.clear()
    process.pending.discard((1 << 64) - 1)
    if process.group.session.sid == process.pid:
        job_control.on_session_leader_exit(kernel, process)
    _reparent_children(kernel, process)
    parent = process.parent
    assert parent is not None, "init has no tasks, so it never exits"
    _hang_up_orphans(kernel, process.group, parent, process)
    process.exit_queue.wake()
    if process is kernel.main_process:
        kernel.halt(status)
    if process.tracees:
        ptrace.on_tracer_exit(process)
    if is_traced_by_another(process):
        ptrace.tell_of_end(process.leader, status)
        return  # the parent is told when the tracer has waited for it
    tell_parent(kernel, process)


def is_traced_by_another(process: "Process") -> bool:
    """Is the leader the tracee of a process that is not the parent?"""
    tracee = process.leader.ptrace
    return tracee is not None and tracee.tracer is not process.parent


def tell_parent(kernel: "Kernel", process: "Process") -> None:
    """A process that has ended becomes a zombie for its parent, or disappears."""
    parent, status = process.parent, process.exit_status
    assert parent is not None
    if process.exit_signal == 0 and parent is not kernel.init:
        parent.child_events.wake()
        return
    if parent is kernel.init or _is_auto_reaped(parent, process):
        count_child(kernel.init, process)  # so that nothing is lost of what ran in all (/proc/stat)
        reap(kernel, process)
    if parent is not kernel.init:
        notify_parent(kernel, process, CLD_KILLED if status & 0x7F else CLD_EXITED, status & 0x7F or status >> 8)


def _is_auto_reaped(parent: "Process", process: "Process") -> bool:
    if process.exit_signal != SIGCHLD:
        return False
    task = parent.any_thread()
    if task is None:
        return False
    action = task.actions.get(SIGCHLD)
    return action.handler == SIG_IGN or bool(action.flags & SA_NOCLDWAIT)


def notify_parent(kernel: "Kernel", process: "Process", code: int, status: int) -> None:
    """SIGCHLD (or the process's exit signal) with siginfo, and wake wait4 callers."""
    parent = process.parent
    if parent is None or parent is kernel.init:
        return
    signo = process.exit_signal if code <= CLD_DUMPED else SIGCHLD
    task = parent.any_thread()
    if signo and task is not None:
        is_silent = code >= CLD_STOPPED and signo == SIGCHLD and task.actions.get(SIGCHLD).flags & SA_NOCLDSTOP
        if not is_silent:
            if code == CLD_KILLED and process.exit_status & 0x80:
                code = CLD_DUMPED
            pid = parent.pid_ns.number(process.pid)
            info = SigInfo(signo, code if signo == SIGCHLD else SI_USER, pid, process.leader.creds.uid)
            info.status = status
            info.utime = process.user_ns // NS_PER_TICK
            info.stime = process.system_ns // NS_PER_TICK
            kernel.send_signal_process(parent, signo, info)
    parent.child_events.wake()


def reap(kernel: "Kernel", process: "Process") -> None:
    """The zombie disappears and its pid is free. Its times count as its parent's children's only if that waited: count_child()."""
    parent = process.parent
    assert parent is not None and process.is_zombie
    if process.leader.ptrace is not None:
        ptrace.unlink(process.leader)
    parent.children.pop(process.pid, None)
    kernel.processes.pop(process.pid, None)
    groups.leave(kernel, process, process.group)
    kernel.free_pid(process.pid, process.pid_ns)


def count_child(parent: "Process", process: "Process") -> None:
    """Accounts for a child that its parent waited for."""
    parent.children_user_ns += process.user_ns + process.children_user_ns
    parent.children_system_ns += process.system_ns + process.children_system_ns
    parent.children_max_rss_pages = max(parent.children_max_rss_pages, process.max_rss_pages, process.children_max_rss_pages)
    parent.io.add(process.io)


def _reparent_children(kernel: "Kernel", process: "Process") -> None:
    ns = process.pid_ns
    if ns.reaper is process:
        _end_pid_namespace(kernel, ns)
    if not process.children:
        return
    heir = process.parent
    while heir is not None and not (heir.is_subreaper and heir.threads) and heir is not heir.pid_ns.reaper:
        heir = heir.parent
    if heir is None or heir.is_zombie or ns.has_ended:
        heir = kernel.init
    for child in list(process.children.values()):
        child.parent = heir
        heir.children[child.pid] = child
        for task in child.threads.values():
            if task.pdeath_signal:
                kernel.send_signal_process(child, task.pdeath_signal, SigInfo(task.pdeath_signal, SI_USER, process.pid))
                break
        child.exit_signal = SIGCHLD
        if child.is_zombie:
            if is_traced_by_another(child):
                continue
            if heir is kernel.init:
                reap(kernel, child)
            else:
                notify_parent(kernel, child, CLD_EXITED, 0)
        else:
            _hang_up_orphans(kernel, child.group, process, None)
    process.children = {}


def _end_pid_namespace(kernel: "Kernel", ns: "PidNamespace") -> None:
    """Its first process has ended: all others in it are killed, and nobody is born there any more."""
    ns.has_ended = True
    ns.reaper = None
    for tid in list(ns.numbers):
        task = kernel.tasks.get(tid)
        if task is not None:
            exit_group(kernel, task.process, SIGKILL)


def _hang_up_orphans(kernel: "Kernel", group: "ProcessGroup", parent: "Process", leaving: "Process | None") -> None:
    """A group that has just become orphaned and has stopped members gets SIGHUP and SIGCONT (POSIX).

    Args: parent: whose end, or whose child's end, may have cut the group's last connection with its session; if it was none (a
        member itself, another session), the group was orphaned before, or is not. Source: kernel/exit.c kill_orphaned_pgrp.
    """
    if parent.group is group or parent.group.session is not group.session:
        return
    if groups.has_stopped_member(group) and groups.is_orphaned(group, leaving):
        kernel.send_signal_group(group, SIGHUP)
        kernel.send_signal_group(group, SIGCONT)
