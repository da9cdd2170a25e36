# SPDX-License-Identifier: MPL-2.0
"""Ledger: an estimate of what guests make the kernel keep outside of their RAM, and the bound of it.

A process's limits (descriptors, areas, timers …) bound what one process holds; the number of processes times that is far more than a run
may use. So what can grow large is entered here, in bytes as measured (docs/soundness/exhaustion.md), and refused with the errno that
Linux has for its own system-wide limit or for a failed allocation. Callers ask `has_room()` before they change anything, and enter and
strike out what they did; half of the limit is "pressure": buffers get small then, so that everybody can go on.

Plain numbers; one ledger a kernel. Not here: RAM (the machine's frames), what the host's file trees make the kernel remember.
"""

from typing import Final

# Measured, rounded up: bytes of Python objects a piece.
DESCRIPTOR: Final = 2048  # with the open file (sockets: twice that, most others a fourth)
AREA: Final = 512  # of an address space
TASK: Final = 24_576
INODE: Final = 2048  # of a file system in memory, with its name
EPOLL_ITEM: Final = 512
LOCK: Final = 256
EVENT: Final = 256  # of inotify
TIMER: Final = 384  # of timer_create(2)

LEAST_BYTES: Final = 64 << 20
MOST_BYTES: Final = 4 << 30


class Ledger:
    limit: int  # bytes
    used: int  # bytes; entered without asking where a refusal would come too late, so it may be a little above the limit

    def __init__(self, ram_bytes: int) -> None:
        """A quarter of the run's RAM, 64 MiB at least, 4 GiB at most."""
        self.limit = min(max(ram_bytes // 4, LEAST_BYTES), MOST_BYTES)
        self.used = 0

    def has_room(self, size: int) -> bool:
        return self.used + size <= self.limit

    def is_pressed(self) -> bool:
        """Buffers shall be small."""
        return self.used * 2 > self.limit


class Unlimited(Ledger):
    """For what stands alone: tests of one service."""

    def __init__(self) -> None:
        super().__init__(0)
        self.limit = 1 << 62
