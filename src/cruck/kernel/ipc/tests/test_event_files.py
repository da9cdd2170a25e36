# SPDX-License-Identifier: MPL-2.0
"""eventfd, timerfd, signalfd, pidfd."""

import struct

from cruck.abi.errno import EAGAIN, EBADF, EINVAL, EPERM, ESRCH
from cruck.kernel.process.task import Task
from cruck.kernel.signal.pending import SI_USER, SigInfo
from cruck.kernel.syscalls.blocking import BLOCKED
from cruck.kernel.syscalls.eventfd import sys_eventfd2
from cruck.kernel.syscalls.pidfd import sys_pidfd_getfd, sys_pidfd_open, sys_pidfd_send_signal
from cruck.kernel.syscalls.pipe import sys_pipe2
from cruck.kernel.syscalls.read_write import sys_read, sys_write
from cruck.kernel.syscalls.signalfd import sys_signalfd4
from cruck.kernel.syscalls.tests.ipc_kit import MEMORY, KitKernel, catch, peek, put, rerun, run
from cruck.kernel.syscalls.timerfd import sys_timerfd_create, sys_timerfd_gettime, sys_timerfd_settime

BUF = MEMORY + 0x100
O_NONBLOCK = 0o4000
S = 1_000_000_000


def read_count(task: Task, fd: int) -> int:
    result = run(task, sys_read, fd, BUF, 8)
    return task.user.read_u64(BUF) if result == 8 else result


def write_count(task: Task, fd: int, value: int) -> int:
    put(task, value.to_bytes(8, "little"), 0x200)
    return run(task, sys_write, fd, MEMORY + 0x200, 8)


def test_eventfd_counts() -> None:
    task = KitKernel().new_task(10)
    fd = run(task, sys_eventfd2, 3, O_NONBLOCK)
    assert write_count(task, fd, 4) == 8
    assert read_count(task, fd) == 7
    assert read_count(task, fd) == -EAGAIN
    assert write_count(task, fd, (1 << 64) - 1) == -EINVAL
    assert write_count(task, fd, (1 << 64) - 2) == 8
    assert write_count(task, fd, 1) == -EAGAIN
    assert task.files.get(fd).poll() == 1
    assert run(task, sys_read, fd, BUF, 7) == -EINVAL
    assert run(task, sys_eventfd2, 0, 2) == -EINVAL


def test_eventfd_semaphore_gives_one_at_a_time_and_wakes() -> None:
    kernel = KitKernel()
    task = kernel.new_task(10)
    other = kernel.new_task(11, like=task)
    fd = run(task, sys_eventfd2, 2, 1)
    assert read_count(task, fd) == 1
    assert read_count(task, fd) == 1
    assert run(task, sys_read, fd, BUF, 8) == BLOCKED
    write_count(other, fd, 1)
    assert rerun(task) == 8


def set_timer(task: Task, fd: int, value_ns: int, interval_ns: int, flags: int = 0) -> int:
    new = put(task, struct.pack("<qqqq", interval_ns // S, interval_ns % S, value_ns // S, value_ns % S), 0x300)
    return run(task, sys_timerfd_settime, fd, flags, new, 0)


def get_timer(task: Task, fd: int) -> tuple[int, int]:
    assert run(task, sys_timerfd_gettime, fd, BUF) == 0
    i_s, i_ns, v_s, v_ns = struct.unpack("<qqqq", peek(task, BUF, 32))
    return v_s * S + v_ns, i_s * S + i_ns


def test_timerfd_expires_and_repeats() -> None:
    kernel = KitKernel()
    task = kernel.new_task(10)
    fd = run(task, sys_timerfd_create, 1, 0)
    assert set_timer(task, fd, 2 * S, 0) == 0
    assert get_timer(task, fd) == (2 * S, 0)
    assert run(task, sys_read, fd, BUF, 8) == BLOCKED
    kernel.advance(2 * S)
    assert rerun(task) == 8
    assert task.user.read_u64(BUF) == 1
    assert get_timer(task, fd) == (0, 0)
    set_timer(task, fd, S, S // 2)
    kernel.advance(2 * S + 1)
    assert task.files.get(fd).poll() == 1
    assert read_count(task, fd) == 3
    assert get_timer(task, fd) == (S // 2 - 1, S // 2)
    set_timer(task, fd, 0, 0)
    kernel.advance(10 * S)
    assert task.files.get(fd).poll() == 0


def test_timerfd_absolute_times_and_refusals() -> None:
    kernel = KitKernel()
    task = kernel.new_task(10)
    fd = run(task, sys_timerfd_create, 0, O_NONBLOCK)
    assert set_timer(task, fd, kernel.clock.realtime_ns() + S, 0, 1 | 2) == 0
    kernel.advance(S - 1)
    assert read_count(task, fd) == -EAGAIN
    kernel.advance(1)
    assert read_count(task, fd) == 1
    assert set_timer(task, fd, kernel.clock.realtime_ns() - S, 0, 1) == 0
    assert read_count(task, fd) == 1
    assert set_timer(task, fd, S, 0, 8) == -EINVAL
    put(task, struct.pack("<qqqq", 0, 0, 0, S), 0x300)
    assert run(task, sys_timerfd_settime, fd, 0, MEMORY + 0x300, 0) == -EINVAL
    assert run(task, sys_timerfd_create, 2, 0) == -EINVAL
    assert run(task, sys_timerfd_create, 9, 0) == -EPERM
    assert run(task, sys_timerfd_create, 1, 1) == -EINVAL
    assert set_timer(task, run(task, sys_eventfd2, 0, 0), S, 0) == -EINVAL


def test_signalfd_reads_blocked_signals() -> None:
    kernel = KitKernel()
    task = kernel.new_task(10)
    mask = put(task, (1 << 9 | 1 << 33).to_bytes(8, "little"), 0x10)
    task.blocked_mask = 1 << 9 | 1 << 33
    fd = run(task, sys_signalfd4, -1, mask, 8, 0)
    assert run(task, sys_read, fd, BUF, 256) == BLOCKED
    kernel.send_signal_process(task.process, 10, SigInfo(10, SI_USER, 77, 1000))
    assert rerun(task) == 128
    assert struct.unpack("<IiiII", peek(task, BUF, 20)) == (10, 0, SI_USER, 77, 1000)
    assert task.process.pending.bits == 0
    queued = SigInfo(34, -1, 5, 6)
    queued.value = 0x1_8000_0001
    kernel.send_signal_task(task, 34, queued)
    assert task.files.get(fd).poll() == 1
    assert run(task, sys_read, fd, BUF, 256) == 128
    assert struct.unpack("<iQ", peek(task, BUF + 44, 12)) == (-0x7FFF_FFFF, 0x1_8000_0001)
    assert run(task, sys_read, fd, BUF, 127) == -EINVAL
    assert run(task, sys_signalfd4, -1, mask, 4, 0) == -EINVAL
    assert run(task, sys_signalfd4, fd, mask, 8, 0) == fd
    assert run(task, sys_signalfd4, 50, mask, 8, 0) == -EBADF


def test_pidfd_tells_the_end_and_sends_signals() -> None:
    kernel = KitKernel()
    task = kernel.new_task(10)
    other = kernel.new_task(20)
    assert run(task, sys_pidfd_open, 99, 0) == -ESRCH
    assert run(task, sys_pidfd_open, 0, 0) == -EINVAL
    assert run(task, sys_pidfd_open, 20, 1) == -EINVAL
    fd = run(task, sys_pidfd_open, 20, 0)
    assert fd in task.files.cloexec
    assert task.files.get(fd).poll() == 0
    catch(other, 10)
    assert run(task, sys_pidfd_send_signal, fd, 10, 0, 0) == 0
    assert other.process.pending.bits == 1 << 9
    assert run(task, sys_pidfd_send_signal, fd, 10, 0, 1) == -EINVAL
    assert run(task, sys_pidfd_send_signal, run(task, sys_eventfd2, 0, 0), 10, 0, 0) == -EBADF
    other.process.is_zombie = True
    assert task.files.get(fd).poll() == 0x41
    del kernel.processes[20]
    assert run(task, sys_pidfd_send_signal, fd, 0, 0, 0) == -ESRCH


def test_pidfd_getfd_takes_a_file_of_ones_own_user_only() -> None:
    kernel = KitKernel()
    task, same, root = kernel.new_task(10), kernel.new_task(20), kernel.new_task(30, uid=0)
    run(same, sys_pipe2, MEMORY, 0)
    run(root, sys_pipe2, MEMORY, 0)
    mine = run(task, sys_pidfd_open, 20, 0)
    theirs = run(task, sys_pidfd_open, 30, 0)
    got = run(task, sys_pidfd_getfd, mine, 1, 0)
    assert task.files.get(got) is same.files.get(1)
    assert run(task, sys_pidfd_getfd, mine, 9, 0) == -EBADF
    assert run(task, sys_pidfd_getfd, theirs, 0, 0) == -EPERM
    assert run(task, sys_pidfd_getfd, got, 0, 0) == -EBADF
