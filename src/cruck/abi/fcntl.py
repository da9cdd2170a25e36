# SPDX-License-Identifier: MPL-2.0
"""Opening and controlling files: include/uapi/asm-generic/fcntl.h, linux/fcntl.h, linux/openat2.h, linux/falloc.h.

The `AT_*` of the auxiliary vector are in `auxvec`. `O_LARGEFILE` is the kernel's, not glibc's zero.
"""

from typing import Final

from cruck.abi.layout import Layout

# open flags
O_ACCMODE: Final = 0o3
O_RDONLY: Final = 0
O_WRONLY: Final = 0o1
O_RDWR: Final = 0o2
O_CREAT: Final = 0o100
O_EXCL: Final = 0o200
O_NOCTTY: Final = 0o400
O_TRUNC: Final = 0o1000
O_APPEND: Final = 0o2000
O_NONBLOCK: Final = 0o4000
O_NDELAY: Final = 0o4000
O_DSYNC: Final = 0o10000
FASYNC: Final = 0o20000
O_ASYNC: Final = 0o20000
O_DIRECT: Final = 0o40000
O_LARGEFILE: Final = 0o100000
O_DIRECTORY: Final = 0o200000
O_NOFOLLOW: Final = 0o400000
O_NOATIME: Final = 0o1000000
O_CLOEXEC: Final = 0o2000000
__O_SYNC: Final = 0o4000000
O_SYNC: Final = 0o4010000
O_PATH: Final = 0o10000000
__O_TMPFILE: Final = 0o20000000
O_TMPFILE: Final = 0o20200000

# openat2
RESOLVE_NO_XDEV: Final = 0x1
RESOLVE_NO_MAGICLINKS: Final = 0x2
RESOLVE_NO_SYMLINKS: Final = 0x4
RESOLVE_BENEATH: Final = 0x8
RESOLVE_IN_ROOT: Final = 0x10
RESOLVE_CACHED: Final = 0x20
OPEN_HOW_SIZE_VER0: Final = 24
OPEN_HOW: Final = Layout("open_how", (("flags", "u64"), ("mode", "u64"), ("resolve", "u64")))

# fcntl commands
F_DUPFD: Final = 0
F_GETFD: Final = 1
F_SETFD: Final = 2
F_GETFL: Final = 3
F_SETFL: Final = 4
F_GETLK: Final = 5
F_SETLK: Final = 6
F_SETLKW: Final = 7
F_SETOWN: Final = 8
F_GETOWN: Final = 9
F_SETSIG: Final = 10
F_GETSIG: Final = 11
F_SETOWN_EX: Final = 15
F_GETOWN_EX: Final = 16
F_GETOWNER_UIDS: Final = 17
F_OFD_GETLK: Final = 36
F_OFD_SETLK: Final = 37
F_OFD_SETLKW: Final = 38
F_SETLEASE: Final = 1024
F_GETLEASE: Final = 1025
F_DUPFD_QUERY: Final = 1027  # Linux 6.10
F_CREATED_QUERY: Final = 1028  # Linux 6.12
F_CANCELLK: Final = 1029
F_DUPFD_CLOEXEC: Final = 1030
F_NOTIFY: Final = 1026
F_SETPIPE_SZ: Final = 1031
F_GETPIPE_SZ: Final = 1032
F_ADD_SEALS: Final = 1033
F_GET_SEALS: Final = 1034
F_GET_RW_HINT: Final = 1035
F_SET_RW_HINT: Final = 1036
F_GET_FILE_RW_HINT: Final = 1037
F_SET_FILE_RW_HINT: Final = 1038

FD_CLOEXEC: Final = 1

# Record locks and leases
F_RDLCK: Final = 0
F_WRLCK: Final = 1
F_UNLCK: Final = 2
F_EXLCK: Final = 4
F_SHLCK: Final = 8
FLOCK: Final = Layout("flock", (("l_type", "s16"), ("l_whence", "s16"), ("l_start", "s64"), ("l_len", "s64"), ("l_pid", "s32")))

# F_SETOWN_EX
F_OWNER_TID: Final = 0
F_OWNER_PID: Final = 1
F_OWNER_PGRP: Final = 2
F_OWNER_EX: Final = Layout("f_owner_ex", (("type", "s32"), ("pid", "s32")))

# Seals
F_SEAL_SEAL: Final = 0x1
F_SEAL_SHRINK: Final = 0x2
F_SEAL_GROW: Final = 0x4
F_SEAL_WRITE: Final = 0x8
F_SEAL_FUTURE_WRITE: Final = 0x10
F_SEAL_EXEC: Final = 0x20  # Linux 6.3

# F_SET_RW_HINT
RWH_WRITE_LIFE_NOT_SET: Final = 0
RWH_WRITE_LIFE_NONE: Final = 1
RWH_WRITE_LIFE_SHORT: Final = 2
RWH_WRITE_LIFE_MEDIUM: Final = 3
RWH_WRITE_LIFE_LONG: Final = 4
RWH_WRITE_LIFE_EXTREME: Final = 5

# F_NOTIFY
DN_ACCESS: Final = 0x1
DN_MODIFY: Final = 0x2
DN_CREATE: Final = 0x4
DN_DELETE: Final = 0x8
DN_RENAME: Final = 0x10
DN_ATTRIB: Final = 0x20
DN_MULTISHOT: Final = 0x80000000

# flock(2)
LOCK_SH: Final = 1
LOCK_EX: Final = 2
LOCK_NB: Final = 4
LOCK_UN: Final = 8
LOCK_MAND: Final = 32
LOCK_READ: Final = 64
LOCK_WRITE: Final = 128
LOCK_RW: Final = 192

# lseek
SEEK_SET: Final = 0
SEEK_CUR: Final = 1
SEEK_END: Final = 2
SEEK_DATA: Final = 3
SEEK_HOLE: Final = 4

# access
F_OK: Final = 0
X_OK: Final = 1
W_OK: Final = 2
R_OK: Final = 4

# The *at calls
AT_FDCWD: Final = -100
AT_SYMLINK_NOFOLLOW: Final = 0x100
AT_EACCESS: Final = 0x200
AT_REMOVEDIR: Final = 0x200
AT_SYMLINK_FOLLOW: Final = 0x400
AT_NO_AUTOMOUNT: Final = 0x800
AT_EMPTY_PATH: Final = 0x1000
AT_STATX_SYNC_TYPE: Final = 0x6000
AT_STATX_SYNC_AS_STAT: Final = 0
AT_STATX_FORCE_SYNC: Final = 0x2000
AT_STATX_DONT_SYNC: Final = 0x4000
AT_RECURSIVE: Final = 0x8000
AT_HANDLE_FID: Final = 0x200  # Linux 6.6
AT_HANDLE_MNT_ID_UNIQUE: Final = 0x1  # Linux 6.12
AT_HANDLE_CONNECTABLE: Final = 0x2  # Linux 6.13
AT_EXECVE_CHECK: Final = 0x10000  # Linux 6.14

# Negative descriptors with a meaning
PIDFD_SELF_THREAD: Final = -10000  # Linux 6.14
PIDFD_SELF_THREAD_GROUP: Final = -10001  # -20000 when it was new

# renameat2
RENAME_NOREPLACE: Final = 0x1
RENAME_EXCHANGE: Final = 0x2
RENAME_WHITEOUT: Final = 0x4

# fallocate
FALLOC_FL_KEEP_SIZE: Final = 0x1
FALLOC_FL_PUNCH_HOLE: Final = 0x2
FALLOC_FL_NO_HIDE_STALE: Final = 0x4
FALLOC_FL_COLLAPSE_RANGE: Final = 0x8
FALLOC_FL_ZERO_RANGE: Final = 0x10
FALLOC_FL_INSERT_RANGE: Final = 0x20
FALLOC_FL_UNSHARE_RANGE: Final = 0x40
FALLOC_FL_WRITE_ZEROES: Final = 0x80  # Linux 6.17

# posix_fadvise
POSIX_FADV_NORMAL: Final = 0
POSIX_FADV_RANDOM: Final = 1
POSIX_FADV_SEQUENTIAL: Final = 2
POSIX_FADV_WILLNEED: Final = 3
POSIX_FADV_DONTNEED: Final = 4
POSIX_FADV_NOREUSE: Final = 5

# splice, tee, vmsplice
SPLICE_F_MOVE: Final = 0x1
SPLICE_F_NONBLOCK: Final = 0x2
SPLICE_F_MORE: Final = 0x4
SPLICE_F_GIFT: Final = 0x8

# sync_file_range
SYNC_FILE_RANGE_WAIT_BEFORE: Final = 0x1
SYNC_FILE_RANGE_WRITE: Final = 0x2
SYNC_FILE_RANGE_WAIT_AFTER: Final = 0x4
SYNC_FILE_RANGE_WRITE_AND_WAIT: Final = 0x7

# name_to_handle_at: the header before `handle_bytes` bytes of handle
MAX_HANDLE_SZ: Final = 128
FILE_HANDLE: Final = Layout("file_handle", (("handle_bytes", "u32"), ("handle_type", "s32")))
