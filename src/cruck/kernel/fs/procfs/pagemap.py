# SPDX-License-Identifier: MPL-2.0
"""/proc/[pid]/pagemap: 8 bytes a page (Documentation/admin-guide/mm/pagemap.rst). Frame numbers are never told: 0, as Linux answers
who may not know them."""

import struct
from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EINVAL
from cruck.framework.hardware import PTE_COW, PTE_HOST, PTE_SEGMENT
from cruck.framework.mm.user_memory import VmWriter
from cruck.kernel.vfs.file import File
from cruck.kernel.vfs.inode import Inode

if TYPE_CHECKING:
    from cruck.kernel.memory.mm import Mm

ENTRY_BYTES: Final = 8
PAGE_SIZE: Final = 4096
MAX_PAGES: Final = 4096  # of one look at the page table
PRESENT: Final = 1 << 63
FILE_OR_SHARED: Final = 1 << 61
EXCLUSIVE: Final = 1 << 56


class PagemapFile(File):
    def __init__(self, node: Inode, mm: "Mm", flags: int) -> None:
        super().__init__(flags)
        self.is_seekable = True
        self.node = node
        self.mm = mm  # the memory it had when opened; dead after its end

    def inode(self) -> Inode | None:
        return self.node

    def read(self, out: VmWriter, offset: int) -> int:
        """Whole entries up to the end of user space. −EINVAL: a position or size that is no multiple of 8."""
        if offset % ENTRY_BYTES or out.remaining % ENTRY_BYTES:
            return -EINVAL
        done = 0
        nr_all = self.mm.user_end // PAGE_SIZE
        while out.remaining and not self.mm.space.is_dead():
            first = (offset + done) // ENTRY_BYTES
            count = min(out.remaining // ENTRY_BYTES, MAX_PAGES, nr_all - first)
            if count <= 0:
                break
            data = entries(self.mm, first * PAGE_SIZE, count)
            written = out.write(data)
            done += written
            if written < len(data):
                break
        return done

    def lseek(self, offset: int, whence: int) -> int:
        if whence == 1:
            offset += self.pos
        elif whence != 0:
            return -EINVAL
        if offset < 0:
            return -EINVAL
        self.pos = offset
        return offset


def entries(mm: "Mm", addr: int, count: int) -> bytes:
    values = [0] * count
    present = mm.space.resident(addr, count * PAGE_SIZE)
    index = present.find(1)
    while index >= 0:
        entry = mm.space.lookup(addr + index * PAGE_SIZE)
        value = PRESENT
        if entry & (PTE_HOST | PTE_SEGMENT):
            value |= FILE_OR_SHARED
        elif not entry & PTE_COW:
            value |= EXCLUSIVE
        values[index] = value
        index = present.find(1, index + 1)
    return struct.pack(f"<{count}Q", *values)
