# SPDX-License-Identifier: MPL-2.0
"""Netlink messages and attributes as bytes (netlink(7)): struct nlmsghdr, struct nlattr, the error message."""

import struct
from typing import Final

from cruck.abi.socket import NLMSG_ERROR

HEADER: Final = struct.Struct("<IHHII")  # length, type, flags, sequence number, port


def attribute(kind: int, data: bytes) -> bytes:
    return (struct.pack("<HH", 4 + len(data), kind) + data).ljust((4 + len(data) + 3) & ~3, b"\0")


def attribute_u32(kind: int, number: int) -> bytes:
    return attribute(kind, number.to_bytes(4, "little"))


def message(kind: int, flags: int, seq: int, port: int, body: bytes) -> bytes:
    length = HEADER.size + len(body)
    return (HEADER.pack(length, kind, flags, seq, port) + body).ljust((length + 3) & ~3, b"\0")


def error(asked: bytes, errno: int, port: int) -> bytes:
    """errno 0: an acknowledgement, which repeats the header only."""
    _, _, _, seq, _ = HEADER.unpack_from(asked)
    echoed = asked if errno else asked[: HEADER.size]
    return message(NLMSG_ERROR, 0 if errno else 0x100, seq, port, struct.pack("<i", -errno) + echoed)
