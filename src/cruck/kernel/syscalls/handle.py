# SPDX-License-Identifier: MPL-2.0
"""name_to_handle_at, open_by_handle_at: no file system here has handles, which Linux says by EOPNOTSUPP and ESTALE."""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EINVAL, EOPNOTSUPP, EPERM, ESTALE
from cruck.abi.fcntl import AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_FOLLOW, MAX_HANDLE_SZ
from cruck.kernel.process.credentials import CAP_DAC_READ_SEARCH
from cruck.kernel.syscalls.types import CInt, DirFd, OpenFlags, UserAddr, UserPath
from cruck.kernel.vfs.walk import LOOKUP_EMPTY, LOOKUP_NOFOLLOW, read_path, resolve

if TYPE_CHECKING:
    from cruck.kernel.process.task import Task

HANDLE_HEADER: Final = 8  # handle_bytes, handle_type


def sys_name_to_handle_at(task: "Task", dirfd: DirFd, path: UserPath, handle: UserAddr, mount_id: UserAddr, flags: CInt) -> int:
    """Errors: the path's, EBADF (dirfd), EINVAL (flags), EOPNOTSUPP (in the end)."""
    if flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH):
        return -EINVAL
    lookup = 0 if flags & AT_SYMLINK_FOLLOW else LOOKUP_NOFOLLOW
    if flags & AT_EMPTY_PATH:
        lookup |= LOOKUP_EMPTY
    resolve(task, dirfd, read_path(task, path), lookup)
    return -EOPNOTSUPP


def sys_open_by_handle_at(task: "Task", mount_fd: DirFd, handle: UserAddr, flags: OpenFlags) -> int:
    """Errors: EPERM (no CAP_DAC_READ_SEARCH), EBADF (mount_fd), EFAULT, EINVAL (size), ESTALE (in the end: no handle is valid)."""
    if not task.creds.has(CAP_DAC_READ_SEARCH):
        return -EPERM
    nr_bytes = task.user.read_u32(handle)
    if not 0 < nr_bytes <= MAX_HANDLE_SZ:
        return -EINVAL
    task.user.read(handle + 4, HANDLE_HEADER - 4 + nr_bytes)
    if mount_fd != AT_FDCWD:
        task.files.get(mount_fd)
    return -ESTALE
