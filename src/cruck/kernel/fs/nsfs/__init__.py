# SPDX-License-Identifier: MPL-2.0
"""nsfs: the inodes behind /proc/[pid]/ns/* (fs/nsfs.c). A file of it holds its namespace; setns(2) takes one, ioctl_ns(2) asks it."""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EINVAL, EPERM
from cruck.abi.sched import CLONE_NEWCGROUP, CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWUSER, CLONE_NEWUTS
from cruck.abi.stat import S_IFREG
from cruck.kernel.errors import LinuxError
from cruck.kernel.process.namespaces import owner_uid_shown
from cruck.kernel.process.pid_namespace import PidNamespace
from cruck.kernel.process.user_namespace import Namespace, UserNamespace
from cruck.kernel.vfs.anon_inode import AnonInode
from cruck.kernel.vfs.dentry import Path
from cruck.kernel.vfs.file import File
from cruck.kernel.vfs.inode import FileSystem, Inode

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.process.task import Task

NSFS_DEV: Final = 4
NSFS_MAGIC: Final = 0x6E736673
NS_GET_USERNS: Final = 0xB701
NS_GET_PARENT: Final = 0xB702
NS_GET_NSTYPE: Final = 0xB703
NS_GET_OWNER_UID: Final = 0xB704
RLIMIT_NOFILE: Final = 7
NAMES: Final[dict[int, bytes]] = {
    CLONE_NEWCGROUP: b"cgroup",
    CLONE_NEWIPC: b"ipc",
    CLONE_NEWNS: b"mnt",
    CLONE_NEWNET: b"net",
    CLONE_NEWPID: b"pid",
    CLONE_NEWUSER: b"user",
    CLONE_NEWUTS: b"uts",
}


class NsFs(FileSystem):
    def __init__(self) -> None:
        super().__init__(b"nsfs", NSFS_DEV)

    def statfs(self) -> tuple[int, int, int, int, int, int, int]:
        return (NSFS_MAGIC, 4096, 0, 0, 0, 0, 0)


class NsInode(AnonInode):
    ns: Namespace

    def __init__(self, fs: FileSystem, ns: Namespace, now_ns: int) -> None:
        super().__init__(fs, ns.ino, S_IFREG | 0o444, 0, 0, now_ns)
        self.ns = ns

    def on_mount(self, change: int) -> None:
        if change > 0:
            self.ns.hold()
        else:
            self.ns.let_go()

    def open(self, path: Path, flags: int) -> File:
        if flags & 3:
            raise LinuxError(EPERM)
        return NsFile(self, flags)


class NsFile(File):
    ns: Namespace

    def __init__(self, inode: NsInode, flags: int) -> None:
        super().__init__(flags)
        self.node = inode
        self.ns = inode.ns
        self.ns.hold()

    def inode(self) -> Inode | None:
        return self.node

    def release(self) -> None:
        self.ns.let_go()

    def describe(self) -> str:
        return link_text(self.ns).decode()

    def ioctl(self, task: "Task", command: int, argument: int) -> int:
        """A new close-on-exec descriptor, a CLONE_* number, or 0. Errors: EPERM (the initial namespace's, or out of the caller's sight),
        EINVAL, EFAULT, ENOTTY."""
        ns = self.ns
        if command == NS_GET_NSTYPE:
            return ns.kind
        if command == NS_GET_OWNER_UID:
            if ns.kind != CLONE_NEWUSER:
                return -EINVAL
            uid = owner_uid_shown(ns, task.creds) if isinstance(ns, UserNamespace) else 0
            task.user.write_u32(argument, uid)
            return 0
        if command == NS_GET_USERNS or command == NS_GET_PARENT and ns.kind == CLONE_NEWUSER:
            return _open_owner(task, ns)
        if command == NS_GET_PARENT:
            return _open_parent(task, ns) if ns.kind == CLONE_NEWPID else -EINVAL
        return super().ioctl(task, command, argument)


def _open_owner(task: "Task", ns: Namespace) -> int:
    """The user namespace that owns it: for a user namespace its parent. Out of sight is what is not the caller's own or below."""
    if ns is task.kernel.namespaces.user:
        return -EPERM
    owner = ns.owner
    mine = task.creds.user_ns
    above = owner
    while above is not mine:
        if above is None:
            return -EPERM
        above = above.parent
    return _install(task, owner if owner is not None else task.kernel.namespaces.user)


def _open_parent(task: "Task", ns: Namespace) -> int:
    """Of a PID namespace. Out of sight is what is not the caller's own or below."""
    parent = ns.parent_ns()
    if not isinstance(parent, PidNamespace) or not parent.is_below(task.process.pid_ns):
        return -EPERM
    return _install(task, parent)


def _install(task: "Task", ns: Namespace) -> int:
    path = path_of(task.kernel, ns)
    file = path.inode().open(path, 0)
    file.path = path
    return task.files.install(file, task.process.rlimit(RLIMIT_NOFILE), True)


def path_of(kernel: "Kernel", ns: Namespace) -> Path:
    """Where the magic link of a namespace leads."""
    inode = NsInode(kernel.namespaces.fs(), ns, kernel.boot_realtime_ns)
    return inode.make_path(link_text(ns))


def link_text(ns: Namespace) -> bytes:
    return b"%s:[%d]" % (NAMES[ns.kind], ns.ino)
