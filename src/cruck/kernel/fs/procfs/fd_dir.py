# SPDX-License-Identifier: MPL-2.0
"""/proc/[pid]/fd and /proc/[pid]/fdinfo: the open files of a task.

fd/N is a magic link: following it leads to the very file, whatever its name means now (`File.link_path`). A file that cannot
be opened again (an eventfd) still has a place to stat: `UnnamedInode`.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EACCES, ENOENT, ENXIO
from cruck.kernel.errors import LinuxError
from cruck.kernel.fs.procfs.access import may_inspect
from cruck.kernel.fs.procfs.inode import DT_LNK, DT_REG, DirectoryNode, LinkNode, PseudoFs, TextNode
from cruck.kernel.fs.procfs.lock_text import file_locks
from cruck.kernel.process.task import DEAD
from cruck.kernel.vfs.dentry import Dentry, Mount, Path
from cruck.kernel.vfs.file import DirEntry, File
from cruck.kernel.vfs.inode import Inode
from cruck.kernel.vfs.stat import Stat
from cruck.kernel.vfs.walk import path_string

if TYPE_CHECKING:
    from cruck.kernel.process.task import Task

S_IFLNK: Final = 0o120000
S_IFREG: Final = 0o100000
O_PATH: Final = 0o10000000
O_CLOEXEC: Final = 0o2000000
FD_INO_BASE: Final = 0x10_0000  # inode numbers of one task: its entries, then fds, then fdinfos
FDINFO_INO_BASE: Final = 0x20_0000


def parse_fd(name: bytes) -> int:
    """The descriptor a name means, −1 none: decimal without leading zeros."""
    if not name.isdigit() or len(name) > 7 or (name[0] == 48 and len(name) > 1):
        return -1
    return int(name)


def find_file(task: "Task", fd: int) -> File | None:
    return task.files.lookup(fd) if task.state != DEAD else None


class FdDirectory(DirectoryNode):
    """fd (links) or fdinfo (texts)."""

    def __init__(self, fs: PseudoFs, ino: int, task: "Task", is_info: bool) -> None:
        super().__init__(fs, ino, 0o555 if is_info else 0o500, task.creds.euid, task.creds.egid)
        self.task = task
        self.is_info = is_info

    def revalidate(self) -> bool:
        return self.task.state != DEAD

    def check_open(self, flags: int) -> None:
        if not may_inspect(self.pseudo.kernel, self.task.process):
            raise LinuxError(EACCES)

    def lookup(self, name: bytes) -> Inode | None:
        fd = parse_fd(name)
        if fd < 0 or find_file(self.task, fd) is None:
            return None
        if not may_inspect(self.pseudo.kernel, self.task.process):
            raise LinuxError(EACCES)
        ino = (self.ino & ~0xFFF_FFFF) + fd
        if self.is_info:
            return FdInfoNode(self.pseudo, ino + FDINFO_INO_BASE, self.task, fd)
        return FdLink(self.pseudo, ino + FD_INO_BASE, self.task, fd)

    def list(self, cookie: int) -> list[DirEntry]:
        if self.task.state == DEAD:
            return []
        base = (self.ino & ~0xFFF_FFFF) + (FDINFO_INO_BASE if self.is_info else FD_INO_BASE)
        entries: list[DirEntry] = []
        for fd in self.task.files.open_fds():
            if fd + 3 > cookie:
                entries.append(DirEntry(b"%d" % fd, base + fd, DT_REG if self.is_info else DT_LNK, fd + 3))
        return entries


class FdLink(LinkNode):
    """fd/N: mode says how it is open (lr-x------ and the like)."""

    def __init__(self, fs: PseudoFs, ino: int, task: "Task", fd: int) -> None:
        super().__init__(fs, ino, b"", task.creds.euid, task.creds.egid)
        self.task = task
        self.fd = fd
        self.revalidate()

    def revalidate(self) -> bool:
        file = find_file(self.task, self.fd)
        if file is None:
            return False
        mode = 0o100
        if not file.flags & O_PATH:
            if file.flags & 3 != 1:
                mode |= 0o400
            if file.flags & 3 != 0:
                mode |= 0o200
        self.mode = S_IFLNK | mode
        return True

    def shown_size(self) -> int:
        return 64

    def readlink(self) -> bytes:
        file = self._file()
        return name_of(file, self.task)

    def follow(self) -> Path | None:
        file = self._file()
        path = file.link_path()
        if path is None:
            inode = UnnamedInode(self.pseudo, file)
            dentry = Dentry(None, b"", inode)
            path = Path(Mount(self.pseudo, dentry, None, None, 0, b"none", 0), dentry)
        return path

    def _file(self) -> File:
        file = find_file(self.task, self.fd)
        if file is None:
            raise LinuxError(ENOENT)
        if not may_inspect(self.pseudo.kernel, self.task.process):
            raise LinuxError(EACCES)
        return file


def name_of(file: File, task: "Task") -> bytes:
    """What the link says: a path as `task` sees it, or "pipe:[12]"."""
    if file.path is None or file.path.mount.mount_id == 0:
        return file.describe().encode("utf-8", "surrogateescape")
    return path_string(task.fs.root, file.path)


class UnnamedInode(Inode):
    """A file without an inode that could be opened: stat(2) works, open(2) is ENXIO."""

    def __init__(self, fs: PseudoFs, file: File) -> None:
        stat = file.stat()
        super().__init__(fs, stat.ino, stat.mode, stat.uid, stat.gid)
        self._stat = stat

    def stat(self) -> Stat:
        return self._stat

    def open_special(self, task: "Task", path: Path, flags: int) -> "File | int | None":
        return -ENXIO


class FdInfoNode(TextNode):
    def __init__(self, fs: PseudoFs, ino: int, task: "Task", fd: int) -> None:
        super().__init__(fs, ino, 0o444, task.creds.euid, task.creds.egid)
        self.task = task
        self.fd = fd

    def revalidate(self) -> bool:
        return find_file(self.task, self.fd) is not None

    def render(self) -> bytes:
        file = find_file(self.task, self.fd)
        if file is None:
            raise LinuxError(ENOENT)
        flags = file.flags | (O_CLOEXEC if self.fd in self.task.files.cloexec else 0)
        mount_id = file.path.mount.mount_id if file.path is not None else 0
        head = b"pos:\t%d\nflags:\t0%o\nmnt_id:\t%d\nino:\t%d\n" % (file.pos, flags, mount_id, file.stat().ino)
        return head + file_locks(self.pseudo.kernel, file) + file.fdinfo()
