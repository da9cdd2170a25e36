# SPDX-License-Identifier: MPL-2.0
"""Process descriptors: include/uapi/linux/pidfd.h."""

from typing import Final

from cruck.abi.layout import Layout

# pidfd_open
PIDFD_NONBLOCK: Final = 0o4000
PIDFD_THREAD: Final = 0o200  # Linux 6.9

# pidfd_send_signal: Linux 6.9
PIDFD_SIGNAL_THREAD: Final = 0x1
PIDFD_SIGNAL_THREAD_GROUP: Final = 0x2
PIDFD_SIGNAL_PROCESS_GROUP: Final = 0x4

# ioctls: Linux 6.11, PIDFD_GET_INFO 6.13
PIDFD_GET_CGROUP_NAMESPACE: Final = 0xFF01
PIDFD_GET_IPC_NAMESPACE: Final = 0xFF02
PIDFD_GET_MNT_NAMESPACE: Final = 0xFF03
PIDFD_GET_NET_NAMESPACE: Final = 0xFF04
PIDFD_GET_PID_NAMESPACE: Final = 0xFF05
PIDFD_GET_PID_FOR_CHILDREN_NAMESPACE: Final = 0xFF06
PIDFD_GET_TIME_NAMESPACE: Final = 0xFF07
PIDFD_GET_TIME_FOR_CHILDREN_NAMESPACE: Final = 0xFF08
PIDFD_GET_USER_NAMESPACE: Final = 0xFF09
PIDFD_GET_UTS_NAMESPACE: Final = 0xFF0A
PIDFD_GET_INFO: Final = 0xC040FF0B  # with the first size of the struct, 64

PIDFD_INFO_PID: Final = 0x1
PIDFD_INFO_CREDS: Final = 0x2
PIDFD_INFO_CGROUPID: Final = 0x4
PIDFD_INFO_EXIT: Final = 0x8  # Linux 6.15
PIDFD_INFO_COREDUMP: Final = 0x10  # Linux 6.16
PIDFD_INFO_SIZE_VER0: Final = 64
PIDFD_INFO: Final = Layout(
    "pidfd_info",
    (
        ("mask", "u64"),
        ("cgroupid", "u64"),
        ("pid", "u32"),
        ("tgid", "u32"),
        ("ppid", "u32"),
        ("ruid", "u32"),
        ("rgid", "u32"),
        ("euid", "u32"),
        ("egid", "u32"),
        ("suid", "u32"),
        ("sgid", "u32"),
        ("fsuid", "u32"),
        ("fsgid", "u32"),
        ("exit_code", "s32"),
    ),
)
