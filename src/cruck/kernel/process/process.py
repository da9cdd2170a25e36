# SPDX-License-Identifier: MPL-2.0
"""Process: a thread group (Linux: signal_struct and the group leader's family), process groups and sessions."""

from typing import TYPE_CHECKING, Final

from cruck.kernel.poll.wait_queue import WaitQueue
from cruck.kernel.process.io_counts import IoCounts

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.process.pid_namespace import PidNamespace
    from cruck.kernel.process.task import Task
    from cruck.kernel.signal.pending import PendingSignals
    from cruck.kernel.time.interval_timers import ProcessTimers
    from cruck.kernel.tty.tty import Tty

RLIM_INFINITY: Final = (1 << 64) - 1
NR_RLIMITS: Final = 16


class Session:
    sid: int
    tty: "Tty | None"  # the controlling terminal
    hung_up_pgid: int  # its foreground group when it was hung up, to be told when the leader ends; 0 none

    pid_ns: "PidNamespace"  # its leader's, where its number is kept

    def __init__(self, sid: int, pid_ns: "PidNamespace") -> None:
        self.sid = sid
        self.pid_ns = pid_ns
        self.tty = None
        self.hung_up_pgid = 0
        self.groups: dict[int, ProcessGroup] = {}


class ProcessGroup:
    pgid: int
    session: Session

    pid_ns: "PidNamespace"  # its first leader's

    def __init__(self, pgid: int, session: Session, pid_ns: "PidNamespace") -> None:
        self.pgid = pgid
        self.pid_ns = pid_ns
        self.session = session
        self.members: dict[Process, None] = {}


class Process:
    kernel: "Kernel"
    pid: int
    pid_ns: "PidNamespace"
    parent: "Process | None"  # None: init
    children: "dict[int, Process]"  # zombies included
    threads: "dict[int, Task]"  # live tasks by tid; the leader may have left before the others
    leader: "Task"
    group: ProcessGroup
    name: bytes  # /proc/PID/comm of the leader is in the task; this is the last exec's path for /proc/PID/exe
    pending: "PendingSignals"  # process-directed signals
    exit_status: int  # wait(2) encoding; valid once is_zombie
    is_exiting: bool  # exit_group is under way; exit_status holds what it will be
    is_zombie: bool
    exit_signal: int  # sent to the parent at exit; SIGCHLD, 0 none
    rlimits: list[tuple[int, int]]  # (soft, hard) by RLIMIT_*
    child_events: WaitQueue  # wait4 callers: a child or tracee changed state
    tracees: "dict[Task, None]"  # what it traces, by any of its threads; dead ones until it has waited for them
    exit_queue: WaitQueue  # pidfd polls, vfork parents: this process ended
    # Job control.
    is_stopped: bool
    stop_signal: int
    report_stop: bool  # a stop not yet seen by wait(WUNTRACED)
    report_continue: bool
    has_execed: bool  # setpgid by the parent is refused after execve
    is_subreaper: bool
    dumpable: int
    is_thp_disabled: bool  # PR_SET_THP_DISABLE
    # Accounting, ns.
    start_ns: int  # monotonic
    user_ns: int  # of threads that ended
    system_ns: int
    children_user_ns: int
    children_system_ns: int
    max_rss_pages: int  # of the memory it had before an execve or its end
    children_max_rss_pages: int  # of any descendant that was waited for
    io: IoCounts  # of threads that ended, and of children that were waited for
    # Timers: setitimer, timer_create.
    timers: "ProcessTimers"
    oom_score_adj: int
    nr_threads_ever: int

    def __init__(self, kernel: "Kernel", pid: int, parent: "Process | None", group: ProcessGroup) -> None:
        from cruck.kernel.signal.pending import PendingSignals
        from cruck.kernel.time.interval_timers import ProcessTimers

        self.kernel = kernel
        self.pid = pid
        self.pid_ns = kernel.namespaces.pid
        self.parent = parent
        self.children = {}
        self.threads = {}
        self.tracees = {}
        self.group = group
        group.members[self] = None
        self.name = b""
        self.pending = PendingSignals()
        self.exit_status = 0
        self.is_exiting = self.is_zombie = False
        self.exit_signal = 17
        self.rlimits = list(parent.rlimits) if parent is not None else default_rlimits()
        self.child_events = WaitQueue()
        self.exit_queue = WaitQueue()
        self.is_stopped = self.report_stop = self.report_continue = False
        self.stop_signal = 0
        self.has_execed = self.is_subreaper = False
        self.dumpable = 1
        self.is_thp_disabled = parent.is_thp_disabled if parent is not None else False
        self.start_ns = kernel.clock.monotonic_ns()
        self.user_ns = self.system_ns = self.children_user_ns = self.children_system_ns = 0
        self.max_rss_pages = self.children_max_rss_pages = 0
        self.io = IoCounts()
        self.timers = ProcessTimers(self)
        self.oom_score_adj = parent.oom_score_adj if parent is not None else 0
        self.nr_threads_ever = 0

    def rlimit(self, resource: int) -> int:
        """The soft limit."""
        return self.rlimits[resource][0]

    def session(self) -> Session:
        return self.group.session

    def any_thread(self) -> "Task | None":
        for task in self.threads.values():
            return task
        return None


def default_rlimits() -> list[tuple[int, int]]:
    """As a Debian login has them, in RLIMIT_* order."""
    unlimited = (RLIM_INFINITY, RLIM_INFINITY)
    limits = [unlimited] * NR_RLIMITS
    limits[3] = (8 << 20, RLIM_INFINITY)  # STACK
    limits[4] = (0, RLIM_INFINITY)  # CORE
    limits[6] = (30_000, 30_000)  # NPROC
    limits[7] = (1024, 1 << 20)  # NOFILE
    limits[8] = (8 << 20, 8 << 20)  # MEMLOCK
    limits[11] = (30_000, 30_000)  # SIGPENDING
    limits[12] = (819_200, 819_200)  # MSGQUEUE
    limits[13] = limits[14] = (0, 0)  # NICE, RTPRIO
    return limits
