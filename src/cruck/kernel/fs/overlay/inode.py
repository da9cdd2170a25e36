# SPDX-License-Identifier: MPL-2.0
"""OverlayInode: a file, link, FIFO, socket or device of an overlay (directories: directory.py).

It stands for an inode of the upper tree if there is one, else for one of a lower tree, and copies up before changes.
Open files are those of the layer, so data never passes through here.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import ENODATA, EPERM
from cruck.abi.fcntl import O_ACCMODE, O_TRUNC
from cruck.kernel.errors import LinuxError
from cruck.kernel.fs.overlay.copy_up import WHOLE, copy_up
from cruck.kernel.fs.overlay.whiteout import PRIVATE_XATTRS
from cruck.kernel.vfs.inode import Inode
from cruck.kernel.vfs.stat import Stat

if TYPE_CHECKING:
    from cruck.kernel.fs.overlay.directory import OverlayDirectory
    from cruck.kernel.fs.overlay.file_system import OverlayFs
    from cruck.kernel.vfs.acl import Acl
    from cruck.kernel.vfs.dentry import Path
    from cruck.kernel.vfs.file import File

UPPER_INO: Final = 1 << 50  # in the numbers of what exists in the upper tree only; below 2**53 for JavaScript's sake


class OverlayInode(Inode):
    overlay: "OverlayFs"
    parent: "OverlayDirectory | None"  # None: the root, or what has no name any more
    name: bytes  # in `parent`: where a copy-up goes
    upper: Inode | None
    lowers: list[Inode]  # topmost first; one at most unless a directory. upper or lowers[0] exists

    def __init__(
        self, overlay: "OverlayFs", parent: "OverlayDirectory | None", name: bytes, upper: Inode | None, lowers: list[Inode]
    ) -> None:
        real = upper if upper is not None else lowers[0]
        ino = lowers[0].ino if lowers else real.ino | UPPER_INO
        super().__init__(overlay, ino, real.mode, real.uid, real.gid)
        self.overlay = overlay
        self.parent = parent
        self.name = name
        self.upper = upper
        self.lowers = lowers
        self.refresh()

    def real(self) -> Inode:
        return self.upper if self.upper is not None else self.lowers[0]

    def refresh(self) -> None:
        """Takes over what the layer says."""
        real = self.real()
        self.mode = real.mode
        self.uid = real.uid
        self.gid = real.gid
        self.rdev = real.rdev
        self.nlink = real.nlink
        self.acl_access, self.acl_default = real.acl_access, real.acl_default

    def copied_up(self, upper: Inode) -> None:
        nlink = self.nlink
        self.upper = upper
        self.refresh()
        if nlink == 0:
            self.nlink = 0

    def upper_inode(self) -> Inode:
        """The upper inode, after a copy-up if need be. Errors: LinuxError."""
        if self.upper is None:
            copy_up(self)
        upper = self.upper
        assert upper is not None
        return upper

    def stat(self) -> Stat:
        result = self.real().stat()
        result.dev = self.fs.dev
        result.ino = self.ino
        result.nlink = self.nlink
        return result

    def set_attributes(
        self, mode: int = -1, uid: int = -1, gid: int = -1, atime_ns: int = -1, mtime_ns: int = -1, ctime_ns: int = -1
    ) -> None:
        self.upper_inode().set_attributes(mode, uid, gid, atime_ns, mtime_ns, ctime_ns)
        upper = self.real()
        self.mode = upper.mode
        self.uid = upper.uid
        self.gid = upper.gid
        self.acl_access = upper.acl_access

    def set_acl(self, is_default: bool, acl: "Acl | None", mode: int) -> None:
        upper = self.upper_inode()
        upper.set_acl(is_default, acl, mode)
        self.mode, self.acl_access, self.acl_default = upper.mode, upper.acl_access, upper.acl_default

    def supports_acl(self) -> bool:
        return True

    def truncate(self, length: int) -> None:
        if self.upper is None:
            copy_up(self, length)
        self.upper_inode().truncate(length)

    def open(self, path: "Path", flags: int) -> "File":
        if flags & (O_ACCMODE | O_TRUNC):
            if self.upper is None:
                copy_up(self, 0 if flags & O_TRUNC else WHOLE)
            return self.upper_inode().open(path, flags)
        return self.real().open(path, flags)

    def readlink(self) -> bytes:
        return self.real().readlink()

    def getxattr(self, name: bytes) -> bytes:
        if name.startswith(PRIVATE_XATTRS):
            raise LinuxError(ENODATA)
        return self.real().getxattr(name)

    def setxattr(self, name: bytes, value: bytes, flags: int) -> None:
        if name.startswith(PRIVATE_XATTRS):
            raise LinuxError(EPERM)
        if self.upper is None:
            self._check_setxattr(name, flags)
        self.upper_inode().setxattr(name, value, flags)

    def _check_setxattr(self, name: bytes, flags: int) -> None:
        """No copy-up for what would fail."""
        if flags & 2:  # XATTR_REPLACE
            self.real().getxattr(name)

    def listxattr(self) -> list[bytes]:
        return [name for name in self.real().listxattr() if not name.startswith(PRIVATE_XATTRS)]

    def removexattr(self, name: bytes) -> None:
        if name.startswith(PRIVATE_XATTRS):
            raise LinuxError(ENODATA)
        if self.upper is None:
            self.real().getxattr(name)
        self.upper_inode().removexattr(name)

    def forget(self) -> None:
        upper = self.upper
        if upper is not None:
            self.overlay.by_upper.pop(upper, None)
            upper.forget()
