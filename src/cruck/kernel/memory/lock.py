# SPDX-License-Identifier: MPL-2.0
"""mlock and its kin on an `Mm`: pages brought in, and counted against RLIMIT_MEMLOCK. Nothing is ever swapped out here, so
presence and accounting are all there is to it.

Source: mm/mlock.c; mlock(2).
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EAGAIN, EINVAL, ENOMEM, EPERM
from cruck.abi.mman import MAP_LOCKED, MCL_CURRENT, MCL_FUTURE, MCL_ONFAULT, PROT_READ, PROT_WRITE
from cruck.abi.resource import RLIMIT_MEMLOCK
from cruck.framework.hardware import PAGE_MASK, PAGE_SIZE
from cruck.kernel.errors import LinuxError
from cruck.kernel.memory.fault import populate
from cruck.kernel.memory.vma import VM_LOCKONFAULT, VM_SPECIAL, Vma

if TYPE_CHECKING:
    from cruck.kernel.memory.mm import Mm

LOCK_BITS: Final = MAP_LOCKED | VM_LOCKONFAULT


def mlock(mm: "Mm", addr: int, length: int, is_on_fault: bool, can_lock: bool) -> None:
    """Args: can_lock: CAP_IPC_LOCK. Errors: LinuxError(EPERM, ENOMEM: a limit or a hole; EAGAIN: could not be brought in)."""
    if not can_lock and mm.limit(RLIMIT_MEMLOCK) == 0:
        raise LinuxError(EPERM)
    start, end = _range(mm, addr, length)
    nr_pages = (end - start) // PAGE_SIZE
    if not can_lock and (mm.locked_pages + nr_pages) * PAGE_SIZE > mm.limit(RLIMIT_MEMLOCK):
        for vma in mm.areas.overlapping(start, end):
            if vma.is_locked():
                nr_pages -= (min(vma.end, end) - max(vma.start, start)) // PAGE_SIZE
        if (mm.locked_pages + nr_pages) * PAGE_SIZE > mm.limit(RLIMIT_MEMLOCK):
            raise LinuxError(ENOMEM, "RLIMIT_MEMLOCK")
    has_hole = _set_flags(mm, start, end, MAP_LOCKED | (VM_LOCKONFAULT if is_on_fault else 0))
    if has_hole:
        raise LinuxError(ENOMEM)
    if not is_on_fault and start < end:
        _bring_in(mm, start, end)


def munlock(mm: "Mm", addr: int, length: int) -> None:
    """Errors: LinuxError(EINVAL, ENOMEM: a hole; what is there is unlocked all the same)."""
    start, end = _range(mm, addr, length)
    if _set_flags(mm, start, end, 0):
        raise LinuxError(ENOMEM)


def mlockall(mm: "Mm", flags: int, can_lock: bool) -> None:
    """Errors: LinuxError(EINVAL, EPERM, ENOMEM)."""
    if not flags or flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) or flags == MCL_ONFAULT:
        raise LinuxError(EINVAL)
    limit = mm.limit(RLIMIT_MEMLOCK)
    if not can_lock and limit == 0:
        raise LinuxError(EPERM)
    if flags & MCL_CURRENT and not can_lock and mm.total_pages * PAGE_SIZE > limit:
        raise LinuxError(ENOMEM)
    bits = MAP_LOCKED | (VM_LOCKONFAULT if flags & MCL_ONFAULT else 0)
    mm.default_flags = bits if flags & MCL_FUTURE else 0
    if not flags & MCL_CURRENT:
        return
    _set_flags(mm, 0, mm.user_end, bits)
    if not flags & MCL_ONFAULT:
        for vma in list(mm.vmas):
            if vma.is_locked() and vma.prot:
                try:
                    _bring_in(mm, vma.start, vma.end)
                except LinuxError:
                    mm.is_oom = False  # mlockall ignores what cannot be brought in


def munlockall(mm: "Mm") -> None:
    mm.default_flags = 0
    _set_flags(mm, 0, mm.user_end, 0)


def _range(mm: "Mm", addr: int, length: int) -> tuple[int, int]:
    start = addr & ~PAGE_MASK
    end = (addr + length + PAGE_MASK) & ~PAGE_MASK
    if end < start or end > 1 << 64:
        raise LinuxError(EINVAL)
    if end > mm.user_end:
        raise LinuxError(ENOMEM)
    return start, end


def _set_flags(mm: "Mm", start: int, end: int, bits: int) -> bool:
    """Replaces the lock bits of all areas in the range; True: there was a hole."""
    mm.check_split_room(start, end)
    position = start
    has_hole = False
    for vma in mm.isolate(start, end):
        has_hole = has_hole or vma.start > position
        position = vma.end
        if not vma.flags & VM_SPECIAL:
            _replace(mm, vma, bits)
    mm.merge(start, end)
    return has_hole or position < end


def _replace(mm: "Mm", vma: Vma, bits: int) -> None:
    mm.account(vma, -vma.nr_pages())
    vma.flags = (vma.flags & ~LOCK_BITS) | bits
    mm.account(vma, vma.nr_pages())


def _bring_in(mm: "Mm", start: int, end: int) -> None:
    for vma in mm.areas.overlapping(start, end):
        access = PROT_WRITE if vma.prot & PROT_WRITE and not vma.is_shared() else PROT_READ
        try:
            outcome = populate(mm, max(start, vma.start), min(end, vma.end), access)
        except LinuxError as error:
            mm.is_oom = False
            raise LinuxError(EAGAIN) from error
        if outcome[0]:
            raise LinuxError(ENOMEM)
