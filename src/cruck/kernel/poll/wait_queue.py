# SPDX-License-Identifier: MPL-2.0
"""Wait queues: who is to be told when something changes.

A service wakes its queue after a change; it never knows who waits. Waiters are tasks (a blocked call is run again) and
epoll items. Plain data: no callbacks, no closures.
"""

from typing import Final

ALL_EVENTS: Final = 0xFFFF_FFFF


class Waiter:
    """Whoever can stand in a wait queue."""

    def notify(self, queue: "WaitQueue", events: int) -> bool:
        """Something changed. `events` are the POLL* bits that may be new. Returns True if this waiter takes the event
        for itself (counts for `wake_one`). May remove itself from the queue."""
        raise NotImplementedError


class WaitQueue:
    waiters: dict[Waiter, int]  # in order of arrival → POLL* bits it cares about
    exclusive: dict[Waiter, int] | None  # the same, of those of whom one is enough (EPOLLEXCLUSIVE)

    def __init__(self) -> None:
        self.waiters = {}
        self.exclusive = None

    def add(self, waiter: Waiter, events: int = ALL_EVENTS) -> None:
        self.waiters[waiter] = self.waiters.get(waiter, 0) | events

    def add_exclusive(self, waiter: Waiter, events: int) -> None:
        """Told only until one of its kind takes the event."""
        if self.exclusive is None:
            self.exclusive = {}
        self.exclusive[waiter] = events

    def remove(self, waiter: Waiter) -> None:
        """No error if absent."""
        self.waiters.pop(waiter, None)
        if self.exclusive is not None:
            self.exclusive.pop(waiter, None)
            if not self.exclusive:
                self.exclusive = None

    def wake(self, events: int = ALL_EVENTS) -> None:
        """Tells every waiter that cares for one of `events`."""
        if self.waiters:
            for waiter, wanted in list(self.waiters.items()):
                if wanted & events:
                    waiter.notify(self, events)
        if self.exclusive is not None:
            self._wake_exclusive(events)

    def wake_one(self, events: int = ALL_EVENTS) -> None:
        """Tells waiters, oldest first, until one takes it. Epoll items are always told (exclusive ones only as wake() does)."""
        for waiter, wanted in list(self.waiters.items()):
            if wanted & events and waiter.notify(self, events):
                return
        if self.exclusive is not None:
            self._wake_exclusive(events)

    def _wake_exclusive(self, events: int) -> None:
        assert self.exclusive is not None
        for waiter, wanted in list(self.exclusive.items()):
            if wanted & events and waiter.notify(self, events):
                return
