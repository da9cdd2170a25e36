# SPDX-License-Identifier: MPL-2.0
"""Asynchronous I/O contexts (io_submit(2), Linux fs/aio.c): requests under way and events not yet fetched.

As on Linux, requests on regular files are finished when io_submit returns; those on pipes, sockets and terminals (and IOCB_CMD_POLL)
stand in the file's wait queue until they can be. Contexts belong to an address space and end with it.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.aio import IO_EVENT
from cruck.abi.errno import EAGAIN, EFAULT
from cruck.framework.mm.user_memory import UserFault, UserReader, UserWriter
from cruck.kernel.errors import WOULD_BLOCK, LinuxError
from cruck.kernel.ipc.eventfd import EventFile
from cruck.kernel.poll.wait_queue import ALL_EVENTS, Waiter, WaitQueue

if TYPE_CHECKING:
    from cruck.kernel.memory.mm import Mm
    from cruck.kernel.vfs.file import File

READ: Final = 0
WRITE: Final = 1
POLL: Final = 2


class AioContext:
    id: int  # address of its (empty) ring page: what the guest names it by
    max_events: int
    events: list[bytes]  # struct io_event, oldest first
    pending: "dict[AioRequest, None]"
    queue: WaitQueue  # io_getevents
    is_dead: bool

    def __init__(self, identifier: int, max_events: int) -> None:
        self.id = identifier
        self.max_events = max_events
        self.events = []
        self.pending = {}
        self.queue = WaitQueue()
        self.is_dead = False

    def has_room(self) -> bool:
        return len(self.events) + len(self.pending) < self.max_events

    def complete(self, data: int, iocb: int, result: int, eventfd: EventFile | None) -> None:
        self.events.append(IO_EVENT.pack(data, iocb, result, 0))
        if eventfd is not None:
            eventfd.signal()
        self.queue.wake()

    def destroy(self) -> None:
        """io_destroy, or the end of the address space: what is under way is dropped."""
        self.is_dead = True
        for request in list(self.pending):
            request.drop()
        self.queue.wake()


class AioRequest(Waiter):
    """One that could not be done at once."""

    context: AioContext
    mm: "Mm"
    file: "File"  # holds a reference
    kind: int  # READ, WRITE, POLL
    ranges: list[tuple[int, int]]  # guest memory
    events: int  # POLL: what is waited for
    is_nowait: bool  # RWF_NOWAIT
    iocb: int
    data: int
    eventfd: EventFile | None  # holds a reference
    queue: WaitQueue | None

    def __init__(self, context: AioContext, mm: "Mm", file: "File", kind: int, iocb: int, data: int, eventfd: EventFile | None) -> None:
        self.context = context
        self.mm = mm
        self.file = file
        file.get()
        self.kind = kind
        self.ranges = []
        self.events = 0
        self.is_nowait = False
        self.iocb = iocb
        self.data = data
        self.eventfd = eventfd
        if eventfd is not None:
            eventfd.get()
        self.queue = None

    def start(self) -> None:
        """Tries it; if it cannot be done now it waits for the file."""
        self.context.pending[self] = None
        if not self._try():
            queue = self.file.wait_queue()
            if queue is not None:
                self.queue = queue
                queue.add(self, ALL_EVENTS)

    def notify(self, queue: WaitQueue, events: int) -> bool:
        if self.kind == POLL and self.events & events:
            # Who is woken tells all that woke it, not only what was asked for (aio_poll_wake).
            self.events |= events
        self._try()
        return False

    def _try(self) -> bool:
        result = self._attempt()
        if result == WOULD_BLOCK:
            return False
        context, eventfd = self.context, self.eventfd
        if eventfd is not None:
            eventfd.get()
        self.drop()
        context.complete(self.data, self.iocb, result, eventfd)
        if eventfd is not None:
            eventfd.put()
        return True

    def _attempt(self) -> int:
        try:
            if self.kind == POLL:
                found = self.file.poll() & self.events
                return found if found else WOULD_BLOCK
            if self.kind == READ:
                result = self.file.read(UserWriter(self.mm.user, self.ranges), 0)
            else:
                result = self.file.write(UserReader(self.mm.user, self.ranges), 0)
        except UserFault:
            return -EFAULT
        except LinuxError as error:
            return -error.errno
        if result == WOULD_BLOCK and (self.is_nowait or self.file.flags & 0o4000):  # O_NONBLOCK
            return -EAGAIN
        return result

    def drop(self) -> None:
        if self.context.pending.pop(self, self) is self:
            return
        if self.queue is not None:
            self.queue.remove(self)
        self.file.put()
        if self.eventfd is not None:
            self.eventfd.put()
