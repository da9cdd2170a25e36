# SPDX-License-Identifier: MPL-2.0
"""/proc/sysvipc/{msg,sem,shm}: the System V objects of the reader's IPC namespace (proc(5))."""

from typing import TYPE_CHECKING, Final

from cruck.kernel.fs.procfs.inode import DT_REG, DirectoryNode, PseudoFs, TextNode
from cruck.kernel.ipc.msg import MessageQueue
from cruck.kernel.ipc.sem import SemSet
from cruck.kernel.ipc.shm import ShmSegment
from cruck.kernel.ipc.sysv import IpcObject
from cruck.kernel.vfs.file import DirEntry
from cruck.kernel.vfs.inode import Inode

if TYPE_CHECKING:
    from cruck.kernel.ipc.ipc_namespace import IpcNamespace
    from cruck.kernel.kernel import Kernel

SYSVIPC_INO: Final = 0x3F00
NAMES: Final = (b"msg", b"sem", b"shm")
PAGE_SIZE: Final = 4096
HEADS: Final[dict[bytes, bytes]] = {
    b"msg": b"       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid      stime      rtime      ctime\n",
    b"sem": b"       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n",
    b"shm": b"       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      atime      dtime      ctime"
    b"                   rss                  swap\n",
}


class SysvDirectory(DirectoryNode):
    def __init__(self, fs: PseudoFs) -> None:
        super().__init__(fs, SYSVIPC_INO, 0o555)

    def lookup(self, name: bytes) -> Inode | None:
        return SysvText(self.pseudo, name) if name in NAMES else None

    def list(self, cookie: int) -> list[DirEntry]:
        entries: list[DirEntry] = []
        for index in range(max(0, cookie - 2), len(NAMES)):
            entries.append(DirEntry(NAMES[index], SYSVIPC_INO + 1 + index, DT_REG, index + 3))
        return entries


class SysvText(TextNode):
    def __init__(self, fs: PseudoFs, name: bytes) -> None:
        super().__init__(fs, SYSVIPC_INO + 1 + NAMES.index(name), 0o444)
        self.name = name

    def render(self) -> bytes:
        namespace = reader_namespace(self.pseudo.kernel)
        lines = [HEADS[self.name]]
        table = namespace.msg if self.name == b"msg" else namespace.sem if self.name == b"sem" else namespace.shm
        for obj in table.in_order():
            lines.append(_line(obj))
        return b"".join(lines)


def reader_namespace(kernel: "Kernel") -> "IpcNamespace":
    return kernel.current.ipc if kernel.current is not None else kernel.ipc


def _line(obj: IpcObject) -> bytes:
    key = obj.key if obj.key < 1 << 31 else obj.key - (1 << 32)
    head = b"%10d %10d  %4o" % (key, obj.id, obj.mode)
    owners = (obj.uid, obj.gid, obj.creator_uid, obj.creator_gid)
    if isinstance(obj, MessageQueue):
        counts = b"  %10d %10d %5d %5d" % (obj.nr_bytes, len(obj.messages), obj.last_sender_pid, obj.last_receiver_pid)
        return head + counts + b" %5d %5d %5d %5d" % owners + b" %10d %10d %10d\n" % (obj.sent_s, obj.received_s, obj.changed_s)
    if isinstance(obj, SemSet):
        return head + b" %10d" % len(obj.values) + b" %5d %5d %5d %5d" % owners + b" %10d %10d\n" % (obj.operated_s, obj.changed_s)
    assert isinstance(obj, ShmSegment)
    counts = b" %21d %5d %5d  %5d" % (obj.size, obj.creator_pid, obj.last_pid, obj.nr_attached())
    times = b" %10d %10d %10d" % (obj.attached_s, obj.detached_s, obj.changed_s)
    return head + counts + b" %5d %5d %5d %5d" % owners + times + b" %21d %21d\n" % (obj.nr_resident() * PAGE_SIZE, 0)
