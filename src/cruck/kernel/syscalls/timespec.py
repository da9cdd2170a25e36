# SPDX-License-Identifier: MPL-2.0
"""struct timespec and struct timeval in guest memory, as ns. Times of calls that wait: deadlines on CLOCK_MONOTONIC."""

import struct
from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EINVAL
from cruck.kernel.errors import LinuxError

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.process.task import Task

NSEC_PER_SEC: Final = 1_000_000_000
KTIME_MAX: Final = (1 << 63) - 1  # ns, about 292 years: Linux's longest time
_TWO_S64: Final = struct.Struct("<qq")

CLOCK_REALTIME: Final = 0
CLOCK_MONOTONIC: Final = 1
CLOCK_BOOTTIME: Final = 7


def to_ns(seconds: int, nanoseconds: int) -> int:
    """Errors: LinuxError(EINVAL) for a negative time or nanoseconds outside [0, 1e9)."""
    if seconds < 0 or not 0 <= nanoseconds < NSEC_PER_SEC:
        raise LinuxError(EINVAL)
    return min(seconds * NSEC_PER_SEC + nanoseconds, KTIME_MAX)


def read_timespec(task: "Task", addr: int) -> int:
    """ns. Errors: LinuxError(EINVAL), UserFault."""
    seconds, nanoseconds = _TWO_S64.unpack(task.user.read(addr, 16))
    return to_ns(seconds, nanoseconds)


def read_select_timeval(task: "Task", addr: int) -> int:
    """ns. select(2) takes microseconds above a million as seconds. Errors: LinuxError(EINVAL), UserFault."""
    seconds, micros = _TWO_S64.unpack(task.user.read(addr, 16))
    if micros < 0:
        raise LinuxError(EINVAL)
    return to_ns(seconds + micros // 1_000_000, micros % 1_000_000 * 1000)


def pack_timespec(ns: int) -> bytes:
    return _TWO_S64.pack(ns // NSEC_PER_SEC, ns % NSEC_PER_SEC)


def pack_timeval(ns: int) -> bytes:
    return _TWO_S64.pack(ns // NSEC_PER_SEC, ns % NSEC_PER_SEC // 1000)


def clock_ns(kernel: "Kernel", clock_id: int) -> int:
    """The time of CLOCK_REALTIME, CLOCK_MONOTONIC or CLOCK_BOOTTIME."""
    if clock_id == CLOCK_REALTIME:
        return kernel.clock.realtime_ns()
    if clock_id == CLOCK_BOOTTIME:
        return kernel.clock.boottime_ns()
    return kernel.clock.monotonic_ns()


def monotonic_deadline(kernel: "Kernel", clock_id: int, absolute_ns: int) -> int:
    """When CLOCK_MONOTONIC will show what `clock_id` calls `absolute_ns`; never < 0."""
    if clock_id == CLOCK_MONOTONIC:
        return absolute_ns
    return max(0, absolute_ns - clock_ns(kernel, clock_id) + kernel.clock.monotonic_ns())


def deadline_from_now(kernel: "Kernel", timeout_ns: int) -> int:
    return min(kernel.clock.monotonic_ns() + timeout_ns, KTIME_MAX)
