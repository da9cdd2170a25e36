# SPDX-License-Identifier: MPL-2.0
"""Restartable sequences: include/uapi/linux/rseq.h."""

from typing import Final

from cruck.abi.layout import Layout

RSEQ_CPU_ID_UNINITIALIZED: Final = -1
RSEQ_CPU_ID_REGISTRATION_FAILED: Final = -2
RSEQ_FLAG_UNREGISTER: Final = 0x1
RSEQ_CS_FLAG_NO_RESTART_ON_PREEMPT: Final = 0x1
RSEQ_CS_FLAG_NO_RESTART_ON_SIGNAL: Final = 0x2
RSEQ_CS_FLAG_NO_RESTART_ON_MIGRATE: Final = 0x4
ORIG_RSEQ_SIZE: Final = 32
RSEQ_ALIGN: Final = 32

RSEQ_CS: Final = Layout(
    "rseq_cs",
    (("version", "u32"), ("flags", "u32"), ("start_ip", "u64"), ("post_commit_offset", "u64"), ("abort_ip", "u64")),
)
# As first published, 32 bytes. Linux 6.3 has node_id and mm_cid where the padding is.
RSEQ: Final = Layout(
    "rseq",
    (
        ("cpu_id_start", "u32"),
        ("cpu_id", "u32"),
        ("rseq_cs", "u64"),
        ("flags", "u32"),
        ("node_id", "u32"),
        ("mm_cid", "u32"),
        ("_tail", "pad[4]"),
    ),
)
