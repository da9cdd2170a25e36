# SPDX-License-Identifier: MPL-2.0
"""Two kernels in one process, joined by a line with delay and loss: programs of Debian on the one talk TCP to programs on the other."""

import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from compare import PATH, needs

from cruck.abi.socket import AF_INET
from cruck.kernel import trap_loop
from cruck.kernel.net.inet.family import InetFamily
from cruck.kernel.net.link.network import Network
from cruck.kernel.net.link.node import Node
from cruck.sandbox.box import Box
from cruck.sandbox.config import RunConfig
from cruck.sandbox.streams import InputStream, OutputStream

pytest.importorskip("cruck.framework._machine")
MS = 1_000_000
SERVER, CLIENT = b"\x0a\x01\0\1", b"\x0a\x01\0\2"


class Machine:
    """One kernel on the line, with a program."""

    def __init__(self, network: Network, address: bytes, directory: Path, command: list[str]) -> None:
        config = RunConfig(command)
        config.cwd = str(directory)
        config.host_environment = {"PATH": PATH}
        config.tty = False
        self.box = Box(config, hidden=True)
        family = self.box.kernel.families.get(AF_INET)
        assert isinstance(family, InetFamily)
        self.node = Node(network, self.box.kernel, family.stack, address)
        self.output = OutputStream(self.box.kernel.next_ino())
        self.box.start([InputStream(b"", self.box.kernel.next_ino()), self.output, self.output])


class Lan:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.network = Network(delay_ns=2 * MS, jitter_ns=MS, loss_per_million=20_000, seed=3)
        self.machines: list[Machine] = []

    def add(self, address: bytes, *command: str) -> Machine:
        machine = Machine(self.network, address, self.directory, list(command))
        self.machines.append(machine)
        return machine

    def run(self, until: Machine, timeout_s: float = 60.0) -> bytes:
        """Turns all kernels until that machine's program has ended. Returns what it wrote."""
        end = time.monotonic() + timeout_s
        while not until.box.kernel.is_halted:
            assert time.monotonic() < end, [bytes(machine.output.getvalue()) for machine in self.machines]
            before = sum(machine.box.kernel.nr_calls for machine in self.machines)
            for machine in self.machines:
                if not machine.box.kernel.is_halted:
                    trap_loop.turn(machine.box.kernel, False)
            if before == sum(machine.box.kernel.nr_calls for machine in self.machines):
                time.sleep(0.0002)
        assert all(machine.box.kernel.nr_oopses == 0 for machine in self.machines)
        return until.output.getvalue()


@pytest.fixture
def lan(tmp_path: Path) -> Iterator[Lan]:
    made = Lan(tmp_path)
    yield made
    for machine in made.machines:
        machine.box.close()


@needs("curl", "curl")
def test_curl_fetches_from_the_other_kernel(lan: Lan, tmp_path: Path) -> None:
    data = os.urandom(300_000)
    (tmp_path / "big").write_bytes(data)
    lan.add(SERVER, "python3", "-m", "http.server", "80")
    script = (
        "curl -sf --retry 50 --retry-connrefused --retry-delay 1 http://10.1.0.1/big | sha256sum; ip -4 -br addr; ip route get 10.1.0.1"
    )
    client = lan.add(CLIENT, "sh", "-c", script)
    lines = lan.run(client).decode().splitlines()
    assert lines[0].split()[0] == hashlib.sha256(data).hexdigest()
    assert any("eth0" in line and "10.1.0.2/24" in line for line in lines[1:]) and "10.1.0.1 dev eth0 src 10.1.0.2" in lines[-2] + lines[-1]
    assert lan.network.nr_lost > 2 and lan.network.nr_packets > 200


def test_a_partition_is_survived_and_a_reset_is_seen(lan: Lan) -> None:
    server = """
import socket
s = socket.create_server(('', 80)); c, _ = s.accept()
while part := c.recv(100): c.sendall(part.upper())
c, _ = s.accept(); c.recv(1); c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, bytes([1,0,0,0,0,0,0,0])); c.close()
"""
    client = """
import socket, time
def dial():
    while True:
        try: return socket.create_connection(('10.1.0.1', 80), 10)
        except ConnectionRefusedError: time.sleep(0.05)
s = dial(); s.sendall(b'one'); print(s.recv(100)); print('cut', flush=True)
time.sleep(0.2); s.sendall(b'two'); print(s.recv(100)); s.close()
s = dial(); s.sendall(b'x')
try: print(s.recv(100))
except ConnectionResetError as error: print(error)
"""
    lan.add(SERVER, "python3", "-c", server)
    machine = lan.add(CLIENT, "python3", "-c", client)
    kernel = machine.box.kernel
    end = time.monotonic() + 30
    while b"cut" not in machine.output.getvalue():
        assert time.monotonic() < end and not kernel.is_halted
        for one in lan.machines:
            trap_loop.turn(one.box.kernel, False)
    lan.network.partition([SERVER], [CLIENT])
    cut_until = time.monotonic() + 1.0
    while time.monotonic() < cut_until:
        for one in lan.machines:
            trap_loop.turn(one.box.kernel, False)
    assert b"TWO" not in machine.output.getvalue()
    lan.network.heal()
    assert lan.run(machine).decode().splitlines() == ["b'ONE'", "cut", "b'TWO'", "[Errno 104] Connection reset by peer"]
