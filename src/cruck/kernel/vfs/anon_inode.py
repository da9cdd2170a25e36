# SPDX-License-Identifier: MPL-2.0
"""Inodes without a name: what fstat(2) says of pipes, sockets, eventfds and their like (Linux: pipefs, sockfs, anon_inodefs).

`AnonFileSystems` hangs off the Kernel as `kernel.anon`. `AnonFile` is the base of files that share the one inode of anon_inodefs.
These file systems are never mounted where a guest could see them.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.stat import S_IFMT
from cruck.kernel.vfs.dentry import Dentry, Mount, Path
from cruck.kernel.vfs.file import File
from cruck.kernel.vfs.inode import FileSystem, Inode
from cruck.kernel.vfs.stat import Stat

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel

# Device numbers (0:minor) no other file system gets: `next_anon_dev` starts above them.
SOCKFS_DEV: Final = 8
PIPEFS_DEV: Final = 14
ANON_INODEFS_DEV: Final = 15

SOCKFS_MAGIC: Final = 0x534F434B
PIPEFS_MAGIC: Final = 0x50495045
ANON_INODE_FS_MAGIC: Final = 0x09041934

NAME_MAX: Final = 255


class AnonFileSystem(FileSystem):
    magic: int

    def __init__(self, name: bytes, dev: int, magic: int) -> None:
        super().__init__(name, dev)
        self.magic = magic

    def statfs(self) -> tuple[int, int, int, int, int, int, int]:
        return (self.magic, 4096, 0, 0, 0, 0, 0)


class AnonInode(Inode):
    created_ns: int  # all of its times, until they are set
    atime_ns: int
    mtime_ns: int

    def __init__(self, fs: FileSystem, ino: int, mode: int, uid: int, gid: int, now_ns: int) -> None:
        super().__init__(fs, ino, mode, uid, gid)
        self.created_ns = self.atime_ns = self.mtime_ns = now_ns

    def stat(self) -> Stat:
        stat = Stat()
        stat.dev = self.fs.dev
        stat.ino = self.ino
        stat.mode = self.mode
        stat.uid = self.uid
        stat.gid = self.gid
        stat.atime_ns = self.atime_ns
        stat.mtime_ns = self.mtime_ns
        stat.ctime_ns = self.created_ns
        return stat

    def set_attributes(
        self, mode: int = -1, uid: int = -1, gid: int = -1, atime_ns: int = -1, mtime_ns: int = -1, ctime_ns: int = -1
    ) -> None:
        if mode >= 0:
            self.mode = self.mode & S_IFMT | mode & 0o7777
        if uid >= 0:
            self.uid = uid
        if gid >= 0:
            self.gid = gid
        if atime_ns >= 0:
            self.atime_ns = atime_ns
        if mtime_ns >= 0:
            self.mtime_ns = mtime_ns
        if ctime_ns >= 0:
            self.created_ns = ctime_ns

    def make_path(self, name: bytes) -> Path:
        """A place of its own to be opened again through /proc/PID/fd."""
        dentry = Dentry(None, name, self)
        return Path(Mount(self.fs, dentry, None, None, 0, b"none", 0), dentry)


class AnonFileSystems:
    pipefs: AnonFileSystem
    sockfs: AnonFileSystem
    anon_inodefs: AnonFileSystem
    inode: AnonInode  # the one of anon_inodefs
    shmem_mount: Mount | None  # the tmpfs of memfd_create, made at the first call

    def __init__(self) -> None:
        self.pipefs = AnonFileSystem(b"pipefs", PIPEFS_DEV, PIPEFS_MAGIC)
        self.sockfs = AnonFileSystem(b"sockfs", SOCKFS_DEV, SOCKFS_MAGIC)
        self.anon_inodefs = AnonFileSystem(b"anon_inodefs", ANON_INODEFS_DEV, ANON_INODE_FS_MAGIC)
        self.shmem_mount = None
        # Linux too gives this inode no type bits.
        self.inode = AnonInode(self.anon_inodefs, 1, 0o600, 0, 0, 0)


class AnonFile(File):
    """An eventfd, epoll, timerfd, … : a file whose inode says nothing."""

    kernel: "Kernel"

    def __init__(self, kernel: "Kernel", flags: int) -> None:
        super().__init__(flags)
        self.kernel = kernel

    def inode(self) -> Inode | None:
        return self.kernel.anon.inode
