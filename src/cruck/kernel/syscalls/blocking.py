# SPDX-License-Identifier: MPL-2.0
"""The one place that waits.

A handler that cannot finish returns what `wait_*` here returned. That is either a final result (−EAGAIN for a
non-blocking file, −EINTR or a restart code because a signal is pending, the timeout result) or `BLOCKED`: the task is then
enqueued, its call is a plain `WaitRecord`, and when a queue wakes it or the deadline passes the *same handler runs
again with the same arguments*. A handler therefore is written as "try; if not possible: return wait(…)". What it must remember
between runs lives in the record (`progress`, `token`, `extra`), read through `record(task)`.

    def sys_read(task, fd, buffer, count):
        file = task.files.get(fd)
        n = file.read(out, file.pos)
        if n == WOULD_BLOCK:
            return wait_file(task, file, POLLIN, NO_DEADLINE)
        return n
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EAGAIN, ERESTARTSYS, ETIMEDOUT
from cruck.kernel.poll.wait_queue import ALL_EVENTS, WaitQueue
from cruck.kernel.process.task import BLOCKED as TASK_BLOCKED
from cruck.kernel.process.task import Task, WaitRecord

if TYPE_CHECKING:
    from cruck.kernel.vfs.file import File

BLOCKED: Final = -2_000_000  # returned by a handler: the task waits; not an errno
NO_DEADLINE: Final = -1
O_NONBLOCK: Final = 0o4000


def record(task: Task) -> WaitRecord:
    """The current call's record, made on first use. Fresh at a call's first run."""
    if task.wait is None:
        task.wait = WaitRecord(task.call_nr, task.call_args)
    return task.wait


def is_rerun(task: Task) -> bool:
    """Has this call blocked before?"""
    return task.wait is not None


def deadline_after(task: Task, timeout_ns: int) -> int:
    """The deadline of a relative timeout (< 0: none), computed at the call's first run and kept."""
    if timeout_ns < 0:
        return NO_DEADLINE
    rec = record(task)
    if rec.deadline_ns < 0:
        rec.deadline_ns = task.kernel.clock.monotonic_ns() + timeout_ns
    return rec.deadline_ns


def is_past(task: Task, deadline_ns: int) -> bool:
    return deadline_ns >= 0 and task.kernel.clock.monotonic_ns() >= deadline_ns


def wait_file(task: Task, file: "File", events: int, deadline_ns: int, is_nonblocking: bool = False) -> int:
    """For a WOULD_BLOCK of `file`: −EAGAIN if it (or the call) is non-blocking, else as wait_on().
    A passed deadline is −EAGAIN too (SO_RCVTIMEO)."""
    if is_nonblocking or file.flags & O_NONBLOCK:
        return -EAGAIN
    if is_past(task, deadline_ns):
        return -EAGAIN
    queue = file.wait_queue()
    assert queue is not None, "a file that says WOULD_BLOCK has a wait queue"
    return wait_on(task, queue, events, deadline_ns)


def wait_on(
    task: Task, queue: WaitQueue | None, events: int = ALL_EVENTS, deadline_ns: int = NO_DEADLINE, restart: int = ERESTARTSYS
) -> int:
    """Waits on one queue (None: only for the deadline or a signal).

    Returns: BLOCKED; −restart if a signal is pending; −ETIMEDOUT if the deadline has passed."""
    if task.has_deliverable_signal():
        return -restart
    if is_past(task, deadline_ns):
        return -ETIMEDOUT
    rec = record(task)
    if queue is not None:
        queue.add(task, events)
        rec.queues.append(queue)
    return _block(task, rec, deadline_ns, True)


def wait_many(task: Task, queues: list[tuple[WaitQueue, int]], deadline_ns: int, restart: int) -> int:
    """As wait_on(), on several (queue, events)."""
    if task.has_deliverable_signal():
        return -restart
    if is_past(task, deadline_ns):
        return -ETIMEDOUT
    rec = record(task)
    for queue, events in queues:
        queue.add(task, events)
        rec.queues.append(queue)
    return _block(task, rec, deadline_ns, True)


def wait_killable(task: Task, queue: WaitQueue) -> int:
    """Waits; only a fatal signal ends it early (vfork parents). The caller checks its condition at each run."""
    rec = record(task)
    queue.add(task, ALL_EVENTS)
    rec.queues.append(queue)
    return _block(task, rec, NO_DEADLINE, False)


def _block(task: Task, rec: WaitRecord, deadline_ns: int, is_interruptible: bool) -> int:
    rec.deadline_ns = deadline_ns
    rec.is_interruptible = is_interruptible
    task.state = TASK_BLOCKED
    if deadline_ns >= 0:
        task.wait_timer = task.kernel.timers.add_wakeup(deadline_ns, task)
    return BLOCKED
