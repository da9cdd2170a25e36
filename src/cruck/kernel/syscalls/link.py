# SPDX-License-Identifier: MPL-2.0
"""Names: link, unlink, rename, symlink, readlink, mknod (Linux fs/namei.c). The rules are in vfs/names.py."""

from typing import TYPE_CHECKING

from cruck.abi.errno import EINVAL, ENOENT, EPERM
from cruck.abi.fcntl import (
    AT_EMPTY_PATH,
    AT_FDCWD,
    AT_REMOVEDIR,
    AT_SYMLINK_FOLLOW,
    RENAME_EXCHANGE,
    RENAME_NOREPLACE,
    RENAME_WHITEOUT,
)
from cruck.abi.stat import S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFMT, S_IFREG, S_IFSOCK
from cruck.kernel.process.credentials import CAP_DAC_READ_SEARCH
from cruck.kernel.syscalls.types import CInt, CUInt, DirFd, Flags, Mode, OutBuffer, UserPath, UserString
from cruck.kernel.vfs import names
from cruck.kernel.vfs.walk import LOOKUP_EMPTY, LOOKUP_NOFOLLOW, read_path, resolve, resolve_parent

if TYPE_CHECKING:
    from cruck.kernel.process.task import Task


def sys_unlink(task: "Task", path: UserPath) -> int:
    """Errors: the path's, EISDIR, EPERM (sticky directory), EBUSY (a mount point), EROFS."""
    return _unlink(task, AT_FDCWD, path)


def sys_unlinkat(task: "Task", dirfd: DirFd, path: UserPath, flags: Flags) -> int:
    """As unlink; with AT_REMOVEDIR as rmdir. Errors: also EBADF (dirfd), EINVAL (flags)."""
    if flags & ~AT_REMOVEDIR:
        return -EINVAL
    if not flags & AT_REMOVEDIR:
        return _unlink(task, dirfd, path)
    directory, name, _ = resolve_parent(task, dirfd, read_path(task, path))
    names.remove_directory(task, directory, name)
    return 0


def _unlink(task: "Task", dirfd: int, addr: int) -> int:
    directory, name, has_slash = resolve_parent(task, dirfd, read_path(task, addr))
    names.unlink(task, directory, name, has_slash)
    return 0


def sys_rename(task: "Task", old: UserPath, new: UserPath) -> int:
    """Errors: either path's, EXDEV (another mount), EBUSY (".", "..", a mount point), EINVAL (a directory below itself), EISDIR, ENOTEMPTY,
    EPERM (sticky directory), EROFS, ENOSPC."""
    return _rename(task, AT_FDCWD, old, AT_FDCWD, new, 0)


def sys_renameat(task: "Task", old_dirfd: DirFd, old: UserPath, new_dirfd: DirFd, new: UserPath) -> int:
    """As rename. Errors: also EBADF (dirfd)."""
    return _rename(task, old_dirfd, old, new_dirfd, new, 0)


def sys_renameat2(task: "Task", old_dirfd: DirFd, old: UserPath, new_dirfd: DirFd, new: UserPath, flags: Flags) -> int:
    """As renameat. Errors: also EINVAL (flags; RENAME_WHITEOUT where the file system makes none), EEXIST (RENAME_NOREPLACE)."""
    return _rename(task, old_dirfd, old, new_dirfd, new, flags)


def _rename(task: "Task", old_dirfd: int, old_addr: int, new_dirfd: int, new_addr: int, flags: int) -> int:
    """Errors: EINVAL (flags; RENAME_WHITEOUT where the file system makes none), and vfs/names.py's."""
    if flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT):
        return -EINVAL
    if flags & RENAME_EXCHANGE and flags & (RENAME_NOREPLACE | RENAME_WHITEOUT):
        return -EINVAL
    old_path = read_path(task, old_addr)
    new_path = read_path(task, new_addr)
    old_dir, old_name, old_slash = resolve_parent(task, old_dirfd, old_path)
    new_dir, new_name, new_slash = resolve_parent(task, new_dirfd, new_path)
    names.rename(task, old_dir, old_name, old_slash, new_dir, new_name, new_slash, flags)
    return 0


def sys_link(task: "Task", old: UserPath, new: UserPath) -> int:
    """Errors: either path's, EEXIST, EXDEV (another mount), EPERM (a directory; somebody else's file that is not safe), EROFS, ENOSPC."""
    return _link(task, AT_FDCWD, old, AT_FDCWD, new, 0)


def sys_linkat(task: "Task", old_dirfd: DirFd, old: UserPath, new_dirfd: DirFd, new: UserPath, flags: Flags) -> int:
    """As link. Errors: also EBADF (dirfd), EINVAL (flags)."""
    return _link(task, old_dirfd, old, new_dirfd, new, flags)


def _link(task: "Task", old_dirfd: int, old_addr: int, new_dirfd: int, new_addr: int, flags: int) -> int:
    if flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH):
        return -EINVAL
    old_path = read_path(task, old_addr)
    # A descriptor is no right to give a file a name again: Linux asks for a capability, and says ENOENT without.
    if not old_path and flags & AT_EMPTY_PATH and not task.creds.has(CAP_DAC_READ_SEARCH):
        return -ENOENT
    lookup = 0 if flags & AT_SYMLINK_FOLLOW else LOOKUP_NOFOLLOW
    if flags & AT_EMPTY_PATH:
        lookup |= LOOKUP_EMPTY
    source = resolve(task, old_dirfd, old_path, lookup)
    directory, name, has_slash = resolve_parent(task, new_dirfd, read_path(task, new_addr))
    names.make_link(task, source, directory, name, has_slash)
    return 0


def sys_symlink(task: "Task", target: UserString, path: UserPath) -> int:
    """Errors: the path's, EEXIST, EROFS, ENOSPC."""
    return _symlink(task, target, AT_FDCWD, path)


def sys_symlinkat(task: "Task", target: UserString, dirfd: DirFd, path: UserPath) -> int:
    """As symlink. Errors: also EBADF (dirfd)."""
    return _symlink(task, target, dirfd, path)


def _symlink(task: "Task", target_addr: int, dirfd: int, addr: int) -> int:
    target = read_path(task, target_addr)
    if not target:
        return -ENOENT
    directory, name, has_slash = resolve_parent(task, dirfd, read_path(task, addr))
    names.make_symlink(task, directory, name, has_slash, target)
    return 0


def sys_readlink(task: "Task", path: UserPath, buffer: OutBuffer, size: CInt) -> int:
    """Bytes of the target, cut at `size`. Errors: the path's, EINVAL (size ≤ 0, no symbolic link)."""
    return _readlink(task, AT_FDCWD, path, buffer, size)


def sys_readlinkat(task: "Task", dirfd: DirFd, path: UserPath, buffer: OutBuffer, size: CInt) -> int:
    """As readlink. Errors: also EBADF (dirfd)."""
    return _readlink(task, dirfd, path, buffer, size)


def _readlink(task: "Task", dirfd: int, addr: int, buffer: int, size: int) -> int:
    """Errors: EINVAL (size ≤ 0, no symbolic link); ENOENT for "" and no link, as Linux."""
    if size <= 0:
        return -EINVAL
    path = read_path(task, addr)
    # "" means the descriptor itself here without any flag (an O_PATH descriptor of a link).
    inode = resolve(task, dirfd, path, LOOKUP_NOFOLLOW | LOOKUP_EMPTY).inode() if path or dirfd != AT_FDCWD else None
    if inode is None or not inode.is_symlink():
        return -EINVAL if path else -ENOENT
    target = inode.readlink()[:size]
    task.user.write(buffer, target)
    return len(target)


def sys_mknod(task: "Task", path: UserPath, mode: Mode, dev: CUInt) -> int:
    """Errors: the path's, EEXIST, EPERM (a directory; devices without CAP_MKNOD), EINVAL (no such type), EROFS, ENOSPC."""
    return _mknod(task, AT_FDCWD, path, mode, dev)


def sys_mknodat(task: "Task", dirfd: DirFd, path: UserPath, mode: Mode, dev: CUInt) -> int:
    """As mknod. Errors: also EBADF (dirfd)."""
    return _mknod(task, dirfd, path, mode, dev)


def _mknod(task: "Task", dirfd: int, addr: int, mode: int, dev: int) -> int:
    """Errors: EPERM (a directory; devices without CAP_MKNOD), EINVAL (no such type), and as open(O_CREAT)."""
    kind = mode & S_IFMT
    if kind == S_IFDIR:
        return -EPERM
    if kind not in (0, S_IFREG, S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK):
        return -EINVAL
    if kind == 0:
        mode |= S_IFREG
    directory, name, has_slash = resolve_parent(task, dirfd, read_path(task, addr))
    rdev = dev if kind in (S_IFCHR, S_IFBLK) else 0
    names.create_node(task, directory, name, mode & (S_IFMT | 0o7777), rdev, has_slash)
    return 0
