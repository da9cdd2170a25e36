# SPDX-License-Identifier: MPL-2.0
"""Open files and directories of a host tree."""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EFBIG, EINVAL, EISDIR, ENXIO, EOPNOTSUPP
from cruck.abi.fcntl import O_APPEND, O_DSYNC, O_SYNC, SEEK_CUR, SEEK_DATA, SEEK_END, SEEK_HOLE, SEEK_SET
from cruck.framework.io.host_tree_file import HostTreeFile
from cruck.framework.mm.user_memory import UserFault, VmReader, VmWriter
from cruck.kernel.errors import LinuxError
from cruck.kernel.vfs.file import DirEntry, File
from cruck.kernel.vfs.mapping import Mapping
from cruck.kernel.vfs.stat import Stat

if TYPE_CHECKING:
    from cruck.kernel.fs.hostfs.inode import HostInode

MAX_OFFSET: Final = (1 << 63) - 1
MAX_HOST_BYTES: Final = 1 << 47  # what the machine reads and writes: s_maxbytes, as a file system would say
RWF_DSYNC: Final = 2
RWF_SYNC: Final = 4
RWF_APPEND: Final = 16
ENTRIES_AT_ONCE: Final = 1024
DT_DIR: Final = 4


class HostRegularFile(File):
    node: "HostInode"
    has_writer: bool

    def __init__(self, node: "HostInode", flags: int) -> None:
        """The inode has counted it already."""
        super().__init__(flags)
        self.is_seekable = True
        self.node = node
        self.has_writer = flags & 3 != 0

    def release(self) -> None:
        self.node.file_released(self.has_writer)

    def _reader(self) -> HostTreeFile | int:
        node = self.node
        if node.writer is not None and node.is_writer_readable:
            return node.writer
        return node.host_fs.open_reader(node)

    def read(self, out: VmWriter, offset: int) -> int:
        if offset < 0:
            return -EINVAL
        host = self._reader()
        if isinstance(host, int):
            return host
        done = 0
        try:
            while out.remaining and offset + done < MAX_HOST_BYTES:
                count = out.read_from_host(host, offset + done, min(out.remaining, MAX_HOST_BYTES - offset - done), 0)
                if count <= 0:
                    return done if done else count
                done += count
        except UserFault:
            if not done:
                raise
        return done

    def write(self, data: VmReader, offset: int) -> int:
        host = self.node.writer
        if host is None:
            return -EINVAL
        flags = RWF_APPEND if self.flags & O_APPEND else 0
        if self.flags & O_DSYNC:
            flags |= RWF_SYNC if self.flags & O_SYNC == O_SYNC else RWF_DSYNC
        done = 0
        try:
            while data.remaining:
                room = MAX_HOST_BYTES - offset - done
                if room <= 0:
                    return done if done else -EFBIG
                count = data.write_to_host(host, offset + done, min(data.remaining, room), flags)
                if count <= 0:
                    return done if done else count
                done += count
        except UserFault:
            if not done:
                raise
        return done

    def append_pos(self) -> int:
        return self.node.size()

    def lseek(self, offset: int, whence: int) -> int:
        if whence == SEEK_SET:
            position = offset
        elif whence == SEEK_CUR:
            position = self.pos + offset
        elif whence == SEEK_END:
            position = self.node.size() + offset
        elif whence in (SEEK_DATA, SEEK_HOLE):
            if offset < 0:
                return -ENXIO
            host = self._reader()
            position = host if isinstance(host, int) else host.seek(offset, whence)
            if position < 0:
                return position
        else:
            return -EINVAL
        if not 0 <= position <= MAX_OFFSET:
            return -EINVAL
        self.pos = position
        return position

    def stat(self) -> Stat:
        inode = self.inode()  # an overlay's, if it was opened through one
        return inode.stat() if inode is not None else self.node.stat()

    def mapping(self) -> Mapping | None:
        return self.node.mapping()

    def truncate(self, length: int) -> int:
        host = self.node.writer
        if host is None or length < 0:
            return -EINVAL
        result = host.truncate(length)
        if result == 0:
            self.node.shrunk(length)
        return result

    def fallocate(self, mode: int, offset: int, length: int) -> int:
        """Plain allocation only."""
        host = self.node.writer
        if host is None or mode:
            return -EOPNOTSUPP
        if offset + length > MAX_OFFSET:
            return -EFBIG
        return host.allocate(offset, length)

    def fsync(self, data_only: bool) -> int:
        host = self.node.any_file()
        return 0 if host is None else host.fsync(data_only)


class HostDirectoryFile(File):
    """Lists what was there at the last rewind: cookies stay good however the directory changes."""

    node: "HostInode"
    entries: list[DirEntry]

    def __init__(self, node: "HostInode", flags: int) -> None:
        super().__init__(flags)
        self.is_seekable = True
        self.node = node
        self.entries = []

    def read(self, out: VmWriter, offset: int) -> int:
        return -EISDIR

    def lseek(self, offset: int, whence: int) -> int:
        position = offset if whence == SEEK_SET else self.pos + offset if whence == SEEK_CUR else -1
        if position < 0:
            return -EINVAL
        self.pos = position
        return position

    def readdir(self, cookie: int) -> list[DirEntry]:
        if cookie < 0:
            return []
        if cookie == 0 or not self.entries:
            self.entries = self._collect()
        return self.entries[cookie : cookie + ENTRIES_AT_ONCE]

    def _collect(self) -> list[DirEntry]:
        node = self.node
        cached = node.host_fs.listings.get(node)
        if cached is not None:
            return cached
        found = node.host_fs.host.list_entries(node.host_path()) if not node.is_gone else []
        if isinstance(found, int):
            raise LinuxError(-found)
        up = node.parent if node.parent is not None else node
        entries = [DirEntry(b".", node.ino, DT_DIR, 1), DirEntry(b"..", up.ino, DT_DIR, 2)]
        cookie = 2
        for name, ino, kind in found:
            cookie += 1
            entries.append(DirEntry(name, ino, kind, cookie))
        node.host_fs.keep_listing(node, entries)
        return entries

    def fsync(self, data_only: bool) -> int:
        node = self.node
        if node.is_gone or node.fs.is_read_only:
            return 0
        return node.host_fs.host.fsync_directory(node.host_path())
