# SPDX-License-Identifier: MPL-2.0
"""Threads and scheduling: include/uapi/linux/sched.h and linux/sched/types.h."""

from typing import Final

from cruck.abi.layout import Layout

# clone: flags; the low byte is the exit signal
CSIGNAL: Final = 0x000000FF
CLONE_VM: Final = 0x00000100
CLONE_FS: Final = 0x00000200
CLONE_FILES: Final = 0x00000400
CLONE_SIGHAND: Final = 0x00000800
CLONE_PIDFD: Final = 0x00001000
CLONE_PTRACE: Final = 0x00002000
CLONE_VFORK: Final = 0x00004000
CLONE_PARENT: Final = 0x00008000
CLONE_THREAD: Final = 0x00010000
CLONE_NEWNS: Final = 0x00020000
CLONE_SYSVSEM: Final = 0x00040000
CLONE_SETTLS: Final = 0x00080000
CLONE_PARENT_SETTID: Final = 0x00100000
CLONE_CHILD_CLEARTID: Final = 0x00200000
CLONE_DETACHED: Final = 0x00400000
CLONE_UNTRACED: Final = 0x00800000
CLONE_CHILD_SETTID: Final = 0x01000000
CLONE_NEWCGROUP: Final = 0x02000000
CLONE_NEWUTS: Final = 0x04000000
CLONE_NEWIPC: Final = 0x08000000
CLONE_NEWUSER: Final = 0x10000000
CLONE_NEWPID: Final = 0x20000000
CLONE_NEWNET: Final = 0x40000000
CLONE_IO: Final = 0x80000000

# clone3 only
CLONE_CLEAR_SIGHAND: Final = 0x100000000
CLONE_INTO_CGROUP: Final = 0x200000000

# unshare, clone3 and setns only: shares its bit with CSIGNAL
CLONE_NEWTIME: Final = 0x00000080

CLONE_ARGS_SIZE_VER0: Final = 64
CLONE_ARGS_SIZE_VER1: Final = 80
CLONE_ARGS_SIZE_VER2: Final = 88
CLONE_ARGS: Final = Layout(
    "clone_args",
    (
        ("flags", "u64"),
        ("pidfd", "u64"),
        ("child_tid", "u64"),
        ("parent_tid", "u64"),
        ("exit_signal", "u64"),
        ("stack", "u64"),
        ("stack_size", "u64"),
        ("tls", "u64"),
        ("set_tid", "u64"),
        ("set_tid_size", "u64"),
        ("cgroup", "u64"),
    ),
)

# Policies
SCHED_NORMAL: Final = 0
SCHED_OTHER: Final = 0
SCHED_FIFO: Final = 1
SCHED_RR: Final = 2
SCHED_BATCH: Final = 3
SCHED_IDLE: Final = 5
SCHED_DEADLINE: Final = 6
SCHED_EXT: Final = 7  # Linux 6.12
SCHED_RESET_ON_FORK: Final = 0x40000000

# sched_setattr: sched_flags
SCHED_FLAG_RESET_ON_FORK: Final = 0x1
SCHED_FLAG_RECLAIM: Final = 0x2
SCHED_FLAG_DL_OVERRUN: Final = 0x4
SCHED_FLAG_KEEP_POLICY: Final = 0x8
SCHED_FLAG_KEEP_PARAMS: Final = 0x10
SCHED_FLAG_UTIL_CLAMP_MIN: Final = 0x20
SCHED_FLAG_UTIL_CLAMP_MAX: Final = 0x40
SCHED_FLAG_KEEP_ALL: Final = 0x18
SCHED_FLAG_UTIL_CLAMP: Final = 0x60
SCHED_FLAG_ALL: Final = 0x7F

SCHED_PARAM: Final = Layout("sched_param", (("sched_priority", "s32"),))

SCHED_ATTR_SIZE_VER0: Final = 48
SCHED_ATTR_SIZE_VER1: Final = 56
SCHED_ATTR: Final = Layout(
    "sched_attr",
    (
        ("size", "u32"),
        ("sched_policy", "u32"),
        ("sched_flags", "u64"),
        ("sched_nice", "s32"),
        ("sched_priority", "u32"),
        ("sched_runtime", "u64"),
        ("sched_deadline", "u64"),
        ("sched_period", "u64"),
        ("sched_util_min", "u32"),
        ("sched_util_max", "u32"),
    ),
)
