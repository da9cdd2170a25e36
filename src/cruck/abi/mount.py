# SPDX-License-Identifier: MPL-2.0
"""Mounts: include/uapi/linux/mount.h, and the flags of umount2 and statfs of include/linux/fs.h and statfs.h.

The `MS_*` of msync(2) are in `mman`.
"""

from typing import Final

from cruck.abi.layout import Layout

# mount(2)
MS_RDONLY: Final = 0x1
MS_NOSUID: Final = 0x2
MS_NODEV: Final = 0x4
MS_NOEXEC: Final = 0x8
MS_SYNCHRONOUS: Final = 0x10
MS_REMOUNT: Final = 0x20
MS_MANDLOCK: Final = 0x40
MS_DIRSYNC: Final = 0x80
MS_NOSYMFOLLOW: Final = 0x100
MS_NOATIME: Final = 0x400
MS_NODIRATIME: Final = 0x800
MS_BIND: Final = 0x1000
MS_MOVE: Final = 0x2000
MS_REC: Final = 0x4000
MS_VERBOSE: Final = 0x8000
MS_SILENT: Final = 0x8000
MS_POSIXACL: Final = 0x10000
MS_UNBINDABLE: Final = 0x20000
MS_PRIVATE: Final = 0x40000
MS_SLAVE: Final = 0x80000
MS_SHARED: Final = 0x100000
MS_RELATIME: Final = 0x200000
MS_KERNMOUNT: Final = 0x400000
MS_I_VERSION: Final = 0x800000
MS_STRICTATIME: Final = 0x1000000
MS_LAZYTIME: Final = 0x2000000
MS_SUBMOUNT: Final = 0x4000000
MS_NOREMOTELOCK: Final = 0x8000000
MS_NOSEC: Final = 0x10000000
MS_BORN: Final = 0x20000000
MS_ACTIVE: Final = 0x40000000
MS_NOUSER: Final = 0x80000000
MS_RMT_MASK: Final = 0x02800051
MS_MGC_VAL: Final = 0xC0ED0000
MS_MGC_MSK: Final = 0xFFFF0000

# umount2
MNT_FORCE: Final = 0x1
MNT_DETACH: Final = 0x2
MNT_EXPIRE: Final = 0x4
UMOUNT_NOFOLLOW: Final = 0x8
UMOUNT_UNUSED: Final = 0x80000000

# statfs: f_flags
ST_RDONLY: Final = 0x1
ST_NOSUID: Final = 0x2
ST_NODEV: Final = 0x4
ST_NOEXEC: Final = 0x8
ST_SYNCHRONOUS: Final = 0x10
ST_VALID: Final = 0x20
ST_MANDLOCK: Final = 0x40
ST_WRITE: Final = 0x80
ST_APPEND: Final = 0x100
ST_IMMUTABLE: Final = 0x200
ST_NOATIME: Final = 0x400
ST_NODIRATIME: Final = 0x800
ST_RELATIME: Final = 0x1000
ST_NOSYMFOLLOW: Final = 0x2000

# open_tree
OPEN_TREE_CLONE: Final = 0x1
OPEN_TREE_CLOEXEC: Final = 0o2000000

# move_mount
MOVE_MOUNT_F_SYMLINKS: Final = 0x1
MOVE_MOUNT_F_AUTOMOUNTS: Final = 0x2
MOVE_MOUNT_F_EMPTY_PATH: Final = 0x4
MOVE_MOUNT_T_SYMLINKS: Final = 0x10
MOVE_MOUNT_T_AUTOMOUNTS: Final = 0x20
MOVE_MOUNT_T_EMPTY_PATH: Final = 0x40
MOVE_MOUNT_SET_GROUP: Final = 0x100
MOVE_MOUNT_BENEATH: Final = 0x200  # Linux 6.5

# fsopen, fspick, fsconfig, fsmount
FSOPEN_CLOEXEC: Final = 0x1
FSPICK_CLOEXEC: Final = 0x1
FSPICK_SYMLINK_NOFOLLOW: Final = 0x2
FSPICK_NO_AUTOMOUNT: Final = 0x4
FSPICK_EMPTY_PATH: Final = 0x8
FSCONFIG_SET_FLAG: Final = 0
FSCONFIG_SET_STRING: Final = 1
FSCONFIG_SET_BINARY: Final = 2
FSCONFIG_SET_PATH: Final = 3
FSCONFIG_SET_PATH_EMPTY: Final = 4
FSCONFIG_SET_FD: Final = 5
FSCONFIG_CMD_CREATE: Final = 6
FSCONFIG_CMD_RECONFIGURE: Final = 7
FSCONFIG_CMD_CREATE_EXCL: Final = 8  # Linux 6.6
FSMOUNT_CLOEXEC: Final = 0x1

# mount_setattr
MOUNT_ATTR_RDONLY: Final = 0x1
MOUNT_ATTR_NOSUID: Final = 0x2
MOUNT_ATTR_NODEV: Final = 0x4
MOUNT_ATTR_NOEXEC: Final = 0x8
MOUNT_ATTR__ATIME: Final = 0x70
MOUNT_ATTR_RELATIME: Final = 0
MOUNT_ATTR_NOATIME: Final = 0x10
MOUNT_ATTR_STRICTATIME: Final = 0x20
MOUNT_ATTR_NODIRATIME: Final = 0x80
MOUNT_ATTR_IDMAP: Final = 0x100000
MOUNT_ATTR_NOSYMFOLLOW: Final = 0x200000
MOUNT_ATTR_SIZE_VER0: Final = 32
MOUNT_ATTR: Final = Layout("mount_attr", (("attr_set", "u64"), ("attr_clr", "u64"), ("propagation", "u64"), ("userns_fd", "u64")))

# statmount, listmount: Linux 6.8
MNT_ID_REQ_SIZE_VER0: Final = 24
MNT_ID_REQ_SIZE_VER1: Final = 32
MNT_ID_REQ: Final = Layout("mnt_id_req", (("size", "u32"), ("spare", "u32"), ("mnt_id", "u64"), ("param", "u64"), ("mnt_ns_id", "u64")))
LSMT_ROOT: Final = 0xFFFFFFFFFFFFFFFF
LISTMOUNT_REVERSE: Final = 0x1  # Linux 6.12
STATMOUNT_SB_BASIC: Final = 0x1
STATMOUNT_MNT_BASIC: Final = 0x2
STATMOUNT_PROPAGATE_FROM: Final = 0x4
STATMOUNT_MNT_ROOT: Final = 0x8
STATMOUNT_MNT_POINT: Final = 0x10
STATMOUNT_FS_TYPE: Final = 0x20
STATMOUNT_MNT_NS_ID: Final = 0x40
STATMOUNT_MNT_OPTS: Final = 0x80
STATMOUNT_FS_SUBTYPE: Final = 0x100
STATMOUNT_SB_SOURCE: Final = 0x200
STATMOUNT_OPT_ARRAY: Final = 0x400
STATMOUNT_OPT_SEC_ARRAY: Final = 0x800
STATMOUNT_SUPPORTED_MASK: Final = 0x1000
STATMOUNT_MNT_UIDMAP: Final = 0x2000
STATMOUNT_MNT_GIDMAP: Final = 0x4000
# The fixed part, 512 bytes; the strings follow, and the fields for them count from there
STATMOUNT: Final = Layout(
    "statmount",
    (
        ("size", "u32"),
        ("mnt_opts", "u32"),
        ("mask", "u64"),
        ("sb_dev_major", "u32"),
        ("sb_dev_minor", "u32"),
        ("sb_magic", "u64"),
        ("sb_flags", "u32"),
        ("fs_type", "u32"),
        ("mnt_id", "u64"),
        ("mnt_parent_id", "u64"),
        ("mnt_id_old", "u32"),
        ("mnt_parent_id_old", "u32"),
        ("mnt_attr", "u64"),
        ("mnt_propagation", "u64"),
        ("mnt_peer_group", "u64"),
        ("mnt_master", "u64"),
        ("propagate_from", "u64"),
        ("mnt_root", "u32"),
        ("mnt_point", "u32"),
        ("mnt_ns_id", "u64"),
        ("fs_subtype", "u32"),
        ("sb_source", "u32"),
        ("opt_num", "u32"),
        ("opt_array", "u32"),
        ("opt_sec_num", "u32"),
        ("opt_sec_array", "u32"),
        ("supported_mask", "u64"),
        ("mnt_uidmap_num", "u32"),
        ("mnt_uidmap", "u32"),
        ("mnt_gidmap_num", "u32"),
        ("mnt_gidmap", "u32"),
        ("__spare2", "pad[344]"),
    ),
)
