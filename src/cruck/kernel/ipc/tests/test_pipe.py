# SPDX-License-Identifier: MPL-2.0
"""Pipes and FIFOs, as pipe(7) and fifo(7) say."""

from typing import Any

from cruck.abi.errno import EAGAIN, EBUSY, EFAULT, EINVAL, EMFILE, ENXIO, EPERM, EPIPE, ERESTARTSYS
from cruck.abi.stat import S_IFIFO
from cruck.framework.mm.user_memory import BytesReader, BytesWriter
from cruck.kernel.errors import WOULD_BLOCK
from cruck.kernel.ipc.fifo import open_fifo
from cruck.kernel.ipc.pipe import POLLERR, POLLHUP, POLLIN, POLLOUT, PipeEnd, make_pipe
from cruck.kernel.process.credentials import Credentials
from cruck.kernel.process.task import Task
from cruck.kernel.syscalls.blocking import BLOCKED
from cruck.kernel.syscalls.pipe import sys_pipe2
from cruck.kernel.syscalls.read_write import sys_read, sys_write
from cruck.kernel.syscalls.tests.ipc_kit import MEMORY, NOWHERE, KitKernel, catch, fds_at, is_woken, peek, put, rerun, run
from cruck.kernel.vfs.anon_inode import AnonFileSystem, AnonInode
from cruck.kernel.vfs.file import File

CREDS = Credentials(1000, 1000, ())
O_NONBLOCK = 0o4000
O_DIRECT = 0o40000


def new_pipe(flags: int = 0) -> tuple[PipeEnd, PipeEnd]:
    kernel: Any = KitKernel()
    read_end, write_end = make_pipe(kernel, CREDS, flags)
    read_end.get()
    write_end.get()
    return read_end, write_end


def write(end: File, data: bytes) -> int:
    return end.write(BytesReader(data), 0)


def read(end: File, count: int) -> bytes | int:
    out = BytesWriter(count)
    result = end.read(out, 0)
    if result < 0:
        return result
    assert result == len(out.getvalue())
    return out.getvalue()


def test_bytes_come_out_in_order_whatever_the_sizes() -> None:
    reader, writer = new_pipe()
    sent = b""
    got = b""
    for size in (1, 4095, 4096, 5000, 3, 10_000, 1, 1, 8192):
        data = bytes((len(sent) + i) & 0xFF for i in range(size))
        assert write(writer, data) == size
        sent += data
        part = read(reader, 777)
        assert isinstance(part, bytes)
        got += part
    while len(got) < len(sent):
        part = read(reader, 10_000)
        assert isinstance(part, bytes)
        got += part
    assert got == sent
    assert read(reader, 1) == WOULD_BLOCK
    assert reader.pipe.nr_slots == 0 and reader.pipe.nr_bytes == 0


def test_it_holds_64_kib_however_it_is_filled() -> None:
    for size in (1, 16, 4096, 65_536, 100_000):
        _, writer = new_pipe()
        total = 0
        while True:
            count = write(writer, bytes(size))
            if count == WOULD_BLOCK:
                break
            total += count
        assert total == 65_536


def test_a_small_write_is_all_or_nothing() -> None:
    reader, writer = new_pipe()
    assert write(writer, bytes(65_536 - 4096)) == 65_536 - 4096
    assert write(writer, bytes(4000)) == 4000
    assert write(writer, bytes(97)) == WOULD_BLOCK
    assert write(writer, bytes(96)) == 96
    assert read(reader, 100) == bytes(100)
    assert write(writer, b"x") == WOULD_BLOCK  # no whole slot is free
    assert not writer.poll() & POLLOUT
    assert read(reader, 3996) == bytes(3996)
    assert writer.poll() & POLLOUT
    assert write(writer, bytes(4096)) == 4096


def test_end_of_file_and_broken_pipe() -> None:
    reader, writer = new_pipe()
    write(writer, b"last")
    writer.put()
    assert reader.poll() & (POLLIN | POLLHUP) == POLLIN | POLLHUP
    assert read(reader, 10) == b"last"
    assert read(reader, 10) == b""
    assert reader.poll() & (POLLIN | POLLHUP) == POLLHUP
    reader, writer = new_pipe()
    reader.put()
    assert write(writer, b"x") == -EPIPE
    assert write(writer, b"") == 0
    assert writer.poll() & POLLERR


def test_packets_keep_their_boundaries() -> None:
    reader, writer = new_pipe(O_DIRECT)
    write(writer, b"one")
    write(writer, b"three")
    assert write(writer, bytes(5000)) == 5000
    assert read(reader, 10) == b"one"
    assert read(reader, 2) == b"th"  # the rest of the packet is lost
    assert read(reader, 10_000) == bytes(4096)
    assert read(reader, 10_000) == bytes(904)


def test_size_can_be_changed() -> None:
    reader, writer = new_pipe()
    pipe = writer.pipe
    assert writer.pipe_size() == 65_536
    assert pipe.set_size(5000, CREDS, 1 << 20) == 8192
    assert write(writer, bytes(100_000)) == 8192
    assert pipe.set_size(4096, CREDS, 1 << 20) == -EBUSY
    assert pipe.set_size(1 << 20, CREDS, 1 << 20) == 1 << 20
    assert pipe.set_size((1 << 20) + 1, CREDS, 1 << 20) == -EPERM
    assert pipe.set_size((1 << 20) + 1, Credentials(0, 0, ()), 1 << 20) == 1 << 21
    assert pipe.set_size((1 << 31) + 1, CREDS, 1 << 20) == -EINVAL
    assert reader.pipe_size() == 1 << 21


def test_pipe2_makes_two_descriptors_or_none() -> None:
    kernel = KitKernel()
    task = kernel.new_task(10)
    assert run(task, sys_pipe2, MEMORY, 1) == -EINVAL
    assert run(task, sys_pipe2, NOWHERE, 0) == -EFAULT
    assert task.files.open_fds() == []
    task.process.rlimits[7] = (1, 1)
    assert run(task, sys_pipe2, MEMORY, 0) == -EMFILE
    task.process.rlimits[7] = (10, 10)
    assert run(task, sys_pipe2, MEMORY, 0o2000000 | O_NONBLOCK) == 0
    assert fds_at(task, MEMORY) == (0, 1)
    assert task.files.cloexec == {0, 1}
    assert task.files.get(0).stat().mode & 0o170000 == S_IFIFO
    assert run(task, sys_read, 0, MEMORY, 10) == -EAGAIN


def test_a_blocked_reader_is_woken_by_a_writer_and_a_blocked_writer_writes_all() -> None:
    kernel = KitKernel()
    reader = kernel.new_task(10)
    writer = kernel.new_task(11, like=reader)
    run(reader, sys_pipe2, MEMORY, 0)
    assert run(reader, sys_read, 0, MEMORY + 100, 50) == BLOCKED
    put(writer, b"hello", 0x1000)
    assert run(writer, sys_write, 1, MEMORY + 0x1000, 5) == 5
    assert rerun(reader) == 5
    assert peek(reader, MEMORY + 100, 5) == b"hello"
    # More than fits: the writer waits in the middle.
    assert run(writer, sys_write, 1, MEMORY, 200_000) == BLOCKED
    total = 0
    while True:
        total += run(reader, sys_read, 0, MEMORY + 0x10_0000, 65_536)
        if is_woken(writer):
            result = rerun(writer)
            if result != BLOCKED:
                assert result == 200_000
                break
    while total < 200_000:
        total += run(reader, sys_read, 0, MEMORY + 0x10_0000, 65_536)
    assert total == 200_000


def test_a_signal_interrupts_a_read() -> None:
    kernel = KitKernel()
    task = kernel.new_task(10)
    run(task, sys_pipe2, MEMORY, 0)
    catch(task, 10)
    assert run(task, sys_read, 0, MEMORY, 1) == BLOCKED
    kernel.send_signal_task(task, 10)
    assert rerun(task) == -ERESTARTSYS
    assert task.files.get(0).wait_queue().waiters == {}  # type: ignore[union-attr]


# FIFOs.
def new_fifo(kernel: Any) -> AnonInode:
    return AnonInode(AnonFileSystem(b"tmpfs", 30, 0), 5, S_IFIFO | 0o666, 0, 0, 0)


def open_as(task: Task, inode: AnonInode, flags: int, opened: list[File]) -> int:
    """A handler."""
    result = open_fifo(task, inode, flags)
    if isinstance(result, int):
        return result
    opened.append(result.get())
    return 0


def test_fifo_opens_meet() -> None:
    kernel = KitKernel()
    first, second = kernel.new_task(10), kernel.new_task(11)
    fifo = new_fifo(kernel)
    opened: list[File] = []
    assert run(first, open_as, fifo, 0, opened) == BLOCKED
    assert run(second, open_as, fifo, 1, opened) == 0
    assert rerun(first) == 0
    writer, reader = opened
    assert write(writer, b"hi") == 2
    assert read(reader, 5) == b"hi"
    writer.put()
    assert read(reader, 5) == b""
    reader.put()
    assert fifo.pipe is None
    # The other way round.
    opened = []
    assert run(first, open_as, fifo, 1, opened) == BLOCKED
    assert run(second, open_as, fifo, 0, opened) == 0
    assert rerun(first) == 0


def test_fifo_without_waiting() -> None:
    kernel = KitKernel()
    task = kernel.new_task(10)
    fifo = new_fifo(kernel)
    opened: list[File] = []
    assert run(task, open_as, fifo, 1 | O_NONBLOCK, opened) == -ENXIO
    assert run(task, open_as, fifo, 0 | O_NONBLOCK, opened) == 0
    reader = opened[0]
    assert reader.poll() == 0  # no POLLHUP before there was a writer
    assert run(task, open_as, fifo, 1 | O_NONBLOCK, opened) == 0
    opened[1].put()
    assert reader.poll() == POLLHUP
    assert run(task, open_as, fifo, 2, opened) == 0  # O_RDWR never waits
    assert opened[2].poll() & (POLLIN | POLLOUT) == POLLOUT


def test_an_interrupted_fifo_open_leaves_nothing_behind() -> None:
    kernel = KitKernel()
    first, second = kernel.new_task(10), kernel.new_task(11)
    fifo = new_fifo(kernel)
    opened: list[File] = []
    catch(first, 10)
    assert run(first, open_as, fifo, 0, opened) == BLOCKED
    kernel.send_signal_task(first, 10)
    assert run(second, open_as, fifo, 1 | O_NONBLOCK, opened) == -ENXIO
    assert rerun(first) == -ERESTARTSYS
    assert fifo.pipe is None


def test_a_pipe_opened_again_does_not_wait_for_the_other_side() -> None:
    kernel = KitKernel()
    task = kernel.new_task(10)
    reader, writer = make_pipe(kernel, CREDS, 0)
    reader.get()
    writer.get()
    assert write(writer, b"left") == 4
    writer.put()
    opened: list[File] = []
    assert run(task, open_as, reader.inode(), 0, opened) == 0
    assert read(opened[0], 10) == b"left" and read(opened[0], 10) == b""
    reader.put()
    assert run(task, open_as, opened[0].inode(), 1 | O_NONBLOCK, opened) == 0
    assert write(opened[1], b"x") == 1
