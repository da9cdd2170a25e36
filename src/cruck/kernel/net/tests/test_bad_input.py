# SPDX-License-Identifier: MPL-2.0
"""Random sockaddrs, options, control messages and netlink requests at every kind of socket: an errno or a result, never an exception, and
the books stay balanced."""

import random
import struct
from typing import Any

import pytest

from cruck.framework.mm.user_memory import UserFault
from cruck.kernel.errors import WOULD_BLOCK, LinuxError
from cruck.kernel.net.inet.tests.rig import Rig
from cruck.kernel.syscalls.blocking import BLOCKED
from cruck.kernel.syscalls.ioctl import sys_ioctl
from cruck.kernel.syscalls.socket import (
    sys_accept4,
    sys_bind,
    sys_connect,
    sys_getpeername,
    sys_getsockname,
    sys_listen,
    sys_shutdown,
    sys_socket,
)
from cruck.kernel.syscalls.socket_message import sys_recvfrom, sys_recvmsg, sys_sendmsg, sys_sendto
from cruck.kernel.syscalls.socket_options import sys_getsockopt, sys_setsockopt
from cruck.kernel.syscalls.tests.ipc_kit import MEMORY, put, run

KINDS = (
    (2, 1, 0), (10, 1, 0), (2, 2, 0), (10, 2, 0), (2, 2, 136), (2, 2, 1), (10, 2, 58), (2, 3, 1), (2, 3, 255), (10, 3, 58), (1, 1, 0), (1, 2, 0),
    (1, 5, 0), (16, 3, 0), (16, 2, 4), (16, 2, 15),
)  # fmt: skip
NONBLOCK = 0o4000
ADDR, DATA, CONTROL, HEADER, LENGTH = (MEMORY + at for at in (0x1000, 0x2000, 0x3000, 0x4000, 0x5000))
LEVELS = (0, 1, 6, 17, 41, 136, 255, 270, 58, 99)


class Fuzzer:
    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.rig = Rig()
        self.fds: list[int] = []

    def number(self) -> int:
        return self.chance.choice(
            (0, 1, -1, 2, 4, 8, 16, 28, 100, 127, 128, 129, 255, 65_535, 65_536, 0x7FFF_FFFF, -0x8000_0000, self.chance.randrange(1 << 31))
        )

    def data(self, most: int = 64) -> bytes:
        return self.chance.randbytes(self.chance.randrange(most))

    def address(self) -> bytes:
        family = self.chance.choice((0, 1, 2, 2, 10, 16, 17, 0xFFFF))
        body = self.chance.choice((
            b"\x1f\x90\x7f\0\0\1" + bytes(8), b"\0\0" + bytes(4) + bytes(8), b"\x1f\x90" + bytes(4) + bytes(15) + b"\1" + bytes(4),
            b"abstract", bytes(10), self.data(140), b"\x1f\x90\xe0\0\0\1" + bytes(8),
        ))  # fmt: skip
        if family == 1:
            body = b"\0" + body  # abstract: this rig has no files
        whole = family.to_bytes(2, "little") + body
        return whole[: self.chance.choice((len(whole), 1, 2, 3, 8, 16, 24, 28, 110))]

    def control(self) -> bytes:
        level, kind = self.chance.choice(LEVELS), self.chance.choice((0, 1, 2, 8, 14, 50, 52, 67, 103, self.chance.randrange(200)))
        payload = self.chance.choice((struct.pack("<i", self.chance.choice(self.fds or [0])), struct.pack("<iII", 10, 0, 0), self.data(40)))
        return struct.pack("<Qii", self.chance.choice((16 + len(payload), 0, 15, 1 << 40)), level, kind) + payload.ljust(24, b"\0")

    def message(self) -> None:
        address, data, control = self.address(), self.data(200), self.control() * self.chance.randrange(3)
        if self.chance.random() < 0.3:  # netlink
            data = (
                struct.pack(
                    "<IHHIIB",
                    self.chance.choice((len(data), 17, 28, 1 << 31)),
                    self.chance.choice((16, 18, 20, 22, 26, 30)),
                    0x301,
                    1,
                    0,
                    2,
                )
                + data
            )
        put(self.rig.task, address.ljust(140, b"\0"), 0x1000)
        put(self.rig.task, data, 0x2000)
        put(self.rig.task, control, 0x3000)
        put(self.rig.task, struct.pack("<QQ", DATA, len(data)), 0x4100)
        put(
            self.rig.task,
            struct.pack("<QiiQQQQi", ADDR, self.chance.choice((len(address), -1, 128)), 0, HEADER + 0x100, 1, CONTROL, len(control), 0),
            0x4000,
        )

    def step(self) -> None:
        chance, task = self.chance, self.rig.task
        if len(self.fds) < 12 or chance.random() < 0.02:
            family, kind, protocol = chance.choice(KINDS)
            self.fds.append(run(task, sys_socket, family, kind | NONBLOCK, protocol))
            assert self.fds[-1] >= 0, (family, kind, protocol, self.fds[-1])
            return
        fd = chance.choice(self.fds)
        call = chance.randrange(16)
        result: Any = 0
        if call < 3:
            address = self.address()
            put(task, address.ljust(140, b"\0"), 0x1000)
            result = run(task, chance.choice((sys_bind, sys_connect, sys_connect)), fd, ADDR, chance.choice((len(address), self.number())))
        elif call < 6:
            value = chance.choice((struct.pack("<i", self.number()), self.data(), self.data(140)))
            put(task, value, 0x1000)
            result = run(
                task, sys_setsockopt, fd, chance.choice(LEVELS), chance.randrange(110), ADDR, chance.choice((len(value), self.number()))
            )
        elif call < 8:
            put(task, struct.pack("<i", self.number()), 0x5000)
            result = run(task, sys_getsockopt, fd, chance.choice(LEVELS), chance.randrange(110), ADDR, LENGTH)
        elif call < 10:
            self.message()
            result = run(task, sys_sendmsg, fd, HEADER, chance.choice((0, 1, 0x40, 0x8000, 0x4000, 0x2000_0000)) | 0x4040)
        elif call == 10:
            self.message()
            result = run(task, chance.choice((sys_recvmsg, sys_recvmsg)), fd, HEADER, chance.choice((0, 1, 2, 0x20, 0x100, 0x2000)) | 0x40)
        elif call == 11:
            put(task, self.address().ljust(140, b"\0"), 0x1000)
            result = run(
                task, sys_sendto, fd, DATA, chance.choice((0, 1, 7, 8, 20, 5000, 70_000)), 0x4040, ADDR, chance.choice((0, 2, 16, 28, 110))
            )
        elif call == 12:
            result = run(task, sys_recvfrom, fd, DATA, 5000, 0x40, ADDR, LENGTH)
        elif call == 13:
            result = run(task, chance.choice((sys_listen, sys_shutdown)), fd, self.number())
            result = run(task, sys_accept4, fd, ADDR, LENGTH, NONBLOCK)
            if isinstance(result, int) and result >= 0:
                self.fds.append(result)
        elif call == 14:
            put(task, struct.pack("<i", self.number()), 0x5000)
            result = run(task, chance.choice((sys_getsockname, sys_getpeername)), fd, ADDR, LENGTH)
            put(task, b"lo\0".ljust(40, b"\0"), 0x1000)
            run(task, sys_ioctl, fd, chance.choice((0x541B, 0x8905, 0x8902, 0x8904, *range(0x8910, 0x8950))), ADDR)
        else:
            self.fds.remove(fd)
            self.rig.close(fd)
        assert isinstance(result, int) and (result >= 0 or -600 < result or result in (BLOCKED, WOULD_BLOCK)), (call, result)


@pytest.mark.parametrize("seed", range(8))
def test_an_errno_or_a_result(seed: int) -> None:
    fuzzer = Fuzzer(seed)
    for _ in range(1500):
        try:
            fuzzer.step()
        except (LinuxError, UserFault) as refused:
            assert not isinstance(refused, LinuxError) or 0 < refused.errno < 600
        fuzzer.rig.task.wait = None
        for fd in fuzzer.fds:
            fuzzer.rig.task.files.get(fd).poll()
    for fd in fuzzer.fds:
        fuzzer.rig.close(fd)
    stack = fuzzer.rig.stack
    assert stack.tcp.nr_bytes == 0 and not stack.tcp.connections and not stack.tcp.listeners and not stack.members
    assert not stack.udp.bound and not stack.raw.bound and not stack.ping.bound and not stack.udp_sockets
