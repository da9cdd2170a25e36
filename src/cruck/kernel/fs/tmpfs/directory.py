# SPDX-License-Identifier: MPL-2.0
"""TmpDirectory: names in memory, listed in a stable order.

Each entry has a cookie, given in order of creation and never used again, so that a listing that goes on after entries
came and
went neither repeats nor skips the others. A listing ends at the entries that existed when it began (as Linux ≥ 6.6), or
`for f in *; do mv $f $f.new; done` would never end.
"""

from bisect import bisect_right
from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EINVAL, EISDIR, EMLINK, ENOENT, ENOTEMPTY, EXDEV
from cruck.abi.stat import S_IFDIR, S_IFREG
from cruck.framework.mm.user_memory import VmReader, VmWriter
from cruck.kernel.errors import LinuxError
from cruck.kernel.fs.tmpfs.node import TmpInode
from cruck.kernel.vfs.file import DirEntry, File
from cruck.kernel.vfs.inode import S_IFMT, Inode

if TYPE_CHECKING:
    from cruck.kernel.fs.tmpfs.fs_type import TmpFs
    from cruck.kernel.vfs.dentry import Path

FIRST_COOKIE: Final = 3  # after "." and ".."
ENTRY_BYTES: Final = 20  # what Linux's tmpfs counts per entry in st_size (BOGO_DIRENT_SIZE)
BATCH: Final = 512
MAX_LINKS: Final = 0x7FFF_FFFF


class TmpDirectory(TmpInode):
    parent: "TmpDirectory"  # ".."; itself for the root
    entries: dict[bytes, TmpInode]
    cookies: dict[bytes, int]
    # The same in the order of cookies, with entries that are gone until the next compaction: name order[i] is there if
    # cookies[order[i]] == order_cookies[i].
    order: list[bytes]
    order_cookies: list[int]  # ascending
    next_cookie: int

    def __init__(self, fs: "TmpFs", ino: int, mode: int, uid: int, gid: int, parent: "TmpDirectory | None") -> None:
        super().__init__(fs, ino, S_IFDIR | mode & 0o7777, uid, gid)
        self.nlink = 2
        self.parent = parent if parent is not None else self
        self.entries = {}
        self.cookies = {}
        self.order = []
        self.order_cookies = []
        self.next_cookie = FIRST_COOKIE

    def size(self) -> int:
        return (len(self.entries) + 2) * ENTRY_BYTES

    def lookup(self, name: bytes) -> Inode | None:
        return self.entries.get(name)

    def open(self, path: "Path", flags: int) -> File:
        return TmpDirectoryFile(flags, self)

    def create(self, name: bytes, mode: int, uid: int, gid: int, rdev: int = 0) -> Inode:
        self._check_alive()
        if mode & S_IFMT == 0:
            mode |= S_IFREG
        inode = self.owner.new_inode(mode, uid, gid, rdev)
        inode.nlink = 1
        self._add(name, inode)
        return inode

    def tmpfile(self, mode: int, uid: int, gid: int) -> Inode:
        return self.owner.new_inode(S_IFREG | mode & 0o7777, uid, gid, 0)

    def mkdir(self, name: bytes, mode: int, uid: int, gid: int) -> Inode:
        self._check_alive()
        fs = self.owner
        inode = TmpDirectory(fs, fs.new_ino(), mode, uid, gid, self)
        self.nlink += 1
        self._add(name, inode)
        return inode

    def symlink(self, name: bytes, target: bytes, uid: int, gid: int) -> Inode:
        self._check_alive()
        inode = self.owner.new_symlink(target, uid, gid)
        inode.nlink = 1
        self._add(name, inode)
        return inode

    def link(self, name: bytes, target: Inode) -> None:
        self._check_alive()
        if not isinstance(target, TmpInode) or target.fs is not self.fs:
            raise LinuxError(EXDEV)
        if target.nlink >= MAX_LINKS:
            raise LinuxError(EMLINK)
        if target.nlink:
            self.owner.charge_inode()
        target.nlink += 1
        target.ctime_ns = self.owner.now_ns()
        self._add(name, target)

    def unlink(self, name: bytes, target: Inode) -> None:
        inode = self.entries.get(name)
        if inode is None:
            raise LinuxError(ENOENT)
        self._take(name)
        self._drop_link(inode)
        inode.ctime_ns = self.mtime_ns

    def rmdir(self, name: bytes, target: Inode) -> None:
        inode = self.entries.get(name)
        if not isinstance(inode, TmpDirectory):
            raise LinuxError(ENOENT)
        if inode.entries:
            raise LinuxError(ENOTEMPTY)
        self._take(name)
        inode.nlink = 0
        self.nlink -= 1
        inode.ctime_ns = self.mtime_ns

    def rename(self, name: bytes, source: Inode, new_dir: Inode, new_name: bytes, target: Inode | None, exchange: bool) -> None:
        if not isinstance(new_dir, TmpDirectory) or new_dir.fs is not self.fs:
            raise LinuxError(EXDEV)
        new_dir._check_alive()
        moved = self.entries.get(name)
        replaced = new_dir.entries.get(new_name)
        if moved is None:
            raise LinuxError(ENOENT)
        if exchange:
            if replaced is None:
                raise LinuxError(ENOENT)
            # Each takes the other's place, cookie included.
            self.entries[name] = replaced
            new_dir.entries[new_name] = moved
            self._adopt(replaced, new_dir)
            new_dir._adopt(moved, self)
        else:
            if isinstance(replaced, TmpDirectory) and replaced.entries:
                raise LinuxError(ENOTEMPTY)
            if replaced is moved:
                return
            if replaced is not None:
                new_dir._take(new_name)
                if isinstance(replaced, TmpDirectory):
                    replaced.nlink = 0
                    new_dir.nlink -= 1
                else:
                    self._drop_link(replaced)
                replaced.ctime_ns = new_dir.mtime_ns
            self._take(name)
            new_dir._add(new_name, moved)
            new_dir._adopt(moved, self)
        now = self.owner.now_ns()
        self.mtime_ns = self.ctime_ns = new_dir.mtime_ns = new_dir.ctime_ns = moved.ctime_ns = now
        if exchange and replaced is not None:
            replaced.ctime_ns = now

    def _drop_link(self, inode: TmpInode) -> None:
        if inode.nlink > 1:
            self.owner.free_inode()
        inode.nlink -= 1

    def is_empty(self) -> bool:
        return not self.entries

    def _check_alive(self) -> None:
        if self.nlink == 0:
            raise LinuxError(ENOENT)

    def _adopt(self, inode: TmpInode, old: "TmpDirectory") -> None:
        """A directory has come from `old`: ".." and link counts."""
        if isinstance(inode, TmpDirectory) and old is not self:
            inode.parent = self
            old.nlink -= 1
            self.nlink += 1

    def _add(self, name: bytes, inode: TmpInode) -> None:
        cookie = self.next_cookie
        self.next_cookie += 1
        self.entries[name] = inode
        self.cookies[name] = cookie
        self.order.append(name)
        self.order_cookies.append(cookie)
        self.mtime_ns = self.ctime_ns = self.owner.now_ns()

    def _take(self, name: bytes) -> None:
        del self.entries[name]
        del self.cookies[name]
        self.mtime_ns = self.ctime_ns = self.owner.now_ns()
        if len(self.order) > 64 and len(self.order) > 2 * len(self.entries):
            self._compact()

    def _compact(self) -> None:
        order: list[bytes] = []
        order_cookies: list[int] = []
        for index, name in enumerate(self.order):
            cookie = self.order_cookies[index]
            if self.cookies.get(name) == cookie:
                order.append(name)
                order_cookies.append(cookie)
        self.order = order
        self.order_cookies = order_cookies

    def entries_after(self, cookie: int, end: int) -> list[DirEntry]:
        """At most BATCH entries with cookies in (cookie, end)."""
        result: list[DirEntry] = []
        if cookie < 1:
            result.append(DirEntry(b".", self.ino, 4, 1))
        if cookie < 2:
            result.append(DirEntry(b"..", self.parent.ino, 4, 2))
        index = bisect_right(self.order_cookies, cookie)
        while index < len(self.order) and len(result) < BATCH:
            name = self.order[index]
            at = self.order_cookies[index]
            if at >= end:
                break
            if self.cookies.get(name) == at:
                inode = self.entries[name]
                result.append(DirEntry(name, inode.ino, inode.mode >> 12 & 15, at))
            index += 1
        return result


class TmpDirectoryFile(File):
    """An open directory."""

    directory: TmpDirectory
    end_cookie: int  # entries from this cookie on came after the listing began

    def __init__(self, flags: int, directory: TmpDirectory) -> None:
        super().__init__(flags)
        self.directory = directory
        self.is_seekable = True
        self.end_cookie = directory.next_cookie

    def read(self, out: VmWriter, offset: int) -> int:
        return -EISDIR

    def write(self, data: VmReader, offset: int) -> int:
        return -EISDIR

    def lseek(self, offset: int, whence: int) -> int:
        if whence == 1:
            offset += self.pos
        elif whence != 0:
            return -EINVAL
        if offset < 0:
            return -EINVAL
        self.pos = offset
        return offset

    def readdir(self, cookie: int) -> list[DirEntry]:
        directory = self.directory
        if directory.nlink == 0:
            raise LinuxError(ENOENT)
        if cookie == 0:
            self.end_cookie = directory.next_cookie
            if self.path is None or not self.path.mount.flags & MS_NOATIME:
                directory.atime_ns = directory.owner.now_ns()
        return directory.entries_after(cookie, self.end_cookie)

    def fsync(self, data_only: bool) -> int:
        return 0


MS_NOATIME: Final = 1024
