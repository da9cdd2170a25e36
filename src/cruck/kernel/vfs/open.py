# SPDX-License-Identifier: MPL-2.0
"""open(2): from flags and a path to an open file (Linux fs/namei.c do_filp_open, fs/open.c).

`open_path` is open, openat, openat2 and creat; `open_exec` opens a program for execve; `open_inode` opens a place
that is already known. FIFOs may have to wait for their other end: then the result is what the handler is to return.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EACCES, EEXIST, EINVAL, EISDIR, ELOOP, ENOENT, ENOTDIR, ENXIO, EPERM, ETXTBSY
from cruck.abi.fcntl import (
    __O_TMPFILE as O_TMPFILE_BIT,
)
from cruck.abi.fcntl import (
    AT_EMPTY_PATH,
    AT_SYMLINK_NOFOLLOW,
    FASYNC,
    O_ACCMODE,
    O_APPEND,
    O_CLOEXEC,
    O_CREAT,
    O_DIRECT,
    O_DIRECTORY,
    O_EXCL,
    O_LARGEFILE,
    O_NOATIME,
    O_NOCTTY,
    O_NOFOLLOW,
    O_NONBLOCK,
    O_PATH,
    O_SYNC,
    O_TRUNC,
    RESOLVE_IN_ROOT,
)
from cruck.abi.inotify import IN_MODIFY, IN_OPEN
from cruck.abi.stat import S_IFBLK, S_IFCHR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG, S_IFSOCK
from cruck.kernel.errors import LinuxError
from cruck.kernel.vfs import dcache, names
from cruck.kernel.vfs.acl import inherit
from cruck.kernel.vfs.dentry import Dentry, Path
from cruck.kernel.vfs.file import COUNT_EXEC, COUNT_OPEN, COUNT_WRITER, File
from cruck.kernel.vfs.fsnotify import notify_create, notify_dentry
from cruck.kernel.vfs.inode import Inode
from cruck.kernel.vfs.permission import (
    MAY_EXEC,
    MAY_READ,
    MAY_WRITE,
    check_access,
    check_create,
    check_mount_writable,
    check_path_access,
    is_owner_or_capable,
    mode_after_write,
    new_inode_owner,
)
from cruck.kernel.vfs.walk import (
    LOOKUP_DIRECTORY,
    LOOKUP_EMPTY,
    LOOKUP_NOFOLLOW,
    Walker,
    empty_path_start,
    resolve,
    start_of,
)

if TYPE_CHECKING:
    from cruck.kernel.process.task import Task

MS_NODEV: Final = 4
MS_NOEXEC: Final = 8

VALID_FLAGS: Final = (
    O_ACCMODE
    | O_CREAT
    | O_EXCL
    | O_NOCTTY
    | O_TRUNC
    | O_APPEND
    | O_NONBLOCK
    | O_SYNC
    | FASYNC
    | O_DIRECT
    | O_LARGEFILE
    | O_DIRECTORY
    | O_NOFOLLOW
    | O_NOATIME
    | O_CLOEXEC
    | O_PATH
    | O_TMPFILE_BIT
)
# What an open file does not remember.
FORGOTTEN_FLAGS: Final = O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC
_ACCESS: Final = (MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE, MAY_READ | MAY_WRITE)


class PathFile(File):
    """An O_PATH descriptor: a place, not an open file."""


def check_flags(flags: int) -> int:
    """The flags as they count, unknown ones dropped (openat2 refuses those before). Errors: LinuxError(EINVAL)."""
    flags &= VALID_FLAGS
    if flags & O_PATH:
        return flags & (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    if flags & O_TMPFILE_BIT:
        if not flags & O_DIRECTORY or flags & O_CREAT or not _ACCESS[flags & O_ACCMODE] & MAY_WRITE:
            raise LinuxError(EINVAL)
    elif flags & (O_CREAT | O_DIRECTORY) == O_CREAT | O_DIRECTORY:
        raise LinuxError(EINVAL)
    return flags


def open_path(task: "Task", dirfd: int, path: bytes, flags: int, mode: int = 0, how_resolve: int = 0) -> File | int:
    """The opened file, not yet in the descriptor table; or what the call returns (a FIFO that waits, −errno).

    Args:
        flags: O_*, as check_flags() returned them.
        mode: permission bits for a new file; the umask is applied here.
        how_resolve: RESOLVE_* of openat2.
    Errors: LinuxError: everything open(2) lists but EMFILE.
    """
    if not path:
        raise LinuxError(ENOENT)
    walker = Walker(task.fs.root, task.creds, how_resolve)
    start = start_of(task, dirfd, b"." if how_resolve & RESOLVE_IN_ROOT else path)
    if flags & O_TMPFILE_BIT:
        return _open_tmpfile(task, walker.walk(start, path, LOOKUP_DIRECTORY), flags, mode)
    if not flags & O_CREAT:
        lookup = LOOKUP_NOFOLLOW if flags & O_NOFOLLOW else 0
        if flags & O_DIRECTORY:
            lookup |= LOOKUP_DIRECTORY
        return open_inode(task, walker.walk(start, path, lookup), flags)
    return _open_create(task, walker, start, path, flags, mode)


def _open_create(task: "Task", walker: Walker, start: Path, path: bytes, flags: int, mode: int) -> File | int:
    directory = walker.walk_parent(start, path)
    while True:
        name = walker.last
        if names.is_special_name(name):
            raise LinuxError(EEXIST if flags & O_EXCL else EISDIR)
        if walker.has_slash:
            raise LinuxError(EISDIR)
        place = walker.child(directory, name)
        inode = place.dentry.inode
        if inode is None:
            break
        if flags & O_EXCL:
            raise LinuxError(EEXIST)
        if inode.mode & S_IFMT != S_IFLNK:
            return open_inode(task, place, flags)
        if flags & O_NOFOLLOW:
            raise LinuxError(ELOOP)
        magic = walker.follow_last(directory, place)
        if magic is not None:
            return open_inode(task, magic, flags)
        directory = Path(walker.mount, walker.dentry)
    creds = task.creds
    check_create(creds, directory, directory.dentry.is_unlinked)
    parent = directory.inode()
    new_mode, uid, gid = new_inode_owner(creds, parent, S_IFREG | mode & 0o7777, task.fs.umask)
    created = parent.create(name, new_mode, uid, gid)
    inherit(parent, created)
    dcache.instantiate(place.dentry, created)
    notify_create(place.dentry)
    # Whoever makes a file may open it in any way, whatever its mode says.
    return _open_checked(task, place, flags & ~O_TRUNC)


def _open_tmpfile(task: "Task", directory: Path, flags: int, mode: int) -> File | int:
    creds = task.creds
    parent = directory.inode()
    check_mount_writable(directory.mount)
    check_access(creds, parent, MAY_WRITE | MAY_EXEC)
    new_mode, uid, gid = new_inode_owner(creds, parent, S_IFREG | mode & 0o7777, task.fs.umask)
    inode = parent.tmpfile(new_mode, uid, gid)
    inherit(parent, inode)
    inode.is_linkable = not flags & O_EXCL
    dentry = Dentry(directory.dentry, b"#%d" % inode.ino, inode)
    dentry.is_unlinked = True
    return _open_checked(task, Path(directory.mount, dentry), flags & ~(O_DIRECTORY | O_TMPFILE_BIT))


def open_inode(task: "Task", place: Path, flags: int) -> File | int:
    """Opens what is there: permission, kind, truncation (may_open, do_open). Errors: LinuxError."""
    inode = place.inode()
    kind = inode.mode & S_IFMT
    if flags & O_PATH:
        return attach(PathFile(flags), place)
    access = _ACCESS[flags & O_ACCMODE]
    if flags & O_TRUNC:
        access |= MAY_WRITE
    if flags & O_DIRECTORY and not inode.is_dir():
        raise LinuxError(ENOTDIR)
    if kind == S_IFLNK:
        raise LinuxError(ELOOP)
    if inode.is_dir():
        if flags & O_CREAT or access & MAY_WRITE:
            raise LinuxError(EISDIR)
    elif kind in (S_IFCHR, S_IFBLK):
        if place.mount.flags & MS_NODEV:
            raise LinuxError(EACCES)
        flags &= ~O_TRUNC
    elif kind in (S_IFIFO, S_IFSOCK):
        flags &= ~O_TRUNC
    check_path_access(task.creds, place, access)
    if flags & O_NOATIME and not is_owner_or_capable(task.creds, inode):
        raise LinuxError(EPERM)
    return _open_checked(task, place, flags)


def _open_checked(task: "Task", place: Path, flags: int) -> File | int:
    inode = place.inode()
    kind = inode.mode & S_IFMT
    kept = flags & ~FORGOTTEN_FLAGS | O_LARGEFILE
    special = inode.open_special(task, place, kept)
    if special is not None:
        if isinstance(special, File) and special.path is None:
            attach(special, place)
        return special
    if kind == S_IFREG:
        if flags & (O_ACCMODE | O_TRUNC):
            if inode.write_count < 0:
                raise LinuxError(ETXTBSY)
            if flags & O_TRUNC:
                truncate_inode(task, inode, 0)
                file = attach(inode.open(place, kept), place)
                notify_dentry(place.dentry, IN_MODIFY)  # after IN_OPEN, as Linux tells it
                return file
    elif kind == S_IFIFO:
        from cruck.kernel.ipc.fifo import open_fifo

        opened = open_fifo(task, inode, kept)
        if isinstance(opened, File) and opened.path is None:
            attach(opened, place)
        return opened
    elif kind in (S_IFCHR, S_IFBLK):
        device: File = task.kernel.devices.open(task, inode.mode, inode.rdev, place, flags & ~(O_CREAT | O_EXCL | O_CLOEXEC))
        if device.path is None:
            attach(device, place)
        return device
    elif kind == S_IFSOCK:
        raise LinuxError(ENXIO)
    return attach(inode.open(place, kept), place)


def attach(file: File, place: Path) -> File:
    """Gives a new open file its place and counts it in the inode."""
    file.path = place
    inode = place.inode()
    if not file.flags & O_PATH:
        notify_dentry(place.dentry, IN_OPEN)
    inode.nr_opens += 1
    file.counts = COUNT_OPEN
    if file.flags & O_ACCMODE and not file.flags & O_PATH and inode.mode & S_IFMT == S_IFREG:
        inode.write_count += 1
        file.counts = COUNT_OPEN | COUNT_WRITER
    return file


def truncate_inode(task: "Task", inode: Inode, length: int) -> None:
    """truncate(2) once permission is given. Errors: LinuxError."""
    inode.truncate(length)
    mode = mode_after_write(task.creds, inode.mode)
    if mode != inode.mode:
        inode.set_attributes(mode & 0o7777)


def open_exec(task: "Task", dirfd: int, path: bytes, flags: int = 0) -> File:
    """A regular, executable file for execve(2), open for reading; while it is open nobody may write to it (ETXTBSY).

    Args:
        flags: AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW.
    Errors: LinuxError: ENOENT, EACCES (no permission, not a regular file, noexec mount), ELOOP, ETXTBSY, …
    """
    if not path and flags & AT_EMPTY_PATH:
        place = empty_path_start(task, dirfd)
    else:
        place = resolve(task, dirfd, path, LOOKUP_NOFOLLOW if flags & AT_SYMLINK_NOFOLLOW else 0)
    inode = place.inode()
    kind = inode.mode & S_IFMT
    if kind == S_IFLNK:
        raise LinuxError(ELOOP)
    if kind != S_IFREG or place.mount.flags & MS_NOEXEC:
        raise LinuxError(EACCES)
    check_access(task.creds, inode, MAY_EXEC)
    if inode.write_count > 0:
        raise LinuxError(ETXTBSY)
    file = inode.open(place, O_LARGEFILE)
    attach(file, place)
    inode.write_count -= 1
    file.counts |= COUNT_EXEC
    return file


def open_kernel(place: Path, flags: int) -> File:
    """For the kernel itself: a regular file or directory, without asking for permission. Errors: LinuxError."""
    return attach(place.inode().open(place, flags | O_LARGEFILE), place)


__all__ = [
    "LOOKUP_EMPTY",
    "PathFile",
    "attach",
    "check_flags",
    "open_exec",
    "open_inode",
    "open_kernel",
    "open_path",
    "truncate_inode",
]
