# SPDX-License-Identifier: MPL-2.0
"""Clocks as objects: the kernel gets its time by constructor, so that a test or a replay can give it another.

All times are nanoseconds. `raw` deadlines passed to `Machine.wait` are the host's CLOCK_MONOTONIC; `HostClock` is that clock.
"""

import time


class Clock:
    """Source of time for one kernel."""

    def monotonic_ns(self) -> int:
        """CLOCK_MONOTONIC of the guest."""
        raise NotImplementedError

    def realtime_ns(self) -> int:
        """CLOCK_REALTIME of the guest: ns since the epoch."""
        raise NotImplementedError

    def boottime_ns(self) -> int:
        """CLOCK_BOOTTIME of the guest."""
        raise NotImplementedError

    def coarse_ns(self, is_realtime: bool) -> int:
        """CLOCK_REALTIME_COARSE or CLOCK_MONOTONIC_COARSE: never ahead of the fine one."""
        return self.realtime_ns() if is_realtime else self.monotonic_ns()

    def host_deadline_ns(self, monotonic_ns: int) -> int:
        """The host CLOCK_MONOTONIC time at which the guest's clock reaches `monotonic_ns`; −1 never by itself."""
        raise NotImplementedError


class HostClock(Clock):
    def monotonic_ns(self) -> int:
        return time.monotonic_ns()

    def realtime_ns(self) -> int:
        return time.time_ns()

    def boottime_ns(self) -> int:
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)

    def coarse_ns(self, is_realtime: bool) -> int:
        return time.clock_gettime_ns(5 if is_realtime else 6)  # the vDSO reads these; a call must not be ahead of it

    def host_deadline_ns(self, monotonic_ns: int) -> int:
        return monotonic_ns


class ManualClock(Clock):
    """Stands still until told: for tests. Plain data."""

    def __init__(self, monotonic_ns: int = 1_000_000_000, realtime_ns: int = 1_700_000_000_000_000_000) -> None:
        self.now_ns = monotonic_ns
        self.offset_ns = realtime_ns - monotonic_ns

    def advance(self, ns: int) -> None:
        self.now_ns += ns

    def monotonic_ns(self) -> int:
        return self.now_ns

    def realtime_ns(self) -> int:
        return self.now_ns + self.offset_ns

    def boottime_ns(self) -> int:
        return self.now_ns

    def host_deadline_ns(self, monotonic_ns: int) -> int:
        return 0 if monotonic_ns <= self.now_ns else -1
