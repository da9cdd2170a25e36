# SPDX-License-Identifier: MPL-2.0
"""Who runs next, and for how long: the scheduler alone, turned by hand."""

from cruck.kernel.kernel import Kernel
from cruck.kernel.process.task import Task
from cruck.kernel.sched.fair import REALTIME_NS, SCHED_FIFO, SCHED_IDLE, SLICE_NS, FairScheduler
from cruck.testing.fake_machine import Spin
from cruck.testing.kernels import boot, spawn

MS = 1_000_000


def tasks(count: int, kernel: Kernel | None = None) -> list[Task]:
    kernel = kernel if kernel is not None else boot()
    found = [spawn(kernel, [Spin()]) for _ in range(count)]
    for task in found:
        kernel.sched.forget(task)
        task.cpu = 0
    return found


def shares(all_tasks: list[Task], nr_turns: int) -> list[int]:
    """Slices each got when all want one CPU for ever."""
    sched = FairScheduler(1)
    got = dict.fromkeys(all_tasks, 0)
    now_ns = 0
    for task in all_tasks:
        sched.enqueue(task)
    for _ in range(nr_turns):
        chosen = sched.pick()
        assert chosen is not None
        sched.start(chosen, now_ns)
        got[chosen] += 1
        now_ns += SLICE_NS
        sched.stop(chosen, now_ns)
        sched.enqueue(chosen)
    return [got[task] for task in all_tasks]


def test_equals_share_equally() -> None:
    assert shares(tasks(3), 300) == [100, 100, 100]


def test_nice_values_weigh_as_on_linux() -> None:
    ordinary, nice = tasks(2)
    nice.nice = 5
    first, second = shares([ordinary, nice], 1000)
    assert 2.6 < first / second < 3.6  # 1024 : 335


def test_idle_policy_gets_what_is_left_and_not_nothing() -> None:
    ordinary, idle = tasks(2)
    idle.policy = SCHED_IDLE
    first, second = shares([ordinary, idle], 2000)
    assert 1 <= second < first // 50


def test_a_realtime_loop_leaves_time_to_others() -> None:
    ordinary, realtime = tasks(2)
    realtime.policy, realtime.rt_priority = SCHED_FIFO, 50
    nr_turns = 4 * REALTIME_NS // SLICE_NS
    first, second = shares([ordinary, realtime], nr_turns)
    assert 1 <= first <= 8 and second > 0.9 * nr_turns


def test_the_higher_realtime_priority_runs_and_preempts() -> None:
    low, high, ordinary = tasks(3)
    low.policy, low.rt_priority = SCHED_FIFO, 1
    high.policy, high.rt_priority = SCHED_FIFO, 2
    sched = FairScheduler(1)
    sched.enqueue(ordinary)
    assert sched.pick() is ordinary
    sched.start(ordinary, 0)
    sched.enqueue(low)
    assert sched.overdue(1) == [ordinary]
    sched.stop(ordinary, 1)
    sched.enqueue(high)
    sched.enqueue(ordinary)
    assert sched.pick() is high
    sched.start(high, 1)
    assert sched.overdue(2) == []
    sched.stop(high, 2)
    assert sched.pick() is low


def test_a_changed_policy_counts_at_once() -> None:
    kernel = boot()
    first, second = tasks(2, kernel)
    kernel.sched.enqueue(first)
    kernel.sched.enqueue(second)
    second.policy, second.rt_priority = SCHED_FIFO, 1
    kernel.sched.reconsider(second)
    assert kernel.sched.pick() is second


def test_a_task_keeps_its_cpu_beside_woken_ones_that_find_their_own() -> None:
    first, second, third = tasks(3)
    sched = FairScheduler(2)
    assert sched.has_room_beside([second])
    assert not sched.has_room_beside([second, third])
    second.affinity = 1
    assert not sched.has_room_beside([second])  # it might want just this one
    second.affinity = -1
    sched.start(first, 0)
    assert not sched.has_room_beside([second])
