# SPDX-License-Identifier: MPL-2.0
"""Mapping: the pages of a file as mmap sees them (Linux: struct address_space).

The memory service asks it for pages at a fault and registers the regions that map it, so that truncate can take
pages away. Each inode that can be mapped has one.
"""

from typing import TYPE_CHECKING

from cruck.abi.errno import EOPNOTSUPP
from cruck.framework.hardware import AddressSpace

if TYPE_CHECKING:
    from cruck.kernel.memory.vma import Vma


class Mapping:
    regions: "dict[Vma, None]"  # every VMA that maps this; kept by the memory service

    def __init__(self) -> None:
        self.regions = {}

    def length(self) -> int:
        """Bytes. A fault in a page wholly beyond it is SIGBUS."""
        raise NotImplementedError

    def map_pages(self, space: AddressSpace, addr: int, length: int, offset: int, prot: int, private: bool) -> int:
        """Makes absent pages of [addr, addr+length) show the file at `offset` (all multiples of 4096, inside the file's
        last page). private: copy-on-write. 0 or −errno (−ENOMEM, −EIO)."""
        raise NotImplementedError

    def around_pages(self) -> int:
        """Pages a first fault may bring in. Sources whose pages cost no RAM (host files) answer more."""
        return 16

    def forbids_shared_writes(self) -> bool:
        """A memfd sealed with F_SEAL_WRITE: mmap(PROT_WRITE, MAP_SHARED) is EPERM."""
        return False

    def cached(self, offset: int, length: int) -> list[tuple[int, int]]:
        """For mincore: ranges of whole pages of [offset, offset+length) that are in memory, mapped or not; of a host's file we do
        not know."""
        return []

    def discard(self, offset: int, length: int) -> int:
        """madvise(MADV_REMOVE) of memory without a file: 0 or −errno."""
        return -EOPNOTSUPP

    def sync(self, offset: int, length: int) -> int:
        """msync(MS_SYNC): 0 or −errno."""
        return 0

    def unmap_pages(self, offset: int, length: int) -> None:
        """Takes the file's pages out of every address space that maps them (truncate, hole punch)."""
        for vma in list(self.regions):
            vma.unmap_file_range(offset, length)
