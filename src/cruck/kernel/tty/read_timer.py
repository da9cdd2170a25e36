# SPDX-License-Identifier: MPL-2.0
"""ReadTimer: VTIME of one blocked read (termios(3), n_tty_read).

With VMIN = 0 it bounds the whole read; with VMIN > 0 it is the longest pause between bytes, and starts with the first.
It lives from the read's first block to its end; a record of an abandoned call (killed, restarted) is recognised by the
task's WaitRecord being another.
"""

from typing import TYPE_CHECKING, Final

from cruck.kernel.poll.wait_queue import WaitQueue
from cruck.kernel.time.timers import Timer, TimerTarget

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.process.task import WaitRecord

NS_PER_TENTH: Final = 100_000_000
POLLIN: Final = 0x001


class ReadTimer(TimerTarget):
    kernel: "Kernel"
    record: "WaitRecord"  # of the call it belongs to
    queue: WaitQueue  # where the reader waits
    timer: Timer | None
    nr_seen: int  # bytes there were when it was set
    is_expired: bool

    def __init__(self, kernel: "Kernel", record: "WaitRecord", queue: WaitQueue) -> None:
        self.kernel = kernel
        self.record = record
        self.queue = queue
        self.timer = None
        self.nr_seen = 0
        self.is_expired = False

    def start(self, tenths: int, nr_seen: int) -> None:
        self.cancel()
        self.is_expired = False
        self.nr_seen = nr_seen
        self.timer = self.kernel.timers.add(self.kernel.clock.monotonic_ns() + tenths * NS_PER_TENTH, self)

    def cancel(self) -> None:
        if self.timer is not None:
            self.kernel.timers.cancel(self.timer)
            self.timer = None

    def expire(self, now_ns: int) -> None:
        self.timer = None
        self.is_expired = True
        self.queue.wake(POLLIN)
