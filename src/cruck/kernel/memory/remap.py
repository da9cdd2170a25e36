# SPDX-License-Identifier: MPL-2.0
"""mremap on an `Mm`: growing, shrinking and moving areas together with their pages.

Source: mm/mremap.c; mremap(2).
"""

from typing import TYPE_CHECKING

from cruck.abi.errno import EAGAIN, EFAULT, EINVAL, ENOMEM
from cruck.abi.mman import MAP_FIXED, MAP_LOCKED, MREMAP_DONTUNMAP, MREMAP_FIXED, MREMAP_MAYMOVE
from cruck.abi.resource import RLIMIT_MEMLOCK
from cruck.framework.hardware import PAGE_MASK, PAGE_SIZE
from cruck.kernel.errors import LinuxError
from cruck.kernel.memory import placement
from cruck.kernel.memory.fault import check_map, populate
from cruck.kernel.memory.map_memory import unmap_range
from cruck.kernel.memory.vma import VM_DONTEXPAND, VM_LOCKONFAULT, Vma

if TYPE_CHECKING:
    from cruck.kernel.memory.mm import Mm


def mremap(mm: "Mm", old: int, old_length: int, new_length: int, flags: int, new: int, can_lock: bool) -> int:
    """The new address. Args: can_lock: CAP_IPC_LOCK.
    Errors: LinuxError(EINVAL, EFAULT: old range is not one area; ENOMEM; EAGAIN: RLIMIT_MEMLOCK)."""
    if flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP):
        raise LinuxError(EINVAL)
    if flags & (MREMAP_FIXED | MREMAP_DONTUNMAP) and not flags & MREMAP_MAYMOVE:
        raise LinuxError(EINVAL)
    old_length = (old_length + PAGE_MASK) & ~PAGE_MASK
    new_length = (new_length + PAGE_MASK) & ~PAGE_MASK
    if flags & MREMAP_DONTUNMAP and old_length != new_length:
        raise LinuxError(EINVAL)
    if old & PAGE_MASK or new_length <= 0 or new_length > mm.user_end or old > mm.user_end:
        raise LinuxError(EINVAL)
    vma = mm.areas.find(old)
    if vma is None:
        raise LinuxError(EFAULT)
    if flags & (MREMAP_FIXED | MREMAP_DONTUNMAP):
        return _move_to(mm, vma, old, old_length, new_length, flags, new, can_lock)
    if old_length >= new_length:
        if old_length > new_length:
            if old_length > mm.user_end - old:
                raise LinuxError(EINVAL)
            mm.check_split_room(old + new_length, old + old_length)
            unmap_range(mm, old + new_length, old + old_length)
        return old
    _check_resize(mm, vma, old, old_length, new_length, can_lock)
    if old_length and old_length == vma.end - old and _can_grow_in_place(mm, vma, old + new_length):
        growth = old + new_length - vma.end
        mm.account(vma, growth // PAGE_SIZE)
        vma.end += growth
        _populate_if_locked(mm, vma, old + old_length, old + new_length)
        mm.merge(vma.start, vma.end)
        return old
    if not flags & MREMAP_MAYMOVE:
        raise LinuxError(ENOMEM)
    target = placement.choose(mm, 0, new_length, 0)
    return _move(mm, vma, old, old_length, new_length, target, False)


def _move_to(mm: "Mm", vma: Vma, old: int, old_length: int, new_length: int, flags: int, new: int, can_lock: bool) -> int:
    if flags & MREMAP_FIXED:
        if new & PAGE_MASK or new > mm.user_end - new_length:
            raise LinuxError(EINVAL)
        if old < new + new_length and new < old + old_length:
            raise LinuxError(EINVAL)
    if old_length > mm.user_end - old:
        raise LinuxError(EINVAL)
    kept = min(old_length, new_length)
    # Every check comes first; Linux unmaps the target before it finds out.
    _check_resize(mm, vma, old, kept, new_length, can_lock)
    if flags & MREMAP_DONTUNMAP and not mm.may_expand(new_length // PAGE_SIZE, vma.is_data()):
        raise LinuxError(ENOMEM)
    mm.check_split_room(old, old + old_length)
    target = placement.choose(mm, new, new_length, MAP_FIXED if flags & MREMAP_FIXED else 0)
    if flags & MREMAP_FIXED:
        mm.check_split_room(target, target + new_length)
        unmap_range(mm, target, target + new_length)
    if old_length > new_length:
        unmap_range(mm, old + new_length, old + old_length)
    found = mm.areas.find(old)
    assert found is not None
    return _move(mm, found, old, kept, new_length, target, bool(flags & MREMAP_DONTUNMAP))


def _check_resize(mm: "Mm", vma: Vma, old: int, old_length: int, new_length: int, can_lock: bool) -> None:
    """vma_to_resize()."""
    if old_length == 0 and not vma.is_shared():
        raise LinuxError(EINVAL)
    if old_length > vma.end - old:
        raise LinuxError(EFAULT, "crosses areas")
    if new_length == old_length:
        return
    if vma.mapping is not None and vma.offset_at(old) + new_length > (1 << 63) - 1:
        raise LinuxError(EINVAL)
    if vma.flags & VM_DONTEXPAND:
        raise LinuxError(EFAULT)
    growth = (new_length - old_length) // PAGE_SIZE
    if vma.is_locked() and not can_lock and (mm.locked_pages + growth) * PAGE_SIZE > mm.limit(RLIMIT_MEMLOCK):
        raise LinuxError(EAGAIN)
    if not mm.may_expand(growth, vma.is_data()):
        raise LinuxError(ENOMEM)
    if vma.is_data() and mm.is_obvious_overcommit(growth):
        raise LinuxError(ENOMEM)


def _can_grow_in_place(mm: "Mm", vma: Vma, end: int) -> bool:
    return end <= mm.user_end and placement.is_free(mm, vma.end, end)


def _move(mm: "Mm", vma: Vma, old: int, old_length: int, new_length: int, target: int, keeps_old: bool) -> int:
    """Moves [old, old+old_length) (inside `vma`) to the free range at target. old_length 0: a second view of shared memory."""
    mm.check_split_room(old, old + old_length)
    moved = vma.copy(mm)
    moved.start, moved.end = target, target + new_length
    if vma.mapping is not None:
        moved.offset = vma.offset_at(old)
    if old_length:
        check_map(mm, mm.space.move(old, target, old_length))
    mm.attach(moved)
    if old_length and keeps_old:
        if vma.is_locked():
            for part in mm.isolate(old, old + old_length):
                mm.account(part, -part.nr_pages())
                part.flags &= ~(MAP_LOCKED | VM_LOCKONFAULT)
                mm.account(part, part.nr_pages())
    elif old_length:
        unmap_range(mm, old, old + old_length)
    _populate_if_locked(mm, moved, target + old_length, target + new_length)
    mm.merge(target, target + new_length)
    return target


def _populate_if_locked(mm: "Mm", vma: Vma, start: int, end: int) -> None:
    if start < end and vma.is_locked() and not vma.flags & VM_LOCKONFAULT:
        try:
            populate(mm, start, end, vma.hw_prot())
        except LinuxError:
            mm.is_oom = False
