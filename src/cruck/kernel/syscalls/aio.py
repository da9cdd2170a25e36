# SPDX-License-Identifier: MPL-2.0
"""io_setup, io_destroy, io_submit, io_getevents, io_pgetevents, io_cancel. Contexts: vfs/aio.py."""

import struct
from typing import Final

from cruck.abi.aio import (
    IO_EVENT,
    IOCB,
    IOCB_CMD_FDSYNC,
    IOCB_CMD_FSYNC,
    IOCB_CMD_POLL,
    IOCB_CMD_PREAD,
    IOCB_CMD_PREADV,
    IOCB_CMD_PWRITE,
    IOCB_CMD_PWRITEV,
    IOCB_FLAG_RESFD,
)
from cruck.abi.errno import EAGAIN, EBADF, EFAULT, EINPROGRESS, EINTR, EINVAL, EOPNOTSUPP, ETIMEDOUT
from cruck.abi.mman import MAP_ANONYMOUS, MAP_PRIVATE, PROT_READ, PROT_WRITE
from cruck.framework.hardware import PAGE_SIZE
from cruck.framework.mm.user_memory import UserFault
from cruck.kernel.errors import LinuxError
from cruck.kernel.ipc.eventfd import EventFile
from cruck.kernel.memory import map_memory
from cruck.kernel.poll.wait_queue import ALL_EVENTS
from cruck.kernel.process.task import Task
from cruck.kernel.syscalls import blocking
from cruck.kernel.syscalls.iovec import one_range, read_iovec
from cruck.kernel.syscalls.read_write import RWF_APPEND, RWF_DSYNC, RWF_HIPRI, RWF_NOWAIT, RWF_SYNC, read_ranges, write_ranges
from cruck.kernel.syscalls.signal_mask import set_temporary_mask
from cruck.kernel.syscalls.timespec import read_timespec
from cruck.kernel.syscalls.types import CUInt, Long, ULong, UserAddr
from cruck.kernel.vfs.aio import POLL, READ, WRITE, AioContext, AioRequest
from cruck.kernel.vfs.file import File

ABSURD_EVENTS: Final = 0x1000_0000 // 32
MAX_IOCBS: Final = 1 << 16
SUPPORTED_RWF: Final = RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT | RWF_APPEND
SYNC_COMMANDS: Final = (IOCB_CMD_FSYNC, IOCB_CMD_FDSYNC)
POLL_BITS: Final = 0xFFFF
_SIGSET: Final = struct.Struct("<QQ")


def sys_io_setup(task: Task, nr_events: CUInt, created: UserAddr) -> int:
    """Errors: EFAULT, EINVAL (no events; *created is not 0), EAGAIN (more than fs.aio-max-nr), ENOMEM."""
    if task.user.read_u64(created) != 0 or nr_events == 0 or nr_events > ABSURD_EVENTS:
        return -EINVAL
    kernel = task.kernel
    if kernel.nr_aio_events + nr_events > kernel.settings.aio_max_events:
        return -EAGAIN
    mm = task.mm
    ring = map_memory.mmap(mm, 0, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, None, 0)
    try:
        task.user.write_u64(created, ring)
    except UserFault:
        map_memory.munmap(mm, ring, PAGE_SIZE)
        return -EFAULT
    mm.aio[ring] = AioContext(ring, nr_events)
    kernel.nr_aio_events += nr_events
    return 0


def sys_io_destroy(task: Task, context: ULong) -> int:
    """Errors: EINVAL (no such context)."""
    found = _context(task, context)
    task.mm.end_aio(found)
    map_memory.munmap(task.mm, found.id, PAGE_SIZE)
    return 0


def _context(task: Task, identifier: int) -> AioContext:
    """Errors: LinuxError(EINVAL)."""
    found = task.mm.aio.get(identifier)
    if found is None:
        raise LinuxError(EINVAL)
    return found


def sys_io_submit(task: Task, context: ULong, count: Long, iocbs: UserAddr) -> int:
    """How many were taken; the first one's error if none was: EINVAL (context, count, request), EBADF, EFAULT, EAGAIN (no room for its
    event), EOPNOTSUPP (flags)."""
    found = _context(task, context)
    if count < 0:
        return -EINVAL
    done = 0
    while done < min(count, MAX_IOCBS):
        try:
            _submit(task, found, task.user.read_u64(iocbs + 8 * done))
        except UserFault:
            return done if done else -EFAULT
        except LinuxError as error:
            return done if done else -error.errno
        done += 1
    return done


def _submit(task: Task, context: AioContext, iocb: int) -> None:
    values = dict(zip(IOCB.field_names, IOCB.unpack(task.user.read(iocb, IOCB.size)), strict=True))
    length, flags, command = values["aio_nbytes"], values["aio_flags"], values["aio_lio_opcode"]
    if values["aio_reserved2"] or length >= 1 << 63:
        raise LinuxError(EINVAL)
    if not context.has_room():
        raise LinuxError(EAGAIN)
    file = task.files.get(_s32(values["aio_fildes"]))
    eventfd: EventFile | None = None
    if flags & IOCB_FLAG_RESFD:
        notified = task.files.get(_s32(values["aio_resfd"]))
        if not isinstance(notified, EventFile):
            raise LinuxError(EINVAL)
        eventfd = notified
    task.user.write_u32(iocb + IOCB.offsets["aio_key"], 0)
    data = values["aio_data"]
    if command == IOCB_CMD_POLL:
        _submit_poll(task, context, file, values, iocb, eventfd)
    elif command in SYNC_COMMANDS:
        if values["aio_buf"] or values["aio_offset"] or length or values["aio_rw_flags"]:
            raise LinuxError(EINVAL)
        if not file.is_writable() and not file.is_readable():
            raise LinuxError(EBADF)
        result = file.fsync(command == IOCB_CMD_FDSYNC)
        if result == -EINVAL:
            raise LinuxError(EINVAL)
        context.complete(data, iocb, result, eventfd)
    elif command in (IOCB_CMD_PREAD, IOCB_CMD_PWRITE, IOCB_CMD_PREADV, IOCB_CMD_PWRITEV):
        _submit_transfer(task, context, file, values, iocb, eventfd)
    else:
        raise LinuxError(EINVAL)


def _submit_poll(task: Task, context: AioContext, file: File, values: dict[str, int], iocb: int, eventfd: EventFile | None) -> None:
    if values["aio_buf"] & ~POLL_BITS or values["aio_offset"] or values["aio_nbytes"] or values["aio_rw_flags"]:
        raise LinuxError(EINVAL)
    request = AioRequest(context, task.mm, file, POLL, iocb, values["aio_data"], eventfd)
    request.events = values["aio_buf"] | 0x18  # POLLERR | POLLHUP
    request.start()


def _submit_transfer(task: Task, context: AioContext, file: File, values: dict[str, int], iocb: int, eventfd: EventFile | None) -> None:
    command, offset, flags = values["aio_lio_opcode"], values["aio_offset"], values["aio_rw_flags"]
    is_write = command in (IOCB_CMD_PWRITE, IOCB_CMD_PWRITEV)
    if not (file.is_writable() if is_write else file.is_readable()):
        raise LinuxError(EBADF)
    if flags & ~SUPPORTED_RWF:
        raise LinuxError(EOPNOTSUPP)
    if command in (IOCB_CMD_PREADV, IOCB_CMD_PWRITEV):
        ranges = read_iovec(task, values["aio_buf"], values["aio_nbytes"])
    else:
        ranges = one_range(task, values["aio_buf"], values["aio_nbytes"])
    if offset < 0:
        raise LinuxError(EINVAL)
    if not file.is_seekable:
        request = AioRequest(context, task.mm, file, WRITE if is_write else READ, iocb, values["aio_data"], eventfd)
        request.ranges = ranges
        request.is_nowait = flags & RWF_NOWAIT != 0
        request.start()
        return
    try:
        transfer = write_ranges(task, file, ranges, offset, flags) if is_write else read_ranges(task, file, ranges, offset, flags)
    except UserFault:
        transfer = -EFAULT
    except LinuxError as error:
        transfer = -error.errno
    context.complete(values["aio_data"], iocb, transfer, eventfd)


def sys_io_getevents(task: Task, context: ULong, min_nr: Long, nr: Long, events: UserAddr, timeout: UserAddr) -> int:
    """Events stored, at least `min_nr` unless the time is over. Errors: EINVAL (context, counts, time), EFAULT, EINTR."""
    timeout_ns = -1
    if timeout and task.wait is None:
        timeout_ns = read_timespec(task, timeout)
    return _get_events(task, context, min_nr, nr, events, timeout_ns)


def sys_io_pgetevents(task: Task, context: ULong, min_nr: Long, nr: Long, events: UserAddr, timeout: UserAddr, usig: UserAddr) -> int:
    """As io_getevents, with a signal mask. Errors: also EINVAL (its size)."""
    timeout_ns = -1
    if timeout and task.wait is None:
        timeout_ns = read_timespec(task, timeout)
    if usig and task.wait is None:
        mask, size = _SIGSET.unpack(task.user.read(usig, _SIGSET.size))
        set_temporary_mask(task, mask, size)
    return _get_events(task, context, min_nr, nr, events, timeout_ns)


def _get_events(task: Task, identifier: int, min_nr: int, nr: int, addr: int, timeout_ns: int) -> int:
    context = _context(task, identifier)
    if min_nr < 0 or nr < 0 or min_nr > nr:
        return -EINVAL
    done = task.wait.progress if task.wait is not None else 0
    while context.events and done < nr:
        # Stored first: an event that cannot be stays.
        try:
            task.user.write(addr + done * IO_EVENT.size, context.events[0])
        except UserFault:
            return done if done else -EFAULT
        context.events.pop(0)
        done += 1
    if done >= min_nr or timeout_ns == 0:
        return done
    deadline_ns = task.wait.deadline_ns if task.wait is not None else blocking.deadline_after(task, timeout_ns)
    result = blocking.wait_on(task, context.queue, ALL_EVENTS, deadline_ns, EINTR)
    if result == blocking.BLOCKED:
        blocking.record(task).progress = done
        return result
    return done if result == -ETIMEDOUT or done else result


def sys_io_cancel(task: Task, context: ULong, iocb: UserAddr, result: UserAddr) -> int:
    """EINPROGRESS: the event comes by io_getevents, as on Linux. Errors: EFAULT, EINVAL (no such request, or it cannot be)."""
    if task.user.read_u32(iocb + IOCB.offsets["aio_key"]) != 0:
        return -EINVAL
    found = _context(task, context)
    for request in list(found.pending):
        if request.iocb == iocb and request.kind == POLL:
            data, eventfd = request.data, request.eventfd
            found.complete(data, iocb, 0, eventfd)
            request.drop()
            return -EINPROGRESS
    return -EINVAL


def _s32(value: int) -> int:
    return value - (1 << 32) if value >= 1 << 31 else value
