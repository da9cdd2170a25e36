# SPDX-License-Identifier: MPL-2.0
"""inotify_init(2), inotify_add_watch(2), inotify_rm_watch(2). What an instance does is in vfs/inotify.py."""

from typing import Final

from cruck.abi.errno import EINVAL, EMFILE
from cruck.abi.fcntl import AT_FDCWD, O_CLOEXEC, O_NONBLOCK
from cruck.abi.inotify import (
    IN_ALL_EVENTS,
    IN_DONT_FOLLOW,
    IN_EXCL_UNLINK,
    IN_IGNORED,
    IN_ISDIR,
    IN_MASK_ADD,
    IN_MASK_CREATE,
    IN_ONESHOT,
    IN_ONLYDIR,
    IN_Q_OVERFLOW,
    IN_UNMOUNT,
)
from cruck.kernel.errors import LinuxError
from cruck.kernel.process.task import Task
from cruck.kernel.syscalls.types import CInt, CUInt, Fd, Flags, UserPath
from cruck.kernel.vfs.inotify import InotifyFile
from cruck.kernel.vfs.permission import MAY_READ, check_path_access
from cruck.kernel.vfs.walk import LOOKUP_DIRECTORY, LOOKUP_NOFOLLOW, read_path, resolve

RLIMIT_NOFILE: Final = 7
ALL_INOTIFY_BITS: Final = (
    IN_ALL_EVENTS | IN_UNMOUNT | IN_Q_OVERFLOW | IN_IGNORED | IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK | IN_MASK_ADD
    | IN_MASK_CREATE | IN_ISDIR | IN_ONESHOT
)  # fmt: skip


def sys_inotify_init1(task: Task, flags: Flags) -> int:
    """A new descriptor. Errors: EINVAL (flags), EMFILE (also fs.inotify.max_user_instances)."""
    if flags & ~(O_CLOEXEC | O_NONBLOCK):
        return -EINVAL
    uid = task.creds.euid
    limit = task.process.rlimit(RLIMIT_NOFILE)
    task.files.reserve_check(1, limit)
    if task.kernel.inotify_users.nr_instances.get(uid, 0) >= task.kernel.settings.inotify_max_instances:
        return -EMFILE
    file = InotifyFile(task.kernel, uid, flags & O_NONBLOCK)
    return task.files.install(file, limit, flags & O_CLOEXEC != 0)


def sys_inotify_init(task: Task) -> int:
    """inotify_init1 without flags. Errors: EMFILE."""
    return sys_inotify_init1(task, Flags(0))


def _instance(task: Task, fd: int) -> InotifyFile:
    file = task.files.get(fd)
    if not isinstance(file, InotifyFile):
        raise LinuxError(EINVAL)
    return file


def sys_inotify_add_watch(task: Task, fd: Fd, pathname: UserPath, mask: CUInt) -> int:
    """A watch descriptor. Errors: the path's (EACCES also: no right to read), EINVAL (mask, another kind of file), EBADF, EEXIST
    (IN_MASK_CREATE), ENOSPC (fs.inotify.max_user_watches)."""
    if not mask & ALL_INOTIFY_BITS or mask & IN_MASK_ADD and mask & IN_MASK_CREATE:
        return -EINVAL
    instance = _instance(task, fd)
    lookup = (LOOKUP_NOFOLLOW if mask & IN_DONT_FOLLOW else 0) | (LOOKUP_DIRECTORY if mask & IN_ONLYDIR else 0)
    place = resolve(task, AT_FDCWD, read_path(task, pathname), lookup)
    check_path_access(task.creds, place, MAY_READ)
    return instance.add_watch(place.inode(), mask)


def sys_inotify_rm_watch(task: Task, fd: Fd, wd: CInt) -> int:
    """Errors: EBADF, EINVAL (another kind of file, no such watch)."""
    return _instance(task, fd).remove_watch(wd)
