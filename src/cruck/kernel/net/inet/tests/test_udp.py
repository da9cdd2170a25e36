# SPDX-License-Identifier: MPL-2.0
"""UDP over the kernel's loopback; tests/conformance/net/udp.c compares the same with Linux."""

import pytest

from cruck.abi.errno import (
    EACCES,
    EADDRINUSE,
    EAGAIN,
    ECONNREFUSED,
    EDESTADDRREQ,
    EINVAL,
    EMSGSIZE,
    ENETUNREACH,
)
from cruck.kernel.net.inet.tests.rig import DGRAM, ERR, INET6, OUT, Rig, in4, in6

SOL_SOCKET, SO_REUSEADDR, SO_BROADCAST, SO_RCVBUF = 1, 2, 6, 8


@pytest.fixture
def rig() -> Rig:
    return Rig()


def bound(rig: Rig, text: str = "127.0.0.1") -> tuple[int, bytes]:
    fd = rig.socket(DGRAM)
    assert rig.bind(fd, in4(text, 0)) == 0
    return fd, in4(text if text != "0.0.0.0" else "127.0.0.1", rig.port(fd))


def test_datagrams_keep_their_bounds(rig: Rig) -> None:
    fd, address = bound(rig)
    sender = rig.socket(DGRAM)
    for data in (b"one", b"", b"three"):
        assert rig.send(sender, data, address) == len(data)
    assert rig.recv(fd) == b"one"
    assert rig.recv(fd) == b""
    assert rig.recv(fd, 2) == b"th"
    assert rig.recv(fd) == -EAGAIN


def test_what_cannot_be_sent(rig: Rig) -> None:
    _, address = bound(rig)
    sender = rig.socket(DGRAM)
    assert rig.send(sender, b"x") == -EDESTADDRREQ
    assert rig.send(sender, bytes(65_508), address) == -EMSGSIZE
    assert rig.send(sender, b"x", in4("127.0.0.1", 0)) == -EINVAL
    assert rig.send(sender, b"x", in4("8.8.8.8", 53)) == -ENETUNREACH
    assert rig.send(sender, b"x", in4("127.255.255.255", 53)) == -EACCES


def test_nobody_there_is_told_to_connected_senders_only(rig: Rig) -> None:
    sender = rig.socket(DGRAM)
    assert rig.send(sender, b"x", in4("127.0.0.1", 9)) == 1
    assert rig.poll(sender) == OUT
    assert rig.connect(sender, in4("127.0.0.1", 9)) == 0
    assert rig.send(sender, b"x") == 1
    assert rig.poll(sender) == OUT | ERR
    assert rig.send(sender, b"x") == -ECONNREFUSED
    assert rig.send(sender, b"x") == 1


def test_connected_socket_hears_its_peer_only(rig: Rig) -> None:
    fd, address = bound(rig)
    peer, peer_address = bound(rig)
    stranger = rig.socket(DGRAM)
    rig.connect(fd, peer_address)
    rig.send(stranger, b"no", address)
    rig.send(peer, b"yes", address)
    assert rig.recv(fd) == b"yes"
    assert rig.recv(fd) == -EAGAIN


def test_full_receiver_loses_datagrams(rig: Rig) -> None:
    fd, address = bound(rig)
    rig.set(fd, SOL_SOCKET, SO_RCVBUF, 4096)
    sender = rig.socket(DGRAM)
    for _ in range(100):
        assert rig.send(sender, bytes(1000), address) == 1000
    count = 0
    while rig.recv(fd) != -EAGAIN:
        count += 1
    assert 0 < count < 10


def test_broadcast_reaches_all(rig: Rig) -> None:
    first, address = bound(rig, "0.0.0.0")
    sender = rig.socket(DGRAM)
    rig.set(sender, SOL_SOCKET, SO_BROADCAST, 1)
    assert rig.send(sender, b"all", in4("127.255.255.255", int.from_bytes(address[2:4], "big"))) == 3
    assert rig.recv(first) == b"all"


def test_address_is_shared_only_if_both_want(rig: Rig) -> None:
    first, address = bound(rig)
    second = rig.socket(DGRAM)
    assert rig.bind(second, address) == -EADDRINUSE
    rig.set(second, SOL_SOCKET, SO_REUSEADDR, 1)
    assert rig.bind(second, address) == -EADDRINUSE
    rig.set(first, SOL_SOCKET, SO_REUSEADDR, 1)
    assert rig.bind(second, address) == 0


def test_ipv6_and_its_limits(rig: Rig) -> None:
    fd = rig.socket(DGRAM, INET6)
    assert rig.bind(fd, in6(bytes(16), 0)) == 0
    port = rig.port(fd)
    sender = rig.socket(DGRAM, INET6)
    assert rig.send(sender, bytes(65_527), in6(bytes(15) + b"\1", port)) == 65_527
    assert rig.send(sender, bytes(65_528), in6(bytes(15) + b"\1", port)) == -EMSGSIZE
    assert rig.send(rig.socket(DGRAM), b"v4", in4("127.0.0.1", port)) == 2
    rig.close(fd)
    rig.close(sender)
    assert len(rig.stack.udp_sockets) == 1
