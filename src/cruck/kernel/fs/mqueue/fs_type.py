# SPDX-License-Identifier: MPL-2.0
"""MqueueFs: the queues of an IPC namespace, their limits and charges; MqueueFsType: `mount -t mqueue` shows them."""

from typing import TYPE_CHECKING, Final

from cruck.abi.capability import CAP_SYS_RESOURCE
from cruck.abi.errno import EINVAL, EMFILE, ENOSPC, EPERM
from cruck.abi.magic import MQUEUE_MAGIC
from cruck.abi.mqueue import DFLT_MSG, DFLT_MSGSIZE, DFLT_QUEUESMAX
from cruck.abi.resource import RLIMIT_MSGQUEUE
from cruck.abi.stat import S_IFMT, S_IFREG
from cruck.kernel.errors import LinuxError
from cruck.kernel.fs.mqueue.queue import MqInode, charge_of
from cruck.kernel.fs.tmpfs.directory import TmpDirectory
from cruck.kernel.fs.tmpfs.fs_type import TmpFs
from cruck.kernel.vfs.dentry import Dentry, Mount, Path
from cruck.kernel.vfs.fs_type import FileSystemType
from cruck.kernel.vfs.inode import FileSystem, Inode

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel

HARD_MAX_MESSAGES: Final = 65536  # for CAP_SYS_RESOURCE
HARD_MAX_BYTES: Final = 16 << 20


class MqueueFs(TmpFs):
    kernel: "Kernel"
    max_queues: int  # fs.mqueue.queues_max, msg_max, msgsize_max, msg_default, msgsize_default
    max_messages: int
    max_message_bytes: int
    default_messages: int
    default_bytes: int
    charges: dict[int, int]  # by user: bytes of its queues
    place: Path  # the root as mq_open sees it

    def __init__(self, kernel: "Kernel") -> None:
        super().__init__(kernel, kernel.next_anon_dev(), name=b"mqueue")
        self.kernel = kernel
        self.caches_names = False
        self.max_queues, self.max_messages, self.max_message_bytes = DFLT_QUEUESMAX, DFLT_MSG, DFLT_MSGSIZE
        self.default_messages, self.default_bytes = DFLT_MSG, DFLT_MSGSIZE
        self.charges = {}
        root = MqDirectory(self, self.new_ino(), 0o1777, 0, 0, None)
        self.root = root
        dentry = Dentry(None, b"", root)
        self.place = Path(Mount(self, dentry, None, None, 0, b"mqueue", 0), dentry)

    def check_size(self, max_messages: int, max_bytes: int) -> None:
        """mq_open's attributes. Errors: LinuxError(EINVAL)."""
        task = self.kernel.current
        message_limit, byte_limit = self.max_messages, self.max_message_bytes
        if task is not None and task.creds.has(CAP_SYS_RESOURCE):
            message_limit, byte_limit = HARD_MAX_MESSAGES, HARD_MAX_BYTES
        if not 0 < max_messages <= message_limit or not 0 < max_bytes <= byte_limit:
            raise LinuxError(EINVAL)

    def new_queue(self, mode: int, uid: int, gid: int, max_messages: int, max_bytes: int) -> MqInode:
        """Charged, without a name. Errors: LinuxError(ENOSPC: too many queues; EMFILE: RLIMIT_MSGQUEUE)."""
        task = self.kernel.current
        assert task is not None, "made by a call"
        nr_queues = self.nr_inodes - 2  # the two roots
        if nr_queues >= self.max_queues and not task.creds.has(CAP_SYS_RESOURCE):
            raise LinuxError(ENOSPC)
        charge = charge_of(max_messages, max_bytes)
        if self.charges.get(uid, 0) + charge > task.process.rlimit(RLIMIT_MSGQUEUE):
            raise LinuxError(EMFILE)
        self.charges[uid] = self.charges.get(uid, 0) + charge
        return MqInode(self, self.new_ino(), S_IFREG | mode & 0o7777, uid, gid, max_messages, max_bytes)

    def uncharge(self, uid: int, nr_bytes: int) -> None:
        self.charges[uid] = self.charges.get(uid, 0) - nr_bytes
        if self.charges[uid] <= 0:
            del self.charges[uid]

    def statfs(self) -> tuple[int, int, int, int, int, int, int]:
        return (MQUEUE_MAGIC, 4096, 0, 0, 0, 0, 0)

    def mount_options(self) -> bytes:
        return b""


class MqDirectory(TmpDirectory):
    def create(self, name: bytes, mode: int, uid: int, gid: int, rdev: int = 0) -> Inode:
        fs = self.fs
        assert isinstance(fs, MqueueFs)
        if mode & S_IFMT not in (0, S_IFREG):
            raise LinuxError(EPERM)
        return self.create_queue(name, mode, uid, gid, fs.default_messages, fs.default_bytes)

    def create_queue(self, name: bytes, mode: int, uid: int, gid: int, max_messages: int, max_bytes: int) -> MqInode:
        fs = self.fs
        assert isinstance(fs, MqueueFs)
        inode = fs.new_queue(mode, uid, gid, max_messages, max_bytes)
        inode.nlink = 1
        self._add(name, inode)
        return inode

    def tmpfile(self, mode: int, uid: int, gid: int) -> Inode:
        raise LinuxError(EPERM)

    def mkdir(self, name: bytes, mode: int, uid: int, gid: int) -> Inode:
        raise LinuxError(EPERM)

    def symlink(self, name: bytes, target: bytes, uid: int, gid: int) -> Inode:
        raise LinuxError(EPERM)

    def link(self, name: bytes, target: Inode) -> None:
        raise LinuxError(EPERM)

    def rename(self, name: bytes, source: Inode, new_dir: Inode, new_name: bytes, target: Inode | None, exchange: bool) -> None:
        raise LinuxError(EPERM)


class MqueueFsType(FileSystemType):
    def __init__(self) -> None:
        super().__init__(b"mqueue")

    def create(self, kernel: "Kernel", source: bytes, options: bytes) -> FileSystem:
        """The one of the caller's IPC namespace."""
        task = kernel.current
        return (task.ipc if task is not None else kernel.ipc).mqueue()


TYPE: Final = MqueueFsType()
