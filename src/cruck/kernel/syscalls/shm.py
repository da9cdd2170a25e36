# SPDX-License-Identifier: MPL-2.0
"""shmget, shmat, shmdt, shmctl. Segments: ipc/shm.py."""

from typing import Final

from cruck.abi.capability import CAP_IPC_LOCK
from cruck.abi.errno import EIDRM, EINVAL, ENOMEM, EPERM
from cruck.abi.ipc import (
    IPC_INFO,
    IPC_RMID,
    IPC_SET,
    IPC_STAT,
    SHM_EXEC,
    SHM_INFO,
    SHM_INFO_STRUCT,
    SHM_LOCK,
    SHM_LOCKED,
    SHM_RDONLY,
    SHM_REMAP,
    SHM_RND,
    SHM_STAT,
    SHM_STAT_ANY,
    SHM_UNLOCK,
    SHMID64_DS,
    SHMINFO64,
)
from cruck.abi.mman import MAP_FIXED, MAP_SHARED, PROT_EXEC, PROT_READ, PROT_WRITE
from cruck.abi.resource import RLIMIT_MEMLOCK
from cruck.framework.hardware import PAGE_MASK
from cruck.kernel.ipc.shm import ShmFile, ShmSegment
from cruck.kernel.memory import map_memory
from cruck.kernel.memory.vma import VM_MAYWRITE
from cruck.kernel.process.task import Task
from cruck.kernel.syscalls.sysv_perm import find_for_stat, perm_values, set_perm
from cruck.kernel.syscalls.types import CInt, Flags, Size, UserAddr

KEY_MASK: Final = 0xFFFF_FFFF


def sys_shmget(task: Task, key: CInt, size: Size, flags: CInt) -> int:
    """The identifier. Errors: EINVAL (size), EEXIST, ENOENT, EACCES, ENOSPC, ENOMEM (huge pages, more than all RAM)."""
    return task.ipc.shm.get(key & KEY_MASK, size, flags, task.creds, task.process.pid)


def sys_shmat(task: Task, identifier: CInt, addr: UserAddr, flags: Flags) -> int:
    """The address. Errors: EINVAL (identifier, address, SHM_REMAP of nothing, something is there), EACCES, ENOMEM, EIDRM."""
    segment = task.ipc.shm.find(identifier)
    assert isinstance(segment, ShmSegment)
    if addr & PAGE_MASK and flags & SHM_RND:
        addr = UserAddr(addr & ~PAGE_MASK)
        if not addr and flags & SHM_REMAP:
            return -EINVAL
    elif addr & PAGE_MASK or (not addr and flags & SHM_REMAP):
        return -EINVAL
    prot = PROT_READ
    wanted = 0o444
    if not flags & SHM_RDONLY:
        prot |= PROT_WRITE
        wanted |= 0o222
    if flags & SHM_EXEC:
        prot |= PROT_EXEC
        wanted |= 0o111
    segment.check(task.creds, wanted)
    if segment.is_removed:
        return -EIDRM
    mm = task.mm
    mm.rlimits = task.process.rlimits
    if addr and not flags & SHM_REMAP:
        end = addr + ((segment.size + PAGE_MASK) & ~PAGE_MASK)
        if end > mm.user_end or mm.areas.has_overlap(addr, end):
            return -EINVAL
    start = map_memory.mmap(mm, addr, segment.size, prot, MAP_SHARED | (MAP_FIXED if addr else 0), segment.file, 0)
    if flags & SHM_RDONLY:
        vma = mm.find(start)
        assert vma is not None
        vma.flags &= ~VM_MAYWRITE
    return start


def sys_shmdt(task: Task, addr: UserAddr) -> int:
    """Every area that is left of the attachment at `addr` goes. Errors: EINVAL (no attachment begins there)."""
    if addr & PAGE_MASK:
        return -EINVAL
    mm = task.mm
    file: ShmFile | None = None
    ranges: list[tuple[int, int]] = []
    for vma in mm.areas.overlapping(addr, mm.user_end):
        if not isinstance(vma.file, ShmFile) or vma.offset != vma.start - addr:
            if file is not None and vma.start - addr >= file.segment.size:
                break
            continue
        if file is None:
            file = vma.file
        if vma.file is file:
            ranges.append((vma.start, vma.end))
    for start, end in ranges:
        map_memory.munmap(mm, start, end - start)
    return 0 if ranges else -EINVAL


def sys_shmctl(task: Task, identifier: CInt, command: CInt, buffer: UserAddr) -> int:
    """Errors: EINVAL (identifier, index, command), EACCES, EPERM, EFAULT, ENOMEM (SHM_LOCK beyond RLIMIT_MEMLOCK)."""
    table = task.ipc.shm
    if command < 0 or identifier < 0:
        return -EINVAL
    if command == IPC_INFO:
        data = SHMINFO64.pack(table.max_bytes, 1, table.max_segments, table.max_segments, table.max_pages)
        task.user.write(buffer, data)
        return table.max_index()
    if command == SHM_INFO:
        resident = 0
        for obj in table.objects.values():
            assert isinstance(obj, ShmSegment)
            resident += obj.nr_resident()
        task.user.write(buffer, SHM_INFO_STRUCT.pack(len(table.objects), table.nr_pages, resident, 0, 0, 0))
        return table.max_index()
    if command in (IPC_STAT, SHM_STAT, SHM_STAT_ANY):
        found, result = find_for_stat(task, table, command, SHM_STAT_ANY, identifier)
        assert isinstance(found, ShmSegment)
        task.user.write(buffer, shmid_ds(task, found))
        return result
    if command == IPC_SET:
        data = task.user.read(buffer, SHMID64_DS.size)
        segment = table.find(identifier)
        segment.check_owner(task.creds)
        set_perm(task, segment, data, table.now_s())
        return 0
    if command == IPC_RMID:
        segment = table.find(identifier)
        segment.check_owner(task.creds)
        assert isinstance(segment, ShmSegment)
        table.remove_when_unused(segment)
        return 0
    if command in (SHM_LOCK, SHM_UNLOCK):
        return _lock(task, table.find(identifier), command == SHM_LOCK)
    return -EINVAL


def _lock(task: Task, segment: object, is_lock: bool) -> int:
    """Accounting only: there is no swap."""
    assert isinstance(segment, ShmSegment)
    creds = task.creds
    if not creds.has(CAP_IPC_LOCK):
        limit = task.process.rlimit(RLIMIT_MEMLOCK)
        if creds.euid not in (segment.uid, segment.creator_uid) or is_lock and limit == 0:
            return -EPERM
        if is_lock and segment.size > limit:
            return -ENOMEM
    segment.mode = segment.mode | SHM_LOCKED if is_lock else segment.mode & ~SHM_LOCKED
    return 0


def shmid_ds(task: Task, segment: ShmSegment) -> bytes:
    return SHMID64_DS.pack(
        *perm_values(segment), segment.size, segment.attached_s, segment.detached_s, segment.changed_s,
        task.number_of(segment.creator_pid), task.number_of(segment.last_pid), segment.nr_attached(),
    )  # fmt: skip
