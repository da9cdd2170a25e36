# SPDX-License-Identifier: MPL-2.0
"""Ping sockets, as Linux with net.ipv4.ping_group_range = "0 2147483647" (compared by hand with tests/conformance/net/datagrams.c)."""

from cruck.abi.errno import EAGAIN, EDESTADDRREQ, EINVAL, ENETUNREACH
from cruck.kernel.net.inet.checksum import checksum
from cruck.kernel.net.inet.tests.rig import DGRAM, INET, INET6, Rig, in4, in6
from cruck.kernel.syscalls.socket import sys_socket
from cruck.kernel.syscalls.tests.ipc_kit import run

REQUEST = b"\x08\0\0\0\x12\x34\0\x09hello"


def ping(rig: Rig, family: int, protocol: int) -> int:
    fd = run(rig.task, sys_socket, family, DGRAM, protocol)
    assert fd >= 0
    return fd


def test_this_machine_answers() -> None:
    rig = Rig()
    fd = ping(rig, INET, 1)
    assert rig.send(fd, REQUEST, in4("127.0.0.1", 0)) == len(REQUEST)
    reply = rig.recv(fd)
    assert isinstance(reply, bytes)
    assert reply[:2] == b"\0\0" and reply[6:] == b"\0\x09hello"
    assert int.from_bytes(reply[4:6], "big") == rig.port(fd)
    assert checksum(reply) == 0
    assert rig.recv(fd) == -EAGAIN


def test_what_is_no_request_is_refused() -> None:
    rig = Rig()
    fd = ping(rig, INET, 1)
    to = in4("127.0.0.1", 0)
    assert rig.send(fd, REQUEST[:7], to) == -EINVAL
    assert rig.send(fd, b"\0" + REQUEST[1:], to) == -EINVAL
    assert rig.send(fd, b"\x08\1" + REQUEST[2:], to) == -EINVAL
    assert rig.send(fd, REQUEST) == -EDESTADDRREQ
    assert rig.send(fd, REQUEST, in4("8.8.8.8", 0)) == -ENETUNREACH


def test_ipv6() -> None:
    rig = Rig()
    fd = ping(rig, INET6, 58)
    assert rig.send(fd, b"\x80" + REQUEST[1:], in6(bytes(15) + b"\1", 0)) == len(REQUEST)
    reply = rig.recv(fd)
    assert isinstance(reply, bytes) and reply[:2] == b"\x81\0"


def test_a_checksum_of_odd_length() -> None:
    assert checksum(b"\x01\x02\x03") == ~(0x0102 + 0x0300) & 0xFFFF
