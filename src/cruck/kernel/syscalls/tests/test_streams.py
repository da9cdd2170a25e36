# SPDX-License-Identifier: MPL-2.0
"""read and write on pipes and FIFOs: waiting, partial writes, SIGPIPE; splice and tee."""

from cruck.abi import errno as e
from cruck.abi import fcntl as f
from cruck.kernel.ipc.pipe import make_pipe
from cruck.kernel.process.task import Task
from cruck.kernel.syscalls import copy, descriptor, link, read_write
from cruck.kernel.syscalls import fcntl as fcntl_calls
from cruck.kernel.syscalls import open as open_calls
from cruck.kernel.vfs.tests.world import BUFFER, World, call

BLOCKED = -2_000_000


def pipe(task: Task, flags: int = 0) -> tuple[int, int]:
    reader, writer = make_pipe(task.kernel, task.creds, flags)
    return task.files.install(reader, 1024, False), task.files.install(writer, 1024, False)


def write(task: Task, fd: int, count: int) -> int:
    return call(read_write.sys_write, task, fd, BUFFER, count)


def read(task: Task, fd: int, count: int) -> int:
    return call(read_write.sys_read, task, fd, BUFFER, count)


def test_a_reader_waits_for_data_and_sees_the_end() -> None:
    world = World()
    one = world.task()
    two = world.task(share=one)
    r, w = pipe(one)
    two.files = one.files
    assert read(one, r, 10) == BLOCKED
    assert write(two, w, 5) == 5
    assert one.state == 3
    assert read(one, r, 10) == 5
    assert read(one, r, 10) == BLOCKED
    assert call(descriptor.sys_close, two, w) == 0
    assert read(one, r, 10) == 0


def test_a_blocking_write_returns_when_all_is_written() -> None:
    world = World()
    one = world.task()
    two = world.task(share=one)
    r, w = pipe(one)
    two.files = one.files
    one.user.write(BUFFER, b"a" * 65536 + b"b" * 65536 + b"c" * 10)
    assert write(one, w, 131_082) == BLOCKED
    assert one.wait is not None and one.wait.progress == 65536
    got = b""
    for _ in range(10):
        count = call(read_write.sys_read, two, r, BUFFER + 0x40000, 65536)
        if count > 0:
            got += two.user.read(BUFFER + 0x40000, count)
        if one.state == 3:
            result = write(one, w, 131_082)
            if result != BLOCKED:
                assert result == 131_082
                break
    got += two.user.read(BUFFER + 0x40000, call(read_write.sys_read, two, r, BUFFER + 0x40000, 65536))
    assert got == b"a" * 65536 + b"b" * 65536 + b"c" * 10


def test_a_signal_ends_a_partial_write_with_its_count() -> None:
    task = World().task()
    r, w = pipe(task)
    task.pending.bits = 1 << 9
    assert write(task, w, 100_000) == 65536
    assert write(task, w, 10) == -512


def test_nonblocking_ends_do_not_wait() -> None:
    task = World().task()
    r, w = pipe(task, f.O_NONBLOCK)
    assert read(task, r, 10) == -e.EAGAIN
    assert write(task, w, 100_000) == 65536
    assert write(task, w, 1) == -e.EAGAIN
    assert call(read_write.sys_pread64, task, r, BUFFER, 1, 0) == -e.ESPIPE
    assert call(read_write.sys_lseek, task, r, 0, 0) == -e.ESPIPE
    assert read(task, w, 1) == -e.EBADF


def test_no_readers_is_sigpipe() -> None:
    world = World()
    task = world.task()
    r, w = pipe(task)
    call(descriptor.sys_close, task, r)
    assert write(task, w, 5) == -e.EPIPE
    assert world.signals == [(task.tid, 13)]


def test_fifo_ends_meet() -> None:
    world = World()
    one = world.task()
    two = world.task(share=one)
    assert call(link.sys_mknod, one, b"/fifo", 0o010644, 0) == 0
    path = world.put(one, b"/fifo")
    assert call(open_calls.sys_open, one, path, f.O_WRONLY | f.O_NONBLOCK, 0) == -e.ENXIO
    assert call(open_calls.sys_open, one, path, f.O_RDONLY, 0) == BLOCKED
    assert one.files.open_fds() == []
    assert call(open_calls.sys_open, two, path, f.O_WRONLY, 0) == 0
    assert one.state == 3
    assert call(open_calls.sys_open, one, path, f.O_RDONLY, 0) == 0
    assert write(two, 0, 3) == 3
    assert read(one, 0, 10) == 3


def test_pipe_sizes() -> None:
    task = World().task()
    r, w = pipe(task)
    assert call(fcntl_calls.sys_fcntl, task, r, f.F_GETPIPE_SZ, 0) == 65536
    assert call(fcntl_calls.sys_fcntl, task, r, f.F_SETPIPE_SZ, 5000) == 8192


def test_splice_and_tee_move_bytes_without_losing_any() -> None:
    task = World().task()
    r1, w1 = pipe(task)
    r2, w2 = pipe(task)
    file = call(open_calls.sys_open, task, b"/f", f.O_RDWR | f.O_CREAT, 0o644)
    task.user.write(BUFFER, b"0123456789")
    assert call(read_write.sys_write, task, file, BUFFER, 10) == 10
    task.user.write_u64(BUFFER + 100, 2)
    assert call(copy.sys_splice, task, file, BUFFER + 100, w1, 0, 100, 0) == 8
    assert task.user.read_u64(BUFFER + 100) == 10
    assert call(copy.sys_tee, task, r1, w2, 3, 0) == 3
    assert call(copy.sys_splice, task, r1, 0, w2, 0, 100, 0) == 8
    assert call(copy.sys_splice, task, r1, 0, w2, 0, 100, 2) == -e.EAGAIN
    assert call(copy.sys_splice, task, r1, 0, w2, 0, 100, 0) == BLOCKED
    task.leave_queues()
    assert call(copy.sys_splice, task, r2, 0, file, 0, 100, 0) == 11
    assert call(read_write.sys_pread64, task, file, BUFFER, 100, 10) == 11
    assert task.user.read(BUFFER, 11) == b"23423456789"
    assert call(copy.sys_splice, task, r2, BUFFER, file, 0, 1, 0) == -e.ESPIPE


def test_sendfile_to_a_full_pipe_goes_on_where_it_stopped() -> None:
    world = World()
    one = world.task()
    two = world.task(share=one)
    r, w = pipe(one)
    two.files = one.files
    file = call(open_calls.sys_open, one, b"/f", f.O_RDWR | f.O_CREAT, 0o644)
    one.user.write(BUFFER, b"x" * 70_000 + b"y" * 10_000)
    assert call(read_write.sys_write, one, file, BUFFER, 80_000) == 80_000
    call(read_write.sys_lseek, one, file, 0, 0)
    assert call(copy.sys_sendfile, one, w, file, 0, 1 << 20) == BLOCKED
    got = b""
    for _ in range(5):
        count = call(read_write.sys_read, two, r, BUFFER, 65536)
        got += two.user.read(BUFFER, count)
        if one.state == 3:
            assert call(copy.sys_sendfile, one, w, file, 0, 1 << 20) == 80_000
            break
    got += two.user.read(BUFFER, call(read_write.sys_read, two, r, BUFFER, 65536))
    assert got == b"x" * 70_000 + b"y" * 10_000
    assert one.files.get(file).pos == 80_000
