# SPDX-License-Identifier: MPL-2.0
"""The gateway without a host: names, refusals, the relay's state machine over a socket pair of the test."""

import os
import pickle
import struct
from typing import Any

from cruck.abi.errno import EPERM
from cruck.framework.io.egress_policy import EgressPolicy
from cruck.framework.io.host_file import HostFile
from cruck.framework.io.host_socket import HostLookup, HostNetwork, HostSocket
from cruck.kernel.net.gateway import dns_message as dns
from cruck.kernel.net.gateway.gateway import Gateway
from cruck.kernel.net.inet.tests.rig import BUF, DGRAM, INET, NONBLOCK, STREAM, Rig, in4
from cruck.kernel.poll.wait_queue import WaitQueue
from cruck.kernel.syscalls.read_write import sys_read
from cruck.kernel.syscalls.socket import sys_shutdown
from cruck.kernel.syscalls.tests.ipc_kit import KitKernel, peek, run

HOSTS = {"public.example": (0x01020304,), "private.example": (0x7F000001, 0x0A000001)}


class CannedNetwork(HostNetwork):
    """Answers from a table; TCP connections end in `far_ends`."""

    def __init__(self, policy: EgressPolicy) -> None:
        super().__init__(policy)
        self.far_ends: list[Any] = []
        self.nr_asked = 0

    def look_up(self, name: str) -> HostLookup | int:
        if not self.policy.decide_name(name).is_allowed:
            return -EPERM
        self.nr_asked += 1
        self.nr_lookups += 1
        lookup = HostLookup()
        self._finish(lookup, name, HOSTS.get(name, ()))
        os.close(lookup._writer)
        return lookup

    def connect(self, address: int, port: int) -> HostSocket | int:
        import _socket

        if not self.policy.decide(address, port).is_allowed:
            return -EPERM
        near, far = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_STREAM)
        far.setblocking(False)
        self.far_ends.append(far)
        return HostSocket(near)


class WatchingKernel(KitKernel):
    def __init__(self, watches: list[tuple[HostFile, int, WaitQueue]]) -> None:
        super().__init__()
        self.watches = watches

    def watch_host(self, file: HostFile, events: int, queue: WaitQueue) -> None:
        self.watches.append((file, events, queue))

    def unwatch_host(self, file: HostFile) -> None:
        pass


class GatewayRig(Rig):
    def __init__(self, *allow: str) -> None:
        self.watches: list[tuple[HostFile, int, WaitQueue]] = []
        super().__init__(WatchingKernel(self.watches))
        self.network = CannedNetwork(EgressPolicy(list(allow), []))
        self.gateway = Gateway(self.stack, self.network)

    def host_turn(self) -> None:
        """Every watch is told, whether or not anything happened."""
        watches = list(self.watches)
        self.watches.clear()
        for _, _, queue in watches:
            queue.wake()

    def ask(self, name: str, kind: int = dns.TYPE_A) -> bytes:
        labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
        fd = self.socket(DGRAM | NONBLOCK)
        query = struct.pack(">6H", 7, 0x100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", kind, 1)
        assert self.send(fd, query, in4("10.0.2.3", 53)) == len(query)
        self.host_turn()
        count = run(self.task, sys_read, fd, BUF, 512)
        assert count > 0
        return peek(self.task, BUF, count)


def test_names_are_answered_by_rule_and_pinned() -> None:
    rig = GatewayRig("public.example:80", "private.example")
    assert rig.ask("public.example")[-4:] == b"\1\2\3\4"
    assert rig.ask("PUBLIC.example")[-4:] == b"\1\2\3\4"
    assert rig.ask("other.example")[3] & 15 == dns.NAME_ERROR
    assert rig.ask("public.example", 28)[6:8] == b"\0\0"  # AAAA: the name has none
    assert rig.network.policy._pins == {"public.example": HOSTS["public.example"]}
    assert rig.network.nr_lookups == 0


def test_a_connection_needs_its_rule_and_its_pin() -> None:
    rig = GatewayRig("public.example:80", "private.example")

    def connect(address: str, port: int) -> int:
        return rig.connect(rig.socket(STREAM | NONBLOCK), in4(address, port))

    assert connect("1.2.3.4", 80) == -EPERM  # nobody has looked the name up
    rig.ask("public.example")
    rig.ask("private.example")
    assert connect("1.2.3.4", 80) == -115
    assert connect("1.2.3.4", 81) == -EPERM
    assert connect("10.0.0.1", 80) == connect("10.0.2.2", 80) == -EPERM  # rebinding
    assert connect("224.0.0.1", 80) == -101
    assert len(rig.network.far_ends) == 1
    assert any("10.0.0.1:80 denied: 10.0.0.0/8" in text for text in rig.stack.decisions.denials)


def test_the_relay_carries_both_ways_to_both_ends() -> None:
    rig = GatewayRig("1.2.3.4")
    fd = rig.socket(STREAM | NONBLOCK)
    assert rig.connect(fd, in4("1.2.3.4", 80)) == -115
    (far,) = rig.network.far_ends
    assert len(rig.gateway.relays) == 1
    assert rig.send(fd, b"question") == 8
    rig.host_turn()
    assert far.recv(99) == b"question"
    far.send(b"answer")
    rig.host_turn()
    assert run(rig.task, sys_read, fd, BUF, 99) == 6 and peek(rig.task, BUF, 6) == b"answer"
    assert run(rig.task, sys_shutdown, fd, 1) == 0
    rig.host_turn()
    assert far.recv(99) == b""
    far.send(b"last words")
    far.close()
    rig.host_turn()
    rig.host_turn()
    assert run(rig.task, sys_read, fd, BUF, 99) == 10 and run(rig.task, sys_read, fd, BUF, 99) == 0
    assert not rig.gateway.relays
    # Linux keeps the guest's end in TIME_WAIT; the far end, which is nobody's, keeps no port from being bound.
    listener = rig.socket(STREAM)
    assert rig.bind(listener, in4("0.0.0.0", 80)) == 0


def test_a_client_that_never_reads_stops_the_host_not_the_kernel() -> None:
    rig = GatewayRig("1.2.3.4")
    fd = rig.socket(STREAM | NONBLOCK)
    rig.connect(fd, in4("1.2.3.4", 80))
    (far,) = rig.network.far_ends
    sent = 0
    for _ in range(400):
        try:
            sent += far.send(bytes(65_536))
        except BlockingIOError:
            rig.host_turn()
    assert rig.stack.tcp.nr_bytes < 4 << 20 and sent < 8 << 20
    received = 0
    for _ in range(2000):
        count = run(rig.task, sys_read, fd, BUF, 65_536)
        if count < 0:
            rig.host_turn()
            count = run(rig.task, sys_read, fd, BUF, 65_536)
            if count < 0:
                break
        received += count
    assert received == sent


def test_a_restored_gateway_has_lost_its_connections() -> None:
    rig = GatewayRig("1.2.3.4")
    network = HostNetwork(rig.network.policy)
    copy = pickle.loads(pickle.dumps(network))
    assert copy.policy.decide(0x01020304, 1).is_allowed
    near = rig.network.connect(0x01020304, 1)
    assert isinstance(near, HostSocket)
    lost = pickle.loads(pickle.dumps(near))
    assert lost.read_nowait(10) < 0 and lost.take_error() != 0
    assert INET == 2
