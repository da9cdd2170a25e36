# SPDX-License-Identifier: MPL-2.0
"""TmpInode: what all files of tmpfs have (attributes, times, extended attributes), and those that have no more: FIFOs,
sockets, device nodes and symbolic links. Directories are in directory.py, regular files in regular.py.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EEXIST, ENODATA, ENOSPC, EOPNOTSUPP
from cruck.abi.stat import S_IFLNK
from cruck.kernel.errors import LinuxError
from cruck.kernel.vfs.acl import with_mode
from cruck.kernel.vfs.inode import Inode
from cruck.kernel.vfs.stat import Stat

if TYPE_CHECKING:
    from cruck.kernel.fs.tmpfs.fs_type import TmpFs
    from cruck.kernel.vfs.acl import Acl

XATTR_CREATE: Final = 1
XATTR_REPLACE: Final = 2
# What one inode may keep in extended attributes: names and values, bytes.
MAX_XATTR_BYTES: Final = 128 << 10
XATTR_BYTES: Final = 40  # beside name and value (simple_xattr_space)


class TmpInode(Inode):
    owner: "TmpFs"  # the same as `fs`
    atime_ns: int
    mtime_ns: int
    ctime_ns: int
    btime_ns: int
    xattrs: dict[bytes, bytes] | None
    is_charged: bool  # counts in nr_inodes

    def __init__(self, fs: "TmpFs", ino: int, mode: int, uid: int, gid: int) -> None:
        super().__init__(fs, ino, mode, uid, gid)
        self.owner = fs
        self.nlink = 0
        now = fs.now_ns()
        self.atime_ns = self.mtime_ns = self.ctime_ns = self.btime_ns = now
        self.xattrs = None
        self.is_charged = True

    def size(self) -> int:
        return 0

    def blocks(self) -> int:
        return 0

    def stat(self) -> Stat:
        stat = Stat()
        stat.dev = self.fs.dev
        stat.ino = self.ino
        stat.mode = self.mode
        stat.nlink = self.nlink
        stat.uid = self.uid
        stat.gid = self.gid
        stat.rdev = self.rdev
        stat.size = self.size()
        stat.blocks = self.blocks()
        stat.atime_ns = self.atime_ns
        stat.mtime_ns = self.mtime_ns
        stat.ctime_ns = self.ctime_ns
        stat.btime_ns = self.btime_ns
        return stat

    def set_attributes(
        self, mode: int = -1, uid: int = -1, gid: int = -1, atime_ns: int = -1, mtime_ns: int = -1, ctime_ns: int = -1
    ) -> None:
        if mode != -1:
            self.mode = self.mode & 0o170000 | mode & 0o7777
            if self.acl_access is not None:
                self.acl_access = with_mode(self.acl_access, mode)
        if uid != -1:
            self.uid = uid
        if gid != -1:
            self.gid = gid
        if atime_ns != -1:
            self.atime_ns = atime_ns
        if mtime_ns != -1:
            self.mtime_ns = mtime_ns
        self.ctime_ns = ctime_ns if ctime_ns != -1 else self.owner.now_ns()

    def set_acl(self, is_default: bool, acl: "Acl | None", mode: int) -> None:
        if is_default:
            self.acl_default = acl
        else:
            self.acl_access = acl
        if mode >= 0:
            self.mode = self.mode & 0o170000 | mode
        self.ctime_ns = self.owner.now_ns()

    def supports_acl(self) -> bool:
        return True

    def forget(self) -> None:
        if self.is_charged:
            self.is_charged = False
            self.owner.free_inode()
            for name, value in (self.xattrs or {}).items():
                self.owner.xattr_bytes -= _cost(name, value)

    def getxattr(self, name: bytes) -> bytes:
        if self.xattrs is None or name not in self.xattrs:
            raise LinuxError(ENODATA)
        return self.xattrs[name]

    def setxattr(self, name: bytes, value: bytes, flags: int) -> None:
        """`flags`: XATTR_CREATE, XATTR_REPLACE. Errors: LinuxError(EEXIST, ENODATA, ENOSPC, EOPNOTSUPP)."""
        if name.startswith(b"system."):
            raise LinuxError(EOPNOTSUPP)
        attributes = self.xattrs if self.xattrs is not None else {}
        if name in attributes:
            if flags & XATTR_CREATE:
                raise LinuxError(EEXIST)
        elif flags & XATTR_REPLACE:
            raise LinuxError(ENODATA)
        total = len(name) + len(value)
        for other, other_value in attributes.items():
            if other != name:
                total += len(other) + len(other_value)
        cost = _cost(name, value) - (_cost(name, attributes[name]) if name in attributes else 0)
        if total > MAX_XATTR_BYTES or not self.owner.has_inode_bytes(cost):
            raise LinuxError(ENOSPC)
        self.owner.xattr_bytes += cost
        attributes[name] = value
        self.xattrs = attributes
        self.ctime_ns = self.owner.now_ns()

    def listxattr(self) -> list[bytes]:
        return list(self.xattrs) if self.xattrs is not None else []

    def removexattr(self, name: bytes) -> None:
        if self.xattrs is None or name not in self.xattrs:
            raise LinuxError(ENODATA)
        self.owner.xattr_bytes -= _cost(name, self.xattrs.pop(name))
        self.ctime_ns = self.owner.now_ns()


def _cost(name: bytes, value: bytes) -> int:
    """Of an attribute, in bytes of TmpFs.xattr_bytes."""
    return XATTR_BYTES + len(name) + len(value)


class TmpSymlink(TmpInode):
    target: bytes

    def __init__(self, fs: "TmpFs", ino: int, mode: int, uid: int, gid: int, target: bytes) -> None:
        super().__init__(fs, ino, S_IFLNK | mode & 0o7777, uid, gid)
        self.target = target

    def size(self) -> int:
        return len(self.target)

    def readlink(self) -> bytes:
        return self.target
