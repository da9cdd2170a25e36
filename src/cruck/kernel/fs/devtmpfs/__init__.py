# SPDX-License-Identifier: MPL-2.0
"""devtmpfs: /dev, a tmpfs that begins with the nodes of the kernel's devices and the usual links (Linux drivers/base/devtmpfs.c).

`pts` and `shm` are directories to mount devpts and a tmpfs on.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.stat import S_IFCHR
from cruck.kernel.drivers.registry import makedev
from cruck.kernel.fs.tmpfs import TmpFs
from cruck.kernel.vfs.fs_type import FileSystemType
from cruck.kernel.vfs.inode import FileSystem

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel

TTY_GID: Final = 5  # the group "tty" of Debian and most others

# (name, major, minor, permissions, group)
NODES: Final = (
    (b"null", 1, 3, 0o666, 0),
    (b"zero", 1, 5, 0o666, 0),
    (b"full", 1, 7, 0o666, 0),
    (b"random", 1, 8, 0o666, 0),
    (b"urandom", 1, 9, 0o666, 0),
    (b"tty", 5, 0, 0o666, TTY_GID),
    (b"console", 5, 1, 0o620, TTY_GID),
)

LINKS: Final = (
    (b"ptmx", b"pts/ptmx"),
    (b"fd", b"/proc/self/fd"),
    (b"stdin", b"/proc/self/fd/0"),
    (b"stdout", b"/proc/self/fd/1"),
    (b"stderr", b"/proc/self/fd/2"),
)


class DevTmpFs(TmpFs):
    def __init__(self, kernel: "Kernel", dev: int, uid: int = 0) -> None:
        """`uid` owns the console."""
        super().__init__(kernel, dev, mode=0o755, name=b"devtmpfs")
        root = self.root
        for name, major, minor, mode, gid in NODES:
            owner = uid if name == b"console" else 0
            root.create(name, S_IFCHR | mode, owner, gid, makedev(major, minor))
        for name, target in LINKS:
            root.symlink(name, target, 0, 0)
        root.mkdir(b"pts", 0o755, 0, 0)
        root.mkdir(b"shm", 0o1777, 0, 0)


class DevTmpFsType(FileSystemType):
    def __init__(self) -> None:
        super().__init__(b"devtmpfs")

    def create(self, kernel: "Kernel", source: bytes, options: bytes) -> FileSystem:
        """Always the same contents; what one instance has changed another does not show."""
        return DevTmpFs(kernel, kernel.next_anon_dev())


TYPE: Final = DevTmpFsType()
