# SPDX-License-Identifier: MPL-2.0
"""State is plain data: a kernel whose processes are blocked in every kind of wait survives pickling, and goes on."""

import pickle
import struct

from cruck.abi import syscall_numbers as nr
from cruck.kernel.kernel import Kernel
from cruck.kernel.process.task import BLOCKED, Task
from cruck.testing.fake_machine import Call, JumpIfZero, Step
from cruck.testing.kernels import DATA, boot, run_until_idle, spawn

FD_PAIR = DATA  # int[2]
BUFFER = DATA + 0x1000
STRUCT = DATA + 0x2000
NAME = DATA + 0x3000
EVENTS = DATA + 0x4000


def steps_that_block() -> dict[str, list[Step]]:
    """Programs, each of which ends up waiting in the call it is named after. Descriptors are 0, 1, … in order."""
    pipe = Call(nr.NR_PIPE, FD_PAIR)
    socketpair = Call(nr.NR_SOCKETPAIR, 1, 1, 0, FD_PAIR)
    open_shared = Call(nr.NR_OPEN, NAME, 0o102, 0o600)  # O_RDWR | O_CREAT
    return {
        "read of an empty pipe": [pipe, Call(nr.NR_READ, 0, BUFFER, 10)],
        "write to a full pipe": [pipe, Call(nr.NR_WRITE, 1, DATA, 0x10000), Call(nr.NR_WRITE, 1, DATA, 10)],
        "read of an empty socket": [socketpair, Call(nr.NR_READ, 1, BUFFER, 10)],
        "recvfrom": [socketpair, Call(nr.NR_RECVFROM, 0, BUFFER, 10, 0, 0, 0)],
        "poll": [pipe, Call(nr.NR_POLL, STRUCT, 1, -1)],
        "select": [pipe, Call(nr.NR_SELECT, 1, STRUCT, 0, 0, 0)],
        "epoll_wait": [
            pipe, Call(nr.NR_EPOLL_CREATE1, 0), Call(nr.NR_EPOLL_CTL, 2, 1, 0, STRUCT), Call(nr.NR_EPOLL_WAIT, 2, EVENTS, 4, -1)
        ],
        "futex": [Call(nr.NR_FUTEX, BUFFER, 128, 0, 0, 0, 0)],
        "nanosleep": [Call(nr.NR_NANOSLEEP, STRUCT, 0)],
        "clock_nanosleep": [Call(nr.NR_CLOCK_NANOSLEEP, 1, 1, STRUCT, 0)],
        "pause": [Call(nr.NR_PAUSE)],
        "rt_sigsuspend": [Call(nr.NR_RT_SIGSUSPEND, BUFFER, 8)],
        "rt_sigtimedwait": [Call(nr.NR_RT_SIGTIMEDWAIT, STRUCT, 0, 0, 8)],
        "eventfd read": [Call(nr.NR_EVENTFD2, 0, 0), Call(nr.NR_READ, 0, BUFFER, 8)],
        "timerfd read": [
            Call(nr.NR_TIMERFD_CREATE, 1, 0), Call(nr.NR_TIMERFD_SETTIME, 0, 0, EVENTS, 0), Call(nr.NR_READ, 0, BUFFER, 8)
        ],
        "signalfd read": [Call(nr.NR_SIGNALFD4, -1, STRUCT, 8, 0), Call(nr.NR_READ, 0, BUFFER, 128)],
        "open of a FIFO": [Call(nr.NR_MKNOD, NAME, 0o010600, 0), Call(nr.NR_OPEN, NAME, 0)],
        "flock": [open_shared, Call(nr.NR_FLOCK, 0, 2), open_shared, Call(nr.NR_FLOCK, 1, 2)],
        "wait4": [Call(nr.NR_FORK), JumpIfZero(0), Call(nr.NR_WAIT4, -1, 0, 0, 0)],
        "vfork": [Call(nr.NR_VFORK), JumpIfZero(0)],
        "accept": [
            Call(nr.NR_SOCKET, 1, 1, 0), Call(nr.NR_BIND, 0, EVENTS, 2), Call(nr.NR_LISTEN, 0, 5), Call(nr.NR_ACCEPT, 0, 0, 0)
        ],
        "terminal read": [Call(nr.NR_OPEN, NAME, 0o2), Call(nr.NR_IOCTL, 0, 0x40045431, BUFFER), Call(nr.NR_READ, 0, EVENTS, 1)],
    }  # fmt: skip


NAMES_OF = {"open of a FIFO": b"/fifo", "flock": b"/lock", "terminal read": b"/dev/ptmx"}
POLLFD = struct.pack("<ihh", 0, 1, 0)
HOUR = struct.pack("<qq", 3600, 0)
SIGSET = struct.pack("<Q", 1 << 9)  # SIGUSR1
STRUCTS = {
    "poll": POLLFD, "select": struct.pack("<Q", 1), "epoll_wait": struct.pack("<IQ", 1, 7), "nanosleep": HOUR, "clock_nanosleep": HOUR,
    "rt_sigtimedwait": SIGSET, "signalfd read": SIGSET,
}  # fmt: skip
EVENTS_OF = {"timerfd read": struct.pack("<4q", 0, 0, 3600, 0), "accept": struct.pack("<H", 1)}


def busy_kernel() -> tuple[Kernel, dict[str, Task]]:
    kernel = boot()
    child_program = 0x7000_0000
    machine = kernel.machine
    machine.load(child_program, [Call(nr.NR_PAUSE), Call(nr.NR_EXIT_GROUP, 0)])  # type: ignore[attr-defined]
    tasks = {}
    for name, steps in steps_that_block().items():
        for step in steps:
            if isinstance(step, JumpIfZero):
                step.target = child_program
        task = spawn(kernel, [*steps, Call(nr.NR_EXIT_GROUP, 0)])
        task.user.write(NAME, NAMES_OF.get(name, b"") + b"\0")
        task.user.write(STRUCT, STRUCTS.get(name, b""))
        task.user.write(EVENTS, EVENTS_OF.get(name, b""))
        tasks[name] = task
    run_until_idle(kernel)
    return kernel, tasks


def difference(one: object, two: object, path: str, seen: dict[int, int]) -> str | None:
    """Where two object graphs differ in values or in shape (who is shared with whom); None if nowhere."""
    stack = [(one, two, path)]
    while stack:
        a, b, where = stack.pop()
        if type(a) is not type(b):
            return f"{where}: {type(a).__name__} became {type(b).__name__}"
        if a is None or isinstance(a, int | str | bytes | float | bytearray | type):
            if a != b:
                return f"{where}: {a!r} became {b!r}"
            continue
        if id(a) in seen:
            if seen[id(a)] != id(b):
                return f"{where}: is shared differently"
            continue
        seen[id(a)] = id(b)
        if isinstance(a, dict):
            if len(a) != len(b):  # type: ignore[arg-type]
                return f"{where}: {len(a)} entries became {len(b)}"  # type: ignore[arg-type]
            for (key_a, value_a), (key_b, value_b) in zip(a.items(), b.items(), strict=True):  # type: ignore[attr-defined]
                stack += [(key_a, key_b, f"{where}.key"), (value_a, value_b, f"{where}[{key_a!r:.40}]")]
        elif isinstance(a, list | tuple):
            if len(a) != len(b):  # type: ignore[arg-type]
                return f"{where}: {len(a)} items became {len(b)}"  # type: ignore[arg-type]
            stack += [(x, y, f"{where}[{i}]") for i, (x, y) in enumerate(zip(a, b, strict=True))]  # type: ignore[call-overload]
        elif isinstance(a, set | frozenset):
            if {x for x in a if isinstance(x, int | bytes | str)} != {x for x in b if isinstance(x, int | bytes | str)}:  # type: ignore[attr-defined]
                return f"{where}: set differs"
        elif hasattr(a, "__dict__"):
            stack.append((vars(a), vars(b), f"{where}:{type(a).__name__}"))
    return None


def test_every_program_is_blocked_in_its_call() -> None:
    kernel, tasks = busy_kernel()
    assert len(tasks) >= 20
    not_blocked = {name: (task.state, task.context.get_reg(10)) for name, task in tasks.items() if task.state != BLOCKED}
    assert not not_blocked
    assert not kernel.nr_oopses


def test_a_busy_kernel_pickles_and_comes_back_equal() -> None:
    kernel, _ = busy_kernel()
    copy = pickle.loads(pickle.dumps(kernel))
    assert difference(kernel, copy, "kernel", {}) is None


def test_the_copy_goes_on_and_the_original_does_not_notice() -> None:
    kernel, tasks = busy_kernel()
    copy = pickle.loads(pickle.dumps(kernel))
    sleeper = tasks["nanosleep"].tid
    nr_calls = kernel.nr_calls
    copy.clock.advance(3601 * 1_000_000_000)
    copy.timers.expire(copy.clock.monotonic_ns())
    run_until_idle(copy)
    assert sleeper not in copy.tasks, "its sleep is over"
    assert kernel.tasks[sleeper].state == BLOCKED and kernel.nr_calls == nr_calls
    for process in list(copy.processes.values()):
        copy.send_signal_process(process, 9)
    run_until_idle(copy)
    assert not copy.tasks and len(kernel.tasks) >= 20
    assert not copy.nr_oopses, copy.log.lines


def test_nothing_leaks_when_all_processes_are_killed() -> None:
    kernel, _ = busy_kernel()
    idle = boot()
    for process in list(kernel.processes.values()):
        kernel.send_signal_process(process, 9)
    run_until_idle(kernel)
    assert list(kernel.processes) == [1] and list(kernel.groups) == [1] and list(kernel.sessions) == [1]
    assert kernel.pids == {1}
    assert kernel.machine.used == idle.machine.used, "frames"  # type: ignore[attr-defined]


def test_signals_of_children_reach_a_blocked_parent() -> None:
    kernel, tasks = busy_kernel()
    parent = tasks["wait4"].process
    child = next(iter(parent.children.values()))
    kernel.send_signal_process(child, 9)
    run_until_idle(kernel)
    assert parent.pid not in kernel.processes, "wait4 returned and the parent went on to exit"
