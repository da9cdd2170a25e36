# SPDX-License-Identifier: MPL-2.0
"""mprotect on an `Mm`. Unlike Linux, which changes areas up to the first that refuses, everything is checked first.

Source: mm/mprotect.c do_mprotect_pkey(); mprotect(2).
"""

from typing import TYPE_CHECKING

from cruck.abi.errno import EACCES, EINVAL, ENOMEM
from cruck.abi.mman import MAP_NORESERVE, PROT_EXEC, PROT_GROWSDOWN, PROT_GROWSUP, PROT_READ, PROT_SEM, PROT_WRITE
from cruck.framework.hardware import PAGE_MASK, PAGE_SIZE
from cruck.kernel.errors import LinuxError
from cruck.kernel.memory.fault import check_map
from cruck.kernel.memory.vma import VM_MAYEXEC, VM_MAYREAD, VM_MAYWRITE, Vma, hw_prot

if TYPE_CHECKING:
    from cruck.kernel.memory.mm import Mm


def mprotect(mm: "Mm", addr: int, length: int, prot: int) -> None:
    """Errors: LinuxError(EINVAL, ENOMEM: a hole, too many areas or a limit; EACCES: the file does not allow it)."""
    grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP)
    prot &= ~(PROT_GROWSDOWN | PROT_GROWSUP)
    if grows == PROT_GROWSDOWN | PROT_GROWSUP or addr & PAGE_MASK:
        raise LinuxError(EINVAL)
    if length == 0:
        return
    length = (length + PAGE_MASK) & ~PAGE_MASK
    end = addr + length
    if length <= 0 or end > 1 << 64:
        raise LinuxError(ENOMEM)
    if prot & ~(PROT_READ | PROT_WRITE | PROT_EXEC | PROT_SEM):
        raise LinuxError(EINVAL)
    if end > mm.user_end:
        raise LinuxError(ENOMEM)
    prot &= PROT_READ | PROT_WRITE | PROT_EXEC
    start = addr
    if grows:
        vma = mm.areas.find(addr)
        if vma is None:
            raise LinuxError(ENOMEM)
        if grows == PROT_GROWSUP or not vma.is_stack():
            raise LinuxError(EINVAL)
        start = vma.start
    vmas = covering(mm, start, end)
    _check(mm, vmas, start, end, prot)
    mm.check_split_room(start, end)
    # The machine first: it can fail (its page tables), and then nothing has happened to the areas.
    check_map(mm, mm.space.protect(start, end - start, hw_prot(prot)))
    for vma in mm.isolate(start, end):
        mm.account(vma, -vma.nr_pages())
        vma.prot = prot
        mm.account(vma, vma.nr_pages())
    mm.merge(start, end)


def covering(mm: "Mm", start: int, end: int) -> list[Vma]:
    """The areas that make up [start, end). Errors: LinuxError(ENOMEM) if there is a hole."""
    vmas = mm.areas.overlapping(start, end)
    position = start
    for vma in vmas:
        if vma.start > position:
            raise LinuxError(ENOMEM, "hole")
        position = vma.end
    if position < end:
        raise LinuxError(ENOMEM, "hole")
    return vmas


def _check(mm: "Mm", vmas: list[Vma], start: int, end: int, prot: int) -> None:
    new_data = 0
    for vma in vmas:
        if (
            (prot & PROT_READ and not vma.flags & VM_MAYREAD)
            or (prot & PROT_WRITE and not vma.flags & VM_MAYWRITE)
            or (prot & PROT_EXEC and not vma.flags & VM_MAYEXEC)
        ):
            raise LinuxError(EACCES)
        if prot & PROT_WRITE and not vma.prot & PROT_WRITE and not vma.is_shared() and not vma.is_stack():
            nr_pages = (min(vma.end, end) - max(vma.start, start)) // PAGE_SIZE
            new_data += nr_pages
            if not vma.flags & MAP_NORESERVE and vma.is_anonymous() and mm.is_obvious_overcommit(nr_pages):
                raise LinuxError(ENOMEM, "more than all RAM")
    if new_data and (mm.data_pages + new_data) * PAGE_SIZE > mm.data_limit():
        raise LinuxError(ENOMEM, "RLIMIT_DATA")
