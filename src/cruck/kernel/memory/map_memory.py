# SPDX-License-Identifier: MPL-2.0
"""mmap, munmap and brk on an `Mm`: what may be mapped, and making and unmaking areas.

Everything is checked before the first change. Addresses come from placement.py, pages later by faults (fault.py).
Sources: mm/mmap.c do_mmap(), do_munmap(), brk(); mmap(2), brk(2).
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EACCES, EAGAIN, EINVAL, ENODEV, ENOMEM, EOPNOTSUPP, EOVERFLOW, EPERM
from cruck.abi.mman import (
    MAP_32BIT,
    MAP_ABOVE4G,
    MAP_ANONYMOUS,
    MAP_DENYWRITE,
    MAP_EXECUTABLE,
    MAP_FIXED,
    MAP_FIXED_NOREPLACE,
    MAP_GROWSDOWN,
    MAP_HUGE_1GB,
    MAP_HUGE_2MB,
    MAP_HUGETLB,
    MAP_LOCKED,
    MAP_NONBLOCK,
    MAP_NORESERVE,
    MAP_POPULATE,
    MAP_PRIVATE,
    MAP_SHARED,
    MAP_SHARED_VALIDATE,
    MAP_STACK,
    MAP_TYPE,
    MAP_UNINITIALIZED,
    PROT_EXEC,
    PROT_READ,
    PROT_WRITE,
)
from cruck.abi.mount import MS_NOEXEC
from cruck.abi.resource import RLIMIT_DATA, RLIMIT_MEMLOCK
from cruck.framework.hardware import PAGE_MASK, PAGE_SIZE
from cruck.framework.mm.user_memory import UserFault, UserWriter
from cruck.kernel.errors import LinuxError
from cruck.kernel.memory import placement
from cruck.kernel.memory.anon_shared import AnonSharedMapping
from cruck.kernel.memory.fault import populate, prefault
from cruck.kernel.memory.vma import (
    VM_DONTEXPAND,
    VM_LOCKONFAULT,
    VM_MAYALL,
    VM_MAYEXEC,
    VM_MAYREAD,
    VM_MAYWRITE,
    VM_SPECIAL,
    Vma,
    hw_prot,
)
from cruck.kernel.vfs.mapping import Mapping

if TYPE_CHECKING:
    from cruck.kernel.memory.mm import Mm
    from cruck.kernel.vfs.file import File

# MAP_SHARED_VALIDATE refuses all others (include/linux/mman.h LEGACY_MAP_MASK).
LEGACY_FLAGS: Final = (
    MAP_SHARED_VALIDATE | MAP_FIXED | MAP_ANONYMOUS | MAP_DENYWRITE | MAP_EXECUTABLE | MAP_UNINITIALIZED | MAP_GROWSDOWN
    | MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK | MAP_STACK | MAP_HUGETLB | MAP_32BIT | MAP_ABOVE4G
    | MAP_HUGE_2MB | MAP_HUGE_1GB
)  # fmt: skip
MAX_OFFSET: Final = (1 << 63) - 1
MAX_COPIED: Final = 16  # pages
RWX: Final = PROT_READ | PROT_WRITE | PROT_EXEC


def mmap(mm: "Mm", addr: int, length: int, prot: int, flags: int, file: "File | None", offset: int,
         can_lock: bool = True) -> int:  # fmt: skip
    """mmap(2): the new address.

    Args: file: None for MAP_ANONYMOUS. can_lock: CAP_IPC_LOCK, or RLIMIT_MEMLOCK does not matter.
    Errors: LinuxError as mmap(2); EPERM also for addresses below 64 KiB."""
    if length <= 0:
        raise LinuxError(EINVAL)
    length = (length + PAGE_MASK) & ~PAGE_MASK
    if length > mm.user_end:
        raise LinuxError(ENOMEM)
    if file is not None and (offset < 0 or offset > MAX_OFFSET - length):
        raise LinuxError(EOVERFLOW)
    if not mm.has_area_room(1):
        raise LinuxError(ENOMEM, "vm.max_map_count")
    start = placement.choose(mm, addr, length, flags)
    area_flags = _kind(flags, file) | mm.default_flags
    if flags & MAP_LOCKED:
        area_flags |= MAP_LOCKED
    mapping: Mapping | None = None
    if file is not None:
        mapping, may = _check_file(file, prot, area_flags)
        area_flags |= may
    else:
        area_flags |= VM_MAYALL
        offset = 0
        if flags & MAP_HUGETLB:
            raise LinuxError(ENOMEM, "no huge pages")
    if flags & MAP_HUGETLB:
        raise LinuxError(EINVAL)
    area_flags |= flags & (MAP_GROWSDOWN | MAP_NORESERVE)
    _check_limits(mm, start, length, prot, area_flags, can_lock)
    if file is None and area_flags & MAP_SHARED:
        mapping = AnonSharedMapping(mm.machine, length)
    vma = Vma(mm, start, start + length, prot & RWX, area_flags, mapping, file, offset, b"")
    _place(mm, vma, flags)
    if (flags & MAP_POPULATE and not flags & MAP_NONBLOCK) or (area_flags & MAP_LOCKED and not area_flags & VM_LOCKONFAULT):
        _try_populate(mm, start, start + length, prot, area_flags)
    elif file is not None and prot & RWX and flags & (MAP_FIXED | MAP_FIXED_NOREPLACE) and area_flags & MAP_PRIVATE:
        # This is how loaders map the segments of programs and libraries.
        if not prot & PROT_WRITE or not _copy_in(mm, file, start, length, prot, offset):
            prefault(mm, start)
    return start


def mmap_object(mm: "Mm", addr: int, length: int, prot: int, flags: int, mapping: Mapping | None, offset: int,
                name: bytes) -> int:  # fmt: skip
    """A mapping the kernel itself makes, without a file: `length` is a multiple of the page size. vvar can never be made
    writable; the vDSO can (copy-on-write), as on Linux. Errors: LinuxError(ENOMEM, EINVAL)."""
    start = placement.choose(mm, addr, length, flags)
    area_flags = flags & (MAP_SHARED | MAP_PRIVATE | MAP_GROWSDOWN)
    if name == b"[vdso]":
        area_flags |= VM_MAYALL | VM_DONTEXPAND | VM_SPECIAL
    elif name == b"[vvar]":
        area_flags |= VM_MAYREAD | VM_DONTEXPAND | VM_SPECIAL
    else:
        area_flags |= VM_MAYALL
    if not mm.may_expand(length // PAGE_SIZE, False):
        raise LinuxError(ENOMEM, "RLIMIT_AS")
    _place(mm, Vma(mm, start, start + length, prot, area_flags, mapping, None, offset, name), flags)
    return start


def munmap(mm: "Mm", addr: int, length: int) -> None:
    """Errors: LinuxError(EINVAL: misaligned, empty, outside user space; ENOMEM: a split too many)."""
    if addr & PAGE_MASK or addr > mm.user_end or length <= 0 or length > mm.user_end - addr:
        raise LinuxError(EINVAL)
    end = (addr + length + PAGE_MASK) & ~PAGE_MASK
    mm.check_split_room(addr, end)
    unmap_range(mm, addr, end)


def unmap_range(mm: "Mm", start: int, end: int) -> None:
    """Takes away every area in [start, end) (page-aligned), with its pages. Cannot fail."""
    vmas = mm.isolate(start, end)
    if not vmas:
        return
    run_start = run_end = vmas[0].start
    for vma in vmas:
        if vma.start != run_end:
            mm.space.unmap(run_start, run_end - run_start)
            run_start = vma.start
        run_end = vma.end
    mm.space.unmap(run_start, run_end - run_start)
    for vma in vmas:
        mm.detach(vma)


def brk(mm: "Mm", addr: int) -> int:
    """brk(2): the new end of the heap, or the old one if it cannot move there."""
    if addr < mm.start_brk or addr >= mm.user_end:
        return mm.brk
    limit = mm.limit(RLIMIT_DATA)
    if (addr - mm.start_brk) + (mm.end_data - mm.start_data) > limit:
        return mm.brk
    old_end = (mm.brk + PAGE_MASK) & ~PAGE_MASK
    new_end = (addr + PAGE_MASK) & ~PAGE_MASK
    if new_end < old_end:
        if not mm.has_area_room(2):
            return mm.brk
        unmap_range(mm, new_end, old_end)
    elif new_end > old_end and not _grow_heap(mm, old_end, new_end):
        return mm.brk
    mm.brk = addr
    return addr


def _grow_heap(mm: "Mm", start: int, end: int) -> bool:
    length = end - start
    flags = MAP_PRIVATE | VM_MAYALL | mm.default_flags
    # One page stays free behind the heap, as on Linux.
    if not placement.is_free(mm, start, end + PAGE_SIZE) or not mm.has_area_room(1):
        return False
    if not mm.may_expand(length // PAGE_SIZE, True) or mm.is_obvious_overcommit(length // PAGE_SIZE):
        return False
    if flags & MAP_LOCKED and (mm.locked_pages * PAGE_SIZE + length) > mm.limit(RLIMIT_MEMLOCK):
        return False
    mm.attach(Vma(mm, start, end, PROT_READ | PROT_WRITE, flags, None, None, 0, b"[heap]"))
    mm.merge(start, end)
    if flags & MAP_LOCKED and not flags & VM_LOCKONFAULT:
        _try_populate(mm, start, end, PROT_READ | PROT_WRITE, flags)
    return True


def _kind(flags: int, file: "File | None") -> int:
    """MAP_SHARED or MAP_PRIVATE. Errors: LinuxError(EINVAL, EOPNOTSUPP)."""
    kind = flags & MAP_TYPE
    if kind == MAP_SHARED_VALIDATE and file is not None:
        if flags & ~LEGACY_FLAGS:
            raise LinuxError(EOPNOTSUPP)
        kind = MAP_SHARED
    if kind != MAP_SHARED and kind != MAP_PRIVATE:
        raise LinuxError(EINVAL)
    if flags & MAP_GROWSDOWN and (file is not None or kind == MAP_SHARED):
        raise LinuxError(EINVAL)
    return kind


def _check_file(file: "File", prot: int, area_flags: int) -> tuple[Mapping, int]:
    """The file's mapping and the VM_MAY* bits. Errors: LinuxError(EACCES, EPERM, ENODEV …)."""
    may = VM_MAYALL
    if area_flags & MAP_SHARED and not file.is_writable():
        if prot & PROT_WRITE:
            raise LinuxError(EACCES)
        may &= ~VM_MAYWRITE
    if not file.is_readable():
        raise LinuxError(EACCES)
    if file.path is not None and file.path.mount.flags & MS_NOEXEC:
        if prot & PROT_EXEC:
            raise LinuxError(EPERM, "noexec mount")
        may &= ~VM_MAYEXEC
    mapping = file.mapping()
    if mapping is None:
        error = -file.map_error()
        raise LinuxError(error if error > 0 else ENODEV)
    if area_flags & MAP_SHARED and may & VM_MAYWRITE and mapping.forbids_shared_writes():
        if prot & PROT_WRITE:
            raise LinuxError(EPERM, "sealed")
        may &= ~VM_MAYWRITE
    return mapping, may


def _check_limits(mm: "Mm", start: int, length: int, prot: int, area_flags: int, can_lock: bool) -> None:
    nr_pages = length // PAGE_SIZE
    if area_flags & MAP_LOCKED and not can_lock:
        limit = mm.limit(RLIMIT_MEMLOCK)
        if limit == 0:
            raise LinuxError(EPERM)
        if mm.locked_pages * PAGE_SIZE + length > limit:
            raise LinuxError(EAGAIN, "RLIMIT_MEMLOCK")
    is_data = bool(prot & PROT_WRITE) and not area_flags & (MAP_SHARED | MAP_GROWSDOWN)
    if not mm.may_expand(nr_pages, is_data):
        # What it replaces does not count.
        replaced = 0
        for vma in mm.areas.overlapping(start, start + length):
            replaced += (min(vma.end, start + length) - max(vma.start, start)) // PAGE_SIZE
        if not mm.may_expand(nr_pages - replaced, is_data):
            raise LinuxError(ENOMEM, "RLIMIT_AS or RLIMIT_DATA")
    if is_data and not area_flags & MAP_NORESERVE and mm.is_obvious_overcommit(nr_pages):
        raise LinuxError(ENOMEM, "more than all RAM")


def _place(mm: "Mm", vma: Vma, flags: int) -> None:
    if flags & (MAP_FIXED | MAP_FIXED_NOREPLACE):
        mm.check_split_room(vma.start, vma.end)
        unmap_range(mm, vma.start, vma.end)
    mm.attach(vma)
    mm.merge(vma.start, vma.end)


def _copy_in(mm: "Mm", file: "File", start: int, length: int, prot: int, offset: int) -> bool:
    """A small data segment will be written to all over (relocations): it is read into memory at once, which costs one order to
    the machine instead of one for each page that is copied at its first write. False: it is not small, or failed; then nothing
    has changed."""
    mapping = file.mapping()
    if mapping is None or mm.machine.nr_free_frames() < 64 * MAX_COPIED:
        return False
    wanted = min(length, mapping.length() - offset)
    length = (wanted + PAGE_MASK) & ~PAGE_MASK
    if not 0 < length <= MAX_COPIED * PAGE_SIZE or mm.space.map_anon(start, length, hw_prot(prot)) < 0:
        return False
    done = 0
    writer = UserWriter(mm.user, [(start, wanted)])
    try:
        while done < wanted:
            count = file.read(writer, offset + done)
            if count <= 0:
                break
            done += count
    except (LinuxError, UserFault):
        pass
    if done < wanted:
        mm.space.unmap(start, length)
    return done == wanted


def _try_populate(mm: "Mm", start: int, end: int, prot: int, area_flags: int) -> None:
    """Failures are not mmap's (mmap(2), MAP_POPULATE)."""
    access = PROT_WRITE if prot & PROT_WRITE and not area_flags & MAP_SHARED else PROT_READ
    if not prot & RWX:
        return
    try:
        populate(mm, start, end, access)
    except LinuxError:
        mm.is_oom = False
