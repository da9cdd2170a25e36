# SPDX-License-Identifier: MPL-2.0
"""Directories: getdents, mkdir, rmdir, getcwd, chdir, fchdir, chroot (Linux fs/readdir.c, fs/open.c, fs/d_path.c)."""

import struct
from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EINVAL, ENAMETOOLONG, ENOENT, ENOTDIR, EPERM, ERANGE
from cruck.abi.fcntl import AT_FDCWD
from cruck.abi.inotify import IN_ACCESS
from cruck.kernel.errors import LinuxError
from cruck.kernel.process.credentials import CAP_SYS_CHROOT
from cruck.kernel.syscalls.types import CUInt, DirFd, Fd, Mode, OutBuffer, Size, UserAddr, UserPath
from cruck.kernel.vfs import names
from cruck.kernel.vfs.fsnotify import notify_dentry
from cruck.kernel.vfs.permission import MAY_EXEC, check_access
from cruck.kernel.vfs.walk import LOOKUP_DIRECTORY, path_names, read_path, resolve, resolve_parent

if TYPE_CHECKING:
    from cruck.kernel.process.task import Task
    from cruck.kernel.vfs.dentry import Path

# struct linux_dirent64 without d_name: d_ino, d_off, d_reclen, d_type
_DIRENT64: Final = struct.Struct("<QqHB")
DIRENT64_NAME: Final = 19
# struct linux_dirent: d_ino, d_off, d_reclen; the type is the last byte of the record
_DIRENT: Final = struct.Struct("<QQH")
DIRENT_NAME: Final = 18
MAX_BUFFER: Final = 1 << 20
PATH_MAX: Final = 4096


def sys_getdents64(task: "Task", fd: Fd, buffer: UserAddr, count: CUInt) -> int:
    """Bytes of whole entries. Errors: EBADF, ENOTDIR, EINVAL (no room for one entry), EFAULT, ENOENT (the directory is deleted)."""
    return _getdents(task, fd, buffer, count, True)


def sys_getdents(task: "Task", fd: Fd, buffer: UserAddr, count: CUInt) -> int:
    """As getdents64."""
    return _getdents(task, fd, buffer, count, False)


def _getdents(task: "Task", fd: int, buffer: int, count: int, is_64: bool) -> int:
    file = task.files.get(fd)
    inode = file.inode()
    if inode is None or not inode.is_dir():
        return -ENOTDIR
    room = min(count, MAX_BUFFER)
    cookie = file.pos
    parts: list[bytes] = []
    used = 0
    while True:
        entries = file.readdir(cookie)
        if not entries:
            break
        is_full = False
        for entry in entries:
            name = entry.name
            if is_64:
                reclen = (DIRENT64_NAME + len(name) + 8) & ~7  # with the NUL
            else:
                reclen = (DIRENT_NAME + len(name) + 9) & ~7  # with the NUL and the type
            if used + reclen > room:
                is_full = True
                break
            if is_64:
                head = _DIRENT64.pack(entry.ino, entry.cookie, reclen, entry.kind)
                record = head + name
                parts.append(record + bytes(reclen - len(record)))
            else:
                record = _DIRENT.pack(entry.ino, entry.cookie, reclen) + name
                parts.append(record + bytes(reclen - len(record) - 1) + bytes((entry.kind,)))
            used += reclen
            cookie = entry.cookie
        if is_full:
            if not parts:
                return -EINVAL
            break
    if parts:
        data = b"".join(parts)
        task.user.write(buffer, data)
        file.pos = cookie
        if task.kernel.nr_watches and file.path is not None:
            notify_dentry(file.path.dentry, IN_ACCESS)
    return used


def sys_mkdir(task: "Task", path: UserPath, mode: Mode) -> int:
    """Errors: the path's, EEXIST, EROFS, ENOSPC."""
    return _mkdir(task, AT_FDCWD, path, mode)


def sys_mkdirat(task: "Task", dirfd: DirFd, path: UserPath, mode: Mode) -> int:
    """As mkdir. Errors: also EBADF (dirfd)."""
    return _mkdir(task, dirfd, path, mode)


def _mkdir(task: "Task", dirfd: int, addr: int, mode: int) -> int:
    directory, name, _ = resolve_parent(task, dirfd, read_path(task, addr))
    names.make_directory(task, directory, name, mode)
    return 0


def sys_rmdir(task: "Task", path: UserPath) -> int:
    """Errors: the path's, EINVAL ("."), ENOTEMPTY (also "…/.."), EBUSY (a mount point, "/"), EPERM (sticky directory), EROFS."""
    directory, name, _ = resolve_parent(task, AT_FDCWD, read_path(task, path))
    names.remove_directory(task, directory, name)
    return 0


def sys_getcwd(task: "Task", buffer: OutBuffer, size: Size) -> int:
    """The length with the NUL. Errors: ENOENT (deleted), ERANGE, ENAMETOOLONG, EFAULT."""
    cwd = task.fs.cwd
    if cwd.dentry.is_unlinked:
        return -ENOENT
    text, is_reachable = path_names(task.fs.root, cwd)
    if not is_reachable:
        text = b"(unreachable)" + text
    if len(text) + 1 > PATH_MAX:
        return -ENAMETOOLONG
    if len(text) + 1 > size:
        return -ERANGE
    task.user.write(buffer, text + b"\0")
    return len(text) + 1


def sys_chdir(task: "Task", path: UserPath) -> int:
    """Errors: the path's."""
    place = resolve(task, AT_FDCWD, read_path(task, path), LOOKUP_DIRECTORY)
    check_access(task.creds, place.inode(), MAY_EXEC)
    task.fs.cwd = place
    return 0


def sys_fchdir(task: "Task", fd: Fd) -> int:
    """Errors: EBADF, ENOTDIR, EACCES."""
    place = _directory_of(task, fd)
    check_access(task.creds, place.inode(), MAY_EXEC)
    task.fs.cwd = place
    return 0


def _directory_of(task: "Task", fd: int) -> "Path":
    place = task.files.get_any(fd).path
    if place is None or not place.inode().is_dir():
        raise LinuxError(ENOTDIR)
    return place


def sys_chroot(task: "Task", path: UserPath) -> int:
    """Errors: the path's, EPERM (no CAP_SYS_CHROOT)."""
    place = resolve(task, AT_FDCWD, read_path(task, path), LOOKUP_DIRECTORY)
    check_access(task.creds, place.inode(), MAY_EXEC)
    if not task.creds.has_own(CAP_SYS_CHROOT):
        return -EPERM
    task.fs.root = place
    return 0
