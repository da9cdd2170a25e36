# SPDX-License-Identifier: MPL-2.0
"""Pseudoterminals: both ends, locks, packet mode, closing."""

import pickle

import pytest

from cruck.abi.errno import EINVAL, EIO, ENXIO
from cruck.abi.fcntl import O_NOCTTY, O_RDWR
from cruck.abi.signal import SIGCONT, SIGHUP, SIGINT, SIGTERM
from cruck.abi.stat import S_IFCHR
from cruck.abi.termios import (
    CS8,
    CSIZE,
    IXON,
    TCFLSH,
    TCGETS,
    TCIFLUSH,
    TCOOFF,
    TCOON,
    TCSETS,
    TCXONC,
    TIOCGPTLCK,
    TIOCGPTN,
    TIOCGPTPEER,
    TIOCGWINSZ,
    TIOCINQ,
    TIOCOUTQ,
    TIOCPKT,
    TIOCPKT_DOSTOP,
    TIOCPKT_FLUSHREAD,
    TIOCPKT_NOSTOP,
    TIOCPKT_START,
    TIOCPKT_STOP,
    TIOCSIG,
    TIOCSPTLCK,
    TIOCSWINSZ,
)
from cruck.kernel.drivers.registry import makedev
from cruck.kernel.errors import WOULD_BLOCK, LinuxError
from cruck.kernel.process.task import Task
from cruck.kernel.tty.file import TtyFile
from cruck.kernel.tty.pty import OUTPUT_LIMIT, PtyMaster
from cruck.kernel.tty.tests.world import DATA, World, change, read, write
from cruck.kernel.vfs.file import File

POLLIN = 0x001
POLLPRI = 0x002
POLLOUT = 0x004
POLLHUP = 0x010


class Pair:
    def __init__(self) -> None:
        self.world = World()
        self.task: Task = self.world.task(new_session=True)
        self.registry = self.world.kernel.devices
        master = self.registry.open(self.task, S_IFCHR, makedev(5, 2), None, O_RDWR)
        assert isinstance(master, PtyMaster)
        self.master = master
        self.master.get()

    def ioctl(self, file: File, command: int, value: int = 0) -> int:
        self.task.user.write_u32(DATA, value)
        return file.ioctl(self.task, command, DATA)

    def answer(self) -> int:
        return self.task.user.read_u32(DATA)

    def unlock(self) -> None:
        assert self.ioctl(self.master, TIOCSPTLCK, 0) == 0

    def open_slave(self, flags: int = O_RDWR | O_NOCTTY) -> TtyFile:
        assert self.ioctl(self.master, TIOCGPTN) == 0
        file = self.registry.open(self.task, S_IFCHR, makedev(136, self.answer()), None, flags)
        assert isinstance(file, TtyFile)
        file.get()
        return file


@pytest.fixture
def pair() -> Pair:
    return Pair()


def test_the_slave_opens_only_when_it_is_unlocked(pair: Pair) -> None:
    with pytest.raises(LinuxError) as caught:
        pair.open_slave()
    assert caught.value.errno == EIO
    assert pair.ioctl(pair.master, TIOCGPTLCK) == 0 and pair.answer() == 1
    pair.unlock()
    pair.open_slave()


def test_what_the_master_writes_is_typed_and_echoed(pair: Pair) -> None:
    pair.unlock()
    slave = pair.open_slave()
    assert write(pair.master, b"hi\r") == 3
    assert read(slave) == b"hi\n"
    assert read(pair.master) == b"hi\r\n"
    assert read(pair.master) == WOULD_BLOCK
    assert write(slave, b"out\n") == 4
    assert read(pair.master, 2) == b"ou"
    assert read(pair.master) == b"t\r\n"


def test_typing_works_before_the_slave_is_open(pair: Pair) -> None:
    assert write(pair.master, b"early\n") == 6
    assert read(pair.master) == b"early\r\n"
    assert read(pair.master) == WOULD_BLOCK
    assert not pair.master.poll() & POLLHUP
    pair.unlock()
    assert read(pair.open_slave()) == b"early\n"


def test_the_master_sees_the_last_close_of_the_slave(pair: Pair) -> None:
    pair.unlock()
    first, second = pair.open_slave(), pair.open_slave()
    write(first, b"bye")
    first.put()
    assert not pair.master.poll() & POLLHUP
    second.put()
    assert pair.master.poll() & POLLHUP
    assert read(pair.master) == b"bye"
    assert read(pair.master) == -EIO
    pair.open_slave()
    assert read(pair.master) == WOULD_BLOCK and not pair.master.poll() & POLLHUP


def test_closing_the_master_hangs_the_slave_up(pair: Pair) -> None:
    pair.unlock()
    slave = pair.open_slave(O_RDWR)
    assert slave.tty.session is pair.task.process.group.session
    pair.master.put()
    assert pair.world.signals() == [("process", pair.task.tid, SIGHUP), ("process", pair.task.tid, SIGCONT)]
    assert read(slave) == b"" and write(slave, b"x") == -EIO
    with pytest.raises(LinuxError) as caught:
        pair.registry.open(pair.task, S_IFCHR, slave.tty.rdev, None, O_RDWR)
    assert caught.value.errno == EIO
    assert pair.registry.ptys.drivers == {}


def test_indices_are_the_lowest_free(pair: Pair) -> None:
    second = pair.registry.ptys.open_master(pair.task, O_RDWR)
    assert (pair.master.driver.index, second.driver.index) == (0, 1)
    pair.master.put()
    assert pair.registry.ptys.open_master(pair.task, O_RDWR).driver.index == 0


def test_a_full_pair_blocks_both_ways_and_wakes(pair: Pair) -> None:
    pair.unlock()
    slave = pair.open_slave()
    change(slave.tty, lflag=0, oflag=0, iflag=0)
    taken = 0
    while (count := write(slave, b"x" * 5000)) > 0:
        taken += count
    assert count == WOULD_BLOCK and OUTPUT_LIMIT - 16 <= taken <= OUTPUT_LIMIT and not slave.poll() & POLLOUT
    assert len(read(pair.master, 1 << 20)) == taken  # type: ignore[arg-type]
    assert slave.poll() & POLLOUT
    typed = 0
    while (count := write(pair.master, b"y" * 5000)) > 0:
        typed += count
    assert count == WOULD_BLOCK and typed == 4095 + 8192 and not pair.master.poll() & POLLOUT
    got = b""
    while (part := read(slave)) != WOULD_BLOCK:
        assert isinstance(part, bytes)
        got += part
    assert got == b"y" * typed
    assert pair.master.poll() & POLLOUT


def test_window_size_and_settings_are_those_of_the_slave(pair: Pair) -> None:
    pair.unlock()
    slave = pair.open_slave()
    pair.task.user.write(DATA, bytes((24, 0, 80, 0, 1, 0, 2, 0)))
    assert pair.master.ioctl(pair.task, TIOCSWINSZ, DATA) == 0
    assert slave.ioctl(pair.task, TIOCGWINSZ, DATA + 8) == 0
    assert pair.task.user.read(DATA + 8, 8) == bytes((24, 0, 80, 0, 1, 0, 2, 0))
    assert pair.master.ioctl(pair.task, TCGETS, DATA) == 0
    settings = pair.task.user.read(DATA, 36)
    pair.task.user.write(DATA, bytes(8) + (0o17 | 0o400).to_bytes(4, "little") + settings[12:])
    assert pair.master.ioctl(pair.task, TCSETS, DATA) == 0
    assert slave.tty.termios.iflag == 0 and slave.tty.termios.cflag & CSIZE == CS8


def test_packet_mode_marks_data_and_tells_news(pair: Pair) -> None:
    pair.unlock()
    slave = pair.open_slave()
    assert pair.ioctl(pair.master, TIOCPKT, 1) == 0
    write(slave, b"ab")
    assert read(pair.master) == b"\0ab"
    assert slave.ioctl(pair.task, TCFLSH, TCIFLUSH) == 0
    assert pair.master.poll() & (POLLIN | POLLPRI) == POLLIN | POLLPRI
    assert read(pair.master) == bytes((TIOCPKT_FLUSHREAD,))
    change(slave.tty, iflag=slave.tty.termios.iflag & ~IXON)
    assert read(pair.master) == bytes((TIOCPKT_NOSTOP,))
    change(slave.tty, iflag=slave.tty.termios.iflag | IXON)
    assert read(pair.master) == bytes((TIOCPKT_DOSTOP,))
    assert slave.ioctl(pair.task, TCXONC, TCOOFF) == 0
    assert read(pair.master) == bytes((TIOCPKT_STOP,))
    assert write(slave, b"held") == WOULD_BLOCK
    assert slave.ioctl(pair.task, TCXONC, TCOON) == 0
    assert read(pair.master) == bytes((TIOCPKT_START,))


def test_counts_of_waiting_bytes(pair: Pair) -> None:
    pair.unlock()
    slave = pair.open_slave()
    write(pair.master, b"ab\ncd")
    assert pair.ioctl(slave, TIOCINQ) == 0 and pair.answer() == 3
    assert pair.ioctl(pair.master, TIOCINQ) == 0 and pair.answer() == 6
    assert pair.ioctl(slave, TIOCOUTQ) == 0 and pair.answer() == 0


def test_the_peer_opens_without_a_name(pair: Pair) -> None:
    with pytest.raises(LinuxError) as caught:
        pair.master.ioctl(pair.task, TIOCGPTPEER, O_RDWR | O_NOCTTY)
    assert caught.value.errno == EIO
    pair.unlock()
    fd = pair.master.ioctl(pair.task, TIOCGPTPEER, O_RDWR | O_NOCTTY)
    assert fd >= 0
    file = pair.task.files.get(fd)
    assert file.describe() == "/dev/pts/0"
    write(pair.master, b"x\n")
    assert read(file) == b"x\n"


def test_the_master_sends_keyboard_signals_only(pair: Pair) -> None:
    pair.unlock()
    pair.open_slave(O_RDWR)
    assert pair.master.ioctl(pair.task, TIOCSIG, SIGINT) == 0
    assert pair.world.signals() == [("group", pair.task.tid, SIGINT)]
    assert pair.master.ioctl(pair.task, TIOCSIG, SIGTERM) == -EINVAL


def test_dev_tty_is_the_controlling_terminal_or_nothing(pair: Pair) -> None:
    with pytest.raises(LinuxError) as caught:
        pair.registry.open(pair.task, S_IFCHR, makedev(5, 0), None, O_RDWR)
    assert caught.value.errno == ENXIO
    pair.unlock()
    slave = pair.open_slave(O_RDWR)
    file = pair.registry.open(pair.task, S_IFCHR, makedev(5, 0), None, O_RDWR)
    assert isinstance(file, TtyFile) and file.tty is slave.tty


def test_a_busy_pair_can_be_pickled(pair: Pair) -> None:
    pair.unlock()
    write(pair.master, b"half\nline")
    driver = pickle.loads(pickle.dumps(pair.master.driver))
    assert bytes(driver.tty.discipline.buffer) == b"half\nline" and driver.tty.driver is driver
