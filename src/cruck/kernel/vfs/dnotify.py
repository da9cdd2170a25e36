# SPDX-License-Identifier: MPL-2.0
"""Directory notification by signal (fcntl F_NOTIFY, Linux fs/notify/dnotify): inotify's forerunner, as a `Watch` of another kind."""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import ENOTDIR
from cruck.abi.fcntl import DN_ACCESS, DN_ATTRIB, DN_CREATE, DN_DELETE, DN_MODIFY, DN_MULTISHOT, DN_RENAME
from cruck.abi.inotify import IN_ACCESS, IN_ATTRIB, IN_CREATE, IN_DELETE, IN_MODIFY, IN_MOVED_FROM, IN_MOVED_TO
from cruck.kernel.vfs.file_owner import POLL_MSG, FileOwner, owner_of
from cruck.kernel.vfs.fsnotify import RENAMED_WITHIN
from cruck.kernel.vfs.inotify import Watch

if TYPE_CHECKING:
    from cruck.kernel.process.task import Task
    from cruck.kernel.vfs.file import File
    from cruck.kernel.vfs.inode import Inode

EVENTS: Final = (
    (DN_ACCESS, IN_ACCESS),
    (DN_MODIFY, IN_MODIFY),
    (DN_CREATE, IN_CREATE | IN_MOVED_TO),
    (DN_DELETE, IN_DELETE | IN_MOVED_FROM),
    (DN_RENAME, RENAMED_WITHIN),
    (DN_ATTRIB, IN_ATTRIB),
)


class DirectoryWatch(Watch):
    owner: FileOwner
    fd: int  # si_fd

    def __init__(self, owner: FileOwner, fd: int, inode: "Inode", wanted: int) -> None:
        super().__init__(owner.file, -1, inode, wanted)
        self.owner = owner
        self.fd = fd

    def tell(self, mask: int, name: bytes, cookie: int) -> None:
        for wanted, events in EVENTS:
            if self.mask & wanted and mask & events:
                self.owner.send(POLL_MSG, self.fd)
                if not self.mask & DN_MULTISHOT:
                    self.end()
                return

    def end(self) -> None:
        self.detach()

    def detach(self) -> bool:
        watches = self.inode.watches
        if watches is None or watches.get(self.file) is not self:
            return False
        del watches[self.file]
        if not watches:
            self.inode.watches = None
        self.owner.kernel.nr_watches -= 1
        return True


def watch_directory(task: "Task", file: "File", fd: int, wanted: int) -> int:
    """F_NOTIFY: `wanted` is DN_*, 0 ends it; events are added to those of an earlier call. 0 or −ENOTDIR."""
    inode = file.inode()
    if inode is None or not inode.is_dir():
        return -ENOTDIR
    existing = inode.watches.get(file) if inode.watches is not None else None
    if wanted & ~DN_MULTISHOT == 0:
        if existing is not None:
            existing.end()
        return 0
    if existing is not None:
        existing.mask |= wanted
        return 0
    owner = owner_of(task, file)
    if owner.number == 0:
        owner.set(task, owner.kind, task.process.pid)
    if inode.watches is None:
        inode.watches = {}
    inode.watches[file] = DirectoryWatch(owner, fd, inode, wanted)
    task.kernel.nr_watches += 1
    return 0
