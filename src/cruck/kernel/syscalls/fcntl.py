# SPDX-License-Identifier: MPL-2.0
"""fcntl and flock (Linux fs/fcntl.c, fs/locks.c). The locks themselves are in vfs/locks.py."""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import (
    EAGAIN,
    EBADF,
    EBUSY,
    EDEADLK,
    EINVAL,
    ENOLCK,
    EOVERFLOW,
    EPERM,
)
from cruck.abi.fcntl import (
    F_ADD_SEALS,
    F_DUPFD,
    F_DUPFD_CLOEXEC,
    F_GET_SEALS,
    F_GETFD,
    F_GETFL,
    F_GETLEASE,
    F_GETLK,
    F_GETOWN,
    F_GETOWN_EX,
    F_GETOWNER_UIDS,
    F_GETPIPE_SZ,
    F_GETSIG,
    F_NOTIFY,
    F_OFD_GETLK,
    F_OFD_SETLK,
    F_OFD_SETLKW,
    F_OWNER_EX,
    F_OWNER_PGRP,
    F_OWNER_PID,
    F_OWNER_TID,
    F_RDLCK,
    F_SEAL_FUTURE_WRITE,
    F_SEAL_GROW,
    F_SEAL_SEAL,
    F_SEAL_SHRINK,
    F_SEAL_WRITE,
    F_SETFD,
    F_SETFL,
    F_SETLK,
    F_SETLKW,
    F_SETOWN,
    F_SETOWN_EX,
    F_SETPIPE_SZ,
    F_SETSIG,
    F_UNLCK,
    F_WRLCK,
    FASYNC,
    FD_CLOEXEC,
    FLOCK,
    LOCK_EX,
    LOCK_MAND,
    LOCK_NB,
    LOCK_SH,
    LOCK_UN,
    O_APPEND,
    O_DIRECT,
    O_NOATIME,
    O_NONBLOCK,
    O_PATH,
)
from cruck.kernel.fs.tmpfs.regular import TmpFile
from cruck.kernel.ipc.pipe import PipeEnd
from cruck.kernel.syscalls import blocking
from cruck.kernel.syscalls.types import CUInt, Fd, ULong
from cruck.kernel.vfs.dnotify import watch_directory
from cruck.kernel.vfs.file_owner import owner_number, owner_of, set_async, set_owner, set_owner_number
from cruck.kernel.vfs.locks import MAX_OFFSET, LockList, RangeLock, forget_wait, would_deadlock
from cruck.kernel.vfs.permission import is_owner_or_capable

if TYPE_CHECKING:
    from cruck.kernel.process.task import Task
    from cruck.kernel.vfs.file import File
    from cruck.kernel.vfs.inode import Inode

RLIMIT_NOFILE: Final = 7
NSIG: Final = 64
SETTABLE_FLAGS: Final = O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME
ALL_SEALS: Final = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE
POSIX_LOCK_CALLS: Final = (F_GETLK, F_SETLK, F_SETLKW, F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW)
ALLOWED_ON_PATH: Final = (F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL)


def sys_fcntl(task: "Task", fd: Fd, command: CUInt, argument: ULong) -> int:
    """What the command is to return. Errors: EBADF (also: no access of the kind of lock; no pipe for F_SETPIPE_SZ), EINVAL (command,
    argument; seals of what has none), EFAULT, EMFILE (F_DUPFD), EAGAIN (F_SETLK: held by another), EDEADLK, EINTR (F_SETLKW), ENOLCK,
    EOVERFLOW (a lock beyond 2**63), EPERM (O_NOATIME, not the owner; sealed; pipe size beyond fs.pipe-max-size), EBUSY (F_SEAL_WRITE while
    mapped; a pipe that holds more), ESRCH (F_SETOWN), ENOTDIR (F_NOTIFY)."""
    file = task.files.get_any(fd)
    if file.flags & O_PATH and command not in ALLOWED_ON_PATH:
        return -EBADF
    if command in (F_DUPFD, F_DUPFD_CLOEXEC):
        limit = task.process.rlimit(RLIMIT_NOFILE)
        lowest = argument & 0xFFFF_FFFF
        if lowest >= limit:
            return -EINVAL
        return task.files.install(file, limit, command == F_DUPFD_CLOEXEC, lowest)
    if command == F_GETFD:
        return FD_CLOEXEC if fd in task.files.cloexec else 0
    if command == F_SETFD:
        if argument & FD_CLOEXEC:
            task.files.cloexec.add(fd)
        else:
            task.files.cloexec.discard(fd)
        return 0
    if command == F_GETFL:
        return file.flags
    if command == F_SETFL:
        return _set_flags(task, file, fd, argument & 0xFFFF_FFFF)
    if command in POSIX_LOCK_CALLS:
        return _range_lock(task, fd, file, command, argument)
    if command in (F_GETPIPE_SZ, F_SETPIPE_SZ):
        if not isinstance(file, PipeEnd):
            return -EBADF
        if command == F_GETPIPE_SZ:
            return file.pipe_size()
        return file.set_pipe_size(task, argument & 0xFFFF_FFFF)
    if command in (F_ADD_SEALS, F_GET_SEALS):
        if command == F_ADD_SEALS and not file.is_writable():
            return -EPERM
        if not isinstance(file, TmpFile):
            return -EINVAL
        if command == F_GET_SEALS:
            return file.seals()
        return _add_seals(file, argument & 0xFFFF_FFFF)
    if command == F_GETLEASE:
        return F_UNLCK
    return _owner_call(task, file, fd, command, argument)


def _set_flags(task: "Task", file: "File", fd: int, argument: int) -> int:
    """Errors: EPERM (O_NOATIME on somebody else's file; the file's)."""
    inode = file.inode()
    if argument & O_NOATIME and not file.flags & O_NOATIME and inode is not None and not is_owner_or_capable(task.creds, inode):
        return -EPERM
    result = file.set_flags(file.flags & ~SETTABLE_FLAGS | argument & SETTABLE_FLAGS)
    if result == 0:
        set_async(task, file, fd, argument & FASYNC != 0)
    return result


def _add_seals(file: TmpFile, seals: int) -> int:
    """Of a file that is open for writing. Errors: EPERM (already sealed), EINVAL, EBUSY (mapped for writing)."""
    if seals & ~ALL_SEALS:
        return -EINVAL
    if file.node.seals & F_SEAL_SEAL:
        return -EPERM
    if seals & F_SEAL_WRITE and not file.node.seals & F_SEAL_WRITE and file.has_writable_mappings():
        return -EBUSY
    file.add_seals(seals)
    return 0


def _owner_call(task: "Task", file: "File", fd: int, command: int, argument: int) -> int:
    """F_SETOWN and its kin: who gets SIGIO, and F_NOTIFY."""
    if command == F_GETOWN:
        return owner_number(task, file)
    if command == F_SETOWN:
        number = argument & 0xFFFF_FFFF
        return set_owner_number(task, file, number - (1 << 32) if number >= 1 << 31 else number)
    if command == F_GETOWN_EX:
        kind, number = (F_OWNER_PID, 0) if file.owner is None else (file.owner.kind, task.number_of(file.owner.number))
        task.user.write(argument, F_OWNER_EX.pack(kind, number))
        return 0
    if command == F_SETOWN_EX:
        kind, number = F_OWNER_EX.unpack(task.user.read(argument, F_OWNER_EX.size))
        if kind not in (F_OWNER_TID, F_OWNER_PID, F_OWNER_PGRP):
            return -EINVAL
        return set_owner(task, file, kind, number)
    if command == F_GETOWNER_UIDS:
        uids = (0, 0) if file.owner is None else (file.owner.uid, file.owner.euid)
        task.user.write(argument, uids[0].to_bytes(4, "little") + uids[1].to_bytes(4, "little"))
        return 0
    if command == F_GETSIG:
        return file.owner.signo if file.owner is not None else 0
    if command == F_SETSIG:
        if argument > NSIG:
            return -EINVAL
        owner_of(task, file).signo = argument
        return 0
    if command == F_NOTIFY:
        return watch_directory(task, file, fd, argument & 0xFFFF_FFFF)
    return -EINVAL


def _lock_list(task: "Task", inode: "Inode") -> LockList:
    if inode.locks is None:
        inode.locks = LockList(task.kernel.ledger)
    return inode.locks


def _range_lock(task: "Task", fd: int, file: "File", command: int, addr: int) -> int:
    """F_GETLK, F_SETLK(W) and the F_OFD_ ones.

    Errors: EINVAL, EOVERFLOW, EBADF (access mode), EAGAIN (held by another), EDEADLK, ENOLCK, ERESTARTSYS.
    """
    given = FLOCK.unpack(task.user.read(addr, FLOCK.size))
    kind, whence, start, length, pid = given
    is_ofd = command in (F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW)
    if is_ofd and pid != 0:
        return -EINVAL
    if kind not in (F_RDLCK, F_WRLCK, F_UNLCK) or (kind == F_UNLCK and command == F_GETLK):
        return -EINVAL
    inode = file.inode()
    if inode is None:
        return -EINVAL
    if whence == 1:
        start += file.pos
    elif whence == 2:
        start += inode.stat().size
    elif whence != 0:
        return -EINVAL
    if length > 0:
        end = start + length - 1
    elif length < 0:
        end = start - 1
        start += length
    else:
        end = MAX_OFFSET
    if start < 0:
        return -EINVAL
    if start > MAX_OFFSET or end > MAX_OFFSET:
        return -EOVERFLOW
    wanted = RangeLock(start, end, kind, None if is_ofd else task.files, file if is_ofd else None, -1 if is_ofd else task.process.pid)
    locks = _lock_list(task, inode)
    if command in (F_GETLK, F_OFD_GETLK):
        found = locks.conflict(wanted) if kind != F_UNLCK else None
        if found is None:
            task.user.write(addr, FLOCK.pack(F_UNLCK, given[1], given[2], given[3], given[4]))
        else:
            stop = 0 if found.end == MAX_OFFSET else found.end - found.start + 1
            task.user.write(addr, FLOCK.pack(found.kind, 0, found.start, stop, task.number_of(found.pid) if found.pid > 0 else found.pid))
        return 0
    if kind == F_RDLCK and not file.is_readable() or kind == F_WRLCK and not file.is_writable():
        return -EBADF
    forget_wait(task)
    if kind != F_UNLCK:
        blocker = locks.conflict(wanted)
        if blocker is not None:
            if command in (F_SETLK, F_OFD_SETLK):
                return -EAGAIN
            if not is_ofd and would_deadlock(task.files, blocker):
                return -EDEADLK
            result = blocking.wait_on(task, locks.queue)
            if result == blocking.BLOCKED:
                record = blocking.record(task)
                record.extra = blocker.table
                task.files.lock_waits[task] = record
            return result
    if kind != F_UNLCK and locks.is_full():
        return -ENOLCK
    locks.set_range(wanted)
    return 0


def sys_flock(task: "Task", fd: Fd, operation: CUInt) -> int:
    """Errors: EBADF, EINVAL (operation), EAGAIN (LOCK_NB: held by another), EINTR, ENOLCK."""
    if operation & LOCK_MAND:
        return 0  # once a mandatory lock; Linux has ignored it since 5.5
    file = task.files.get(fd)
    what = operation & ~LOCK_NB
    if what not in (LOCK_SH, LOCK_EX, LOCK_UN):
        return -EINVAL
    inode = file.inode()
    if inode is None:
        return -EINVAL
    locks = _lock_list(task, inode)
    if what == LOCK_UN:
        locks.drop_flock(file)
        return 0
    if locks.try_flock(file, what == LOCK_EX, task.process.pid):
        return 0
    if operation & LOCK_NB:
        return -EAGAIN
    return blocking.wait_on(task, locks.queue)
