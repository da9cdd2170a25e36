# SPDX-License-Identifier: MPL-2.0
"""FileOwner: who gets a file's SIGIO (F_SETOWN, F_SETSIG, O_ASYNC; Linux fs/fcntl.c send_sigio).

With O_ASYNC the owner stands in the file's wait queue as a waiter that takes nothing and signals instead. Leases and directory
notification (dnotify.py) use the same owner to say what they have to say.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EINVAL, ESRCH
from cruck.abi.fcntl import F_OWNER_PGRP, F_OWNER_PID, F_OWNER_TID
from cruck.kernel.poll.wait_queue import ALL_EVENTS, Waiter, WaitQueue
from cruck.kernel.signal.pending import SI_KERNEL, SigInfo

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.process.task import Task
    from cruck.kernel.vfs.file import File

SIGIO: Final = 29
SIGURG: Final = 23
POLL_IN: Final = 1  # si_code
POLL_OUT: Final = 2
POLL_MSG: Final = 3
POLL_ERR: Final = 4
POLL_PRI: Final = 5
POLL_HUP: Final = 6
# si_band of each.
BANDS: Final = {POLL_IN: 0x41, POLL_OUT: 0x304, POLL_MSG: 0x441, POLL_ERR: 0x8, POLL_PRI: 0x82, POLL_HUP: 0x18}
# The POLL* bit that asks for each code, in the order they are looked for.
_CODES: Final = ((0x1, POLL_IN), (0x10, POLL_HUP), (0x4, POLL_OUT), (0x2, POLL_PRI), (0x8, POLL_ERR))


class FileOwner(Waiter):
    kernel: "Kernel"
    file: "File"
    kind: int  # F_OWNER_*
    number: int  # thread, process or group; 0 nobody
    uid: int  # of who set it: the signal is sent with that permission
    euid: int
    signo: int  # F_SETSIG; 0: SIGIO without details
    fd: int  # si_fd: the descriptor O_ASYNC was set through
    queue: WaitQueue | None  # where it stands while O_ASYNC is on

    def __init__(self, kernel: "Kernel", file: "File") -> None:
        self.kernel = kernel
        self.file = file
        self.kind = F_OWNER_PID
        self.number = self.uid = self.euid = self.signo = 0
        self.fd = -1
        self.queue = None

    def set(self, task: "Task", kind: int, number: int) -> None:
        self.kind = kind
        self.number = number
        self.uid, self.euid = task.creds.uid, task.creds.euid

    def arm(self, fd: int, queue: WaitQueue) -> None:
        self.fd = fd
        self.queue = queue
        queue.add(self, ALL_EVENTS)

    def disarm(self) -> None:
        if self.queue is not None:
            self.queue.remove(self)
            self.queue = None

    def notify(self, queue: WaitQueue, events: int) -> bool:
        happened = events & self.file.poll()
        for bit, code in _CODES:
            if happened & bit:
                self.send(code, self.fd)
                break
        return False

    def send(self, code: int, fd: int) -> None:
        """Args: code: POLL_*."""
        for task in self._receivers():
            self._send_to(task, self.kind == F_OWNER_TID, code, fd)

    def send_urgent(self) -> None:
        """SIGURG: urgent data has come (send_sigurg)."""
        for task in self._receivers():
            self._queue(task, self.kind == F_OWNER_TID, SigInfo(SIGURG, SI_KERNEL))

    def _receivers(self) -> "list[Task]":
        """One task for each process it means, or the one thread."""
        kernel = self.kernel
        found: list[Task | None] = []
        if self.number == 0:
            return []
        if self.kind == F_OWNER_TID:
            found.append(kernel.tasks.get(self.number))
        elif self.kind == F_OWNER_PGRP:
            group = kernel.groups.get(self.number)
            for process in list(group.members) if group is not None else ():
                found.append(process.any_thread())
        else:
            owner = kernel.processes.get(self.number)
            found.append(owner.any_thread() if owner is not None else None)
        return [task for task in found if task is not None and self._may_signal(task)]

    def _send_to(self, task: "Task", is_thread: bool, code: int, fd: int) -> None:
        if self.signo:
            info = SigInfo(self.signo, code)
            info.band, info.fd = BANDS[code], fd
            if self._queue(task, is_thread, info) == 0:
                return
        # The queue of real-time signals is full, or none was asked for.
        self._queue(task, is_thread, SigInfo(SIGIO, SI_KERNEL))

    def _queue(self, task: "Task", is_thread: bool, info: SigInfo) -> int:
        if is_thread:
            return self.kernel.send_signal_task(task, info.signo, info)
        return self.kernel.send_signal_process(task.process, info.signo, info)

    def _may_signal(self, task: "Task") -> bool:
        creds = task.creds
        return self.euid == 0 or self.euid in (creds.suid, creds.uid) or self.uid in (creds.suid, creds.uid)


def owner_of(task: "Task", file: "File") -> FileOwner:
    """The file's, made if there is none yet."""
    if file.owner is None:
        file.owner = FileOwner(task.kernel, file)
    return file.owner


def set_async(task: "Task", file: "File", fd: int, on: bool) -> None:
    """O_ASYNC of F_SETFL and FIOASYNC. Files that cannot signal ignore it, as on Linux."""
    from cruck.abi.fcntl import FASYNC

    queue = file.wait_queue() if file.supports_async() else None
    if queue is None or on == bool(file.flags & FASYNC):
        return
    owner = owner_of(task, file)
    if on:
        owner.arm(fd, queue)
        file.flags |= FASYNC
        if owner.number == 0:
            file.set_default_owner(task, owner)
    else:
        owner.disarm()
        file.flags &= ~FASYNC


def owner_number(task: "Task", file: "File") -> int:
    """F_GETOWN, FIOGETOWN: a process, or a group as a negative number; 0 nobody."""
    owner = file.owner
    if owner is None:
        return 0
    number = task.number_of(owner.number)
    return -number if owner.kind == F_OWNER_PGRP else number


def set_owner_number(task: "Task", file: "File", number: int) -> int:
    """F_SETOWN, FIOSETOWN. Returns: 0, −EINVAL (the smallest number), −ESRCH."""
    if number == -(1 << 31):
        return -EINVAL
    return set_owner(task, file, F_OWNER_PGRP if number < 0 else F_OWNER_PID, abs(number))


def set_owner(task: "Task", file: "File", kind: int, number: int) -> int:
    """0 (nobody from now on, if `number` is 0) or −ESRCH."""
    kernel = task.kernel
    if number:
        number = task.process.pid_ns.find(number)
        exists = number in kernel.groups if kind == F_OWNER_PGRP else number in kernel.processes or number in kernel.tasks
        if not exists:
            return -ESRCH
    owner_of(task, file).set(task, kind, number)
    return 0
