# SPDX-License-Identifier: MPL-2.0
"""read, write and their vector, positioned and seeking kin (Linux fs/read_write.c).

What is common to all files is here: access mode, positions, O_APPEND, RLIMIT_FSIZE, waiting, and that a blocking
write to a stream takes everything before it returns. What the bytes mean is the file's.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EBADF, EFBIG, EINVAL, EISDIR, EOPNOTSUPP, EPIPE, ESPIPE
from cruck.abi.fcntl import O_APPEND, O_NONBLOCK
from cruck.abi.inotify import IN_ACCESS, IN_MODIFY
from cruck.abi.stat import S_IFCHR, S_IFDIR, S_IFIFO, S_IFMT, S_IFREG, S_IFSOCK
from cruck.framework.mm.user_memory import UserFault, UserReader, UserWriter
from cruck.kernel.errors import WOULD_BLOCK, LinuxError
from cruck.kernel.process.process import RLIM_INFINITY
from cruck.kernel.syscalls import blocking
from cruck.kernel.syscalls.iovec import clip, one_range, read_iovec, skip, total
from cruck.kernel.syscalls.types import CInt, Fd, Flags, InBuffer, Long, Offset, OutBuffer, Size, ULong, UserAddr
from cruck.kernel.vfs.fsnotify import notify_dentry
from cruck.kernel.vfs.permission import mode_after_write

if TYPE_CHECKING:
    from cruck.kernel.process.task import Task
    from cruck.kernel.vfs.file import File

SIGPIPE: Final = 13
SIGXFSZ: Final = 25
RLIMIT_FSIZE: Final = 1

RWF_HIPRI: Final = 1
RWF_DSYNC: Final = 2
RWF_SYNC: Final = 4
RWF_NOWAIT: Final = 8
RWF_APPEND: Final = 16

# POLLIN, POLLPRI, POLLERR, POLLHUP, POLLRDNORM, POLLRDBAND, POLLRDHUP
IN_EVENTS: Final = 0x001 | 0x002 | 0x008 | 0x010 | 0x040 | 0x080 | 0x2000
OUT_EVENTS: Final = 0x004 | 0x008 | 0x010 | 0x100 | 0x200


def sys_read(task: "Task", fd: Fd, buffer: OutBuffer, count: Size) -> int:
    """Bytes, 0 at the end. Errors: EBADF (also: not open for reading), EFAULT, EINVAL (what cannot be read so), EISDIR,
    EAGAIN (O_NONBLOCK), EINTR, and the file's own."""
    file = readable(task, fd)
    return _read(task, file, one_range(task, buffer, count), -1, 0)


def sys_write(task: "Task", fd: Fd, buffer: InBuffer, count: Size) -> int:
    """Bytes. Errors: EBADF (also: not open for writing), EFAULT, EINVAL (as read), EAGAIN (O_NONBLOCK), EINTR, EPIPE (with SIGPIPE), EFBIG
    (RLIMIT_FSIZE, with SIGXFSZ), ENOSPC, EPERM (sealed), and the file's own."""
    file = writable(task, fd)
    return _write(task, file, one_range(task, buffer, count), -1, 0)


def sys_readv(task: "Task", fd: Fd, iov: UserAddr, count: ULong) -> int:
    """As read. Errors: also EINVAL (more than 1024 ranges)."""
    file = readable(task, fd)
    return _read(task, file, read_iovec(task, iov, count), -1, 0)


def sys_writev(task: "Task", fd: Fd, iov: UserAddr, count: ULong) -> int:
    """As write. Errors: also EINVAL (more than 1024 ranges)."""
    file = writable(task, fd)
    return _write(task, file, read_iovec(task, iov, count), -1, 0)


def sys_pread64(task: "Task", fd: Fd, buffer: OutBuffer, count: Size, offset: Offset) -> int:
    """Bytes from `offset`. Errors: EBADF (also: not open for reading), EFAULT, EINVAL (negative; what cannot be read so), EISDIR,
    ESPIPE (pipe, socket, …)."""
    file = _positioned(task, fd, offset, False)
    return _read(task, file, one_range(task, buffer, count), offset, 0)


def sys_pwrite64(task: "Task", fd: Fd, buffer: InBuffer, count: Size, offset: Offset) -> int:
    """Bytes to `offset`, at the end with O_APPEND. Errors: EBADF (also: not open for writing), EFAULT, EINVAL (negative), ESPIPE (pipe,
    socket, …), EFBIG (RLIMIT_FSIZE, with SIGXFSZ), ENOSPC, EPERM (sealed)."""
    file = _positioned(task, fd, offset, True)
    return _write(task, file, one_range(task, buffer, count), offset, 0)


def sys_preadv(task: "Task", fd: Fd, iov: UserAddr, count: ULong, offset: Offset, offset_high: ULong) -> int:
    """As pread64. Errors: also EINVAL (more than 1024 ranges)."""
    file = _positioned(task, fd, offset, False)
    return _read(task, file, read_iovec(task, iov, count), offset, 0)


def sys_pwritev(task: "Task", fd: Fd, iov: UserAddr, count: ULong, offset: Offset, offset_high: ULong) -> int:
    """As pwrite64. Errors: also EINVAL (more than 1024 ranges)."""
    file = _positioned(task, fd, offset, True)
    return _write(task, file, read_iovec(task, iov, count), offset, 0)


def sys_preadv2(task: "Task", fd: Fd, iov: UserAddr, count: ULong, offset: Offset, offset_high: ULong, flags: Flags) -> int:
    """As preadv; offset −1: as readv, at the file's position. Errors: also EOPNOTSUPP (flags), EAGAIN (RWF_NOWAIT)."""
    file = readable(task, fd) if offset == -1 else _positioned(task, fd, offset, False)
    ranges = read_iovec(task, iov, count)
    if flags & ~(RWF_HIPRI | RWF_NOWAIT | RWF_DSYNC | RWF_SYNC):
        return -EOPNOTSUPP
    return _read(task, file, ranges, offset, flags)


def sys_pwritev2(task: "Task", fd: Fd, iov: UserAddr, count: ULong, offset: Offset, offset_high: ULong, flags: Flags) -> int:
    """As pwritev; offset −1: as writev. Errors: also EOPNOTSUPP (flags), EAGAIN (RWF_NOWAIT)."""
    file = writable(task, fd) if offset == -1 else _positioned(task, fd, offset, True)
    ranges = read_iovec(task, iov, count)
    if flags & ~(RWF_HIPRI | RWF_NOWAIT | RWF_DSYNC | RWF_SYNC | RWF_APPEND):
        return -EOPNOTSUPP
    return _write(task, file, ranges, offset, flags)


def _read(task: "Task", file: "File", ranges: list[tuple[int, int]], offset: int, flags: int) -> int:
    result = read_ranges(task, file, ranges, offset, flags)
    if result != blocking.BLOCKED:
        task.io.count_read(result)
    return result


def _write(task: "Task", file: "File", ranges: list[tuple[int, int]], offset: int, flags: int) -> int:
    result = write_ranges(task, file, ranges, offset, flags)
    if result != blocking.BLOCKED:
        task.io.count_write(result)
    return result


def sys_lseek(task: "Task", fd: Fd, offset: Offset, whence: CInt) -> int:
    """The new position. Errors: EBADF, ESPIPE (pipe, socket, terminal), EINVAL (whence; negative), ENXIO (SEEK_DATA, SEEK_HOLE beyond the
    end)."""
    file = task.files.get(fd)
    if not 0 <= whence <= 4:
        return -EINVAL
    return file.lseek(offset, whence)


def readable(task: "Task", fd: int) -> "File":
    """The file of a descriptor that was opened for reading. Errors: LinuxError(EBADF)."""
    file = task.files.get(fd)
    if not file.is_readable():
        raise LinuxError(EBADF)
    return file


def writable(task: "Task", fd: int) -> "File":
    file = task.files.get(fd)
    if not file.is_writable():
        raise LinuxError(EBADF)
    return file


def _positioned(task: "Task", fd: int, offset: int, is_write: bool) -> "File":
    if offset < 0:
        raise LinuxError(EINVAL)
    file = task.files.get(fd)
    if not file.is_seekable and not is_directory(file):
        raise LinuxError(ESPIPE)
    if not (file.is_writable() if is_write else file.is_readable()):
        raise LinuxError(EBADF)
    return file


def is_directory(file: "File") -> bool:
    inode = file.inode()
    return inode is not None and inode.mode & S_IFMT == S_IFDIR


def read_ranges(task: "Task", file: "File", ranges: list[tuple[int, int]], offset: int, flags: int) -> int:
    """Reads into guest ranges at `offset` (−1: the file's position, which moves)."""
    at = (file.pos if file.is_seekable else 0) if offset < 0 else offset
    out = UserWriter(task.user, ranges)
    if out.remaining == 0:
        if is_directory(file):
            return -EISDIR
        return 0
    count = file.read(out, at)
    if count > 0:
        if file.is_seekable:
            # A file in the host's hands fills one range at a time.
            if out.remaining and len(ranges) > 1 and _is_regular(file):
                count = _read_on(file, out, at, count)
            if offset < 0:
                file.pos = at + count
        if task.kernel.nr_watches and file.path is not None:
            notify_dentry(file.path.dentry, IN_ACCESS)
        return count
    if count == WOULD_BLOCK:
        deadline = blocking.deadline_after(task, file.read_timeout_ns())
        return blocking.wait_file(task, file, IN_EVENTS, deadline, bool(flags & RWF_NOWAIT))
    if count == -EINVAL and is_directory(file):
        return -EISDIR
    return count


def _read_on(file: "File", out: UserWriter, at: int, count: int) -> int:
    while out.remaining and not out.is_faulted:
        try:
            more = file.read(out, at + count)
        except (UserFault, LinuxError):
            break
        if more <= 0:
            break
        count += more
    return count


def write_ranges(task: "Task", file: "File", ranges: list[tuple[int, int]], offset: int, flags: int) -> int:
    """Writes from guest ranges at `offset` (−1: the file's position, which moves)."""
    if file.is_seekable:
        return _write_file(task, file, ranges, offset, flags)
    done = blocking.record(task).progress if blocking.is_rerun(task) else 0
    data = UserReader(task.user, skip(ranges, done) if done else ranges)
    while True:
        try:
            count = file.write(data, 0)
        except UserFault:
            if done:
                return done
            raise
        if count > 0:
            done += count
            if task.kernel.nr_watches and file.path is not None:
                notify_dentry(file.path.dentry, IN_MODIFY)
            if data.remaining == 0 or data.is_faulted:
                return done
            if flags & RWF_NOWAIT or file.flags & O_NONBLOCK or not _is_stream(file):
                return done
            continue
        if count == WOULD_BLOCK:
            return _wait_to_write(task, file, done, flags)
        if count == -EPIPE:
            task.kernel.send_signal_task(task, SIGPIPE)
        return done if done else count


def _wait_to_write(task: "Task", file: "File", done: int, flags: int) -> int:
    timeout_ns = file.write_timeout_ns()
    deadline = blocking.deadline_after(task, timeout_ns)
    result = blocking.wait_file(task, file, OUT_EVENTS, deadline, bool(flags & RWF_NOWAIT))
    if result == blocking.BLOCKED:
        blocking.record(task).progress = done
        return result
    return done if done else result


def _is_stream(file: "File") -> bool:
    """Does a blocking write go on until all is written? Pipes, sockets and terminals do; an eventfd does not."""
    return file.stat().mode & S_IFMT in (S_IFIFO, S_IFSOCK, S_IFCHR)


def _is_regular(file: "File") -> bool:
    inode = file.inode()
    return inode is not None and inode.mode & S_IFMT == S_IFREG


def _write_file(task: "Task", file: "File", ranges: list[tuple[int, int]], offset: int, flags: int) -> int:
    """A write to a seekable file."""
    old_flags = file.flags
    is_append = bool(old_flags & O_APPEND)
    if flags & RWF_APPEND and not is_append:
        is_append = True
    at = file.pos if offset < 0 else offset
    inode = file.inode()
    if inode is not None and inode.mode & S_IFMT == S_IFREG:
        start = file.append_pos() if is_append else at
        limit = task.process.rlimit(RLIMIT_FSIZE)
        if limit != RLIM_INFINITY:
            wanted = total(ranges)
            if wanted and start >= limit:
                task.kernel.send_signal_task(task, SIGXFSZ)
                return -EFBIG
            if start + wanted > limit:
                ranges = clip(ranges, limit - start)
        if is_append:
            at = start
        if inode.mode & 0o6000 and ranges:
            mode = mode_after_write(task.creds, inode.mode)
            if mode != inode.mode:
                inode.set_attributes(mode & 0o7777)
    data = UserReader(task.user, ranges)
    if data.remaining == 0:
        return 0
    done = 0
    while data.remaining and not data.is_faulted:
        try:
            count = file.write(data, at + done)
        except (UserFault, LinuxError):
            if done:
                break
            raise
        if count <= 0:
            if done:
                break
            if count == WOULD_BLOCK:
                return _wait_to_write(task, file, 0, flags)
            if count == -EPIPE:
                task.kernel.send_signal_task(task, SIGPIPE)
            if count == -EINVAL and is_directory(file):
                return -EISDIR
            return count
        done += count
        if inode is None or inode.mode & S_IFMT != S_IFREG:
            break
    if offset < 0:
        file.pos = file.append_pos() if is_append and inode is not None else at + done
    if done and task.kernel.nr_watches and file.path is not None:
        notify_dentry(file.path.dentry, IN_MODIFY)
    if flags & (RWF_DSYNC | RWF_SYNC):
        result = file.fsync(not flags & RWF_SYNC)
        if result < 0 and result != -EINVAL:
            return result
    return done


def sys_readahead(task: "Task", fd: Fd, offset: Offset, count: Size) -> int:
    """Everything is as near as it gets. Errors: EBADF (also: not open for reading), EINVAL (no regular file)."""
    file = readable(task, fd)
    if not _is_regular(file):
        return -EINVAL
    return 0


def sys_fadvise64(task: "Task", fd: Fd, offset: Offset, length: Long, advice: CInt) -> int:
    """Advice is checked and not needed. Errors: EBADF, ESPIPE (pipe), EINVAL (advice, negative length)."""
    file = task.files.get(fd)
    if file.stat().mode & S_IFMT == S_IFIFO:
        return -ESPIPE
    if length < 0 or not 0 <= advice <= 5:
        return -EINVAL
    return 0
