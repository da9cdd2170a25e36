# SPDX-License-Identifier: MPL-2.0
"""HostDirectory: a tree of the host's file system as an unforgeable object.

Whoever holds it can reach what is beneath it and nothing else. Paths are bytes relative to the tree's root, `b""` is
the root itself, components are separated by one slash; a component is never empty, "." or "..". No symbolic link is
followed: links are data for our own path walk. Neighbours: host_tree_file.py (what `open` returns), kernel/fs/hostfs
(the file system made of it). It has no Linux policy but what protects the host.

Beneath only, by construction: every host call names one component, relative to a descriptor that was opened the same
way with O_NOFOLLOW, down from the root. A component without a slash that is not ".." cannot leave its directory, so
openat2(RESOLVE_BENEATH) would add nothing but a dependency on the host's version; the few directory descriptors kept
make most operations a single host call.

All operations answer −errno instead of raising.

Safety: holds for any arguments. Devices, FIFOs and sockets of the host are never opened: a file is pinned by O_PATH,
seen to be regular, and only then opened through that pin. The descriptors belong to this object and are not inherited
by exec. File systems that are windows into the host's kernel or its processes (procfs, sysfs, …) are not entered where they are mounted
inside the tree: /proc/self there is ourselves. A host process that moves directories about while we run can make a cached descriptor name a directory that
moved (even out of the tree); services notice by `stat` of each component and call `forget`.
"""

import errno
import os
import stat as host_stat
from typing import Final

from cruck.framework.io.host_tree_file import HostStat, HostTreeFile, to_host_stat

# Directory descriptors kept beside the root's.
MAX_CACHED: Final = 24

DT_UNKNOWN: Final = 0
DT_DIR: Final = 4
DT_REG: Final = 8
DT_LNK: Final = 10

_PIN_FLAGS: Final = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_DIRECTORY_FLAGS: Final = _PIN_FLAGS | os.O_DIRECTORY
_OPEN_FLAGS: Final = os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_NOT_NAMES: Final = (b"", b".", b"..")
_WINDOWS: Final = frozenset(
    b"proc sysfs cgroup cgroup2 debugfs tracefs securityfs configfs bpf pstore efivarfs devpts mqueue binfmt_misc fusectl nsfs".split()
)


class HostDirectory:
    # Never change:
    is_writable: bool
    only_world_readable: bool  # what "others" may not read is refused with EACCES: for system directories, as root
    hides_dotfiles: bool  # names at the root of the tree that begin with a dot are absent: for home directories
    only_entry: bytes  # the one name at the root that exists; b"" all: for sharing a single file
    _path: str
    _root: int  # descriptor; −1 closed
    _devices: dict[int, bool]  # st_dev → may it be entered?
    _cache: dict[bytes, int]  # relative path → O_PATH descriptor, least recently used first; ≤ MAX_CACHED

    def __init__(
        self,
        path: str | bytes | os.PathLike[str],
        is_writable: bool = False,
        only_world_readable: bool = False,
        hides_dotfiles: bool = False,
        only_entry: bytes = b"",
    ) -> None:
        """Opens the tree at the host's `path` (whose own symbolic links are followed, once).

        Errors: OSError: there is no such directory or we may not search it; EACCES: it is of a procfs."""
        self._root = -1
        self._cache = {}
        self.is_writable = is_writable
        self.only_world_readable = only_world_readable
        self.hides_dotfiles = hides_dotfiles
        self.only_entry = only_entry
        self._path = os.path.realpath(os.fsdecode(path))
        self._root = os.open(self._path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        device = os.fstat(self._root).st_dev
        if _file_system_of(device) == b"proc":
            raise OSError(errno.EACCES, "the host's processes are not shared", self._path)
        self._devices = {device: True}

    def __reduce__(self) -> tuple[object, ...]:
        filters = (self.only_world_readable, self.hides_dotfiles, self.only_entry)
        return (HostDirectory, (self._path, self.is_writable, *filters))

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Idempotent. Later calls answer −EBADF."""
        self._drop_all()
        root, self._root = self._root, -1
        if root >= 0:
            os.close(root)

    def describe(self) -> bytes:
        """The tree's path on the host: for messages and /proc/mounts."""
        return os.fsencode(self._path)

    # Looking.

    def stat(self, path: bytes) -> HostStat | int:
        """lstat(2)."""
        try:
            if not path:
                return to_host_stat(os.fstat(self._root))
            directory, name = self._locate(path)
            if directory < 0:
                return directory
            return to_host_stat(os.stat(name, dir_fd=directory, follow_symlinks=False))
        except OSError as error:
            return -(error.errno or errno.EIO)

    def list_entries(self, path: bytes) -> list[tuple[bytes, int, int]] | int:
        """All entries but "." and "..": (name, inode number, DT_*). Cost: O(entries)."""
        directory = self._directory(path)
        if directory < 0:
            return directory
        try:
            if self.only_world_readable and not os.fstat(directory).st_mode & host_stat.S_IROTH:
                return -errno.EACCES
            fd = os.open(b".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=directory)
            try:
                entries = _scan(fd)
            finally:
                os.close(fd)
        except OSError as error:
            return -(error.errno or errno.EIO)
        if not path and (self.hides_dotfiles or self.only_entry):
            entries = [entry for entry in entries if not self._is_hidden(entry[0])]
        return entries

    def readlink(self, path: bytes) -> bytes | int:
        directory, name = self._locate(path)
        if directory < 0:
            return directory
        try:
            return os.readlink(name, dir_fd=directory)
        except OSError as error:
            return -(error.errno or errno.EIO)

    def statfs(self) -> tuple[int, int, int, int, int, int] | int:
        """(block size, blocks, free, available, files, free files) of the root's file system."""
        if self._root < 0:
            return -errno.EBADF
        try:
            st = os.statvfs(self._root)
        except OSError as error:
            return -(error.errno or errno.EIO)
        return (st.f_frsize, st.f_blocks, st.f_bfree, st.f_bavail, st.f_files, st.f_ffree)

    def open(self, path: bytes, access: int) -> HostTreeFile | int:
        """A regular file for O_RDONLY, O_WRONLY or O_RDWR. −EINVAL: it is of another kind; −EROFS: not writable."""
        if access not in (os.O_RDONLY, os.O_WRONLY, os.O_RDWR):
            return -errno.EINVAL
        if access != os.O_RDONLY and not self.is_writable:
            return -errno.EROFS
        pin = self._pin(path)
        if pin < 0:
            return pin
        try:
            st = os.fstat(pin)
            if not host_stat.S_ISREG(st.st_mode):
                return -errno.EINVAL
            if self.only_world_readable and not st.st_mode & host_stat.S_IROTH or not self._may_enter(st.st_dev):
                return -errno.EACCES
            fd = self._open_pinned(pin, path, access, (st.st_dev, st.st_ino))
            if fd < 0:
                return fd
            return HostTreeFile(fd, self, path, access, (st.st_dev, st.st_ino))
        except OSError as error:
            return -(error.errno or errno.EIO)
        finally:
            os.close(pin)

    # Changing. Without `is_writable` the answer is −EROFS.

    def create(self, path: bytes, mode: int) -> HostTreeFile | int:
        """A new regular file, open for reading and writing; −EEXIST. The host's umask does not apply."""
        directory, name = self._locate_writable(path)
        if directory < 0:
            return directory
        if mode & 0o6000:
            return -errno.EPERM
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | _OPEN_FLAGS
            fd = os.open(name, flags, 0o600, dir_fd=directory)
        except OSError as error:
            return -(error.errno or errno.EIO)
        try:
            os.fchmod(fd, mode & 0o1777)
            st = os.fstat(fd)
        except OSError as error:
            os.close(fd)
            return -(error.errno or errno.EIO)
        return HostTreeFile(fd, self, path, os.O_RDWR, (st.st_dev, st.st_ino))

    def make_node(self, path: bytes, mode: int) -> int:
        """A FIFO, a socket's name, or an overlay's whiteout (character device 0/0); −EPERM for any other kind."""
        directory, name = self._locate_writable(path)
        if directory < 0:
            return directory
        kind = host_stat.S_IFMT(mode)
        if kind not in (host_stat.S_IFIFO, host_stat.S_IFSOCK, host_stat.S_IFCHR) or mode & 0o6000:
            return -errno.EPERM
        try:
            # mknod(2) applies our umask; the mode is put right afterwards. Device 0/0 opens nothing: Linux's whiteout.
            os.mknod(name, mode & 0o171777, 0, dir_fd=directory)
        except OSError as error:
            return -(error.errno or errno.EIO)
        return 0 if kind == host_stat.S_IFCHR else self.chmod(path, mode & 0o1777)

    def mkdir(self, path: bytes, mode: int) -> int:
        directory, name = self._locate_writable(path)
        if directory < 0:
            return directory
        try:
            os.mkdir(name, 0o700, dir_fd=directory)
        except OSError as error:
            return -(error.errno or errno.EIO)
        return self.chmod(path, mode & 0o3777)

    def symlink(self, path: bytes, target: bytes) -> int:
        directory, name = self._locate_writable(path)
        if directory < 0:
            return directory
        try:
            os.symlink(target, name, dir_fd=directory)
        except (OSError, ValueError) as error:
            return -(error.errno or errno.EIO) if isinstance(error, OSError) else -errno.EINVAL
        return 0

    def link(self, path: bytes, new_path: bytes) -> int:
        """A second name for a file of this tree (a symbolic link itself, not what it leads to)."""
        return self._two_names(path, new_path, True)

    def unlink(self, path: bytes) -> int:
        directory, name = self._locate_writable(path)
        if directory < 0:
            return directory
        try:
            os.unlink(name, dir_fd=directory)
        except OSError as error:
            return -(error.errno or errno.EIO)
        return 0

    def rmdir(self, path: bytes) -> int:
        directory, name = self._locate_writable(path)
        if directory < 0:
            return directory
        self.forget(path)
        try:
            os.rmdir(name, dir_fd=directory)
        except OSError as error:
            return -(error.errno or errno.EIO)
        return 0

    def rename(self, path: bytes, new_path: bytes) -> int:
        """Replaces what `new_path` names, if it can (rename(2))."""
        result = self._two_names(path, new_path, False)
        if result == 0:
            self.forget(path)
            self.forget(new_path)
        return result

    def chmod(self, path: bytes, mode: int) -> int:
        """−EPERM for set-user-id and set-group-id files: a guest must not plant privileged programs on the host."""
        if not self.is_writable:
            return -errno.EROFS
        pin = self._pin(path)
        if pin < 0:
            return pin
        try:
            st = os.fstat(pin)
            if host_stat.S_ISLNK(st.st_mode):
                return -errno.EOPNOTSUPP
            if mode & 0o4000 or (mode & 0o2000 and not host_stat.S_ISDIR(st.st_mode)):
                return -errno.EPERM
            # chmod through the pin: by name, a host process could swap in a link between our look and the change.
            os.chmod(_pinned(pin), mode & 0o7777)
        except OSError as error:
            return -(error.errno or errno.EIO)
        finally:
            os.close(pin)
        return 0

    def chown(self, path: bytes, uid: int, gid: int) -> int:
        """Of a link itself; −1 leaves an id as it is."""
        directory, name = self._locate_writable(path)
        if directory < 0:
            return directory
        try:
            os.chown(name, uid, gid, dir_fd=directory, follow_symlinks=False)
        except OSError as error:
            return -(error.errno or errno.EIO)
        return 0

    def utimens(self, path: bytes, atime_ns: int, mtime_ns: int) -> int:
        """Of a link itself."""
        if not path and self.is_writable:
            try:
                os.utime(_pinned(self._root), ns=(atime_ns, mtime_ns))
            except OSError as error:
                return -(error.errno or errno.EIO)
            return 0
        directory, name = self._locate_writable(path)
        if directory < 0:
            return directory
        try:
            os.utime(name, ns=(atime_ns, mtime_ns), dir_fd=directory, follow_symlinks=False)
        except OSError as error:
            return -(error.errno or errno.EIO)
        return 0

    def truncate(self, path: bytes, length: int) -> int:
        file = self.open(path, os.O_WRONLY)
        if isinstance(file, int):
            return file
        result = file.truncate(length)
        file.close()
        return result

    # Extended attributes: only the user namespace crosses the border, so that no ACL, capability or label does.

    def getxattr(self, path: bytes, name: bytes) -> bytes | int:
        if not name.startswith(b"user."):
            return -errno.EOPNOTSUPP
        if self.only_world_readable:
            return -errno.ENODATA
        pin = self._pin(path)
        if pin < 0:
            return pin
        try:
            return os.getxattr(_pinned(pin), name)
        except OSError as error:
            return -(error.errno or errno.EIO)
        finally:
            os.close(pin)

    def listxattr(self, path: bytes) -> list[bytes] | int:
        if self.only_world_readable:
            return []
        pin = self._pin(path)
        if pin < 0:
            return pin
        try:
            if host_stat.S_ISLNK(os.fstat(pin).st_mode):
                return []
            names = [os.fsencode(name) for name in os.listxattr(_pinned(pin))]
        except OSError as error:
            return -(error.errno or errno.EIO)
        finally:
            os.close(pin)
        return [name for name in names if name.startswith(b"user.")]

    def setxattr(self, path: bytes, name: bytes, value: bytes, flags: int) -> int:
        """flags: XATTR_CREATE, XATTR_REPLACE."""
        if not self.is_writable:
            return -errno.EROFS
        if not name.startswith(b"user."):
            return -errno.EOPNOTSUPP
        pin = self._pin(path)
        if pin < 0:
            return pin
        try:
            os.setxattr(_pinned(pin), name, value, flags & 3)
        except OSError as error:
            return -(error.errno or errno.EIO)
        finally:
            os.close(pin)
        return 0

    def removexattr(self, path: bytes, name: bytes) -> int:
        if not self.is_writable:
            return -errno.EROFS
        if not name.startswith(b"user."):
            return -errno.EOPNOTSUPP
        pin = self._pin(path)
        if pin < 0:
            return pin
        try:
            os.removexattr(_pinned(pin), name)
        except OSError as error:
            return -(error.errno or errno.EIO)
        finally:
            os.close(pin)
        return 0

    def fsync_directory(self, path: bytes) -> int:
        """The names in a directory reach the disk."""
        directory = self._directory(path)
        if directory < 0:
            return directory
        try:
            fd = os.open(b".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=directory)
            try:
                os.fsync(fd)
            finally:
                os.close(fd)
        except OSError as error:
            return -(error.errno or errno.EIO)
        return 0

    def sync(self) -> None:
        """sync(2), if there can be anything of ours to write back. Cost: that of the whole host's dirty pages."""
        if self.is_writable and self._root >= 0:
            os.sync()

    def forget(self, path: bytes) -> None:
        """Something else has, or may have, this name now: drops what is cached of it and beneath it."""
        if not self._cache:
            return
        prefix = path + b"/"
        for cached in [entry for entry in self._cache if entry == path or entry.startswith(prefix)]:
            os.close(self._cache.pop(cached))

    # How.

    def _is_hidden(self, path: bytes) -> bool:
        first = path.partition(b"/")[0]
        return (self.hides_dotfiles and first.startswith(b".")) or (self.only_entry != b"" and first != self.only_entry)

    def _locate(self, path: bytes) -> tuple[int, bytes]:
        """(descriptor of the directory, last component), or (−errno, b"")."""
        parent, slash, name = path.rpartition(b"/")
        if name in _NOT_NAMES or b"\0" in name or (slash and not parent):
            return -errno.EINVAL, b""
        if (self.hides_dotfiles or self.only_entry) and self._is_hidden(path):
            return -errno.ENOENT, b""
        return self._directory(parent), name

    def _locate_writable(self, path: bytes) -> tuple[int, bytes]:
        return self._locate(path) if self.is_writable else (-errno.EROFS, b"")

    def _two_names(self, path: bytes, new_path: bytes, is_link: bool) -> int:
        directory, name = self._locate_writable(path)
        if directory < 0:
            return directory
        try:
            source = os.dup(directory)  # looking for the second may push the first out of the cache
        except OSError as error:
            return -(error.errno or errno.EIO)
        try:
            target, new_name = self._locate(new_path)
            if target < 0:
                return target
            if is_link:
                os.link(name, new_name, src_dir_fd=source, dst_dir_fd=target, follow_symlinks=False)
            else:
                os.rename(name, new_name, src_dir_fd=source, dst_dir_fd=target)
        except OSError as error:
            return -(error.errno or errno.EIO)
        finally:
            os.close(source)
        return 0

    def _directory(self, path: bytes) -> int:
        """A descriptor that stays this object's, valid until the next call of this method; −errno."""
        if not path:
            return self._check_searchable(self._root)
        cache = self._cache
        fd = cache.get(path, -1)
        if fd >= 0:
            del cache[path]
            cache[path] = fd
            return fd
        if (self.hides_dotfiles or self.only_entry) and self._is_hidden(path):
            return -errno.ENOENT
        start = path.rfind(b"/")
        while start > 0 and path[:start] not in cache:
            start = path.rfind(b"/", 0, start)
        if start > 0:
            fd = cache[path[:start]]
        else:
            fd = self._check_searchable(self._root)
            if fd < 0:
                return fd
        start = max(start, 0)
        while start < len(path):
            begin = start + 1 if start else 0
            end = path.find(b"/", begin)
            if end < 0:
                end = len(path)
            fd = self._enter(fd, path[begin:end])
            if fd < 0:
                return fd
            self._remember(path[:end], fd)
            start = end
        return fd

    def _enter(self, directory: int, name: bytes) -> int:
        if name in _NOT_NAMES or b"\0" in name:
            return -errno.EINVAL
        try:
            fd = os.open(name, _DIRECTORY_FLAGS, dir_fd=directory)
        except OSError as error:
            return -(error.errno or errno.EIO)
        checked = self._check_searchable(fd) if self._may_enter(os.fstat(fd).st_dev) else -errno.EACCES
        if checked < 0:
            os.close(fd)
        return checked

    def _may_enter(self, device: int) -> bool:
        known = self._devices.get(device)
        if known is None:
            known = self._devices[device] = _file_system_of(device) not in _WINDOWS
        return known

    def _check_searchable(self, fd: int) -> int:
        if self.only_world_readable:
            try:
                if not os.fstat(fd).st_mode & host_stat.S_IXOTH:
                    return -errno.EACCES
            except OSError as error:
                return -(error.errno or errno.EIO)
        return fd if fd >= 0 else -errno.EBADF

    def _remember(self, path: bytes, fd: int) -> None:
        cache = self._cache
        while len(cache) >= MAX_CACHED:
            oldest = next(iter(cache))
            os.close(cache.pop(oldest))
        cache[path] = fd

    def _drop_all(self) -> None:
        for fd in self._cache.values():
            os.close(fd)
        self._cache.clear()

    def _pin(self, path: bytes) -> int:
        """An O_PATH descriptor, the caller's to close; −errno. Opens nothing, not even a FIFO."""
        try:
            if not path:
                return os.open(b".", _PIN_FLAGS, dir_fd=self._root)
            directory, name = self._locate(path)
            if directory < 0:
                return directory
            return os.open(name, _PIN_FLAGS, dir_fd=directory)
        except OSError as error:
            return -(error.errno or errno.EIO)

    def _open_pinned(self, pin: int, path: bytes, access: int, identity: tuple[int, int]) -> int:
        try:
            return os.open(_pinned(pin), access | _OPEN_FLAGS)
        except FileNotFoundError:
            pass  # a host without /proc
        directory, name = self._locate(path)
        if directory < 0:
            return directory
        fd = os.open(name, access | os.O_NOFOLLOW | _OPEN_FLAGS, dir_fd=directory)
        st = os.fstat(fd)
        if (st.st_dev, st.st_ino) != identity:
            os.close(fd)
            return -errno.ESTALE
        return fd


def _file_system_of(device: int) -> bytes:
    """The type of the file system mounted with this st_dev; b"" if the host does not say (no /proc, a subvolume) or it has a block device
    of its own, as no window has: most trees ask nothing of the host here."""
    if os.major(device):
        return b""
    number = b"%d:%d" % (os.major(device), os.minor(device))
    try:
        with open("/proc/self/mountinfo", "rb") as mounts:
            for line in mounts:
                fields = line.split()
                if fields[2] == number:
                    return fields[fields.index(b"-") + 1]
    except OSError:
        pass
    return b""


def _pinned(fd: int) -> bytes:
    """The one magic link we follow: our own descriptor's."""
    return b"/proc/self/fd/%d" % fd


def _scan(fd: int) -> list[tuple[bytes, int, int]]:
    entries: list[tuple[bytes, int, int]] = []
    with os.scandir(fd) as scan:
        for entry in scan:
            if entry.is_file(follow_symlinks=False):
                kind = DT_REG
            elif entry.is_dir(follow_symlinks=False):
                kind = DT_DIR
            elif entry.is_symlink():
                kind = DT_LNK
            else:
                try:
                    kind = host_stat.S_IFMT(os.stat(entry.name, dir_fd=fd, follow_symlinks=False).st_mode) >> 12
                except OSError:
                    kind = DT_UNKNOWN
            entries.append((os.fsencode(entry.name), entry.inode(), kind))
    return entries
