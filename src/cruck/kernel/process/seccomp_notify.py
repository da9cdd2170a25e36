# SPDX-License-Identifier: MPL-2.0
"""Calls that wait for what another process says of them (SECCOMP_RET_USER_NOTIF, seccomp_unotify(2), kernel/seccomp.c).

A filter installed with SECCOMP_FILTER_FLAG_NEW_LISTENER has a `Listener`; a call that the filter answers so becomes a `Notification` there, and
its task waits until that is answered, a signal comes, or the listener is closed. Neighbours: seccomp_listener.py (the descriptor),
syscall_work.py (the task's side).
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import ENOSYS
from cruck.kernel.poll.wait_queue import WaitQueue
from cruck.kernel.process.task import DEAD

if TYPE_CHECKING:
    from cruck.kernel.process.task import Task, WaitRecord

WAITING: Final = 0  # nobody has seen it
TAKEN: Final = 1  # somebody thinks about it
ANSWERED: Final = 2

POLLIN: Final = 0x041  # POLLIN | POLLRDNORM
POLLOUT: Final = 0x104  # POLLOUT | POLLWRNORM


class Notification:
    number: int  # never used again
    task: "Task"
    kept: "WaitRecord | None"  # what the task knew of its call before it asked
    data: tuple[int, int, int, tuple[int, int, int, int, int, int]]  # struct seccomp_data: nr, arch, ip, args
    state: int
    result: int  # once ANSWERED
    goes_on: bool  # … or the call is made after all
    queue: WaitQueue  # the task

    def __init__(self, number: int, task: "Task", data: tuple[int, int, int, tuple[int, int, int, int, int, int]]) -> None:
        self.number = number
        self.task = task
        self.kept = task.wait
        self.data = data
        self.state = WAITING
        self.result = 0
        self.goes_on = False
        self.queue = WaitQueue()

    def answer(self, result: int, goes_on: bool) -> None:
        self.state = ANSWERED
        self.result = result
        self.goes_on = goes_on
        self.queue.wake()


class Listener:
    notifications: list[Notification]  # oldest first; those of tasks that have died are dropped when somebody looks
    next_number: int
    is_open: bool
    waits_killable: bool  # once TAKEN only a fatal signal ends a wait (SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV)
    queue: WaitQueue  # whoever has the descriptor

    def __init__(self, waits_killable: bool) -> None:
        self.notifications = []
        self.next_number = 1
        self.is_open = True
        self.waits_killable = waits_killable
        self.queue = WaitQueue()

    def ask(self, task: "Task", data: tuple[int, int, int, tuple[int, int, int, int, int, int]]) -> Notification:
        notification = Notification(self.next_number, task, data)
        self.next_number += 1
        self.notifications.append(notification)
        self.queue.wake(POLLIN)
        return notification

    def first_in(self, state: int) -> Notification | None:
        self.notifications = [each for each in self.notifications if each.task.state != DEAD]
        for notification in self.notifications:
            if notification.state == state:
                return notification
        return None

    def find(self, number: int) -> Notification | None:
        for notification in self.notifications:
            if notification.number == number and notification.task.state != DEAD:
                return notification
        return None

    def forget(self, notification: Notification) -> None:
        self.notifications = [each for each in self.notifications if each is not notification]

    def close(self) -> None:
        """Nobody will answer any more."""
        self.is_open = False
        for notification in self.notifications:
            if notification.state != ANSWERED:
                notification.answer(-ENOSYS, False)
