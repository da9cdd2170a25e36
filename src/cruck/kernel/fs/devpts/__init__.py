# SPDX-License-Identifier: MPL-2.0
"""devpts: /dev/pts, where the slaves of pseudoterminals have their names (Linux fs/devpts).

`DevPtsFs` shows `kernel.devices.ptys` (tty/pty.py), which has the state; every instance shows the same. Names are looked up
every time. Nothing can be made or removed here by guests.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EACCES, EINVAL, EISDIR, EPERM
from cruck.abi.fcntl import O_ACCMODE
from cruck.abi.stat import S_IFCHR, S_IFDIR
from cruck.kernel.errors import LinuxError
from cruck.kernel.tty.pty import PtyDriver, PtyTable
from cruck.kernel.vfs.file import DirEntry, File
from cruck.kernel.vfs.fs_type import FileSystemType, parse_number, split_options
from cruck.kernel.vfs.inode import FileSystem, Inode
from cruck.kernel.vfs.stat import Stat

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.vfs.dentry import Path

DEVPTS_MAGIC: Final = 0x1CD1
ROOT_INO: Final = 1
PTMX_INO: Final = 2
FIRST_INO: Final = 3  # of /dev/pts/0
PTMX_RDEV: Final = 5 << 8 | 2
DT_CHR: Final = 2
DT_DIR: Final = 4
FIRST_COOKIE: Final = 4  # behind ".", "..", "ptmx"


class DevPtsFs(FileSystem):
    table: PtyTable
    start_ns: int

    def __init__(self, kernel: "Kernel", dev: int, gid: int = -1, mode: int = 0o600) -> None:
        """`gid` (−1: the opener's) and `mode` are those of new slaves, of the whole kernel: the first instance's count."""
        super().__init__(b"devpts", dev)
        self.caches_names = False
        self.table = kernel.devices.ptys
        self.gid, self.mode = gid, mode
        if self.table.names is None:
            self.table.gid, self.table.mode = gid, mode
        self.start_ns = kernel.clock.realtime_ns()
        self.root = DevPtsRoot(self)
        self.table.set_names(self)

    def slave(self, driver: PtyDriver) -> "SlaveNode":
        return SlaveNode(self, driver)

    def statfs(self) -> tuple[int, int, int, int, int, int, int]:
        return (DEVPTS_MAGIC, 4096, 0, 0, 0, 0, 0)

    def mount_options(self) -> bytes:
        gid = b"gid=%d," % self.gid if self.gid >= 0 else b""
        return gid + b"mode=%o,ptmxmode=666" % self.mode


class DevPtsRoot(Inode):
    pts: DevPtsFs

    def __init__(self, fs: DevPtsFs) -> None:
        super().__init__(fs, ROOT_INO, S_IFDIR | 0o755, 0, 0)
        self.nlink = 2
        self.pts = fs

    def stat(self) -> Stat:
        return _stat(self, self.pts.start_ns)

    def set_attributes(
        self, mode: int = -1, uid: int = -1, gid: int = -1, atime_ns: int = -1, mtime_ns: int = -1, ctime_ns: int = -1
    ) -> None:
        if mode >= 0 or uid >= 0 or gid >= 0:
            raise LinuxError(EPERM)

    def lookup(self, name: bytes) -> Inode | None:
        if name == b"ptmx":
            return PtmxNode(self.pts)
        if not name.isdigit() or len(name) > 5 or (len(name) > 1 and name.startswith(b"0")):
            return None
        driver = self.pts.table.drivers.get(int(name))
        return self.pts.slave(driver) if driver is not None else None

    def open(self, path: "Path", flags: int) -> File:
        if flags & O_ACCMODE:
            raise LinuxError(EISDIR)
        return DevPtsDirectory(self, flags)

    def create(self, name: bytes, mode: int, uid: int, gid: int, rdev: int = 0) -> Inode:
        raise LinuxError(EACCES)

    def mkdir(self, name: bytes, mode: int, uid: int, gid: int) -> Inode:
        raise LinuxError(EPERM)

    def symlink(self, name: bytes, target: bytes, uid: int, gid: int) -> Inode:
        raise LinuxError(EPERM)

    def link(self, name: bytes, target: Inode) -> None:
        raise LinuxError(EPERM)

    def unlink(self, name: bytes, target: Inode) -> None:
        raise LinuxError(EPERM)

    def rmdir(self, name: bytes, target: Inode) -> None:
        raise LinuxError(EPERM)

    def rename(self, name: bytes, source: Inode, new_dir: Inode, new_name: bytes, target: Inode | None, exchange: bool) -> None:
        raise LinuxError(EPERM)


class PtmxNode(Inode):
    pts: DevPtsFs

    def __init__(self, fs: DevPtsFs) -> None:
        super().__init__(fs, PTMX_INO, S_IFCHR | 0o666, 0, 0)
        self.rdev = PTMX_RDEV
        self.pts = fs

    def stat(self) -> Stat:
        return _stat(self, self.pts.start_ns)

    def set_attributes(
        self, mode: int = -1, uid: int = -1, gid: int = -1, atime_ns: int = -1, mtime_ns: int = -1, ctime_ns: int = -1
    ) -> None:
        if mode >= 0 or uid >= 0 or gid >= 0:
            raise LinuxError(EPERM)


class SlaveNode(Inode):
    """/dev/pts/N. Its attributes are kept with the pseudoterminal, for this object is made by each lookup."""

    pts: DevPtsFs
    driver: PtyDriver

    def __init__(self, fs: DevPtsFs, driver: PtyDriver) -> None:
        super().__init__(fs, FIRST_INO + driver.index, S_IFCHR | driver.mode, driver.uid, driver.gid)
        self.rdev = driver.tty.rdev
        self.pts = fs
        self.driver = driver

    def revalidate(self) -> bool:
        driver = self.driver
        if self.pts.table.drivers.get(driver.index) is not driver:
            return False
        self.mode = S_IFCHR | driver.mode
        self.uid = driver.uid
        self.gid = driver.gid
        return True

    def stat(self) -> Stat:
        self.revalidate()
        stat = _stat(self, self.driver.created_ns)
        stat.mtime_ns = stat.atime_ns = self.driver.used_ns
        return stat

    def set_attributes(
        self, mode: int = -1, uid: int = -1, gid: int = -1, atime_ns: int = -1, mtime_ns: int = -1, ctime_ns: int = -1
    ) -> None:
        driver = self.driver
        if mode >= 0:
            driver.mode = mode & 0o7777
        if uid >= 0:
            driver.uid = uid
        if gid >= 0:
            driver.gid = gid
        if mtime_ns >= 0:
            driver.used_ns = mtime_ns
        self.revalidate()


class DevPtsDirectory(File):
    root: DevPtsRoot

    def __init__(self, root: DevPtsRoot, flags: int) -> None:
        super().__init__(flags)
        self.is_seekable = True
        self.root = root

    def inode(self) -> Inode | None:
        return self.root

    def lseek(self, offset: int, whence: int) -> int:
        if whence == 1:
            offset += self.pos
        if whence not in (0, 1) or offset < 0:
            return -EINVAL
        self.pos = offset
        return offset

    def readdir(self, cookie: int) -> list[DirEntry]:
        entries: list[DirEntry] = []
        if cookie < 1:
            entries.append(DirEntry(b".", ROOT_INO, DT_DIR, 1))
        if cookie < 2:
            entries.append(DirEntry(b"..", ROOT_INO, DT_DIR, 2))
        if cookie < 3:
            entries.append(DirEntry(b"ptmx", PTMX_INO, DT_CHR, 3))
        for index in sorted(self.root.pts.table.drivers):
            if FIRST_COOKIE + index > cookie:
                entries.append(DirEntry(b"%d" % index, FIRST_INO + index, DT_CHR, FIRST_COOKIE + index))
        return entries


def _stat(inode: Inode, time_ns: int) -> Stat:
    stat = Stat()
    stat.dev = inode.fs.dev
    stat.ino = inode.ino
    stat.mode = inode.mode
    stat.nlink = inode.nlink
    stat.uid = inode.uid
    stat.gid = inode.gid
    stat.rdev = inode.rdev
    stat.blksize = 1024
    stat.atime_ns = stat.mtime_ns = stat.ctime_ns = time_ns
    return stat


class DevPtsType(FileSystemType):
    def __init__(self) -> None:
        super().__init__(b"devpts")
        self.is_for_user_namespaces = True

    def create(self, kernel: "Kernel", source: bytes, options: bytes) -> FileSystem:
        """Options: gid, mode, ptmxmode, newinstance (every instance shows the same terminals)."""
        gid, mode = kernel.devices.ptys.gid, kernel.devices.ptys.mode
        for key, value in split_options(options):
            if key == b"gid":
                gid = parse_number(value, 10)
            elif key == b"mode":
                mode = parse_number(value, 8) & 0o7777
            elif key not in (b"newinstance", b"ptmxmode"):
                raise LinuxError(EINVAL)
        return DevPtsFs(kernel, kernel.next_anon_dev(), gid, mode)


TYPE: Final = DevPtsType()
