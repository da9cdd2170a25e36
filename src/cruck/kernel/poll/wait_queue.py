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
    def __init__(self) -> None:
        self.waiters: dict[Waiter, int] = {}  # in order of arrival → POLL* bits it cares about

    def add(self, waiter: Waiter, events: int = ALL_EVENTS) -> None:
        self.waiters[waiter] = self.waiters.get(waiter, 0) | events

    def remove(self, waiter: Waiter) -> None:
        """No error if absent."""
        self.waiters.pop(waiter, None)

    def wake(self, events: int = ALL_EVENTS) -> None:
        """Tells every waiter that cares for one of `events`."""
        if self.waiters:
            for waiter, wanted in list(self.waiters.items()):
                if wanted & events:
                    waiter.notify(self, events)

    def wake_one(self, events: int = ALL_EVENTS) -> None:
        """Tells waiters, oldest first, until one takes it. Epoll items are always told."""
        for waiter, wanted in list(self.waiters.items()):
            if wanted & events and waiter.notify(self, events):
                return
