# SPDX-License-Identifier: MPL-2.0
"""Packets and segments byte by byte."""

import random

from cruck.kernel.net.inet.checksum import checksum
from cruck.kernel.net.link import packet as packets
from cruck.kernel.net.link import segment as segments
from cruck.kernel.net.link.reassembly import Reassembly
from cruck.kernel.net.link.rtt import FIRST_NS, LEAST_NS, RetransmitTimeout
from cruck.kernel.net.link.segment import ACK, SYN, Segment, distance, plus

A, B = b"\x0a\x01\x00\x01", b"\x0a\x01\x00\x02"
# Taken from Linux's stack (tcpdump -x on a veth): a SYN of 10.1.0.1:4660 to 10.1.0.2:80.
IP_HEADER = bytes.fromhex("45000028000040004006") + b"\x26\xcc" + A + B


def test_the_checksum_of_rfc_1071() -> None:
    assert checksum(bytes.fromhex("0001f203f4f5f6f7")) == ~0xDDF2 & 0xFFFF
    assert checksum(b"\xff\xff") == 0 and checksum(b"\0\0") == 0xFFFF
    assert checksum(b"\x01") == 0xFEFF


def test_an_ip_header() -> None:
    data = packets.encode(packets.Packet(A, B, 6, 64, 0, bytes(20)))
    assert data == IP_HEADER + bytes(20)
    found = packets.decode(data + b"padding of the wire")
    assert found is not None
    assert (found.source, found.to, found.protocol, found.ttl, found.tos, found.payload) == (A, B, 6, 64, 0, bytes(20))
    for at in range(20):
        broken = bytearray(data)
        broken[at] ^= 0x10
        assert packets.decode(bytes(broken)) is None, at
    for cut in range(40):
        assert packets.decode(data[:cut]) is None


def test_a_udp_datagram() -> None:
    data = packets.encode_udp(A, 7, B, 9, b"hello")
    assert data[:6] == b"\0\7\0\x09\0\x0d" and data[8:] == b"hello"
    assert packets.decode_udp(packets.Packet(A, B, 17, 64, 0, data)) == (7, 9, b"hello")
    assert packets.decode_udp(packets.Packet(A, B, 17, 64, 0, data[:-1] + b"O")) is None
    assert packets.decode_udp(packets.Packet(B, B, 17, 64, 0, data)) is None
    assert packets.decode_udp(packets.Packet(A, B, 17, 64, 0, data[:6] + b"\0\0" + data[8:])) == (7, 9, b"hello")  # no sum


def test_a_syn() -> None:
    syn = Segment(4660, 80, 0x01020304, 0, SYN, 0xFFFF)
    syn.mss, syn.scale = 1460, 3
    data = segments.encode(syn, A, B)
    assert data[:16].hex() == "12340050010203040000000070" + "02ffff"
    assert data[20:].hex() == "020405b401030303"
    found = segments.decode(data, A, B)
    assert found is not None
    assert (found.seq, found.flags, found.mss, found.scale, found.payload) == (0x01020304, SYN, 1460, 3, b"")


def test_any_bytes_are_a_segment_or_none() -> None:
    chance = random.Random(1)
    whole = segments.encode(Segment(1, 2, 3, 4, ACK, 5, b"payload"), A, B)
    nr_accepted = 0
    for _ in range(2000):
        data = bytearray(whole)
        data[12] = chance.randrange(256)
        data[20:24] = bytes(chance.randrange(8) for _ in range(4))
        data[16:18] = b"\0\0"
        data[16:18] = checksum(packets.pseudo_header(A, B, 6, len(data)) + bytes(data)).to_bytes(2, "big")
        found = segments.decode(bytes(data), A, B)
        nr_accepted += found is not None
        assert segments.decode(bytes(data[:-1]), A, B) is None
    assert 0 < nr_accepted < 2000


def test_sequence_numbers_wrap() -> None:
    assert plus(0xFFFF_FFFF, 2) == 1 and plus(0, -1) == 0xFFFF_FFFF
    assert distance(0xFFFF_FFFE, 1) == 3 and distance(1, 0xFFFF_FFFE) == -3


def test_pieces_are_put_together_in_any_order() -> None:
    chance = random.Random(2)
    whole = bytes(chance.randrange(256) for _ in range(500))
    for start in (0, 0xFFFF_FF80):
        for _ in range(50):
            kept = Reassembly()
            got = b""
            while len(got) < len(whole):
                at = chance.randrange(len(whole))
                kept.add(plus(start, at), whole[at : at + chance.randrange(1, 60)]) if distance(
                    plus(start, len(got)), plus(start, at)
                ) >= 0 else None
                got += kept.take(plus(start, len(got)))
            assert got == whole and not kept.parts


def test_the_time_out_follows_the_round_trip() -> None:
    timeout = RetransmitTimeout()
    assert timeout.timeout_ns() == FIRST_NS
    timeout.back_off()
    assert timeout.timeout_ns() == 2 * FIRST_NS
    timeout.progress()
    timeout.sample(400_000_000)
    assert timeout.timeout_ns() == 1_200_000_000
    for _ in range(100):
        timeout.sample(10_000_000)
    assert timeout.timeout_ns() == LEAST_NS
