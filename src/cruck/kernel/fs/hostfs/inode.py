# SPDX-License-Identifier: MPL-2.0
"""HostInode: a file, directory or link of a host tree.

An inode is reached by (parent inode, name), so that renaming a directory moves everything beneath it; its identity is
the host's (st_dev, st_ino). Inodes with several names, and open ones, are found again by that identity.
"""

from typing import TYPE_CHECKING

from cruck.abi.errno import EINVAL, ELOOP, ENODATA, ENOENT, ENOTDIR, ENXIO, EPERM
from cruck.framework.io.host_tree_file import HostStat, HostTreeFile
from cruck.kernel.errors import LinuxError
from cruck.kernel.fs.hostfs.mapping import HostMapping
from cruck.kernel.vfs.inode import S_IFDIR, S_IFMT, S_IFREG, Inode
from cruck.kernel.vfs.stat import Stat

if TYPE_CHECKING:
    from cruck.kernel.fs.hostfs.file_system import HostFs
    from cruck.kernel.vfs.dentry import Path
    from cruck.kernel.vfs.file import File


class HostInode(Inode):
    host_fs: "HostFs"
    parent: "HostInode | None"  # None: the root of the tree
    name: bytes
    aliases: "list[tuple[HostInode, bytes]]"  # further names we have seen
    key: tuple[int, int]  # (st_dev, st_ino) on the host
    host_stat: HostStat  # the last look
    is_gone: bool  # no name of it is left: reachable through reader or writer only
    children: "dict[bytes, HostInode]"  # seen names of a directory
    reader: HostTreeFile | None
    writer: HostTreeFile | None
    is_writer_readable: bool
    nr_files: int  # our open files
    nr_writers: int  # … for writing; the writer is kept while > 0
    pages: HostMapping | None

    def __init__(self, fs: "HostFs", parent: "HostInode | None", name: bytes, st: HostStat) -> None:
        super().__init__(fs, fs.unique_ino(st[12], st[4]), st[0], 0, 0)
        self.host_fs = fs
        self.parent = parent
        self.name = name
        self.aliases = []
        self.key = (st[12], st[4])
        self.is_gone = False
        self.children = {}
        self.reader = self.writer = None
        self.is_writer_readable = False
        self.nr_files = self.nr_writers = 0
        self.pages = None
        self.update(st)

    def update(self, st: HostStat) -> None:
        self.host_stat = st
        self.mode = st[0]
        self.nlink = st[1]
        self.uid = self.host_fs.owners.uid_from_host(st[2])
        self.gid = self.host_fs.owners.gid_from_host(st[3])
        self.rdev = st[13]

    def host_path(self) -> bytes:
        """Relative to the tree; b"" is its root."""
        if self.parent is None:
            return b""
        names: list[bytes] = []
        node: HostInode = self
        while node.parent is not None:
            names.append(node.name)
            node = node.parent
        names.reverse()
        return b"/".join(names)

    def child_path(self, name: bytes) -> bytes:
        path = self.host_path()
        return path + b"/" + name if path else name

    def any_file(self) -> HostTreeFile | None:
        return self.writer if self.writer is not None else self.reader

    def _look(self) -> HostStat | int:
        file = self.any_file()
        if file is not None:
            return file.stat()
        return -ENOENT if self.is_gone else self.host_fs.host.stat(self.host_path())

    def revalidate(self) -> bool:
        if self.host_fs.caches_names or self.parent is None:
            return True
        if self.is_gone or self.aliases:
            return False  # with several names, only a look at the name in question can tell
        path = self.host_path()
        st = self.host_fs.host.stat(path)
        if isinstance(st, int) or (st[12], st[4]) != self.key or (st[0] ^ self.mode) & S_IFMT:
            self.host_fs.host.forget(path)
            return False
        self.update(st)
        return True

    def stat(self) -> Stat:
        if not self.host_fs.caches_names:
            st = self._look()
            if not isinstance(st, int) and (st[12], st[4]) == self.key:
                self.update(st)
        st = self.host_stat
        result = Stat()
        result.dev = self.fs.dev
        result.ino = self.ino
        result.mode = self.mode
        result.nlink = self.nlink
        result.uid = self.uid
        result.gid = self.gid
        result.rdev = st[13]
        result.size = st[5]
        result.blocks = st[6]
        result.blksize = st[7]
        result.atime_ns = st[8]
        result.mtime_ns = st[9]
        result.ctime_ns = st[10]
        result.btime_ns = st[11]
        return result

    def size(self) -> int:
        """Bytes now."""
        if not self.host_fs.caches_names:
            file = self.any_file()
            if file is not None:
                length = file.size()
                if length >= 0:
                    return length
            self.stat()
        return self.host_stat[5]

    # Changing what it is.

    def set_attributes(
        self, mode: int = -1, uid: int = -1, gid: int = -1, atime_ns: int = -1, mtime_ns: int = -1, ctime_ns: int = -1
    ) -> None:
        """ctime is the host's business."""
        host = self.host_fs.host
        path = b"" if self.is_gone else self.host_path()
        file = self.any_file() if self.is_gone else None
        if self.is_gone and file is None:
            raise LinuxError(ENOENT)
        if uid != -1 or gid != -1:
            host_uid = uid if uid == -1 else self.host_fs.owners.uid_to_host(uid)
            host_gid = gid if gid == -1 else self.host_fs.owners.gid_to_host(gid)
            _check(file.chown(host_uid, host_gid) if file is not None else host.chown(path, host_uid, host_gid))
        if mode != -1:
            _check(file.chmod(mode & 0o7777) if file is not None else host.chmod(path, mode & 0o7777))
        if atime_ns != -1 or mtime_ns != -1:
            st = self._look()
            if isinstance(st, int):
                raise LinuxError(-st)
            atime = atime_ns if atime_ns != -1 else st[8]
            mtime = mtime_ns if mtime_ns != -1 else st[9]
            _check(file.utimens(atime, mtime) if file is not None else host.utimens(path, atime, mtime))
        self._refresh()

    def _refresh(self) -> None:
        st = self._look()
        if not isinstance(st, int):
            self.update(st)

    def truncate(self, length: int) -> None:
        if length < 0:
            raise LinuxError(EINVAL)
        writer = self.writer
        _check(writer.truncate(length) if writer is not None else self.host_fs.host.truncate(self.host_path(), length))
        self.shrunk(length)
        self._refresh()

    def shrunk(self, length: int) -> None:
        """The file ends at `length` now: pages wholly beyond it leave the address spaces."""
        if self.pages is not None:
            first = (length + 4095) & ~4095
            self.pages.unmap_pages(first, (1 << 62) - first)

    def open(self, path: "Path", flags: int) -> "File":
        from cruck.kernel.fs.hostfs.file import HostDirectoryFile, HostRegularFile

        kind = self.mode & S_IFMT
        if kind == S_IFDIR:
            return HostDirectoryFile(self, flags)
        if kind != S_IFREG:
            raise LinuxError(ENXIO)
        access = flags & 3
        if access == 0:
            reader = self.host_fs.open_reader(self)
            if isinstance(reader, int):
                raise LinuxError(-reader)
        else:
            self.host_fs.open_writer(self, access)
            self.nr_writers += 1
        self.nr_files += 1
        self.host_fs.linked[self.key] = self
        return HostRegularFile(self, flags)

    def file_released(self, was_writer: bool) -> None:
        self.nr_files -= 1
        if was_writer:
            self.nr_writers -= 1
            if self.nr_writers == 0 and not (self.is_gone and self.nr_files):
                self.close_writer()
                self._refresh()
        if self.nr_files == 0:
            if self.nlink <= 1 or self.is_gone:
                self.host_fs.linked.pop(self.key, None)
            if self.is_gone or not self.host_fs.caches_names:
                self.close_reader()
                self.close_writer()

    def close_reader(self) -> None:
        reader, self.reader = self.reader, None
        if reader is not None:
            self.host_fs.readers.pop(self, None)
            self.host_fs.pinned.pop(self, None)
            reader.close()

    def close_writer(self) -> None:
        writer, self.writer = self.writer, None
        if writer is not None:
            self.host_fs.writers.pop(self, None)
            writer.close()

    def forget(self) -> None:
        self.close_reader()
        self.close_writer()

    def mapping(self) -> HostMapping:
        if self.pages is None:
            self.pages = HostMapping(self)
        return self.pages

    # Directories.

    def lookup(self, name: bytes) -> "HostInode | None":
        fs = self.host_fs
        path = self.child_path(name)
        st = fs.host.stat(path)
        child = self.children.get(name)
        if isinstance(st, int):
            if st not in (-ENOENT, -ENOTDIR, -ELOOP):
                raise LinuxError(-st)
            if child is not None:
                del self.children[name]
                child._lose_name(self, name)
            return None
        key = (st[12], st[4])
        if child is not None:
            if child.key == key and not (st[0] ^ child.mode) & S_IFMT:
                child.update(st)
                return child
            fs.host.forget(path)
            child._lose_name(self, name)
        return self._adopt(name, key, st)

    def _adopt(self, name: bytes, key: tuple[int, int], st: HostStat) -> "HostInode":
        """The inode for a name just seen."""
        fs = self.host_fs
        child = fs.linked.get(key)
        if child is not None and (st[0] ^ child.mode) & S_IFMT == 0:
            if child.is_gone:
                child.is_gone = False
                child.parent = self
                child.name = name
            else:
                child.aliases.append((self, name))
            child.update(st)
        else:
            child = HostInode(fs, self, name, st)
            if st[1] > 1 and st[0] & S_IFMT != S_IFDIR:
                fs.linked[key] = child
        self.children[name] = child
        return child

    def _lose_name(self, directory: "HostInode", name: bytes) -> None:
        """`name` in `directory` is not this inode's any more."""
        if self.parent is directory and self.name == name:
            if self.aliases:
                self.parent, self.name = self.aliases.pop()
                return
            self.is_gone = True
            if self.nr_files:
                # What is open cannot be opened again: it is never closed for room.
                self.host_fs.readers.pop(self, None)
                if self.reader is not None:
                    self.host_fs.pinned[self] = None
            else:
                self.host_fs.linked.pop(self.key, None)
                self.close_reader()
                self.close_writer()
        elif (directory, name) in self.aliases:
            self.aliases.remove((directory, name))

    def _made(self, name: bytes, uid: int, gid: int, mode: int) -> "HostInode":
        """After a creation: ownership as far as the host lets us, and the inode."""
        fs = self.host_fs
        path = self.child_path(name)
        st = fs.host.stat(path)
        if isinstance(st, int):
            raise LinuxError(-st)
        host_uid, host_gid = fs.owners.uid_to_host(uid), fs.owners.gid_to_host(gid)
        if (st[2], st[3]) != (host_uid, host_gid):
            # Without the right to give files away the new file stays the host user's, as on a squashing network share.
            if fs.host.chown(path, host_uid, host_gid) == 0 and mode & S_IFMT in (S_IFREG, S_IFDIR):
                fs.host.chmod(path, mode & 0o7777)  # chown may clear bits
            st = fs.host.stat(path)
            if isinstance(st, int):
                raise LinuxError(-st)
        return self._adopt(name, (st[12], st[4]), st)

    def create(self, name: bytes, mode: int, uid: int, gid: int, rdev: int = 0) -> "HostInode":
        """Device nodes are refused (EPERM), but for 0/0: an overlay's whiteout. Set-user-id files are refused
        (EPERM)."""
        host = self.host_fs.host
        if mode & S_IFMT in (0, S_IFREG):
            writer = host.create(self.child_path(name), mode & 0o7777)
            if isinstance(writer, int):
                raise LinuxError(-writer)
            inode = self._made(name, uid, gid, mode | S_IFREG)
            if inode.key == writer.identity() and inode.writer is None:
                self.host_fs.keep_fresh(inode, writer)
            return inode
        if rdev:
            raise LinuxError(EPERM)
        _check(host.make_node(self.child_path(name), mode))
        return self._made(name, uid, gid, mode)

    def mkdir(self, name: bytes, mode: int, uid: int, gid: int) -> "HostInode":
        _check(self.host_fs.host.mkdir(self.child_path(name), mode & 0o7777))
        return self._made(name, uid, gid, mode & 0o7777 | S_IFDIR)

    def symlink(self, name: bytes, target: bytes, uid: int, gid: int) -> "HostInode":
        _check(self.host_fs.host.symlink(self.child_path(name), target))
        return self._made(name, uid, gid, 0)

    def link(self, name: bytes, target: Inode) -> None:
        assert isinstance(target, HostInode)
        if target.is_gone:
            raise LinuxError(ENOENT)
        _check(self.host_fs.host.link(target.host_path(), self.child_path(name)))
        target.aliases.append((self, name))
        self.children[name] = target
        self.host_fs.linked[target.key] = target
        target._refresh()

    def _keep_open(self) -> None:
        """Its last name may go: an open file needs its descriptor from now on."""
        if self.nr_files and self.any_file() is None:
            self.host_fs.open_reader(self)

    def _dropped(self, name: bytes, target: "HostInode") -> None:
        self.children.pop(name, None)
        target._lose_name(self, name)
        if target.is_gone or target.is_dir():
            target.nlink = 0
        else:
            target._refresh()

    def unlink(self, name: bytes, target: Inode) -> None:
        assert isinstance(target, HostInode)
        target._keep_open()
        _check(self.host_fs.host.unlink(self.child_path(name)))
        self._dropped(name, target)

    def rmdir(self, name: bytes, target: Inode) -> None:
        assert isinstance(target, HostInode)
        _check(self.host_fs.host.rmdir(self.child_path(name)))
        self._dropped(name, target)

    def rename(self, name: bytes, source: Inode, new_dir: Inode, new_name: bytes, target: Inode | None, exchange: bool) -> None:
        """Errors: LinuxError(EINVAL): exchange, which needs a host call we do not have."""
        assert isinstance(source, HostInode) and isinstance(new_dir, HostInode)
        if exchange:
            raise LinuxError(EINVAL)
        if isinstance(target, HostInode):
            target._keep_open()
        _check(self.host_fs.host.rename(self.child_path(name), new_dir.child_path(new_name)))
        if isinstance(target, HostInode) and target is not source:
            new_dir._dropped(new_name, target)
        self.children.pop(name, None)
        if source.parent is self and source.name == name:
            source.parent = new_dir
            source.name = new_name
        elif (self, name) in source.aliases:
            source.aliases.remove((self, name))
            source.aliases.append((new_dir, new_name))
        new_dir.children[new_name] = source

    def readlink(self) -> bytes:
        target = self.host_fs.host.readlink(self.host_path())
        if isinstance(target, int):
            raise LinuxError(-target)
        return target

    # Extended attributes: the user namespace of files and directories.

    def getxattr(self, name: bytes) -> bytes:
        if self.is_gone:
            raise LinuxError(ENODATA)
        value = self.host_fs.host.getxattr(self.host_path(), name)
        if isinstance(value, int):
            raise LinuxError(-value)
        return value

    def setxattr(self, name: bytes, value: bytes, flags: int) -> None:
        _check(self.host_fs.host.setxattr(self.host_path(), name, value, flags))

    def listxattr(self) -> list[bytes]:
        names = [] if self.is_gone else self.host_fs.host.listxattr(self.host_path())
        return [] if isinstance(names, int) else names

    def removexattr(self, name: bytes) -> None:
        _check(self.host_fs.host.removexattr(self.host_path(), name))


def _check(result: int) -> None:
    if result < 0:
        raise LinuxError(-result)
