# SPDX-License-Identifier: MPL-2.0
"""AnonSharedMapping: the memory behind mmap(MAP_SHARED | MAP_ANONYMOUS), shared over fork."""

from cruck.framework.hardware import AddressSpace, Machine, Segment
from cruck.kernel.vfs.mapping import Mapping


class AnonSharedMapping(Mapping):
    """Lives as long as an area maps it. Its size is fixed: mremap beyond it is SIGBUS, as on Linux."""

    segment: Segment
    size: int  # bytes

    def __init__(self, machine: Machine, size: int) -> None:
        super().__init__()
        self.segment = machine.new_segment()
        self.size = size

    def length(self) -> int:
        return self.size

    def map_pages(self, space: AddressSpace, addr: int, length: int, offset: int, prot: int, private: bool) -> int:
        return space.map_segment(addr, length, self.segment, offset, prot, private)

    def discard(self, offset: int, length: int) -> int:
        self.segment.discard(offset, length)
        self.unmap_pages(offset, length)
        return 0
