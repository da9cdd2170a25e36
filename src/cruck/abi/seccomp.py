# SPDX-License-Identifier: MPL-2.0
"""seccomp and the classic BPF it runs: include/uapi/linux/seccomp.h, filter.h, bpf_common.h and audit.h."""

from typing import Final

from cruck.abi.layout import Layout

# prctl's modes
SECCOMP_MODE_DISABLED: Final = 0
SECCOMP_MODE_STRICT: Final = 1
SECCOMP_MODE_FILTER: Final = 2

# seccomp(2)
SECCOMP_SET_MODE_STRICT: Final = 0
SECCOMP_SET_MODE_FILTER: Final = 1
SECCOMP_GET_ACTION_AVAIL: Final = 2
SECCOMP_GET_NOTIF_SIZES: Final = 3
SECCOMP_FILTER_FLAG_TSYNC: Final = 0x1
SECCOMP_FILTER_FLAG_LOG: Final = 0x2
SECCOMP_FILTER_FLAG_SPEC_ALLOW: Final = 0x4
SECCOMP_FILTER_FLAG_NEW_LISTENER: Final = 0x8
SECCOMP_FILTER_FLAG_TSYNC_ESRCH: Final = 0x10
SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: Final = 0x20

# A filter's answers
SECCOMP_RET_KILL_PROCESS: Final = 0x80000000
SECCOMP_RET_KILL_THREAD: Final = 0x00000000
SECCOMP_RET_KILL: Final = 0x00000000
SECCOMP_RET_TRAP: Final = 0x00030000
SECCOMP_RET_ERRNO: Final = 0x00050000
SECCOMP_RET_USER_NOTIF: Final = 0x7FC00000
SECCOMP_RET_TRACE: Final = 0x7FF00000
SECCOMP_RET_LOG: Final = 0x7FFC0000
SECCOMP_RET_ALLOW: Final = 0x7FFF0000
SECCOMP_RET_ACTION_FULL: Final = 0xFFFF0000
SECCOMP_RET_ACTION: Final = 0x7FFF0000
SECCOMP_RET_DATA: Final = 0x0000FFFF

SECCOMP_DATA: Final = Layout("seccomp_data", (("nr", "s32"), ("arch", "u32"), ("instruction_pointer", "u64"), ("args", "u64[6]")))
SOCK_FILTER: Final = Layout("sock_filter", (("code", "u16"), ("jt", "u8"), ("jf", "u8"), ("k", "u32")))
SOCK_FPROG: Final = Layout("sock_fprog", (("len", "u16"), ("filter", "ptr")))
SECCOMP_NOTIF_SIZES: Final = Layout(
    "seccomp_notif_sizes", (("seccomp_notif", "u16"), ("seccomp_notif_resp", "u16"), ("seccomp_data", "u16"))
)
SECCOMP_NOTIF: Final = Layout(
    "seccomp_notif",
    (
        ("id", "u64"),
        ("pid", "u32"),
        ("flags", "u32"),
        ("data.nr", "s32"),
        ("data.arch", "u32"),
        ("data.instruction_pointer", "u64"),
        ("data.args", "u64[6]"),
    ),
)
SECCOMP_NOTIF_RESP: Final = Layout("seccomp_notif_resp", (("id", "u64"), ("val", "s64"), ("error", "s32"), ("flags", "u32")))
SECCOMP_NOTIF_ADDFD: Final = Layout(
    "seccomp_notif_addfd",
    (("id", "u64"), ("flags", "u32"), ("srcfd", "u32"), ("newfd", "u32"), ("newfd_flags", "u32")),
)

# User notification
SECCOMP_USER_NOTIF_FLAG_CONTINUE: Final = 0x1
SECCOMP_ADDFD_FLAG_SETFD: Final = 0x1
SECCOMP_ADDFD_FLAG_SEND: Final = 0x2

# struct seccomp_data: arch
AUDIT_ARCH_X86_64: Final = 0xC000003E
AUDIT_ARCH_I386: Final = 0x40000003

# Instructions of BPF: class, size, mode, operation, source
BPF_LD: Final = 0x00
BPF_LDX: Final = 0x01
BPF_ST: Final = 0x02
BPF_STX: Final = 0x03
BPF_ALU: Final = 0x04
BPF_JMP: Final = 0x05
BPF_RET: Final = 0x06
BPF_MISC: Final = 0x07
BPF_W: Final = 0x00
BPF_H: Final = 0x08
BPF_B: Final = 0x10
BPF_IMM: Final = 0x00
BPF_ABS: Final = 0x20
BPF_IND: Final = 0x40
BPF_MEM: Final = 0x60
BPF_LEN: Final = 0x80
BPF_MSH: Final = 0xA0
BPF_ADD: Final = 0x00
BPF_SUB: Final = 0x10
BPF_MUL: Final = 0x20
BPF_DIV: Final = 0x30
BPF_OR: Final = 0x40
BPF_AND: Final = 0x50
BPF_LSH: Final = 0x60
BPF_RSH: Final = 0x70
BPF_NEG: Final = 0x80
BPF_MOD: Final = 0x90
BPF_XOR: Final = 0xA0
BPF_JA: Final = 0x00
BPF_JEQ: Final = 0x10
BPF_JGT: Final = 0x20
BPF_JGE: Final = 0x30
BPF_JSET: Final = 0x40
BPF_K: Final = 0x00
BPF_X: Final = 0x08
BPF_A: Final = 0x10
BPF_TAX: Final = 0x00
BPF_TXA: Final = 0x80
BPF_MAXINSNS: Final = 4096
BPF_MEMWORDS: Final = 16
