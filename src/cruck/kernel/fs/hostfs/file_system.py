# SPDX-License-Identifier: MPL-2.0
"""HostFs: one mounted host tree. Keeps the host descriptors few: files opened for reading share a small set of them
that are closed and opened again as needed; files open for writing, and deleted files still in use, keep theirs.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import ENFILE, ESTALE
from cruck.framework.io.host_directory import HostDirectory
from cruck.framework.io.host_tree_file import HostTreeFile
from cruck.kernel.errors import LinuxError
from cruck.kernel.fs.hostfs.inode import HostInode
from cruck.kernel.vfs.file import DirEntry
from cruck.kernel.vfs.inode import FileSystem

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel

HOSTFS_SUPER_MAGIC: Final = 0x00C0_FFEE  # include/uapi/linux/magic.h (User Mode Linux's hostfs: the same idea)
MAX_READERS: Final = 32
MAX_WRITERS: Final = 256
MAX_LISTED: Final = 65_536
O_RDONLY: Final = 0


class OwnerMap:
    """Shows what the host's user owns as the run's user's. Everything else keeps its ids."""

    def __init__(self, host_uid: int, host_gid: int, uid: int, gid: int) -> None:
        self.host_uid = host_uid
        self.host_gid = host_gid
        self.uid = uid
        self.gid = gid

    def uid_from_host(self, uid: int) -> int:
        return self.uid if uid == self.host_uid else uid

    def gid_from_host(self, gid: int) -> int:
        return self.gid if gid == self.host_gid else gid

    def uid_to_host(self, uid: int) -> int:
        return self.host_uid if uid == self.uid else uid

    def gid_to_host(self, gid: int) -> int:
        return self.host_gid if gid == self.gid else gid


class HostFs(FileSystem):
    kernel: "Kernel"
    host: HostDirectory
    owners: OwnerMap
    readers: dict[HostInode, None]  # inodes with an open `reader` that may be closed, oldest first; ≤ MAX_READERS
    linked: dict[tuple[int, int], HostInode]  # by host (dev, ino): several names, or open now
    fresh: HostInode | None  # made last: its `writer` waits for the open that follows a create
    writers: dict[HostInode, None]  # inodes with an open `writer`; ≤ MAX_WRITERS
    pinned: dict[HostInode, None]  # inodes without a name whose `reader` is all that is left
    listings: dict[HostInode, list[DirEntry]]  # of directories that do not change within a run, oldest first
    nr_listed: int  # entries in `listings`; ≤ max_listed
    max_listed: int
    device_index: dict[int, int]  # host st_dev → which: host mounts inside the tree need inode numbers of their own

    def __init__(self, kernel: "Kernel", dev: int, host: HostDirectory, is_live: bool, owners: OwnerMap | None = None) -> None:
        """is_live: names and attributes may change behind our back; look every time.
        Errors: LinuxError if the root cannot be examined."""
        super().__init__(b"hostfs", dev)
        self.kernel = kernel
        self.host = host
        self.owners = owners if owners is not None else OwnerMap(0, 0, 0, 0)
        self.caches_names = not is_live
        self.is_read_only = not host.is_writable
        self.readers = {}
        self.linked = {}
        self.fresh = None
        self.writers = {}
        self.pinned = {}
        self.listings = {}
        self.nr_listed = 0
        self.max_listed = MAX_LISTED
        self.device_index = {}
        st = host.stat(b"")
        if isinstance(st, int):
            raise LinuxError(-st, "the root of a host tree")
        self.root = HostInode(self, None, b"", st)

    def statfs(self) -> tuple[int, int, int, int, int, int, int]:
        answer = self.host.statfs()
        if isinstance(answer, int):
            raise LinuxError(-answer)
        return (HOSTFS_SUPER_MAGIC, *answer)

    def sync(self) -> None:
        self.host.sync()

    def close_host(self) -> None:
        """The run is over: gives back every host descriptor. Later calls answer EBADF."""
        for inode in [*self.readers, *self.pinned]:
            inode.close_reader()
        for inode in list(self.writers):
            inode.close_writer()
        self.host.close()

    def unique_ino(self, dev: int, ino: int) -> int:
        """The inode number we show: the host's, made different for host file systems mounted inside the tree."""
        index = self.device_index.get(dev, -1)
        if index < 0:
            index = self.device_index[dev] = len(self.device_index)
        return ino if index == 0 else ino ^ index << 44

    def open_reader(self, inode: HostInode) -> HostTreeFile | int:
        """A host file to read and map `inode` with; do not keep it. −errno; −ESTALE: the name means another file
        now."""
        reader = inode.reader
        if reader is not None:
            return reader
        opened = self.host.open(inode.host_path(), O_RDONLY)
        if isinstance(opened, int):
            return opened
        if opened.identity() != inode.key:
            opened.close()
            return -ESTALE
        readers = self.readers
        if len(readers) >= MAX_READERS:
            for oldest in readers:
                oldest.close_reader()
                break
        inode.reader = opened
        readers[inode] = None
        return opened

    def open_writer(self, inode: HostInode, access: int) -> HostTreeFile:
        """The host file for writing, and reading where the host allows it. Errors: LinuxError."""
        writer = inode.writer
        if writer is None:
            if len(self.writers) >= MAX_WRITERS:
                raise LinuxError(ENFILE, "too many host files are open for writing")
            opened = self.host.open(inode.host_path(), 2)
            if isinstance(opened, int) and access == 1:
                opened = self.host.open(inode.host_path(), 1)
                inode.is_writer_readable = False
            else:
                inode.is_writer_readable = True
            if isinstance(opened, int):
                raise LinuxError(-opened)
            if opened.identity() != inode.key:
                opened.close()
                raise LinuxError(ESTALE)
            inode.writer = writer = opened
            self.writers[inode] = None
        if inode is self.fresh:
            self.fresh = None
        return writer

    def keep_listing(self, inode: HostInode, entries: list[DirEntry]) -> None:
        """For the next reader, if neither we nor the host (as far as this run shows it) can change the directory."""
        if not self.caches_names or not self.is_read_only or len(entries) > self.max_listed:
            return
        self.listings[inode] = entries
        self.nr_listed += len(entries)
        while self.nr_listed > self.max_listed:
            for oldest in self.listings:
                self.nr_listed -= len(self.listings.pop(oldest))
                break

    def keep_fresh(self, inode: HostInode, writer: HostTreeFile) -> None:
        """A file was made: its descriptor serves the open that follows, which its mode may not permit (git makes files
        that are writable through the descriptor alone)."""
        previous = self.fresh
        if previous is not None and previous.nr_writers == 0:
            previous.close_writer()
        inode.writer = writer
        inode.is_writer_readable = True
        self.writers[inode] = None
        self.fresh = inode
