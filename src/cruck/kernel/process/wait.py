# SPDX-License-Identifier: MPL-2.0
"""Which child a wait4(2)/waitid(2) finds, and what it reports."""

from typing import TYPE_CHECKING, Final

from cruck.kernel.process import exit as process_exit
from cruck.kernel.process.process import Process

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
CLD_STOPPED: Final = 5
CLD_CONTINUED: Final = 6


class WaitResult:
    """A child's change of state."""

    def __init__(self, process: Process, status: int, code: int, value: int) -> None:
        self.pid = process.pid
        self.uid = process.leader.creds.uid
        self.status = status  # wait4's encoding
        self.code = code  # CLD_*
        self.value = value  # exit code or signal
        self.user_ns = process.user_ns + process.children_user_ns
        self.system_ns = process.system_ns + process.children_system_ns
        self.max_rss_pages = process.max_rss_pages


def find(kernel: "Kernel", parent: Process, kind: int, which: int, options: int) -> tuple[WaitResult | None, bool]:
    """(what is to be reported now, whether any child matches at all). Consumes the report unless WNOWAIT."""
    has_child = False
    for child in list(parent.children.values()):
        if not _matches(child, kind, which, options):
            continue
        has_child = True
        if options & WEXITED and child.is_zombie:
            status = child.exit_status
            if status & 0x7F:
                result = WaitResult(child, status, CLD_DUMPED if status & 0x80 else CLD_KILLED, status & 0x7F)
            else:
                result = WaitResult(child, status, CLD_EXITED, status >> 8)
            if not options & WNOWAIT:
                process_exit.reap(kernel, child)
            return result, True
        if options & WUNTRACED and child.report_stop and child.is_stopped:
            if not options & WNOWAIT:
                child.report_stop = False
            return WaitResult(child, child.stop_signal << 8 | 0x7F, CLD_STOPPED, child.stop_signal), True
        if options & WCONTINUED and child.report_continue:
            if not options & WNOWAIT:
                child.report_continue = False
            return WaitResult(child, 0xFFFF, CLD_CONTINUED, 18), True
    return None, has_child


def _matches(child: Process, kind: int, which: int, options: int) -> bool:
    if kind == P_PID and child.pid != which:
        return False
    if kind == P_PGID and child.group.pgid != which:
        return False
    if options & WALL:
        return True
    return (child.exit_signal != SIGCHLD) == bool(options & WCLONE)
