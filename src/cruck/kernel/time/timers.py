# SPDX-License-Identifier: MPL-2.0
"""The kernel's deadlines: a heap of timers on CLOCK_MONOTONIC (ns).

A timer wakes a task or tells a `TimerTarget`. Cancelling marks; the heap drops marked timers when they surface, and is
rebuilt when most of it is marked, so that it stays proportional to the live timers.
"""

import heapq
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cruck.kernel.process.task import Task
    from cruck.kernel.signal.pending import SigInfo


MAX_AT_ONCE: Final = 256


class TimerTarget:
    def expire(self, now_ns: int) -> None:
        raise NotImplementedError


class SignalTimer(TimerTarget):
    """A timer that sends a signal, and rests while it is pending."""

    def signal_taken(self, info: "SigInfo") -> None:
        """It has left the queue, to be delivered or because it was discarded."""
        raise NotImplementedError


class Timer:
    deadline_ns: int
    seq: int  # breaks ties: first set, first fired
    task: "Task | None"
    target: TimerTarget | None
    is_live: bool

    def __init__(self, deadline_ns: int, seq: int, task: "Task | None", target: TimerTarget | None) -> None:
        self.deadline_ns = deadline_ns
        self.seq = seq
        self.task = task
        self.target = target
        self.is_live = True

    def __lt__(self, other: "Timer") -> bool:
        if self.deadline_ns != other.deadline_ns:
            return self.deadline_ns < other.deadline_ns
        return self.seq < other.seq


class TimerQueue:
    def __init__(self) -> None:
        self.heap: list[Timer] = []
        self.seq = 0
        self.nr_cancelled = 0

    def add_wakeup(self, deadline_ns: int, task: "Task") -> Timer:
        """At the deadline the task's blocked call is run again."""
        return self._push(deadline_ns, task, None)

    def add(self, deadline_ns: int, target: TimerTarget) -> Timer:
        return self._push(deadline_ns, None, target)

    def _push(self, deadline_ns: int, task: "Task | None", target: TimerTarget | None) -> Timer:
        self.seq += 1
        timer = Timer(deadline_ns, self.seq, task, target)
        heapq.heappush(self.heap, timer)
        return timer

    def cancel(self, timer: Timer) -> None:
        """Idempotent; also for one that has fired."""
        if timer.is_live:
            timer.is_live = False
            self.nr_cancelled += 1
            if self.nr_cancelled > 64 and self.nr_cancelled * 2 > len(self.heap):
                self.heap = [entry for entry in self.heap if entry.is_live]
                heapq.heapify(self.heap)
                self.nr_cancelled = 0

    def next_deadline_ns(self) -> int:
        """−1: none."""
        while self.heap:
            if self.heap[0].is_live:
                return self.heap[0].deadline_ns
            heapq.heappop(self.heap)
            self.nr_cancelled -= 1
        return -1

    def expire(self, now_ns: int) -> None:
        """Fires what is due, in order of deadline; not more than MAX_AT_ONCE, so that others are served in between."""
        for _ in range(MAX_AT_ONCE):
            if not self.heap or (self.heap[0].is_live and self.heap[0].deadline_ns > now_ns):
                return
            timer = heapq.heappop(self.heap)
            if not timer.is_live:
                self.nr_cancelled -= 1
                continue
            timer.is_live = False
            if timer.task is not None:
                if timer.task.wait_timer is timer:
                    timer.task.wait_timer = None
                timer.task.wake()
            elif timer.target is not None:
                timer.target.expire(now_ns)
