# SPDX-License-Identifier: MPL-2.0
"""The guest's standard streams on real host pipes, sockets and files."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from cruck.abi.errno import EACCES, EPIPE, ESPIPE
from cruck.abi.fcntl import O_APPEND, O_RDONLY, O_RDWR, O_WRONLY
from cruck.framework.hardware import PROT_READ
from cruck.framework.io.host_file import HostFile
from cruck.framework.io.host_stream import HostStream
from cruck.framework.mm.user_memory import BytesReader, BytesWriter, UserFault, VmWriter
from cruck.kernel.drivers.host_stream_file import HostStreamFile
from cruck.kernel.drivers.stdio import open_host_stdio
from cruck.kernel.errors import WOULD_BLOCK
from cruck.kernel.poll.wait_queue import Waiter, WaitQueue
from cruck.kernel.tty.tests.world import DATA, World, read, write

POLLIN = 0x001
POLLOUT = 0x004
POLLERR = 0x008
POLLHUP = 0x010


class Bell(Waiter):
    def __init__(self) -> None:
        self.nr_rings = 0

    def notify(self, queue: WaitQueue, events: int) -> bool:
        self.nr_rings += 1
        return True


class Faulty(VmWriter):
    """Guest memory that takes nothing."""

    def __init__(self, room: int) -> None:
        self.remaining = room
        self.is_faulted = False

    def write(self, data: bytes) -> int:
        raise UserFault

    def read_from_host(self, host: HostFile, host_offset: int, length: int, flags: int) -> int:
        raise UserFault


class Host:
    def __init__(self) -> None:
        self.world = World()
        self.task = self.world.task()
        self.reader, self.writer = os.pipe()
        self.open_fds = [self.reader, self.writer]
        self.bell = Bell()

    def open(self, number: int) -> HostStreamFile:
        file = open_host_stdio(self.world.kernel, [HostStream(number)], 1000, 1000)[0]
        assert isinstance(file, HostStreamFile)
        file.get()
        queue = file.wait_queue()
        if queue is not None:
            queue.add(self.bell)
        return file

    def close(self, fd: int) -> None:
        self.open_fds.remove(fd)
        os.close(fd)

    def make_file(self, path: Path, data: bytes, flags: int = os.O_RDWR) -> int:
        path.write_bytes(data)
        fd = os.open(path, flags)
        self.open_fds.append(fd)
        return fd


@pytest.fixture(params=["opened again", "polled"])
def host(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    """Pipes as they usually are, and where they cannot be opened a second time."""
    if request.param == "polled":
        monkeypatch.setattr(HostStream, "_open_again", lambda self: None)
    one = Host()
    yield one
    for fd in one.open_fds:
        os.close(fd)


def test_an_empty_pipe_blocks_and_wakes_the_reader(host: Host) -> None:
    file = host.open(host.reader)
    assert read(file) == WOULD_BLOCK
    assert host.world.fake.poll_host() == 0
    os.write(host.writer, b"abc")
    assert host.world.fake.poll_host() == 1 and host.bell.nr_rings == 1
    assert read(file, 2) == b"ab"
    assert read(file) == b"c"
    assert read(file) == WOULD_BLOCK


def test_the_end_of_the_writers_is_the_end_of_the_file(host: Host) -> None:
    file = host.open(host.reader)
    assert read(file) == WOULD_BLOCK
    host.close(host.writer)
    assert host.world.fake.poll_host() == 1
    assert read(file) == b""
    assert file.poll() & POLLHUP


def test_a_faulting_read_loses_nothing(host: Host) -> None:
    file = host.open(host.reader)
    os.write(host.writer, b"abc")
    with pytest.raises(UserFault):
        file.read(Faulty(10), 0)
    assert file.poll() & POLLIN
    assert read(file) == b"abc"


def test_a_full_pipe_takes_a_part_then_blocks_and_wakes_the_writer(host: Host) -> None:
    file = host.open(host.writer)
    data = BytesReader(b"x" * 100_000)
    total = 0
    while (count := file.write(data, 0)) > 0:
        total += count
    assert count == WOULD_BLOCK and total == 65536 and data.remaining == 100_000 - total
    assert not file.poll() & POLLOUT
    assert host.world.fake.poll_host() == 0
    assert len(os.read(host.reader, 1 << 20)) == total
    assert host.world.fake.poll_host() == 1 and host.bell.nr_rings == 1
    assert file.write(data, 0) == 100_000 - total


def test_a_write_without_readers_is_epipe(host: Host) -> None:
    file = host.open(host.writer)
    host.close(host.reader)
    assert write(file, b"x") == -EPIPE
    assert file.poll() & POLLERR


def test_a_pipe_cannot_seek(host: Host) -> None:
    assert host.open(host.reader).lseek(0, 0) == -ESPIPE


def test_waiting_is_for_what_does_not_hold_yet(host: Host) -> None:
    ours, theirs = socket.socketpair()
    file = host.open(ours.fileno())
    assert file.poll() & (POLLIN | POLLOUT) == POLLOUT
    assert host.world.fake.poll_host() == 0
    theirs.send(b"x")
    assert host.world.fake.poll_host() == 1
    assert file.poll() & POLLIN
    ours.close()
    theirs.close()
    file.put()


def test_a_socket_takes_all_in_the_end(host: Host) -> None:
    ours, theirs = socket.socketpair()
    file = host.open(ours.fileno())
    data = BytesReader(bytes(range(256)) * 4000)
    got = b""
    while True:
        count = file.write(data, 0)
        assert count != 0 or data.remaining == 0
        if data.remaining == 0 and not file.stream_inode.unsent:
            break
        got += theirs.recv(1 << 20)
        if data.remaining == 0:
            file.write(BytesReader(b""), 0)
            file.put()
            break
    ours.close()
    while part := theirs.recv(1 << 20):
        got += part
        if len(got) == 1_024_000:
            break
    assert got == bytes(range(256)) * 4000
    theirs.close()


def edge_read(file: HostStreamFile, length: int) -> bytes:
    """What read(2) does: at the position, which moves."""
    out = BytesWriter(length)
    count = file.read(out, file.pos)
    assert count >= 0
    file.pos += count
    return out.getvalue()


def edge_write(file: HostStreamFile, data: bytes) -> None:
    count = file.write(BytesReader(data), file.pos)
    assert count == len(data)
    file.pos = file.append_pos() if file.flags & O_APPEND else file.pos + count


def test_reads_share_the_offset_with_the_host(host: Host, tmp_path: Path) -> None:
    fd = host.make_file(tmp_path / "f", b"0123456789")
    os.lseek(fd, 2, os.SEEK_SET)
    file = host.open(fd)
    assert edge_read(file, 3) == b"234"
    assert os.lseek(fd, 0, os.SEEK_CUR) == 5
    os.lseek(fd, 8, os.SEEK_SET)
    assert edge_read(file, 1) == b"8"
    assert edge_read(file, 1) == b"9"
    assert file.lseek(0, 1) == 10


def test_positioned_reads_leave_the_offset(host: Host, tmp_path: Path) -> None:
    fd = host.make_file(tmp_path / "f", b"0123456789")
    file = host.open(fd)
    edge_read(file, 4)
    for offset in (7, 4):
        out = BytesWriter(2)
        assert file.read(out, offset) == 2
        assert out.getvalue() == b"0123456789"[offset : offset + 2]
    assert edge_read(file, 2) == b"45"
    assert os.lseek(fd, 0, os.SEEK_CUR) == 6


def test_writes_share_the_offset_between_two_streams(host: Host, tmp_path: Path) -> None:
    path = tmp_path / "log"
    fd = host.make_file(path, b"")
    out, err = host.open(fd), host.open(os.dup(fd))
    edge_write(out, b"one ")
    edge_write(err, b"two ")
    edge_write(out, b"three ")
    edge_write(err, b"four")
    assert path.read_bytes() == b"one two three four"
    os.write(fd, b"!")
    assert path.read_bytes() == b"one two three four!"


def test_an_appending_description_appends(host: Host, tmp_path: Path) -> None:
    path = tmp_path / "log"
    file = host.open(host.make_file(path, b"old", os.O_WRONLY | os.O_APPEND))
    assert file.flags == O_WRONLY | O_APPEND
    edge_write(file, b"new")
    assert path.read_bytes() == b"oldnew"


def test_truncate_and_sync_reach_the_file(host: Host, tmp_path: Path) -> None:
    path = tmp_path / "f"
    file = host.open(host.make_file(path, b"0123456789"))
    assert file.truncate(4) == 0 and file.fsync(False) == 0
    assert path.read_bytes() == b"0123" and file.stat().size == 4


def test_a_file_can_be_mapped_and_a_pipe_cannot(host: Host, tmp_path: Path) -> None:
    file = host.open(host.make_file(tmp_path / "f", b"mapped"))
    mapping = file.mapping()
    assert mapping is not None and mapping is file.mapping() and mapping.length() == 6
    space = host.world.fake.machine.new_space()
    assert mapping.map_pages(space, 0x1000, 0x1000, 0, PROT_READ, True) == 0
    assert space.read(0x1000, 6) == b"mapped"
    assert host.open(host.reader).mapping() is None


def test_opening_it_again_is_the_same_stream(host: Host, tmp_path: Path) -> None:
    file = host.open(host.reader)
    place = file.link_path()
    assert place is not None
    again = place.inode().open_special(host.task, place, O_RDONLY)
    assert isinstance(again, HostStreamFile)
    again.get()
    assert place.inode().open_special(host.task, place, O_RDWR) == -EACCES
    os.write(host.writer, b"x")
    file.put()
    assert read(again) == b"x"
    again.put()
    host.close(host.reader)
    with pytest.raises(BrokenPipeError):
        os.write(host.writer, b"y")


def test_fionread_counts(host: Host) -> None:
    file = host.open(host.reader)
    os.write(host.writer, b"abc")
    assert file.ioctl(host.task, 0x541B, DATA) == 0
    assert host.task.user.read_u32(DATA) == 3


def test_stat_is_the_hosts(host: Host) -> None:
    file = host.open(host.reader)
    assert file.stat().mode == os.fstat(host.reader).st_mode and file.stat().ino == os.fstat(host.reader).st_ino
    assert file.describe() == "pipe:[42]"
