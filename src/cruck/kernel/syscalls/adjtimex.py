# SPDX-License-Identifier: MPL-2.0
"""adjtimex, clock_adjtime: the state of the clock can be read; nobody may change the run's clock."""

from typing import Final

from cruck.abi.errno import EINVAL, EOPNOTSUPP, EPERM
from cruck.abi.time import CLOCK_REALTIME, TIMEX
from cruck.kernel.process.task import Task
from cruck.kernel.syscalls.time import clock_ns
from cruck.kernel.syscalls.types import ClockId, UserAddr

TIME_ERROR: Final = 5  # the clock is not synchronised
STA_UNSYNC: Final = 0x40
STA_NANO: Final = 0x2000
ADJ_OFFSET_SINGLESHOT: Final = 0x8001
ADJ_OFFSET_SS_READ: Final = 0xA001
ADJ_ADJTIME: Final = 0x8000
ADJ_OFFSET_READONLY: Final = 0x2000
ADJ_TICK: Final = 0x4000
MIN_TICK: Final = 9000  # µs, at USER_HZ 100
MAX_TICK: Final = 11000
NS_PER_TICK_US: Final = 10_000
MAX_ERROR_US: Final = 16_000_000
TOLERANCE: Final = 500 << 16  # parts per million
TIME_CONSTANT: Final = 2


def sys_adjtimex(task: Task, buffer: UserAddr) -> int:
    """The state of the clock: TIME_ERROR, not synchronised. Errors: EFAULT, EINVAL (modes, tick), EPERM (any change)."""
    return _adjust(task, buffer, task.user.read(buffer, TIMEX.size))


def _adjust(task: Task, buffer: UserAddr, content: bytes) -> int:
    values = TIMEX.unpack(content)
    modes, tick = values[0], values[TIMEX.field_names.index("tick")]
    if modes & ADJ_ADJTIME:
        if not modes & 1:  # ADJ_OFFSET belongs to it
            return -EINVAL
        if not modes & ADJ_OFFSET_READONLY:
            return -EPERM
    elif modes:
        if modes & ADJ_TICK and not MIN_TICK <= tick <= MAX_TICK:
            return -EINVAL
        return -EPERM
    now_ns = task.kernel.clock.realtime_ns()
    numbers = {
        "modes": modes,
        "maxerror": MAX_ERROR_US,
        "esterror": MAX_ERROR_US,
        "status": STA_UNSYNC,
        "constant": TIME_CONSTANT,
        "precision": 1,
        "tolerance": TOLERANCE,
        "time.tv_sec": now_ns // 1_000_000_000,
        "time.tv_usec": now_ns % 1_000_000_000 // 1000,
        "tick": NS_PER_TICK_US,
    }
    task.user.write(buffer, TIMEX.pack(*[numbers.get(name, 0) for name in TIMEX.field_names]))
    return TIME_ERROR


def sys_clock_adjtime(task: Task, which_clock: ClockId, buffer: UserAddr) -> int:
    """As adjtimex. Errors: also EINVAL (no such clock), EOPNOTSUPP (another than CLOCK_REALTIME)."""
    content = task.user.read(buffer, TIMEX.size)
    if which_clock >= 0:
        clock_ns(task, which_clock)
    if which_clock != CLOCK_REALTIME:
        return -EOPNOTSUPP
    return _adjust(task, buffer, content)
