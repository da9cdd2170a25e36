# SPDX-License-Identifier: MPL-2.0
"""A task with sockets, for tests of AF_INET: calls with plain arguments and results."""

import struct
from typing import Any

from cruck.framework.entropy import Entropy
from cruck.kernel.net.inet.family import InetFamily
from cruck.kernel.net.inet.stack import InetStack
from cruck.kernel.syscalls.blocking import BLOCKED
from cruck.kernel.syscalls.read_write import sys_read
from cruck.kernel.syscalls.socket import (
    sys_accept4,
    sys_bind,
    sys_connect,
    sys_getsockname,
    sys_listen,
    sys_socket,
)
from cruck.kernel.syscalls.socket_message import sys_recvfrom, sys_sendto
from cruck.kernel.syscalls.socket_options import sys_getsockopt, sys_setsockopt
from cruck.kernel.syscalls.tests.ipc_kit import MEMORY, KitKernel, peek, put, run

STREAM, DGRAM, NONBLOCK = 1, 2, 0o4000
INET, INET6 = 2, 10
BUF, ADDR, LEN = MEMORY + 0x10_0000, MEMORY + 0x1000, MEMORY + 0x1100
IN, OUT, ERR, HUP, RDHUP = 1, 4, 8, 16, 0x2000
DONTWAIT, NOSIGNAL = 0x40, 0x4000


class CountingEntropy(Entropy):
    def random_bytes(self, length: int) -> bytes:
        return bytes(length)


def in4(text: str, port: int) -> bytes:
    return struct.pack("<H", INET) + port.to_bytes(2, "big") + bytes(int(part) for part in text.split(".")) + bytes(8)


def in6(address: bytes, port: int) -> bytes:
    return struct.pack("<H", INET6) + port.to_bytes(2, "big") + bytes(4) + address + bytes(4)


class Rig:
    def __init__(self, kernel: KitKernel | None = None) -> None:
        self.kernel = kernel if kernel is not None else KitKernel()
        as_any: Any = self.kernel
        as_any.entropy = CountingEntropy()
        self.task = self.kernel.new_task(10, uid=0)
        self.other = self.kernel.new_task(11, like=self.task)

    @property
    def stack(self) -> InetStack:
        family = self.kernel.families.get(INET)
        assert isinstance(family, InetFamily)
        return family.stack

    def socket(self, kind: int, family: int = INET) -> int:
        fd = run(self.task, sys_socket, family, kind, 0)
        assert fd >= 0
        return fd

    def _with(self, call: Any, fd: int, address: bytes, task: Any = None) -> int:
        put(self.task, address, 0x1000)
        return run(task or self.task, call, fd, ADDR, len(address))

    def bind(self, fd: int, address: bytes) -> int:
        return self._with(sys_bind, fd, address)

    def connect(self, fd: int, address: bytes, task: Any = None) -> int:
        return self._with(sys_connect, fd, address, task)

    def port(self, fd: int) -> int:
        put(self.task, struct.pack("<I", 28), 0x1100)
        assert run(self.task, sys_getsockname, fd, ADDR, LEN) == 0
        return int.from_bytes(peek(self.task, ADDR + 2, 2), "big")

    def listen(self, fd: int, backlog: int = 5) -> int:
        return run(self.task, sys_listen, fd, backlog)

    def accept(self, fd: int, flags: int = 0) -> int:
        return run(self.task, sys_accept4, fd, 0, 0, flags)

    def listener(self, backlog: int = 5) -> tuple[int, bytes]:
        fd = self.socket(STREAM)
        assert self.bind(fd, in4("127.0.0.1", 0)) == 0
        assert self.listen(fd, backlog) == 0
        return fd, in4("127.0.0.1", self.port(fd))

    def pair(self) -> tuple[int, int]:
        listener, address = self.listener()
        client = self.socket(STREAM)
        assert self.connect(client, address) == 0
        server = self.accept(listener)
        self.close(listener)
        return client, server

    def close(self, fd: int) -> None:
        self.task.files.remove(fd).put()

    def send(self, fd: int, data: bytes, address: bytes = b"", flags: int = NOSIGNAL | DONTWAIT) -> int:
        put(self.task, data, 0x10_0000)
        put(self.task, address, 0x1000)
        return run(self.task, sys_sendto, fd, BUF, len(data), flags, ADDR if address else 0, len(address))

    def recv(self, fd: int, size: int = 100_000, flags: int = DONTWAIT) -> bytes | int:
        count = run(self.task, sys_recvfrom, fd, BUF, size, flags, 0, 0)
        return peek(self.task, BUF, count) if count >= 0 else count

    def start_read(self, fd: int) -> None:
        assert run(self.other, sys_read, fd, BUF, 1000) == BLOCKED

    def poll(self, fd: int) -> int:
        return self.task.files.get(fd).poll() & (IN | OUT | ERR | HUP | RDHUP)

    def set(self, fd: int, level: int, name: int, value: int) -> int:
        put(self.task, struct.pack("<i", value), 0x1000)
        return run(self.task, sys_setsockopt, fd, level, name, ADDR, 4)

    def option(self, fd: int, level: int, name: int) -> int:
        put(self.task, struct.pack("<i", 4), 0x1100)
        result = run(self.task, sys_getsockopt, fd, level, name, ADDR, LEN)
        return int.from_bytes(peek(self.task, ADDR, 4), "little", signed=True) if result == 0 else result
