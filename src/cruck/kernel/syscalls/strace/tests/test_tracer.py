# SPDX-License-Identifier: MPL-2.0
"""Lines of the trace: whole calls, errors, interleaving, signals, exits, hostile memory."""

import pickle
import struct

import pytest

from cruck.abi import syscall_numbers as nr
from cruck.framework.hardware import RAX
from cruck.kernel.process.task import Task, WaitRecord
from cruck.kernel.signal.pending import SigInfo
from cruck.kernel.syscalls.strace.calls import KINDS, RESULTS
from cruck.kernel.syscalls.strace.filter import parse_expression
from cruck.kernel.syscalls.strace.tracer import Sink, Tracer
from cruck.testing.fake_machine import Spin
from cruck.testing.kernels import DATA, boot, spawn

BAD = 8
AT_FDCWD = 0xFFFF_FFFF_FFFF_FF9C


class Lines(Sink):
    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> None:
        self.text += text


@pytest.fixture
def sink() -> Lines:
    return Lines()


@pytest.fixture
def tracer(sink: Lines) -> Tracer:
    return Tracer(sink)


@pytest.fixture
def task() -> Task:
    return spawn(boot(), [Spin()])


def args(*values: int) -> tuple[int, ...]:
    return tuple(values) + (0,) * (6 - len(values))


def call(tracer: Tracer, task: Task, number: int, result: int, *values: int) -> None:
    tracer.enter(task, number, args(*values))
    tracer.leave(task, number, args(*values), result)


def test_a_call_is_one_line_with_its_result_in_column_40(tracer: Tracer, sink: Lines, task: Task) -> None:
    task.user.write(DATA, b"/etc/passwd\0")
    call(tracer, task, nr.NR_OPENAT, 3, AT_FDCWD, DATA, 0o2000000)
    call(tracer, task, nr.NR_CLOSE, 0, 3)
    assert sink.text == 'openat(AT_FDCWD, "/etc/passwd", O_RDONLY|O_CLOEXEC) = 3\nclose(3)                                = 0\n'


def test_errors_have_name_and_message(tracer: Tracer, sink: Lines, task: Task) -> None:
    call(tracer, task, nr.NR_CLOSE, -9, 0xFFFF_FFFF)
    call(tracer, task, nr.NR_PAUSE, -514)
    assert sink.text.splitlines() == [
        "close(-1)                               = -1 EBADF (Bad file descriptor)",
        "pause()                                 = ? ERESTARTNOHAND (To be restarted if no handler)",
    ]


def test_output_buffers_are_shown_as_far_as_they_were_filled(tracer: Tracer, sink: Lines, task: Task) -> None:
    task.user.write(DATA, b"abc\n" + b"x" * 100)
    call(tracer, task, nr.NR_READ, 4, 0, DATA, 100)
    call(tracer, task, nr.NR_READ, -11, 0, DATA, 100)
    call(tracer, task, nr.NR_WRITE, 60, 1, DATA, 60)
    assert [line.split(" = ")[0].rstrip() for line in sink.text.splitlines()] == [
        r'read(0, "abc\n", 100)',
        f"read(0, {DATA:#x}, 100)",
        r'write(1, "abc\nxxxxxxxxxxxxxxxxxxxxxxxxxxxx"..., 60)',
    ]


def test_bad_addresses_are_shown_not_followed(tracer: Tracer, sink: Lines, task: Task) -> None:
    call(tracer, task, nr.NR_OPEN, -14, BAD, 0)
    call(tracer, task, nr.NR_OPEN, -14, (1 << 64) - 1, 0)
    call(tracer, task, nr.NR_EXECVE, -14, 0, BAD, BAD)
    assert sink.text.splitlines()[0].startswith("open(0x8, O_RDONLY)")
    assert sink.text.splitlines()[1].startswith("open(0xffffffffffffffff, O_RDONLY)")
    assert sink.text.splitlines()[2].startswith("execve(NULL, 0x8, 0x8)")


def test_lines_of_several_tasks_are_cut_and_taken_up(tracer: Tracer, sink: Lines, task: Task) -> None:
    other = spawn(task.kernel, [Spin()])
    task.user.write(DATA, b"x")
    tracer.enter(task, nr.NR_READ, args(0, DATA, 1))
    tracer.enter(other, nr.NR_GETPID, args())
    tracer.leave(other, nr.NR_GETPID, args(), other.tid)
    tracer.leave(task, nr.NR_READ, args(0, DATA, 1), 1)
    assert sink.text.splitlines() == [
        "read(0,  <unfinished ...>",
        "strace: Process 3 attached",
        "[pid     3] getpid()                    = 3",
        '[pid     2] <... read resumed>"x", 1)   = 1',
    ]


def test_a_blocked_call_that_runs_again_is_one_call(tracer: Tracer, sink: Lines, task: Task) -> None:
    tracer.enter(task, nr.NR_READ, args(0, DATA, 1))
    task.wait = WaitRecord(nr.NR_READ, (0, DATA, 1, 0, 0, 0))
    tracer.enter(task, nr.NR_READ, args(0, DATA, 1))
    tracer.leave(task, nr.NR_READ, args(0, DATA, 1), 0)
    assert sink.text == 'read(0, "", 1)                          = 0\n'


def test_exit_has_no_result_and_the_end_is_told(tracer: Tracer, sink: Lines, task: Task) -> None:
    tracer.enter(task, nr.NR_EXIT_GROUP, args(3))
    tracer.exited(task, 3 << 8)
    assert sink.text == "exit_group(3)                           = ?\n+++ exited with 3 +++\n"


def test_a_killed_task_leaves_its_call_unfinished(tracer: Tracer, sink: Lines, task: Task) -> None:
    tracer.enter(task, nr.NR_PAUSE, args())
    tracer.exited(task, 9)
    assert sink.text == "pause( <unfinished ...>)                = ?\n+++ killed by SIGKILL +++\n"
    tracer.enter(task, nr.NR_GETPID, args())
    tracer.exited(task, 0x8B)
    assert sink.text.endswith("+++ killed by SIGSEGV (core dumped) +++\n")


@pytest.mark.parametrize(
    ("info", "text"),
    [
        (SigInfo(15, 0, 7, 1000), "--- SIGTERM {si_signo=SIGTERM, si_code=SI_USER, si_pid=7, si_uid=1000} ---\n"),
        (SigInfo(10, -6, 7), "--- SIGUSR1 {si_signo=SIGUSR1, si_code=SI_TKILL, si_pid=7, si_uid=0} ---\n"),
        (SigInfo(14, 0x80), "--- SIGALRM {si_signo=SIGALRM, si_code=SI_KERNEL} ---\n"),
        (SigInfo(11, 1), "--- SIGSEGV {si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=NULL} ---\n"),
        (
            SigInfo(17, 1, 5),
            "--- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=5, si_uid=0, si_status=0, si_utime=0, si_stime=0} ---\n",
        ),
    ],
)
def test_signals(tracer: Tracer, sink: Lines, task: Task, info: SigInfo, text: str) -> None:
    tracer.signal(task, info)
    assert sink.text == text


def test_filtered_calls_leave_nothing(sink: Lines, task: Task) -> None:
    tracer = Tracer(sink, parse_expression("%process"))
    call(tracer, task, nr.NR_READ, 0, 0, DATA, 1)
    assert sink.text == ""
    assert not tracer.calls


def test_prefix_for_files_is_the_pid(sink: Lines, task: Task) -> None:
    call(Tracer(sink, None, True), task, nr.NR_GETPID, 2)
    assert sink.text == "2     getpid()                          = 2\n"


def test_sigreturn_shows_the_register_it_restored(tracer: Tracer, sink: Lines, task: Task) -> None:
    tracer.enter(task, nr.NR_RT_SIGRETURN, args())
    task.context.set_reg(RAX, (1 << 64) - 4)
    tracer.leave(task, nr.NR_RT_SIGRETURN, args(), -3_000_000)
    assert sink.text.endswith("= -1 EINTR (Interrupted system call)\n")


def test_clone_announces_the_child_and_its_ids_come_late(tracer: Tracer, sink: Lines, task: Task) -> None:
    child = spawn(task.kernel, [Spin()])
    tracer.enter(task, nr.NR_CLONE, args(0x1200011, 0, 0, 0x5000))
    tracer.leave(task, nr.NR_CLONE, args(0x1200011, 0, 0, 0x5000), child.tid)
    tracer.enter(child, nr.NR_GETPID, args())
    assert sink.text.splitlines() == [
        "clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD, child_tidptr=0x5000) = 3",
        "strace: Process 3 attached",
        "[pid     3] getpid(",
    ]


def test_structs_by_strace_6_1(tracer: Tracer, sink: Lines, task: Task) -> None:
    task.user.write(DATA, struct.pack("<ihhihh", 3, 1, 1, 4, 4, 0))
    call(tracer, task, nr.NR_POLL, 1, DATA, 2, 0xFFFF_FFFF)
    call(tracer, task, nr.NR_POLL, 0, DATA, 2, 5)
    task.user.write(DATA, struct.pack("<QQQQ", 0x401000, 0x1400_0000, 0x402000, 1 << 1))
    call(tracer, task, nr.NR_RT_SIGACTION, 0, 2, DATA, 0, 8)
    call(tracer, task, nr.NR_MMAP, 0x7F00_0000_0000, 0, 4096, 3, 0x22, 0xFFFF_FFFF, 0)
    task.user.write(DATA, struct.pack("<i", 0))
    call(tracer, task, nr.NR_WAIT4, 5, 0xFFFF_FFFF, DATA, 0, 0)
    call(tracer, task, nr.NR_FUTEX, -11, DATA, 128, 1, 0)
    assert [" ".join(line.split()) for line in sink.text.splitlines()] == [
        "poll([{fd=3, events=POLLIN}, {fd=4, events=POLLOUT}], 2, -1) = 1 ([{fd=3, revents=POLLIN}])",
        "poll([{fd=3, events=POLLIN}, {fd=4, events=POLLOUT}], 2, 5) = 0 (Timeout)",
        "rt_sigaction(SIGINT, {sa_handler=0x401000, sa_mask=[INT], sa_flags=SA_RESTORER|SA_RESTART, sa_restorer=0x402000}, NULL, 8) = 0",
        "mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000000000",
        "wait4(-1, [{WIFEXITED(s) && WEXITSTATUS(s) == 0}], 0, NULL) = 5",
        f"futex({DATA:#x}, FUTEX_WAIT_PRIVATE, 1, NULL) = -1 EAGAIN (Resource temporarily unavailable)",
    ]


def test_every_row_names_a_call() -> None:
    known = set(nr.NAMES.values())
    assert set(KINDS) <= known
    assert set(RESULTS) <= known


@pytest.mark.parametrize("value", [0, 1, BAD, DATA, 0xFFFF_FFFF_FFFF_FFFF, 1 << 63, 0x7FFF_FFFF])
@pytest.mark.parametrize("result", [0, 1, -14, 0x7FFF_FFFF, (1 << 63) - 1])
def test_no_argument_however_wild_breaks_the_tracer(task: Task, value: int, result: int) -> None:
    task.user.write(DATA, bytes(range(256)) * 16)
    sink = Lines()
    tracer = Tracer(sink)
    for number in list(nr.NAMES) + [9999]:
        call(tracer, task, number, result, value, value, value, value, value, value)
    assert sink.text.count("\n") == len(nr.NAMES) + 1
    assert max(len(line) for line in sink.text.splitlines()) < 30_000


def test_a_tracer_with_calls_under_way_is_plain_data(tracer: Tracer, task: Task) -> None:
    tracer.enter(task, nr.NR_READ, args(0, DATA, 1))
    pickle.loads(pickle.dumps(tracer))
