# SPDX-License-Identifier: MPL-2.0
"""open, openat, openat2, creat. What opening means is in vfs/open.py."""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import E2BIG, EAGAIN, EINVAL
from cruck.abi.fcntl import __O_TMPFILE as O_TMPFILE_BIT
from cruck.abi.fcntl import (
    AT_FDCWD,
    O_CLOEXEC,
    O_CREAT,
    O_PATH,
    O_TRUNC,
    O_WRONLY,
    OPEN_HOW,
    OPEN_HOW_SIZE_VER0,
    RESOLVE_BENEATH,
    RESOLVE_CACHED,
    RESOLVE_IN_ROOT,
    RESOLVE_NO_MAGICLINKS,
    RESOLVE_NO_SYMLINKS,
    RESOLVE_NO_XDEV,
)
from cruck.kernel.syscalls.types import DirFd, Mode, OpenFlags, Size, UserAddr, UserPath
from cruck.kernel.vfs.open import VALID_FLAGS, check_flags, open_path
from cruck.kernel.vfs.walk import read_path

if TYPE_CHECKING:
    from cruck.kernel.process.task import Task

RLIMIT_NOFILE: Final = 7
PAGE_SIZE: Final = 4096
VALID_RESOLVE: Final = RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH | RESOLVE_IN_ROOT | RESOLVE_CACHED


def sys_open(task: "Task", path: UserPath, flags: OpenFlags, mode: Mode) -> int:
    """A descriptor, the lowest that is free. Errors: the path's, EINVAL (flags that exclude each other; the name of a directory for
    O_TMPFILE alone), EEXIST (O_EXCL), EISDIR (writing, O_CREAT), EMFILE, ENXIO (no device; a FIFO without reader; a socket), EPERM
    (O_NOATIME, not the owner; sealed), EROFS, ETXTBSY (a running program), EOPNOTSUPP (O_TMPFILE), ENOSPC, EINTR (a FIFO that waits)."""
    return _open(task, AT_FDCWD, path, flags, mode, 0)


def sys_creat(task: "Task", path: UserPath, mode: Mode) -> int:
    """open with O_CREAT | O_WRONLY | O_TRUNC. Errors: the path's, EISDIR, EMFILE, ENXIO (no device; a socket), EROFS, ETXTBSY (a
    running program), ENOSPC, EINTR (a FIFO that waits)."""
    return _open(task, AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode, 0)


def sys_openat(task: "Task", dirfd: DirFd, path: UserPath, flags: OpenFlags, mode: Mode) -> int:
    """As open. Errors: also EBADF (dirfd)."""
    return _open(task, dirfd, path, flags, mode, 0)


def sys_openat2(task: "Task", dirfd: DirFd, path: UserPath, how: UserAddr, size: Size) -> int:
    """As openat, but unknown flags are EINVAL. Errors: also E2BIG (a struct from the future, with something in it), EAGAIN (RESOLVE_CACHED:
    a name is not in the dentry cache), EXDEV, ELOOP (RESOLVE_*)."""
    if size < OPEN_HOW_SIZE_VER0:
        return -EINVAL
    if size > PAGE_SIZE:
        return -E2BIG
    data = task.user.read(how, size)
    if data[OPEN_HOW.size :].strip(b"\0"):
        return -E2BIG
    flags, mode, resolve = OPEN_HOW.unpack(data)
    if flags & ~VALID_FLAGS or resolve & ~VALID_RESOLVE:
        return -EINVAL
    if resolve & RESOLVE_BENEATH and resolve & RESOLVE_IN_ROOT:
        return -EINVAL
    if flags & (O_CREAT | O_TMPFILE_BIT):
        if mode & ~0o7777:
            return -EINVAL
    elif mode:
        return -EINVAL
    if flags & O_PATH and check_flags(flags) != flags:
        return -EINVAL
    if resolve & RESOLVE_CACHED and flags & (O_TRUNC | O_CREAT | O_TMPFILE_BIT):
        return -EAGAIN
    return _open(task, dirfd, path, flags, mode, resolve)


def _open(task: "Task", dirfd: int, addr: int, flags: int, mode: int, resolve: int) -> int:
    checked = check_flags(flags)
    path = read_path(task, addr)
    limit = task.process.rlimit(RLIMIT_NOFILE)
    # Before the file is made or truncated.
    task.files.reserve_check(1, limit)
    opened = open_path(task, dirfd, path, checked, mode & 0o7777, resolve)
    if isinstance(opened, int):
        return opened
    return task.files.install(opened, limit, bool(flags & O_CLOEXEC))
