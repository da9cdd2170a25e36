# SPDX-License-Identifier: MPL-2.0
"""Pipes (pipe(7), Linux fs/pipe.c): a ring of page-sized slots between read ends and write ends.

`PipeBuffer` is what flows, `PipeEnd` a File on one (or, for a FIFO opened O_RDWR, both) of its ends; FIFOs are opened in fifo.py.
Capacity is counted in slots of one page, as Linux does, because programs see it: a write takes whole slots, and is put
into the last one only if it fits there. So a write of at most PIPE_BUF bytes is atomic, and poll's POLLOUT means that such a
write will not block. But the bytes of one write stay one `Chunk` however many slots it takes: bulk data is not cut up.

Not here: SIGPIPE (the edge sends it for −EPIPE), continuing a blocking write (the edge), splice.
"""

from collections import deque
from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EBUSY, EINVAL, ENFILE, EPERM, EPIPE
from cruck.abi.fcntl import O_ACCMODE, O_DIRECT, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY
from cruck.abi.stat import S_IFIFO
from cruck.framework.mm.user_memory import UserFault, VmReader, VmWriter
from cruck.kernel.errors import WOULD_BLOCK, LinuxError
from cruck.kernel.ipc.ioctl import ioctl_count
from cruck.kernel.ledger import Ledger
from cruck.kernel.poll.wait_queue import WaitQueue
from cruck.kernel.process.credentials import CAP_SYS_RESOURCE
from cruck.kernel.vfs.anon_inode import AnonInode
from cruck.kernel.vfs.file import File

if TYPE_CHECKING:
    from cruck.kernel.ipc.fifo import FifoOpening
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.process.credentials import Credentials
    from cruck.kernel.process.task import Task
    from cruck.kernel.vfs.dentry import Path
    from cruck.kernel.vfs.inode import Inode

SLOT_BYTES: Final = 4096  # PIPE_BUF and the page size
DEFAULT_SLOTS: Final = 16
SLOTS_UNDER_PRESSURE: Final = 2  # as Linux beyond fs.pipe-user-pages-soft (PIPE_MIN_DEF_BUFFERS)

POLLIN: Final = 0x001
POLLOUT: Final = 0x004
POLLERR: Final = 0x008
POLLHUP: Final = 0x010
POLLRDNORM: Final = 0x040
POLLWRNORM: Final = 0x100
READABLE: Final = POLLIN | POLLRDNORM
WRITABLE: Final = POLLOUT | POLLWRNORM


class Chunk:
    """Bytes of one write, in consecutive slots: each is full but the last."""

    data: bytes | bytearray
    start: int  # bytes before it have been read
    is_packet: bool

    def __init__(self, data: bytes | bytearray, is_packet: bool) -> None:
        self.data = data
        self.start = 0
        self.is_packet = is_packet

    def nr_slots(self) -> int:
        return (len(self.data) + SLOT_BYTES - 1) // SLOT_BYTES - self.start // SLOT_BYTES


class PipeBuffer:
    chunks: deque[Chunk]  # oldest first; none is empty
    nr_bytes: int  # written and not yet read
    nr_slots: int  # in use; ≤ max_slots
    max_slots: int  # a power of two
    readers: int  # open read ends; 0 → writers get EPIPE
    writers: int  # open write ends; 0 → readers see the end of file
    nr_reader_opens: int  # ever: a FIFO's opener waits for the other side's number to change
    nr_writer_opens: int
    # Where the files wait, by access mode; a FIFO opened O_RDWR cares for both sides.
    read_queue: WaitQueue
    write_queue: WaitQueue
    both_queue: WaitQueue
    openings: "dict[FifoOpening, None]"  # open(2) calls that wait for the other side

    def __init__(self, ledger: Ledger) -> None:
        """Not entered into the ledger before it has an end."""
        self.ledger = ledger
        self.chunks = deque()
        self.nr_bytes = self.nr_slots = 0
        self.max_slots = SLOTS_UNDER_PRESSURE if ledger.is_pressed() else DEFAULT_SLOTS
        self.readers = self.writers = 0
        self.nr_reader_opens = self.nr_writer_opens = 0
        self.read_queue = WaitQueue()
        self.write_queue = WaitQueue()
        self.both_queue = WaitQueue()
        self.openings = {}

    def is_full(self) -> bool:
        return self.nr_slots >= self.max_slots

    def read(self, out: VmWriter) -> int:
        """Bytes copied; 0 at the end of file; WOULD_BLOCK. A packet ends the read, and what of it does not fit is lost.
        Errors: UserFault if not even one byte could be copied."""
        if not self.chunks:
            return WOULD_BLOCK if self.writers else 0
        was_full = self.is_full()
        done = 0
        while self.chunks and out.remaining > 0:
            chunk = self.chunks[0]
            data = chunk.data
            start = chunk.start
            want = min(len(data) - start, out.remaining)
            try:
                count = out.write(bytes(data) if want == len(data) else bytes(data[start : start + want]))
            except UserFault:
                if done == 0:
                    raise
                break
            self._consume(chunk, len(data) - start if chunk.is_packet else count)
            done += count
            if chunk.is_packet or count < want:
                break
        if was_full and not self.is_full():
            self.write_queue.wake(WRITABLE)
            self.both_queue.wake(WRITABLE)
        return done

    def _consume(self, chunk: Chunk, count: int) -> None:
        before = chunk.nr_slots()
        chunk.start += count
        self.nr_bytes -= count
        if chunk.start == len(chunk.data):
            self.chunks.popleft()
            self.nr_slots -= before
        else:
            self.nr_slots -= before - chunk.nr_slots()

    # splice(2) and tee(2).
    def room(self) -> int:
        """Bytes that a write is sure to take."""
        return (self.max_slots - self.nr_slots) * SLOT_BYTES

    def peek(self, limit: int) -> bytes:
        """Up to `limit` bytes without taking them."""
        parts: list[bytes] = []
        for chunk in self.chunks:
            if limit <= 0:
                break
            part = bytes(chunk.data[chunk.start : chunk.start + limit])
            parts.append(part)
            limit -= len(part)
        return b"".join(parts)

    def drop(self, count: int) -> None:
        """Takes bytes that peek() has shown."""
        was_full = self.is_full()
        while count > 0:
            chunk = self.chunks[0]
            part = min(count, len(chunk.data) - chunk.start)
            self._consume(chunk, part)
            count -= part
        if was_full and not self.is_full():
            self.write_queue.wake(WRITABLE)
            self.both_queue.wake(WRITABLE)

    def write(self, data: VmReader, is_packet: bool) -> int:
        """Bytes taken, fewer than asked when the pipe fills up; WOULD_BLOCK if not even one slot is free; −EPIPE.
        Errors: UserFault if not even one byte could be read."""
        total = data.remaining
        if total == 0:
            return 0
        if self.readers == 0:
            return -EPIPE
        odd = 0  # bytes that go into the last slot
        if not is_packet and self.chunks:
            last = self.chunks[-1]
            used = len(last.data) % SLOT_BYTES
            if not last.is_packet and used and total % SLOT_BYTES and used + total % SLOT_BYTES <= SLOT_BYTES:
                odd = total % SLOT_BYTES
        room = (self.max_slots - self.nr_slots) * SLOT_BYTES + odd
        if room <= 0:
            return WOULD_BLOCK
        blob = data.read(min(total, room))
        if odd:
            self._append(blob[:odd])
            rest = blob[odd:]
        else:
            rest = blob
        if is_packet:
            for start in range(0, len(rest), SLOT_BYTES):
                self._push(rest[start : start + SLOT_BYTES], True)
        elif rest:
            self._push(rest, False)
        self.read_queue.wake(READABLE)
        self.both_queue.wake(READABLE)
        return len(blob)

    def _append(self, data: bytes) -> None:
        chunk = self.chunks[-1]
        old = chunk.data
        if isinstance(old, bytearray):
            old += data
        else:
            grown = bytearray(old)
            grown += data
            chunk.data = grown
        self.nr_bytes += len(data)

    def _push(self, data: bytes, is_packet: bool) -> None:
        chunk = Chunk(data, is_packet)
        self.chunks.append(chunk)
        self.nr_bytes += len(data)
        self.nr_slots += chunk.nr_slots()

    def set_size(self, size: int, creds: "Credentials", most_bytes: int) -> int:
        """F_SETPIPE_SZ: the new size in bytes, rounded up to a power of two of pages, or −EINVAL, −EPERM (more than
        `most_bytes`: fs.pipe-max-size; kernel memory), −EBUSY (more is in it)."""
        if size < 0 or size > 1 << 31:
            return -EINVAL
        nr = 1
        while nr * SLOT_BYTES < size:
            nr *= 2
        if nr * SLOT_BYTES > most_bytes and nr > self.max_slots and not creds.has(CAP_SYS_RESOURCE):
            return -EPERM
        if nr < self.nr_slots:
            return -EBUSY
        more = (nr - self.max_slots) * SLOT_BYTES
        if more > 0 and not self.ledger.has_room(more):
            return -EPERM
        self.ledger.used += more
        was_full = self.is_full()
        self.max_slots = nr
        if was_full and not self.is_full():
            self.write_queue.wake(WRITABLE)
            self.both_queue.wake(WRITABLE)
        return nr * SLOT_BYTES

    # Ends come and go.
    def add_end(self, is_reader: bool, is_writer: bool) -> None:
        if self.readers == 0 and self.writers == 0:
            self.ledger.used += self.max_slots * SLOT_BYTES
        if is_reader:
            self.readers += 1
            self.nr_reader_opens += 1
        if is_writer:
            self.writers += 1
            self.nr_writer_opens += 1
        for opening in list(self.openings):
            if opening.is_met():
                opening.wake()

    def drop_end(self, is_reader: bool, is_writer: bool) -> None:
        if is_reader:
            self.readers -= 1
        if is_writer:
            self.writers -= 1
        if self.readers == 0 and self.writers == 0:
            self.chunks.clear()
            self.nr_bytes = self.nr_slots = 0
            self.ledger.used -= self.max_slots * SLOT_BYTES
        elif (self.readers == 0) != (self.writers == 0):
            self.read_queue.wake(READABLE | POLLERR | POLLHUP)
            self.write_queue.wake(WRITABLE | POLLERR | POLLHUP)
            self.both_queue.wake(READABLE | WRITABLE | POLLERR | POLLHUP)


class PipeEnd(File):
    pipe: PipeBuffer
    pipe_inode: "Inode"
    can_read: bool  # never change: by the access mode at open
    can_write: bool
    hup_after: int  # no POLLHUP until `nr_writer_opens` differs: a FIFO's reader that has not had a writer yet
    queue: WaitQueue

    def __init__(self, pipe: PipeBuffer, inode: "Inode", flags: int) -> None:
        super().__init__(flags)
        self.pipe = pipe
        self.pipe_inode = inode
        mode = flags & O_ACCMODE
        self.can_read = mode in (O_RDONLY, O_RDWR)
        self.can_write = mode in (O_WRONLY, O_RDWR)
        self.hup_after = -1
        self.queue = pipe.both_queue if mode == O_RDWR else pipe.read_queue if self.can_read else pipe.write_queue
        pipe.add_end(self.can_read, self.can_write)

    def release(self) -> None:
        pipe = self.pipe
        pipe.drop_end(self.can_read, self.can_write)
        if pipe.readers == 0 and pipe.writers == 0 and self.pipe_inode.pipe is pipe:
            self.pipe_inode.pipe = None

    def read(self, out: VmWriter, offset: int) -> int:
        return self.pipe.read(out)

    def write(self, data: VmReader, offset: int) -> int:
        return self.pipe.write(data, self.flags & O_DIRECT != 0)

    def poll(self) -> int:
        pipe = self.pipe
        mask = 0
        if self.can_read:
            if pipe.chunks:
                mask = READABLE
            if pipe.writers == 0 and pipe.nr_writer_opens != self.hup_after:
                mask |= POLLHUP
        if self.can_write:
            if pipe.nr_slots < pipe.max_slots:
                mask |= WRITABLE
            if pipe.readers == 0:
                mask |= POLLERR
        return mask

    def wait_queue(self) -> WaitQueue | None:
        return self.queue

    def supports_async(self) -> bool:
        return True

    def ioctl(self, task: "Task", command: int, argument: int) -> int:
        return ioctl_count(task, command, argument, self.pipe.nr_bytes, -1)

    def inode(self) -> "Inode | None":
        return self.pipe_inode

    def link_path(self) -> "Path | None":
        if self.path is not None:
            return self.path
        inode = self.pipe_inode
        return inode.make_path(self.describe().encode()) if isinstance(inode, AnonInode) else None

    def describe(self) -> str:
        return f"pipe:[{self.pipe_inode.ino}]"

    def pipe_size(self) -> int:
        """F_GETPIPE_SZ, bytes."""
        return self.pipe.max_slots * SLOT_BYTES

    def set_pipe_size(self, task: "Task", size: int) -> int:
        """F_SETPIPE_SZ: as PipeBuffer.set_size()."""
        return self.pipe.set_size(size, task.creds, task.kernel.settings.pipe_max_bytes)


def make_pipe(kernel: "Kernel", creds: "Credentials", flags: int) -> tuple[PipeEnd, PipeEnd]:
    """pipe2(2): (read end, write end), not yet referenced by anybody. `flags`: O_NONBLOCK, O_DIRECT.
    Errors: LinuxError(ENFILE): kernel memory."""
    if not kernel.ledger.has_room(SLOTS_UNDER_PRESSURE * SLOT_BYTES):
        raise LinuxError(ENFILE, "kernel memory")
    inode = AnonInode(kernel.anon.pipefs, kernel.next_ino(), S_IFIFO | 0o600, creds.fsuid, creds.fsgid, kernel.clock.realtime_ns())
    pipe = PipeBuffer(kernel.ledger)
    inode.pipe = pipe
    status = flags & (O_NONBLOCK | O_DIRECT)
    return PipeEnd(pipe, inode, O_RDONLY | status & O_NONBLOCK), PipeEnd(pipe, inode, O_WRONLY | status)
