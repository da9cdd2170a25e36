# SPDX-License-Identifier: MPL-2.0
"""process_vm_readv and process_vm_writev: copying, faults, rights."""

import struct

import pytest

from cruck.abi.errno import EINVAL, EPERM, ESRCH
from cruck.framework.mm.user_memory import UserFault
from cruck.kernel.errors import LinuxError
from cruck.kernel.process.credentials import Credentials
from cruck.kernel.process.task import Task
from cruck.kernel.syscalls.process_vm import sys_process_vm_readv, sys_process_vm_writev
from cruck.kernel.syscalls.types import Pid, ULong, UserAddr
from cruck.testing.kernels import DATA, DATA_PAGES, boot, spawn

END = DATA + DATA_PAGES * 4096


def pair() -> tuple[Task, Task]:
    kernel = boot()
    return spawn(kernel, []), spawn(kernel, [])


def copy(task: Task, pid: int, local: list[tuple[int, int]], remote: list[tuple[int, int]], write: bool = False) -> int:
    at = [DATA + 0x8000, DATA + 0x9000]
    for addr, ranges in zip(at, (local, remote), strict=True):
        task.user.write(addr, b"".join(struct.pack("<QQ", *entry) for entry in ranges))
    call = sys_process_vm_writev if write else sys_process_vm_readv
    return call(task, Pid(pid), UserAddr(at[0]), ULong(len(local)), UserAddr(at[1]), ULong(len(remote)), ULong(0))


def test_reads_gather_and_scatter() -> None:
    task, other = pair()
    other.user.write(DATA, b"hello world")
    assert copy(task, other.tid, [(DATA, 3), (DATA + 100, 50)], [(DATA + 6, 5), (DATA, 5)]) == 10
    assert task.user.read(DATA, 3) == b"wor" and task.user.read(DATA + 100, 7) == b"ldhello"


def test_writes_reach_the_other_and_stop_at_its_end() -> None:
    task, other = pair()
    task.user.write(DATA, b"x" * 100)
    assert copy(task, other.tid, [(DATA, 100)], [(END - 10, 100)], True) == 10
    assert other.user.read(END - 10, 10) == b"x" * 10
    with pytest.raises(UserFault):
        copy(task, other.tid, [(DATA, 100)], [(END, 100)], True)


def test_refusals() -> None:
    task, other = pair()
    assert copy(task, 9999, [(DATA, 1)], [(DATA, 1)]) == -ESRCH
    assert copy(task, other.tid, [], [(DATA, 1)]) == 0
    with pytest.raises(LinuxError) as caught:
        copy(task, other.tid, [(DATA, 1)], [(DATA, 1 << 63)])
    assert caught.value.errno == EINVAL
    task.creds = Credentials(1000, 1000, ())
    assert copy(task, other.tid, [(DATA, 1)], [(DATA, 1)]) == -EPERM
    other.creds = Credentials(1000, 1000, ())
    assert copy(task, other.tid, [(DATA, 1)], [(DATA, 1)]) == 1
    other.process.dumpable = 0
    assert copy(task, other.tid, [(DATA, 1)], [(DATA, 1)]) == -EPERM
