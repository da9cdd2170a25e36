# SPDX-License-Identifier: MPL-2.0
"""Vma: one virtual memory area (Linux: vm_area_struct), a range of guest addresses with one permission and one source.

A `Vma` says what a page *should* be; which pages exist is in the machine's page table (`AddressSpace`). `Mm` (mm.py) owns the
areas of an address space and is the only one that changes them; `VmaList` (vma_list.py) keeps them sorted.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.mman import MAP_GROWSDOWN, MAP_LOCKED, MAP_SHARED, PROT_EXEC, PROT_READ, PROT_WRITE
from cruck.framework.hardware import PAGE_MASK, PAGE_SIZE, PTE_HOST, PTE_SEGMENT

if TYPE_CHECKING:
    from cruck.kernel.memory.mm import Mm
    from cruck.kernel.vfs.file import File
    from cruck.kernel.vfs.mapping import Mapping

# Vma.flags: MAP_SHARED, MAP_PRIVATE, MAP_GROWSDOWN, MAP_LOCKED and MAP_NORESERVE as in mmap(2), and these:
VM_MAYREAD: Final = 1 << 32  # what mprotect may turn on
VM_MAYWRITE: Final = 1 << 33
VM_MAYEXEC: Final = 1 << 34
VM_DONTCOPY: Final = 1 << 35  # MADV_DONTFORK
VM_WIPEONFORK: Final = 1 << 36
VM_DONTDUMP: Final = 1 << 37
VM_DONTEXPAND: Final = 1 << 38  # special areas: mremap may not grow them
VM_SEQUENTIAL: Final = 1 << 39  # MADV_SEQUENTIAL, MADV_RANDOM
VM_RANDOM: Final = 1 << 40
VM_HUGEPAGE: Final = 1 << 41
VM_NOHUGEPAGE: Final = 1 << 42
VM_MERGEABLE: Final = 1 << 43
VM_LOCKONFAULT: Final = 1 << 44
VM_SPECIAL: Final = 1 << 45  # vdso, vvar: no madvise(DONTNEED), no locking

VM_MAYALL: Final = VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC


class Vma:
    mm: "Mm"
    start: int  # multiples of the page size; start < end
    end: int
    prot: int  # PROT_READ | PROT_WRITE | PROT_EXEC as the guest asked
    flags: int
    mapping: "Mapping | None"  # None: private anonymous memory
    file: "File | None"  # holds a reference; None for anonymous memory, shared or not
    offset: int  # byte offset in `mapping` of `start`; 0 without one
    name: bytes  # b"[heap]", b"[stack]", b"[vdso]", b"[vvar]" or b""
    policy: tuple[int, int]  # mbind: MPOL_* mode and nodes
    # Fault-around (fault.py): the last populated range, its window, and the same for copy-on-write.
    fault_start: int
    fault_end: int
    fault_pages: int
    cow_next: int
    cow_pages: int

    def __init__(self, mm: "Mm", start: int, end: int, prot: int, flags: int, mapping: "Mapping | None",
                 file: "File | None", offset: int, name: bytes) -> None:  # fmt: skip
        self.mm = mm
        self.start = start
        self.end = end
        self.prot = prot
        self.flags = flags
        self.mapping = mapping
        self.file = file
        self.offset = offset
        self.name = name
        self.policy = (0, 0)
        self.fault_start = self.fault_end = self.cow_next = -1
        self.fault_pages = self.cow_pages = 1

    def copy(self, mm: "Mm") -> "Vma":
        """A twin that is in no list yet; the caller attaches it (which takes the references)."""
        twin = Vma(mm, self.start, self.end, self.prot, self.flags, self.mapping, self.file, self.offset, self.name)
        twin.policy = self.policy
        return twin

    def nr_pages(self) -> int:
        return (self.end - self.start) // PAGE_SIZE

    def is_shared(self) -> bool:
        return bool(self.flags & MAP_SHARED)

    def is_anonymous(self) -> bool:
        """Private anonymous memory."""
        return self.mapping is None

    def is_stack(self) -> bool:
        return bool(self.flags & MAP_GROWSDOWN)

    def is_locked(self) -> bool:
        return bool(self.flags & MAP_LOCKED)

    def is_data(self) -> bool:
        """Does it count for RLIMIT_DATA (private, writable, not a stack)?"""
        return self.flags & (MAP_SHARED | MAP_GROWSDOWN) == 0 and bool(self.prot & PROT_WRITE)

    def hw_prot(self) -> int:
        """Permission of its pages: on x86 what can be written or executed can be read."""
        return hw_prot(self.prot)

    def offset_at(self, addr: int) -> int:
        return self.offset + (addr - self.start)

    def can_merge(self, following: "Vma") -> bool:
        """May `following` become a part of this area?"""
        return (
            self.end == following.start
            and self.prot == following.prot
            and self.flags == following.flags
            and self.mapping is following.mapping
            and self.file is following.file
            and self.name == following.name
            and self.policy == following.policy
            and (self.mapping is None or self.offset + (self.end - self.start) == following.offset)
        )

    def unmap_file_range(self, offset: int, length: int) -> None:
        """The file's bytes [offset, offset+length) are gone (truncate, hole punch): takes their pages away.

        A partial first page keeps its place, a partial last one goes (the next touch brings it back). In a private area,
        pages already copied stay if the file still reaches there (a hole punch), as Linux does.
        """
        mapping = self.mapping
        assert mapping is not None
        low = max(self.offset, (offset + PAGE_MASK) & ~PAGE_MASK)
        high = min(self.offset + (self.end - self.start), (offset + length + PAGE_MASK) & ~PAGE_MASK)
        if low >= high:
            return
        delta = self.start - self.offset
        space = self.mm.space
        if not self.is_shared():
            kept_end = min(high, (mapping.length() + PAGE_MASK) & ~PAGE_MASK)
            if kept_end > low:
                _unmap_uncopied(self.mm, low + delta, kept_end + delta)
                low = kept_end
        if low < high:
            space.unmap(low + delta, high - low)


def hw_prot(prot: int) -> int:
    prot &= PROT_READ | PROT_WRITE | PROT_EXEC
    return prot | PROT_READ if prot else 0


def _unmap_uncopied(mm: "Mm", start: int, end: int) -> None:
    """Takes away the pages of [start, end) that still show the file."""
    space = mm.space
    present = space.resident(start, end - start)
    index = present.find(1)
    while index >= 0:
        addr = start + index * PAGE_SIZE
        if space.lookup(addr) & (PTE_HOST | PTE_SEGMENT):
            space.unmap(addr, PAGE_SIZE)
        index = present.find(1, index + 1)
