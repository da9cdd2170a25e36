# SPDX-License-Identifier: MPL-2.0
"""Timers with short periods: what nobody waits for costs little, and no count is lost."""

from cruck.abi import syscall_numbers as nr
from cruck.kernel.kernel import Kernel
from cruck.kernel.process.task import Task
from cruck.kernel.signal.actions import SIG_IGN, SigAction
from cruck.kernel.time.interval_timers import MIN_REST_NS, Period, PosixTimer
from cruck.kernel.time.timers import MAX_AT_ONCE, TimerTarget
from cruck.testing.fake_machine import Call
from cruck.testing.kernels import boot, run_until_idle, spawn

SIGALRM = 14
MS = 1_000_000


class Counted(TimerTarget):
    def __init__(self) -> None:
        self.count = 0

    def expire(self, now_ns: int) -> None:
        self.count += 1


def world() -> tuple[Kernel, Task]:
    kernel = boot()
    task = spawn(kernel, [Call(nr.NR_PAUSE)])
    run_until_idle(kernel)
    return kernel, task


def let_pass(kernel: Kernel, ns: int) -> int:
    """Lets time pass, from timer to timer; how many expired."""
    looks = 0
    end_ns = kernel.clock.monotonic_ns() + ns
    while 0 <= kernel.timers.next_deadline_ns() <= end_ns:
        kernel.clock.advance(max(0, kernel.timers.next_deadline_ns() - kernel.clock.monotonic_ns()))  # type: ignore[attr-defined]
        kernel.timers.expire(kernel.clock.monotonic_ns())
        looks += 1
    kernel.clock.advance(max(0, end_ns - kernel.clock.monotonic_ns()))  # type: ignore[attr-defined]
    return looks


def test_a_period_counts_the_deadlines_that_went_by() -> None:
    period = Period(1000, 100)
    assert period.left_ns(900) == 100 and period.advance(999) == 0
    assert period.advance(1000) == 1 and period.deadline_ns == 1100
    assert period.left_ns(1350) == 50
    assert period.advance(1350) == 3 and period.deadline_ns == 1400
    once = Period(1000)
    assert once.advance(2000) == 0 and once.left_ns(2000) == -1000


def test_a_timer_rests_longer_when_it_expires_late() -> None:
    kernel, task = world()
    task.blocked_mask = 1 << (SIGALRM - 1)
    timer = PosixTimer(task.process, 0, 1, 0, SIGALRM, 0, 0)
    timer.set(kernel.clock.monotonic_ns() + 1000, 1000)
    kernel.clock.advance(2 * MS)  # type: ignore[attr-defined]
    kernel.timers.expire(kernel.clock.monotonic_ns())
    assert kernel.timers.next_deadline_ns() == -1
    task.process.pending.take(~0)
    assert MIN_REST_NS + 3 * MS < kernel.timers.next_deadline_ns() - kernel.clock.monotonic_ns() < MIN_REST_NS + 4 * MS


def test_an_ignored_alarm_does_not_keep_the_kernel_busy() -> None:
    kernel, task = world()
    task.actions.set(SIGALRM, SigAction(SIG_IGN))
    timer = PosixTimer(task.process, 0, 1, 0, SIGALRM, 0, 0)
    timer.set(kernel.clock.monotonic_ns() + 1, 1)
    task.process.timers.real.set(1, 1)
    assert let_pass(kernel, 200 * MS) < 30
    assert task.process.timers.real.get() == (1000, 1) and timer.left_ns() == 1


def test_the_overrun_of_a_pending_signal_counts_every_period() -> None:
    kernel, task = world()
    task.blocked_mask = 1 << (SIGALRM - 1)
    timer = PosixTimer(task.process, 0, 1, 0, SIGALRM, 0, 0)
    timer.set(kernel.clock.monotonic_ns() + 1000, 1000)
    for _ in range(3):
        assert let_pass(kernel, 200 * MS) == 1  # it rests while its signal is pending
        info = task.process.pending.take(~0)
        assert info is not None and abs(info.overrun - 200_000) <= MIN_REST_NS // 1000 + 1
        assert timer.last_overrun() == info.overrun
    assert let_pass(kernel, 200 * MS) == 1
    task.process.pending.discard(~0)
    assert kernel.timers.next_deadline_ns() >= 0  # it goes on


def test_thousands_of_timers_do_not_take_a_whole_turn() -> None:
    kernel, _ = world()
    target = Counted()
    for _ in range(1000):
        kernel.timers.add(kernel.clock.monotonic_ns(), target)
    kernel.timers.expire(kernel.clock.monotonic_ns())
    assert target.count == MAX_AT_ONCE
    for _ in range(3):
        kernel.timers.expire(kernel.clock.monotonic_ns())
    assert target.count == 1000
