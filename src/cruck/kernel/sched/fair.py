# SPDX-License-Identifier: MPL-2.0
"""The scheduler: which runnable tasks hold the virtual CPUs.

Real-time tasks (SCHED_FIFO, SCHED_RR) go first, by priority; the others by virtual runtime weighted by nice, as Linux's fair
class does. A task that runs is interrupted at the end of its slice only when another one waits. It decides; the trap loop acts.
"""

import heapq
from typing import Final

from cruck.kernel.process.task import RUNNABLE, RUNNING, Task

SLICE_NS: Final = 4_000_000
SCHED_FIFO: Final = 1
SCHED_RR: Final = 2
SCHED_IDLE: Final = 5
IDLE_WEIGHT: Final = 3
REALTIME_NS: Final = 950_000_000  # real-time tasks leave some time to the others who wait (sched_rt_runtime_us)
WAKEUP_BONUS_NS: Final = 3_000_000  # a sleeper may be at most this far behind the others

# kernel/sched/core.c sched_prio_to_weight: nice −20 … 19
WEIGHTS: Final = (
    88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916, 9548, 7620, 6100, 4904, 3906, 3121, 2501, 1991, 1586,
    1277, 1024, 820, 655, 526, 423, 335, 272, 215, 172, 137, 110, 87, 70, 56, 45, 36, 29, 23, 18, 15,
)  # fmt: skip


def is_realtime(task: Task) -> bool:
    return task.policy in (SCHED_FIFO, SCHED_RR)


def rank_of(task: Task) -> int:
    """Smaller goes first: minus its real-time priority, own or inherited; 0 for an ordinary task."""
    own = task.rt_priority if task.policy in (SCHED_FIFO, SCHED_RR) else 0
    return -max(own, task.inherited_priority)


class Entry:
    def __init__(self, priority: int, vruntime_ns: int, seq: int, task: Task) -> None:
        self.priority = priority  # smaller first: −rt_priority
        self.vruntime_ns = vruntime_ns
        self.seq = seq
        self.task: Task | None = task

    def __lt__(self, other: "Entry") -> bool:
        if self.priority != other.priority:
            return self.priority < other.priority
        if self.vruntime_ns != other.vruntime_ns:
            return self.vruntime_ns < other.vruntime_ns
        return self.seq < other.seq


class FairScheduler:
    running: dict[int, Task]  # by virtual CPU
    queue: list[Entry]  # a heap; entries whose task is None were taken out
    entries: dict[Task, Entry]
    min_vruntime_ns: int
    realtime_ns: int  # what real-time tasks have run since an ordinary one did

    def __init__(self, nr_cpus: int) -> None:
        self.nr_cpus = nr_cpus
        self.running = {}
        self.queue = []
        self.entries = {}
        self.seq = 0
        self.min_vruntime_ns = 0
        self.realtime_ns = 0

    def enqueue(self, task: Task) -> None:
        """A task became runnable."""
        task.state = RUNNABLE
        task.vruntime_ns = max(task.vruntime_ns, self.min_vruntime_ns - WAKEUP_BONUS_NS)
        self.seq += 1
        priority = rank_of(task)
        entry = Entry(priority, task.vruntime_ns, self.seq, task)
        self.entries[task] = entry
        heapq.heappush(self.queue, entry)
        if priority < 0 and len(self.running) >= self.nr_cpus:
            self._make_room(priority)

    def _make_room(self, priority: int) -> None:
        """For a real-time task: the slice of the least important running one ends now."""
        least: Task | None = None
        rank = priority
        for other in self.running.values():
            theirs = rank_of(other)
            if theirs > rank:
                least, rank = other, theirs
        if least is not None:
            least.slice_end_ns = 0

    def reconsider(self, task: Task) -> None:
        """Its policy, priority or affinity was changed: it is queued anew, now or at once after it was interrupted."""
        if self.entries.get(task) is not None:
            self.forget(task)
            self.enqueue(task)
        elif task.state == RUNNING:
            task.context.interrupt()

    def has_waiting(self) -> bool:
        return bool(self.entries)

    def has_idle_cpu(self) -> bool:
        return len(self.running) < self.nr_cpus

    def has_room_beside(self, woken: list[Task]) -> bool:
        """Whether there is an idle CPU for each of `woken` (which may run anywhere) and one more."""
        if self.nr_cpus - len(self.running) <= len(woken):
            return False
        every = (1 << self.nr_cpus) - 1
        for task in woken:
            if task.affinity & every != every:
                return False
        return True

    def pick(self) -> Task | None:
        """The next task for an idle CPU, None if nothing can run. The caller then calls start()."""
        postponed: list[Entry] = []
        found: Task | None = None
        is_throttled = self.realtime_ns > REALTIME_NS
        while self.queue:
            entry = heapq.heappop(self.queue)
            task = entry.task
            if task is None:
                continue
            cpu = -1 if is_throttled and entry.priority < 0 else self._idle_cpu(task)
            if cpu < 0:
                postponed.append(entry)
                continue
            del self.entries[task]
            task.cpu = cpu
            found = task
            break
        for entry in postponed:
            heapq.heappush(self.queue, entry)
        if is_throttled:
            self.realtime_ns = 0  # once: whether somebody ran, or nobody else wanted to
        return found

    def _idle_cpu(self, task: Task) -> int:
        if task.cpu not in self.running and task.affinity >> task.cpu & 1:
            return task.cpu
        for cpu in range(self.nr_cpus):
            if cpu not in self.running and task.affinity >> cpu & 1:
                return cpu
        return -1

    def start(self, task: Task, now_ns: int) -> None:
        """The task gets its CPU (task.cpu) at `now_ns`."""
        task.state = RUNNING
        task.run_start_ns = now_ns
        task.slice_end_ns = now_ns + SLICE_NS
        self.running[task.cpu] = task

    def start_again(self, task: Task, now_ns: int) -> bool:
        """Starts a task that has just stopped without a detour through the queue, if nobody waits; else False."""
        if self.entries or task.cpu in self.running or not task.affinity >> task.cpu & 1:
            return False
        self.start(task, now_ns)
        return True

    def stop(self, task: Task, now_ns: int) -> None:
        """The task stopped (whatever for): its CPU is idle, its time is charged."""
        if self.running.get(task.cpu) is task:
            del self.running[task.cpu]
        ran_ns = now_ns - task.run_start_ns
        if task.policy:
            self._charge_special(task, ran_ns)
        else:
            task.vruntime_ns += ran_ns if task.nice == 0 else ran_ns * 1024 // WEIGHTS[task.nice + 20]
        if task.vruntime_ns > self.min_vruntime_ns:
            lowest = task.vruntime_ns
            if self.running:
                for other in self.running.values():
                    lowest = min(lowest, other.vruntime_ns)
            if self.queue and self.queue[0].priority == 0:
                lowest = min(lowest, self.queue[0].vruntime_ns)  # or who waits would lose what is owed to it
            if lowest > self.min_vruntime_ns:
                self.min_vruntime_ns = lowest

    def _charge_special(self, task: Task, ran_ns: int) -> None:
        if is_realtime(task):
            self.realtime_ns = self.realtime_ns + ran_ns if self.entries else 0
        elif task.policy == SCHED_IDLE:
            task.vruntime_ns += ran_ns * 1024 // IDLE_WEIGHT
        else:
            task.vruntime_ns += ran_ns * 1024 // WEIGHTS[task.nice + 20]

    def forget(self, task: Task) -> None:
        """The task ends or must not run."""
        entry = self.entries.pop(task, None)
        if entry is not None:
            entry.task = None
        if self.running.get(task.cpu) is task:
            del self.running[task.cpu]

    def next_slice_end_ns(self) -> int:
        """When to preempt if somebody waits; −1 never."""
        if not self.entries or not self.running:
            return -1
        return min([task.slice_end_ns for task in self.running.values()])

    def overdue(self, now_ns: int) -> list[Task]:
        """Running tasks that must make room; their slice is extended so that each is asked once a slice."""
        if not self.entries:
            return []
        late = [task for task in self.running.values() if task.slice_end_ns <= now_ns]
        for task in late:
            task.slice_end_ns = now_ns + SLICE_NS
        return late
