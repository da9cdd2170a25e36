# SPDX-License-Identifier: MPL-2.0
"""The guest's terminal on a real one: a pseudoterminal of the host, whose master is the user."""

import fcntl
import os
import pty
import select
import struct
import termios
from collections.abc import Iterator

import pytest

from cruck.abi.errno import EIO
from cruck.abi.signal import SIGCONT, SIGHUP, SIGINT, SIGWINCH
from cruck.abi.termios import TCSBRK
from cruck.framework.io.host_terminal import HostTerminal
from cruck.kernel.drivers.host_tty import make_host_tty
from cruck.kernel.drivers.registry import makedev
from cruck.kernel.errors import WOULD_BLOCK
from cruck.kernel.process.task import BLOCKED
from cruck.kernel.tty.file import TtyFile
from cruck.kernel.tty.job_control import take
from cruck.kernel.tty.tests.world import World, read, write


class User:
    def __init__(self) -> None:
        self.master, self.slave = pty.openpty()
        os.set_blocking(self.master, False)
        self.resize_window(40, 120)
        self.world = World()
        self.task = self.world.task(new_session=True)
        self.host_tty = make_host_tty(self.world.kernel, HostTerminal(self.slave), 1000, 5)
        self.tty = self.host_tty.tty
        self.file = TtyFile(self.tty, 2)
        take(self.tty, self.task.process)

    def resize_window(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, data: bytes) -> None:
        os.write(self.master, data)
        assert select.select([self.slave], [], [], 5)[0]
        self.world.fake.poll_host()

    def sees(self, length: int) -> bytes:
        """The next `length` bytes on the screen."""
        data = b""
        while len(data) < length and select.select([self.master], [], [], 5)[0]:
            data += os.read(self.master, length - len(data))
        return data


@pytest.fixture
def user() -> Iterator[User]:
    one = User()
    yield one
    one.host_tty.terminal.close()
    for fd in (one.master, one.slave):
        try:
            os.close(fd)
        except OSError:
            pass


def test_it_is_the_first_pseudoterminal_and_the_console(user: User) -> None:
    assert (user.tty.name, user.tty.rdev) == ("pts/0", makedev(136, 0))
    assert user.world.kernel.devices.console is user.tty
    assert user.file.stat().mode == 0o20620 and user.file.describe() == "/dev/pts/0"
    assert (user.tty.rows, user.tty.columns) == (40, 120)
    assert user.tty.termios.cc[:4] == bytes((3, 0x1C, 0x7F, 0x15))


def test_keys_are_edited_and_echoed_by_our_line_discipline(user: User) -> None:
    user.type(b"hx\x7fi\r")
    assert user.sees(8) == b"hx\b \bi\r\n"
    assert read(user.file) == b"hi\n"
    assert read(user.file) == WOULD_BLOCK


def test_output_is_processed_by_ours_only(user: User) -> None:
    assert write(user.file, b"a\nb") == 3
    assert user.sees(4) == b"a\r\nb"


def test_the_interrupt_key_reaches_the_guest(user: User) -> None:
    user.type(b"\x03")
    assert user.world.signals() == [("group", user.task.tid, SIGINT)]


def test_a_new_window_size_is_passed_on(user: User) -> None:
    user.resize_window(50, 100)
    user.host_tty.resize()
    user.host_tty.resize()
    assert (user.tty.rows, user.tty.columns) == (50, 100)
    assert user.world.signals() == [("group", user.task.tid, SIGWINCH)]


def test_input_waits_on_the_host_while_nobody_reads(user: User) -> None:
    termios_raw(user)
    taken = 0
    while True:
        try:
            taken += os.write(user.master, b"x" * 4096)
        except BlockingIOError:
            if not user.world.fake.poll_host():
                break
    assert user.tty.input_room() == 0
    assert user.host_tty.armed == 0
    got = 0
    while got < taken:
        data = read(user.file)
        if isinstance(data, bytes):
            got += len(data)
        else:
            user.world.fake.poll_host()
    assert got == taken


def termios_raw(user: User) -> None:
    new = user.tty.termios.copy()
    new.iflag = new.lflag = new.oflag = 0
    user.tty.set_termios(new)


def test_output_waits_for_a_slow_terminal_and_goes_on(user: User) -> None:
    termios_raw(user)
    total = 0
    while (count := write(user.file, b"y" * 8192)) > 0:
        total += count
    assert count == WOULD_BLOCK and user.host_tty.nr_unsent() > 0
    assert user.file.ioctl(user.task, TCSBRK, 1) == -2_000_000 and user.task.state == BLOCKED
    got = 0
    while got < total:
        try:
            got += len(os.read(user.master, 65536))
        except BlockingIOError:
            user.world.fake.poll_host()
    assert user.host_tty.nr_unsent() == 0


def test_the_end_restores_the_terminal_and_shows_the_rest(user: User) -> None:
    write(user.file, b"bye")
    user.host_tty.shutdown()
    assert user.sees(3) == b"bye"
    assert termios.tcgetattr(user.slave)[3] & termios.ICANON


def test_a_vanished_terminal_hangs_ours_up(user: User) -> None:
    os.close(user.master)
    assert user.world.fake.poll_host() == 1
    assert user.world.signals() == [("process", user.task.tid, SIGHUP), ("process", user.task.tid, SIGCONT)]
    assert read(user.file) == b"" and write(user.file, b"x") == -EIO
    assert user.world.fake.watches == {}
