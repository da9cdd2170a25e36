# SPDX-License-Identifier: MPL-2.0
"""remap_file_pages(2): another part of the file at an address, emulated by mappings as Linux has done since 4.0 (mm/mmap.c)."""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EINVAL
from cruck.abi.mman import MAP_FIXED, MAP_LOCKED, MAP_NONBLOCK, MAP_POPULATE, MAP_SHARED
from cruck.framework.hardware import PAGE_MASK, PAGE_SIZE
from cruck.kernel.errors import LinuxError
from cruck.kernel.memory import map_memory

if TYPE_CHECKING:
    from cruck.kernel.memory.mm import Mm

MAX_PAGES: Final = 1 << 51


def remap_file_pages(mm: "Mm", start: int, size: int, prot: int, page_offset: int, flags: int) -> None:
    """Errors: LinuxError(EINVAL: prot, no shared mapping of one file that can be written to throughout, overflow; ENOMEM)."""
    start &= ~PAGE_MASK
    size &= ~PAGE_MASK
    if prot or size <= 0 or start + size > mm.user_end or page_offset + size // PAGE_SIZE > MAX_PAGES:
        raise LinuxError(EINVAL)
    vma = mm.find(start)
    if vma is None or not vma.is_shared() or vma.mapping is None or vma.file is not None and not vma.file.is_writable():
        raise LinuxError(EINVAL)
    position = start
    for part in mm.areas.overlapping(start, start + size):
        if part.start > position or part.mapping is not vma.mapping or part.prot != vma.prot or part.flags != vma.flags:
            raise LinuxError(EINVAL)
        position = part.end
    if position < start + size:
        raise LinuxError(EINVAL)
    wanted = MAP_SHARED | MAP_FIXED | MAP_POPULATE | flags & MAP_NONBLOCK | vma.flags & MAP_LOCKED
    if vma.file is not None:
        file = vma.file.get()
        try:
            map_memory.mmap(mm, start, size, vma.prot, wanted, file, page_offset * PAGE_SIZE)
        finally:
            file.put()
    else:
        map_memory.mmap_object(mm, start, size, vma.prot, wanted, vma.mapping, page_offset * PAGE_SIZE, vma.name)
