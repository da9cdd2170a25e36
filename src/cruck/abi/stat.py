# SPDX-License-Identifier: MPL-2.0
"""File status: include/uapi/linux/stat.h and arch/x86/include/uapi/asm/stat.h."""

from typing import Final

from cruck.abi.layout import Layout

# The file's type, in the mode
S_IFMT: Final = 0o170000
S_IFSOCK: Final = 0o140000
S_IFLNK: Final = 0o120000
S_IFREG: Final = 0o100000
S_IFBLK: Final = 0o60000
S_IFDIR: Final = 0o40000
S_IFCHR: Final = 0o20000
S_IFIFO: Final = 0o10000

# Permissions, in the mode
S_ISUID: Final = 0o4000
S_ISGID: Final = 0o2000
S_ISVTX: Final = 0o1000
S_IRWXU: Final = 0o700
S_IRUSR: Final = 0o400
S_IWUSR: Final = 0o200
S_IXUSR: Final = 0o100
S_IRWXG: Final = 0o70
S_IRGRP: Final = 0o40
S_IWGRP: Final = 0o20
S_IXGRP: Final = 0o10
S_IRWXO: Final = 0o7
S_IROTH: Final = 0o4
S_IWOTH: Final = 0o2
S_IXOTH: Final = 0o1
S_IALLUGO: Final = 0o7777
S_IRWXUGO: Final = 0o777

# utimensat
UTIME_NOW: Final = 0x3FFFFFFF
UTIME_OMIT: Final = 0x3FFFFFFE

STAT: Final = Layout(
    "stat",
    (
        ("st_dev", "u64"),
        ("st_ino", "u64"),
        ("st_nlink", "u64"),
        ("st_mode", "u32"),
        ("st_uid", "u32"),
        ("st_gid", "u32"),
        ("__pad0", "pad[4]"),
        ("st_rdev", "u64"),
        ("st_size", "s64"),
        ("st_blksize", "s64"),
        ("st_blocks", "s64"),
        ("st_atime", "u64"),
        ("st_atime_nsec", "u64"),
        ("st_mtime", "u64"),
        ("st_mtime_nsec", "u64"),
        ("st_ctime", "u64"),
        ("st_ctime_nsec", "u64"),
        ("__unused", "pad[24]"),
    ),
)

# statx: which fields
STATX_TYPE: Final = 0x1
STATX_MODE: Final = 0x2
STATX_NLINK: Final = 0x4
STATX_UID: Final = 0x8
STATX_GID: Final = 0x10
STATX_ATIME: Final = 0x20
STATX_MTIME: Final = 0x40
STATX_CTIME: Final = 0x80
STATX_INO: Final = 0x100
STATX_SIZE: Final = 0x200
STATX_BLOCKS: Final = 0x400
STATX_BASIC_STATS: Final = 0x7FF
STATX_BTIME: Final = 0x800
STATX_ALL: Final = 0xFFF
STATX_MNT_ID: Final = 0x1000
STATX_DIOALIGN: Final = 0x2000
STATX_MNT_ID_UNIQUE: Final = 0x4000  # Linux 6.8
STATX_SUBVOL: Final = 0x8000  # Linux 6.10
STATX_WRITE_ATOMIC: Final = 0x10000  # Linux 6.11
STATX_DIO_READ_ALIGN: Final = 0x20000  # Linux 6.14
STATX__RESERVED: Final = 0x80000000

# statx: stx_attributes
STATX_ATTR_COMPRESSED: Final = 0x4
STATX_ATTR_IMMUTABLE: Final = 0x10
STATX_ATTR_APPEND: Final = 0x20
STATX_ATTR_NODUMP: Final = 0x40
STATX_ATTR_ENCRYPTED: Final = 0x800
STATX_ATTR_AUTOMOUNT: Final = 0x1000
STATX_ATTR_MOUNT_ROOT: Final = 0x2000
STATX_ATTR_VERITY: Final = 0x100000
STATX_ATTR_DAX: Final = 0x200000
STATX_ATTR_WRITE_ATOMIC: Final = 0x400000  # Linux 6.11

STATX_TIMESTAMP: Final = Layout("statx_timestamp", (("tv_sec", "s64"), ("tv_nsec", "u32"), ("__reserved", "pad[4]")))

STATX: Final = Layout(
    "statx",
    (
        ("stx_mask", "u32"),
        ("stx_blksize", "u32"),
        ("stx_attributes", "u64"),
        ("stx_nlink", "u32"),
        ("stx_uid", "u32"),
        ("stx_gid", "u32"),
        ("stx_mode", "u16"),
        ("__spare0", "pad[2]"),
        ("stx_ino", "u64"),
        ("stx_size", "u64"),
        ("stx_blocks", "u64"),
        ("stx_attributes_mask", "u64"),
        ("stx_atime.tv_sec", "s64"),
        ("stx_atime.tv_nsec", "u32"),
        ("stx_atime.__reserved", "pad[4]"),
        ("stx_btime.tv_sec", "s64"),
        ("stx_btime.tv_nsec", "u32"),
        ("stx_btime.__reserved", "pad[4]"),
        ("stx_ctime.tv_sec", "s64"),
        ("stx_ctime.tv_nsec", "u32"),
        ("stx_ctime.__reserved", "pad[4]"),
        ("stx_mtime.tv_sec", "s64"),
        ("stx_mtime.tv_nsec", "u32"),
        ("stx_mtime.__reserved", "pad[4]"),
        ("stx_rdev_major", "u32"),
        ("stx_rdev_minor", "u32"),
        ("stx_dev_major", "u32"),
        ("stx_dev_minor", "u32"),
        ("stx_mnt_id", "u64"),
        ("stx_dio_mem_align", "u32"),
        ("stx_dio_offset_align", "u32"),
        ("stx_subvol", "u64"),
        ("stx_atomic_write_unit_min", "u32"),
        ("stx_atomic_write_unit_max", "u32"),
        ("stx_atomic_write_segments_max", "u32"),
        ("stx_dio_read_offset_align", "u32"),
        ("stx_atomic_write_unit_max_opt", "u32"),
        ("__spare2", "pad[4]"),
        ("__spare3", "pad[64]"),
    ),
)
