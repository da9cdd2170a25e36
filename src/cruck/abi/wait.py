# SPDX-License-Identifier: MPL-2.0
"""Waiting for children: include/uapi/linux/wait.h, and how a status word is made."""

from typing import Final

WNOHANG: Final = 0x00000001
WUNTRACED: Final = 0x00000002
WSTOPPED: Final = 0x00000002
WEXITED: Final = 0x00000004
WCONTINUED: Final = 0x00000008
WNOWAIT: Final = 0x01000000
__WNOTHREAD: Final = 0x20000000
__WALL: Final = 0x40000000
__WCLONE: Final = 0x80000000

# waitid: which
P_ALL: Final = 0
P_PID: Final = 1
P_PGID: Final = 2
P_PIDFD: Final = 3

# The status word: an exit is code << 8, a kill is the signal (and WCOREFLAG), a stop is signal << 8 | 0x7F
WCOREFLAG: Final = 0x80
WSTATUS_STOPPED: Final = 0x7F
WSTATUS_CONTINUED: Final = 0xFFFF
