# SPDX-License-Identifier: MPL-2.0
"""epoll, as epoll(7) says, through its system calls."""

import struct

from cruck.abi.errno import EBADF, EEXIST, EFAULT, EINTR, EINVAL, ELOOP, ENOENT, EPERM
from cruck.kernel.process.task import Task
from cruck.kernel.syscalls.blocking import BLOCKED
from cruck.kernel.syscalls.epoll import sys_epoll_create1, sys_epoll_ctl, sys_epoll_pwait2, sys_epoll_wait
from cruck.kernel.syscalls.eventfd import sys_eventfd2
from cruck.kernel.syscalls.pipe import sys_pipe2
from cruck.kernel.syscalls.read_write import sys_read, sys_write
from cruck.kernel.syscalls.tests.ipc_kit import MEMORY, NOWHERE, KitKernel, catch, fds_at, is_woken, put, rerun, run
from cruck.kernel.vfs.file import File

EVENTS = MEMORY + 0x8000
IN, OUT, ERR, HUP = 1, 4, 8, 16
ET, ONESHOT, EXCLUSIVE = 1 << 31, 1 << 30, 1 << 28
ADD, DEL, MOD = 1, 2, 3


class Rig:
    def __init__(self) -> None:
        self.kernel = KitKernel()
        self.task = self.kernel.new_task(10)
        self.epfd = self.new()

    def new(self) -> int:
        return run(self.task, sys_epoll_create1, 0)

    def pipe(self) -> tuple[int, int]:
        run(self.task, sys_pipe2, MEMORY, 0o4000)
        return fds_at(self.task, MEMORY)

    def ctl(self, op: int, fd: int, events: int = 0, data: int = 0, epfd: int = -1) -> int:
        addr = put(self.task, struct.pack("<IQ", events, data), 0x100)
        return run(self.task, sys_epoll_ctl, self.epfd if epfd < 0 else epfd, op, fd, addr)

    def wait(self, maxevents: int = 10, epfd: int = -1) -> list[tuple[int, int]]:
        count = run(self.task, sys_epoll_wait, self.epfd if epfd < 0 else epfd, EVENTS, maxevents, 0)
        assert count >= 0
        return events_of(self.task, count)

    def write(self, fd: int, data: bytes = b"x") -> None:
        put(self.task, data, 0x200)
        assert run(self.task, sys_write, fd, MEMORY + 0x200, len(data)) == len(data)

    def read(self, fd: int, count: int = 1) -> int:
        return run(self.task, sys_read, fd, MEMORY + 0x300, count)

    def close(self, fd: int) -> None:
        self.task.files.remove(fd).put()


def events_of(task: Task, count: int) -> list[tuple[int, int]]:
    data = task.user.read(EVENTS, 12 * count)
    return [struct.unpack_from("<IQ", data, 12 * i) for i in range(count)]


def test_level_triggered_stays_until_it_is_read() -> None:
    rig = Rig()
    r, w = rig.pipe()
    assert rig.ctl(ADD, r, IN, 7) == 0
    assert rig.wait() == []
    rig.write(w)
    assert rig.wait() == [(IN, 7)]
    assert rig.wait() == [(IN, 7)]
    rig.read(r)
    assert rig.wait() == []


def test_edge_triggered_tells_once_for_each_change() -> None:
    rig = Rig()
    r, w = rig.pipe()
    rig.ctl(ADD, r, IN | ET, 7)
    rig.write(w)
    assert rig.wait() == [(IN, 7)]
    assert rig.wait() == []
    rig.write(w)
    assert rig.wait() == [(IN, 7)]
    rig.ctl(MOD, r, IN | ET, 8)  # arms it again: it is ready
    assert rig.wait() == [(IN, 8)]


def test_one_shot_is_disarmed_until_modified() -> None:
    rig = Rig()
    r, w = rig.pipe()
    rig.ctl(ADD, r, IN | ONESHOT, 7)
    rig.write(w)
    assert rig.wait() == [(IN, 7)]
    rig.write(w)
    assert rig.wait() == []
    rig.ctl(MOD, r, IN | ONESHOT, 9)
    assert rig.wait() == [(IN, 9)]


def test_errors_and_hang_ups_are_told_unasked() -> None:
    rig = Rig()
    r, w = rig.pipe()
    rig.ctl(ADD, r, 0, 1)
    rig.close(w)
    assert rig.wait() == [(HUP, 1)]


def test_ready_files_take_turns() -> None:
    rig = Rig()
    pipes = [rig.pipe() for _ in range(3)]
    for index, (r, w) in enumerate(pipes):
        rig.ctl(ADD, r, IN, index)
        rig.write(w)
    assert [rig.wait(1)[0][1] for _ in range(6)] == [0, 1, 2, 0, 1, 2]


def test_refusals_of_epoll_ctl() -> None:
    rig = Rig()
    r, w = rig.pipe()
    assert run(rig.task, sys_epoll_create1, 1) == -EINVAL
    assert rig.ctl(ADD, 99, IN) == -EBADF
    assert rig.ctl(ADD, r, IN, epfd=99) == -EBADF
    assert rig.ctl(ADD, r, IN, epfd=w) == -EINVAL
    assert rig.ctl(ADD, rig.epfd, IN) == -EINVAL
    assert run(rig.task, sys_epoll_ctl, rig.epfd, ADD, r, NOWHERE) == -EFAULT
    assert rig.ctl(9, r, IN) == -EINVAL
    assert rig.ctl(MOD, r, IN) == -ENOENT
    assert rig.ctl(DEL, r) == -ENOENT
    assert rig.ctl(ADD, r, IN) == 0
    assert rig.ctl(ADD, r, IN) == -EEXIST
    assert rig.ctl(MOD, r, IN | EXCLUSIVE) == -EINVAL
    assert rig.ctl(ADD, w, IN | EXCLUSIVE | ONESHOT) == -EINVAL
    assert rig.ctl(ADD, w, OUT | EXCLUSIVE) == 0
    assert rig.ctl(MOD, w, OUT) == -EINVAL
    plain = rig.task.files.install(File(2), 100, False)  # never changes, as a regular file
    assert rig.ctl(ADD, plain, IN) == -EPERM
    assert run(rig.task, sys_epoll_wait, rig.epfd, EVENTS, 0, 0) == -EINVAL
    assert run(rig.task, sys_epoll_wait, r, EVENTS, 1, 0) == -EINVAL


def test_a_registration_ends_with_the_file_not_the_descriptor() -> None:
    rig = Rig()
    r, w = rig.pipe()
    rig.ctl(ADD, r, IN, 5)
    rig.write(w)
    copy = rig.task.files.install(rig.task.files.get(r), 100, False)
    rig.close(r)
    assert rig.wait() == [(IN, 5)]
    rig.close(copy)
    assert rig.wait() == []
    assert rig.task.files.get(rig.epfd).items == {}  # type: ignore[attr-defined]


def test_closing_the_epoll_leaves_no_item_behind() -> None:
    rig = Rig()
    r, _ = rig.pipe()
    rig.ctl(ADD, r, IN, 5)
    file = rig.task.files.get(r)
    rig.close(rig.epfd)
    queue = file.wait_queue()
    assert queue is not None and queue.waiters == {} and not file.epoll_items


def test_epolls_nest_without_loops_and_not_too_deep() -> None:
    rig = Rig()
    r, w = rig.pipe()
    inner = rig.epfd
    outer = rig.new()
    rig.ctl(ADD, r, IN, 1)
    assert rig.ctl(ADD, inner, IN, 2, epfd=outer) == 0
    assert rig.ctl(ADD, outer, IN, 3, epfd=inner) == -ELOOP
    assert rig.wait(epfd=outer) == []
    rig.write(w)
    assert rig.wait(epfd=outer) == [(IN, 2)]
    rig.read(r)
    assert rig.wait(epfd=outer) == []
    chain = [outer]
    for _ in range(3):
        chain.append(rig.new())
        assert rig.ctl(ADD, chain[-2], IN, epfd=chain[-1]) == 0
    assert rig.ctl(ADD, chain[-1], IN, epfd=rig.new()) == -ELOOP


def test_waiting_times_out_and_is_interrupted() -> None:
    rig = Rig()
    task = rig.task
    assert run(task, sys_epoll_wait, rig.epfd, EVENTS, 1, 5) == BLOCKED
    rig.kernel.advance(4_999_999)
    assert not is_woken(task)
    rig.kernel.advance(1)
    assert rerun(task) == 0
    catch(task, 10)
    assert run(task, sys_epoll_wait, rig.epfd, EVENTS, 1, -1) == BLOCKED
    rig.kernel.send_signal_task(task, 10)
    assert rerun(task) == -EINTR
    task.pending.discard(~0)
    addr = put(task, struct.pack("<qq", 0, 1000))
    assert run(task, sys_epoll_pwait2, rig.epfd, EVENTS, 1, addr, 0, 0) == BLOCKED
    rig.kernel.advance(1000)
    assert rerun(task) == 0


def test_one_event_wakes_one_waiter() -> None:
    rig = Rig()
    second = rig.kernel.new_task(11, like=rig.task)
    fd = run(rig.task, sys_eventfd2, 0, 0)
    rig.ctl(ADD, fd, IN | ET, 1)
    third = rig.kernel.new_task(12, like=rig.task)
    assert run(rig.task, sys_epoll_wait, rig.epfd, EVENTS, 1, -1) == BLOCKED
    assert run(second, sys_epoll_wait, rig.epfd, EVENTS, 1, -1) == BLOCKED
    put(third, (5).to_bytes(8, "little"), 0x200)
    assert run(third, sys_write, fd, MEMORY + 0x200, 8) == 8
    assert is_woken(rig.task) and not is_woken(second)
    assert rerun(rig.task) == 1


def test_events_that_cannot_be_stored_are_not_lost() -> None:
    rig = Rig()
    r, w = rig.pipe()
    rig.ctl(ADD, r, IN | ONESHOT, 7)
    rig.write(w)
    assert run(rig.task, sys_epoll_wait, rig.epfd, NOWHERE, 1, 0) == -EFAULT
    assert rig.wait() == [(IN, 7)]
