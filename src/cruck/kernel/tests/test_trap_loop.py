# SPDX-License-Identifier: MPL-2.0
"""The trap loop: what happens to several stops of one turn, to bugs, and to programs that end."""

from collections.abc import Sequence

from cruck.abi import syscall_numbers as nr
from cruck.framework.clock import ManualClock
from cruck.framework.mm.user_memory import VmWriter
from cruck.kernel import trap_loop
from cruck.kernel.kernel import Kernel
from cruck.kernel.process.task import BLOCKED, Task
from cruck.kernel.process.tests import elf_files
from cruck.kernel.process.tests.test_exec import put
from cruck.kernel.signal.actions import SA_ONSTACK, SA_RESTORER, SigAction
from cruck.kernel.time.timers import TimerTarget
from cruck.kernel.vfs.file import File
from cruck.testing.fake_machine import Call, FakeContext, FakeMachine, JumpIfZero, Spin, Step, Store
from cruck.testing.kernels import DATA, boot, run_until_idle, spawn

CLONE_THREAD_FLAGS = 0x0001_0000 | 0x100 | 0x200 | 0x400 | 0x800 | 0x40000  # THREAD VM FS FILES SIGHAND SYSVSEM
CHILD = 0x7000_0000
FUTEX_WAIT_PRIVATE = 128


def with_thread(first: list[Step], second: list[Step]) -> Kernel:
    """Two threads that stop in the same turn from then on."""
    kernel = boot()
    kernel.machine.load(CHILD, second)  # type: ignore[attr-defined]
    spawn(kernel, [Call(nr.NR_CLONE, CLONE_THREAD_FLAGS, DATA + 0x8000, 0, 0, 0), JumpIfZero(CHILD), *first])
    return kernel


def test_a_thread_that_waits_in_the_turn_its_process_ends_does_not_keep_it_alive() -> None:
    wait = Call(nr.NR_FUTEX, DATA, FUTEX_WAIT_PRIVATE, 0, 0, 0, 0)
    end = Call(nr.NR_EXIT_GROUP, 5)
    idle = Call(nr.NR_GETPID)
    # The clone takes a turn; idle calls line both threads up in each order.
    for first, second in (([idle, end], [idle, wait]), ([idle, wait], [idle, end]), ([end], [wait]), ([idle, idle, end], [wait])):
        kernel = with_thread([*first, Spin()], [*second, Spin()])
        run_until_idle(kernel)
        assert list(kernel.processes) == [1], (first, second)
        assert not kernel.tasks and not kernel.lingering


def test_a_spinning_thread_is_ended_with_its_process() -> None:
    kernel = with_thread([Spin()], [Call(nr.NR_EXIT_GROUP, 0)])
    run_until_idle(kernel)
    assert list(kernel.processes) == [1]


class Broken(File):
    """A file with a bug in what `where` names."""

    def __init__(self, where: str) -> None:
        super().__init__(2)
        self.where = where

    def read(self, out: VmWriter, offset: int) -> int:
        if self.where == "read":
            raise ZeroDivisionError("a bug")
        return 0

    def release(self) -> None:
        if self.where == "release":
            raise ZeroDivisionError("a bug")


def with_broken_file(where: str, steps: Sequence[Step]) -> tuple[Kernel, Task]:
    """A kernel after a program met the bug in its descriptor 0, and another program, which waits."""
    kernel = boot()
    spawn(kernel, list(steps)).files.install(Broken(where), 10, False)
    waiting = spawn(kernel, [Call(nr.NR_PAUSE)])
    run_until_idle(kernel)
    return kernel, waiting


def test_a_stop_in_hand_of_a_thread_that_execve_ends_is_nobodys() -> None:
    """The leader's call must not become the new program's, which has its number and perhaps another user's rights."""
    for idle in range(5):
        kernel = boot()
        put(kernel, b"prog", elf_files.static())
        name, argv = DATA + 0x4000, DATA + 0x5000
        steps = [Store(name, b"/prog\0/made\0"), Store(argv, bytes(16)), Call(nr.NR_EXECVE, name, argv, argv)]
        machine = kernel.machine
        assert isinstance(machine, FakeMachine)
        machine.load(CHILD, [*steps, Spin()])
        machine.load(0x401000, [Call(nr.NR_PAUSE)])
        thread = Call(nr.NR_CLONE, CLONE_THREAD_FLAGS, DATA + 0x8000, 0, 0, 0)
        mkdirs = [Call(nr.NR_MKDIR, name + 6, 0o777) for _ in range(8)]
        task = spawn(kernel, [thread, JumpIfZero(CHILD), *(Call(nr.NR_GETPID) for _ in range(idle)), *mkdirs, Spin()])
        process = task.process
        seen: list[int] = []
        for _ in range(60):
            trap_loop.turn(kernel, False)
            if process.has_execed:
                seen.append(process.leader.call_nr)
        assert nr.NR_MKDIR not in seen and seen[-1] == nr.NR_PAUSE, idle
        assert len(kernel.contexts) == len(kernel.tasks) and not kernel.lingering


def test_the_number_of_a_last_thread_that_is_no_leader_is_free_again() -> None:
    kernel = with_thread([Call(nr.NR_EXIT, 0)], [Call(nr.NR_GETPID), Call(nr.NR_GETPID), Call(nr.NR_EXIT, 0)])
    run_until_idle(kernel)
    assert kernel.pids == {1} and not kernel.contexts


def test_an_oops_kills_the_task_and_not_the_kernel() -> None:
    kernel, waiting = with_broken_file("read", [Call(nr.NR_READ, 0, DATA, 1), Call(nr.NR_EXIT_GROUP, 0)])
    assert kernel.nr_oopses == 1
    assert "a bug" in "\n".join(kernel.log.lines) and "read" in "\n".join(kernel.log.lines)
    assert waiting.state == BLOCKED
    assert len(kernel.tasks) == 1


def test_an_oops_at_the_end_of_a_task_does_not_stop_its_end() -> None:
    kernel, waiting = with_broken_file("release", [Call(nr.NR_EXIT_GROUP, 0)])
    assert kernel.nr_oopses == 1
    assert waiting.state == BLOCKED
    assert list(kernel.tasks.values()) == [waiting] and sorted(kernel.processes) == [1, waiting.process.pid]


def test_an_oops_outside_a_call_kills_the_process_and_not_the_kernel(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    """Found by a guest whose segment base the machine refused while its signal was delivered."""

    def broken(self: object, values: object) -> None:
        raise ValueError("a bug")

    kernel = boot()
    waiting = spawn(kernel, [Call(nr.NR_PAUSE)])
    victim = spawn(kernel, [Spin()])
    run_until_idle(kernel)
    monkeypatch.setattr(FakeContext, "set_registers", broken)
    victim.actions.set(10, SigAction(0x40_0000, SA_RESTORER, 0x40_0000))
    kernel.send_signal_task(victim, 10)
    run_until_idle(kernel)
    assert kernel.nr_oopses == 1 and "a bug" in "\n".join(kernel.log.lines)
    assert list(kernel.tasks.values()) == [waiting] and waiting.state == BLOCKED and not kernel.is_halted


def test_an_alternate_stack_that_wraps_around_is_no_room_for_a_frame() -> None:
    """Found by the fuzzer: base + size beyond 2^64 could not be packed into the frame."""
    for base, size in ((0xFFFF_FFFF_FFFF_F000, 0x10000), (0xFFFF_FFFF_0000_0000, 0xFFFF_FFFF_FFFF_FFFF)):
        kernel = boot()
        victim = spawn(kernel, [Spin()])
        run_until_idle(kernel)
        victim.altstack = (base, size, 0)
        victim.actions.set(10, SigAction(0x40_0000, SA_RESTORER | SA_ONSTACK, 0x40_0000))
        kernel.send_signal_task(victim, 10)
        run_until_idle(kernel)
        assert kernel.nr_oopses == 0 and not kernel.tasks


def test_an_oops_in_a_timer_does_not_end_the_kernel() -> None:
    class BrokenTarget(TimerTarget):
        def expire(self, now_ns: int) -> None:
            raise ZeroDivisionError("a bug")

    kernel = boot()
    waiting = spawn(kernel, [Call(nr.NR_PAUSE)])
    kernel.timers.add(kernel.clock.monotonic_ns(), BrokenTarget())
    run_until_idle(kernel)
    assert kernel.nr_oopses == 1 and waiting.state == BLOCKED


def test_an_unknown_call_is_enosys_and_counted() -> None:
    kernel = boot()
    task = spawn(kernel, [Call(9999), Call(nr.NR_PAUSE)])
    run_until_idle(kernel)
    assert kernel.unsupported == {"syscall_0x270f": 1}
    assert task.state == BLOCKED


def test_unknown_numbers_cannot_fill_the_kernels_memory() -> None:
    kernel = boot()
    spawn(kernel, [*(Call(1000 + number) for number in range(600)), Call(nr.NR_PAUSE)])
    run_until_idle(kernel)
    assert len(kernel.unsupported) <= 401
    assert sum(kernel.unsupported.values()) == 600


def results_of(steps: list[Call], uid: int) -> list[int]:
    """What each call returned, run one at a time."""
    found = []
    for step in steps:
        kernel = boot()
        task = spawn(kernel, [step, Call(nr.NR_PAUSE)], uid=uid)
        machine = kernel.machine
        values: list[int] = []
        context = task.context
        original = context.set_result
        context.set_result = lambda value, keep=values, call=original: (keep.append(value), call(value))[1]  # type: ignore[method-assign,misc]
        run_until_idle(kernel)
        assert machine is kernel.machine and kernel.nr_oopses == 0, kernel.log.lines
        found.append(values[0])
    return found


def test_init_cannot_be_signalled_by_others() -> None:
    assert results_of([Call(nr.NR_KILL, 1, 9)], uid=1000) == [-1]
    assert results_of([Call(nr.NR_KILL, 1, 9)], uid=0) == [0]


def test_locking_nothing_is_nothing() -> None:
    assert results_of([Call(nr.NR_MLOCK, DATA + 0x1000, 0), Call(nr.NR_MUNLOCK, DATA + 0x1000, 0)], uid=0) == [0, 0]


class Slow(File):
    """Reading takes as long as it says."""

    def __init__(self, clock: ManualClock, spent_ns: int) -> None:
        super().__init__(0)
        self.clock = clock
        self.spent_ns = spent_ns

    def read(self, out: VmWriter, offset: int) -> int:
        self.clock.advance(self.spent_ns)
        return 0


def system_ns_after_reads(spent_ns: int, nr_reads: int) -> int:
    kernel = boot()
    clock = kernel.clock
    assert isinstance(clock, ManualClock)
    task = spawn(kernel, [*(Call(nr.NR_READ, 0, DATA, 1) for _ in range(nr_reads)), Call(nr.NR_PAUSE)])
    task.files.install(Slow(clock, spent_ns), 10, False)
    run_until_idle(kernel)
    return task.system_ns


def test_system_time_is_sampled_and_a_turn_that_lasted_stands_for_itself() -> None:
    exact = 130 * 10_000
    assert exact * 0.9 <= system_ns_after_reads(10_000, 130) <= exact * 1.1
    assert system_ns_after_reads(50_000_000, 1) <= 51_000_000


def is_running_after_it_woke_another(nr_cpus: int) -> bool:
    kernel = boot()
    kernel.sched.nr_cpus = nr_cpus
    sleeper = spawn(kernel, [Call(nr.NR_FUTEX, DATA, FUTEX_WAIT_PRIVATE, 0, 0, 0, 0), Spin()])
    run_until_idle(kernel)
    waker = spawn(kernel, [Call(nr.NR_KILL, sleeper.process.pid, 10), Spin()])
    sleeper.blocked_mask = 0
    for _ in range(9):
        trap_loop.turn(kernel, False)
        if kernel.ready:
            break
    context = waker.context
    assert kernel.ready == [sleeper] and isinstance(context, FakeContext)
    return context.running


def test_who_wakes_another_goes_on_if_there_is_a_cpu_for_both() -> None:
    assert is_running_after_it_woke_another(2)
    assert not is_running_after_it_woke_another(1)
