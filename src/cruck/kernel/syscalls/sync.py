# SPDX-License-Identifier: MPL-2.0
"""sync, syncfs, fsync, fdatasync, sync_file_range (Linux fs/sync.c)."""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EINVAL, ESPIPE
from cruck.abi.fcntl import SYNC_FILE_RANGE_WAIT_AFTER, SYNC_FILE_RANGE_WAIT_BEFORE, SYNC_FILE_RANGE_WRITE
from cruck.abi.stat import S_IFBLK, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG
from cruck.kernel.syscalls.types import CUInt, Fd, Offset

if TYPE_CHECKING:
    from cruck.kernel.process.task import Task

KNOWN_FLAGS: Final = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER


def sys_sync(task: "Task") -> int:
    """Always 0."""
    for mount in task.ns.mnt.mounts:
        mount.fs.sync()
    return 0


def sys_syncfs(task: "Task", fd: Fd) -> int:
    """Errors: EBADF, EIO."""
    inode = task.files.get(fd).inode()
    if inode is not None:
        inode.fs.sync()
    return 0


def sys_fsync(task: "Task", fd: Fd) -> int:
    """Errors: EBADF, EINVAL (what cannot be synchronised: pipe, socket), EIO."""
    return task.files.get(fd).fsync(False)


def sys_fdatasync(task: "Task", fd: Fd) -> int:
    """As fsync."""
    return task.files.get(fd).fsync(True)


def sys_sync_file_range(task: "Task", fd: Fd, offset: Offset, length: Offset, flags: CUInt) -> int:
    """Does more than it must: the whole file's data. Errors: EBADF, EINVAL (flags, negative), ESPIPE (no regular file, device, directory),
    EIO."""
    file = task.files.get(fd)
    if flags & ~KNOWN_FLAGS or offset < 0 or length < 0:
        return -EINVAL
    if file.stat().mode & S_IFMT not in (S_IFREG, S_IFBLK, S_IFDIR, S_IFLNK):
        return -ESPIPE
    return file.fsync(True) if flags else 0
