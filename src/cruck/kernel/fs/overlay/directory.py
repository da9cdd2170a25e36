# SPDX-License-Identifier: MPL-2.0
"""OverlayDirectory: names of the upper tree, then those of the lower trees that are not hidden.

Source: Linux fs/overlayfs/{dir,namei,readdir}.c.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EINVAL, EISDIR, ENOENT, ENOTEMPTY, EPERM, EXDEV
from cruck.abi.fcntl import SEEK_CUR, SEEK_SET
from cruck.abi.stat import S_IFCHR, S_IFMT
from cruck.framework.mm.user_memory import VmReader, VmWriter
from cruck.kernel.errors import LinuxError
from cruck.kernel.fs.overlay.inode import OverlayInode
from cruck.kernel.fs.overlay.whiteout import (
    DT_CHR,
    OPAQUE_FILE,
    clear_marks,
    clear_whiteout,
    is_opaque,
    is_whiteout,
    list_entries,
    make_whiteout,
    set_opaque,
)
from cruck.kernel.vfs.file import DirEntry, File
from cruck.kernel.vfs.inode import Inode

if TYPE_CHECKING:
    from cruck.kernel.fs.overlay.file_system import OverlayFs
    from cruck.kernel.vfs.dentry import Path

ENTRIES_AT_ONCE: Final = 1024
DT_DIR: Final = 4


class OverlayDirectory(OverlayInode):
    # Every child that has been looked up: keeps inode numbers and what hangs on an inode (locks, FIFOs, sockets).
    children: dict[bytes, OverlayInode]

    def __init__(
        self, overlay: "OverlayFs", parent: "OverlayDirectory | None", name: bytes, upper: Inode | None, lowers: list[Inode]
    ) -> None:
        self.children = {}
        super().__init__(overlay, parent, name, upper, lowers)

    def refresh(self) -> None:
        super().refresh()
        if self.upper is not None and self.lowers:
            self.nlink = 1  # Linux says so too: "unknown", find(1) understands

    # Looking.

    def lookup(self, name: bytes) -> OverlayInode | None:
        child = self.children.get(name)
        if child is not None:
            return child
        upper: Inode | None = None
        if self.upper is not None:
            upper = self.upper.lookup(name)
            if upper is not None and (is_whiteout(upper) or name == OPAQUE_FILE):
                return None
        if upper is None:
            lowers = self._lower_entries(name)
            if not lowers:
                return None
        elif upper.is_dir() and self.lowers and not is_opaque(upper):
            lowers = self._lower_entries(name)
            if lowers and not lowers[0].is_dir():
                lowers = []
        else:
            lowers = []
        return self._adopt(name, upper, lowers)

    def _lower_entries(self, name: bytes) -> list[Inode]:
        """What the lower trees have under `name`: directories that merge, or one inode of another kind."""
        found: list[Inode] = []
        for lower in self.lowers:
            entry = lower.lookup(name)
            if entry is None:
                continue
            if is_whiteout(entry) or name == OPAQUE_FILE:
                break
            if not entry.is_dir():
                if not found:
                    found.append(entry)
                break
            found.append(entry)
            if len(self.lowers) > 1 and is_opaque(entry):
                break
        return found

    def _adopt(self, name: bytes, upper: Inode | None, lowers: list[Inode]) -> OverlayInode:
        real = upper if upper is not None else lowers[0]
        child: OverlayInode | None
        if real.is_dir():
            child = OverlayDirectory(self.overlay, self, name, upper, lowers)
        elif upper is None:
            child = OverlayInode(self.overlay, self, name, None, lowers)
        else:
            # A file with several names in the upper tree is one inode.
            child = self.overlay.by_upper.get(upper) if upper.nlink > 1 else None
            if child is None:
                child = OverlayInode(self.overlay, self, name, upper, lowers)
                if upper.nlink > 1:
                    self.overlay.by_upper[upper] = child
        self.children[name] = child
        return child

    def collect_entries(self) -> list[tuple[bytes, int, int]]:
        """All (name, inode number, DT_*), merged. Errors: LinuxError."""
        result: list[tuple[bytes, int, int]] = []
        seen: set[bytes] = set()
        upper = self.upper
        if upper is not None:
            for entry in list_entries(upper):
                seen.add(entry.name)
                child = self.lookup(entry.name)
                if child is not None:  # None: a whiteout or a mark
                    result.append((entry.name, child.ino, entry.kind))
        for lower in self.lowers:
            for entry in list_entries(lower):
                if entry.name in seen:
                    continue
                seen.add(entry.name)
                if entry.kind == DT_CHR or entry.name == OPAQUE_FILE:
                    found = lower.lookup(entry.name)
                    if found is None or is_whiteout(found) or entry.name == OPAQUE_FILE:
                        continue
                result.append((entry.name, entry.ino, entry.kind))
        return result

    def open(self, path: "Path", flags: int) -> File:
        return OverlayDirectoryFile(self, flags)

    # Making.

    def create(self, name: bytes, mode: int, uid: int, gid: int, rdev: int = 0) -> OverlayInode:
        """Errors: LinuxError(EPERM): character device 0/0, which is our mark."""
        if mode & S_IFMT == S_IFCHR and rdev == 0:
            raise LinuxError(EPERM)
        directory = self.upper_inode()
        had_whiteout = clear_whiteout(directory, name)
        try:
            upper = directory.create(name, mode, uid, gid, rdev)
        except LinuxError:
            self._restore_whiteout(directory, name, had_whiteout)
            raise
        return self._adopt(name, upper, [])

    def mkdir(self, name: bytes, mode: int, uid: int, gid: int) -> OverlayInode:
        directory = self.upper_inode()
        had_whiteout = clear_whiteout(directory, name)
        try:
            upper = directory.mkdir(name, mode, uid, gid)
            if self._hides_directory(name):
                set_opaque(upper)
        except LinuxError:
            self._restore_whiteout(directory, name, had_whiteout)
            raise
        self._sync_nlink()
        return self._adopt(name, upper, [])

    def symlink(self, name: bytes, target: bytes, uid: int, gid: int) -> OverlayInode:
        directory = self.upper_inode()
        had_whiteout = clear_whiteout(directory, name)
        try:
            upper = directory.symlink(name, target, uid, gid)
        except LinuxError:
            self._restore_whiteout(directory, name, had_whiteout)
            raise
        return self._adopt(name, upper, [])

    def link(self, name: bytes, target: Inode) -> None:
        assert isinstance(target, OverlayInode)
        source = target.upper_inode()
        directory = self.upper_inode()
        had_whiteout = clear_whiteout(directory, name)
        try:
            directory.link(name, source)
        except LinuxError:
            self._restore_whiteout(directory, name, had_whiteout)
            raise
        target.nlink = source.nlink
        if target.parent is None:
            target.parent = self
            target.name = name
        self.overlay.by_upper[source] = target
        self.children[name] = target

    def tmpfile(self, mode: int, uid: int, gid: int) -> OverlayInode:
        upper = self.upper_inode().tmpfile(mode, uid, gid)
        return OverlayInode(self.overlay, None, b"", upper, [])

    def _restore_whiteout(self, directory: Inode, name: bytes, had_whiteout: bool) -> None:
        if had_whiteout and directory.lookup(name) is None:
            make_whiteout(directory, name)

    def _hides_directory(self, name: bytes) -> bool:
        found = self._lower_entries(name)
        return bool(found) and found[0].is_dir()

    def _sync_nlink(self) -> None:
        if not (self.upper is not None and self.lowers):
            self.nlink = self.real().nlink

    # Removing.

    def unlink(self, name: bytes, target: Inode) -> None:
        assert isinstance(target, OverlayInode)
        directory = self.upper_inode()
        has_lower = bool(self._lower_entries(name))
        upper = target.upper
        if upper is not None:
            directory.unlink(name, upper)
            target.nlink = upper.nlink
        else:
            target.nlink = 0
        if has_lower:
            make_whiteout(directory, name)
        self._lost(name, target)

    def rmdir(self, name: bytes, target: Inode) -> None:
        assert isinstance(target, OverlayDirectory)
        if not target.is_empty():
            raise LinuxError(ENOTEMPTY)
        directory = self.upper_inode()
        has_lower = bool(self._lower_entries(name))
        if target.upper is not None:
            clear_marks(target.upper)
            directory.rmdir(name, target.upper)
        if has_lower:
            make_whiteout(directory, name)
        target.nlink = 0
        self._sync_nlink()
        self._lost(name, target)

    def is_empty(self) -> bool:
        return not self.collect_entries()

    def _lost(self, name: bytes, target: OverlayInode) -> None:
        self.children.pop(name, None)
        if target.parent is self and target.name == name:
            target.parent = None  # an upper inode with further names needs none

    def rename(self, name: bytes, source: Inode, new_dir: Inode, new_name: bytes, target: Inode | None, exchange: bool) -> None:
        """Errors: LinuxError(EXDEV): a directory that a lower tree has too."""
        assert isinstance(source, OverlayInode) and isinstance(new_dir, OverlayDirectory)
        assert target is None or isinstance(target, OverlayInode)
        if source.is_dir() and not exchange and isinstance(target, OverlayDirectory) and not target.is_empty():
            raise LinuxError(ENOTEMPTY)  # before EXDEV, so that programs do not begin to copy for nothing
        if source.is_dir() and source.lowers:
            raise LinuxError(EXDEV)
        if exchange:
            assert target is not None
            if target.is_dir() and target.lowers:
                raise LinuxError(EXDEV)
        elif isinstance(target, OverlayDirectory) and not target.is_empty():
            raise LinuxError(ENOTEMPTY)
        source_upper = source.upper_inode()
        target_upper = target.upper_inode() if exchange and target is not None else None
        from_dir = self.upper_inode()
        to_dir = new_dir.upper_inode()
        has_lower = bool(self._lower_entries(name))
        if source.is_dir() and new_dir._hides_directory(new_name):
            set_opaque(source_upper)
        if exchange:
            assert target is not None
            if target.is_dir() and self._hides_directory(name) and target_upper is not None:
                set_opaque(target_upper)
        else:
            clear_whiteout(to_dir, new_name)
            if target is not None and target.upper is not None:
                target_upper = target.upper
                if target.is_dir():
                    clear_marks(target_upper)
        from_dir.rename(name, source_upper, to_dir, new_name, target_upper, exchange)
        if exchange:
            assert target is not None
            self.children[name] = target
            target.parent = self
            target.name = name
        else:
            if has_lower:
                make_whiteout(from_dir, name)
            self.children.pop(name, None)
            if target is not None and target is not source:
                target.nlink = 0 if target_upper is None or target.is_dir() else target_upper.nlink
                new_dir._lost(new_name, target)
        new_dir.children[new_name] = source
        source.parent = new_dir
        source.name = new_name
        self._sync_nlink()
        new_dir._sync_nlink()


class OverlayDirectoryFile(File):
    """Lists what was there at the last rewind: cookies stay good however the directory changes."""

    directory: OverlayDirectory
    entries: list[DirEntry]

    def __init__(self, directory: OverlayDirectory, flags: int) -> None:
        super().__init__(flags)
        self.is_seekable = True
        self.directory = directory
        self.entries = []

    def read(self, out: VmWriter, offset: int) -> int:
        return -EISDIR

    def write(self, data: VmReader, offset: int) -> int:
        return -EISDIR

    def lseek(self, offset: int, whence: int) -> int:
        position = offset if whence == SEEK_SET else self.pos + offset if whence == SEEK_CUR else -1
        if position < 0:
            return -EINVAL
        self.pos = position
        return position

    def readdir(self, cookie: int) -> list[DirEntry]:
        directory = self.directory
        if directory.nlink == 0:
            raise LinuxError(ENOENT)
        if cookie == 0 or not self.entries:
            up = directory.parent if directory.parent is not None else directory
            entries = [DirEntry(b".", directory.ino, DT_DIR, 1), DirEntry(b"..", up.ino, DT_DIR, 2)]
            for name, ino, kind in directory.collect_entries():
                entries.append(DirEntry(name, ino, kind, len(entries) + 1))
            self.entries = entries
        return self.entries[max(cookie, 0) : max(cookie, 0) + ENTRIES_AT_ONCE]

    def fsync(self, data_only: bool) -> int:
        return 0
