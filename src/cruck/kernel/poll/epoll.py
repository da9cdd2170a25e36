# SPDX-License-Identifier: MPL-2.0
"""epoll (epoll(7), Linux fs/eventpoll.c): a set of watched files and a list of those that may be ready.

`EpollFile` is the epoll instance; `EpollItem` is one registration, standing as a Waiter in the watched file's wait queue. When that
queue is woken the item goes to the ready list, without looking; `collect()` asks the file itself what holds. So a
wake-up costs O(1) however many files are watched, and edge triggering falls out: an edge-triggered item leaves the
ready list when it was reported, a level-triggered one stays until its file says no.

An item is keyed by (file, descriptor number) and ends with the *file*, not the descriptor (epoll(7), question 6):
`File.put` detaches a file's items when its last reference is gone.

Not here: struct epoll_event and waiting (syscalls/epoll.py).
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EEXIST, EINVAL, ELOOP, ENOENT, ENOSPC, EPERM
from cruck.kernel.ledger import EPOLL_ITEM
from cruck.kernel.poll.wait_queue import Waiter, WaitQueue
from cruck.kernel.vfs.anon_inode import AnonFile
from cruck.kernel.vfs.file import File

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel

EPOLLIN: Final = 0x001
EPOLLOUT: Final = 0x004
EPOLLERR: Final = 0x008
EPOLLHUP: Final = 0x010
EPOLLRDNORM: Final = 0x040
EPOLLEXCLUSIVE: Final = 1 << 28
EPOLLWAKEUP: Final = 1 << 29
EPOLLONESHOT: Final = 1 << 30
EPOLLET: Final = 1 << 31
BEHAVIOUR_BITS: Final = EPOLLEXCLUSIVE | EPOLLWAKEUP | EPOLLONESHOT | EPOLLET
# What may stand beside EPOLLEXCLUSIVE.
EXCLUSIVE_OK_BITS: Final = EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE

MAX_NESTS: Final = 4  # EP_MAX_NESTS: how many epolls below an epoll


class EpollItem(Waiter):
    epoll: "EpollFile"
    file: File
    fd: int  # the descriptor it was registered as
    queue: WaitQueue  # the file's; this item stands in it
    wanted: int  # POLL* bits, ERR and HUP included
    events: int  # the same, or 0: a one-shot that has fired
    behaviour: int  # EPOLLET | EPOLLONESHOT | EPOLLEXCLUSIVE
    data: int  # u64, opaque

    def __init__(self, epoll: "EpollFile", file: File, fd: int, queue: WaitQueue) -> None:
        self.epoll = epoll
        self.file = file
        self.fd = fd
        self.queue = queue
        self.wanted = self.events = self.behaviour = self.data = 0

    def arm(self, events: int, data: int) -> None:
        """Watches for `events` from now on; ready at once if one holds."""
        self.queue.remove(self)
        self.behaviour = events & BEHAVIOUR_BITS
        self.wanted = self.events = (events & ~BEHAVIOUR_BITS) | EPOLLERR | EPOLLHUP
        self.data = data
        if self.behaviour & EPOLLEXCLUSIVE:
            self.queue.add_exclusive(self, self.events)
        else:
            self.queue.add(self, self.events)
        if self.file.poll() & self.events:
            self.epoll.set_ready(self)

    def notify(self, queue: WaitQueue, events: int) -> bool:
        """An exclusive item takes the event if somebody waits in its epoll for input or output of that kind."""
        if not self.events & events:
            return False
        is_awaited = bool(self.epoll.waiters.waiters)
        self.epoll.set_ready(self)
        if not self.behaviour & EPOLLEXCLUSIVE or not is_awaited:
            return False
        direction = events & (EPOLLIN | EPOLLOUT)
        return direction in (0, EPOLLIN | EPOLLOUT) or bool(direction & self.events)

    def detach(self) -> None:
        """The registration ends: EPOLL_CTL_DEL, or either of the two files is gone."""
        self.queue.remove(self)
        epoll = self.epoll
        if epoll.items.pop((self.file, self.fd), None) is not None:
            epoll.ledger.used -= EPOLL_ITEM
        epoll.ready.pop(self, None)
        if self.file.epoll_items is not None:
            self.file.epoll_items.pop(self, None)


class EpollFile(AnonFile):
    items: dict[tuple[File, int], EpollItem]
    ready: dict[EpollItem, None]  # an ordered set: oldest first; their files may have become unready since
    waiters: WaitQueue  # tasks in epoll_wait: each event wakes one
    pollers: WaitQueue  # poll callers and outer epolls: all are told

    def __init__(self, kernel: "Kernel") -> None:
        super().__init__(kernel, 2)  # O_RDWR
        self.ledger = kernel.ledger
        self.items = {}
        self.ready = {}
        self.waiters = WaitQueue()
        self.pollers = WaitQueue()

    def release(self) -> None:
        for item in list(self.items.values()):
            item.detach()

    def set_ready(self, item: EpollItem) -> None:
        if item not in self.ready:
            self.ready[item] = None
        self.waiters.wake_one(EPOLLIN)
        self.pollers.wake(EPOLLIN | EPOLLRDNORM)

    # epoll_ctl
    def add(self, file: File, fd: int, events: int, data: int) -> int:
        """0 or −errno: −EPERM the file's readiness never changes, −EINVAL it is this epoll, or a mix of flags Linux refuses,
        −ELOOP a cycle or too deep a nest, −EEXIST, −ENOSPC."""
        queue = file.wait_queue()
        if queue is None:
            return -EPERM
        if file is self:
            return -EINVAL
        if events & EPOLLEXCLUSIVE and (isinstance(file, EpollFile) or events & ~EXCLUSIVE_OK_BITS):
            return -EINVAL
        if isinstance(file, EpollFile) and _makes_loop(self, file):
            return -ELOOP
        if (file, fd) in self.items:
            return -EEXIST
        if not self.ledger.has_room(EPOLL_ITEM):
            return -ENOSPC
        self.ledger.used += EPOLL_ITEM
        item = EpollItem(self, file, fd, queue)
        self.items[(file, fd)] = item
        if file.epoll_items is None:
            file.epoll_items = {}
        file.epoll_items[item] = None
        item.arm(events, data)
        return 0

    def modify(self, file: File, fd: int, events: int, data: int) -> int:
        """0, −EPERM, −EINVAL (EPOLLEXCLUSIVE can be neither set nor changed), −ENOENT."""
        if file.wait_queue() is None:
            return -EPERM
        if file is self or events & EPOLLEXCLUSIVE:
            return -EINVAL
        item = self.items.get((file, fd))
        if item is None:
            return -ENOENT
        if item.behaviour & EPOLLEXCLUSIVE:
            return -EINVAL
        self.ready.pop(item, None)
        item.arm(events, data)
        return 0

    def delete(self, file: File, fd: int) -> int:
        """0, −EPERM, −EINVAL, −ENOENT."""
        if file.wait_queue() is None:
            return -EPERM
        if file is self:
            return -EINVAL
        item = self.items.get((file, fd))
        if item is None:
            return -ENOENT
        item.detach()
        return 0

    # epoll_wait
    def collect(self, limit: int) -> "list[tuple[EpollItem, int]]":
        """Takes at most `limit` ready items with the events that hold, oldest first.

        Level-triggered items go to the end of the ready list again, edge-triggered ones leave it, one-shot ones are disarmed.
        Cost: O(ready), not O(watched).
        Source: fs/eventpoll.c ep_send_events.
        """
        found: list[tuple[EpollItem, int]] = []
        if not self.ready:
            return found
        again: list[EpollItem] = []
        for item in list(self.ready):
            if len(found) >= limit:
                break
            del self.ready[item]
            events = item.file.poll() & item.events
            if events == 0:
                continue
            found.append((item, events))
            if item.behaviour & EPOLLONESHOT:
                item.events = 0
            elif not item.behaviour & EPOLLET:
                again.append(item)
        for item in again:
            self.ready[item] = None
        if self.ready and self.waiters.waiters:
            self.waiters.wake_one(EPOLLIN)  # what stays is for somebody else too
        return found

    def give_back(self, found: "list[tuple[EpollItem, int]]") -> None:
        """Events that could not be copied to the guest are ready again."""
        for item, _ in found:
            item.events = item.wanted
            self.ready[item] = None

    # File.
    def poll(self) -> int:
        for item in list(self.ready):
            if item.file.poll() & item.events:
                return EPOLLIN | EPOLLRDNORM
            del self.ready[item]
        return 0

    def wait_queue(self) -> WaitQueue | None:
        return self.pollers

    def fdinfo(self) -> bytes:
        lines: list[bytes] = []
        for item in self.items.values():
            stat = item.file.stat()
            events = (item.events & ~0x18 | item.behaviour) & 0xFFFF_FFFF
            values = (item.fd, events, item.data, item.file.pos, stat.ino, stat.dev)
            lines.append(b"tfd: %8d events: %8x data: %16x  pos:%d ino:%x sdev:%x\n" % values)
        return b"".join(lines)

    def describe(self) -> str:
        return "anon_inode:[eventpoll]"


def _makes_loop(outer: EpollFile, inner: EpollFile) -> bool:
    """Would watching `inner` from `outer` make a cycle, or a chain of more than MAX_NESTS + 1 epolls? Walks each epoll once:
    the depth below every epoll that was seen is remembered."""
    depths: dict[EpollFile, int] = {}
    below = _height_below(inner, outer, depths, 0)
    if below < 0:
        return True
    heights: dict[EpollFile, int] = {}
    return below + 1 + _height_above(outer, heights) > MAX_NESTS


def _height_below(epoll: EpollFile, forbidden: EpollFile, depths: dict[EpollFile, int], level: int) -> int:
    """How many epolls hang below `epoll`; −1: `forbidden` is among them, or there are too many."""
    if epoll is forbidden or level > MAX_NESTS:
        return -1
    known = depths.get(epoll, -1)
    if known >= 0:
        return known
    height = 0
    for item in epoll.items.values():
        if isinstance(item.file, EpollFile):
            below = _height_below(item.file, forbidden, depths, level + 1)
            if below < 0:
                return -1
            height = max(height, below + 1)
    depths[epoll] = height
    return height


def _height_above(epoll: EpollFile, heights: dict[EpollFile, int]) -> int:
    """The longest chain of epolls that watch `epoll`; at most MAX_NESTS, or it could not have been built."""
    known = heights.get(epoll, -1)
    if known >= 0:
        return known
    height = 0
    if epoll.epoll_items is not None:
        for item in epoll.epoll_items:
            height = max(height, 1 + _height_above(item.epoll, heights))
    heights[epoll] = height
    return height
