# SPDX-License-Identifier: MPL-2.0
"""HostMapping: pages of a host file as mmap sees them: the host's own page cache.

Where the host refuses (a noexec mount, a file system without mmap) private mappings and read-only shared ones show a
copy in guest RAM, made page by page at the first fault; such a copy does not follow later changes of the file.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EACCES, EINVAL, EIO, ENODEV, EPERM
from cruck.framework.hardware import PROT_WRITE, AddressSpace, Segment
from cruck.framework.io.host_tree_file import HostTreeFile
from cruck.kernel.vfs.mapping import Mapping

if TYPE_CHECKING:
    from cruck.kernel.fs.hostfs.inode import HostInode

_REFUSALS: Final = (-EPERM, -EACCES, -ENODEV, -EINVAL)


class HostMapping(Mapping):
    node: "HostInode"
    copy: Segment | None  # the fallback's pages

    def __init__(self, node: "HostInode") -> None:
        super().__init__()
        self.node = node
        self.copy = None

    def length(self) -> int:
        return self.node.size()

    def around_pages(self) -> int:
        # Pages of the host's cache cost no RAM of ours; copies do.
        return 512 if self.copy is None else 16

    def map_pages(self, space: AddressSpace, addr: int, length: int, offset: int, prot: int, private: bool) -> int:
        if self.copy is not None and (private or not prot & PROT_WRITE):
            return self._map_copy(space, addr, length, offset, prot, private)
        host = self._host_file(not private)
        if isinstance(host, int):
            return host
        result = space.map_host(addr, length, host, offset, prot, not private)
        if result in _REFUSALS and (private or not prot & PROT_WRITE):
            return self._map_copy(space, addr, length, offset, prot, private)
        return result

    def sync(self, offset: int, length: int) -> int:
        writer = self.node.writer
        return writer.fsync(True) if writer is not None else 0

    def _host_file(self, shared: bool) -> HostTreeFile | int:
        # A shared mapping may become writable by mprotect: it needs the writable descriptor from the start.
        node = self.node
        if node.writer is not None and node.is_writer_readable and (shared or node.is_gone):
            return node.writer
        return node.host_fs.open_reader(node)

    def _map_copy(self, space: AddressSpace, addr: int, length: int, offset: int, prot: int, private: bool) -> int:
        if self.copy is None:
            self.copy = self.node.host_fs.kernel.machine.new_segment()
        segment = self.copy
        end = min(offset + length, (self.length() + 4095) & ~4095)
        position = offset
        while position < end:
            hole = segment.next_hole(position)
            if hole < 0 or hole >= end:
                break
            data = segment.next_data(hole)
            stop = end if data < 0 else min(data, end)
            host = self._host_file(False)
            if isinstance(host, int):
                return host
            count = segment.read_host(hole, host, hole, min(stop - hole, 1 << 20))
            if count < 0:
                return count
            if count == 0:
                return -EIO
            position = (hole + count + 4095) & ~4095
        return space.map_segment(addr, length, segment, offset, prot, private)
