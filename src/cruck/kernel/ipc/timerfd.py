# SPDX-License-Identifier: MPL-2.0
"""timerfd_create(2): a timer that is read. Source: Linux fs/timerfd.c.

A periodic timer fires once and counts what it missed when it is looked at (read or timerfd_gettime), as Linux does: nobody who does not
look makes the kernel work.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EINVAL
from cruck.framework.mm.user_memory import VmWriter
from cruck.kernel.errors import WOULD_BLOCK
from cruck.kernel.poll.wait_queue import WaitQueue
from cruck.kernel.time.timers import Timer, TimerTarget
from cruck.kernel.vfs.anon_inode import AnonFile

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel

POLLIN: Final = 1


class TimerFile(AnonFile):
    clock_id: int
    ticks: int  # expirations not yet read
    deadline_ns: int  # CLOCK_MONOTONIC, of the next or the last expiration; −1: disarmed
    interval_ns: int  # 0: one shot
    has_fired: bool  # since `deadline_ns` was set
    timer: Timer | None
    target: "TimerFileTarget"
    queue: WaitQueue

    def __init__(self, kernel: "Kernel", clock_id: int, flags: int) -> None:
        super().__init__(kernel, flags)
        self.clock_id = clock_id
        self.ticks = 0
        self.deadline_ns = -1
        self.interval_ns = 0
        self.has_fired = False
        self.timer = None
        self.target = TimerFileTarget(self)
        self.queue = WaitQueue()

    def set(self, deadline_ns: int, interval_ns: int) -> None:
        """Arms it (deadline_ns < 0: disarms) and forgets expirations not yet read."""
        self._cancel()
        self.ticks = 0
        self.has_fired = False
        self.deadline_ns = deadline_ns
        self.interval_ns = interval_ns
        if deadline_ns >= 0:
            now_ns = self.kernel.clock.monotonic_ns()
            if deadline_ns <= now_ns:
                self.fire()
            else:
                self.timer = self.kernel.timers.add(deadline_ns, self.target)

    def remaining(self) -> tuple[int, int]:
        """(ns to the next expiration, 0 if disarmed; interval)."""
        self._forward()
        if self.deadline_ns < 0 or self.has_fired:
            return 0, self.interval_ns
        # An armed timer that is due but was not yet fired still shows as armed.
        return max(1, self.deadline_ns - self.kernel.clock.monotonic_ns()), self.interval_ns

    def fire(self) -> None:
        self.timer = None
        self.has_fired = True
        self.ticks += 1
        self.queue.wake(POLLIN)

    def _forward(self) -> None:
        """Counts the periods that went by since it fired, and arms it for the next."""
        if not self.has_fired or self.interval_ns == 0:
            return
        missed = max(0, self.kernel.clock.monotonic_ns() - self.deadline_ns) // self.interval_ns
        self.ticks += missed
        self.deadline_ns += (missed + 1) * self.interval_ns
        self.has_fired = False
        self.timer = self.kernel.timers.add(self.deadline_ns, self.target)

    def _cancel(self) -> None:
        if self.timer is not None:
            self.kernel.timers.cancel(self.timer)
            self.timer = None

    def read(self, out: VmWriter, offset: int) -> int:
        if out.remaining < 8:
            return -EINVAL
        if self.ticks == 0:
            return WOULD_BLOCK
        self._forward()
        ticks = self.ticks
        self.ticks = 0
        out.write((ticks & 0xFFFF_FFFF_FFFF_FFFF).to_bytes(8, "little"))
        return 8

    def poll(self) -> int:
        return POLLIN if self.ticks else 0

    def wait_queue(self) -> WaitQueue | None:
        return self.queue

    def release(self) -> None:
        self._cancel()

    def fdinfo(self) -> bytes:
        left_ns, interval_ns = self.remaining()
        ns = 1_000_000_000
        head = b"clockid: %d\nticks: %d\nsettime flags: 00\n" % (self.clock_id, self.ticks)
        times = (left_ns // ns, left_ns % ns, interval_ns // ns, interval_ns % ns)
        return head + b"it_value: (%d, %d)\nit_interval: (%d, %d)\n" % times

    def describe(self) -> str:
        return "anon_inode:[timerfd]"


class TimerFileTarget(TimerTarget):
    def __init__(self, file: TimerFile) -> None:
        self.file = file

    def expire(self, now_ns: int) -> None:
        self.file.fire()
