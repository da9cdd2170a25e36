# SPDX-License-Identifier: MPL-2.0
"""TmpFs: an instance of tmpfs, with its limits; TmpFsType: how mount(2) makes one."""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EINVAL, ENOSPC
from cruck.abi.stat import S_IFDIR, S_IFLNK, S_IFREG
from cruck.framework.clock import Clock
from cruck.framework.hardware import Machine
from cruck.kernel.errors import LinuxError
from cruck.kernel.fs.tmpfs.directory import TmpDirectory
from cruck.kernel.fs.tmpfs.node import TmpInode, TmpSymlink
from cruck.kernel.fs.tmpfs.regular import TmpRegular
from cruck.kernel.ledger import INODE, Ledger
from cruck.kernel.vfs.fs_type import FileSystemType, parse_number, parse_size, split_options
from cruck.kernel.vfs.inode import S_IFMT, FileSystem

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel

TMPFS_MAGIC: Final = 0x01021994
NO_LIMIT: Final = -1
INODE_BYTES: Final = 1024  # what one counts against max_inodes; extended attributes count there too (BOGO_INODE_SIZE)


class TmpFs(FileSystem):
    clock: Clock
    machine: Machine
    max_pages: int  # of data; NO_LIMIT none but RAM
    max_inodes: int
    nr_pages: int  # charged by regular files
    nr_inodes: int
    xattr_bytes: int
    ledger: Ledger
    next_ino: int

    def __init__(
        self,
        kernel: "Kernel",
        dev: int,
        max_pages: int = NO_LIMIT,
        max_inodes: int = NO_LIMIT,
        mode: int = 0o1777,
        uid: int = 0,
        gid: int = 0,
        name: bytes = b"tmpfs",
    ) -> None:
        super().__init__(name, dev)
        self.clock = kernel.clock
        self.machine = kernel.machine
        self.ledger = kernel.ledger
        self.max_pages = max_pages
        self.max_inodes = max_inodes
        self.nr_pages = 0
        self.nr_inodes = 0
        self.xattr_bytes = 0
        self.next_ino = 1
        root = TmpDirectory(self, self.new_ino(), S_IFDIR | mode & 0o7777, uid, gid, None)
        self.root = root

    def now_ns(self) -> int:
        return self.clock.realtime_ns()

    def charge_inode(self) -> None:
        """One inode, or one more name of one: Linux counts these too. Errors: LinuxError(ENOSPC)."""
        if not self.has_inode_bytes(INODE_BYTES) or not self.ledger.has_room(INODE):
            raise LinuxError(ENOSPC)
        self.nr_inodes += 1
        self.ledger.used += INODE

    def free_inode(self) -> None:
        self.nr_inodes -= 1
        self.ledger.used -= INODE

    def new_ino(self) -> int:
        """Charges one inode. Errors: LinuxError(ENOSPC)."""
        self.charge_inode()
        ino = self.next_ino
        self.next_ino += 1
        return ino

    def new_inode(self, mode: int, uid: int, gid: int, rdev: int) -> TmpInode:
        """A regular file or special file without a name yet (nlink 0). Errors: LinuxError(ENOSPC)."""
        ino = self.new_ino()
        if mode & S_IFMT == S_IFREG:
            return TmpRegular(self, ino, mode, uid, gid)
        node = TmpInode(self, ino, mode, uid, gid)
        node.rdev = rdev
        return node

    def new_symlink(self, target: bytes, uid: int, gid: int) -> TmpSymlink:
        return TmpSymlink(self, self.new_ino(), S_IFLNK | 0o777, uid, gid, target)

    def pages_left(self) -> int:
        """How many more pages of data files may take; a large number if nothing but RAM limits them."""
        if self.max_pages == NO_LIMIT:
            return 1 << 50
        return max(0, self.max_pages - self.nr_pages)

    def has_inode_bytes(self, count: int) -> bool:
        return self.max_inodes == NO_LIMIT or self.inode_bytes_left() >= count

    def inode_bytes_left(self) -> int:
        return (self.max_inodes - self.nr_inodes) * INODE_BYTES - self.xattr_bytes

    def check_whiteout(self) -> None:
        if not self.has_inode_bytes(INODE_BYTES):
            raise LinuxError(ENOSPC)

    def statfs(self) -> tuple[int, int, int, int, int, int, int]:
        if self.max_pages == NO_LIMIT:
            free_frames = self.machine.nr_free_frames()
            blocks, free = self.nr_pages + free_frames, free_frames
        else:
            blocks, free = self.max_pages, self.pages_left()
        if self.max_inodes == NO_LIMIT:
            files, files_free = 0, 0
        else:
            files, files_free = self.max_inodes, self.inode_bytes_left() // INODE_BYTES
        return (TMPFS_MAGIC, 4096, blocks, free, free, files, files_free)

    def mount_options(self) -> bytes:
        parts: list[bytes] = []
        if self.max_pages != NO_LIMIT:
            parts.append(b"size=%dk" % (self.max_pages * 4))
        if self.max_inodes != NO_LIMIT:
            parts.append(b"nr_inodes=%d" % self.max_inodes)
        root = self.root
        if root.mode & 0o7777 != 0o1777:
            parts.append(b"mode=%o" % (root.mode & 0o7777))
        if root.uid:
            parts.append(b"uid=%d" % root.uid)
        if root.gid:
            parts.append(b"gid=%d" % root.gid)
        return b",".join(parts)


class TmpFsType(FileSystemType):
    def __init__(self) -> None:
        super().__init__(b"tmpfs")
        self.is_for_user_namespaces = True

    def create(self, kernel: "Kernel", source: bytes, options: bytes) -> FileSystem:
        """Options: size, nr_blocks, nr_inodes, mode, uid, gid; by default half of RAM, as Linux."""
        nr_frames = kernel.machine.nr_frames()
        max_pages = nr_frames // 2
        max_inodes = nr_frames // 2
        mode, uid, gid = 0o1777, 0, 0
        for key, value in split_options(options):
            if key == b"size":
                if value is not None and value.endswith(b"%"):
                    max_pages = nr_frames * parse_number(value[:-1], 10) // 100
                else:
                    max_pages = (parse_size(value) + 4095) // 4096 or NO_LIMIT
            elif key == b"nr_blocks":
                max_pages = parse_size(value) or NO_LIMIT
            elif key == b"nr_inodes":
                max_inodes = parse_size(value) or NO_LIMIT
            elif key == b"mode":
                mode = parse_number(value, 8) & 0o7777
            elif key == b"uid":
                uid = parse_number(value, 10)
            elif key == b"gid":
                gid = parse_number(value, 10)
            elif key not in (b"huge", b"inode32", b"inode64", b"noswap"):
                raise LinuxError(EINVAL)
        return TmpFs(kernel, kernel.next_anon_dev(), max_pages, max_inodes, mode, uid, gid)
