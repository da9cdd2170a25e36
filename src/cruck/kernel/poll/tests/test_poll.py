# SPDX-License-Identifier: MPL-2.0
"""poll(2), ppoll(2), select(2), pselect6(2)."""

import struct

from cruck.abi.errno import EBADF, EFAULT, EINVAL, ERESTART_RESTARTBLOCK, ERESTARTNOHAND
from cruck.kernel.process.task import Task
from cruck.kernel.syscalls.blocking import BLOCKED
from cruck.kernel.syscalls.pipe import sys_pipe2
from cruck.kernel.syscalls.poll import sys_poll, sys_ppoll, sys_pselect6, sys_select
from cruck.kernel.syscalls.read_write import sys_write
from cruck.kernel.syscalls.tests.ipc_kit import MEMORY, NOWHERE, KitKernel, catch, fds_at, is_woken, peek, put, rerun, run

FDS = MEMORY + 0x1000
TIME = MEMORY + 0x2000


def pollfds(task: Task, *entries: tuple[int, int]) -> int:
    data = b"".join(struct.pack("<ihh", fd, events, 0x7F) for fd, events in entries)
    put(task, data, 0x1000)
    return FDS


def revents(task: Task, count: int) -> list[int]:
    data = peek(task, FDS, 8 * count)
    return [struct.unpack_from("<ihH", data, 8 * i)[2] for i in range(count)]


def new_pipe(task: Task) -> tuple[int, int]:
    run(task, sys_pipe2, MEMORY, 0)
    return fds_at(task, MEMORY)


def timespec(task: Task, ns: int) -> int:
    put(task, struct.pack("<qq", ns // 10**9, ns % 10**9), 0x2000)
    return TIME


def test_poll_reports_what_holds() -> None:
    task = KitKernel().new_task(10)
    r, w = new_pipe(task)
    addr = pollfds(task, (r, 1), (w, 4), (-1, 1), (77, 1))
    assert run(task, sys_poll, addr, 4, -1) == 2
    assert revents(task, 4) == [0, 4, 0, 0x20]
    assert run(task, sys_poll, pollfds(task, (r, 1)), 1, 0) == 0
    assert revents(task, 1) == [0]


def test_poll_waits_for_a_change_or_its_time() -> None:
    kernel = KitKernel()
    task = kernel.new_task(10)
    other = kernel.new_task(11, like=task)
    r, w = new_pipe(task)
    addr = pollfds(task, (r, 1))
    assert run(task, sys_poll, addr, 1, 1000) == BLOCKED
    assert run(other, sys_write, w, MEMORY, 1) == 1
    assert rerun(task) == 1
    assert revents(task, 1) == [1]
    assert run(task, sys_poll, pollfds(task, (w, 1)), 1, 20) == BLOCKED
    kernel.advance(20_000_000)
    assert rerun(task) == 0
    assert run(task, sys_poll, 0, 0, 1) == BLOCKED
    kernel.advance(1_000_000)
    assert rerun(task) == 0


def test_poll_refuses_and_is_interrupted() -> None:
    kernel = KitKernel()
    task = kernel.new_task(10)
    r, _ = new_pipe(task)
    assert run(task, sys_poll, NOWHERE, 1, 0) == -EFAULT
    assert run(task, sys_poll, FDS, 1025, 0) == -EINVAL
    catch(task, 10)
    assert run(task, sys_poll, pollfds(task, (r, 1)), 1, -1) == BLOCKED
    kernel.send_signal_task(task, 10)
    assert rerun(task) == -ERESTART_RESTARTBLOCK


def test_ppoll_writes_back_the_time_left() -> None:
    kernel = KitKernel()
    task = kernel.new_task(10)
    r, _ = new_pipe(task)
    catch(task, 10)
    assert run(task, sys_ppoll, pollfds(task, (r, 1)), 1, timespec(task, 3_000_000_000), 0, 0) == BLOCKED
    kernel.advance(1_000_000_000)
    kernel.send_signal_task(task, 10)
    assert rerun(task) == -ERESTARTNOHAND
    assert struct.unpack("<qq", peek(task, TIME, 16)) == (2, 0)
    task.pending.discard(~0)
    assert run(task, sys_ppoll, FDS, 1, timespec(task, -1), 0, 0) == -EINVAL


def test_ppoll_blocks_signals_while_it_waits() -> None:
    kernel = KitKernel()
    task = kernel.new_task(10)
    catch(task, 10)
    task.blocked_mask = 1 << 9
    kernel.send_signal_task(task, 10)
    mask = put(task, bytes(8), 0x3000)
    assert run(task, sys_ppoll, 0, 0, 0, mask, 8) == -ERESTARTNOHAND  # the temporary mask lets it through
    task.blocked_mask, task.saved_mask = task.saved_mask, -1
    assert run(task, sys_ppoll, 0, 0, 0, mask, 4) == -EINVAL


def bits(*fds: int) -> bytes:
    value = 0
    for fd in fds:
        value |= 1 << fd
    return value.to_bytes(8, "little")


def test_select_reports_sets_and_count() -> None:
    task = KitKernel().new_task(10)
    r, w = new_pipe(task)
    ins, outs = put(task, bits(r), 0x1000), put(task, bits(w), 0x1100)
    assert run(task, sys_select, w + 1, ins, outs, 0, 0) == 1
    assert (peek(task, ins, 8), peek(task, outs, 8)) == (bits(), bits(w))
    run(task, sys_write, w, MEMORY, 1)
    put(task, bits(r), 0x1000)
    assert run(task, sys_select, w + 1, ins, outs, 0, 0) == 2
    # Bits at and above n do not count.
    put(task, bits(r, 40), 0x1000)
    assert run(task, sys_select, r + 1, ins, 0, 0, 0) == 1


def test_select_refuses() -> None:
    task = KitKernel().new_task(10)
    ins = put(task, bits(9), 0x1000)
    assert run(task, sys_select, 10, ins, 0, 0, 0) == -EBADF
    assert run(task, sys_select, -1, 0, 0, 0, 0) == -EINVAL
    assert run(task, sys_select, 10, NOWHERE, 0, 0, 0) == -EFAULT
    put(task, struct.pack("<qq", 0, -1), 0x2000)
    assert run(task, sys_select, 0, 0, 0, 0, TIME) == -EINVAL


def test_select_waits_and_clears_the_sets_when_time_is_up() -> None:
    kernel = KitKernel()
    task = kernel.new_task(10)
    r, _ = new_pipe(task)
    ins = put(task, bits(r), 0x1000)
    put(task, struct.pack("<qq", 1, 500_000), 0x2000)
    assert run(task, sys_select, r + 1, ins, 0, 0, TIME) == BLOCKED
    kernel.advance(1_500_000_000)
    assert rerun(task) == 0
    assert peek(task, ins, 8) == bits()
    assert struct.unpack("<qq", peek(task, TIME, 16)) == (0, 0)
    put(task, struct.pack("<QQ", 0, 0), 0x4000)
    assert run(task, sys_pselect6, 0, 0, 0, 0, timespec(task, 5), MEMORY + 0x4000) == BLOCKED
    kernel.advance(5)
    assert is_woken(task) and rerun(task) == 0
