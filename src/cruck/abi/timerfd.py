# SPDX-License-Identifier: MPL-2.0
"""timerfd: include/uapi/linux/timerfd.h."""

from typing import Final

TFD_CLOEXEC: Final = 0o2000000
TFD_NONBLOCK: Final = 0o4000

# timerfd_settime
TFD_TIMER_ABSTIME: Final = 0x1
TFD_TIMER_CANCEL_ON_SET: Final = 0x2

TFD_IOC_SET_TICKS: Final = 0x40085400
