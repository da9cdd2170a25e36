# SPDX-License-Identifier: MPL-2.0
"""Regular files of tmpfs: bytes in untyped memory.

`SegmentMapping` is the pages of a file (size and segment; what mmap shares), `TmpRegular` the inode, `TmpFile` an open
file. Pages are charged to the file system when an operation has made them, so its size limit holds for writes exactly and
for pages made by a fault by refusing the fault.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EFBIG, EINVAL, ENOMEM, ENOSPC, ENXIO, EOPNOTSUPP, EPERM
from cruck.abi.fcntl import (
    F_SEAL_FUTURE_WRITE,
    F_SEAL_GROW,
    F_SEAL_SHRINK,
    F_SEAL_WRITE,
    FALLOC_FL_KEEP_SIZE,
    FALLOC_FL_PUNCH_HOLE,
    FALLOC_FL_ZERO_RANGE,
    O_APPEND,
    O_NOATIME,
    SEEK_CUR,
    SEEK_DATA,
    SEEK_END,
    SEEK_HOLE,
    SEEK_SET,
)
from cruck.framework.hardware import PAGE_MASK, PAGE_SIZE, AddressSpace, Segment
from cruck.framework.mm.user_memory import VmReader, VmWriter
from cruck.kernel.errors import LinuxError
from cruck.kernel.fs.tmpfs.node import TmpInode
from cruck.kernel.memory.vma import VM_MAYWRITE
from cruck.kernel.vfs.file import File
from cruck.kernel.vfs.mapping import Mapping

if TYPE_CHECKING:
    from cruck.kernel.fs.tmpfs.fs_type import TmpFs
    from cruck.kernel.vfs.dentry import Path

MAX_FILE_BYTES: Final = 1 << 47  # what a segment can hold; a page's multiple
MS_NOATIME: Final = 1024
MS_STRICTATIME: Final = 1 << 24
DAY_NS: Final = 86_400_000_000_000
ZEROS: Final = bytes(65536)


class SegmentMapping(Mapping):
    """A file's pages that live in a segment. General: overlays and shared memory may use it too."""

    segment: Segment
    size: int  # bytes of the file
    was_mapped: bool  # pages have been shown to a guest: bytes after the end may have been written to
    fs: "TmpFs | None"  # whose limit counts the pages
    charged_pages: int
    is_write_sealed: bool  # F_SEAL_WRITE or F_SEAL_FUTURE_WRITE

    def __init__(self, segment: Segment, size: int, fs: "TmpFs | None") -> None:
        super().__init__()
        self.is_write_sealed = False
        self.segment = segment
        self.size = size
        self.was_mapped = False
        self.fs = fs
        self.charged_pages = 0

    def length(self) -> int:
        return self.size

    def forbids_shared_writes(self) -> bool:
        return self.is_write_sealed

    def map_pages(self, space: AddressSpace, addr: int, length: int, offset: int, prot: int, private: bool) -> int:
        fs = self.fs
        if fs is not None:
            left = fs.pages_left()
            if length // PAGE_SIZE > left and self.nr_holes(offset, length, left) > left:
                return -ENOSPC
        self.was_mapped = True
        result = space.map_segment(addr, length, self.segment, offset, prot, private)
        self.charge()
        return result

    def nr_holes(self, offset: int, length: int, limit: int) -> int:
        """Pages of the range that are not there yet; stops counting above `limit`."""
        count = 0
        end = offset + length
        while offset < end:
            hole = self.segment.next_hole(offset)
            if hole >= end:
                break
            data = self.segment.next_data(hole)
            if data < 0 or data > end:
                data = end
            count += (data - hole + PAGE_MASK) // PAGE_SIZE
            if count > limit:
                break
            offset = data
        return count

    def cached(self, offset: int, length: int) -> list[tuple[int, int]]:
        ranges: list[tuple[int, int]] = []
        end = offset + length
        while offset < end:
            data = self.segment.next_data(offset)
            if data < 0 or data >= end:
                break
            hole = min(end, self.segment.next_hole(data))
            ranges.append((data & ~PAGE_MASK, (hole + PAGE_MASK) & ~PAGE_MASK))
            offset = hole
        return ranges

    def charge(self) -> None:
        """Tells the file system how many pages the segment has now."""
        fs = self.fs
        if fs is not None:
            now = self.segment.nr_pages()
            fs.nr_pages += now - self.charged_pages
            self.charged_pages = now


class TmpRegular(TmpInode):
    mapping: SegmentMapping
    seals: int  # F_SEAL_*; F_SEAL_SEAL from the start for files that cannot be sealed

    def __init__(self, fs: "TmpFs", ino: int, mode: int, uid: int, gid: int) -> None:
        super().__init__(fs, ino, mode, uid, gid)
        self.mapping = SegmentMapping(fs.machine.new_segment(), 0, fs)
        self.seals = 1

    def size(self) -> int:
        return self.mapping.size

    def blocks(self) -> int:
        self.mapping.charge()
        return self.mapping.charged_pages * 8

    def open(self, path: "Path", flags: int) -> File:
        return TmpFile(flags, self)

    def forget(self) -> None:
        super().forget()
        mapping = self.mapping
        mapping.size = 0
        mapping.segment.discard(0, MAX_FILE_BYTES)
        mapping.charge()

    def truncate(self, length: int) -> None:
        mapping = self.mapping
        old = mapping.size
        if length < 0:
            raise LinuxError(EINVAL)
        if length > MAX_FILE_BYTES:
            raise LinuxError(EFBIG)
        if length <= old:  # Equal too: what fallocate kept after the end goes.
            if length < old and self.seals & F_SEAL_SHRINK:
                raise LinuxError(EPERM)
            mapping.size = length
            first_gone = (length + PAGE_MASK) & ~PAGE_MASK
            mapping.unmap_pages(first_gone, MAX_FILE_BYTES - first_gone)
            mapping.segment.discard(length, MAX_FILE_BYTES - length)
            mapping.charge()
        else:
            if self.seals & F_SEAL_GROW:
                raise LinuxError(EPERM)
            self._clear_tail(old)
            mapping.size = length
        self.mtime_ns = self.ctime_ns = self.owner.now_ns()

    def _clear_tail(self, size: int) -> None:
        """A guest may have written after the end, in the last page it has mapped: those bytes are not the file's."""
        if self.mapping.was_mapped and size & PAGE_MASK:
            self.mapping.segment.discard(size, PAGE_SIZE - (size & PAGE_MASK))

    def read(self, out: VmWriter, offset: int) -> int:
        mapping = self.mapping
        length = min(out.remaining, mapping.size - offset)
        if length <= 0:
            return 0
        return out.write_from_segment(mapping.segment, offset, length)

    def write(self, data: VmReader, offset: int) -> int:
        """Bytes or −errno: −ENOSPC, −EFBIG, −EPERM (sealed). Errors: UserFault."""
        mapping = self.mapping
        length = data.remaining
        size = mapping.size
        if self.seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE):
            return -EPERM
        if self.seals & F_SEAL_GROW and offset + length > size:
            if offset >= size:
                return -EPERM
            length = size - offset
        if offset >= MAX_FILE_BYTES:
            return -EFBIG
        length = min(length, MAX_FILE_BYTES - offset)
        length = self._fits(offset, length)
        if length <= 0:
            return -ENOSPC
        if offset > size:
            self._clear_tail(size)
        count = data.read_to_segment(mapping.segment, offset, length)
        mapping.charge()
        if count > 0:
            mapping.size = max(size, offset + count)
            self.mtime_ns = self.ctime_ns = self.owner.now_ns()
            return count
        return -ENOSPC if count == -ENOMEM or count == 0 and not data.is_faulted else count

    def _fits(self, offset: int, length: int) -> int:
        """How much of [offset, offset+length) may be written within the size limit."""
        left = self.owner.pages_left()
        if (length + 2 * PAGE_SIZE) // PAGE_SIZE <= left:
            return length
        start = offset & ~PAGE_MASK
        segment = self.mapping.segment
        at = start
        end = offset + length
        while at < end:
            hole = segment.next_hole(at)
            if hole >= end:
                return length
            data = segment.next_data(hole)
            if data < 0 or data > end:
                data = end
            pages = (data - hole + PAGE_MASK) // PAGE_SIZE
            if pages > left:
                return max(0, hole + left * PAGE_SIZE - offset)
            left -= pages
            at = data
        return length

    def fallocate(self, mode: int, offset: int, length: int) -> int:
        mapping = self.mapping
        end = offset + length
        if mode & FALLOC_FL_PUNCH_HOLE:
            if mode != FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE:
                return -EOPNOTSUPP
            if self.seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE):
                return -EPERM
            self._punch(offset, length)
            self.mtime_ns = self.ctime_ns = self.owner.now_ns()
            return 0
        if mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_ZERO_RANGE):
            return -EOPNOTSUPP
        if mode & FALLOC_FL_ZERO_RANGE and self.seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE):
            return -EPERM
        if not mode & FALLOC_FL_KEEP_SIZE and self.seals & F_SEAL_GROW and end > mapping.size:
            return -EPERM
        if end > MAX_FILE_BYTES:
            return -EFBIG
        limit = min(self.owner.pages_left(), self.owner.machine.nr_free_frames())
        if mapping.nr_holes(offset & ~PAGE_MASK, end - (offset & ~PAGE_MASK), limit) > limit:
            return -ENOSPC
        if mode & FALLOC_FL_ZERO_RANGE:
            self._punch(offset, length)
        if not self._reserve(offset & ~PAGE_MASK, end):
            mapping.charge()
            return -ENOSPC
        mapping.charge()
        if not mode & FALLOC_FL_KEEP_SIZE and end > mapping.size:
            self._clear_tail(mapping.size)
            mapping.size = end
        self.ctime_ns = self.owner.now_ns()
        return 0

    def _punch(self, offset: int, length: int) -> None:
        length = min(length, MAX_FILE_BYTES - offset)
        if length <= 0:
            return
        first = (offset + PAGE_MASK) & ~PAGE_MASK
        last = (offset + length) & ~PAGE_MASK
        if last > first:
            self.mapping.unmap_pages(first, last - first)
        self.mapping.segment.discard(offset, length)
        self.mapping.charge()

    def _reserve(self, offset: int, end: int) -> bool:
        """Makes the pages of the holes in the range. They are there from now on: no write to them can fail."""
        segment = self.mapping.segment
        while offset < end:
            hole = segment.next_hole(offset)
            if hole >= end:
                return True
            data = segment.next_data(hole)
            if data < 0 or data > end:
                data = (end + PAGE_MASK) & ~PAGE_MASK
            count = segment.write(hole, ZEROS[: min(data - hole, len(ZEROS))])
            if count < min(data - hole, len(ZEROS)):
                return False
            offset = hole + count
        return True


class TmpFile(File):
    """An open regular file."""

    node: TmpRegular

    def __init__(self, flags: int, node: TmpRegular) -> None:
        super().__init__(flags)
        self.node = node
        self.is_seekable = True

    def read(self, out: VmWriter, offset: int) -> int:
        count = self.node.read(out, offset)
        if not self.flags & O_NOATIME:
            self._touch()
        return count

    def _touch(self) -> None:
        """Relative access times (MS_RELATIME), as every mount has by default."""
        node = self.node
        path = self.path
        if path is not None:
            if path.mount.flags & (MS_NOATIME | 1):
                return
            if path.mount.flags & MS_STRICTATIME:
                node.atime_ns = node.owner.now_ns()
                return
        if node.atime_ns <= node.mtime_ns or node.atime_ns <= node.ctime_ns:
            node.atime_ns = node.owner.now_ns()
        else:
            now = node.owner.now_ns()
            if now - node.atime_ns >= DAY_NS:
                node.atime_ns = now

    def write(self, data: VmReader, offset: int) -> int:
        node = self.node
        return node.write(data, node.mapping.size if self.flags & O_APPEND else offset)

    def append_pos(self) -> int:
        return self.node.mapping.size

    def lseek(self, offset: int, whence: int) -> int:
        mapping = self.node.mapping
        size = mapping.size
        if whence == SEEK_SET:
            pos = offset
        elif whence == SEEK_CUR:
            pos = self.pos + offset
        elif whence == SEEK_END:
            pos = size + offset
        elif whence in (SEEK_DATA, SEEK_HOLE):
            if offset < 0 or offset >= size:
                return -ENXIO
            if whence == SEEK_DATA:
                pos = mapping.segment.next_data(offset)
                if pos < 0 or pos >= size:
                    return -ENXIO
                pos = max(pos, offset)
            else:
                pos = max(min(mapping.segment.next_hole(offset), size), offset)
        else:
            return -EINVAL
        if pos < 0 or pos > MAX_FILE_BYTES:
            return -EINVAL
        self.pos = pos
        return pos

    def mapping(self) -> Mapping | None:
        return self.node.mapping

    def truncate(self, length: int) -> int:
        self.node.truncate(length)
        return 0

    def fallocate(self, mode: int, offset: int, length: int) -> int:
        return self.node.fallocate(mode, offset, length)

    def fsync(self, data_only: bool) -> int:
        return 0

    # memfd_create(2) seals.
    def add_seals(self, seals: int) -> None:
        """The caller has checked that they may be added."""
        self.node.seals |= seals
        self.node.mapping.is_write_sealed = self.node.seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE) != 0

    def seals(self) -> int:
        """F_GET_SEALS."""
        return self.node.seals

    def has_writable_mappings(self) -> bool:
        nr = 0
        for vma in self.node.mapping.regions:
            if vma.flags & 1 and vma.flags & VM_MAYWRITE:  # MAP_SHARED; mprotect may make it writable
                nr += 1
        return nr > 0
