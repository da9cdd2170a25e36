# SPDX-License-Identifier: MPL-2.0
"""Task: one guest thread (Linux: task_struct), and WaitRecord: a blocked system call as plain data."""

from typing import TYPE_CHECKING, Final

from cruck.kernel.ledger import TASK
from cruck.kernel.poll.wait_queue import Waiter, WaitQueue
from cruck.kernel.process.io_counts import IoCounts

if TYPE_CHECKING:
    from cruck.framework.hardware import Context
    from cruck.framework.mm.user_memory import UserMemory
    from cruck.kernel.ipc.ipc_namespace import IpcNamespace
    from cruck.kernel.ipc.sem import SemUndo
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.memory.mm import Mm
    from cruck.kernel.process.credentials import Credentials
    from cruck.kernel.process.file_table import FileTable, FsContext
    from cruck.kernel.process.namespaces import Namespaces
    from cruck.kernel.process.process import Process, ProcessGroup
    from cruck.kernel.process.seccomp import Filter
    from cruck.kernel.process.tracee import Tracee
    from cruck.kernel.signal.actions import SignalActions
    from cruck.kernel.signal.pending import PendingSignals, SigInfo
    from cruck.kernel.time.timers import Timer

# Task.state
RUNNABLE: Final = 0  # waits for a virtual CPU
RUNNING: Final = 1  # on one
BLOCKED: Final = 2  # in a system call that waits (task.wait is set)
READY: Final = 3  # its call is to be run again
STOPPED: Final = 4  # job control
DEAD: Final = 5
TRACED: Final = 6  # in a ptrace-stop

STATE_LETTERS: Final = "RRSRTXt"


class WaitRecord:
    """A blocked call: enough to run it again. Kept from the first block to the call's end."""

    nr: int
    args: tuple[int, int, int, int, int, int]
    deadline_ns: int  # CLOCK_MONOTONIC; −1 none
    progress: int  # the handler's: bytes done so far, …
    token: int  # the handler's: 1 = "your event has happened" set by whoever woke it (futex, vfork, …)
    extra: object  # the handler's: plain picklable data
    queues: list[WaitQueue]  # where the task stands now
    is_interruptible: bool  # by signals with handlers; False: only by fatal ones

    def __init__(self, nr: int, args: tuple[int, int, int, int, int, int]) -> None:
        self.nr = nr
        self.args = args
        self.deadline_ns = -1
        self.progress = 0
        self.token = 0
        self.extra = None
        self.queues = []
        self.is_interruptible = True


class Task(Waiter):
    kernel: "Kernel"
    tid: int
    process: "Process"
    context: "Context"
    mm: "Mm"
    user: "UserMemory"  # mm's: guest memory by copying
    files: "FileTable"
    fs: "FsContext"
    ns: "Namespaces"
    actions: "SignalActions"  # shared with CLONE_SIGHAND
    creds: "Credentials"
    comm: bytes  # at most 15 bytes
    state: int
    wait: WaitRecord | None  # the current call's record once it has blocked
    wait_timer: "Timer | None"
    call_nr: int  # the call being handled, −1 outside
    call_args: tuple[int, int, int, int, int, int]
    # Signals.
    pending: "PendingSignals"  # thread-directed
    blocked_mask: int  # bit n−1: signal n is blocked
    restart: int  # restart code (> 0) of the call it is leaving because of a signal, else 0
    saved_mask: int  # to be restored after the call (ppoll, sigsuspend), −1 none
    altstack: tuple[int, int, int]  # (address, size, SS_* flags)
    # Tracing and filters: tracee.py.
    work: int  # WORK_*; 0: calls need nothing special
    ptrace: "Tracee | None"
    phase: int  # PHASE_*: what it does after the ptrace-stop it is in
    resume_info: "SigInfo | None"  # the signal the tracer lets through
    seccomp_mode: int  # seccomp.py: MODE_*
    seccomp_filter: "Filter | None"
    io: IoCounts
    # Threads.
    clear_child_tid: int  # guest address, 0 none
    robust_list: int
    robust_list_size: int
    pdeath_signal: int
    # Scheduling.
    nice: int
    policy: int
    ioprio: int  # ioprio_set(2)
    resets_on_fork: bool  # SCHED_RESET_ON_FORK: children start as ordinary tasks
    rt_priority: int
    inherited_priority: int  # of whoever waits for a priority-inheritance futex this task holds (ipc/pi_futex.py); 0 none
    affinity: int  # bit mask of virtual CPUs
    vruntime_ns: int
    slice_end_ns: int
    run_start_ns: int
    cpu: int  # last virtual CPU
    nr_voluntary: int
    nr_involuntary: int
    # Accounting.
    start_ns: int
    system_ns: int
    vfork_child_of: "Task | None"  # this task's vfork parent, until execve or exit
    exit_code: int
    timer_slack_ns: int
    default_timer_slack_ns: int  # that of its creator
    ipc: "IpcNamespace"
    mempolicy: tuple[int, int]  # set_mempolicy: MPOL_* mode and nodes
    sem_undo: "SemUndo | None"  # shared with CLONE_SYSVSEM
    personality: int  # personality(2)

    def __init__(
        self,
        kernel: "Kernel",
        tid: int,
        process: "Process",
        context: "Context",
        mm: "Mm",
        files: "FileTable",
        fs: "FsContext",
        actions: "SignalActions",
        creds: "Credentials",
        comm: bytes,
    ) -> None:
        from cruck.kernel.signal.pending import PendingSignals

        self.kernel = kernel
        self.tid = tid
        self.process = process
        self.context = context
        kernel.bind(self, context)
        kernel.ledger.used += TASK
        self.mm = mm
        self.user = mm.user
        self.files = files
        self.fs = fs
        self.ns = kernel.namespaces.initial(kernel.namespace, kernel.ipc, kernel.families)
        self.ns.mnt.hold()
        self.actions = actions
        self.creds = creds
        self.comm = comm
        self.state = RUNNABLE
        self.wait = None
        self.wait_timer = None
        self.call_nr = -1
        self.call_args = (0, 0, 0, 0, 0, 0)
        self.pending = PendingSignals()
        self.blocked_mask = 0
        self.saved_mask = -1
        self.restart = 0
        self.altstack = (0, 0, 2)  # SS_DISABLE
        self.clear_child_tid = 0
        self.robust_list = self.robust_list_size = 0
        self.pdeath_signal = 0
        self.nice = 0
        self.policy = 0
        self.resets_on_fork = False
        self.ioprio = 0
        self.rt_priority = self.inherited_priority = 0
        self.affinity = (1 << kernel.nr_cpus) - 1
        self.vruntime_ns = 0
        self.slice_end_ns = 0
        self.run_start_ns = 0
        self.cpu = 0
        self.nr_voluntary = self.nr_involuntary = 0
        self.start_ns = kernel.clock.monotonic_ns()
        self.system_ns = 0
        self.vfork_child_of = None
        self.exit_code = 0
        self.timer_slack_ns = self.default_timer_slack_ns = 50_000
        self.ipc = kernel.ipc
        self.mempolicy = (0, 0)
        self.sem_undo = None
        self.personality = 0
        self.work = 0
        self.ptrace = None
        self.phase = 0
        self.resume_info = None
        self.seccomp_mode = 0
        self.seccomp_filter = None
        self.io = IoCounts()

    def notify(self, queue: WaitQueue, events: int) -> bool:
        """A queue it waits on was woken: the blocked call is to be run again."""
        return self.wake()

    def wake(self) -> bool:
        """Ends the wait of a blocked task (its call runs again). False if it was not blocked."""
        if self.state != BLOCKED:
            return False
        self.leave_queues()
        self.state = READY
        self.kernel.ready.append(self)
        return True

    def leave_queues(self) -> None:
        record = self.wait
        if record is not None and record.queues:
            for queue in record.queues:
                queue.remove(self)
            record.queues = []
        if self.wait_timer is not None:
            self.kernel.timers.cancel(self.wait_timer)
            self.wait_timer = None

    # Numbers, as the task's PID namespace shows them (pid_namespace.py).
    def number_of(self, tid: int) -> int:
        """What the task calls the thread, process, group or session `tid`; 0: it cannot see it."""
        ns = self.process.pid_ns
        return tid if ns.level == 0 else ns.numbers.get(tid, 0)

    def own_number(self) -> int:
        """gettid(2)."""
        ns = self.process.pid_ns
        return self.tid if ns.level == 0 else ns.numbers[self.tid]

    def find_task(self, number: int) -> "Task | None":
        return self.kernel.tasks.get(self.process.pid_ns.find(number))

    def find_process(self, number: int) -> "Process | None":
        return self.kernel.processes.get(self.process.pid_ns.find(number))

    def find_group(self, number: int) -> "ProcessGroup | None":
        return self.kernel.groups.get(self.process.pid_ns.find(number))

    def has_deliverable_signal(self) -> bool:
        """Is a signal pending that is not blocked (and not ignored: those are dropped when sent)? Or a tracer waiting?"""
        if (self.pending.bits | self.process.pending.bits) & ~self.blocked_mask:
            return True
        return self.ptrace is not None and (self.ptrace.wants_trap or self.ptrace.wants_notice)
