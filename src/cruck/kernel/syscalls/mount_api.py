# SPDX-License-Identifier: MPL-2.0
"""The mount calls with descriptors (Linux 5.2): open_tree, move_mount, fsopen, fsconfig, fsmount, fspick, mount_setattr.

A tree that is mounted nowhere lives in a namespace of its own (`DetachedTree`) until move_mount puts it somewhere; it dissolves with its
last descriptor. Neighbours: mount.py (the old calls), vfs/mount_tree.py.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import E2BIG, EBUSY, EINVAL, ELOOP, ENODEV, EOPNOTSUPP, EPERM
from cruck.abi.fcntl import AT_EMPTY_PATH, AT_NO_AUTOMOUNT, AT_RECURSIVE, AT_SYMLINK_NOFOLLOW, O_PATH, O_RDWR
from cruck.abi.mount import (
    FSCONFIG_CMD_CREATE,
    FSCONFIG_CMD_CREATE_EXCL,
    FSCONFIG_CMD_RECONFIGURE,
    FSCONFIG_SET_BINARY,
    FSCONFIG_SET_FD,
    FSCONFIG_SET_FLAG,
    FSCONFIG_SET_PATH,
    FSCONFIG_SET_PATH_EMPTY,
    FSCONFIG_SET_STRING,
    FSMOUNT_CLOEXEC,
    FSOPEN_CLOEXEC,
    FSPICK_CLOEXEC,
    FSPICK_EMPTY_PATH,
    FSPICK_NO_AUTOMOUNT,
    FSPICK_SYMLINK_NOFOLLOW,
    MOUNT_ATTR,
    MOUNT_ATTR__ATIME,
    MOUNT_ATTR_IDMAP,
    MOUNT_ATTR_NOATIME,
    MOUNT_ATTR_NODEV,
    MOUNT_ATTR_NODIRATIME,
    MOUNT_ATTR_NOEXEC,
    MOUNT_ATTR_NOSUID,
    MOUNT_ATTR_NOSYMFOLLOW,
    MOUNT_ATTR_RDONLY,
    MOUNT_ATTR_SIZE_VER0,
    MOUNT_ATTR_STRICTATIME,
    MOVE_MOUNT_F_AUTOMOUNTS,
    MOVE_MOUNT_F_EMPTY_PATH,
    MOVE_MOUNT_F_SYMLINKS,
    MOVE_MOUNT_T_AUTOMOUNTS,
    MOVE_MOUNT_T_EMPTY_PATH,
    MOVE_MOUNT_T_SYMLINKS,
    MS_NOATIME,
    MS_NODEV,
    MS_NODIRATIME,
    MS_NOEXEC,
    MS_NOSUID,
    MS_NOSYMFOLLOW,
    MS_PRIVATE,
    MS_RDONLY,
    MS_RELATIME,
    MS_SHARED,
    MS_SLAVE,
    MS_STRICTATIME,
    MS_UNBINDABLE,
    OPEN_TREE_CLOEXEC,
    OPEN_TREE_CLONE,
)
from cruck.kernel.errors import LinuxError
from cruck.kernel.syscalls.mount import (
    change_propagation,
    check_room,
    has_writers,
    is_in,
    may_mount,
    may_not_be_shared,
    may_not_change,
    move,
    new_file_system,
    plan,
)
from cruck.kernel.syscalls.types import CInt, CUInt, DirFd, Fd, Size, UserAddr, UserPath, UserString
from cruck.kernel.vfs import mount_tree
from cruck.kernel.vfs.anon_inode import AnonFile
from cruck.kernel.vfs.dentry import Mount, MountNamespace, Path
from cruck.kernel.vfs.open import PathFile
from cruck.kernel.vfs.propagation import spread
from cruck.kernel.vfs.walk import LOOKUP_EMPTY, LOOKUP_NOFOLLOW, read_path, resolve

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.process.task import Task
    from cruck.kernel.vfs.inode import FileSystem

RLIMIT_NOFILE: Final = 7
MAX_STRING: Final = 256
PROPAGATION: Final = MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE
ATIME_FLAGS: Final = MS_NOATIME | MS_RELATIME | MS_STRICTATIME
SIMPLE_ATTRIBUTES: Final = (
    (MOUNT_ATTR_RDONLY, MS_RDONLY), (MOUNT_ATTR_NOSUID, MS_NOSUID), (MOUNT_ATTR_NODEV, MS_NODEV), (MOUNT_ATTR_NOEXEC, MS_NOEXEC),
    (MOUNT_ATTR_NODIRATIME, MS_NODIRATIME), (MOUNT_ATTR_NOSYMFOLLOW, MS_NOSYMFOLLOW),
)  # fmt: skip
# Options of every type (fs/fs_context.c). Of these only ro and rw have an effect here.
SB_FLAGS: Final = (b"ro", b"rw", b"sync", b"async", b"dirsync", b"lazytime", b"nolazytime", b"mand", b"nomand")
ALL_ATTRIBUTES: Final = (
    MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | MOUNT_ATTR__ATIME | MOUNT_ATTR_NODIRATIME
    | MOUNT_ATTR_NOSYMFOLLOW
)  # fmt: skip


class DetachedTree(PathFile):
    """A mount that is nowhere, with what is mounted on it; its path is the mount's root."""

    ns: MountNamespace

    def __init__(self, ns: MountNamespace) -> None:
        super().__init__(O_PATH)
        self.ns = ns
        ns.hold()
        self.path = Path(ns.root, ns.root.root)

    def release(self) -> None:
        self.ns.let_go()


class ConfigFile(AnonFile):
    """fsopen's and fspick's context: what has been said of a file system that is to be made or changed."""

    type_name: bytes
    source: bytes
    options: list[bytes]
    fs: "FileSystem | None"  # made (CMD_CREATE), or picked
    mount: Mount | None  # picked
    is_done: bool  # fsmount has taken what was made

    def __init__(self, kernel: "Kernel", type_name: bytes, mount: Mount | None) -> None:
        super().__init__(kernel, O_RDWR)
        self.type_name = type_name
        self.source = b"none"
        self.options = []
        self.is_done = False
        self.mount = mount
        self.fs = mount.fs if mount is not None else None

    def describe(self) -> str:
        return "anon_inode:[fscontext]"

    def is_read_only(self) -> bool:
        """Which of ro and rw was said last."""
        result = False
        for option in self.options:
            if option in (b"ro", b"rw"):
                result = option == b"ro"
        return result


def _install(task: "Task", file: ConfigFile | DetachedTree | PathFile, is_cloexec: bool) -> int:
    return task.files.install(file, task.process.rlimit(RLIMIT_NOFILE), is_cloexec)


def sys_open_tree(task: "Task", dirfd: DirFd, path: UserPath, flags: CUInt) -> int:
    """Errors: EINVAL (flags; unbindable; what it would uncover is locked), EPERM (a clone without CAP_SYS_ADMIN), EMFILE, and the walk's."""
    if flags & ~(AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_RECURSIVE | AT_SYMLINK_NOFOLLOW | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC):
        return -EINVAL
    if flags & AT_RECURSIVE and not flags & OPEN_TREE_CLONE:
        return -EINVAL
    if flags & OPEN_TREE_CLONE and not may_mount(task):
        return -EPERM
    lookup = (LOOKUP_NOFOLLOW if flags & AT_SYMLINK_NOFOLLOW else 0) | (LOOKUP_EMPTY if flags & AT_EMPTY_PATH else 0)
    place = resolve(task, dirfd, read_path(task, path), lookup)
    task.files.reserve_check(1, task.process.rlimit(RLIMIT_NOFILE))
    if not flags & OPEN_TREE_CLONE:
        file = PathFile(O_PATH)
        file.path = place
        return _install(task, file, bool(flags & OPEN_TREE_CLOEXEC))
    if not is_in(task.ns.mnt, place.mount) and not _is_detached(place.mount):
        return -EINVAL
    if place.mount.is_unbindable or not flags & AT_RECURSIVE and mount_tree.has_locked_below(place):
        return -EINVAL
    below = mount_tree.mounts_below(place) if flags & AT_RECURSIVE else []
    check_room(task.ns.mnt, 1 + len(below))
    return _install(task, DetachedTree(mount_tree.detached_copy(place, below)), bool(flags & OPEN_TREE_CLOEXEC))


def _is_detached(mount: Mount) -> bool:
    while mount.parent is not None:
        mount = mount.parent
    return mount.mount_id == mount_tree.DETACHED_ID


def sys_move_mount(task: "Task", from_fd: DirFd, from_path: UserPath, to_fd: DirFd, to_path: UserPath, flags: CUInt) -> int:
    """Errors: EPERM, EINVAL (flags; not a mount's root; locked; elsewhere; a file onto a
    directory), ELOOP (into itself), EBADF, and the walk's."""
    known = (
        MOVE_MOUNT_F_SYMLINKS | MOVE_MOUNT_F_AUTOMOUNTS | MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS | MOVE_MOUNT_T_AUTOMOUNTS
        | MOVE_MOUNT_T_EMPTY_PATH
    )  # fmt: skip
    if not may_mount(task):
        return -EPERM
    if flags & ~known:
        return -EINVAL
    lookup = (0 if flags & MOVE_MOUNT_F_SYMLINKS else LOOKUP_NOFOLLOW) | (LOOKUP_EMPTY if flags & MOVE_MOUNT_F_EMPTY_PATH else 0)
    origin = resolve(task, from_fd, read_path(task, from_path), lookup)
    lookup = (0 if flags & MOVE_MOUNT_T_SYMLINKS else LOOKUP_NOFOLLOW) | (LOOKUP_EMPTY if flags & MOVE_MOUNT_T_EMPTY_PATH else 0)
    place = resolve(task, to_fd, read_path(task, to_path), lookup)
    mount, namespace = origin.mount, task.ns.mnt
    if origin.dentry is not mount.root or not is_in(namespace, place.mount):
        return -EINVAL
    is_detached = mount.parent is None and mount.mount_id == mount_tree.DETACHED_ID
    if not is_detached and (not is_in(namespace, mount) or mount.parent is None or mount.is_locked):
        return -EINVAL
    if origin.inode().is_dir() != place.inode().is_dir():
        return -EINVAL
    if not is_detached:
        return move(namespace, mount, place)
    if mount_tree.is_above(mount, place.mount):
        return -ELOOP
    tree = task.files.get_any(from_fd)
    if not isinstance(tree, DetachedTree) or tree.ns.root is not mount:
        return -EINVAL
    if may_not_be_shared(namespace, place, tree.ns.mounts):
        return -EINVAL
    steps = plan(namespace, place, len(tree.ns.mounts))
    mount_tree.adopt(namespace, tree.ns, place)
    spread(mount, steps)
    return 0


def _read(task: "Task", addr: int) -> bytes:
    text = task.user.read_cstring(addr, MAX_STRING)
    if text is None:
        raise LinuxError(EINVAL)
    return text


def sys_fsopen(task: "Task", name: UserString, flags: CUInt) -> int:
    """Errors: EPERM, EINVAL (flags), ENODEV (no such type), EFAULT, EMFILE."""
    if not may_mount(task):
        return -EPERM
    if flags & ~FSOPEN_CLOEXEC:
        return -EINVAL
    type_name = _read(task, name)
    if type_name not in task.kernel.file_systems:
        return -ENODEV
    return _install(task, ConfigFile(task.kernel, type_name, None), bool(flags & FSOPEN_CLOEXEC))


def sys_fspick(task: "Task", dirfd: DirFd, path: UserPath, flags: CUInt) -> int:
    """Errors: EPERM, EINVAL (flags; not a mount's root), EMFILE, and the walk's."""
    if not may_mount(task):
        return -EPERM
    if flags & ~(FSPICK_CLOEXEC | FSPICK_SYMLINK_NOFOLLOW | FSPICK_NO_AUTOMOUNT | FSPICK_EMPTY_PATH):
        return -EINVAL
    lookup = (LOOKUP_NOFOLLOW if flags & FSPICK_SYMLINK_NOFOLLOW else 0) | (LOOKUP_EMPTY if flags & FSPICK_EMPTY_PATH else 0)
    place = resolve(task, dirfd, read_path(task, path), lookup)
    if place.dentry is not place.mount.root:
        return -EINVAL
    return _install(task, ConfigFile(task.kernel, place.mount.fs.name, place.mount), bool(flags & FSPICK_CLOEXEC))


def sys_fsconfig(task: "Task", fd: Fd, command: CUInt, key: UserString, value: UserAddr, aux: CInt) -> int:
    """Errors: EBADF (also: FSCONFIG_SET_FD), EINVAL (arguments, option; no type here takes files, paths or blobs), EOPNOTSUPP (command), EBUSY (created
    already), EPERM, EFAULT, and those of the file system at CMD_CREATE."""
    if fd < 0:
        return -EINVAL
    file = task.files.get(fd)
    if command in (FSCONFIG_CMD_CREATE, FSCONFIG_CMD_CREATE_EXCL, FSCONFIG_CMD_RECONFIGURE):
        if key or value or aux:
            return -EINVAL
    elif command == FSCONFIG_SET_FLAG:
        if not key or value or aux:
            return -EINVAL
    elif command == FSCONFIG_SET_STRING:
        if not key or not value or aux:
            return -EINVAL
    elif command in (FSCONFIG_SET_BINARY, FSCONFIG_SET_PATH, FSCONFIG_SET_PATH_EMPTY, FSCONFIG_SET_FD):
        if not key:
            return -EINVAL
    else:
        return -EOPNOTSUPP
    if not isinstance(file, ConfigFile):
        return -EINVAL
    if command == FSCONFIG_CMD_RECONFIGURE:
        return _reconfigure(task, file)
    if command in (FSCONFIG_CMD_CREATE, FSCONFIG_CMD_CREATE_EXCL):
        if file.fs is not None or file.is_done:
            return -EBUSY
        if not may_mount(task):
            return -EPERM
        file.fs = new_file_system(
            task, file.type_name, file.source, b",".join([option for option in file.options if option not in SB_FLAGS])
        )
        file.fs.is_read_only = file.is_read_only()
        return 0
    name = _read(task, key)
    if command == FSCONFIG_SET_FLAG:
        return _add(task, file, name, name)
    if command == FSCONFIG_SET_STRING:
        text = _read(task, value)
        if name == b"source" and b"," not in text:
            file.source = text
            return 0
        return _add(task, file, name, name + b"=" + text) if b"," not in text else -EINVAL
    if command == FSCONFIG_SET_FD:
        task.files.get_any(Fd(aux))
    return -EINVAL


def _add(task: "Task", file: ConfigFile, name: bytes, option: bytes) -> int:
    """Whether the type takes the option is known at once, as on Linux: an instance that nobody keeps tells."""
    if (file.fs is not None or file.is_done) and file.mount is None:
        return -EBUSY
    kind = task.kernel.file_systems.get(file.type_name)
    if option not in SB_FLAGS and kind is not None and file.mount is None:
        kind.create(task.kernel, file.source, option)
    file.options.append(option)
    return 0


def _reconfigure(task: "Task", file: ConfigFile) -> int:
    """fspick: ro and rw are what can be changed afterwards."""
    mount = file.mount
    if mount is None:
        return -EBUSY
    if not task.creds.has_in(mount.fs.user_ns, 21):
        return -EPERM
    is_read_only = mount.fs.is_read_only
    for option in file.options:
        if option not in (b"ro", b"rw"):
            return -EINVAL
        is_read_only = option == b"ro"
    if is_read_only and not mount.fs.is_read_only and has_writers(mount):
        return -EBUSY
    if mount.fs.name not in (b"tmpfs", b"proc", b"sysfs"):
        return -EINVAL  # host trees are what the run's owner made them
    mount.fs.is_read_only = is_read_only
    file.options = []
    return 0


def sys_fsmount(task: "Task", fd: Fd, flags: CUInt, attributes: CUInt) -> int:
    """A descriptor of the new mount, which is nowhere yet. Errors: EPERM, EINVAL, EBADF, EBUSY (mounted already), EMFILE."""
    if not may_mount(task):
        return -EPERM
    if flags & ~FSMOUNT_CLOEXEC or attributes & ~ALL_ATTRIBUTES:
        return -EINVAL
    mount_flags = _changed(0, attributes, 0)
    file = task.files.get(fd)
    if not isinstance(file, ConfigFile) or file.fs is None and not file.is_done:
        return -EINVAL
    if file.fs is None or file.mount is not None:
        return -EBUSY
    task.files.reserve_check(1, task.process.rlimit(RLIMIT_NOFILE))
    check_room(task.ns.mnt, 1)
    ns = MountNamespace(file.fs, file.source, mount_flags)
    ns.root.mount_id = mount_tree.DETACHED_ID
    ns.group_numbers = task.ns.mnt.group_numbers
    file.fs, file.is_done = None, True
    return _install(task, DetachedTree(ns), bool(flags & FSMOUNT_CLOEXEC))


def _changed(flags: int, set_bits: int, clear_bits: int) -> int:
    """Mount flags after mount_setattr. Errors: LinuxError(EINVAL): an atime mode that is none, or not cleared as a whole."""
    for attribute, flag in SIMPLE_ATTRIBUTES:
        if clear_bits & attribute:
            flags &= ~flag
        if set_bits & attribute:
            flags |= flag
    mode = set_bits & MOUNT_ATTR__ATIME
    if mode not in (0, MOUNT_ATTR_NOATIME, MOUNT_ATTR_STRICTATIME):
        raise LinuxError(EINVAL)
    if mode:
        flags = flags & ~ATIME_FLAGS | (MS_NOATIME if mode == MOUNT_ATTR_NOATIME else MS_STRICTATIME)
    elif clear_bits & MOUNT_ATTR__ATIME:
        flags = flags & ~ATIME_FLAGS | MS_RELATIME
    return flags


def sys_mount_setattr(task: "Task", dirfd: DirFd, path: UserPath, flags: CUInt, uattr: UserAddr, size: Size) -> int:
    """Errors: EINVAL (flags, size, attributes; no mount's root), EPERM (a locked flag), EBUSY (open for writing),
    E2BIG, EFAULT, and the walk's. All mounts below are changed with AT_RECURSIVE, or none."""
    if flags & ~(AT_EMPTY_PATH | AT_RECURSIVE | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) or size < MOUNT_ATTR_SIZE_VER0:
        return -EINVAL
    if size > 4096:
        return -E2BIG
    data = task.user.read(uattr, size)
    if any(data[MOUNT_ATTR.size :]):
        return -E2BIG
    set_bits, clear_bits, propagation, _ = MOUNT_ATTR.unpack(data[: MOUNT_ATTR.size])
    if not may_mount(task):
        return -EPERM
    if not set_bits and not clear_bits and not propagation:
        return 0
    if (set_bits | clear_bits) & ~(ALL_ATTRIBUTES | MOUNT_ATTR_IDMAP) or propagation & ~PROPAGATION or propagation & (propagation - 1):
        return -EINVAL
    if (set_bits | clear_bits) & MOUNT_ATTR_IDMAP:
        return -EINVAL
    if set_bits & MOUNT_ATTR__ATIME and clear_bits & MOUNT_ATTR__ATIME != MOUNT_ATTR__ATIME:
        return -EINVAL
    lookup = (LOOKUP_NOFOLLOW if flags & AT_SYMLINK_NOFOLLOW else 0) | (LOOKUP_EMPTY if flags & AT_EMPTY_PATH else 0)
    place = resolve(task, dirfd, read_path(task, path), lookup)
    mount = place.mount
    if place.dentry is not mount.root or not (is_in(task.ns.mnt, mount) or _is_detached(mount)):
        return -EINVAL
    mounts = [mount, *(mount_tree.mounts_below(place) if flags & AT_RECURSIVE else [])]
    changes = [_changed(each.flags, set_bits, clear_bits) for each in mounts]
    for each, new in zip(mounts, changes, strict=True):
        if may_not_change(each, new):
            return -EPERM
        if new & MS_RDONLY and not each.flags & MS_RDONLY and has_writers(each):
            return -EBUSY
    for each, new in zip(mounts, changes, strict=True):
        each.flags = new
    if propagation:
        change_propagation(mounts, propagation, task.ns.mnt)
    return 0
