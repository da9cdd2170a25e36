# SPDX-License-Identifier: MPL-2.0
"""poll(2) and select(2): include/uapi/asm-generic/poll.h, include/uapi/linux/posix_types.h."""

from typing import Final

from cruck.abi.layout import Layout

POLLIN: Final = 0x1
POLLPRI: Final = 0x2
POLLOUT: Final = 0x4
POLLERR: Final = 0x8
POLLHUP: Final = 0x10
POLLNVAL: Final = 0x20
POLLRDNORM: Final = 0x40
POLLRDBAND: Final = 0x80
POLLWRNORM: Final = 0x100
POLLWRBAND: Final = 0x200
POLLMSG: Final = 0x400
POLLREMOVE: Final = 0x1000
POLLRDHUP: Final = 0x2000
POLLFREE: Final = 0x4000  # internal: the wait queue goes away
POLL_BUSY_LOOP: Final = 0x8000  # internal

# What select(2) means by readable, writable, exceptional
POLLIN_SET: Final = 0xD9  # POLLRDNORM | POLLRDBAND | POLLIN | POLLHUP | POLLERR
POLLOUT_SET: Final = 0x30C  # POLLWRBAND | POLLWRNORM | POLLOUT | POLLERR
POLLEX_SET: Final = 0x2  # POLLPRI

POLLFD: Final = Layout("pollfd", (("fd", "s32"), ("events", "s16"), ("revents", "s16")))

# select(2): an fd_set has this many bits, in words of 64
FD_SETSIZE: Final = 1024
