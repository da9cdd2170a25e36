# SPDX-License-Identifier: MPL-2.0
"""mount, umount2, pivot_root (Linux fs/namespace.c). Mounts are private until they are made shared.

Rights are those of the user namespace that owns the caller's mount namespace. What a less privileged one got by copying is locked
(vfs/mount_tree.py). Neighbours: mount_api.py (the calls with descriptors), vfs/propagation.py (what peers and slaves see of it).
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EBUSY, EINVAL, ELOOP, ENODEV, ENOSPC, ENOTDIR, EPERM
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
    MS_SILENT,
    MS_SLAVE,
    MS_STRICTATIME,
    MS_UNBINDABLE,
    UMOUNT_NOFOLLOW,
)
from cruck.kernel.errors import LinuxError
from cruck.kernel.process.credentials import CAP_SYS_ADMIN
from cruck.kernel.syscalls.types import Flags, ULong, UserAddr, UserPath, UserString
from cruck.kernel.vfs import mount_tree, peer_group, propagation
from cruck.kernel.vfs.dentry import Path
from cruck.kernel.vfs.walk import LOOKUP_DIRECTORY, LOOKUP_NOFOLLOW, read_path, resolve

if TYPE_CHECKING:
    from cruck.kernel.process.task import Task
    from cruck.kernel.vfs.dentry import Mount, MountNamespace
    from cruck.kernel.vfs.inode import FileSystem

MAX_MOUNTS: Final = 10_000
MAX_OPTIONS: Final = 4096
# What a mount remembers of mount(2)'s flags.
KEPT_FLAGS: Final = (
    MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME | MS_RELATIME | MS_STRICTATIME | MS_NOSYMFOLLOW
)
ATIME_FLAGS: Final = MS_NOATIME | MS_NODIRATIME | MS_RELATIME | MS_STRICTATIME


def may_mount(task: "Task") -> bool:
    return task.creds.has_in(task.ns.mnt.owner, CAP_SYS_ADMIN)


def sys_mount(task: "Task", source: UserString, target: UserPath, fs_type: UserString, flags: ULong, data: UserAddr) -> int:
    """Errors: EPERM (no CAP_SYS_ADMIN; a locked flag; a file system not for user namespaces), ENODEV (unknown type), EINVAL (not in the
    caller's namespace, …), ENOTDIR, ENOENT, EBUSY, ENOSPC (too many), EFAULT."""
    if flags & MS_MGC_MSK == MS_MGC_VAL:
        flags = ULong(flags & ~MS_MGC_MSK)
    type_name = _read_string(task, fs_type)
    source_name = _read_string(task, source)
    options = _read_string(task, data) if not flags & (MS_BIND | MS_MOVE) else b""
    place = resolve(task, AT_FDCWD, read_path(task, target))
    if not may_mount(task):
        return -EPERM
    namespace = task.ns.mnt
    if flags & MS_REMOUNT:
        return _remount(task, place, flags)
    if flags & MS_BIND:
        return _bind(task, namespace, source_name, place, flags)
    if flags & (MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE):
        kind = flags & ~(MS_REC | MS_SILENT)
        if kind & ~(MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE) or kind & (kind - 1):
            return -EINVAL
        if place.dentry is not place.mount.root or not is_in(namespace, place.mount):
            return -EINVAL
        change_propagation([place.mount, *(mount_tree.mounts_below(place) if flags & MS_REC else [])], kind, namespace)
        return 0
    if flags & MS_MOVE:
        return _move(task, namespace, source_name, place)
    if not type_name:
        return -EINVAL
    if not place.inode().is_dir():
        return -ENOTDIR
    if not is_in(namespace, place.mount):
        return -EINVAL
    steps = plan(namespace, place, 1)
    fs = new_file_system(task, type_name, source_name or b"none", options)
    propagation.spread(namespace.mount(fs, place, flags & KEPT_FLAGS, source_name or b"none"), steps)
    return 0


def change_propagation(mounts: "list[Mount]", kind: int, namespace: "MountNamespace") -> None:
    """`kind`: one of MS_SHARED, MS_PRIVATE, MS_SLAVE, MS_UNBINDABLE."""
    for mount in mounts:
        if kind == MS_SHARED:
            peer_group.share(mount, namespace.group_numbers)
        else:
            peer_group.part(mount, kind == MS_SLAVE)
            if kind != MS_SLAVE:
                mount.is_unbindable = kind == MS_UNBINDABLE
    namespace.has_changed()


def may_not_be_shared(namespace: "MountNamespace", place: "Path", mounts: "list[Mount]") -> bool:
    """Would an unbindable mount of `mounts` come onto a shared one?"""
    return namespace.top(place).mount.peers is not None and any(mount.is_unbindable for mount in mounts)


def plan(namespace: "MountNamespace", place: "Path", nr_mounts: int) -> "list[propagation.Step]":
    """Who else gets a tree of `nr_mounts` that is to be mounted at `place`. Errors: LinuxError(ENOSPC): more mounts than fs.mount-max."""
    check_room(namespace, nr_mounts)
    steps = propagation.plan(namespace.top(place))
    propagation.check_room(steps, nr_mounts, MAX_MOUNTS)
    return steps


def check_room(namespace: "MountNamespace", count: int) -> None:
    """Errors: LinuxError(ENOSPC): more mounts than fs.mount-max."""
    if len(namespace.mounts) + count > MAX_MOUNTS:
        raise LinuxError(ENOSPC)


def is_in(namespace: "MountNamespace", mount: "Mount") -> bool:
    return mount.ns is namespace


def new_file_system(task: "Task", type_name: bytes, source: bytes, options: bytes) -> "FileSystem":
    """Errors: LinuxError(ENODEV, EPERM, EINVAL and the type's)."""
    kind = task.kernel.file_systems.get(type_name)
    if kind is None:
        raise LinuxError(ENODEV)
    creds = task.creds
    if creds.user_ns is not None:
        owner = task.process.pid_ns.owner if type_name == b"proc" else task.ns.net.owner if type_name == b"sysfs" else creds.user_ns
        if not kind.is_for_user_namespaces or not creds.has_in(owner, CAP_SYS_ADMIN):
            raise LinuxError(EPERM)
        if type_name == b"tmpfs":  # by default it belongs to who mounts it
            options = b"uid=%d,gid=%d," % (creds.shown_uid(creds.fsuid), creds.shown_gid(creds.fsgid)) + options
    fs = kind.create(task.kernel, source, options)
    fs.user_ns = creds.user_ns
    if creds.user_ns is not None:
        root = fs.root
        root.uid, root.gid = creds.kernel_uid(root.uid), creds.kernel_gid(root.gid)
        if root.uid < 0 or root.gid < 0:
            raise LinuxError(EINVAL)
    return fs


def _read_string(task: "Task", addr: int) -> bytes:
    if addr == 0:
        return b""
    text = task.user.read_cstring(addr, MAX_OPTIONS)
    if text is None:
        raise LinuxError(EINVAL)
    return text


def _remount(task: "Task", place: "Path", flags: int) -> int:
    """MS_REMOUNT | MS_BIND changes the mount only; MS_REMOUNT also the file system's read-only state, as far as it is
    the mount's here."""
    mount = place.mount
    if place.dentry is not mount.root or not is_in(task.ns.mnt, mount):
        return -EINVAL
    if not flags & MS_BIND and not task.creds.has_in(mount.fs.user_ns, CAP_SYS_ADMIN):
        return -EPERM
    if not flags & (MS_NOATIME | MS_RELATIME | MS_STRICTATIME):
        flags |= mount.flags & (MS_NOATIME | MS_RELATIME | MS_STRICTATIME)
    if may_not_change(mount, flags):
        return -EPERM
    if flags & MS_RDONLY and not mount.flags & MS_RDONLY and not flags & MS_BIND and has_writers(mount):
        return -EBUSY
    mount.flags = flags & KEPT_FLAGS
    return 0


def may_not_change(mount: "Mount", flags: int) -> bool:
    """Would the new flags drop a locked one? (can_change_locked_flags)"""
    locked = mount.locked_flags
    if locked & ATIME_FLAGS and _atime_mode(flags) != _atime_mode(mount.flags):
        return True
    return bool(locked & ~ATIME_FLAGS & ~flags)


def _atime_mode(flags: int) -> int:
    """Without NOATIME and STRICTATIME it is relatime, said or not."""
    return flags & (MS_NOATIME | MS_NODIRATIME | MS_STRICTATIME)


def has_writers(mount: "Mount") -> bool:
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
        return -EINVAL
    origin = resolve(task, AT_FDCWD, source)
    if origin.mount.is_unbindable:
        return -EINVAL
    if origin.inode().is_dir() != place.inode().is_dir():
        return -ENOTDIR
    if not is_in(namespace, place.mount):
        return -EINVAL
    below = mount_tree.mounts_below(origin) if flags & MS_REC else []
    if not flags & MS_REC and mount_tree.has_locked_below(origin):
        return -EINVAL  # it would show what the locked mounts cover
    steps = plan(namespace, place, 1 + len(below))
    propagation.spread(mount_tree.copy_onto(namespace, origin, below, place), steps)
    return 0


def _move(task: "Task", namespace: "MountNamespace", source: bytes, place: "Path") -> int:
    if not source:
        return -EINVAL
    origin = resolve(task, AT_FDCWD, source)
    mount = origin.mount
    if origin.dentry is not mount.root or mount.parent is None or mount.mountpoint is None or mount.is_locked:
        return -EINVAL
    if not is_in(namespace, mount) or not is_in(namespace, place.mount):
        return -EINVAL
    if mount.root.inode is None or mount.root.inode.is_dir() != place.inode().is_dir():
        return -EINVAL
    return move(namespace, mount, place)


def move(namespace: "MountNamespace", mount: "Mount", place: "Path") -> int:
    """A mount that is somewhere goes to `place`; the caller has checked both. Errors: ELOOP (into itself), EINVAL (out of a shared one; what is
    unbindable into a shared one)."""
    below = mount_tree.mounts_below(Path(mount, mount.root))
    if mount.parent is not None and mount.parent.peers is not None:
        return -EINVAL
    if may_not_be_shared(namespace, place, [mount, *below]):
        return -EINVAL
    if mount_tree.is_above(mount, place.mount):
        return -ELOOP
    steps = plan(namespace, place, 1 + len(below))
    mount_tree.take_off(mount)
    mount_tree.put_on(namespace, mount, place)
    propagation.spread(mount, steps)
    return 0


def sys_umount2(task: "Task", target: UserPath, flags: Flags) -> int:
    """Errors: EPERM, EINVAL (no mount point, locked, unknown flags), EBUSY (mounts below or in use, without MNT_DETACH)."""
    if flags & ~(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW):
        return -EINVAL
    place = resolve(task, AT_FDCWD, read_path(task, target), LOOKUP_NOFOLLOW if flags & UMOUNT_NOFOLLOW else 0)
    if not may_mount(task):
        return -EPERM
    mount = place.mount
    namespace = task.ns.mnt
    if place.dentry is not mount.root or flags & MNT_EXPIRE or mount.is_locked or not is_in(namespace, mount):
        return -EINVAL
    if mount.parent is None:
        return -EBUSY if not flags & MNT_DETACH else -EINVAL
    going = [mount, *(mount_tree.mounts_below(place) if flags & MNT_DETACH else [])]
    if not flags & MNT_DETACH and (mount.covered or _is_in_use(task, mount)):
        return -EBUSY
    others = propagation.others_that_go(going)
    if not flags & MNT_DETACH:
        if any(_is_in_use(task, other) for other in others):
            return -EBUSY
        mount.fs.sync()
    for each in [*reversed(going), *reversed(others)]:
        if each.ns is not None:
            each.ns.detach(each)
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
    seen: set[int] = set()
    for other in task.kernel.tasks.values():
        namespace = other.ns.mnt
        if id(namespace) not in seen:
            seen.add(id(namespace))
            if any(found is not mount and found.fs is mount.fs for found in namespace.mounts):
                return True
    return False


def sys_pivot_root(task: "Task", new_root: UserPath, put_old: UserPath) -> int:
    """Errors: EPERM, EINVAL (no mount point, locked, old not below new), EBUSY, ENOTDIR."""
    if not may_mount(task):
        return -EPERM
    new = resolve(task, AT_FDCWD, read_path(task, new_root), LOOKUP_DIRECTORY)
    old = resolve(task, AT_FDCWD, read_path(task, put_old), LOOKUP_DIRECTORY)
    namespace = task.ns.mnt
    root = task.fs.root
    if new.mount is root.mount or old.mount is root.mount:
        return -EBUSY
    if new.dentry is not new.mount.root or root.dentry is not root.mount.root or new.mount.parent is None or new.mount.is_locked:
        return -EINVAL
    if not is_in(namespace, new.mount) or not is_in(namespace, old.mount) or not is_in(namespace, root.mount):
        return -EINVAL
    if not mount_tree.is_above(new.mount, old.mount):
        return -EINVAL
    above = root.mount.parent
    if old.mount.peers is not None or new.mount.parent.peers is not None or above is not None and above.peers is not None:
        return -EINVAL
    old_root = root.mount
    parent, mountpoint = old_root.parent, old_root.mountpoint
    mount_tree.take_off(new.mount)
    if parent is not None and mountpoint is not None:
        # A root below the namespace's (chroot into a mount): the new one takes its place.
        mount_tree.take_off(old_root)
        mount_tree.put_at(new.mount, parent, mountpoint)
    else:
        new.mount.parent = None
        new.mount.mountpoint = None
        namespace.root = new.mount
    new.mount.is_locked, old_root.is_locked = old_root.is_locked, False
    mount_tree.put_on(namespace, old_root, old)
    for other in task.kernel.tasks.values():
        if other.fs.root == root:
            other.fs.root = new
        if other.fs.cwd == root:
            other.fs.cwd = new
    return 0
