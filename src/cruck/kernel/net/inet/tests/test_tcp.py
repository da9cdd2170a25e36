# SPDX-License-Identifier: MPL-2.0
"""TCP over the kernel's loopback, through its system calls; tests/conformance/net/tcp.c compares the same with Linux."""

import pytest

from cruck.abi.errno import (
    EACCES,
    EADDRINUSE,
    EADDRNOTAVAIL,
    EAFNOSUPPORT,
    EAGAIN,
    EALREADY,
    ECONNREFUSED,
    ECONNRESET,
    EINPROGRESS,
    EINVAL,
    EISCONN,
    ENETUNREACH,
    ENOTCONN,
    EPIPE,
    ETIMEDOUT,
)
from cruck.kernel.net.inet.tests.rig import (
    DONTWAIT,
    ERR,
    HUP,
    IN,
    INET6,
    NONBLOCK,
    NOSIGNAL,
    OUT,
    RDHUP,
    STREAM,
    Rig,
    in4,
    in6,
)
from cruck.kernel.syscalls.blocking import BLOCKED
from cruck.kernel.syscalls.socket import sys_connect, sys_shutdown, sys_socket
from cruck.kernel.syscalls.tests.ipc_kit import is_woken, rerun, run

SOL_SOCKET, SO_REUSEADDR, SO_ERROR = 1, 2, 4
SECOND = 1_000_000_000
LOOPBACK6 = bytes(15) + b"\1"


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_bytes_go_both_ways_and_end_after_close(rig: Rig) -> None:
    client, server = rig.pair()
    assert rig.send(client, b"ping") == 4
    assert rig.recv(server) == b"ping"
    assert rig.send(server, b"pong") == 4
    rig.close(server)
    assert rig.recv(client) == b"pong"
    assert rig.recv(client) == b""


def test_reader_is_woken(rig: Rig) -> None:
    client, server = rig.pair()
    rig.start_read(server)
    rig.send(client, b"abc")
    assert is_woken(rig.other)
    assert rerun(rig.other) == 3


def test_connect_is_refused_where_nobody_listens(rig: Rig) -> None:
    fd = rig.socket(STREAM)
    assert rig.connect(fd, in4("127.0.0.1", 9)) == -ECONNREFUSED
    assert rig.connect(rig.socket(STREAM | NONBLOCK), in4("127.0.0.1", 9)) == -EINPROGRESS


def test_nothing_leaves_the_machine(rig: Rig) -> None:
    for address in ("10.0.0.1", "1.1.1.1", "169.254.1.1", "224.0.0.1", "255.255.255.255", "127.255.255.255"):
        assert rig.connect(rig.socket(STREAM), in4(address, 80)) == -ENETUNREACH
    for address6 in (bytes.fromhex("20010db8") + bytes(12), b"\0" * 10 + b"\xff\xff\1\1\1\1"):
        assert rig.connect(rig.socket(STREAM, INET6), in6(address6, 80)) == -ENETUNREACH


def test_nonblocking_connect_tells_its_outcome_once(rig: Rig) -> None:
    _, address = rig.listener()
    fd = rig.socket(STREAM | NONBLOCK)
    assert rig.connect(fd, address) == -EINPROGRESS
    assert rig.poll(fd) == OUT
    assert rig.connect(fd, address) == 0
    assert rig.connect(fd, address) == -EISCONN


def test_full_backlog_makes_connect_wait_until_accept(rig: Rig) -> None:
    listener, address = rig.listener(0)
    first, second = rig.socket(STREAM), rig.socket(STREAM)
    assert rig.connect(first, address) == 0
    assert rig.connect(second, address, rig.other) == BLOCKED
    assert rig.accept(listener) >= 0
    assert is_woken(rig.other)
    assert rerun(rig.other) == 0


def test_waiting_connect_times_out(rig: Rig) -> None:
    _, address = rig.listener(0)
    rig.connect(rig.socket(STREAM), address)
    fd = rig.socket(STREAM | NONBLOCK)
    assert rig.connect(fd, address) == -EINPROGRESS
    assert rig.connect(fd, address) == -EALREADY
    assert rig.poll(fd) == 0
    rig.kernel.advance(128 * SECOND)
    assert rig.option(fd, SOL_SOCKET, SO_ERROR) == ETIMEDOUT


def test_listener_that_closes_resets_who_waits(rig: Rig) -> None:
    listener, address = rig.listener(0)
    accepted, waiting = rig.socket(STREAM), rig.socket(STREAM | NONBLOCK)
    rig.connect(accepted, address)
    rig.connect(waiting, address)
    rig.close(listener)
    assert rig.recv(accepted) == -ECONNRESET
    assert rig.option(waiting, SOL_SOCKET, SO_ERROR) == ECONNREFUSED


def test_close_with_unread_data_resets(rig: Rig) -> None:
    client, server = rig.pair()
    rig.send(client, b"never read")
    rig.close(server)
    assert rig.poll(client) == IN | OUT | ERR | HUP | RDHUP
    assert rig.recv(client) == -ECONNRESET
    assert rig.recv(client) == b""
    assert rig.send(client, b"x") == -EPIPE


def test_half_close_lets_the_other_direction_go_on(rig: Rig) -> None:
    client, server = rig.pair()
    assert run(rig.task, sys_shutdown, client, 1) == 0
    assert rig.recv(server) == b""
    assert rig.send(server, b"still") == 5
    assert rig.recv(client) == b"still"
    assert rig.send(client, b"x") == -EPIPE


def test_sender_is_stopped_and_let_go_on(rig: Rig) -> None:
    client, server = rig.pair()
    sent = 0
    while True:
        count = rig.send(client, bytes(100_000))
        if count < 0:
            break
        sent += count
    assert count == -EAGAIN
    assert not rig.poll(client) & OUT
    got = 0
    while got < sent:
        part = rig.recv(server)
        assert isinstance(part, bytes)
        got += len(part)
    assert got == sent
    assert rig.poll(client) & OUT
    assert rig.stack.tcp.nr_bytes == 0


def test_fresh_socket_is_not_connected(rig: Rig) -> None:
    fd = rig.socket(STREAM)
    assert rig.poll(fd) == OUT | HUP
    assert rig.recv(fd) == -ENOTCONN
    assert rig.send(fd, b"x") == -EPIPE
    assert rig.accept(fd) == -EINVAL
    assert rig.send(fd, b"x", b"", 1 | NOSIGNAL) == -EPIPE


def test_malformed_addresses_are_refused(rig: Rig) -> None:
    fd, fd6 = rig.socket(STREAM), rig.socket(STREAM, INET6)
    assert rig.bind(fd, in4("127.0.0.1", 1)[:15]) == -EINVAL
    assert rig.bind(fd, b"\x0a\0" + in4("127.0.0.1", 1)[2:]) == -EAFNOSUPPORT
    assert rig.bind(fd, in4("8.8.8.8", 1)) == -EADDRNOTAVAIL
    assert rig.bind(fd6, in6(LOOPBACK6, 1)[:23]) == -EINVAL
    assert rig.connect(fd, b"\2\0") == -EINVAL
    assert run(rig.task, sys_connect, fd, 0x1000, 16) == -14


def test_low_ports_are_for_the_privileged() -> None:
    rig = Rig()
    rig.task = rig.kernel.new_task(12, uid=1000)
    assert rig.bind(rig.socket(STREAM), in4("127.0.0.1", 80)) == -EACCES


def test_time_wait_keeps_the_port_from_who_does_not_reuse(rig: Rig) -> None:
    listener, address = rig.listener()
    client = rig.socket(STREAM)
    rig.connect(client, address)
    server = rig.accept(listener)
    rig.close(listener)
    rig.close(server)
    rig.close(client)
    fd = rig.socket(STREAM)
    assert rig.bind(fd, address) == -EADDRINUSE
    rig.kernel.advance(61 * SECOND)
    assert rig.bind(fd, address) == 0


def test_everything_is_forgotten_at_the_end(rig: Rig) -> None:
    for _ in range(3):
        client, server = rig.pair()
        rig.send(client, b"x")
        rig.recv(server)
        rig.close(client)
        rig.close(server)
    assert not rig.stack.tcp_sockets
    assert not rig.stack.tcp.connections
    assert not rig.stack.tcp.bound
    assert len(rig.stack.tcp.time_wait) == 3


def test_port_of_a_client_cannot_be_bound(rig: Rig) -> None:
    first = rig.socket(STREAM)
    _, address = rig.listener()
    rig.connect(first, address)
    port = rig.port(first)
    assert rig.bind(rig.socket(STREAM), in4("127.0.0.1", port)) == -EADDRINUSE


def test_dual_stack_listener_hears_ipv4(rig: Rig) -> None:
    listener = rig.socket(STREAM, INET6)
    assert rig.bind(listener, in6(bytes(16), 0)) == 0
    assert rig.listen(listener) == 0
    port = rig.port(listener)
    assert rig.connect(rig.socket(STREAM), in4("127.0.0.7", port)) == 0
    assert rig.connect(rig.socket(STREAM, INET6), in6(LOOPBACK6, port)) == 0
    assert rig.bind(rig.socket(STREAM), in4("0.0.0.0", port)) == -EADDRINUSE


def test_raw_and_odd_types_are_refused(rig: Rig) -> None:
    assert run(rig.task, sys_socket, 2, 3, 0) == -93
    assert run(rig.task, sys_socket, 2, 5, 0) == -94
    assert run(rig.task, sys_socket, 2, STREAM, 17) == -93
    assert run(rig.task, sys_socket, 2, STREAM, 263) == -EINVAL


def test_peek_leaves_the_data(rig: Rig) -> None:
    client, server = rig.pair()
    rig.send(client, b"abc")
    rig.send(client, b"def")
    assert rig.recv(server, 5, DONTWAIT | 2) == b"abcde"
    assert rig.recv(server) == b"abcdef"
