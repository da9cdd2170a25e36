# SPDX-License-Identifier: MPL-2.0
"""eventfd: include/uapi/linux/eventfd.h."""

from typing import Final

EFD_SEMAPHORE: Final = 0o1
EFD_CLOEXEC: Final = 0o2000000
EFD_NONBLOCK: Final = 0o4000
