# SPDX-License-Identifier: MPL-2.0
"""madvise, msync and mincore on an `Mm`.

Advice that only tunes Linux's reclaim (WILLNEED, COLD, PAGEOUT) has no effect here and says so by being a hint; advice
that promises something (DONTNEED, REMOVE, DONTFORK, WIPEONFORK, POPULATE_*) does it. MADV_FREE frees at once, which it may.
Sources: mm/madvise.c, mm/msync.c, mm/mincore.c; madvise(2).
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EACCES, EBUSY, EFAULT, EINVAL, ENOMEM, EPERM
from cruck.abi.fcntl import FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE
from cruck.abi.mman import (
    MADV_COLD,
    MADV_DODUMP,
    MADV_DOFORK,
    MADV_DONTDUMP,
    MADV_DONTFORK,
    MADV_DONTNEED,
    MADV_DONTNEED_LOCKED,
    MADV_FREE,
    MADV_HUGEPAGE,
    MADV_HWPOISON,
    MADV_KEEPONFORK,
    MADV_NOHUGEPAGE,
    MADV_NORMAL,
    MADV_PAGEOUT,
    MADV_POPULATE_READ,
    MADV_POPULATE_WRITE,
    MADV_RANDOM,
    MADV_REMOVE,
    MADV_SEQUENTIAL,
    MADV_SOFT_OFFLINE,
    MADV_WILLNEED,
    MADV_WIPEONFORK,
    PROT_READ,
    PROT_WRITE,
)
from cruck.abi.signal import SIGBUS
from cruck.framework.hardware import PAGE_MASK, PAGE_SIZE
from cruck.kernel.errors import LinuxError
from cruck.kernel.memory.fault import populate
from cruck.kernel.memory.vma import (
    VM_DONTCOPY,
    VM_DONTDUMP,
    VM_HUGEPAGE,
    VM_MAYWRITE,
    VM_NOHUGEPAGE,
    VM_RANDOM,
    VM_SEQUENTIAL,
    VM_SPECIAL,
    VM_WIPEONFORK,
    Vma,
)

if TYPE_CHECKING:
    from cruck.kernel.memory.mm import Mm

# Advice that sets and clears Vma.flags: {advice: (set, clear)}.
FLAG_ADVICE: Final[dict[int, tuple[int, int]]] = {
    MADV_NORMAL: (0, VM_RANDOM | VM_SEQUENTIAL),
    MADV_RANDOM: (VM_RANDOM, VM_SEQUENTIAL),
    MADV_SEQUENTIAL: (VM_SEQUENTIAL, VM_RANDOM),
    MADV_DONTFORK: (VM_DONTCOPY, 0),
    MADV_DOFORK: (0, VM_DONTCOPY),
    MADV_WIPEONFORK: (VM_WIPEONFORK, 0),
    MADV_KEEPONFORK: (0, VM_WIPEONFORK),
    MADV_DONTDUMP: (VM_DONTDUMP, 0),
    MADV_DODUMP: (0, VM_DONTDUMP),
    MADV_HUGEPAGE: (VM_HUGEPAGE, VM_NOHUGEPAGE),
    MADV_NOHUGEPAGE: (VM_NOHUGEPAGE, VM_HUGEPAGE),
}
PAGE_ADVICE: Final = (
    MADV_WILLNEED, MADV_DONTNEED, MADV_DONTNEED_LOCKED, MADV_FREE, MADV_REMOVE, MADV_COLD, MADV_PAGEOUT,
    MADV_POPULATE_READ, MADV_POPULATE_WRITE,
)  # fmt: skip


def madvise(mm: "Mm", addr: int, length: int, advice: int, is_admin: bool) -> None:
    """Args: is_admin: CAP_SYS_ADMIN. Errors: LinuxError as madvise(2); with holes the rest is done first, then ENOMEM."""
    if advice in (MADV_HWPOISON, MADV_SOFT_OFFLINE):
        raise LinuxError(EINVAL if is_admin else EPERM)
    if advice not in FLAG_ADVICE and advice not in PAGE_ADVICE:
        raise LinuxError(EINVAL)
    if addr & PAGE_MASK:
        raise LinuxError(EINVAL)
    end = (addr + length + PAGE_MASK) & ~PAGE_MASK
    if end > 1 << 64:
        raise LinuxError(EINVAL)
    if end == addr:
        return
    if advice in (MADV_POPULATE_READ, MADV_POPULATE_WRITE):
        _populate(mm, addr, end, PROT_READ if advice == MADV_POPULATE_READ else PROT_WRITE)
        return
    flag_change = FLAG_ADVICE.get(advice)
    if flag_change is not None:
        mm.check_split_room(addr, min(end, mm.user_end))
    position = addr
    has_hole = False
    for vma in mm.areas.overlapping(addr, end):
        start, stop = max(addr, vma.start), min(end, vma.end)
        has_hole = has_hole or start > position
        position = stop
        if flag_change is not None:
            _change_flags(mm, vma, start, stop, advice, flag_change)
        else:
            _advise_pages(mm, vma, start, stop, advice)
    if flag_change is not None:
        mm.merge(addr, end)
    if has_hole or position < end:
        raise LinuxError(ENOMEM)


def msync(mm: "Mm", addr: int, length: int, is_sync: bool, is_invalidate: bool) -> None:
    """Errors: LinuxError(ENOMEM: a hole or past user space; EBUSY: locked pages; EIO …)."""
    end = (addr + length + PAGE_MASK) & ~PAGE_MASK
    if end > 1 << 64:
        raise LinuxError(ENOMEM)
    position = addr
    has_hole = False
    for vma in mm.areas.overlapping(addr, end):
        start, stop = max(addr, vma.start), min(end, vma.end)
        has_hole = has_hole or start > position
        position = stop
        if is_invalidate and vma.is_locked():
            raise LinuxError(EBUSY)
        if is_sync and vma.is_shared() and vma.mapping is not None:
            result = vma.mapping.sync(vma.offset_at(start), stop - start)
            if result < 0:
                raise LinuxError(-result)
    if has_hole or position < end:
        raise LinuxError(ENOMEM)


def mincore(mm: "Mm", addr: int, length: int) -> bytes:
    """One byte per page, 1 = present, or in the file's cache. `length` is a multiple of the page size, and small.
    Errors: LinuxError(ENOMEM): a hole."""
    position = addr
    end = addr + length
    vmas = mm.areas.overlapping(addr, end)
    for vma in vmas:
        if vma.start > position:
            raise LinuxError(ENOMEM)
        position = vma.end
    if position < end:
        raise LinuxError(ENOMEM)
    present = bytearray(mm.space.resident(addr, length))
    for vma in vmas:
        if vma.mapping is not None:
            low, high = max(addr, vma.start), min(end, vma.end)
            for start, stop in vma.mapping.cached(vma.offset_at(low), high - low):
                first = (start - vma.offset_at(low) + low - addr) // PAGE_SIZE
                for index in range(max(0, first), min(len(present), first + (stop - start) // PAGE_SIZE)):
                    present[index] = 1
    return bytes(present)


def _change_flags(mm: "Mm", vma: Vma, start: int, stop: int, advice: int, change: tuple[int, int]) -> None:
    if advice == MADV_WIPEONFORK and not vma.is_anonymous():
        raise LinuxError(EINVAL)
    if vma.flags & VM_SPECIAL and advice in (MADV_DODUMP, MADV_DOFORK, MADV_HUGEPAGE, MADV_NOHUGEPAGE):
        raise LinuxError(EINVAL)
    flags = (vma.flags | change[0]) & ~change[1]
    if flags == vma.flags:
        return
    for part in mm.isolate(start, stop):
        part.flags = flags


def _advise_pages(mm: "Mm", vma: Vma, start: int, stop: int, advice: int) -> None:
    if advice == MADV_WILLNEED:
        return
    if vma.flags & VM_SPECIAL or (vma.is_locked() and advice != MADV_DONTNEED_LOCKED):
        raise LinuxError(EINVAL)
    if advice in (MADV_COLD, MADV_PAGEOUT):
        return
    if advice == MADV_FREE and not vma.is_anonymous():
        raise LinuxError(EINVAL)
    if advice == MADV_REMOVE:
        _remove(vma, start, stop)
        return
    mm.max_rss_pages()
    mm.space.unmap(start, stop - start)


def _remove(vma: Vma, start: int, stop: int) -> None:
    """The file loses the bytes, for everybody."""
    if vma.mapping is None:
        raise LinuxError(EINVAL)
    if not vma.is_shared() or not vma.flags & VM_MAYWRITE or not vma.prot & PROT_WRITE:
        raise LinuxError(EACCES)
    if vma.file is not None:
        mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE
        result = vma.file.fallocate(mode, vma.offset_at(start), stop - start)
    else:
        result = vma.mapping.discard(vma.offset_at(start), stop - start)
    if result < 0:
        raise LinuxError(-result)


def _populate(mm: "Mm", start: int, end: int, access: int) -> None:
    position = start
    for vma in mm.areas.overlapping(start, end):
        if vma.start > position:
            raise LinuxError(ENOMEM)
        if vma.flags & VM_SPECIAL or not vma.prot & access:
            raise LinuxError(EINVAL)
        stop = min(end, vma.end)
        outcome = populate(mm, position, stop, access)
        if outcome[0]:
            raise LinuxError(EFAULT if outcome[0] == SIGBUS else EINVAL)
        position = stop
    if position < end:
        raise LinuxError(ENOMEM)
