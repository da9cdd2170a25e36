# SPDX-License-Identifier: MPL-2.0
"""TCP segments (RFC 9293 section 3.1) as bytes, with the options MSS and window scale (RFC 7323); others are skipped. And arithmetic of
sequence numbers, which wrap at 2³²."""

import struct
from typing import Final

from cruck.kernel.net.inet.checksum import checksum
from cruck.kernel.net.link.packet import pseudo_header

FIN: Final = 0x01
SYN: Final = 0x02
RST: Final = 0x04
PSH: Final = 0x08
ACK: Final = 0x10
HEADER_SIZE: Final = 20
PROTOCOL: Final = 6
NO_OPTION: Final = -1
MAX_SCALE: Final = 14
_HEADER: Final = struct.Struct(">HHIIBBHHH")
_MSS, _SCALE = 2, 3


class Segment:
    source_port: int
    port: int
    seq: int
    ack: int
    flags: int
    window: int  # as sent: not scaled
    payload: bytes
    mss: int  # or NO_OPTION
    scale: int  # or NO_OPTION

    def __init__(self, source_port: int, port: int, seq: int, ack: int, flags: int, window: int, payload: bytes = b"") -> None:
        self.source_port = source_port
        self.port = port
        self.seq = seq
        self.ack = ack
        self.flags = flags
        self.window = window
        self.payload = payload
        self.mss = self.scale = NO_OPTION

    def length(self) -> int:
        """Sequence numbers it takes."""
        return len(self.payload) + (1 if self.flags & SYN else 0) + (1 if self.flags & FIN else 0)


def encode(segment: Segment, source: bytes, to: bytes) -> bytes:
    options = b""
    if segment.mss != NO_OPTION:
        options += struct.pack(">BBH", _MSS, 4, segment.mss)
    if segment.scale != NO_OPTION:
        options += struct.pack(">BBBB", 1, _SCALE, 3, segment.scale)
    size = HEADER_SIZE + len(options)
    data = _HEADER.pack(segment.source_port, segment.port, segment.seq, segment.ack, size << 2, segment.flags, segment.window, 0, 0)
    data += options + segment.payload
    total = checksum(pseudo_header(source, to, PROTOCOL, len(data)) + data)
    return data[:16] + total.to_bytes(2, "big") + data[18:]


def decode(data: bytes, source: bytes, to: bytes) -> Segment | None:
    """None: malformed, or its checksum is wrong."""
    if len(data) < HEADER_SIZE or checksum(pseudo_header(source, to, PROTOCOL, len(data)) + data):
        return None
    source_port, port, seq, ack, offset, flags, window, _, _ = _HEADER.unpack_from(data)
    size = (offset >> 4) * 4
    if not HEADER_SIZE <= size <= len(data) or not source_port or not port:
        return None
    segment = Segment(source_port, port, seq, ack, flags, window, data[size:])
    return segment if _read_options(segment, data[HEADER_SIZE:size]) else None


def _read_options(segment: Segment, options: bytes) -> bool:
    at = 0
    while at < len(options):
        kind = options[at]
        if kind == 0:
            break
        if kind == 1:
            at += 1
            continue
        size = options[at + 1] if at + 1 < len(options) else 0
        if size < 2 or at + size > len(options):
            return False
        if kind == _MSS and size == 4:
            segment.mss = int.from_bytes(options[at + 2 : at + 4], "big")
        elif kind == _SCALE and size == 3:
            segment.scale = min(options[at + 2], MAX_SCALE)
        at += size
    return True


def plus(number: int, count: int) -> int:
    return (number + count) & 0xFFFF_FFFF


def distance(first: int, second: int) -> int:
    """second − first, as a signed number: < 0 if `second` comes before."""
    return ((second - first + 0x8000_0000) & 0xFFFF_FFFF) - 0x8000_0000
