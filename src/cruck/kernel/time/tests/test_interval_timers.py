# SPDX-License-Identifier: MPL-2.0
"""Timers with short periods: what nobody waits for costs little, and no count is lost."""

from cruck.abi import syscall_numbers as nr
from cruck.kernel.kernel import Kernel
from cruck.kernel.process.task import Task
from cruck.kernel.signal.actions import SIG_IGN, SigAction
from cruck.kernel.time.interval_timers import MAX_IDLE_NS, Period, PosixTimer
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


def test_a_busy_timer_keeps_its_period() -> None:
    period = Period()
    assert period.next_ns(1000, 100, 1000, False) == (1100, 0)
    assert period.next_ns(1100, 100, 1350, False) == (1400, 2)
    assert period.next_ns(1400, 100, 1400, False) == (1500, 0)


def test_an_idle_timer_is_due_ever_more_seldom_and_counts_every_period() -> None:
    period = Period()
    deadline_ns = now_ns = due = missed_in_all = 0
    while now_ns < 1_000 * MS:
        now_ns = deadline_ns
        deadline_ns, missed = period.next_ns(deadline_ns, 1000, now_ns, True)
        missed_in_all += missed
        due += 1
        assert deadline_ns % 1000 == 0 and deadline_ns - now_ns <= MAX_IDLE_NS + 1000
        assert 0 <= period.left_ns(deadline_ns - now_ns, 1000) <= 1000
    assert due < 150 and due + missed_in_all == now_ns // 1000 + 1
    assert period.next_ns(deadline_ns, 1000, deadline_ns, False)[0] == deadline_ns + 1000


def test_an_ignored_alarm_does_not_keep_the_kernel_busy() -> None:
    kernel, task = world()
    task.actions.set(SIGALRM, SigAction(SIG_IGN))
    timer = PosixTimer(task.process, 0, 1, 0, SIGALRM, 0, 0)
    timer.set(kernel.clock.monotonic_ns() + 1, 1)
    task.process.timers.real.set(1, 1)
    looks = 0
    end_ns = kernel.clock.monotonic_ns() + 200 * MS
    while kernel.clock.monotonic_ns() < end_ns:
        kernel.clock.advance(max(1, kernel.timers.next_deadline_ns() - kernel.clock.monotonic_ns()))  # type: ignore[attr-defined]
        kernel.timers.expire(kernel.clock.monotonic_ns())
        looks += 1
    assert looks < 100
    assert task.process.timers.real.get() == (1000, 1) and timer.left_ns() == 1


def test_the_overrun_of_a_pending_signal_counts_every_period() -> None:
    kernel, task = world()
    task.blocked_mask = 1 << (SIGALRM - 1)
    timer = PosixTimer(task.process, 0, 1, 0, SIGALRM, 0, 0)
    timer.set(kernel.clock.monotonic_ns() + MS, MS)
    for _ in range(2000):
        kernel.clock.advance(MS // 10)  # type: ignore[attr-defined]
        kernel.timers.expire(kernel.clock.monotonic_ns())
    assert timer.info is not None and 200 - 1 - MAX_IDLE_NS // MS <= timer.info.overrun <= 200 - 1


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
