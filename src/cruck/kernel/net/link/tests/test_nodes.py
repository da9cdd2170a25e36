# SPDX-License-Identifier: MPL-2.0
"""Two kernels of one process talk over a network in memory: system calls on either side, one clock."""

import struct

import pytest

from cruck.abi.errno import EAGAIN, ECONNREFUSED, ECONNRESET, ENETUNREACH, ETIMEDOUT
from cruck.kernel.net.inet.tests.rig import DGRAM, IN, NONBLOCK, OUT, STREAM, Rig, in4
from cruck.kernel.net.link.network import Network
from cruck.kernel.net.link.node import Node
from cruck.kernel.syscalls.socket import sys_shutdown
from cruck.kernel.syscalls.tests.ipc_kit import run

MS = 1_000_000
SOL_SOCKET, SO_ERROR, SO_LINGER = 1, 4, 13


class Lan:
    def __init__(self, **arguments: int) -> None:
        self.network = Network(**arguments)
        self.a, self.b = Rig(), Rig()
        self.b.kernel.clock = self.a.kernel.clock
        for rig, address in ((self.a, b"\x0a\x01\0\1"), (self.b, b"\x0a\x01\0\2")):
            Node(self.network, rig.kernel, rig.stack, address)

    def pass_time(self, ms: int) -> None:
        """Timers of both kernels, in order."""
        clock = self.a.kernel.clock
        end_ns = clock.monotonic_ns() + ms * MS
        while True:
            due = [timer_ns for rig in (self.a, self.b) if 0 <= (timer_ns := rig.kernel.timers.next_deadline_ns()) <= end_ns]
            if not due:
                break
            clock.advance(max(0, min(due) - clock.monotonic_ns()))
            for rig in (self.a, self.b):
                rig.kernel.timers.expire(clock.monotonic_ns())
        clock.advance(end_ns - clock.monotonic_ns())

    def listen(self, port: int, backlog: int = 5) -> int:
        fd = self.b.socket(STREAM | NONBLOCK)
        assert self.b.bind(fd, in4("0.0.0.0", port)) == 0
        assert self.b.listen(fd, backlog) == 0
        return fd

    def pair(self, port: int = 80) -> tuple[int, int]:
        listener = self.listen(port)
        client = self.a.socket(STREAM | NONBLOCK)
        assert self.a.connect(client, in4("10.1.0.2", port)) == -115
        self.pass_time(5000)
        server = self.b.accept(listener, NONBLOCK)
        assert server >= 0
        assert self.a.option(client, SOL_SOCKET, SO_ERROR) == 0
        self.b.close(listener)
        return client, server


def pump(lan: Lan, source: Rig, out: int, target: Rig, into: int, data: bytes, ms: int) -> bytes:
    got, given = b"", 0
    for _ in range(3000):
        if given < len(data):
            count = source.send(out, data[given : given + 60_000])
            given += max(0, count)
        part = target.recv(into)
        if isinstance(part, bytes):
            got += part
        if len(got) == len(data):
            break
        lan.pass_time(ms)
    return got


@pytest.mark.parametrize(
    "arguments", [{}, {"delay_ns": 20 * MS, "jitter_ns": 5 * MS, "loss_per_million": 50_000, "seed": 7}], ids=["perfect", "bad"]
)
def test_a_connection_and_its_end(arguments: dict[str, int]) -> None:
    lan = Lan(**arguments)
    client, server = lan.pair()
    data = bytes(range(256)) * 1200
    assert pump(lan, lan.a, client, lan.b, server, data, 10) == data
    assert pump(lan, lan.b, server, lan.a, client, data[:50_000], 10) == data[:50_000]
    assert run(lan.a.task, sys_shutdown, client, 1) == 0
    lan.pass_time(10_000)
    assert lan.b.recv(server) == b""
    assert lan.b.send(server, b"last") == 4
    lan.b.close(server)
    lan.pass_time(10_000)
    assert lan.a.recv(client) == b"last" and lan.a.recv(client) == b""
    lan.a.close(client)
    lan.pass_time(200_000)
    for rig in (lan.a, lan.b):
        assert not rig.stack.tcp.connections and rig.stack.tcp.nr_bytes == 0
    assert lan.network.nr_lost > 0 or not arguments


def test_who_is_not_there() -> None:
    lan = Lan()
    fd = lan.a.socket(STREAM | NONBLOCK)
    assert lan.a.connect(fd, in4("10.1.0.2", 81)) == -115
    lan.pass_time(10)
    assert lan.a.option(fd, SOL_SOCKET, SO_ERROR) == ECONNREFUSED
    assert lan.a.connect(lan.a.socket(STREAM | NONBLOCK), in4("10.2.0.2", 81)) == -ENETUNREACH
    silent = lan.a.socket(STREAM | NONBLOCK)
    assert lan.a.connect(silent, in4("10.1.0.99", 81)) == -115
    lan.pass_time(60_000)
    assert not lan.a.poll(silent) & OUT
    lan.pass_time(100_000)
    assert lan.a.option(silent, SOL_SOCKET, SO_ERROR) == ETIMEDOUT


def test_a_partition_delays_and_heals() -> None:
    lan = Lan(delay_ns=MS)
    client, server = lan.pair()
    lan.network.partition([b"\x0a\x01\0\1"], [b"\x0a\x01\0\2"])
    assert lan.a.send(client, b"are you there?") == 14
    lan.pass_time(20_000)
    assert lan.b.recv(server) == -EAGAIN
    lan.network.heal()
    lan.pass_time(60_000)
    assert lan.b.recv(server) == b"are you there?"
    lan.network.partition([b"\x0a\x01\0\1"], [b"\x0a\x01\0\2"])
    lan.a.send(client, b"hello?")
    lan.pass_time(2_000_000)
    assert lan.a.option(client, SOL_SOCKET, SO_ERROR) == ETIMEDOUT


def test_a_reset_crosses() -> None:
    lan = Lan()
    client, server = lan.pair()
    lan.b.send(server, b"unread")
    lan.pass_time(10)
    lan.a.close(client)  # unread data: RST
    lan.pass_time(10)
    assert lan.b.recv(server) in (-ECONNRESET, b"")
    assert lan.b.poll(server) & IN
    lan.pass_time(100_000)
    assert not lan.b.stack.tcp.connections


def test_a_full_backlog_makes_clients_wait() -> None:
    lan = Lan()
    listener = lan.listen(80, 0)
    clients = [lan.a.socket(STREAM | NONBLOCK) for _ in range(4)]
    for fd in clients:
        assert lan.a.connect(fd, in4("10.1.0.2", 80)) == -115
    lan.pass_time(100)
    accepted = 0
    for _ in range(40):
        if lan.b.accept(listener) >= 0:
            accepted += 1
        lan.pass_time(1000)
    assert accepted == 4


def test_a_reader_that_sleeps_holds_the_writer_back() -> None:
    lan = Lan(delay_ns=MS)
    client, server = lan.pair()
    given = 0
    for _ in range(200):
        given += max(0, lan.a.send(client, bytes(60_000)))
        lan.pass_time(20)
    assert given < 8 << 20 and lan.a.send(client, b"x") == -EAGAIN
    got = 0
    for _ in range(3000):
        part = lan.b.recv(server)
        if isinstance(part, bytes):
            got += len(part)
        if got == given:
            break
        lan.pass_time(20)
    assert got == given
    lan.pass_time(100)
    assert lan.a.poll(client) & OUT


def test_datagrams_cross_or_are_lost() -> None:
    lan = Lan(delay_ns=5 * MS)
    receiver = lan.b.socket(DGRAM)
    assert lan.b.bind(receiver, in4("10.1.0.2", 9)) == 0
    sender = lan.a.socket(DGRAM)
    assert lan.a.send(sender, b"over the wire", in4("10.1.0.2", 9)) == 13
    assert lan.b.recv(receiver) == -EAGAIN
    lan.pass_time(5)
    assert lan.b.recv(receiver) == b"over the wire"
    lan.network.loss_per_million = 1_000_000
    assert lan.a.send(sender, b"lost", in4("10.1.0.2", 9)) == 4
    lan.pass_time(1000)
    assert lan.b.recv(receiver) == -EAGAIN
    assert struct.calcsize("<i") == 4
