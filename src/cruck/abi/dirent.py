# SPDX-License-Identifier: MPL-2.0
"""Directory entries, as getdents64 writes them: include/linux/dirent.h and include/linux/fs_types.h."""

from typing import Final

from cruck.abi.layout import Layout

DT_UNKNOWN: Final = 0
DT_FIFO: Final = 1
DT_CHR: Final = 2
DT_DIR: Final = 4
DT_BLK: Final = 6
DT_REG: Final = 8
DT_LNK: Final = 10
DT_SOCK: Final = 12
DT_WHT: Final = 14

# The header; the name follows at once (d_name is at 19), ends with a zero byte, and d_reclen is a multiple of 8
D_NAME_OFFSET: Final = 19
LINUX_DIRENT64: Final = Layout("linux_dirent64", (("d_ino", "u64"), ("d_off", "s64"), ("d_reclen", "u16"), ("d_type", "u8")), packed=True)

# getdents: as above, but the type is the entry's last byte
LINUX_DIRENT_NAME_OFFSET: Final = 18
LINUX_DIRENT: Final = Layout("linux_dirent", (("d_ino", "u64"), ("d_off", "u64"), ("d_reclen", "u16")), packed=True)
