# SPDX-License-Identifier: MPL-2.0
"""An open /proc/[pid]/mounts, mountinfo or mountstats: readable always, POLLPRI and POLLERR once after each change of the mount table
(proc(5), Linux fs/proc_namespace.c mounts_poll)."""

from typing import TYPE_CHECKING, Final

from cruck.kernel.fs.procfs.text_file import TextFile
from cruck.kernel.poll.wait_queue import WaitQueue
from cruck.kernel.vfs.dentry import MountNamespace

if TYPE_CHECKING:
    from cruck.kernel.fs.procfs.inode import TextNode

READABLE: Final = 0x41  # POLLIN | POLLRDNORM
CHANGED: Final = 0x0A  # POLLPRI | POLLERR


class MountsFile(TextFile):
    namespace: MountNamespace
    seen: int  # the change that was reported last

    def __init__(self, node: "TextNode", flags: int, namespace: MountNamespace) -> None:
        super().__init__(node, flags)
        self.namespace = namespace
        self.seen = namespace.nr_changes

    def poll(self) -> int:
        if self.seen == self.namespace.nr_changes:
            return READABLE
        self.seen = self.namespace.nr_changes
        return READABLE | CHANGED

    def wait_queue(self) -> WaitQueue | None:
        return self.namespace.changes
