# SPDX-License-Identifier: MPL-2.0
"""Asynchronous I/O: include/uapi/linux/aio_abi.h."""

from typing import Final

from cruck.abi.layout import Layout

IOCB_CMD_PREAD: Final = 0
IOCB_CMD_PWRITE: Final = 1
IOCB_CMD_FSYNC: Final = 2
IOCB_CMD_FDSYNC: Final = 3
IOCB_CMD_POLL: Final = 5
IOCB_CMD_NOOP: Final = 6
IOCB_CMD_PREADV: Final = 7
IOCB_CMD_PWRITEV: Final = 8

IOCB_FLAG_RESFD: Final = 1
IOCB_FLAG_IOPRIO: Final = 2

IOCB: Final = Layout(
    "iocb",
    (
        ("aio_data", "u64"),
        ("aio_key", "u32"),
        ("aio_rw_flags", "s32"),
        ("aio_lio_opcode", "u16"),
        ("aio_reqprio", "s16"),
        ("aio_fildes", "u32"),
        ("aio_buf", "u64"),
        ("aio_nbytes", "u64"),
        ("aio_offset", "s64"),
        ("aio_reserved2", "u64"),
        ("aio_flags", "u32"),
        ("aio_resfd", "u32"),
    ),
)
IO_EVENT: Final = Layout("io_event", (("data", "u64"), ("obj", "u64"), ("res", "s64"), ("res2", "s64")))
