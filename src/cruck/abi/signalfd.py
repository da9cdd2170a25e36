# SPDX-License-Identifier: MPL-2.0
"""signalfd: include/uapi/linux/signalfd.h."""

from typing import Final

from cruck.abi.layout import Layout

SFD_CLOEXEC: Final = 0o2000000
SFD_NONBLOCK: Final = 0o4000

SIGNALFD_SIGINFO: Final = Layout(
    "signalfd_siginfo",
    (
        ("ssi_signo", "u32"),
        ("ssi_errno", "s32"),
        ("ssi_code", "s32"),
        ("ssi_pid", "u32"),
        ("ssi_uid", "u32"),
        ("ssi_fd", "s32"),
        ("ssi_tid", "u32"),
        ("ssi_band", "u32"),
        ("ssi_overrun", "u32"),
        ("ssi_trapno", "u32"),
        ("ssi_status", "s32"),
        ("ssi_int", "s32"),
        ("ssi_ptr", "u64"),
        ("ssi_utime", "u64"),
        ("ssi_stime", "u64"),
        ("ssi_addr", "u64"),
        ("ssi_addr_lsb", "u16"),
        ("__pad2", "pad[2]"),
        ("ssi_syscall", "s32"),
        ("ssi_call_addr", "u64"),
        ("ssi_arch", "u32"),
        ("__pad", "pad[28]"),
    ),
)
