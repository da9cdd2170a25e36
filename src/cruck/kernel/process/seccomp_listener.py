# SPDX-License-Identifier: MPL-2.0
"""The descriptor of a seccomp listener: its ioctls take notifications and answer them (seccomp_unotify(2), kernel/seccomp.c seccomp_notify_*)."""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import E2BIG, EBADF, EINPROGRESS, EINVAL, ENOENT
from cruck.abi.fcntl import O_CLOEXEC, O_RDWR
from cruck.abi.resource import RLIMIT_NOFILE
from cruck.abi.seccomp import (
    SECCOMP_ADDFD_FLAG_SEND,
    SECCOMP_ADDFD_FLAG_SETFD,
    SECCOMP_NOTIF,
    SECCOMP_NOTIF_ADDFD,
    SECCOMP_NOTIF_RESP,
    SECCOMP_USER_NOTIF_FLAG_CONTINUE,
)
from cruck.kernel.errors import LinuxError
from cruck.kernel.poll.wait_queue import WaitQueue
from cruck.kernel.process import seccomp
from cruck.kernel.process.seccomp_notify import POLLIN, POLLOUT, TAKEN, WAITING, Notification
from cruck.kernel.syscalls import blocking
from cruck.kernel.vfs.anon_inode import AnonFile

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.process.task import Task

RECV: Final = 0xC050_2100
SEND: Final = 0xC018_2101
ID_VALID: Final = (0x4008_2102, 0x8008_2102)  # the second with the wrong direction, as it once was
SET_FLAGS: Final = 0x4008_2104
ADDFD: Final = 0x2103  # of any size
SYNC_WAKE_UP: Final = 1
POLLHUP: Final = 0x10


class ListenerFile(AnonFile):
    filter: "seccomp.Filter"

    def __init__(self, kernel: "Kernel", owner: "seccomp.Filter") -> None:
        super().__init__(kernel, O_RDWR)
        self.filter = owner

    def release(self) -> None:
        if self.filter.listener is not None:
            self.filter.listener.close()
            self.filter.listener = None

    def poll(self) -> int:
        listener = self.filter.listener
        assert listener is not None
        mask = POLLIN if listener.first_in(WAITING) is not None else 0
        if listener.first_in(TAKEN) is not None:
            mask |= POLLOUT
        return mask if seccomp.is_used(self.kernel, self.filter) else mask | POLLHUP

    def wait_queue(self) -> WaitQueue | None:
        return self.filter.listener.queue if self.filter.listener is not None else None

    def ioctl(self, task: "Task", command: int, argument: int) -> int:
        """Errors: EINVAL (command, flags, fields), EFAULT, ENOENT (nobody waits with this number, or any more), EINPROGRESS (not taken, or answered
        already), EBADF, E2BIG, EINTR, and for a descriptor those of the task that gets it."""
        if command == RECV:
            return self._take(task, argument)
        if command == SEND:
            return self._answer(task, argument)
        if command in ID_VALID:
            found = self._find(task.user.read_u64(argument))
            return 0 if found is not None and found.state == TAKEN else -ENOENT
        if command == SET_FLAGS:
            return 0 if argument & ~SYNC_WAKE_UP == 0 else -EINVAL  # a hint for the scheduler
        if command & 0xFFFF == ADDFD:
            return self._give(task, argument, command >> 16 & 0x3FFF)
        return -EINVAL

    def _find(self, number: int) -> Notification | None:
        listener = self.filter.listener
        return listener.find(number) if listener is not None else None

    def _taken(self, number: int) -> Notification:
        """The one that somebody thinks about. Errors: LinuxError(ENOENT, EINPROGRESS: another state)."""
        found = self._find(number)
        if found is None:
            raise LinuxError(ENOENT)
        if found.state != TAKEN:
            raise LinuxError(EINPROGRESS)
        return found

    def _take(self, task: "Task", addr: int) -> int:
        listener = self.filter.listener
        assert listener is not None
        if any(task.user.read(addr, SECCOMP_NOTIF.size)):
            return -EINVAL
        found = listener.first_in(WAITING)
        if found is None:
            if not seccomp.is_used(self.kernel, self.filter):
                return -ENOENT
            return blocking.wait_on(task, listener.queue)
        nr, arch, ip, args = found.data
        task.user.write(addr, SECCOMP_NOTIF.pack(found.number, task.number_of(found.task.tid), 0, nr, arch, ip, *args))
        found.state = TAKEN
        record = found.task.wait
        if listener.waits_killable and record is not None:
            record.is_interruptible = False
        listener.queue.wake(POLLOUT)
        return 0

    def _answer(self, task: "Task", addr: int) -> int:
        number, value, error, flags = SECCOMP_NOTIF_RESP.unpack(task.user.read(addr, SECCOMP_NOTIF_RESP.size))
        goes_on = flags & SECCOMP_USER_NOTIF_FLAG_CONTINUE != 0
        if flags & ~SECCOMP_USER_NOTIF_FLAG_CONTINUE or goes_on and (error or value):
            return -EINVAL
        self._taken(number).answer(error if error else value, goes_on)
        return 0

    def _give(self, task: "Task", addr: int, size: int) -> int:
        """A copy of one of the caller's descriptors for the task that waits; its number there."""
        if size < SECCOMP_NOTIF_ADDFD.size or size >= 4096:
            return -EINVAL
        data = task.user.read(addr, size)
        if any(data[SECCOMP_NOTIF_ADDFD.size :]):
            return -E2BIG
        number, flags, source, new, new_flags = SECCOMP_NOTIF_ADDFD.unpack(data[: SECCOMP_NOTIF_ADDFD.size])
        if new_flags & ~O_CLOEXEC or flags & ~(SECCOMP_ADDFD_FLAG_SETFD | SECCOMP_ADDFD_FLAG_SEND):
            return -EINVAL
        if new and not flags & SECCOMP_ADDFD_FLAG_SETFD:
            return -EINVAL
        file = task.files.get(source)
        found = self._taken(number)
        files, limit, is_cloexec = found.task.files, found.task.process.rlimit(RLIMIT_NOFILE), new_flags & O_CLOEXEC != 0
        if flags & SECCOMP_ADDFD_FLAG_SETFD:
            if new >= limit:
                return -EBADF
            old = files.install_at(new, file, is_cloexec)
            if old is not None:
                old.put()
            given = new
        else:
            given = files.install(file, limit, is_cloexec)
        if flags & SECCOMP_ADDFD_FLAG_SEND:
            found.answer(given, False)
        return given

    def describe(self) -> str:
        return "anon_inode:seccomp notify"
