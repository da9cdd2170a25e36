# SPDX-License-Identifier: MPL-2.0
"""Attributes: chmod, chown, times, sizes, umask (Linux fs/open.c, fs/attr.c, fs/utimes.c)."""

import struct
from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EACCES, EBADF, EFBIG, EINVAL, EISDIR, ENODEV, EOPNOTSUPP, EPERM, ESPIPE, ETXTBSY
from cruck.abi.fcntl import (
    AT_EMPTY_PATH,
    AT_FDCWD,
    AT_SYMLINK_NOFOLLOW,
    FALLOC_FL_COLLAPSE_RANGE,
    FALLOC_FL_INSERT_RANGE,
    FALLOC_FL_KEEP_SIZE,
    FALLOC_FL_PUNCH_HOLE,
    FALLOC_FL_UNSHARE_RANGE,
    FALLOC_FL_ZERO_RANGE,
)
from cruck.abi.inotify import IN_ACCESS, IN_ATTRIB, IN_MODIFY
from cruck.abi.stat import S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG, S_ISGID, UTIME_NOW, UTIME_OMIT
from cruck.kernel.errors import LinuxError
from cruck.kernel.process.credentials import CAP_CHOWN, CAP_FSETID
from cruck.kernel.process.process import RLIM_INFINITY
from cruck.kernel.syscalls.types import CInt, DirFd, Fd, Flags, Gid, Mode, Offset, Uid, UserAddr, UserPath
from cruck.kernel.vfs.fsnotify import fsnotify, notify_dentry
from cruck.kernel.vfs.open import truncate_inode
from cruck.kernel.vfs.permission import (
    MAY_WRITE,
    check_mount_writable,
    check_path_access,
    has_access,
    is_owner_or_capable,
    mode_after_write,
    mode_without_setid,
)
from cruck.kernel.vfs.walk import LOOKUP_EMPTY, LOOKUP_NOFOLLOW, read_path, resolve

if TYPE_CHECKING:
    from cruck.kernel.process.task import Task
    from cruck.kernel.vfs.dentry import Path
    from cruck.kernel.vfs.inode import Inode

NSEC: Final = 1_000_000_000
SIGXFSZ: Final = 25
RLIMIT_FSIZE: Final = 1
UNCHANGED: Final = 0xFFFF_FFFF  # chown's −1
OMIT: Final = -1
_TWO_TIMES: Final = struct.Struct("<qqqq")
_UTIMBUF: Final = struct.Struct("<qq")


def _at(task: "Task", dirfd: int, addr: int, flags: int) -> "tuple[Inode, Path | None]":
    """What a path or (AT_EMPTY_PATH) a descriptor names: the inode, and its place if it has one."""
    path = read_path(task, addr)
    if not path and flags & AT_EMPTY_PATH and dirfd != AT_FDCWD:
        return _of_fd(task, dirfd, True)
    lookup = LOOKUP_NOFOLLOW if flags & AT_SYMLINK_NOFOLLOW else 0
    if flags & AT_EMPTY_PATH:
        lookup |= LOOKUP_EMPTY
    place = resolve(task, dirfd, path, lookup)
    return place.inode(), place


def _of_fd(task: "Task", fd: int, also_path: bool) -> "tuple[Inode, Path | None]":
    file = task.files.get_any(fd) if also_path else task.files.get(fd)
    inode = file.inode()
    if inode is None:
        raise LinuxError(EPERM)
    return inode, file.path


def _notify(inode: "Inode", place: "Path | None", event: int) -> None:
    if place is not None:
        notify_dentry(place.dentry, event)
    else:
        fsnotify(inode, event)


def _times_event(atime: int, mtime: int, atime_now: bool, mtime_now: bool) -> int:
    """What a change of times looks like to a watcher (fsnotify_change): both are an attribute, one alone is its cause."""
    has_atime = atime_now or atime != OMIT
    has_mtime = mtime_now or mtime != OMIT
    if has_atime and has_mtime:
        return IN_ATTRIB
    return IN_ACCESS if has_atime else IN_MODIFY


# Modes


def sys_chmod(task: "Task", path: UserPath, mode: Mode) -> int:
    """Errors: the path's, EPERM (not the owner), EROFS."""
    inode, place = _at(task, AT_FDCWD, path, 0)
    return _chmod(task, inode, place, mode)


def sys_fchmod(task: "Task", fd: Fd, mode: Mode) -> int:
    """Errors: EBADF, EPERM (not the owner), EROFS."""
    inode, place = _of_fd(task, fd, False)
    return _chmod(task, inode, place, mode)


def sys_fchmodat(task: "Task", dirfd: DirFd, path: UserPath, mode: Mode) -> int:
    """As chmod. Errors: also EBADF (dirfd)."""
    inode, place = _at(task, dirfd, path, 0)
    return _chmod(task, inode, place, mode)


def sys_fchmodat2(task: "Task", dirfd: DirFd, path: UserPath, mode: Mode, flags: Flags) -> int:
    """As fchmodat. Errors: also EINVAL (flags), EOPNOTSUPP (a symbolic link itself: links have no mode)."""
    if flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH):
        return -EINVAL
    inode, place = _at(task, dirfd, path, flags)
    return _chmod(task, inode, place, mode)


def _chmod(task: "Task", inode: "Inode", place: "Path | None", mode: int) -> int:
    """Errors: EPERM (not the owner), EROFS, EOPNOTSUPP (symbolic links have no mode)."""
    creds = task.creds
    if place is not None:
        check_mount_writable(place.mount)
    if inode.mode & S_IFMT == S_IFLNK:
        return -EOPNOTSUPP
    if not is_owner_or_capable(creds, inode):
        return -EPERM
    mode &= 0o7777
    if mode & S_ISGID and not creds.in_group(inode.gid) and not creds.has_over(inode.uid, inode.gid, CAP_FSETID):
        mode &= ~S_ISGID
    inode.set_attributes(mode)
    _notify(inode, place, IN_ATTRIB)
    return 0


def sys_umask(task: "Task", mask: Mode) -> int:
    """The mask that was. Never fails."""
    old = task.fs.umask
    task.fs.umask = mask & 0o777
    return old


# Owners


def sys_chown(task: "Task", path: UserPath, uid: Uid, gid: Gid) -> int:
    """Errors: the path's, EPERM (without CAP_CHOWN: another owner, or a group that is none of the owner's), EROFS, EINVAL (in a user
    namespace that has no such id)."""
    inode, place = _at(task, AT_FDCWD, path, 0)
    return _chown(task, inode, place, uid, gid)


def sys_lchown(task: "Task", path: UserPath, uid: Uid, gid: Gid) -> int:
    """As chown, of a symbolic link itself."""
    inode, place = _at(task, AT_FDCWD, path, AT_SYMLINK_NOFOLLOW)
    return _chown(task, inode, place, uid, gid)


def sys_fchown(task: "Task", fd: Fd, uid: Uid, gid: Gid) -> int:
    """Errors: EBADF, EPERM, EROFS, EINVAL, all as chown."""
    inode, place = _of_fd(task, fd, False)
    return _chown(task, inode, place, uid, gid)


def sys_fchownat(task: "Task", dirfd: DirFd, path: UserPath, uid: Uid, gid: Gid, flags: Flags) -> int:
    """As chown. Errors: also EBADF (dirfd), EINVAL (flags)."""
    if flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH):
        return -EINVAL
    inode, place = _at(task, dirfd, path, flags)
    return _chown(task, inode, place, uid, gid)


def _chown(task: "Task", inode: "Inode", place: "Path | None", uid: int, gid: int) -> int:
    """Without CAP_CHOWN an owner may only give the file to a group of theirs. Errors: EPERM, EROFS, EINVAL (no such id)."""
    creds = task.creds
    if place is not None:
        check_mount_writable(place.mount)
    is_owner = creds.fsuid == inode.uid
    can_chown = creds.has_over(inode.uid, inode.gid, CAP_CHOWN)
    if uid != UNCHANGED:
        uid = creds.kernel_uid(uid)
    if gid != UNCHANGED:
        gid = creds.kernel_gid(gid)
    if uid < 0 or gid < 0:
        return -EINVAL
    if uid != UNCHANGED and not can_chown and not (is_owner and uid == inode.uid):
        return -EPERM
    if gid != UNCHANGED and not can_chown and not (is_owner and (gid == inode.gid or creds.in_group(gid))):
        return -EPERM
    mode = -1
    if inode.mode & S_IFMT != S_IFDIR:
        # Whoever the file belonged to vouched for its set-ID bits; the new owner has not.
        cleared = mode_without_setid(inode.mode)
        if cleared != inode.mode:
            if not is_owner_or_capable(creds, inode):
                return -EPERM
            mode = cleared & 0o7777
    inode.set_attributes(mode, -1 if uid == UNCHANGED else uid, -1 if gid == UNCHANGED else gid)
    _notify(inode, place, IN_ATTRIB)
    return 0


# Times


def sys_utime(task: "Task", path: UserPath, times: UserAddr) -> int:
    """Times in seconds; NULL is now. Errors: the path's, EACCES (now, and neither owner nor allowed to write), EPERM (a given time, not the
    owner), EROFS."""
    atime = mtime = UTIME_NOW
    is_now = True
    if times:
        atime, mtime = _UTIMBUF.unpack(task.user.read(times, 16))
        atime, mtime, is_now = atime * NSEC, mtime * NSEC, False
    inode, place = _at(task, AT_FDCWD, path, 0)
    return _set_times(task, inode, place, atime, mtime, is_now, is_now)


def sys_utimes(task: "Task", path: UserPath, times: UserAddr) -> int:
    """As utime, with µs. Errors: also EINVAL (µs outside of [0, 1e6))."""
    return _utimes(task, AT_FDCWD, path, times)


def sys_futimesat(task: "Task", dirfd: DirFd, path: UserPath, times: UserAddr) -> int:
    """As utimes. Path NULL: dirfd itself. Errors: also EBADF (dirfd)."""
    return _utimes(task, dirfd, path, times)


def _utimes(task: "Task", dirfd: int, path: int, times: int) -> int:
    atime = mtime = 0
    is_now = True
    if times:
        asec, ausec, msec, musec = _TWO_TIMES.unpack(task.user.read(times, 32))
        if not 0 <= ausec < 1_000_000 or not 0 <= musec < 1_000_000:
            return -EINVAL
        atime, mtime, is_now = asec * NSEC + ausec * 1000, msec * NSEC + musec * 1000, False
    if path == 0 and dirfd != AT_FDCWD:
        inode, place = _of_fd(task, dirfd, False)
    else:
        inode, place = _at(task, dirfd, path, 0)
    return _set_times(task, inode, place, atime, mtime, is_now, is_now)


def sys_utimensat(task: "Task", dirfd: DirFd, path: UserPath, times: UserAddr, flags: Flags) -> int:
    """As utimes, with ns, UTIME_NOW and UTIME_OMIT. Path NULL: dirfd itself. Errors: also EBADF (dirfd), EINVAL (ns, flags)."""
    atime = mtime = 0
    atime_now = mtime_now = True
    if times:
        asec, ansec, msec, mnsec = _TWO_TIMES.unpack(task.user.read(times, 32))
        for nsec in (ansec, mnsec):
            if nsec != UTIME_NOW and nsec != UTIME_OMIT and not 0 <= nsec < NSEC:
                return -EINVAL
        if ansec == UTIME_OMIT and mnsec == UTIME_OMIT:
            return 0
        atime = OMIT if ansec == UTIME_OMIT else asec * NSEC + ansec
        mtime = OMIT if mnsec == UTIME_OMIT else msec * NSEC + mnsec
        atime_now = ansec == UTIME_NOW
        mtime_now = mnsec == UTIME_NOW
    if path == 0 and dirfd != AT_FDCWD:
        if flags:
            return -EINVAL
        inode, place = _of_fd(task, dirfd, False)
    else:
        if flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH):
            return -EINVAL
        inode, place = _at(task, dirfd, path, flags)
    return _set_times(task, inode, place, atime, mtime, atime_now, mtime_now)


def _set_times(task: "Task", inode: "Inode", place: "Path | None", atime: int, mtime: int, atime_now: bool, mtime_now: bool) -> int:
    if place is not None:
        check_mount_writable(place.mount)
    creds = task.creds
    if not is_owner_or_capable(creds, inode):
        if not (atime_now and mtime_now):
            return -EPERM
        if not has_access(creds, inode, MAY_WRITE):
            return -EACCES
    now = task.kernel.clock.realtime_ns()
    inode.set_attributes(-1, -1, -1, now if atime_now else atime, now if mtime_now else mtime)
    _notify(inode, place, _times_event(atime, mtime, atime_now, mtime_now))
    return 0


# Sizes


def sys_truncate(task: "Task", path: UserPath, length: Offset) -> int:
    """Errors: the path's, EINVAL (negative, no regular file), EISDIR, EROFS, ETXTBSY (a running program), EFBIG (RLIMIT_FSIZE, with
    SIGXFSZ; the file system's limit)."""
    if length < 0:
        return -EINVAL
    place = resolve(task, AT_FDCWD, read_path(task, path))
    inode = place.inode()
    if inode.is_dir():
        return -EISDIR
    if not inode.is_regular():
        return -EINVAL
    check_path_access(task.creds, place, MAY_WRITE)
    if inode.write_count < 0:
        return -ETXTBSY
    refusal = _check_size_limit(task, inode, length)
    if refusal:
        return refusal
    truncate_inode(task, inode, length)
    notify_dentry(place.dentry, IN_MODIFY)
    return 0


def sys_ftruncate(task: "Task", fd: Fd, length: Offset) -> int:
    """Errors: EBADF, EINVAL (negative, not open for writing, no regular file), EFBIG as truncate, EPERM (sealed)."""
    if length < 0:
        return -EINVAL
    file = task.files.get(fd)
    inode = file.inode()
    if inode is None or not inode.is_regular() or not file.is_writable():
        return -EINVAL
    refusal = _check_size_limit(task, inode, length)
    if refusal:
        return refusal
    result = file.truncate(length)
    if result == 0:
        _notify(inode, file.path, IN_MODIFY)
        mode = mode_after_write(task.creds, inode.mode)
        if mode != inode.mode:
            inode.set_attributes(mode & 0o7777)
    return result


def _check_size_limit(task: "Task", inode: "Inode", length: int) -> int:
    limit = task.process.rlimit(RLIMIT_FSIZE)
    if limit != RLIM_INFINITY and length > limit and length > inode.stat().size:
        task.kernel.send_signal_task(task, SIGXFSZ)
        return -EFBIG
    return 0


def sys_fallocate(task: "Task", fd: Fd, mode: CInt, offset: Offset, length: Offset) -> int:
    """Errors: EBADF (also: not open for writing), EINVAL (negative offset, length ≤ 0), EOPNOTSUPP (mode), ESPIPE (pipe), ENODEV
    (another kind of file), EFBIG (RLIMIT_FSIZE; beyond 2**63), ENOSPC, EPERM (sealed)."""
    file = task.files.get(fd)
    if offset < 0 or length <= 0:
        return -EINVAL
    known = (
        FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_ZERO_RANGE |
        FALLOC_FL_INSERT_RANGE | FALLOC_FL_UNSHARE_RANGE
    )  # fmt: skip
    if mode & ~known:
        return -EOPNOTSUPP
    if mode & FALLOC_FL_PUNCH_HOLE and not mode & FALLOC_FL_KEEP_SIZE or mode & FALLOC_FL_PUNCH_HOLE and mode & FALLOC_FL_ZERO_RANGE:
        return -EOPNOTSUPP
    if not file.is_writable():
        return -EBADF
    kind = file.stat().mode & S_IFMT
    if kind == S_IFIFO:
        return -ESPIPE
    if kind == S_IFDIR:
        return -EISDIR
    if kind != S_IFREG:
        return -ENODEV
    if offset + length > (1 << 63) - 1:
        return -EFBIG
    inode = file.inode()
    if inode is not None and not mode & FALLOC_FL_KEEP_SIZE:
        refusal = _check_size_limit(task, inode, offset + length)
        if refusal:
            return refusal
    result = file.fallocate(mode, offset, length)
    if result == 0 and inode is not None:
        _notify(inode, file.path, IN_MODIFY)
    return result
