# SPDX-License-Identifier: MPL-2.0
"""Tracer: the trap loop's events as lines of text, as `strace -f` prints them.

A line is begun when a call enters, with the arguments known by then, and ended when it leaves. If another task's event comes in
between, the line is closed with `<unfinished ...>` and taken up again with `<... read resumed>`. A call that blocks and is run
again by the kernel is one call here. Tasks are told apart by `[pid N]` once there is more than one.

The sink takes text as it comes; it is the only thing here that is not plain data.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import ERRNO_MESSAGES, ERRNO_NAMES
from cruck.abi.syscall_numbers import NAMES
from cruck.kernel.syscalls.strace.filter import TraceFilter
from cruck.kernel.syscalls.strace.text import quote

if TYPE_CHECKING:
    from cruck.kernel.process.task import Task
    from cruck.kernel.signal.pending import SigInfo
    from cruck.kernel.syscalls.strace.kinds import Call, Kind

MAX_STRING: Final = 32  # strace -s
RESULT_COLUMN: Final = 40  # strace -a
KEEP_REGISTERS: Final = -3_000_000  # outcome.py: rt_sigreturn
RESTARTS: Final[dict[int, str]] = {
    512: "ERESTARTSYS (To be restarted if SA_RESTART is set)",
    513: "ERESTARTNOINTR (To be restarted)",
    514: "ERESTARTNOHAND (To be restarted if no handler)",
    516: "ERESTART_RESTARTBLOCK (Interrupted by signal)",
}
NEVER_RETURN: Final = ("exit", "exit_group")
FORKS: Final = ("clone", "clone3", "fork", "vfork")
# Calls that overwrite a number which is shown as it was too: (argument, bytes of the number).
REMEMBERED: Final[dict[str, tuple[int, int]]] = {
    "accept": (2, 4),
    "accept4": (2, 4),
    "getsockname": (2, 4),
    "getpeername": (2, 4),
    "getsockopt": (4, 4),
    "recvfrom": (5, 4),
    "sendfile": (2, 8),
}


class Sink:
    """Where the trace goes."""

    def write(self, text: str) -> None:
        raise NotImplementedError


class Tracer:
    sink: Sink
    filter: TraceFilter | None  # None: every call
    always_prefix: bool  # every line begins with the pid, as in strace's -o files
    tasks: dict[int, bool]  # traced tasks by tid → have they been announced
    calls: "dict[int, Call]"  # calls that have entered and not left, by tid
    open_tid: int  # whose line is unfinished at the end of the output, −1 none
    column: int  # of the output
    shown: dict[int, int]  # by tid: arguments of its call shown so far
    suspended: set[int]  # tids whose line was cut with <unfinished ...>

    def __init__(self, sink: Sink, trace_filter: TraceFilter | None = None, always_prefix: bool = False) -> None:
        self.sink = sink
        self.filter = trace_filter
        self.always_prefix = always_prefix
        self.tasks = {}
        self.calls = {}
        self.open_tid = -1
        self.column = 0
        self.shown = {}
        self.suspended = set()

    # Events.
    def enter(self, task: "Task", nr: int, args: tuple[int, ...]) -> None:
        """`task` makes a system call, for the first time or again after it blocked (then nothing is shown)."""
        tid = task.tid
        pending = self.calls.get(tid)
        if pending is not None:
            if pending.nr == nr and task.wait is not None:
                return
            self._forget(tid)
        self._note_task(tid)
        name = call_name(nr)
        if self.filter is not None and not self.filter.matches(name):
            return
        from cruck.kernel.syscalls.strace.kinds import Call

        call = Call(task, nr, name, args)
        self.calls[tid] = call
        if name in REMEMBERED:
            _remember(call)
        self._begin_line(tid)
        self._put(name + "(")
        self.shown[tid] = 0
        self.suspended.discard(tid)
        self._show_args(call, False)
        self.open_tid = tid

    def started(self, task: "Task", path: bytes, argv: list[bytes], nr_env: int) -> None:
        """The run's first program was loaded; strace begins with its execve too, though no guest made the call."""
        if self.filter is not None and not self.filter.matches("execve"):
            return
        words = ", ".join([quote(word, MAX_STRING) for word in argv])
        self._note_task(task.tid)
        self._begin_line(task.tid)
        self._put(f"execve({quote(path, 4096)}, [{words}], {task.mm.env_start:#x} /* {nr_env} vars */)")
        self._pad()
        self._put("= 0\n")

    def leave(self, task: "Task", nr: int, args: tuple[int, ...], result: int) -> None:
        """The call is over; `result` is what the guest gets, or −ERESTART… if a signal interrupts it."""
        tid = task.tid
        call = self._take_call(task, nr)
        if call is None:
            # A call that a signal had interrupted and that was run again without being announced.
            self.enter(task, nr, args)
            call = self.calls.pop(tid, None)
            if call is None:
                return
        is_kept = result == KEEP_REGISTERS
        call.result = task.context.get_reg(10) if is_kept else result
        if is_kept and call.result >> 63:
            call.result -= 1 << 64
        call.is_returned = True
        self._resume_line(tid, call)
        self._show_args(call, True)
        self._finish(call)
        self.shown.pop(tid, None)
        if call.name in FORKS and result > 0:
            self.tasks.setdefault(result, False)

    def signal(self, task: "Task", info: "SigInfo") -> None:
        """A signal is delivered to `task` (also one whose action is to be ignored or to end it)."""
        from cruck.kernel.syscalls.strace import signals

        self._note_task(task.tid)
        self._begin_line(task.tid)
        self._put(f"--- {signals.name(info.signo)} {signals.info_text(info)} ---\n")

    def stopped(self, task: "Task", signo: int) -> None:
        """Job control has stopped the task."""
        from cruck.kernel.syscalls.strace import signals

        self._begin_line(task.tid)
        self._put(f"--- stopped by {signals.name(signo)} ---\n")

    def remark(self, text: str) -> None:
        """Something that is no call: a decision of the egress policy."""
        self._suspend()
        self._put(f"--- {text} ---\n")

    def exited(self, task: "Task", status: int) -> None:
        """`task` is gone; status in wait(2)'s encoding."""
        from cruck.kernel.syscalls.strace import signals

        tid = task.tid
        self._note_task(tid)
        call = self.calls.pop(tid, None)
        if call is not None:
            self._resume_line(tid, call)
            if call.name in NEVER_RETURN:
                self._put(")")
                self._pad()
                self._put("= ?\n")
            else:
                self._put(" <unfinished ...>)")
                self._pad()
                self._put("= ?\n")
            self.open_tid = -1
        self.shown.pop(tid, None)
        self.suspended.discard(tid)
        self._begin_line(tid)
        if status & 0x7F:
            core = " (core dumped)" if status & 0x80 else ""
            self._put(f"+++ killed by {signals.name(status & 0x7F)}{core} +++\n")
        else:
            self._put(f"+++ exited with {status >> 8 & 0xFF} +++\n")
        self.tasks.pop(tid, None)

    # Lines.
    def _note_task(self, tid: int) -> None:
        """A task that is heard of for the first time is announced, as strace does on stderr."""
        if self.tasks.get(tid, False):
            return
        is_first = not self.tasks
        self.tasks[tid] = True
        if not is_first and not self.always_prefix:
            self._suspend()
            self._put(f"strace: Process {tid} attached\n")

    def _begin_line(self, tid: int) -> None:
        self._suspend()
        if self.always_prefix:
            self._put(f"{tid:<5} ")
        elif len(self.tasks) > 1:
            self._put(f"[pid {tid:>5}] ")

    def _suspend(self) -> None:
        """Closes a line that is still open."""
        if self.open_tid >= 0:
            self.suspended.add(self.open_tid)
            self.open_tid = -1
            self._put(" <unfinished ...>\n")

    def _resume_line(self, tid: int, call: "Call") -> None:
        """Makes the end of the output the right place to go on with the call of `tid`."""
        if self.open_tid == tid:
            return
        self._begin_line(tid)
        self._put(f"<... {call.name} resumed>")
        self.suspended.discard(tid)

    def _put(self, text: str) -> None:
        self.sink.write(text)
        newline = text.rfind("\n")
        self.column = self.column + len(text) if newline < 0 else len(text) - newline - 1

    def _pad(self) -> None:
        self._put(" " * max(1, RESULT_COLUMN - self.column))

    # Arguments.
    def _take_call(self, task: "Task", nr: int) -> "Call | None":
        """The call that is leaving; None if it is not traced. A traced clone's child has none."""
        call = self.calls.pop(task.tid, None)
        if call is None:
            # execve by another thread gives the caller its leader's number.
            for tid, other in self.calls.items():
                if other.task is task:
                    call = other
                    del self.calls[tid]
                    self.shown[task.tid] = self.shown.pop(tid, 0)
                    if self.open_tid == tid:
                        self.open_tid = task.tid
                    break
        if call is None or call.nr != nr:
            return None
        return call

    def _forget(self, tid: int) -> None:
        self.calls.pop(tid, None)
        self.shown.pop(tid, None)
        if self.open_tid == tid:
            self._suspend()
        self.suspended.discard(tid)

    def _show_args(self, call: "Call", is_leaving: bool) -> None:
        """Shows arguments from the first not yet shown: on entry up to the first that the call fills in, else the rest.

        A separator is written as soon as it is known that an argument follows, as strace does."""
        from cruck.kernel.syscalls.strace.calls import kinds_of

        tid = call.task.tid
        kinds = kinds_of(call.name, signature_of(call.nr))
        position = self.shown.get(tid, 0)
        text = ""
        while position < len(kinds):
            kind = kinds[position]
            if not is_leaving and kind.needs_result(call):
                break
            part = _shown(kind, call, position)
            position += 1
            if part is None:
                continue
            text += part
            if self._is_followed(call, kinds, position, is_leaving):
                text += ", "
        self.shown[tid] = position
        if text:
            self._put(text)

    def _is_followed(self, call: "Call", kinds: "tuple[Kind, ...]", position: int, is_leaving: bool) -> bool:
        """Does an argument come that needs a separator before it?"""
        while position < len(kinds):
            kind = kinds[position]
            if kind.has_separator:
                if not is_leaving and kind.needs_result(call):
                    return False
                if _shown(kind, call, position) is not None:
                    return False  # its text has the separator; what follows it comes after
            elif not is_leaving and kind.needs_result(call):
                return not _is_optional(call)
            elif _shown(kind, call, position) is not None:
                return True
            position += 1
        return False

    # Results.
    def _finish(self, call: "Call") -> None:
        from cruck.kernel.syscalls.strace import polls
        from cruck.kernel.syscalls.strace.calls import RESULTS

        name, result = call.name, call.result
        if name == "poll" or name == "ppoll":
            polls.note_poll(call, name == "ppoll")
        elif name == "select" or name == "pselect6":
            polls.note_select(call, name == "pselect6")
        self._put(")")
        self._pad()
        if -4095 <= result < 0:
            restart = RESTARTS.get(-result)
            if restart is not None:
                self._put(f"= ? {restart}\n")
            else:
                error = ERRNO_NAMES.get(-result, f"ERRNO_{-result}")
                message = ERRNO_MESSAGES.get(-result, f"Unknown error {-result}")
                self._put(f"= -1 {error} ({message})\n")
        else:
            text = call.result_text or _result_text(call, RESULTS.get(name, ""))
            self._put(f"= {text} {call.note}\n" if call.note else f"= {text}\n")
        self.open_tid = -1


def _shown(kind: "Kind", call: "Call", position: int) -> str | None:
    try:
        return kind.show(call, position)
    except (IndexError, ValueError, OverflowError):
        return f"{call.u64(position):#x}"  # a hostile struct: never worth an oops


def _result_text(call: "Call", form: str) -> str:
    """The number of a call that succeeded; may set its note."""
    from cruck.kernel.syscalls.strace import xlat

    result = call.result
    if form == "x":
        return f"{result & 0xFFFF_FFFF_FFFF_FFFF:#x}"
    if form == "o":
        return (f"0{result:o}" if result else "0").rjust(3, "0")
    if form == "s":
        call.note = f"({xlat.choice(result, xlat.SCHED_POLICIES, 'SCHED_???')})"
    elif form == "p":
        names = "PER_LINUX"
        if result & ~0xFF:
            names += "|" + xlat.flags(result & ~0xFF, xlat.PERSONALITY, "").removesuffix(" /*  */")
        call.note = f"({names})"
        return f"{result:#x}" if result else "0"
    elif form == "m" and call.u32(0) == 0:
        call.note = f"({xlat.flags(result, xlat.MEMBARRIER, 'MEMBARRIER_CMD_???')})"
        return f"{result:#x}" if result else "0"
    return str(result)


def _is_optional(call: "Call") -> bool:
    """Calls whose out-argument may turn out to be absent: the separator waits for it."""
    if call.name == "fcntl":
        return call.u32(1) in (1, 3, 9, 11, 1025, 1032, 1034)
    if call.name == "prctl":
        return call.u32(0) in (3, 7, 21, 27, 30)
    return False


def _remember(call: "Call") -> None:
    index, size = REMEMBERED[call.name]
    data = call.peek(call.u64(index), size) if call.u64(index) else None
    if data is not None:
        call.entry_lengths[index] = int.from_bytes(data, "little", signed=True)


def call_name(nr: int) -> str:
    return NAMES.get(nr, f"syscall_{nr & 0xFFFF_FFFF_FFFF_FFFF:#x}")


def signature_of(nr: int) -> tuple[str, ...] | None:
    """Type names of the handler's arguments; None if there is no such call."""
    try:
        from cruck.kernel.syscalls.signatures import SIGNATURES
    except ImportError:
        return None
    found = SIGNATURES.get(nr)
    return found[1] if found is not None else None
