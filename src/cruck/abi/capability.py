# SPDX-License-Identifier: MPL-2.0
"""Capabilities: include/uapi/linux/capability.h."""

from typing import Final

from cruck.abi.layout import Layout

CAP_CHOWN: Final = 0
CAP_DAC_OVERRIDE: Final = 1
CAP_DAC_READ_SEARCH: Final = 2
CAP_FOWNER: Final = 3
CAP_FSETID: Final = 4
CAP_KILL: Final = 5
CAP_SETGID: Final = 6
CAP_SETUID: Final = 7
CAP_SETPCAP: Final = 8
CAP_LINUX_IMMUTABLE: Final = 9
CAP_NET_BIND_SERVICE: Final = 10
CAP_NET_BROADCAST: Final = 11
CAP_NET_ADMIN: Final = 12
CAP_NET_RAW: Final = 13
CAP_IPC_LOCK: Final = 14
CAP_IPC_OWNER: Final = 15
CAP_SYS_MODULE: Final = 16
CAP_SYS_RAWIO: Final = 17
CAP_SYS_CHROOT: Final = 18
CAP_SYS_PTRACE: Final = 19
CAP_SYS_PACCT: Final = 20
CAP_SYS_ADMIN: Final = 21
CAP_SYS_BOOT: Final = 22
CAP_SYS_NICE: Final = 23
CAP_SYS_RESOURCE: Final = 24
CAP_SYS_TIME: Final = 25
CAP_SYS_TTY_CONFIG: Final = 26
CAP_MKNOD: Final = 27
CAP_LEASE: Final = 28
CAP_AUDIT_WRITE: Final = 29
CAP_AUDIT_CONTROL: Final = 30
CAP_SETFCAP: Final = 31
CAP_MAC_OVERRIDE: Final = 32
CAP_MAC_ADMIN: Final = 33
CAP_SYSLOG: Final = 34
CAP_WAKE_ALARM: Final = 35
CAP_BLOCK_SUSPEND: Final = 36
CAP_AUDIT_READ: Final = 37
CAP_PERFMON: Final = 38
CAP_BPF: Final = 39
CAP_CHECKPOINT_RESTORE: Final = 40
CAP_LAST_CAP: Final = 40
CAP_FULL_SET: Final = 0x1FFFFFFFFFF  # a bit for each

# capget, capset: the header's version says how many data records follow
_LINUX_CAPABILITY_VERSION_1: Final = 0x19980330
_LINUX_CAPABILITY_VERSION_2: Final = 0x20071026
_LINUX_CAPABILITY_VERSION_3: Final = 0x20080522
_LINUX_CAPABILITY_U32S_1: Final = 1
_LINUX_CAPABILITY_U32S_2: Final = 2
_LINUX_CAPABILITY_U32S_3: Final = 2
CAP_USER_HEADER: Final = Layout("__user_cap_header_struct", (("version", "u32"), ("pid", "s32")))
CAP_USER_DATA: Final = Layout("__user_cap_data_struct", (("effective", "u32"), ("permitted", "u32"), ("inheritable", "u32")))

# The extended attribute security.capability
VFS_CAP_REVISION_MASK: Final = 0xFF000000
VFS_CAP_FLAGS_MASK: Final = 0x00FFFFFF
VFS_CAP_FLAGS_EFFECTIVE: Final = 0x00000001
VFS_CAP_REVISION_1: Final = 0x01000000
VFS_CAP_REVISION_2: Final = 0x02000000
VFS_CAP_REVISION_3: Final = 0x03000000
VFS_CAP_REVISION_SHIFT: Final = 24
XATTR_CAPS_SZ_1: Final = 12
XATTR_CAPS_SZ_2: Final = 20
XATTR_CAPS_SZ_3: Final = 24
