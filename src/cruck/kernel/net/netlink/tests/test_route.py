# SPDX-License-Identifier: MPL-2.0
"""rtnetlink answers, byte by byte."""

import struct

from cruck.kernel.net.inet.interface import ethernet, loopback
from cruck.kernel.net.netlink import route

LO = [loopback(True)]
HEADER = struct.Struct("<IHHII")
REQUEST, ACK, DUMP = 1, 4, 0x300


def request(kind: int, flags: int, body: bytes) -> bytes:
    return HEADER.pack(16 + len(body), kind, flags, 7, 0) + body


def kinds(datagrams: list[bytes]) -> list[int]:
    found: list[int] = []
    for datagram in datagrams:
        at = 0
        while at < len(datagram):
            length, kind, _, seq, port = HEADER.unpack_from(datagram, at)
            assert (seq, port) == (7, 99)
            found.append(kind)
            at += (length + 3) & ~3
    return found


def errno(datagrams: list[bytes]) -> int:
    assert kinds(datagrams) == [2]
    return int(struct.unpack_from("<i", datagrams[0], 16)[0])


def test_dumps_end_with_done() -> None:
    assert kinds(route.answer(request(18, REQUEST | DUMP, bytes(16)), 99, False, LO)) == [16, 3]
    assert kinds(route.answer(request(22, REQUEST | DUMP, bytes(8)), 99, False, LO)) == [20, 20, 3]
    assert kinds(route.answer(request(22, REQUEST | DUMP, b"\2" + bytes(7)), 99, False, LO)) == [20, 3]
    assert kinds(route.answer(request(26, REQUEST | DUMP, b"\2" + bytes(11)), 99, False, LO)) == [24, 24, 24, 3]
    assert kinds(route.answer(request(30, REQUEST | DUMP, bytes(12)), 99, False, LO)) == [3]


def test_one_link_by_index_or_name() -> None:
    by_index = bytes(4) + struct.pack("<i", 1) + bytes(8)
    assert kinds(route.answer(request(18, REQUEST, by_index), 99, False, LO)) == [16]
    by_name = bytes(16) + struct.pack("<HH", 7, 3) + b"lo\0\0"
    assert kinds(route.answer(request(18, REQUEST | ACK, by_name), 99, False, LO)) == [16, 2]
    assert errno(route.answer(request(18, REQUEST, bytes(4) + struct.pack("<i", 2) + bytes(8)), 99, False, LO)) == -19


def test_changes_are_refused() -> None:
    assert errno(route.answer(request(16, REQUEST, bytes(16)), 99, False, LO)) == -1
    assert errno(route.answer(request(16, REQUEST, bytes(16)), 99, True, LO)) == -95


def test_malformed_requests_are_ignored() -> None:
    for data in (b"", bytes(15), HEADER.pack(15, 18, REQUEST, 7, 0), HEADER.pack(1000, 18, REQUEST, 7, 0)):
        assert route.answer(data, 99, False, LO) == []
    assert route.answer(request(18, REQUEST, bytes(16) + b"\0\0\3\0"), 99, False, LO) != []


def route_get(destination: bytes) -> bytes:
    body = b"\2\x20" + bytes(10) + struct.pack("<HH", 8, 1) + destination
    return request(26, REQUEST, body)


def test_the_way_to_an_address() -> None:
    both = [loopback(True), ethernet(2, b"\x0a\0\2\x0f", 24, b"\x0a\0\2\2")]
    assert kinds(route.answer(route_get(b"\x7f\0\0\x05"), 99, False, LO)) == [24]
    assert errno(route.answer(route_get(b"\x08\x08\x08\x08"), 99, False, LO)) == -101
    (way,) = route.answer(route_get(b"\x08\x08\x08\x08"), 99, False, both)
    assert struct.pack("<HH", 8, 5) + b"\x0a\0\2\2" in way  # RTA_GATEWAY
    assert struct.pack("<HH", 8, 7) + b"\x0a\0\2\x0f" in way  # RTA_PREFSRC
    assert kinds(route.answer(request(26, REQUEST | DUMP, b"\2" + bytes(11)), 99, False, both)) == [24] * 7 + [3]
    assert errno(route.answer(request(26, REQUEST, b"\2" + bytes(11)), 99, False, both)) == -22


def test_a_link_that_is_down_has_no_address() -> None:
    assert kinds(route.answer(request(22, REQUEST | DUMP, bytes(8)), 99, False, [loopback(False)])) == [3]
