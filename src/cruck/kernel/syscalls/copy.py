# SPDX-License-Identifier: MPL-2.0
"""Copies between descriptors: sendfile, copy_file_range, splice, tee, vmsplice (Linux fs/read_write.c, fs/splice.c).

Nothing is taken from a source before the destination has it: sources are positions in a file, or a pipe that is
peeked at.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EAGAIN, EBADF, EFBIG, EINVAL, EISDIR, EOVERFLOW, EPIPE, ESPIPE, EXDEV
from cruck.abi.fcntl import O_APPEND, O_NONBLOCK, SPLICE_F_NONBLOCK
from cruck.abi.inotify import IN_ACCESS, IN_MODIFY
from cruck.abi.stat import S_IFDIR, S_IFMT, S_IFREG
from cruck.framework.mm.user_memory import BytesReader, BytesWriter
from cruck.kernel.errors import WOULD_BLOCK, LinuxError
from cruck.kernel.ipc.pipe import PipeEnd
from cruck.kernel.process.process import RLIM_INFINITY
from cruck.kernel.syscalls import blocking
from cruck.kernel.syscalls.iovec import read_iovec, total
from cruck.kernel.syscalls.read_write import (
    IN_EVENTS,
    OUT_EVENTS,
    RLIMIT_FSIZE,
    SIGPIPE,
    SIGXFSZ,
    read_ranges,
    readable,
    writable,
    write_ranges,
)
from cruck.kernel.syscalls.types import CUInt, Fd, Size, ULong, UserAddr
from cruck.kernel.vfs.anon_inode import AnonFile
from cruck.kernel.vfs.fsnotify import notify_dentry

if TYPE_CHECKING:
    from cruck.kernel.process.task import Task
    from cruck.kernel.vfs.file import File

CHUNK: Final = 65536
MAX_COPY: Final = 64 << 20  # one call; callers go on, as they must on Linux (which stops at 2 GiB)
POSITION: Final = -1  # "at the file's own position"


def sys_sendfile(task: "Task", out_fd: Fd, in_fd: Fd, offset: UserAddr, count: Size) -> int:
    """Bytes. Errors: EBADF, EINVAL (O_APPEND destination, negative offset, a source without a position), ESPIPE (offset given and no
    position), EAGAIN (O_NONBLOCK), EFAULT, EPIPE (with SIGPIPE), EFBIG (RLIMIT_FSIZE, with SIGXFSZ), ENOSPC, EINTR."""
    source = readable(task, in_fd)
    start = POSITION
    if offset:
        start = task.user.read_s64(offset)
        if not source.is_seekable:
            return -ESPIPE
        if start < 0:
            return -EINVAL
    out = writable(task, out_fd)
    if out.flags & O_APPEND and out.is_seekable or isinstance(out, AnonFile):
        return -EINVAL
    if offset:
        task.user.write_u64(offset, start)  # it is written in any case; refused before anything is copied
    if not source.is_seekable or _kind(source) == S_IFDIR:
        return -EINVAL
    result, done = _copy(task, source, start, out, POSITION, count)
    _count(task, result)
    if offset and done:
        task.user.write_u64(offset, start + done)
    return result


def sys_copy_file_range(task: "Task", in_fd: Fd, in_offset: UserAddr, out_fd: Fd, out_offset: UserAddr, count: Size, flags: CUInt) -> int:
    """Bytes. Errors: EINVAL (flags; no regular files; negative offset; overlapping ranges of one file), EBADF (also: O_APPEND), EISDIR,
    EXDEV (different file systems), EOVERFLOW (an offset that wraps), EFBIG (RLIMIT_FSIZE, with SIGXFSZ), ENOSPC, EFAULT, EPERM (sealed)."""
    if flags:
        return -EINVAL
    source = readable(task, in_fd)
    out = writable(task, out_fd)
    if out.flags & O_APPEND:
        return -EBADF
    for file in (source, out):
        if _kind(file) == S_IFDIR:
            return -EISDIR
        if _kind(file) != S_IFREG or not file.is_seekable:
            return -EINVAL
    start = task.user.read_s64(in_offset) if in_offset else POSITION
    out_start = task.user.read_s64(out_offset) if out_offset else POSITION
    first, second = start if in_offset else source.pos, out_start if out_offset else out.pos
    if source.stat().dev != out.stat().dev:
        return -EXDEV
    for at in (first, second):
        if at < 0:
            return -EOVERFLOW if at + count >= 0 else -EINVAL
    # What the source has now: a copy to its own end would never be finished.
    length = min(count, max(0, source.stat().size - first))
    if source.inode() is out.inode():
        if first < second + length and second < first + length:
            return -EINVAL
    result, done = _copy(task, source, start, out, out_start, length)
    _count(task, result)
    if done:
        if in_offset:
            task.user.write_u64(in_offset, start + done)
        if out_offset:
            task.user.write_u64(out_offset, out_start + done)
    return result


def _count(task: "Task", result: int) -> None:
    if result != blocking.BLOCKED:
        task.io.count_read(result)
        task.io.count_write(result)


def _within_limit(task: "Task", out: "File", start: int, count: int) -> int:
    """How many of `count` bytes RLIMIT_FSIZE lets a regular file have at `start`; −EFBIG if none."""
    limit = task.process.rlimit(RLIMIT_FSIZE)
    if limit == RLIM_INFINITY or _kind(out) != S_IFREG:
        return count
    if start >= limit:
        task.kernel.send_signal_task(task, SIGXFSZ)
        return -EFBIG
    return min(count, limit - start)


def _kind(file: "File") -> int:
    return file.stat().mode & S_IFMT


def _copy(task: "Task", source: "File", start: int, out: "File", out_start: int, count: int) -> tuple[int, int]:
    """From a seekable file. (result of the call, bytes copied for good): the second is 0 while the call is blocked."""
    done = blocking.record(task).progress if blocking.is_rerun(task) else 0
    count = min(count, MAX_COPY)
    base = source.pos if start == POSITION else start
    out_base = out.pos if out_start == POSITION else out_start
    if out.is_seekable and count:
        count = _within_limit(task, out, out_base, count)
        if count < 0:
            return count, 0
    result = 0
    while done < count:
        room = BytesWriter(min(CHUNK, count - done))
        result = source.read(room, base + done)
        if result <= 0:
            break
        result = out.write(BytesReader(room.getvalue()), out_base + done if out.is_seekable else 0)
        if result == WOULD_BLOCK:
            deadline = blocking.deadline_after(task, out.write_timeout_ns())
            result = blocking.wait_file(task, out, OUT_EVENTS, deadline)
            if result == blocking.BLOCKED:
                blocking.record(task).progress = done
                return result, 0
            break
        if result <= 0:
            if result == -EPIPE:
                task.kernel.send_signal_task(task, SIGPIPE)
            break
        done += result
    if done:
        if start == POSITION:
            source.pos = base + done
        if out_start == POSITION and out.is_seekable:
            out.pos = out_base + done
        _tell_watchers(task, source, out)
        return done, done
    if result == WOULD_BLOCK:
        return -EAGAIN, 0
    return result, 0


def sys_splice(task: "Task", in_fd: Fd, in_offset: UserAddr, out_fd: Fd, out_offset: UserAddr, count: Size, flags: CUInt) -> int:
    """Bytes. Errors: EBADF, EINVAL (flags; no pipe; O_APPEND destination; a pipe to itself), ESPIPE (an offset for a pipe), EAGAIN
    (O_NONBLOCK, SPLICE_F_NONBLOCK), EFAULT, EPIPE (with SIGPIPE), EFBIG (RLIMIT_FSIZE, with SIGXFSZ), ENOSPC, EINTR."""
    if flags & ~0xF:
        return -EINVAL
    source = readable(task, in_fd)
    out = writable(task, out_fd)
    if isinstance(source, AnonFile) or isinstance(out, AnonFile):
        return -EINVAL  # an eventfd and its like can be neither end
    if count == 0:
        return 0
    if isinstance(source, PipeEnd) and isinstance(out, PipeEnd):
        if in_offset or out_offset:
            return -ESPIPE
        if source.pipe is out.pipe:
            return -EINVAL
        return _pipe_to_pipe(task, source, out, count, flags, True)
    if isinstance(source, PipeEnd):
        if in_offset:
            return -ESPIPE
        start = _read_offset(task, out, out_offset)
        if out.flags & O_APPEND and out.is_seekable:
            return -EINVAL
        result, done = _pipe_to_file(task, source, out, start, count, flags)
        if done and out_offset:
            task.user.write_u64(out_offset, start + done)
        return result
    if isinstance(out, PipeEnd):
        if out_offset:
            return -ESPIPE
        start = _read_offset(task, source, in_offset)
        result = _file_to_pipe(task, source, start, out, count, flags)
        if result > 0 and in_offset:
            task.user.write_u64(in_offset, start + result)
        return result
    return -EINVAL


def _read_offset(task: "Task", file: "File", addr: int) -> int:
    if not addr:
        return POSITION
    if not file.is_seekable:
        raise LinuxError(ESPIPE)
    offset = task.user.read_s64(addr)
    if offset < 0:
        raise LinuxError(EINVAL)
    return offset


def _wait_for_data(task: "Task", source: PipeEnd, flags: int) -> int:
    """0 at the end of file, else what waiting for data in the pipe answers."""
    if source.pipe.writers == 0:
        return 0
    return blocking.wait_file(task, source, IN_EVENTS, blocking.NO_DEADLINE, bool(flags & SPLICE_F_NONBLOCK))


def _wait_for_room(task: "Task", out: PipeEnd, flags: int) -> int:
    return blocking.wait_file(task, out, OUT_EVENTS, blocking.NO_DEADLINE, bool(flags & SPLICE_F_NONBLOCK))


def _broken_pipe(task: "Task") -> int:
    task.kernel.send_signal_task(task, SIGPIPE)
    return -EPIPE


def _pipe_to_pipe(task: "Task", source: PipeEnd, out: PipeEnd, count: int, flags: int, takes: bool) -> int:
    """splice (takes the bytes) and tee (leaves them)."""
    if out.pipe.readers == 0:
        return _broken_pipe(task)
    if not source.pipe.chunks:
        return _wait_for_data(task, source, flags)
    room = out.pipe.room()
    if room <= 0:
        return _wait_for_room(task, out, flags)
    result = out.write(BytesReader(source.pipe.peek(min(count, room))), 0)
    if result > 0 and takes:
        source.pipe.drop(result)
    return result


def _pipe_to_file(task: "Task", source: PipeEnd, out: "File", start: int, count: int, flags: int) -> tuple[int, int]:
    """(result, bytes moved)."""
    done = 0
    base = out.pos if start == POSITION else start
    if out.is_seekable and count:
        count = _within_limit(task, out, base, count)
        if count < 0:
            return count, 0
    result = 0
    while done < min(count, MAX_COPY):
        data = source.pipe.peek(min(count - done, CHUNK))
        if not data:
            if done == 0:
                return _wait_for_data(task, source, flags), 0
            break
        result = out.write(BytesReader(data), base + done if out.is_seekable else 0)
        if result <= 0:
            break
        source.pipe.drop(result)
        done += result
    if done:
        if start == POSITION and out.is_seekable:
            out.pos = base + done
        _tell_watchers(task, source, out)
        return done, done
    if result == WOULD_BLOCK:
        return blocking.wait_file(task, out, OUT_EVENTS, blocking.NO_DEADLINE, bool(flags & SPLICE_F_NONBLOCK)), 0
    if result == -EPIPE:
        task.kernel.send_signal_task(task, SIGPIPE)
    return result, 0


def _file_to_pipe(task: "Task", source: "File", start: int, out: PipeEnd, count: int, flags: int) -> int:
    if out.pipe.readers == 0:
        return _broken_pipe(task)
    room = out.pipe.room()
    if room <= 0:
        return _wait_for_room(task, out, flags)
    if _kind(source) == S_IFDIR:
        return -EINVAL
    base = source.pos if start == POSITION else start
    data = BytesWriter(min(count, room))
    result = source.read(data, base if source.is_seekable else 0)
    if result == WOULD_BLOCK:
        is_nonblocking = bool(flags & SPLICE_F_NONBLOCK)
        return blocking.wait_file(task, source, IN_EVENTS, blocking.NO_DEADLINE, is_nonblocking)
    if result <= 0:
        return result
    out.write(BytesReader(data.getvalue()), 0)
    if start == POSITION and source.is_seekable:
        source.pos = base + result
    _tell_watchers(task, source, out)
    return result


def _tell_watchers(task: "Task", source: "File", out: "File") -> None:
    """inotify: one was read, the other written."""
    if task.kernel.nr_watches:
        if source.path is not None:
            notify_dentry(source.path.dentry, IN_ACCESS)
        if out.path is not None:
            notify_dentry(out.path.dentry, IN_MODIFY)


def sys_tee(task: "Task", in_fd: Fd, out_fd: Fd, count: Size, flags: CUInt) -> int:
    """Bytes. Errors: EBADF, EINVAL (flags; not two different pipes), EAGAIN (SPLICE_F_NONBLOCK), EPIPE (with SIGPIPE), EINTR."""
    if flags & ~0xF:
        return -EINVAL
    source = readable(task, in_fd)
    out = writable(task, out_fd)
    if not isinstance(source, PipeEnd) or not isinstance(out, PipeEnd) or source.pipe is out.pipe:
        return -EINVAL
    if count == 0:
        return 0
    return _pipe_to_pipe(task, source, out, count, flags, False)


def sys_vmsplice(task: "Task", fd: Fd, iov: UserAddr, count: ULong, flags: CUInt) -> int:
    """Copies, as readv or writev on the pipe: SPLICE_F_GIFT gives pages away, and a copy is a correct gift. Errors: EBADF (no pipe), EINVAL
    (flags, more than 1024 ranges), EAGAIN (SPLICE_F_NONBLOCK), EFAULT, EPIPE (with SIGPIPE), EINTR."""
    if flags & ~0xF:
        return -EINVAL
    file = task.files.get(fd)
    if not isinstance(file, PipeEnd):
        return -EBADF
    ranges = read_iovec(task, iov, count)
    is_nonblocking = flags & SPLICE_F_NONBLOCK or file.flags & O_NONBLOCK
    rwf = 8 if is_nonblocking else 0  # RWF_NOWAIT
    if not file.is_writable():
        return read_ranges(task, file, ranges, -1, rwf)
    if total(ranges) and file.pipe.readers and not file.pipe.is_full():
        rwf = 8  # it waits for some room, not for all of it
    return write_ranges(task, file, ranges, -1, rwf)
