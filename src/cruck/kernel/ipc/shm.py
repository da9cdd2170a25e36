# SPDX-License-Identifier: MPL-2.0
"""System V shared memory (shmget(2), Linux ipc/shm.c): a segment is an unnamed file of tmpfs with an identifier.

`ShmFile` is what attached areas hold: each area has one reference, so its references are the segment's `nattch`. Who attaches is
syscalls/shm.py; the pages come from tmpfs by faults.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EINVAL, ENOMEM, ENOSPC
from cruck.abi.fcntl import O_RDWR
from cruck.abi.ipc import SHM_DEST, SHM_HUGETLB, SHMALL, SHMMAX, SHMMIN, SHMMNI
from cruck.abi.stat import S_IFREG
from cruck.framework.hardware import PAGE_MASK, PAGE_SIZE
from cruck.kernel.errors import LinuxError
from cruck.kernel.fs.tmpfs.regular import TmpFile, TmpRegular
from cruck.kernel.fs.tmpfs.shmem import shmem_fs, shmem_mount
from cruck.kernel.ipc.sysv import IpcObject, IpcTable
from cruck.kernel.process.credentials import Credentials
from cruck.kernel.vfs.dentry import Dentry, Path
from cruck.kernel.vfs.file import File

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel

MAX_SEGMENT_BYTES: Final = 1 << 46  # what a guest can address


class ShmSegment(IpcObject):
    size: int  # bytes, as asked for
    file: "ShmFile"
    creator_pid: int
    last_pid: int
    attached_s: int
    detached_s: int

    def __init__(self, table: "ShmTable", key: int, size: int, mode: int, creds: Credentials, pid: int) -> None:
        kernel = table.kernel
        super().__init__(key, mode, creds, kernel.clock.realtime_ns() // 1_000_000_000)
        fs = shmem_fs(kernel)
        node = fs.new_inode(S_IFREG | mode & 0o777, creds.fsuid, creds.fsgid, 0)
        assert isinstance(node, TmpRegular)
        node.truncate((size + PAGE_MASK) & ~PAGE_MASK)
        self.size = size
        self.file = ShmFile(table, self, node)
        self.creator_pid = pid
        self.last_pid = self.attached_s = self.detached_s = 0

    def nr_pages(self) -> int:
        return (self.size + PAGE_MASK) // PAGE_SIZE

    def nr_attached(self) -> int:
        return self.file.refs

    def nr_resident(self) -> int:
        return self.file.node.mapping.segment.nr_pages()


class ShmFile(TmpFile):
    """The segment as an area holds it."""

    table: "ShmTable"
    segment: ShmSegment

    def __init__(self, table: "ShmTable", segment: ShmSegment, node: TmpRegular) -> None:
        super().__init__(O_RDWR, node)
        self.table = table
        self.segment = segment

    def get(self) -> File:
        self.refs += 1
        segment = self.segment
        segment.attached_s = self.table.now_s()
        segment.last_pid = self.table.current_pid(segment.last_pid)
        return self

    def put(self) -> None:
        self.refs -= 1
        segment = self.segment
        segment.detached_s = self.table.now_s()
        segment.last_pid = self.table.current_pid(segment.last_pid)
        if self.refs == 0 and (segment.mode & SHM_DEST or self.table.rmid_forced):
            self.table.destroy(segment)


class ShmTable(IpcTable):
    kernel: "Kernel"
    max_bytes: int  # kernel.shmmax, shmall (pages), shmmni
    max_pages: int
    max_segments: int
    rmid_forced: bool  # kernel.shm_rmid_forced
    nr_pages: int  # of all segments

    def __init__(self, kernel: "Kernel") -> None:
        super().__init__()
        self.kernel = kernel
        self.max_bytes = SHMMAX
        self.max_pages = SHMALL
        self.max_segments = SHMMNI
        self.rmid_forced = False
        self.nr_pages = 0

    def get(self, key: int, size: int, flags: int, creds: Credentials, pid: int) -> int:
        """shmget: the identifier. Errors: LinuxError(EEXIST, ENOENT, EINVAL, EACCES, ENOSPC, ENOMEM)."""
        found = self.by_key(key, flags)
        if isinstance(found, ShmSegment):
            if size > found.size:
                raise LinuxError(EINVAL)
            found.check(creds, flags & 0o777)
            return found.id
        if size < SHMMIN or size > self.max_bytes:
            raise LinuxError(EINVAL)
        nr_pages = (size + PAGE_MASK) // PAGE_SIZE
        if len(self.objects) >= self.max_segments or self.nr_pages + nr_pages > self.max_pages:
            raise LinuxError(ENOSPC)
        if flags & SHM_HUGETLB:
            raise LinuxError(ENOMEM, "no huge pages")
        if size > MAX_SEGMENT_BYTES or nr_pages > self.kernel.machine.nr_frames():
            raise LinuxError(ENOMEM, "more than all RAM")
        segment = ShmSegment(self, key, size, flags, creds, pid)
        identifier = self.add(segment, self.max_segments)
        # Seen in /proc/PID/maps.
        node = segment.file.node
        mount = shmem_mount(self.kernel)
        dentry = Dentry(mount.root, b"SYSV%08x" % (key & 0xFFFF_FFFF), node)
        dentry.is_unlinked = True
        node.ino = identifier
        segment.file.path = Path(mount, dentry)
        self.nr_pages += nr_pages
        return identifier

    def remove_when_unused(self, segment: ShmSegment) -> None:
        """IPC_RMID."""
        if segment.nr_attached():
            segment.mode |= SHM_DEST
            self.forget_key(segment)
        else:
            self.destroy(segment)

    def destroy(self, segment: ShmSegment) -> None:
        if not segment.is_removed:
            self.remove(segment)
            self.nr_pages -= segment.nr_pages()
            segment.file.node.forget()

    def now_s(self) -> int:
        return self.kernel.clock.realtime_ns() // 1_000_000_000

    def current_pid(self, otherwise: int) -> int:
        task = self.kernel.current
        return task.process.pid if task is not None else otherwise
