# SPDX-License-Identifier: MPL-2.0
"""stat, lstat, fstat, newfstatat, statx, statfs, fstatfs, access and its kin (Linux fs/stat.c, fs/statfs.c)."""

import struct
from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EACCES, EINVAL, ENOENT, EOVERFLOW
from cruck.abi.fcntl import (
    AT_EACCESS,
    AT_EMPTY_PATH,
    AT_FDCWD,
    AT_NO_AUTOMOUNT,
    AT_STATX_SYNC_TYPE,
    AT_SYMLINK_NOFOLLOW,
)
from cruck.abi.stat import (
    STATX,
    STATX__RESERVED,
    STATX_ATTR_MOUNT_ROOT,
    STATX_BASIC_STATS,
    STATX_BTIME,
    STATX_MNT_ID,
)
from cruck.kernel.errors import LinuxError
from cruck.kernel.syscalls.types import CInt, CUInt, DirFd, Fd, Flags, UserAddr, UserPath
from cruck.kernel.vfs.dentry import Mount, Path
from cruck.kernel.vfs.inode import FileSystem
from cruck.kernel.vfs.permission import MAY_EXEC, check_path_access, real_credentials
from cruck.kernel.vfs.stat import Stat
from cruck.kernel.vfs.walk import LOOKUP_EMPTY, LOOKUP_NOFOLLOW, Walker, empty_path_start, read_path, resolve, start_of

if TYPE_CHECKING:
    from cruck.kernel.process.task import Task

NSEC: Final = 1_000_000_000
U64: Final = 0xFFFF_FFFF_FFFF_FFFF
U32: Final = 0xFFFF_FFFF
S64_MAX: Final = (1 << 63) - 1
MS_NOEXEC: Final = 8
ST_VALID: Final = 0x20
NAME_MAX: Final = 255
# MS_* bits that statfs shows as the ST_* of the same value: RDONLY, NOSUID, NODEV, NOEXEC, (SYNCHRONOUS), NOATIME,
# NODIRATIME
MS_SHOWN: Final = 1 | 2 | 4 | 8 | 16 | 1024 | 2048
ST_RELATIME: Final = 4096
MS_STRICTATIME: Final = 1 << 24
# struct stat, as abi.stat.STAT, but times before 1970 need no masking
_STAT: Final = struct.Struct("<QQQIII4xQqqqqqqqqq24x")
# struct statfs: type, bsize, blocks, bfree, bavail, files, ffree, fsid (two ints), namelen, frsize, flags, spare[4]
_USTAT: Final = struct.Struct("<i4xQ12x4x")  # two names, always empty
_STATFS: Final = struct.Struct("<qqQQQQQiiqqq32x")


def sys_stat(task: "Task", path: UserPath, out: UserAddr) -> int:
    """Errors: the path's."""
    return _write_stat(task, out, resolve(task, AT_FDCWD, read_path(task, path)).inode().stat())


def sys_lstat(task: "Task", path: UserPath, out: UserAddr) -> int:
    """As stat, of a symbolic link itself."""
    return _write_stat(task, out, resolve(task, AT_FDCWD, read_path(task, path), LOOKUP_NOFOLLOW).inode().stat())


def sys_fstat(task: "Task", fd: Fd, out: UserAddr) -> int:
    """Errors: EBADF, EFAULT."""
    return _write_stat(task, out, task.files.get_any(fd).stat())


def sys_newfstatat(task: "Task", dirfd: DirFd, path: UserPath, out: UserAddr, flags: Flags) -> int:
    """As stat. Errors: also EBADF (dirfd), EINVAL (flags)."""
    if flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE):
        return -EINVAL
    return _write_stat(task, out, _stat_at(task, dirfd, path, flags)[0])


def sys_statx(task: "Task", dirfd: DirFd, path: UserPath, flags: Flags, mask: Flags, out: UserAddr) -> int:
    """As newfstatat. Errors: also EINVAL (mask, flags)."""
    if mask & STATX__RESERVED:
        return -EINVAL
    if flags & AT_STATX_SYNC_TYPE == AT_STATX_SYNC_TYPE:
        return -EINVAL
    if flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE):
        return -EINVAL
    stat, place = _stat_at(task, dirfd, path, flags)
    given = STATX_BASIC_STATS
    if stat.btime_ns:
        given |= STATX_BTIME
    mount_id = 0
    attributes = 0
    if place is not None:
        given |= STATX_MNT_ID
        mount_id = place.mount.mount_id
        if place.dentry is place.mount.root:
            attributes = STATX_ATTR_MOUNT_ROOT
    creds = task.creds
    data = STATX.pack(
        given, stat.blksize, attributes, stat.nlink & U32, creds.shown_uid(stat.uid), creds.shown_gid(stat.gid), stat.mode, stat.ino & U64, stat.size &
        U64, stat.blocks & U64, STATX_ATTR_MOUNT_ROOT,
        stat.atime_ns // NSEC, stat.atime_ns % NSEC, stat.btime_ns // NSEC, stat.btime_ns % NSEC,
        stat.ctime_ns // NSEC, stat.ctime_ns % NSEC, stat.mtime_ns // NSEC, stat.mtime_ns % NSEC,
        major(stat.rdev), minor(stat.rdev), major(stat.dev), minor(stat.dev), mount_id, 0, 0, 0, 0, 0, 0, 0, 0,
    )  # fmt: skip
    task.user.write(out, data)
    return 0


def major(dev: int) -> int:
    """Of a device number as mknod(2) and stat(2) give it."""
    return dev >> 8 & 0xFFF | dev >> 32 & ~0xFFF & U32


def minor(dev: int) -> int:
    return dev & 0xFF | dev >> 12 & 0xFFF00


def _stat_at(task: "Task", dirfd: int, addr: int, flags: int) -> tuple[Stat, Path | None]:
    # glibc's fstat() is newfstatat(fd, "", AT_EMPTY_PATH); Linux ≥ 6.11 takes NULL for "" too.
    path = b"" if flags & AT_EMPTY_PATH and addr == 0 else read_path(task, addr)
    if not path and flags & AT_EMPTY_PATH and dirfd != AT_FDCWD:
        file = task.files.get_any(dirfd)
        return file.stat(), file.path
    lookup = LOOKUP_NOFOLLOW if flags & AT_SYMLINK_NOFOLLOW else 0
    if flags & AT_EMPTY_PATH:
        lookup |= LOOKUP_EMPTY
    place = resolve(task, dirfd, path, lookup)
    return place.inode().stat(), place


def _write_stat(task: "Task", out: int, stat: Stat) -> int:
    if stat.size > S64_MAX:
        return -EOVERFLOW
    creds = task.creds
    data = _STAT.pack(
        stat.dev, stat.ino, stat.nlink, stat.mode, creds.shown_uid(stat.uid), creds.shown_gid(stat.gid), stat.rdev, stat.size, stat.blksize,
        stat.blocks,
        stat.atime_ns // NSEC, stat.atime_ns % NSEC, stat.mtime_ns // NSEC, stat.mtime_ns % NSEC, stat.ctime_ns // NSEC, stat.ctime_ns % NSEC,
    )  # fmt: skip
    task.user.write(out, data)
    return 0


# access(2)


def sys_access(task: "Task", path: UserPath, mode: CInt) -> int:
    """With the real user's rights, also for the walk. Errors: the path's (EACCES also: what was asked for is not allowed), EINVAL (mode),
    EROFS."""
    return _access(task, AT_FDCWD, path, mode, 0)


def sys_faccessat(task: "Task", dirfd: DirFd, path: UserPath, mode: CInt) -> int:
    """As access. Errors: also EBADF (dirfd)."""
    return _access(task, dirfd, path, mode, 0)


def sys_faccessat2(task: "Task", dirfd: DirFd, path: UserPath, mode: CInt, flags: Flags) -> int:
    """As faccessat. Errors: also EINVAL (flags)."""
    return _access(task, dirfd, path, mode, flags)


def _access(task: "Task", dirfd: int, addr: int, mode: int, flags: int) -> int:
    """With the real user's rights, also for the walk, unless AT_EACCESS. Errors: EINVAL, EACCES, EROFS, ENOENT, …"""
    if mode & ~7 or flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH):
        return -EINVAL
    creds = task.creds if flags & AT_EACCESS else real_credentials(task.creds)
    path = read_path(task, addr)
    if path:
        walker = Walker(task.fs.root, creds)
        place = walker.walk(start_of(task, dirfd, path), path, LOOKUP_NOFOLLOW if flags & AT_SYMLINK_NOFOLLOW else 0)
    elif flags & AT_EMPTY_PATH:
        place = empty_path_start(task, dirfd)
    else:
        raise LinuxError(ENOENT)
    inode = place.inode()
    if mode & MAY_EXEC and inode.is_regular() and place.mount.flags & MS_NOEXEC:
        raise LinuxError(EACCES)
    if mode:
        check_path_access(creds, place, mode)
    return 0


# statfs(2)


def sys_statfs(task: "Task", path: UserPath, out: UserAddr) -> int:
    """Errors: the path's."""
    place = resolve(task, AT_FDCWD, read_path(task, path))
    return _write_statfs(task, out, place.inode().fs, place.mount)


def sys_fstatfs(task: "Task", fd: Fd, out: UserAddr) -> int:
    """Errors: EBADF, EFAULT."""
    file = task.files.get_any(fd)
    if file.path is not None:
        return _write_statfs(task, out, file.path.inode().fs, file.path.mount)
    inode = file.inode()
    if inode is None:
        return -EINVAL
    return _write_statfs(task, out, inode.fs, None)


def sys_ustat(task: "Task", dev: CUInt, ubuf: UserAddr) -> int:
    """struct ustat of the mounted file system `dev`: free blocks and inodes. Errors: EINVAL (no such one), EFAULT."""
    for mount in task.ns.mnt.mounts:
        assert mount.root.inode is not None
        fs = mount.root.inode.fs
        if fs.dev & 0xFFFF_FFFF == dev:
            numbers = fs.statfs()
            task.user.write(ubuf, _USTAT.pack(numbers[3] & 0x7FFF_FFFF, numbers[6] & (1 << 63) - 1))
            return 0
    return -EINVAL


def _write_statfs(task: "Task", out: int, fs: FileSystem, mount: Mount | None) -> int:
    f_type, bsize, blocks, bfree, bavail, files, ffree = fs.statfs()
    flags = ST_VALID
    if mount is not None:
        flags |= mount.flags & MS_SHOWN
        if not mount.flags & (1024 | MS_STRICTATIME):
            flags |= ST_RELATIME
    if fs.is_read_only:
        flags |= 1
    fsid = fs.dev & 0x7FFF_FFFF
    data = _STATFS.pack(f_type, bsize, blocks, bfree, bavail, files, ffree, fsid, 0, NAME_MAX, bsize, flags)
    task.user.write(out, data)
    return 0
