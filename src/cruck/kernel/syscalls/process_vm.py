# SPDX-License-Identifier: MPL-2.0
"""process_vm_readv(2) and process_vm_writev(2): copying between two processes' memory, with the rights of ptrace.

Source: mm/process_vm_access.c; kernel/ptrace.c __ptrace_may_access() with PTRACE_MODE_ATTACH_REALCREDS.
"""

from typing import Final

from cruck.abi.errno import EINVAL, EPERM, ESRCH
from cruck.framework.mm.user_memory import UserFault, UserReader, UserWriter
from cruck.kernel.errors import LinuxError
from cruck.kernel.process.access import may_access_as_user
from cruck.kernel.process.task import Task
from cruck.kernel.syscalls.iovec import MAX_RW_COUNT, UIO_MAXIOV, read_iovec
from cruck.kernel.syscalls.types import Pid, ULong, UserAddr

CHUNK: Final = 1 << 18


def sys_process_vm_readv(task: Task, pid: Pid, local: UserAddr, nr_local: ULong, remote: UserAddr, nr_remote: ULong, flags: ULong) -> int:
    """Bytes read, short at the first fault on either side. Errors: −EINVAL, −ESRCH, −EPERM, −EFAULT."""
    return _copy(task, pid, local, nr_local, remote, nr_remote, flags, False)


def sys_process_vm_writev(task: Task, pid: Pid, local: UserAddr, nr_local: ULong, remote: UserAddr, nr_remote: ULong, flags: ULong) -> int:
    """As process_vm_readv, the other way."""
    return _copy(task, pid, local, nr_local, remote, nr_remote, flags, True)


def _copy(task: Task, pid: int, local: int, nr_local: int, remote: int, nr_remote: int, flags: int, is_write: bool) -> int:
    if flags:
        return -EINVAL
    local_ranges = read_iovec(task, local, nr_local)
    if not local_ranges:
        return 0
    remote_ranges = _read_remote(task, remote, nr_remote)
    if not remote_ranges:
        return 0
    other = task.find_task(pid)
    if other is None:
        return -ESRCH
    if not may_access_as_user(task, other.process):
        return -EPERM
    done = 0
    try:
        if is_write:
            reader = UserReader(task.user, local_ranges)
            for addr, length in remote_ranges:
                while length and reader.remaining:
                    data = reader.read(min(length, CHUNK))
                    count = other.user.write_some(addr, data)
                    done += count
                    if count < len(data) or reader.is_faulted:
                        return _result(done)
                    addr, length = addr + count, length - count
        else:
            writer = UserWriter(task.user, local_ranges)
            for addr, length in remote_ranges:
                while length and writer.remaining:
                    want = min(length, CHUNK, writer.remaining)
                    data = other.user.read_some(addr, want)
                    count = writer.write(data)
                    done += count
                    if count < want:
                        return _result(done)
                    addr, length = addr + count, length - count
    except UserFault:
        return _result(done)
    return done


def _result(done: int) -> int:
    if done == 0:
        raise UserFault
    return done


def _read_remote(task: Task, addr: int, count: int) -> list[tuple[int, int]]:
    """Like read_iovec(); addresses that are nobody's are found out when they are used."""
    if count > UIO_MAXIOV:
        raise LinuxError(EINVAL)
    data = task.user.read(addr, count * 16) if count else b""
    ranges: list[tuple[int, int]] = []
    left = MAX_RW_COUNT
    for offset in range(0, len(data), 16):
        base = int.from_bytes(data[offset : offset + 8], "little")
        length = int.from_bytes(data[offset + 8 : offset + 16], "little")
        if length >> 63:
            raise LinuxError(EINVAL)
        if length and left:
            ranges.append((base, min(length, left)))
            left -= min(length, left)
    return ranges
