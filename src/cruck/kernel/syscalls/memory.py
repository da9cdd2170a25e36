# SPDX-License-Identifier: MPL-2.0
"""Memory calls at the edge: mmap, munmap, mprotect, mremap, brk, madvise, msync, mincore, mlock and kin. What they do: memory/."""

from typing import Final

from cruck.abi.errno import EBADF, EINVAL, ENOMEM, ENOSPC
from cruck.abi.mman import (
    MAP_ANONYMOUS,
    MLOCK_ONFAULT,
    MS_ASYNC,
    MS_INVALIDATE,
    MS_SYNC,
    PKEY_ACCESS_MASK,
    PROT_EXEC,
    PROT_READ,
)
from cruck.abi.personality import READ_IMPLIES_EXEC
from cruck.framework.hardware import PAGE_MASK, PAGE_SIZE
from cruck.kernel.memory import advise, lock, map_memory, protect, remap, remap_pages
from cruck.kernel.memory.mm import Mm
from cruck.kernel.process.credentials import CAP_IPC_LOCK, CAP_SYS_ADMIN
from cruck.kernel.process.task import Task
from cruck.kernel.syscalls.types import CInt, Fd, Flags, Offset, Size, ULong, UserAddr

MINCORE_PAGES: Final = 4096  # looked at in one piece


def sys_mmap(task: Task, addr: UserAddr, length: Size, prot: Flags, flags: Flags, fd: Fd, offset: Offset) -> int:
    """The address. Errors: EINVAL (length 0, kind, alignment, flags), EBADF, EACCES (the file was not opened for it), ENODEV (no such
    thing as a mapping of it), EOPNOTSUPP (MAP_SHARED_VALIDATE with flags that are not known), EOVERFLOW (offset), EEXIST
    (MAP_FIXED_NOREPLACE), ENOMEM (no room; RLIMIT_AS, RLIMIT_DATA; outside user space), EPERM (below 64 KiB; sealed; a noexec mount;
    MAP_LOCKED with RLIMIT_MEMLOCK 0), EAGAIN (RLIMIT_MEMLOCK)."""
    if offset & PAGE_MASK:
        return -EINVAL
    mm = _mm(task)
    file = None
    if not flags & MAP_ANONYMOUS:
        file = task.files.lookup(fd)
        if file is None or file.flags & 0o10000000:  # O_PATH
            return -EBADF
    return map_memory.mmap(mm, addr, length, _implied(task, prot), flags, file, offset, task.creds.has(CAP_IPC_LOCK))


def sys_munmap(task: Task, addr: UserAddr, length: Size) -> int:
    """Errors: EINVAL (alignment, length 0, outside user space), ENOMEM (a split more than vm.max_map_count)."""
    map_memory.munmap(_mm(task), addr, length)
    return 0


def sys_mprotect(task: Task, addr: UserAddr, length: Size, prot: ULong) -> int:
    """Errors: EINVAL (alignment, unknown bits, no stack that grows), ENOMEM (a hole; a split too many; RLIMIT_DATA), EACCES (the file was not
    opened for it)."""
    protect.mprotect(_mm(task), addr, length, _implied(task, prot))
    return 0


def _implied(task: Task, prot: int) -> int:
    """personality(2), READ_IMPLIES_EXEC."""
    return prot | PROT_EXEC if prot & PROT_READ and task.personality & READ_IMPLIES_EXEC else prot


def sys_pkey_mprotect(task: Task, addr: UserAddr, length: Size, prot: ULong, pkey: CInt) -> int:
    """Without protection keys only pkey −1 (plain mprotect) exists, as on a CPU that has none; else EINVAL."""
    if pkey != -1:
        return -EINVAL
    return sys_mprotect(task, addr, length, prot)


def sys_pkey_alloc(task: Task, flags: ULong, rights: ULong) -> int:
    """Errors: ENOSPC: there are no protection keys; EINVAL (flags, rights)."""
    if flags or rights & ~PKEY_ACCESS_MASK:
        return -EINVAL
    return -ENOSPC


def sys_pkey_free(task: Task, pkey: CInt) -> int:
    """EINVAL: there are no protection keys."""
    return -EINVAL


def sys_mremap(task: Task, old: UserAddr, old_length: Size, new_length: Size, flags: ULong, new: UserAddr) -> int:
    """The new address. Errors: EINVAL (flags, alignment, sizes, overlap), EFAULT (the old range is not one area), ENOMEM (no room in place or at
    all, a limit), EAGAIN (RLIMIT_MEMLOCK)."""
    return remap.mremap(_mm(task), old, old_length, new_length, flags, new, task.creds.has(CAP_IPC_LOCK))


def sys_remap_file_pages(task: Task, start: UserAddr, size: ULong, prot: ULong, page_offset: ULong, flags: ULong) -> int:
    """Errors: EINVAL (no shared mapping of one file that can be written to throughout; `prot`; overflow), ENOMEM (a split too many)."""
    remap_pages.remap_file_pages(_mm(task), start, size, prot, page_offset, flags)
    return 0


def sys_brk(task: Task, addr: UserAddr) -> int:
    """Never fails: the end of the heap, moved or not."""
    return map_memory.brk(_mm(task), addr)


def sys_madvise(task: Task, addr: UserAddr, length: Size, advice: CInt) -> int:
    """Errors: EINVAL (advice, alignment, not for this kind of area; MADV_POPULATE_* against protection), ENOMEM (a hole; the rest is
    done), EACCES (MADV_REMOVE of what cannot be written), EFAULT (MADV_POPULATE_* past the end of a file), EPERM (MADV_HWPOISON without
    CAP_SYS_ADMIN)."""
    advise.madvise(_mm(task), addr, length, advice, task.creds.has(CAP_SYS_ADMIN))
    return 0


def sys_msync(task: Task, addr: UserAddr, length: Size, flags: CInt) -> int:
    """Errors: EINVAL (flags, alignment), ENOMEM (a hole), EBUSY (MS_INVALIDATE of locked pages), EIO (the host's)."""
    if flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC) or addr & PAGE_MASK:
        return -EINVAL
    if flags & MS_ASYNC and flags & MS_SYNC:
        return -EINVAL
    advise.msync(_mm(task), addr, length, bool(flags & MS_SYNC), bool(flags & MS_INVALIDATE))
    return 0


def sys_mincore(task: Task, addr: UserAddr, length: Size, vector: UserAddr) -> int:
    """Errors: EINVAL (alignment), ENOMEM (a hole, outside user space), EFAULT."""
    mm = _mm(task)
    if addr & PAGE_MASK:
        return -EINVAL
    if addr > mm.user_end or length > mm.user_end - addr:
        return -ENOMEM
    nr_pages = (length + PAGE_MASK) // PAGE_SIZE
    done = 0
    while done < nr_pages:
        count = min(nr_pages - done, MINCORE_PAGES)
        task.user.write(vector + done, advise.mincore(mm, addr + done * PAGE_SIZE, count * PAGE_SIZE))
        done += count
    return 0


def sys_mlock(task: Task, addr: UserAddr, length: Size) -> int:
    """Errors: EINVAL (overflow), ENOMEM (a hole, more than RLIMIT_MEMLOCK, cannot be brought in), EPERM (RLIMIT_MEMLOCK is 0), EAGAIN
    (no free memory)."""
    lock.mlock(_mm(task), addr, length, False, task.creds.has(CAP_IPC_LOCK))
    return 0


def sys_mlock2(task: Task, addr: UserAddr, length: Size, flags: CInt) -> int:
    """As mlock. Errors: also EINVAL (flags)."""
    if flags & ~MLOCK_ONFAULT:
        return -EINVAL
    lock.mlock(_mm(task), addr, length, bool(flags & MLOCK_ONFAULT), task.creds.has(CAP_IPC_LOCK))
    return 0


def sys_munlock(task: Task, addr: UserAddr, length: Size) -> int:
    """Errors: EINVAL (overflow), ENOMEM (a hole; the rest is unlocked)."""
    lock.munlock(_mm(task), addr, length)
    return 0


def sys_mlockall(task: Task, flags: CInt) -> int:
    """Errors: EINVAL (flags), ENOMEM (more than RLIMIT_MEMLOCK), EPERM (RLIMIT_MEMLOCK is 0)."""
    lock.mlockall(_mm(task), flags, task.creds.has(CAP_IPC_LOCK))
    return 0


def sys_munlockall(task: Task) -> int:
    """Always 0."""
    lock.munlockall(_mm(task))
    return 0


def _mm(task: Task) -> Mm:
    """The task's memory, under the limits of its process (a vfork child has its own)."""
    mm = task.mm
    mm.rlimits = task.process.rlimits
    return mm
