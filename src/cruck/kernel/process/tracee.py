# SPDX-License-Identifier: MPL-2.0
"""Tracee: what a traced task has beside a task (ptrace(2)); `Task.ptrace` holds it. The verbs are in ptrace.py."""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cruck.kernel.process.process import Process
    from cruck.kernel.process.task import Task
    from cruck.kernel.signal.pending import SigInfo

# Task.work: why a task's calls take the long way. 0 for almost every task.
WORK_SYSCALL: Final = 1  # the tracer wants to see entry and exit (PTRACE_SYSCALL)
WORK_SECCOMP: Final = 2  # a filter decides at entry
WORK_TRACED: Final = 4  # Task.ptrace is set
WORK_STEP: Final = 8  # PTRACE_SINGLESTEP
WORK_EMULATED: Final = 16  # PTRACE_SYSEMU: calls are shown and not run

# Task.phase: what a task in a ptrace-stop does when it is resumed. 0: not in one.
PHASE_ENTRY: Final = 1  # it was about to make a call
PHASE_SECCOMP: Final = 2  # … and the filter has had its say
PHASE_RERUN: Final = 3  # in a call, at an event: the handler runs again
PHASE_RETURN: Final = 4  # it was about to return to its program
PHASE_SIGNAL: Final = 5  # … with a signal, which the tracer may change
PHASE_EXIT: Final = 6  # it was about to end
PHASE_SKIP: Final = 7  # as PHASE_ENTRY, but the call is not made (PTRACE_SYSEMU)
# The same without a tracer: it waits for a seccomp listener (seccomp_notify.py).
PHASE_ASKED: Final = 8
PHASE_ADMITTED: Final = 9  # … who says that the call shall be made


class Tracee:
    task: "Task"
    tracer: "Process"
    options: int  # PTRACE_O_*
    is_seized: bool
    # The stop it is in (task.state is TRACED, or STOPPED while it listens).
    stop_code: int  # signal | event << 8, as wait reports it; 0: in none
    is_reported: bool  # wait has told the tracer
    siginfo: "SigInfo | None"  # None: a group-stop
    message: int  # PTRACE_GETEVENTMSG
    is_listening: bool  # PTRACE_LISTEN
    # What it will do.
    wants_trap: bool  # PTRACE_INTERRUPT, or a seized tracer's new child: stops at its next return
    wants_notice: bool  # … because SIGCONT came (seized ones)
    has_left_group_stop: bool  # resumed by the tracer although its process is stopped
    # Its end: the status is kept for the tracer.
    exit_status: int  # of a thread that is no leader; −1 while it lives

    def __init__(self, task: "Task", tracer: "Process", is_seized: bool, options: int) -> None:
        self.task = task
        self.tracer = tracer
        self.options = options
        self.is_seized = is_seized
        self.stop_code = 0
        self.is_reported = False
        self.siginfo = None
        self.message = 0
        self.is_listening = False
        self.wants_trap = self.wants_notice = False
        self.has_left_group_stop = False
        self.exit_status = -1
