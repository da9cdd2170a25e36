# SPDX-License-Identifier: MPL-2.0
"""Contents of /proc/[pid] and /proc/[pid]/task/[tid] that speak of a process and its state (proc(5)).

Functions take the kernel, the process and the task (None: the built-in init, or a process whose threads are all gone); those about
memory are in memory_text.py. Formats are Linux 6.1's, fs/proc/array.c and base.c.
"""

from typing import TYPE_CHECKING, Final

from cruck.kernel.fs.procfs import memory_text
from cruck.kernel.fs.procfs.access import may_inspect
from cruck.kernel.process.io_counts import IoCounts
from cruck.kernel.process.process import RLIM_INFINITY
from cruck.kernel.process.task import BLOCKED, DEAD, READY, STOPPED, TRACED
from cruck.kernel.signal.actions import SIG_DFL, SIG_IGN

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.process.pid_namespace import PidNamespace
    from cruck.kernel.process.process import Process
    from cruck.kernel.process.task import Task

NS_PER_TICK: Final = 10_000_000
PAGE_KB: Final = 4
INFINITY: Final = (1 << 64) - 1

_STATE_NAMES: Final[dict[str, bytes]] = {
    "R": b"R (running)",
    "S": b"S (sleeping)",
    "D": b"D (disk sleep)",
    "T": b"T (stopped)",
    "t": b"t (tracing stop)",
    "Z": b"Z (zombie)",
    "X": b"X (dead)",
}

# RLIMIT_* order: name, unit.
_LIMITS: Final = (
    (b"Max cpu time", b"seconds"),
    (b"Max file size", b"bytes"),
    (b"Max data size", b"bytes"),
    (b"Max stack size", b"bytes"),
    (b"Max core file size", b"bytes"),
    (b"Max resident set", b"bytes"),
    (b"Max processes", b"processes"),
    (b"Max open files", b"files"),
    (b"Max locked memory", b"bytes"),
    (b"Max address space", b"bytes"),
    (b"Max file locks", b"locks"),
    (b"Max pending signals", b"signals"),
    (b"Max msgqueue size", b"bytes"),
    (b"Max nice priority", b""),
    (b"Max realtime priority", b""),
    (b"Max realtime timeout", b"us"),
)


def state_letter(process: "Process", task: "Task | None") -> str:
    if process.is_zombie:
        return "Z"
    if task is None:
        return "S"
    if task.state == DEAD:
        return "Z"  # a leader that left before its threads
    if task.state == TRACED:
        return "t"
    if process.is_stopped or task.state == STOPPED:
        return "T"
    if task.state == BLOCKED or task.state == READY:
        if task.wait is not None and not task.wait.is_interruptible:
            return "D"
        return "S"
    return "R"


def task_name(process: "Process", task: "Task | None") -> bytes:
    return task.comm if task is not None else b"init"


def _tty_numbers(kernel: "Kernel", process: "Process", ns: "PidNamespace") -> tuple[int, int]:
    """(tty_nr, tpgid) as stat shows them."""
    tty = process.group.session.tty
    if tty is None:
        return 0, -1
    return tty.rdev & 0xFFFF_FFFF, ns.number(tty.foreground_pgid) if tty.foreground_pgid > 0 else -1


def _start_boot_ns(kernel: "Kernel", start_ns: int) -> int:
    """A start time on CLOCK_BOOTTIME, which /proc/uptime shows too."""
    return max(0, start_ns + kernel.clock.boottime_ns() - kernel.clock.monotonic_ns())


def stat(kernel: "Kernel", process: "Process", task: "Task | None", is_whole: bool, ns: "PidNamespace") -> bytes:
    """One line of 52 numbers. is_whole: times of the whole process (/proc/PID), not of the thread. ns: whose numbers are shown."""
    live = task if task is not None and task.state != DEAD else None
    if is_whole or task is None:
        user_ns, system_ns = kernel.cpu_time_ns(process)
    else:
        user_ns = task.context.cpu_time_ns() if live is not None else 0
        system_ns = task.system_ns
    facts = memory_text.facts(live, may_inspect(kernel, process))
    tty_nr, tpgid = _tty_numbers(kernel, process, ns)
    pending = blocked = ignored = caught = 0
    nice = rt_priority = policy = cpu = 0
    start_ns = process.start_ns
    if task is not None:
        pending = task.pending.bits & 0x7FFF_FFFF
        blocked = task.blocked_mask & 0x7FFF_FFFF
        ignored, caught = _dispositions(task)
        nice, rt_priority, policy, cpu = task.nice, task.rt_priority, task.policy, task.cpu
        start_ns = process.start_ns if is_whole else task.start_ns
    priority = 20 + nice if policy in (0, 3, 5) else -1 - rt_priority
    flags = 0x400000  # PF_RANDOMIZE
    if process is kernel.init:
        flags = 0x400100
    exit_code = process.exit_status if process.is_zombie and may_inspect(kernel, process) else 0
    pid = ns.number(process.pid if is_whole or task is None else task.tid)
    fields = [
        b"%d (%s) %s" % (pid, task_name(process, task), state_letter(process, task).encode()),
        b"%d %d %d %d %d %d"
        % (parent_pid(process, ns), ns.number(process.group.pgid), ns.number(process.group.session.sid), tty_nr, tpgid, flags),
        b"0 0 0 0",
        b"%d %d" % (user_ns // NS_PER_TICK, system_ns // NS_PER_TICK),
        b"%d %d" % (process.children_user_ns // NS_PER_TICK, process.children_system_ns // NS_PER_TICK),
        b"%d %d %d 0" % (priority, nice, nr_threads(process)),
        b"%d" % (_start_boot_ns(kernel, start_ns) // NS_PER_TICK),
        b"%d %d %d" % (facts.size_bytes, facts.resident_pages, process.rlimit(5)),
        b"%d %d %d 0 0" % (facts.start_code, facts.end_code, facts.start_stack),
        b"%d %d %d %d" % (pending, blocked, ignored & 0x7FFF_FFFF, caught & 0x7FFF_FFFF),
        b"%d 0 0 %d %d %d %d" % (0 if state_letter(process, task) == "R" else 1, process.exit_signal, cpu, rt_priority, policy),
        b"0 0 0",
        b"%d %d %d" % (facts.start_data, facts.end_data, facts.start_brk),
        b"%d %d %d %d" % (facts.arg_start, facts.arg_end, facts.env_start, facts.env_end),
        b"%d" % exit_code,
    ]
    return b" ".join(fields) + b"\n"


def _dispositions(task: "Task") -> tuple[int, int]:
    """(ignored, caught) signal masks."""
    ignored = caught = 0
    bit = 1
    for action in task.actions.table:
        if action.handler == SIG_IGN:
            ignored |= bit
        elif action.handler != SIG_DFL:
            caught |= bit
        bit <<= 1
    return ignored, caught


def parent_pid(process: "Process", ns: "PidNamespace") -> int:
    return ns.number(process.parent.pid) if process.parent is not None else 0


def tracer_pid(task: "Task | None", ns: "PidNamespace") -> int:
    return ns.number(task.ptrace.tracer.pid) if task is not None and task.ptrace is not None else 0


def nr_threads(process: "Process") -> int:
    return max(1, len(process.threads))


def status(kernel: "Kernel", process: "Process", task: "Task | None", ns: "PidNamespace") -> bytes:
    """The readable form: "Name:\\tvalue" lines."""
    live = task if task is not None and task.state != DEAD else None
    tid = task.tid if task is not None else process.pid
    pid = ns.number(tid)
    lines = [b"Name:\t%s\n" % _escape_name(task_name(process, task))]
    if live is not None:
        lines.append(b"Umask:\t%04o\n" % live.fs.umask)
    lines.append(b"State:\t%s\n" % _STATE_NAMES[state_letter(process, task)])
    lines.append(
        b"Tgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t%d\n"
        % (ns.number(process.pid), pid, parent_pid(process, ns), tracer_pid(task, ns))
    )
    uids = (0, 0, 0, 0)
    gids = (0, 0, 0, 0)
    groups: tuple[int, ...] = ()
    if task is not None:
        creds = task.creds
        reader = kernel.current.creds if kernel.current is not None else creds
        uids = (reader.shown_uid(creds.uid), reader.shown_uid(creds.euid), reader.shown_uid(creds.suid), reader.shown_uid(creds.fsuid))
        gids = (reader.shown_gid(creds.gid), reader.shown_gid(creds.egid), reader.shown_gid(creds.sgid), reader.shown_gid(creds.fsgid))
        groups = tuple([reader.shown_gid(gid) for gid in creds.groups])
    lines.append(b"Uid:\t%d\t%d\t%d\t%d\nGid:\t%d\t%d\t%d\t%d\n" % (uids + gids))
    lines.append(b"FDSize:\t%d\n" % (_fd_size(live) if live is not None else 0))
    lines.append(b"Groups:\t%s \n" % b" ".join([b"%d" % gid for gid in groups]))
    for label, number in (
        (b"NStgid", process.pid), (b"NSpid", tid), (b"NSpgid", process.group.pgid), (b"NSsid", process.group.session.sid)
    ):  # fmt: skip
        lines.append(b"%s:%s\n" % (label, _all_numbers(process.pid_ns, ns, number)))
    if live is not None:
        lines.append(memory_text.status_lines(live))
    lines.append(b"Threads:\t%d\n" % nr_threads(process))
    lines.append(_signal_lines(process, task))
    lines.append(_capability_lines(kernel, process, task))
    mask = task.affinity if task is not None else (1 << kernel.nr_cpus) - 1
    lines.append(b"Cpus_allowed:\t%s\nCpus_allowed_list:\t%s\n" % (mask_words(mask, kernel.nr_cpus), range_list(mask)))
    lines.append(b"Mems_allowed:\t1\nMems_allowed_list:\t0\n")
    voluntary = task.nr_voluntary if task is not None else 0
    involuntary = task.nr_involuntary if task is not None else 0
    lines.append(b"voluntary_ctxt_switches:\t%d\nnonvoluntary_ctxt_switches:\t%d\n" % (voluntary, involuntary))
    return b"".join(lines)


def _all_numbers(own: "PidNamespace", shown: "PidNamespace", tid: int) -> bytes:
    """In the namespace shown and in those below it down to the process's own."""
    words: list[bytes] = []
    ns: PidNamespace | None = own
    while ns is not None and ns.level >= shown.level:
        words.append(b"\t%d" % ns.number(tid))
        ns = ns.parent
    words.reverse()
    return b"".join(words)


def _escape_name(name: bytes) -> bytes:
    return name.replace(b"\\", b"\\\\").replace(b"\n", b"\\n")


def _fd_size(task: "Task") -> int:
    """The size of the descriptor table: 64, doubled as needed."""
    size = 64
    while size < len(task.files.files):
        size *= 2
    return size


def _signal_lines(process: "Process", task: "Task | None") -> bytes:
    pending = blocked = ignored = caught = 0
    if task is not None:
        pending = task.pending.bits
        blocked = task.blocked_mask
        ignored, caught = _dispositions(task)
    queued = len(process.pending.queue)
    for thread in process.threads.values():
        queued += len(thread.pending.queue)
    return b"SigQ:\t%d/%d\nSigPnd:\t%016x\nShdPnd:\t%016x\nSigBlk:\t%016x\nSigIgn:\t%016x\nSigCgt:\t%016x\n" % (
        queued,
        min(process.rlimit(11), 1 << 62),
        pending,
        process.pending.bits,
        blocked,
        ignored,
        caught,
    )


def _capability_lines(kernel: "Kernel", process: "Process", task: "Task | None") -> bytes:
    inheritable = permitted = effective = bounding = ambient = no_new_privs = mode = nr_filters = 0
    if task is not None:
        creds = task.creds
        inheritable, permitted, effective = creds.cap_inheritable, creds.cap_permitted, creds.cap_effective
        bounding, ambient, no_new_privs = creds.cap_bounding, creds.cap_ambient, int(creds.no_new_privs)
        mode = task.seccomp_mode
        nr_filters = task.seccomp_filter.nr_filters if task.seccomp_filter is not None else 0
    else:
        permitted = effective = bounding = (1 << 41) - 1
    return (
        b"CapInh:\t%016x\nCapPrm:\t%016x\nCapEff:\t%016x\nCapBnd:\t%016x\nCapAmb:\t%016x\nNoNewPrivs:\t%d\n"
        b"Seccomp:\t%d\nSeccomp_filters:\t%d\nSpeculation_Store_Bypass:\tvulnerable\nSpeculationIndirectBranch:\talways enabled\n"
    ) % (inheritable, permitted, effective, bounding, ambient, no_new_privs, mode, nr_filters)


def mask_words(mask: int, nr_cpus: int) -> bytes:
    """Hexadecimal in words of 32 bits, the first without leading zeros beyond the CPUs' digits."""
    digits = (nr_cpus + 3) // 4
    if nr_cpus <= 32:
        return b"%0*x" % (digits, mask)
    words: list[bytes] = []
    nr_words = (nr_cpus + 31) // 32
    for index in range(nr_words - 1, -1, -1):
        width = 8 if index < nr_words - 1 else (nr_cpus - 32 * index + 3) // 4
        words.append(b"%0*x" % (width, mask >> (32 * index) & 0xFFFF_FFFF))
    return b",".join(words)


def range_list(mask: int) -> bytes:
    """Bits as "0-3,6"."""
    parts: list[bytes] = []
    bit = 0
    while mask >> bit:
        if mask >> bit & 1:
            first = bit
            while mask >> (bit + 1) & 1:
                bit += 1
            parts.append(b"%d" % first if first == bit else b"%d-%d" % (first, bit))
        bit += 1
    return b",".join(parts)


def limits(process: "Process") -> bytes:
    lines = [b"%-25s %-20s %-20s %-10s\n" % (b"Limit", b"Soft Limit", b"Hard Limit", b"Units")]
    for index, (name, unit) in enumerate(_LIMITS):
        soft, hard = process.rlimits[index]
        lines.append(b"%-25s %-20s %-20s %-10s\n" % (name, _limit(soft), _limit(hard), unit))
    return b"".join(lines)


def _limit(value: int) -> bytes:
    return b"unlimited" if value == RLIM_INFINITY else b"%d" % value


def io(process: "Process", task: "Task | None", is_whole: bool) -> bytes:
    """Of a thread, or of a process with its threads and children that have ended. No block devices: the last three are 0."""
    counts = IoCounts()
    if is_whole:
        counts.add(process.io)
        for thread in process.threads.values():
            counts.add(thread.io)
    elif task is not None:
        counts.add(task.io)
    return b"rchar: %d\nwchar: %d\nsyscr: %d\nsyscw: %d\nread_bytes: 0\nwrite_bytes: 0\ncancelled_write_bytes: 0\n" % (
        counts.bytes_read, counts.bytes_written, counts.nr_reads, counts.nr_writes,
    )  # fmt: skip


def schedstat(task: "Task | None") -> bytes:
    """ns on a CPU, ns waiting for one (not measured), times scheduled."""
    if task is None or task.state == DEAD:
        return b"0 0 0\n"
    ran_ns = task.context.cpu_time_ns() + task.system_ns
    return b"%d 0 %d\n" % (ran_ns, task.nr_voluntary + task.nr_involuntary)


def oom_score(kernel: "Kernel", process: "Process", task: "Task | None") -> bytes:
    """0 … 1000 by share of memory, plus the adjustment, as fs/proc/base.c shows it (0 … 2000 scaled by 2/3 + 666)."""
    if task is None or process.oom_score_adj == -1000:
        return b"0\n"
    total = max(1, kernel.machine.nr_frames())
    resident = task.mm.space.nr_resident() if task.state != DEAD else 0
    points = resident * 1000 // total + process.oom_score_adj
    return b"%d\n" % max(0, (1000 + points) * 2 // 3)


def oom_adj(process: "Process") -> bytes:
    """The old scale: −17 … 15."""
    adj = process.oom_score_adj
    if adj == 1000:
        return b"15\n"
    scaled = abs(adj) * 17 // 1000
    return b"%d\n" % (scaled if adj >= 0 else -scaled)
