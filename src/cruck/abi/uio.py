# SPDX-License-Identifier: MPL-2.0
"""Vectored I/O: include/uapi/linux/uio.h, and the `RWF_*` of linux/fs.h."""

from typing import Final

from cruck.abi.layout import Layout

UIO_FASTIOV: Final = 8
UIO_MAXIOV: Final = 1024
MAX_RW_COUNT: Final = 0x7FFFF000  # the most that one read or write moves

IOVEC: Final = Layout("iovec", (("iov_base", "ptr"), ("iov_len", "u64")))

# preadv2, pwritev2
RWF_HIPRI: Final = 0x1
RWF_DSYNC: Final = 0x2
RWF_SYNC: Final = 0x4
RWF_NOWAIT: Final = 0x8
RWF_APPEND: Final = 0x10
RWF_NOAPPEND: Final = 0x20  # Linux 6.9
RWF_ATOMIC: Final = 0x40  # Linux 6.11
RWF_DONTCACHE: Final = 0x80  # Linux 6.14
