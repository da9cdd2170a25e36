# SPDX-License-Identifier: MPL-2.0
"""Limits: include/uapi/linux/limits.h, and those of other headers that have no better place."""

from typing import Final

NR_OPEN: Final = 1024
NGROUPS_MAX: Final = 65536
ARG_MAX: Final = 131072
LINK_MAX: Final = 127
MAX_CANON: Final = 255
MAX_INPUT: Final = 255
NAME_MAX: Final = 255
PATH_MAX: Final = 4096
PIPE_BUF: Final = 4096
XATTR_NAME_MAX: Final = 255
XATTR_SIZE_MAX: Final = 65536
XATTR_LIST_MAX: Final = 65536
RTSIG_MAX: Final = 32
IOV_MAX: Final = 1024

# Strings of a new program
MAX_ARG_STRLEN: Final = 131072  # 32 pages
MAX_ARG_STRINGS: Final = 0x7FFFFFFF
BINPRM_BUF_SIZE: Final = 256
MAXSYMLINKS: Final = 40
TASK_COMM_LEN: Final = 16

PAGE_SHIFT: Final = 12
PAGE_SIZE: Final = 4096
TASK_SIZE: Final = 0x7FFFFFFFF000  # the end of a program's addresses, with 47 bits

PIPE_DEFAULT_SIZE: Final = 65536
PIPE_MAX_SIZE: Final = 1048576  # /proc/sys/fs/pipe-max-size, for the unprivileged

PID_MAX_DEFAULT: Final = 32768
PID_MAX_LIMIT: Final = 4194304
DEFAULT_MAX_MAP_COUNT: Final = 65530
UMASK_DEFAULT: Final = 0o22

# C's
INT_MAX: Final = 2147483647
INT_MIN: Final = -2147483648
UINT_MAX: Final = 4294967295
LONG_MAX: Final = 9223372036854775807
LONG_MIN: Final = -9223372036854775808
ULONG_MAX: Final = 0xFFFFFFFFFFFFFFFF
SSIZE_MAX: Final = 9223372036854775807
