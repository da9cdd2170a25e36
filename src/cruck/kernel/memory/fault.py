# SPDX-License-Identifier: MPL-2.0
"""Page faults: which page an address should have, and bringing it in together with its neighbours.

Some facts. A fault of a guest costs a stop, a Python handler and a host mmap: about 40 µs, whatever the number of pages. So a fault
populates a *window*: 16 pages, aligned, at first; when the next fault falls right behind (or before) the last window, twice as many,
up to 512. Frames are real memory, so the window shrinks when few are free. Copy-on-write faults copy four pages, aligned, and up to 16
when they come in sequence. Files whose pages cost no frame say so (`Mapping.around_pages`).

A growing stack is an area like others, extended here down to RLIMIT_STACK; between it and the area below a guard gap stays free.

Sources: mm/memory.c handle_mm_fault(), mm/mmap.c expand_downwards(), arch/x86/mm/fault.c (which signal).
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import ENOMEM, ESRCH
from cruck.abi.mman import PROT_EXEC, PROT_READ, PROT_WRITE
from cruck.abi.resource import RLIMIT_MEMLOCK, RLIMIT_STACK
from cruck.abi.signal import BUS_ADRERR, SEGV_ACCERR, SEGV_MAPERR, SIGBUS, SIGSEGV
from cruck.framework.hardware import PAGE_MASK, PAGE_SIZE, PTE_COW, PTE_HOST
from cruck.kernel.errors import LinuxError
from cruck.kernel.memory.vma import VM_LOCKONFAULT, VM_RANDOM, Vma, hw_prot
from cruck.kernel.memory.vma_list import STACK_GUARD_GAP

if TYPE_CHECKING:
    from cruck.kernel.memory.mm import Mm

FIRST_PAGES: Final = 16
MAX_PAGES: Final = 512
FIRST_COW_PAGES: Final = 4
MAX_COW_PAGES: Final = 16


RESOLVED: Final = (0, 0)
NO_AREA: Final = (SIGSEGV, SEGV_MAPERR)
NO_PERMISSION: Final = (SIGSEGV, SEGV_ACCERR)
BEYOND_FILE: Final = (SIGBUS, BUS_ADRERR)


def resolve_fault(mm: "Mm", addr: int, access: int) -> bool:
    """For the kernel's own accesses: may it be tried again? Never leads to an endless loop: an access that fails although the
    page is there (a host file that became shorter) is refused the second time."""
    page = addr & ~PAGE_MASK
    entry = mm.space.lookup(page) if 0 <= addr < mm.user_end else 0
    if entry & access:
        if entry & PTE_HOST or mm.spurious_addr == page:
            mm.spurious_addr = -1
            return False
        mm.spurious_addr = page
        return True
    mm.spurious_addr = -1
    try:
        return handle_fault(mm, addr, access)[0] == 0
    except LinuxError:
        return False


def handle_fault(mm: "Mm", addr: int, access: int) -> tuple[int, int]:
    """(0, 0): the page is there now; else (signo, si_code). Errors: LinuxError(ENOMEM), RAM is exhausted."""
    if not 0 <= addr < mm.user_end:
        return NO_AREA
    page = addr & ~PAGE_MASK
    vma = mm.areas.find(page)
    if vma is None:
        vma = _expand_stack(mm, page)
        if vma is None:
            return NO_AREA
    prot = hw_prot(vma.prot)
    if not prot & access:
        return NO_PERMISSION
    entry = mm.space.lookup(page)
    if entry:
        return _fault_present(mm, vma, page, access, entry, prot)
    if vma.mapping is None:
        return _fault_anonymous(mm, vma, page, prot)
    return _fault_file(mm, vma, page, access, prot)


def populate(mm: "Mm", start: int, end: int, access: int) -> tuple[int, int]:
    """Brings in every page of [start, end), all within areas: MAP_POPULATE, mlock, MADV_POPULATE_*.

    Args: access: PROT_READ or PROT_WRITE (breaks copy-on-write). Returns: as handle_fault(), of the first that failed.
    Errors: LinuxError(ENOMEM)."""
    for vma in mm.areas.overlapping(start, end):
        low, high = max(start, vma.start), min(end, vma.end)
        prot = hw_prot(vma.prot)
        if not prot & access:
            return NO_PERMISSION
        if vma.mapping is None:
            while low < high:
                chunk = min(high - low, MAX_PAGES * PAGE_SIZE)
                check_map(mm, mm.space.map_anon(low, chunk, prot))
                if access == PROT_WRITE:
                    _break_all(mm, low, low + chunk, prot)
                low += chunk
            continue
        while low < high:
            if not mm.space.lookup(low) & access:
                outcome = handle_fault(mm, low, access)
                if outcome[0]:
                    return outcome
            low += PAGE_SIZE
    return RESOLVED


def prefault(mm: "Mm", addr: int) -> None:
    """Brings in the first window of an area that is certain to be used at once: an order to the machine costs a fraction of a
    fault. Never fails."""
    try:
        handle_fault(mm, addr, PROT_READ)
    except LinuxError:
        mm.is_oom = False


def check_map(mm: "Mm", result: int) -> None:
    """Errors: LinuxError(ENOMEM) for −ENOMEM; a dead address space (−ESRCH) is reported by its own stop."""
    if result == -ENOMEM:
        mm.is_oom = True
        raise LinuxError(ENOMEM, "no free frame")


def _fault_present(mm: "Mm", vma: Vma, page: int, access: int, entry: int, prot: int) -> tuple[int, int]:
    if entry & access:
        return RESOLVED  # another thread was faster, or the machine lost its host mapping
    if access == PROT_WRITE and entry & PTE_COW:
        return _break_cow(mm, vma, page, prot)
    check_map(mm, mm.space.protect(page, PAGE_SIZE, prot))
    return RESOLVED


def _fault_anonymous(mm: "Mm", vma: Vma, page: int, prot: int) -> tuple[int, int]:
    _choose_window(mm, vma, page, FIRST_PAGES)
    start, end = vma.fault_start, vma.fault_end
    result = mm.space.map_anon(start, end - start, prot)
    if result == -ENOMEM and end - start > PAGE_SIZE:
        result = mm.space.map_anon(page, PAGE_SIZE, prot)
    check_map(mm, result)
    return RESOLVED


def _fault_file(mm: "Mm", vma: Vma, page: int, access: int, prot: int) -> tuple[int, int]:
    mapping = vma.mapping
    assert mapping is not None
    file_end = (mapping.length() + PAGE_MASK) & ~PAGE_MASK
    if vma.offset_at(page) >= file_end:
        return BEYOND_FILE
    _choose_window(mm, vma, page, mapping.around_pages())
    start = vma.fault_start
    end = min(vma.fault_end, vma.start + (file_end - vma.offset))
    is_private = not vma.is_shared()
    result = mapping.map_pages(mm.space, start, end - start, vma.offset_at(start), prot, is_private)
    if result < 0 and end - start > PAGE_SIZE:
        result = mapping.map_pages(mm.space, page, PAGE_SIZE, vma.offset_at(page), prot, is_private)
    check_map(mm, result)
    entry = mm.space.lookup(page)
    if result < 0 or not entry:
        return BEYOND_FILE  # an I/O error is SIGBUS too
    if access == PROT_WRITE and entry & PTE_COW:
        return _break_cow(mm, vma, page, prot)
    return RESOLVED


def _choose_window(mm: "Mm", vma: Vma, page: int, first_pages: int) -> None:
    """Sets vma.fault_start and fault_end around `page`, within the area."""
    nr_pages = first_pages
    if vma.flags & (VM_RANDOM | VM_LOCKONFAULT):
        nr_pages = 1
    elif page == vma.fault_end or page + PAGE_SIZE == vma.fault_start:
        nr_pages = max(first_pages, min(vma.fault_pages * 2, MAX_PAGES))
    free = mm.machine.nr_free_frames()
    if nr_pages * 8 > free:
        nr_pages = max(1, free // 8)
    if page + PAGE_SIZE == vma.fault_start:
        end = page + PAGE_SIZE
        start = end - nr_pages * PAGE_SIZE
    elif page == vma.fault_end or nr_pages & (nr_pages - 1):
        start = page
        end = start + nr_pages * PAGE_SIZE
    else:
        start = page & -(nr_pages * PAGE_SIZE)
        end = start + nr_pages * PAGE_SIZE
    vma.fault_pages = nr_pages
    vma.fault_start = max(start, vma.start)
    vma.fault_end = min(end, vma.end)


def _break_cow(mm: "Mm", vma: Vma, page: int, prot: int) -> tuple[int, int]:
    """BEYOND_FILE: of a host file that has become shorter meanwhile."""
    space = mm.space
    result = space.break_cow(page, prot)
    if result < 0:
        check_map(mm, result)
        if result != -ESRCH:
            return BEYOND_FILE
    nr_pages = FIRST_COW_PAGES
    if page == vma.cow_next:
        nr_pages = min(vma.cow_pages * 2, MAX_COW_PAGES)
    if mm.machine.nr_free_frames() < 8 * MAX_COW_PAGES:
        nr_pages = 1
    start = page & -(FIRST_COW_PAGES * PAGE_SIZE) if nr_pages == FIRST_COW_PAGES else page
    addr = max(start, vma.start)
    end = min(start + nr_pages * PAGE_SIZE, vma.end)
    while addr < end:
        if addr != page and space.lookup(addr) & PTE_COW and space.break_cow(addr, prot) < 0:
            break
        addr += PAGE_SIZE
    vma.cow_next = addr
    vma.cow_pages = nr_pages
    return RESOLVED


def _break_all(mm: "Mm", start: int, end: int, prot: int) -> None:
    space = mm.space
    while start < end:
        if space.lookup(start) & PTE_COW:
            check_map(mm, space.break_cow(start, prot))
        start += PAGE_SIZE


def _expand_stack(mm: "Mm", page: int) -> Vma | None:
    """Extends a stack that begins above `page` down to it; None: there is none, or it may not grow so far."""
    index = mm.areas.index_from(page)
    if index >= len(mm.vmas):
        return None
    vma = mm.vmas[index]
    if not vma.is_stack():
        return None
    limit = mm.limit(RLIMIT_STACK)
    floor = 0
    if index > 0:
        below = mm.vmas[index - 1]
        floor = below.end
        if not below.is_stack() and below.prot & (PROT_READ | PROT_WRITE | PROT_EXEC):
            floor += STACK_GUARD_GAP
    # A few pages more than asked for, so that a stack that grows slowly does not fault for each page.
    start = page & -(FIRST_PAGES * PAGE_SIZE)
    if start < floor or vma.end - start > limit:
        start = page
    nr_pages = (vma.start - start) // PAGE_SIZE
    if start < floor or vma.end - start > limit or not mm.may_expand(nr_pages, False):
        return None
    if vma.is_locked() and (mm.locked_pages + nr_pages) * PAGE_SIZE > mm.limit(RLIMIT_MEMLOCK):
        return None
    mm.account(vma, nr_pages)
    mm.areas.set_start(vma, start)
    return vma
