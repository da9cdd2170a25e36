# SPDX-License-Identifier: MPL-2.0
"""TcpConnection talks to Linux's TCP: over a TUN device in a network namespace of the test's own, which nothing leaves. Needs root."""

import fcntl
import os
import random
import select
import socket
import struct
import subprocess
import sys
import time

import pytest

from cruck.abi.inet import TCP_CLOSE, TCP_TIME_WAIT
from cruck.kernel.net.link import packet as packets
from cruck.kernel.net.link import segment as segments
from cruck.kernel.net.link.connection import TcpConnection
from cruck.kernel.net.link.segment import ACK, SYN

LINUX, OURS = b"\x0a\x09\0\1", b"\x0a\x09\0\2"
CLONE_NEWNET = 0x4000_0000
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 1, 0x1000
SIZE = 300_000


def may_make_networks() -> bool:
    return (
        os.geteuid() == 0
        and os.access("/dev/net/tun", os.R_OK | os.W_OK)
        and subprocess.run(["ip", "-V"], capture_output=True).returncode == 0
    )


class Wire:
    """Our end of the TUN device: one connection, whose packets may be lost both ways."""

    def __init__(self, fd: int, connection: TcpConnection, loss: float, seed: int) -> None:
        self.fd = fd
        self.connection = connection
        self.loss = loss
        self.chance = random.Random(seed)
        self.nr_lost = 0

    def is_lost(self) -> bool:
        lost = self.chance.random() < self.loss
        self.nr_lost += lost
        return lost

    def turn(self) -> None:
        """Sends what is to be sent; receives; a few milliseconds at most."""
        outgoing, self.connection.outgoing = self.connection.outgoing, []
        for segment in outgoing:
            if not self.is_lost():
                payload = segments.encode(segment, OURS, LINUX)
                os.write(self.fd, packets.encode(packets.Packet(OURS, LINUX, 6, 64, 0, payload)))
        if select.select([self.fd], [], [], 0.002)[0]:
            packet = packets.decode(os.read(self.fd, 4096))
            if packet is not None and packet.protocol == 6 and packet.to == OURS and not self.is_lost():
                segment = segments.decode(packet.payload, packet.source, packet.to)
                assert segment is not None, "Linux's checksums are right"
                now_ns = time.monotonic_ns()
                if segment.flags & (SYN | ACK) == SYN and self.connection.state == TCP_CLOSE:
                    self.connection.peer_port = segment.source_port
                    self.connection.open_passive(segment, now_ns)
                else:
                    self.connection.receive(segment, now_ns)
        self.connection.expire(time.monotonic_ns())


def exchange(wire: Wire, linux: "socket.socket | None", listener: "socket.socket | None") -> None:
    """Ours sends SIZE bytes while Linux sends SIZE others; then both ends close, Linux first if it was the client."""
    ours, theirs = random.Random(1).randbytes(SIZE), random.Random(2).randbytes(SIZE)
    got_here, got_there, given_here, given_there = bytearray(), bytearray(), 0, 0
    is_shut = False
    end = time.monotonic() + 60
    connection = wire.connection
    while time.monotonic() < end:
        wire.turn()
        now_ns = time.monotonic_ns()
        if linux is None and listener is not None and select.select([listener], [], [], 0)[0]:
            linux = listener.accept()[0]
            linux.setblocking(False)
        count = min(connection.room(), SIZE - given_here, 20_000)
        if count:
            connection.send(ours[given_here : given_here + count], now_ns)
            given_here += count
        got_here += connection.take(20_000, now_ns)
        if linux is not None:
            try:
                if given_there < SIZE:
                    given_there += linux.send(theirs[given_there : given_there + 20_000])
                part = linux.recv(20_000)
                got_there += part
                if not part:
                    break
            except (BlockingIOError, OSError) as error:
                assert isinstance(error, BlockingIOError) or error.errno == 107, error  # not connected yet
            if given_there == SIZE and not is_shut:
                linux.shutdown(socket.SHUT_WR)
                is_shut = True
        if len(got_here) == SIZE and given_here == SIZE:
            connection.close(now_ns)
    assert bytes(got_here) == theirs and bytes(got_there) == ours
    assert linux is not None
    linux.close()
    while connection.state not in (TCP_CLOSE, TCP_TIME_WAIT) and time.monotonic() < end:
        wire.turn()
    assert connection.state in (TCP_CLOSE, TCP_TIME_WAIT) and connection.error == 0
    assert wire.nr_lost > 5 or not wire.loss


def in_a_network() -> None:
    """The child: alone in its network namespace."""
    import ctypes

    assert ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) == 0
    fd = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", b"cruck0", IFF_TUN | IFF_NO_PI))
    for words in ("addr add 10.9.0.1/24 dev cruck0", "link set cruck0 up"):
        subprocess.run(["ip", *words.split()], check=True)
    for seed, loss in enumerate((0.0, 0.03)):
        client = socket.socket()
        client.setblocking(False)
        wire = Wire(fd, TcpConnection(80, 0, 0xFFFF_F000, 1460), loss, seed)
        client.connect_ex(("10.9.0.2", 80))
        exchange(wire, client, None)
        listener = socket.create_server(("10.9.0.1", 0))
        connection = TcpConnection(5000 + seed, listener.getsockname()[1], 7, 1460)
        connection.open_active(time.monotonic_ns())
        exchange(Wire(fd, connection, loss, seed + 10), None, listener)
        listener.close()
    print("all the same")


@pytest.mark.skipif(not may_make_networks(), reason="needs root, /dev/net/tun and Debian package iproute2")
def test_ours_and_linux_understand_each_other() -> None:
    found = subprocess.run([sys.executable, __file__], capture_output=True, text=True, timeout=150)
    if "unshare" in found.stderr or "Operation not permitted" in found.stderr:
        pytest.skip("this host allows no network namespaces")
    assert found.stdout == "all the same\n", found.stderr


if __name__ == "__main__":
    in_a_network()
