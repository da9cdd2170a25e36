# SPDX-License-Identifier: MPL-2.0
"""IPv4 packets (RFC 791) and UDP datagrams (RFC 768) as bytes. Addresses are 4 bytes here."""

import struct
from typing import Final

from cruck.kernel.net.inet.checksum import checksum

HEADER_SIZE: Final = 20
UDP_HEADER_SIZE: Final = 8
VERSION_AND_LENGTH: Final = 0x45
DONT_FRAGMENT: Final = 0x4000
_HEADER: Final = struct.Struct(">BBHHHBBH4s4s")
_UDP: Final = struct.Struct(">HHHH")


class Packet:
    source: bytes
    to: bytes
    protocol: int
    ttl: int
    tos: int
    payload: bytes

    def __init__(self, source: bytes, to: bytes, protocol: int, ttl: int, tos: int, payload: bytes) -> None:
        self.source = source
        self.to = to
        self.protocol = protocol
        self.ttl = ttl
        self.tos = tos
        self.payload = payload


def encode(packet: Packet) -> bytes:
    header = _HEADER.pack(VERSION_AND_LENGTH, packet.tos, HEADER_SIZE + len(packet.payload), 0, DONT_FRAGMENT, packet.ttl, packet.protocol, 0,
                          packet.source, packet.to)  # fmt: skip
    return header[:10] + checksum(header).to_bytes(2, "big") + header[12:] + packet.payload


def decode(data: bytes) -> Packet | None:
    """None: malformed, of another version, a fragment, or its checksum is wrong."""
    if len(data) < HEADER_SIZE:
        return None
    first, tos, length, _, fragment, ttl, protocol, _, source, to = _HEADER.unpack_from(data)
    header_size = (first & 15) * 4
    if first >> 4 != 4 or header_size < HEADER_SIZE or not header_size <= length <= len(data):
        return None
    if fragment & 0x3FFF or checksum(data[:header_size]):
        return None
    return Packet(source, to, protocol, ttl, tos, data[header_size:length])


def pseudo_header(source: bytes, to: bytes, protocol: int, length: int) -> bytes:
    """What the checksums of TCP and UDP cover beside their own bytes."""
    return source + to + struct.pack(">BBH", 0, protocol, length)


def encode_udp(source: bytes, source_port: int, to: bytes, port: int, data: bytes) -> bytes:
    length = UDP_HEADER_SIZE + len(data)
    datagram = _UDP.pack(source_port, port, length, 0) + data
    total = checksum(pseudo_header(source, to, 17, length) + datagram) or 0xFFFF
    return datagram[:6] + total.to_bytes(2, "big") + data


def decode_udp(packet: Packet) -> tuple[int, int, bytes] | None:
    """(source port, port, data); None: malformed, or its checksum is wrong."""
    payload = packet.payload
    if len(payload) < UDP_HEADER_SIZE:
        return None
    source_port, port, length, total = _UDP.unpack_from(payload)
    if not UDP_HEADER_SIZE <= length <= len(payload):
        return None
    payload = payload[:length]
    if total and checksum(pseudo_header(packet.source, packet.to, 17, length) + payload):
        return None
    return source_port, port, payload[UDP_HEADER_SIZE:]
