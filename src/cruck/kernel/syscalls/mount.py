# SPDX-License-Identifier: MPL-2.0
"""mount, umount2, pivot_root (Linux fs/namespace.c). One mount namespace, no propagation: every mount is private."""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EBUSY, EINVAL, ELOOP, ENODEV, ENOENT, ENOSPC, ENOTDIR, EPERM
from cruck.abi.fcntl import AT_FDCWD
from cruck.abi.mount import (
    MNT_DETACH,
    MNT_EXPIRE,
    MNT_FORCE,
    MS_BIND,
    MS_MGC_MSK,
    MS_MGC_VAL,
    MS_MOVE,
    MS_NOATIME,
    MS_NODEV,
    MS_NODIRATIME,
    MS_NOEXEC,
    MS_NOSUID,
    MS_NOSYMFOLLOW,
    MS_PRIVATE,
    MS_RDONLY,
    MS_REC,
    MS_RELATIME,
    MS_REMOUNT,
    MS_SHARED,
    MS_SLAVE,
    MS_STRICTATIME,
    MS_UNBINDABLE,
    UMOUNT_NOFOLLOW,
)
from cruck.kernel.errors import LinuxError
from cruck.kernel.process.credentials import CAP_SYS_ADMIN
from cruck.kernel.syscalls.types import Flags, ULong, UserAddr, UserPath, UserString
from cruck.kernel.vfs.dcache import is_ancestor
from cruck.kernel.vfs.walk import LOOKUP_DIRECTORY, LOOKUP_NOFOLLOW, read_path, resolve

if TYPE_CHECKING:
    from cruck.kernel.process.task import Task
    from cruck.kernel.vfs.dentry import Dentry, Mount, MountNamespace, Path

MAX_MOUNTS: Final = 10_000
MAX_OPTIONS: Final = 4096
# What a mount remembers of mount(2)'s flags.
KEPT_FLAGS: Final = (
    MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME | MS_RELATIME | MS_STRICTATIME | MS_NOSYMFOLLOW
)


def sys_mount(task: "Task", source: UserString, target: UserPath, fs_type: UserString, flags: ULong, data: UserAddr) -> int:
    """Errors: EPERM (no CAP_SYS_ADMIN), ENODEV (unknown type), EINVAL, ENOTDIR, ENOENT, EBUSY, …"""
    if flags & MS_MGC_MSK == MS_MGC_VAL:
        flags = ULong(flags & ~MS_MGC_MSK)
    type_name = _read_string(task, fs_type)
    source_name = _read_string(task, source)
    options = _read_string(task, data) if not flags & (MS_BIND | MS_MOVE) else b""
    place = resolve(task, AT_FDCWD, read_path(task, target))
    if not task.creds.has(CAP_SYS_ADMIN):
        return -EPERM
    namespace = task.kernel.namespace
    if len(namespace.mounts) >= MAX_MOUNTS:
        return -ENOSPC
    if flags & MS_REMOUNT:
        return _remount(place, flags)
    if flags & MS_BIND:
        return _bind(task, namespace, source_name, place, flags)
    if flags & (MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE):
        # What is private may be declared so. Sharing with other namespaces does not exist here.
        if place.dentry is not place.mount.root or flags & (MS_SHARED | MS_UNBINDABLE):
            return -EINVAL
        return 0
    if flags & MS_MOVE:
        return _move(task, namespace, source_name, place)
    if not type_name:
        return -EINVAL
    if not place.inode().is_dir():
        return -ENOTDIR
    kind = task.kernel.file_systems.get(type_name)
    if kind is None:
        return -ENODEV
    fs = kind.create(task.kernel, source_name or b"none", options)
    kept = flags & KEPT_FLAGS
    namespace.mount(fs, place, kept, source_name or b"none")
    return 0


def _read_string(task: "Task", addr: int) -> bytes:
    if addr == 0:
        return b""
    text = task.user.read_cstring(addr, MAX_OPTIONS)
    if text is None:
        raise LinuxError(EINVAL)
    return text


def _remount(place: "Path", flags: int) -> int:
    """MS_REMOUNT | MS_BIND changes the mount only; MS_REMOUNT also the file system's read-only state, as far as it is
    the mount's here."""
    if place.dentry is not place.mount.root:
        return -EINVAL
    mount = place.mount
    if not flags & (MS_NOATIME | MS_RELATIME | MS_STRICTATIME):
        flags |= mount.flags & (MS_NOATIME | MS_RELATIME | MS_STRICTATIME)
    if flags & MS_RDONLY and not mount.flags & MS_RDONLY and not flags & MS_BIND and _has_writers(mount):
        return -EBUSY
    mount.flags = flags & KEPT_FLAGS
    return 0


def _has_writers(mount: "Mount") -> bool:
    """Open files are not known by mount: look for the dentries in use."""
    todo = [mount.root]
    while todo:
        dentry = todo.pop()
        inode = dentry.inode
        if inode is not None and inode.write_count > 0:
            return True
        todo.extend(dentry.children.values())
    return False


def _bind(task: "Task", namespace: "MountNamespace", source: bytes, place: "Path", flags: int) -> int:
    if not source:
        return -ENOENT
    origin = resolve(task, AT_FDCWD, source)
    if origin.inode().is_dir() != place.inode().is_dir():
        return -ENOTDIR
    below = _mounts_below(namespace, origin) if flags & MS_REC else []
    new = namespace.attach(origin.mount.fs, origin.dentry, place, origin.mount.flags, origin.mount.source)
    copies: dict[Mount, Mount] = {origin.mount: new}
    for mount in below:
        parent = copies.get(mount.parent) if mount.parent is not None else None
        if parent is None or mount.mountpoint is None:
            continue
        at = _path(parent, mount.mountpoint)
        copies[mount] = namespace.attach(mount.fs, mount.root, at, mount.flags, mount.source)
    return 0


def _path(mount: "Mount", dentry: "Dentry") -> "Path":
    from cruck.kernel.vfs.dentry import Path

    return Path(mount, dentry)


def _mounts_below(namespace: "MountNamespace", origin: "Path") -> "list[Mount]":
    """Mounts under a place, parents first."""
    found: list[Mount] = []
    for mount in namespace.mounts:
        if mount.parent is origin.mount:
            if mount.mountpoint is not None and is_ancestor(origin.dentry, mount.mountpoint):
                found.append(mount)
        elif mount.parent in found:
            found.append(mount)
    return found


def _move(task: "Task", namespace: "MountNamespace", source: bytes, place: "Path") -> int:
    if not source:
        return -EINVAL
    origin = resolve(task, AT_FDCWD, source)
    mount = origin.mount
    if origin.dentry is not mount.root or mount.parent is None or mount.mountpoint is None:
        return -EINVAL
    if mount.root.inode is None or mount.root.inode.is_dir() != place.inode().is_dir():
        return -EINVAL
    above: Mount | None = place.mount
    while above is not None:
        if above is mount:
            return -ELOOP
        above = above.parent
    _take_off(mount)
    _put_on(namespace, mount, place)
    return 0


def _take_off(mount: "Mount") -> None:
    assert mount.parent is not None and mount.mountpoint is not None
    mount.mountpoint.nr_mounts -= 1
    del mount.parent.covered[mount.mountpoint]


def _put_on(namespace: "MountNamespace", mount: "Mount", place: "Path") -> None:
    place = namespace.top(place)
    mount.parent = place.mount
    mount.mountpoint = place.dentry
    place.dentry.nr_mounts += 1
    place.mount.covered[place.dentry] = mount


def sys_umount2(task: "Task", target: UserPath, flags: Flags) -> int:
    """Errors: EPERM, EINVAL (no mount point, unknown flags), EBUSY (mounts below or in use, without MNT_DETACH)."""
    if flags & ~(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW):
        return -EINVAL
    place = resolve(task, AT_FDCWD, read_path(task, target), LOOKUP_NOFOLLOW if flags & UMOUNT_NOFOLLOW else 0)
    if not task.creds.has(CAP_SYS_ADMIN):
        return -EPERM
    mount = place.mount
    if place.dentry is not mount.root or flags & MNT_EXPIRE:
        return -EINVAL
    if mount.parent is None:
        return -EBUSY if not flags & MNT_DETACH else -EINVAL
    namespace = task.kernel.namespace
    if not flags & MNT_DETACH:
        if mount.covered or _is_in_use(task, mount):
            return -EBUSY
        mount.fs.sync()
        namespace.detach(mount)
        return 0
    for below in reversed(_mounts_below(namespace, place)):
        namespace.detach(below)
    namespace.detach(mount)
    return 0


def _is_in_use(task: "Task", mount: "Mount") -> bool:
    """Does any task have its root, working directory, an open file or a mapping there?"""
    for other in task.kernel.tasks.values():
        if other.fs.cwd.mount is mount or other.fs.root.mount is mount:
            return True
        for file in other.files.files:
            if file is not None and file.path is not None and file.path.mount is mount:
                return True
    todo = [mount.root]
    while todo:
        dentry = todo.pop()
        if dentry.inode is not None and dentry.inode.nr_opens > 0 and not _is_elsewhere(task, mount):
            return True
        todo.extend(dentry.children.values())
    return False


def _is_elsewhere(task: "Task", mount: "Mount") -> bool:
    """Is the file system mounted a second time? Then open inodes say nothing of this mount."""
    return any(other is not mount and other.fs is mount.fs for other in task.kernel.namespace.mounts)


def sys_pivot_root(task: "Task", new_root: UserPath, put_old: UserPath) -> int:
    """Errors: EPERM, EINVAL (no mount point, old not below new), EBUSY, ENOTDIR."""
    if not task.creds.has(CAP_SYS_ADMIN):
        return -EPERM
    new = resolve(task, AT_FDCWD, read_path(task, new_root), LOOKUP_DIRECTORY)
    old = resolve(task, AT_FDCWD, read_path(task, put_old), LOOKUP_DIRECTORY)
    namespace = task.kernel.namespace
    root = task.fs.root
    if new.dentry is not new.mount.root or root.dentry is not root.mount.root or new.mount.parent is None:
        return -EINVAL
    if new.mount is root.mount or old.mount is root.mount:
        return -EBUSY
    above: Mount | None = old.mount
    while above is not None and above is not new.mount:
        above = above.parent
    if above is None:
        return -EINVAL
    old_root = root.mount
    if old_root.parent is not None:
        return -EINVAL
    _take_off(new.mount)
    new.mount.parent = None
    new.mount.mountpoint = None
    _put_on(namespace, old_root, old)
    namespace.root = new.mount
    for other in task.kernel.tasks.values():
        if other.fs.root == root:
            other.fs.root = new
        if other.fs.cwd == root:
            other.fs.cwd = new
    return 0
