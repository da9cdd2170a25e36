# SPDX-License-Identifier: MPL-2.0
"""Where things go in an address space: Linux's default layout without randomisation.

    0x10000 … 0x555555554000 program (PIE), heap … mappings, top-down from mmap_base … gap … stack ↑ user_end

Sources: arch/x86/mm/mmap.c mmap_base(), mm/mmap.c generic_get_unmapped_area_topdown(). Ranges the machine cannot give
(`Machine.reserved_ranges`) are never chosen and refused with MAP_FIXED.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EEXIST, EINVAL, ENOMEM, EPERM
from cruck.abi.mman import MAP_32BIT, MAP_FIXED, MAP_FIXED_NOREPLACE
from cruck.framework.hardware import PAGE_MASK, PAGE_SIZE
from cruck.kernel.errors import LinuxError
from cruck.kernel.memory.vma_list import STACK_GUARD_GAP

if TYPE_CHECKING:
    from cruck.kernel.memory.mm import Mm

# Below it nothing is mapped: the host forbids it (vm.mmap_min_addr), so even a privileged guest gets EPERM.
MIN_ADDR: Final = 0x10000
PIE_BASE: Final = 0x5555_5555_4000
MIN_STACK_GAP: Final = 128 << 20
LOW_32BIT: Final = 0x4000_0000
HIGH_32BIT: Final = 0x8000_0000


def stack_top(user_end: int) -> int:
    """One page stays free at the very top, as on Linux."""
    return user_end - PAGE_SIZE


def mmap_base(user_end: int, stack_limit: int) -> int:
    """Where top-down placement begins: below the room the stack may grow into."""
    gap = min(max(stack_limit + STACK_GUARD_GAP, MIN_STACK_GAP), user_end // 6 * 5)
    return (stack_top(user_end) - gap) & ~PAGE_MASK


def pie_base(user_end: int) -> int:
    """ELF_ET_DYN_BASE."""
    return PIE_BASE if user_end >= 0x7000_0000_0000 else (user_end // 3 * 2) & ~PAGE_MASK


def choose(mm: "Mm", hint: int, length: int, flags: int) -> int:
    """The address of a new mapping of `length` bytes (a multiple of the page size, > 0).

    Errors: LinuxError(EINVAL: misaligned MAP_FIXED; ENOMEM: no room or outside user space; EPERM: below MIN_ADDR;
    EEXIST: MAP_FIXED_NOREPLACE over something)."""
    if length > mm.user_end:
        raise LinuxError(ENOMEM)
    if flags & (MAP_FIXED | MAP_FIXED_NOREPLACE):
        return _check_fixed(mm, hint, length, bool(flags & MAP_FIXED_NOREPLACE))
    if flags & MAP_32BIT:
        # Linux goes bottom-up there; the hint counts only if it lies in the range.
        start = mm.areas.find_gap_above(length, LOW_32BIT, HIGH_32BIT)
        if start < 0 or _is_reserved(mm, start, start + length):
            raise LinuxError(ENOMEM)
        return start
    if hint:
        hint = (hint + PAGE_MASK) & ~PAGE_MASK
        if MIN_ADDR <= hint <= mm.user_end - length and is_free(mm, hint, hint + length):
            return hint
    start = _find_below(mm, length)
    if start < 0:
        # Bottom-up as the last resort, from a third of the address space.
        start = mm.areas.find_gap_above(length, (mm.user_end // 3) & ~PAGE_MASK, mm.stack_top)
        if start < 0 or _is_reserved(mm, start, start + length):
            raise LinuxError(ENOMEM)
    return start


def is_free(mm: "Mm", start: int, end: int) -> bool:
    """Nothing there, no stack right above, and not reserved."""
    index = mm.areas.index_from(start)
    if index < len(mm.vmas):
        vma = mm.vmas[index]
        if vma.start - (STACK_GUARD_GAP if vma.is_stack() else 0) < end:
            return False
    return not _is_reserved(mm, start, end)


def _check_fixed(mm: "Mm", addr: int, length: int, is_noreplace: bool) -> int:
    if addr & PAGE_MASK:
        raise LinuxError(EINVAL)
    if addr > mm.user_end - length:
        raise LinuxError(ENOMEM)
    if addr < MIN_ADDR:
        raise LinuxError(EPERM, "below mmap_min_addr")
    if is_noreplace and mm.areas.has_overlap(addr, addr + length):
        raise LinuxError(EEXIST)
    if _is_reserved(mm, addr, addr + length):
        raise LinuxError(EEXIST if is_noreplace else ENOMEM, "reserved by the machine")
    return addr


def _find_below(mm: "Mm", length: int) -> int:
    high = mm.areas.top
    while True:
        start = mm.areas.find_gap_below(length, MIN_ADDR, high)
        if start < 0 or not mm.reserved:
            return start
        obstacle = _reserved_over(mm, start, start + length)
        if obstacle < 0:
            return start
        high = obstacle


def _reserved_over(mm: "Mm", start: int, end: int) -> int:
    """Start of the lowest reserved range that overlaps; −1 none."""
    for low, high in mm.reserved:
        if low < end and start < high:
            return low
    return -1


def _is_reserved(mm: "Mm", start: int, end: int) -> bool:
    return bool(mm.reserved) and _reserved_over(mm, start, end) >= 0
