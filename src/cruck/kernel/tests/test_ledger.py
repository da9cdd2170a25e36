# SPDX-License-Identifier: MPL-2.0
"""The ledger: what is entered is struck out again, and a full one is each call's own errno."""

import struct

import pytest

from cruck.abi import errno as E
from cruck.abi import syscall_numbers as nr
from cruck.kernel.errors import LinuxError
from cruck.kernel.process.task import Task
from cruck.kernel.syscalls.dispatch_x86_64 import dispatch
from cruck.testing.fake_machine import Call, FakeMachine, JumpIfZero, Spin
from cruck.testing.kernels import DATA, boot, run_until_idle, spawn

PATH, FDS, STRUCT, BUF = DATA, DATA + 512, DATA + 1024, DATA + 8192
CHILD = 0x7000_0000
NONBLOCK = 0o4000


@pytest.fixture
def task() -> Task:
    kernel = boot()
    task = spawn(kernel, [Spin()])
    kernel.sched.forget(task)
    task.user.write(PATH, b"/file\0")
    return task


def call(task: Task, number: int, *args: int) -> int:
    """The result, −errno as on Linux."""
    given = (*args, *(0,) * (6 - len(args)))
    task.kernel.current = task
    try:
        return dispatch(task, number, *given)
    except LinuxError as error:
        return -error.errno


def fill(task: Task) -> None:
    task.kernel.ledger.limit = task.kernel.ledger.used


def pair(task: Task, number: int, *args: int) -> tuple[int, int]:
    assert call(task, number, *args) == 0
    first, second = struct.unpack("<ii", task.user.read(FDS, 8))
    return first, second


def take_a_lot(task: Task) -> None:
    """Some of everything, left for the end of the process to give back."""
    fd = call(task, nr.NR_OPEN, PATH, 0o102, 0o600)
    call(task, nr.NR_DUP2, fd, 200)
    call(task, nr.NR_DUP2, 200, 201)
    call(task, nr.NR_CLOSE, 201)
    reader, writer = pair(task, nr.NR_PIPE2, FDS, NONBLOCK)
    assert call(task, nr.NR_FCNTL, writer, 1031, 1 << 18) == 1 << 18
    assert call(task, nr.NR_WRITE, writer, BUF, 30_000) > 0
    for kind in (1, 2, 5):
        left, right = pair(task, nr.NR_SOCKETPAIR, 1, kind | NONBLOCK, 0, FDS)
        for _ in range(20):
            call(task, nr.NR_WRITE, left, BUF, 5000)
        call(task, nr.NR_READ, right, BUF, 7000)
    for index in range(10):
        call(task, nr.NR_MMAP, 0, 4096, index & 1, 0x22, 0xFFFF_FFFF_FFFF_FFFF, 0)
    epoll = call(task, nr.NR_EPOLL_CREATE1, 0)
    task.user.write(STRUCT, struct.pack("<IQ", 1, 0))
    assert call(task, nr.NR_EPOLL_CTL, epoll, 1, reader, STRUCT) == 0
    assert call(task, nr.NR_EPOLL_CTL, epoll, 1, writer, STRUCT) == 0
    assert call(task, nr.NR_TIMER_CREATE, 1, 0, STRUCT) == 0
    assert call(task, nr.NR_TIMER_CREATE, 1, 0, STRUCT) == 0
    assert call(task, nr.NR_TIMER_DELETE, 0) == 0
    watcher = call(task, nr.NR_INOTIFY_INIT1, NONBLOCK)
    assert call(task, nr.NR_INOTIFY_ADD_WATCH, watcher, PATH, 0xFFF) > 0
    call(task, nr.NR_WRITE, fd, BUF, 10)
    for start in range(5):
        task.user.write(STRUCT, struct.pack("<hhqqi", 1, 0, 10 * start, 1, 0))
        assert call(task, nr.NR_FCNTL, fd, 6, STRUCT) == 0


def test_a_process_that_ends_gives_everything_back(task: Task) -> None:
    kernel = task.kernel
    before = kernel.ledger.used
    for _ in range(3):
        other = spawn(kernel, [Spin()])
        kernel.sched.forget(other)
        other.user.write(PATH, b"/file\0")
        take_a_lot(other)
        assert kernel.ledger.used > before + 400_000
        assert call(other, nr.NR_UNLINK, PATH) == 0
        kernel.exit_group(other.process, 0)
        kernel.exit_task(other, 0)
        assert kernel.ledger.used == before


def test_forks_and_threads_are_entered_once() -> None:
    kernel = boot()
    machine = kernel.machine
    assert isinstance(machine, FakeMachine)
    before = kernel.ledger.used
    machine.load(CHILD, [Call(nr.NR_GETPID), Call(nr.NR_EXIT, 0)])
    thread = Call(nr.NR_CLONE, 0x0001_0F00 | 0x40000, DATA + 0x8000, 0, 0, 0)
    spawn(
        kernel, [Call(nr.NR_FORK), JumpIfZero(CHILD), thread, JumpIfZero(CHILD), Call(nr.NR_WAIT4, -1, 0, 0, 0), Call(nr.NR_EXIT_GROUP, 0)]
    )
    run_until_idle(kernel)
    assert list(kernel.processes) == [1] and kernel.ledger.used == before


def test_a_full_ledger_is_the_errno_of_the_call(task: Task) -> None:
    fd = call(task, nr.NR_OPEN, PATH, 0o102, 0o600)
    reader, writer = pair(task, nr.NR_PIPE2, FDS, NONBLOCK)
    left, right = pair(task, nr.NR_SOCKETPAIR, 1, 1 | NONBLOCK, 0, FDS)
    epoll = call(task, nr.NR_EPOLL_CREATE1, 0)
    task.user.write(STRUCT, struct.pack("<IQ", 1, 0))
    fill(task)
    used = task.kernel.ledger.used
    assert call(task, nr.NR_OPEN, PATH, 0) == -E.ENFILE
    assert call(task, nr.NR_DUP, fd) == call(task, nr.NR_DUP2, fd, 99) == -E.ENFILE
    assert call(task, nr.NR_DUP2, fd, reader) == reader  # replaces one
    assert call(task, nr.NR_PIPE2, FDS, 0) == call(task, nr.NR_SOCKETPAIR, 1, 1, 0, FDS) == -E.ENFILE
    fill(task)
    assert call(task, nr.NR_FCNTL, writer, 1031, 1 << 18) == -E.EPERM
    assert call(task, nr.NR_MMAP, 0, 4096, 3, 0x22, 0xFFFF_FFFF_FFFF_FFFF, 0) == -E.ENOMEM
    assert call(task, nr.NR_EPOLL_CTL, epoll, 1, left, STRUCT) == -E.ENOSPC
    assert call(task, nr.NR_TIMER_CREATE, 1, 0, STRUCT) == -E.EAGAIN
    task.user.write(STRUCT, b"/other\0")
    assert call(task, nr.NR_MKDIR, STRUCT, 0o700) == -E.ENOSPC
    assert call(task, nr.NR_FORK) == call(task, nr.NR_VFORK) == -E.ENOMEM
    assert call(task, nr.NR_WRITE, left, BUF, 100) == -E.ENOBUFS
    task.user.write(STRUCT, struct.pack("<hhqqi", 1, 0, 0, 1, 0))
    assert call(task, nr.NR_FCNTL, fd, 6, STRUCT) == -E.ENOLCK
    assert task.kernel.ledger.used <= used
    task.kernel.ledger.limit = 1 << 40
    assert call(task, nr.NR_WRITE, left, BUF, 100) == 100 and call(task, nr.NR_READ, right, BUF, 200) == 100


def test_buffers_are_small_under_pressure_and_work(task: Task) -> None:
    task.kernel.ledger.limit = 1 << 22
    task.kernel.ledger.used += 5 << 19
    assert task.kernel.ledger.is_pressed()
    _, writer = pair(task, nr.NR_PIPE2, FDS, NONBLOCK)
    assert call(task, nr.NR_FCNTL, writer, 1032) == 8192
    assert call(task, nr.NR_WRITE, writer, BUF, 30_000) == 8192
    left, right = pair(task, nr.NR_SOCKETPAIR, 1, 1 | NONBLOCK, 0, FDS)
    total = 0
    while (count := call(task, nr.NR_WRITE, left, BUF, 1000)) > 0:
        total += count
    assert 0 < total <= 8192
    assert call(task, nr.NR_READ, right, BUF, 30_000) == total


def test_zombies_count_as_processes(task: Task) -> None:
    kernel = task.kernel
    kernel.pids_limit = 20
    children = 0
    while (pid := call(task, nr.NR_FORK)) > 0:
        children += 1
        child = kernel.tasks[pid]
        kernel.sched.forget(child)
        kernel.exit_group(child.process, 0)
        kernel.exit_task(child, 0)
    assert pid == -E.EAGAIN and children == 19 and len(kernel.tasks) == 1
    assert call(task, nr.NR_WAIT4, 0xFFFF_FFFF_FFFF_FFFF, 0, 0, 0) > 0
    assert call(task, nr.NR_FORK) > 0


def test_sockets_in_flight_within_each_other_go_without_recursion(task: Task) -> None:
    """Each holds the next in a message that nobody reads; 2,000 of them are dropped by one close."""
    kernel = task.kernel
    before = kernel.ledger.used
    task.process.rlimits[7] = (100_000, 100_000)
    iov, message, control = STRUCT, STRUCT + 64, STRUCT + 192
    task.user.write(iov, struct.pack("<QQ", BUF, 1))
    task.user.write(message, struct.pack("<QIIQQQQi", 0, 0, 0, iov, 1, control, 24, 0))
    inner = call(task, nr.NR_EVENTFD2, 0, 0)
    for _ in range(2000):
        left, right = pair(task, nr.NR_SOCKETPAIR, 1, 1 | NONBLOCK, 0, FDS)
        task.user.write(control, struct.pack("<QIIi", 20, 1, 1, inner))
        assert call(task, nr.NR_SENDMSG, left, message, 0) == 1
        assert call(task, nr.NR_CLOSE, inner) == call(task, nr.NR_CLOSE, left) == 0
        inner = right
    assert call(task, nr.NR_CLOSE, inner) == 0
    assert kernel.ledger.used == before
    assert task.files.open_fds() == []


def test_names_that_are_absent_are_not_remembered_without_end(task: Task) -> None:
    from cruck.kernel.vfs import dcache

    kernel = task.kernel
    fs = kernel.namespace.root.root.inode.fs  # type: ignore[union-attr]

    def count() -> int:
        todo, found = [kernel.namespace.root.root], 0
        while todo:
            for child in todo.pop().children.values():
                if child.inode is None:
                    found += 1
                elif child.inode.fs is fs:
                    todo.append(child)
        return found

    limit = dcache.MAX_NEGATIVE
    assert limit < 1 << 16
    for directory in range(6):
        task.user.write(STRUCT, b"/d%d\0" % directory)
        assert call(task, nr.NR_MKDIR, STRUCT, 0o700) == 0
        for name in range(300):
            task.user.write(STRUCT, b"/d%d/%d\0" % (directory, name))
            assert call(task, nr.NR_ACCESS, STRUCT, 0) == -E.ENOENT
        if directory % 2:
            task.user.write(STRUCT, b"/d%d/7\0" % directory)
            task.user.write(STRUCT + 64, b"/d%d/8\0" % directory)
            assert call(task, nr.NR_CLOSE, call(task, nr.NR_OPEN, STRUCT, 0o101, 0o600)) == 0
            assert call(task, nr.NR_RENAME, STRUCT, STRUCT + 64) == 0
            assert call(task, nr.NR_UNLINK, STRUCT + 64) == 0
        assert fs.nr_negative == count()
    for directory in range(0, 6, 2):
        task.user.write(STRUCT, b"/d%d\0" % directory)
        assert call(task, nr.NR_RMDIR, STRUCT) == 0
    assert fs.nr_negative == count() > 0
    fs.nr_negative = limit
    task.user.write(STRUCT, b"/d1/new\0")
    assert call(task, nr.NR_ACCESS, STRUCT, 0) == -E.ENOENT
    assert fs.nr_negative == limit
    assert call(task, nr.NR_MKDIR, STRUCT, 0o700) == 0 and call(task, nr.NR_ACCESS, STRUCT, 0) == 0
