# SPDX-License-Identifier: MPL-2.0
"""fork: a copy of an address space. Private areas become copy-on-write on both sides, shared ones show the same pages.

Source: kernel/fork.c dup_mmap() (which areas are skipped or wiped, which flags are dropped).
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import ENOMEM
from cruck.abi.mman import MAP_LOCKED, PROT_WRITE
from cruck.framework.hardware import PAGE_MASK, PTE_COW
from cruck.kernel.errors import LinuxError
from cruck.kernel.memory.vma import VM_DONTCOPY, VM_LOCKONFAULT, VM_WIPEONFORK, Vma, hw_prot

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.memory.mm import Mm

# Neighbouring areas of one kind are cloned by one order; gaps up to this size (bytes) do not end a run.
MAX_GAP: Final = 1 << 20


def fork(parent: "Mm", kernel: "Kernel") -> "Mm":
    """The child's memory, one reference. Errors: LinuxError(ENOMEM, EAGAIN), then nothing of the child is left."""
    from cruck.kernel.memory.mm import Mm

    child = Mm(kernel)
    _copy_numbers(parent, child)
    cloned: list[Vma] = []
    for vma in parent.vmas:
        if vma.flags & VM_DONTCOPY:
            continue
        copy = vma.copy(child)
        copy.flags &= ~(MAP_LOCKED | VM_LOCKONFAULT)
        child.attach(copy)
        if not vma.flags & VM_WIPEONFORK:
            cloned.append(vma)
    if not _clone_pages(parent, child, cloned):
        child.put()
        raise LinuxError(ENOMEM, "page tables of a fork")
    return child


def _copy_numbers(parent: "Mm", child: "Mm") -> None:
    child.rlimits = parent.rlimits
    child.areas.set_top(parent.areas.top)
    child.stack_top = parent.stack_top
    child.set_exe(parent.exe)
    child.auxv = parent.auxv
    child.start_code, child.end_code = parent.start_code, parent.end_code
    child.start_data, child.end_data = parent.start_data, parent.end_data
    child.start_brk, child.brk = parent.start_brk, parent.brk
    child.start_stack = parent.start_stack
    child.arg_start, child.arg_end = parent.arg_start, parent.arg_end
    child.env_start, child.env_end = parent.env_start, parent.env_end
    child.vdso_base = parent.vdso_base
    child.membarrier_commands = parent.membarrier_commands


def _clone_pages(parent: "Mm", child: "Mm", vmas: list[Vma]) -> bool:
    index = 0
    while index < len(vmas):
        first = vmas[index]
        is_shared = first.is_shared()
        end = first.end
        index += 1
        while index < len(vmas) and vmas[index].is_shared() == is_shared and vmas[index].start - end <= MAX_GAP:
            if vmas[index].start > end and parent.areas.has_overlap(end, vmas[index].start):
                break  # an area that is not cloned lies between
            end = vmas[index].end
            index += 1
        if child.space.clone_range(parent.space, first.start, end - first.start, is_shared) < 0:
            return False
    return True


def warm(parent: "Mm", child: "Mm", code: int, stack: int, tls: int) -> None:
    """Right after fork(): both sides will write their stack and, if there is one, the thread's block at once, and run on from `code`. What is done
    for that now rides on orders that are sent anyhow; each is a fault less (20 µs). Only speed: whatever fails is left to the fault."""
    for addr in (stack, tls):
        page = addr & ~PAGE_MASK
        vma = parent.areas.find(page) if addr else None
        if vma is None or vma.is_shared() or not vma.prot & PROT_WRITE or not child.space.lookup(page) & PTE_COW:
            continue
        prot = hw_prot(vma.prot)
        if child.space.break_cow(page, prot) == 0:
            parent.space.break_cow(page, prot)
        child.space.touch(page)
    child.space.touch(code)
