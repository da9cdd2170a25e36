# SPDX-License-Identifier: MPL-2.0
"""Which child a wait4(2)/waitid(2) finds, and what it reports."""

from typing import TYPE_CHECKING, Final

from cruck.kernel.process import exit as process_exit
from cruck.kernel.process import ptrace
from cruck.kernel.process.process import Process
from cruck.kernel.process.task import TRACED, Task

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel

WNOHANG: Final = 1
WUNTRACED: Final = 2
WEXITED: Final = 4
WCONTINUED: Final = 8
WNOWAIT: Final = 0x0100_0000
WALL: Final = 0x4000_0000
WCLONE: Final = 0x8000_0000

P_ALL: Final = 0
P_PID: Final = 1
P_PGID: Final = 2

SIGCHLD: Final = 17
CLD_EXITED: Final = 1
CLD_KILLED: Final = 2
CLD_DUMPED: Final = 3
CLD_TRAPPED: Final = 4
CLD_STOPPED: Final = 5
CLD_CONTINUED: Final = 6


class WaitResult:
    """A child's change of state."""

    def __init__(self, viewer: Process, process: Process, status: int, code: int, value: int) -> None:
        self.pid = viewer.pid_ns.number(process.pid)  # as the waiter knows it: the number may be gone when it is told
        self.uid = process.leader.creds.uid
        self.status = status  # wait4's encoding
        self.code = code  # CLD_*
        self.value = value  # exit code or signal
        self.user_ns = process.user_ns + process.children_user_ns
        self.system_ns = process.system_ns + process.children_system_ns
        self.max_rss_pages = max(process.max_rss_pages, process.children_max_rss_pages)


def find(kernel: "Kernel", parent: Process, kind: int, which: int, options: int) -> tuple[WaitResult | None, bool]:
    """(what is to be reported now, whether any child matches at all). Consumes the report unless WNOWAIT."""
    has_child = False
    for child in list(parent.children.values()):
        if not _matches(child, kind, which, options):
            continue
        if child.is_zombie and not options & WEXITED:
            continue  # it will never stop or continue: nobody to wait for (wait_task_zombie)
        has_child = True
        tracee = child.leader.ptrace
        if options & WEXITED and child.is_zombie and (tracee is None or tracee.tracer is parent):
            result = _end(parent, child, child.exit_status)
            if not options & WNOWAIT:
                process_exit.count_child(parent, child)
                process_exit.reap(kernel, child)
            return result, True
        if options & WUNTRACED and child.report_stop and child.is_stopped and (tracee is None or tracee.tracer is not parent):
            if not options & WNOWAIT:
                child.report_stop = False
            return WaitResult(parent, child, child.stop_signal << 8 | 0x7F, CLD_STOPPED, child.stop_signal), True
        if options & WCONTINUED and child.report_continue:
            if not options & WNOWAIT:
                child.report_continue = False
            return WaitResult(parent, child, 0xFFFF, CLD_CONTINUED, 18), True
    if parent.tracees:
        return _find_tracee(parent, kind, which, options, has_child)
    return None, has_child


def _end(viewer: Process, process: Process, status: int) -> WaitResult:
    if status & 0x7F:
        return WaitResult(viewer, process, status, CLD_DUMPED if status & 0x80 else CLD_KILLED, status & 0x7F)
    return WaitResult(viewer, process, status, CLD_EXITED, status >> 8)


def _find_tracee(parent: Process, kind: int, which: int, options: int, has_child: bool) -> tuple[WaitResult | None, bool]:
    """Tracees are seen thread by thread, whatever their exit signal: their stops (which need no WUNTRACED), and the ends of threads
    and of other processes' children."""
    for task in list(parent.tracees):
        tracee = task.ptrace
        assert tracee is not None
        if kind == P_PID and task.tid != which or kind == P_PGID and task.process.group.pgid != which:
            continue
        has_child = True
        result: WaitResult | None = None
        number = parent.pid_ns.number(task.tid)
        if task.state == TRACED and not tracee.is_reported:
            result = WaitResult(parent, task.process, tracee.stop_code << 8 | 0x7F, CLD_TRAPPED, tracee.stop_code)
            if not options & WNOWAIT:
                tracee.is_reported = True
        elif options & WEXITED and (tracee.exit_status >= 0 or _has_ended(task)):
            result = _end(parent, task.process, tracee.exit_status if tracee.exit_status >= 0 else task.process.exit_status)
            if not options & WNOWAIT:
                ptrace.release(task)
        if result is not None:
            result.pid = number
            return result, True
    return None, has_child


def _has_ended(task: Task) -> bool:
    """Is it the leader of a process that is a zombie?"""
    return task.process.is_zombie and task.process.leader is task


def _matches(child: Process, kind: int, which: int, options: int) -> bool:
    if kind == P_PID and child.pid != which:
        return False
    if kind == P_PGID and child.group.pgid != which:
        return False
    if options & WALL:
        return True
    return (child.exit_signal != SIGCHLD) == bool(options & WCLONE)
