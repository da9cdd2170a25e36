# SPDX-License-Identifier: MPL-2.0
"""Execution domains: include/uapi/linux/personality.h."""

from typing import Final

# Options
UNAME26: Final = 0x00020000
ADDR_NO_RANDOMIZE: Final = 0x00040000
FDPIC_FUNCPTRS: Final = 0x00080000
MMAP_PAGE_ZERO: Final = 0x00100000
ADDR_COMPAT_LAYOUT: Final = 0x00200000
READ_IMPLIES_EXEC: Final = 0x00400000
ADDR_LIMIT_32BIT: Final = 0x00800000
SHORT_INODE: Final = 0x01000000
WHOLE_SECONDS: Final = 0x02000000
STICKY_TIMEOUTS: Final = 0x04000000
ADDR_LIMIT_3GB: Final = 0x08000000
PER_CLEAR_ON_SETID: Final = 0x00740000

# Domains
PER_LINUX: Final = 0x0000
PER_LINUX32: Final = 0x0008
PER_MASK: Final = 0x00FF
PER_QUERY: Final = 0xFFFFFFFF  # personality(2) with this changes nothing
