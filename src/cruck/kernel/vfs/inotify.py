# SPDX-License-Identifier: MPL-2.0
"""inotify (inotify(7), Linux fs/notify/inotify): `InotifyFile` is an instance, `Watch` is one inode it watches.

A watch hangs on the inode (`inode.watches`, by instance), where fsnotify.py finds it. Events queue up in the instance, the same event
twice in a row only once, at most fs.inotify.max_queued_events. Instances and watches are counted by user.
"""

from collections import deque
from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EEXIST, EINVAL, ENOSPC
from cruck.abi.inotify import (
    IN_ALL_EVENTS,
    IN_DELETE_SELF,
    IN_EXCL_UNLINK,
    IN_IGNORED,
    IN_ISDIR,
    IN_MASK_ADD,
    IN_MASK_CREATE,
    IN_MOVE_SELF,
    IN_ONESHOT,
    IN_Q_OVERFLOW,
    IN_UNMOUNT,
    INOTIFY_EVENT,
)
from cruck.framework.mm.user_memory import UserFault, VmWriter
from cruck.kernel.errors import WOULD_BLOCK
from cruck.kernel.ipc.ioctl import ioctl_count
from cruck.kernel.ledger import EVENT
from cruck.kernel.poll.wait_queue import WaitQueue
from cruck.kernel.vfs.anon_inode import AnonFile

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.process.task import Task
    from cruck.kernel.vfs.file import File
    from cruck.kernel.vfs.inode import Inode

READABLE: Final = 0x41  # POLLIN | POLLRDNORM
NAME_ALIGNMENT: Final = 16


class InotifyUsers:
    """How many instances and watches each user has."""

    nr_instances: dict[int, int]
    nr_watches: dict[int, int]

    def __init__(self) -> None:
        self.nr_instances = {}
        self.nr_watches = {}


class InotifyEvent:
    wd: int
    mask: int
    cookie: int
    name: bytes

    def __init__(self, wd: int, mask: int, cookie: int, name: bytes) -> None:
        self.wd = wd
        self.mask = mask
        self.cookie = cookie
        self.name = name

    def is_same(self, other: "InotifyEvent") -> bool:
        return self.wd == other.wd and self.mask == other.mask and self.cookie == other.cookie and self.name == other.name

    def size(self) -> int:
        return INOTIFY_EVENT.size + self._name_size()

    def _name_size(self) -> int:
        """With its NUL, rounded up to the size of the header."""
        return (len(self.name) + NAME_ALIGNMENT) // NAME_ALIGNMENT * NAME_ALIGNMENT if self.name else 0

    def pack(self) -> bytes:
        size = self._name_size()
        return INOTIFY_EVENT.pack(self.wd, self.mask, self.cookie, size) + self.name.ljust(size, b"\0")


class Watch:
    """Base of InotifyWatch and dnotify's DirectoryWatch."""

    file: "File"  # whose watch it is: the key in inode.watches
    wd: int
    inode: "Inode"
    mask: int  # IN_ALL_EVENTS bits wanted, IN_ONESHOT, IN_EXCL_UNLINK

    def __init__(self, file: "File", wd: int, inode: "Inode", mask: int) -> None:
        self.file = file
        self.wd = wd
        self.inode = inode
        self.mask = mask

    def excludes_unlinked(self) -> bool:
        return self.mask & IN_EXCL_UNLINK != 0

    def tell(self, mask: int, name: bytes, cookie: int) -> None:
        """Something happened: IN_* bits, the entry's name if it is about one, a cookie that ties two events together."""
        raise NotImplementedError

    def end(self) -> None:
        """The watch goes, and says so if it can."""
        raise NotImplementedError

    def detach(self) -> bool:
        """The watch goes. False: it was gone already."""
        raise NotImplementedError

    def unmounted(self) -> None:
        """The file system of what it watches is no longer mounted."""
        self.end()


class InotifyWatch(Watch):
    instance: "InotifyFile"

    def __init__(self, instance: "InotifyFile", wd: int, inode: "Inode", mask: int) -> None:
        super().__init__(instance, wd, inode, mask)
        self.instance = instance

    def tell(self, mask: int, name: bytes, cookie: int) -> None:
        if not mask & self.mask & IN_ALL_EVENTS:
            return
        if mask & (IN_DELETE_SELF | IN_MOVE_SELF):
            mask &= ~IN_ISDIR
        self.instance.queue_event(InotifyEvent(self.wd, mask, cookie, name))
        if self.mask & IN_ONESHOT:
            self.end()

    def unmounted(self) -> None:
        mask = IN_UNMOUNT | IN_ISDIR if self.inode.is_dir() else IN_UNMOUNT
        self.instance.queue_event(InotifyEvent(self.wd, mask, 0, b""))
        self.end()

    def end(self) -> None:
        """Says so by IN_IGNORED."""
        if self.detach():
            self.instance.queue_event(InotifyEvent(self.wd, IN_IGNORED, 0, b""))

    def detach(self) -> bool:
        watches = self.inode.watches
        if watches is None or watches.get(self.file) is not self:
            return False
        del watches[self.file]
        if not watches:
            self.inode.watches = None
        del self.instance.watches[self.wd]
        users = self.instance.kernel.inotify_users
        users.nr_watches[self.instance.uid] -= 1
        self.instance.kernel.nr_watches -= 1
        return True


class InotifyFile(AnonFile):
    watches: dict[int, InotifyWatch]  # by watch descriptor
    uid: int  # whom it and its watches are charged to
    next_wd: int
    max_events: int
    events: deque[InotifyEvent]  # oldest first; at most max_events + 1
    nr_event_bytes: int
    queue: WaitQueue

    def __init__(self, kernel: "Kernel", uid: int, flags: int) -> None:
        """The caller has asked `kernel.inotify_users.may_make()`."""
        super().__init__(kernel, flags)
        self.uid = uid
        users = kernel.inotify_users
        users.nr_instances[uid] = users.nr_instances.get(uid, 0) + 1
        self.max_events = kernel.settings.inotify_max_events
        self.watches = {}
        self.next_wd = 1
        self.events = deque()
        self.nr_event_bytes = 0
        self.queue = WaitQueue()

    def add_watch(self, inode: "Inode", mask: int) -> int:
        """The watch descriptor. IN_MASK_ADD adds to an existing watch, IN_MASK_CREATE refuses it (−EEXIST), otherwise its mask is
        replaced. −ENOSPC: too many."""
        kept = mask & (IN_ALL_EVENTS | IN_ONESHOT | IN_EXCL_UNLINK)
        existing = inode.watches.get(self) if inode.watches is not None else None
        if existing is not None:
            if mask & IN_MASK_CREATE:
                return -EEXIST
            existing.mask = existing.mask | kept if mask & IN_MASK_ADD else kept
            return existing.wd
        users = self.kernel.inotify_users
        if users.nr_watches.get(self.uid, 0) >= self.kernel.settings.inotify_max_watches:
            return -ENOSPC
        users.nr_watches[self.uid] = users.nr_watches.get(self.uid, 0) + 1
        watch = InotifyWatch(self, self.next_wd, inode, kept)
        self.next_wd += 1
        self.watches[watch.wd] = watch
        if inode.watches is None:
            inode.watches = {}
        inode.watches[self] = watch
        self.kernel.nr_watches += 1
        return watch.wd

    def remove_watch(self, wd: int) -> int:
        watch = self.watches.get(wd)
        if watch is None:
            return -EINVAL
        watch.end()
        return 0

    def queue_event(self, event: InotifyEvent) -> None:
        if self.events and self.events[-1].is_same(event):
            return
        ledger = self.kernel.ledger
        if len(self.events) >= self.max_events or not ledger.has_room(EVENT):
            if self.events and self.events[-1].mask & IN_Q_OVERFLOW:
                return
            event = InotifyEvent(-1, IN_Q_OVERFLOW, 0, b"")
        ledger.used += EVENT
        self.events.append(event)
        self.nr_event_bytes += event.size()
        self.queue.wake(READABLE)

    def read(self, out: VmWriter, offset: int) -> int:
        """Whole events; −EINVAL if not even the first fits."""
        if not self.events:
            return WOULD_BLOCK
        done = 0
        while self.events:
            size = self.events[0].size()
            if size > out.remaining:
                return done if done else -EINVAL
            try:
                count = out.write(self.events[0].pack())
            except UserFault:
                if done == 0:
                    raise
                break
            if count < size:
                break
            self.events.popleft()
            self.kernel.ledger.used -= EVENT
            self.nr_event_bytes -= size
            done += size
        return done

    def poll(self) -> int:
        return READABLE if self.events else 0

    def wait_queue(self) -> WaitQueue | None:
        return self.queue

    def fdinfo(self) -> bytes:
        lines: list[bytes] = []
        for wd in sorted(self.watches):
            watch = self.watches[wd]
            lines.append(b"inotify wd:%x ino:%x sdev:%x mask:%x ignored_mask:0\n" % (wd, watch.inode.ino, watch.inode.fs.dev, watch.mask))
        return b"".join(lines)

    def supports_async(self) -> bool:
        return True

    def ioctl(self, task: "Task", command: int, argument: int) -> int:
        return ioctl_count(task, command, argument, self.nr_event_bytes, -1)

    def release(self) -> None:
        self.kernel.inotify_users.nr_instances[self.uid] -= 1
        self.kernel.ledger.used -= EVENT * len(self.events)
        self.events.clear()
        for watch in list(self.watches.values()):
            watch.detach()

    def describe(self) -> str:
        return "anon_inode:inotify"
