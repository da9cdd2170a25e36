# SPDX-License-Identifier: MPL-2.0
"""File locks: POSIX byte ranges and open-file-description ranges (fcntl_locking(2)), and flock(2). Linux fs/locks.c.

An inode's `LockList` holds all three. The owner of a POSIX lock is a descriptor table, that of an OFD or flock lock
is an
open file. Nobody waits here: an attempt answers with the lock that is in the way, and `queue` is woken when locks go.
Waiting chains of POSIX locks are walked for deadlocks (EDEADLK); as on Linux, OFD and flock locks are not.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.fcntl import F_RDLCK, F_UNLCK, F_WRLCK
from cruck.kernel.ledger import LOCK, Ledger
from cruck.kernel.poll.wait_queue import WaitQueue

if TYPE_CHECKING:
    from cruck.kernel.process.file_table import FileTable
    from cruck.kernel.process.task import Task
    from cruck.kernel.vfs.file import File

MAX_OFFSET: Final = (1 << 63) - 1
TASK_BLOCKED: Final = 2
MAX_CHAIN: Final = 10  # as Linux: longer chains are not followed
MAX_RANGES: Final = 4096  # of one file: every attempt walks them; beyond, ENOLCK


class RangeLock:
    start: int
    end: int  # last byte; MAX_OFFSET: to the end of the file
    kind: int  # F_RDLCK, F_WRLCK
    table: "FileTable | None"  # owner of a POSIX lock
    file: "File | None"  # owner of an OFD lock
    pid: int  # who set it; −1 for OFD locks

    def __init__(self, start: int, end: int, kind: int, table: "FileTable | None", file: "File | None", pid: int) -> None:
        self.start = start
        self.end = end
        self.kind = kind
        self.table = table
        self.file = file
        self.pid = pid

    def same_owner(self, other: "RangeLock") -> bool:
        return self.table is other.table and self.file is other.file


class FlockLock:
    def __init__(self, file: "File", is_exclusive: bool, pid: int) -> None:
        self.file = file
        self.is_exclusive = is_exclusive
        self.pid = pid  # who took it


class LockList:
    ranges: list[RangeLock]  # POSIX and OFD locks; one owner's do not overlap
    flocks: list[FlockLock]
    queue: WaitQueue  # woken when a lock goes or shrinks

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.ranges = []
        self.flocks = []
        self.queue = WaitQueue()

    def conflict(self, wanted: RangeLock) -> RangeLock | None:
        """A lock of somebody else that stands in the way of `wanted`."""
        for lock in self.ranges:
            if (
                lock.start <= wanted.end
                and wanted.start <= lock.end
                and (lock.kind == F_WRLCK or wanted.kind == F_WRLCK)
                and not lock.same_owner(wanted)
            ):
                return lock
        return None

    def set_range(self, wanted: RangeLock) -> None:
        """Sets or (F_UNLCK) removes the owner's lock on the range: splits and merges its others. There is no conflict
        (the caller has asked)."""
        before: list[RangeLock] = []  # other owners' locks, in two parts: an owner's stand together, by start, where its first stood
        after: list[RangeLock] = []
        result: list[RangeLock] = []
        has_own = False
        start = wanted.start
        end = wanted.end
        for lock in self.ranges:
            if not lock.same_owner(wanted):
                (after if has_own else before).append(lock)
                continue
            has_own = True
            if lock.kind == wanted.kind and lock.start <= end + 1 and start <= lock.end + 1:
                start = min(start, lock.start)  # Touches or overlaps: one lock.
                end = max(end, lock.end)
            elif lock.end < start or lock.start > end:
                result.append(lock)
            else:
                if lock.start < start:
                    result.append(RangeLock(lock.start, start - 1, lock.kind, lock.table, lock.file, lock.pid))
                if lock.end > end:
                    result.append(RangeLock(end + 1, lock.end, lock.kind, lock.table, lock.file, lock.pid))
        if wanted.kind != F_UNLCK:
            result.append(RangeLock(start, end, wanted.kind, wanted.table, wanted.file, wanted.pid))
        result.sort(key=_start_of)
        self._replace(before + result + after)
        # Also for a write lock that became a read lock: readers may go on.
        self.queue.wake()

    def is_full(self) -> bool:
        return len(self.ranges) >= MAX_RANGES or not self.ledger.has_room(2 * LOCK)

    def _replace(self, ranges: list[RangeLock]) -> None:
        self.ledger.used += (len(ranges) - len(self.ranges)) * LOCK
        self.ranges = ranges

    def release_table(self, table: "FileTable") -> None:
        """A process closed a descriptor of the file: all its POSIX locks on it go."""
        kept = [lock for lock in self.ranges if lock.table is not table]
        if len(kept) != len(self.ranges):
            self._replace(kept)
            self.queue.wake()

    def release_file(self, file: "File") -> None:
        """An open file is gone, and its OFD and flock locks with it."""
        ranges = [lock for lock in self.ranges if lock.file is not file]
        flocks = [lock for lock in self.flocks if lock.file is not file]
        if len(ranges) != len(self.ranges) or len(flocks) != len(self.flocks):
            self._replace(ranges)
            self.flocks = flocks
            self.queue.wake()

    def try_flock(self, file: "File", is_exclusive: bool, pid: int) -> bool:
        """flock(2). A conversion gives the old lock up first, also if it then fails (flock(2), NOTES)."""
        own: FlockLock | None = None
        for lock in self.flocks:
            if lock.file is file:
                own = lock
        if own is not None:
            if own.is_exclusive == is_exclusive:
                return True
            self.flocks.remove(own)
            self.queue.wake()
        for lock in self.flocks:
            if is_exclusive or lock.is_exclusive:
                return False
        self.flocks.append(FlockLock(file, is_exclusive, pid))
        return True

    def drop_flock(self, file: "File") -> None:
        kept = [lock for lock in self.flocks if lock.file is not file]
        if len(kept) != len(self.flocks):
            self.flocks = kept
            self.queue.wake()


def _start_of(lock: RangeLock) -> int:
    return lock.start


def would_deadlock(table: "FileTable", blocker: RangeLock) -> bool:
    """Would waiting of `table` for the POSIX lock `blocker` close a circle?"""
    owner = blocker.table
    for _ in range(MAX_CHAIN):
        if owner is None:
            return False
        if owner is table:
            return True
        owner = _waits_for(owner)
    return False


def _waits_for(table: "FileTable") -> "FileTable | None":
    """Whose lock a task of `table` waits for now. Records of waits that have ended are dropped."""
    for task, record in list(table.lock_waits.items()):
        if task.wait is not record or task.state != TASK_BLOCKED:
            del table.lock_waits[task]
            continue
        owner = record.extra
        from cruck.kernel.process.file_table import FileTable

        if isinstance(owner, FileTable):
            return owner
    return None


def forget_wait(task: "Task") -> None:
    task.files.lock_waits.pop(task, None)


__all__ = ["F_RDLCK", "MAX_OFFSET", "FlockLock", "LockList", "RangeLock", "forget_wait", "would_deadlock"]
