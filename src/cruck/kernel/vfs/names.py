# SPDX-License-Identifier: MPL-2.0
"""Making, moving and removing names (Linux fs/namei.c vfs_create … vfs_rename): all checks, then the file system, then
the dentry cache.

Callers have resolved the parent directory (`walk.resolve_parent`) and give the last component. Anything that makes an
inode
with a name, such as bind(2) of a local socket, uses `create_node`. Every function refuses by LinuxError before it
changes anything.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import (
    EBUSY,
    EEXIST,
    EINVAL,
    EISDIR,
    ENAMETOOLONG,
    ENOENT,
    ENOTDIR,
    ENOTEMPTY,
    EPERM,
    EXDEV,
)
from cruck.abi.fcntl import RENAME_EXCHANGE, RENAME_NOREPLACE, RENAME_WHITEOUT
from cruck.abi.stat import S_IFCHR, S_IFDIR, S_ISGID, S_ISUID, S_IXGRP
from cruck.kernel.errors import LinuxError
from cruck.kernel.process.credentials import CAP_MKNOD, Credentials
from cruck.kernel.vfs import dcache
from cruck.kernel.vfs.acl import inherit
from cruck.kernel.vfs.dentry import Dentry, Path
from cruck.kernel.vfs.fsnotify import notify_create, notify_delete, notify_gone, notify_link, notify_rename
from cruck.kernel.vfs.inode import Inode
from cruck.kernel.vfs.permission import (
    MAY_READ,
    MAY_WRITE,
    check_access,
    check_create,
    check_delete,
    check_mount_writable,
    has_access,
    is_device,
    is_owner_or_capable,
    new_inode_owner,
)
from cruck.kernel.vfs.walk import NAME_MAX

if TYPE_CHECKING:
    from cruck.kernel.process.task import Task

MAX_NLINK: Final = 0x7FFF_FFFF


def is_special_name(name: bytes) -> bool:
    """Is the last component one that cannot be made or removed: "/", "." or ".."?"""
    return name == b"" or name == b"." or name == b".."


def child_of(directory: Path, name: bytes) -> Dentry:
    """The dentry of an ordinary name. Errors: LinuxError(ENAMETOOLONG)."""
    if len(name) > NAME_MAX:
        raise LinuxError(ENAMETOOLONG)
    return dcache.lookup(directory.dentry, name)


def prepare_create(creds: Credentials, directory: Path, name: bytes, has_slash: bool, is_dir: bool) -> Dentry:
    """The negative dentry at which a new name is to be made (filename_create).

    Errors: LinuxError: EEXIST, ENOENT ("name/" for what is no directory), EROFS, EACCES.
    """
    child = new_name(directory, name, has_slash, is_dir)
    check_create(creds, directory, directory.dentry.is_unlinked)
    return child


def new_name(directory: Path, name: bytes, has_slash: bool, is_dir: bool) -> Dentry:
    """prepare_create() without the check of permission."""
    if is_special_name(name):
        raise LinuxError(EEXIST)
    child = child_of(directory, name)
    if child.inode is not None:
        raise LinuxError(EEXIST)
    if has_slash and not is_dir:
        raise LinuxError(ENOENT)
    check_mount_writable(directory.mount)
    return child


def create_node(task: "Task", directory: Path, name: bytes, mode: int, rdev: int = 0, has_slash: bool = False) -> Path:
    """A new regular file, FIFO, socket or device node; the umask is applied here.

    Errors: LinuxError: EEXIST, ENOENT, EROFS, EACCES, EPERM (device without CAP_MKNOD), ENOSPC, ENAMETOOLONG.
    """
    creds = task.creds
    child = prepare_create(creds, directory, name, has_slash, False)
    if is_device(mode) and not creds.has(CAP_MKNOD):
        raise LinuxError(EPERM)
    parent = directory.inode()
    mode, uid, gid = new_inode_owner(creds, parent, mode, task.fs.umask)
    created = parent.create(name, mode, uid, gid, rdev)
    inherit(parent, created)
    dcache.instantiate(child, created)
    notify_create(child)
    return Path(directory.mount, child)


def make_directory(task: "Task", directory: Path, name: bytes, mode: int) -> Path:
    """Errors: LinuxError as create_node()."""
    creds = task.creds
    child = prepare_create(creds, directory, name, True, True)
    parent = directory.inode()
    mode, uid, gid = new_inode_owner(creds, parent, S_IFDIR | mode & 0o1777, task.fs.umask)
    created = parent.mkdir(name, mode, uid, gid)
    inherit(parent, created)
    dcache.instantiate(child, created)
    notify_create(child)
    return Path(directory.mount, child)


def make_symlink(task: "Task", directory: Path, name: bytes, has_slash: bool, target: bytes) -> None:
    creds = task.creds
    child = prepare_create(creds, directory, name, has_slash, False)
    parent = directory.inode()
    uid_gid = new_inode_owner(creds, parent, 0, 0)
    dcache.instantiate(child, parent.symlink(name, target, uid_gid[1], uid_gid[2]))
    notify_create(child)


def make_link(task: "Task", source: Path, directory: Path, name: bytes, has_slash: bool) -> None:
    """A hard link. Errors: LinuxError: as create_node(), EXDEV, EPERM (directories), ENOENT (source has no name
    left)."""
    creds = task.creds
    inode = source.inode()
    child = new_name(directory, name, has_slash, False)
    if source.mount is not directory.mount or inode.fs is not directory.inode().fs:
        raise LinuxError(EXDEV)
    if not is_owner_or_capable(creds, inode) and not _is_safe_source(creds, inode):
        raise LinuxError(EPERM)
    check_create(creds, directory, directory.dentry.is_unlinked)
    if inode.is_dir():
        raise LinuxError(EPERM)
    if inode.nlink == 0 and not inode.is_linkable:
        raise LinuxError(ENOENT)
    directory.inode().link(name, inode)
    inode.is_linkable = False
    dcache.instantiate(child, inode)
    notify_link(child)


def _is_safe_source(creds: Credentials, inode: Inode) -> bool:
    """May somebody else's file be linked to? As with fs.protected_hardlinks = 1, the setting of all distributions."""
    mode = inode.mode
    if not inode.is_regular() or mode & S_ISUID or mode & (S_ISGID | S_IXGRP) == S_ISGID | S_IXGRP:
        return False
    return has_access(creds, inode, MAY_READ | MAY_WRITE)


def unlink(task: "Task", directory: Path, name: bytes, has_slash: bool) -> None:
    """Errors: LinuxError: EISDIR, ENOENT, ENOTDIR, EACCES, EPERM, EROFS, EBUSY."""
    if is_special_name(name):
        raise LinuxError(EISDIR)
    check_mount_writable(directory.mount)
    child = child_of(directory, name)
    inode = child.inode
    if inode is None:
        raise LinuxError(ENOENT)
    if has_slash:
        raise LinuxError(EISDIR if inode.is_dir() else ENOTDIR)
    check_delete(task.creds, directory, child, False)
    if child.nr_mounts:
        raise LinuxError(EBUSY)
    directory.inode().unlink(name, inode)
    dcache.remove(child)
    notify_delete(child)
    forget_if_unused(inode)


def remove_directory(task: "Task", directory: Path, name: bytes) -> None:
    """Errors: LinuxError: ENOTEMPTY, EINVAL ("."), EBUSY (mount point, "/"), and as unlink()."""
    if name == b"..":
        raise LinuxError(ENOTEMPTY)
    if name == b".":
        raise LinuxError(EINVAL)
    if name == b"":
        raise LinuxError(EBUSY)
    check_mount_writable(directory.mount)
    child = child_of(directory, name)
    inode = child.inode
    if inode is None:
        raise LinuxError(ENOENT)
    check_delete(task.creds, directory, child, True)
    if child.nr_mounts:
        raise LinuxError(EBUSY)
    directory.inode().rmdir(name, inode)
    dcache.remove(child)
    notify_delete(child)
    forget_if_unused(inode)


def rename(
    task: "Task", old_dir: Path, old_name: bytes, old_slash: bool, new_dir: Path, new_name: bytes, new_slash: bool, flags: int
) -> None:
    """rename(2), renameat2(2); `flags`: RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_WHITEOUT.

    Errors: LinuxError: EXDEV, EBUSY, ENOENT, EEXIST, ENOTDIR, EISDIR, EINVAL (into itself), ENOTEMPTY, EACCES, EPERM,
    EROFS.
    """
    creds = task.creds
    if old_dir.mount is not new_dir.mount:
        raise LinuxError(EXDEV)
    if is_special_name(old_name):
        raise LinuxError(EBUSY)
    if is_special_name(new_name):
        raise LinuxError(EEXIST if flags & RENAME_NOREPLACE else EBUSY)
    check_mount_writable(old_dir.mount)
    exchange = bool(flags & RENAME_EXCHANGE)
    old = child_of(old_dir, old_name)
    source = old.inode
    if source is None:
        raise LinuxError(ENOENT)
    new = child_of(new_dir, new_name)
    target = new.inode
    if flags & RENAME_NOREPLACE and target is not None:
        raise LinuxError(EEXIST)
    if exchange:
        if target is None:
            raise LinuxError(ENOENT)
        if not target.is_dir() and new_slash:
            raise LinuxError(ENOTDIR)
    if not source.is_dir() and (old_slash or not exchange and new_slash):
        raise LinuxError(ENOTDIR)
    # A directory cannot move below itself; nor may what is replaced contain what is moved.
    if source.is_dir() and dcache.is_ancestor(old, new_dir.dentry):
        raise LinuxError(EINVAL)
    if target is not None and target.is_dir() and dcache.is_ancestor(new, old_dir.dentry):
        raise LinuxError(EINVAL if exchange else ENOTEMPTY)
    if source is target:
        return  # Two names of one file: nothing happens, both stay.
    if flags & RENAME_WHITEOUT:
        if not creds.has(CAP_MKNOD):
            raise LinuxError(EPERM)
        old_dir.mount.fs.check_whiteout()
    _check_rename(creds, old_dir, old, new_dir, new, exchange)
    if old.nr_mounts or new.nr_mounts:
        raise LinuxError(EBUSY)
    old_dir.inode().rename(old_name, source, new_dir.inode(), new_name, target, exchange)
    if exchange:
        dcache.exchange(old, new)
        _notify_rename(task, old_dir, old_name, new_dir, new_name, source, None)
        assert target is not None
        _notify_rename(task, new_dir, new_name, old_dir, old_name, target, None)
    else:
        dcache.move(old, new_dir.dentry, new_name)
        _notify_rename(task, old_dir, old_name, new_dir, new_name, source, target)
        if target is not None:
            forget_if_unused(target)
        if flags & RENAME_WHITEOUT:
            old_dir.inode().create(old_name, S_IFCHR, creds.fsuid, creds.fsgid, 0)


def _notify_rename(task: "Task", old_dir: Path, old_name: bytes, new_dir: Path, new_name: bytes, source: Inode,
                   target: Inode | None) -> None:  # fmt: skip
    kernel = task.kernel
    if kernel.nr_watches:
        kernel.rename_cookie = (kernel.rename_cookie + 1) & 0xFFFF_FFFF
        notify_rename(old_dir.inode(), old_name, new_dir.inode(), new_name, source, target, kernel.rename_cookie)


def _check_rename(creds: Credentials, old_dir: Path, old: Dentry, new_dir: Path, new: Dentry, exchange: bool) -> None:
    source = old.inode
    target = new.inode
    assert source is not None
    check_delete(creds, old_dir, old, source.is_dir())
    if target is None:
        check_create(creds, new_dir, new_dir.dentry.is_unlinked)
    else:
        check_delete(creds, new_dir, new, target.is_dir() if exchange else source.is_dir())
    # Moving a directory changes its "..".
    if old_dir.dentry is not new_dir.dentry:
        if source.is_dir():
            check_access(creds, source, MAY_WRITE)
        if exchange and target is not None and target.is_dir():
            check_access(creds, target, MAY_WRITE)


def forget_if_unused(inode: Inode) -> None:
    """A name went away: if it was the last and nobody has the file open, the file is gone."""
    if inode.nlink == 0 and inode.nr_opens == 0:
        notify_gone(inode)
        inode.forget()
