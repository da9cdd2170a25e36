# SPDX-License-Identifier: MPL-2.0
"""The namespaces a task lives in (namespaces(7), kernel/nsproxy.c): making, sharing and entering them.

`Namespaces` is a task's set of them; it is replaced, never changed. The user namespace is not in it: it belongs to the credentials. What a
namespace contains is in its class: MountNamespace (vfs/dentry.py), PidNamespace (pid_namespace.py), UserNamespace.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EINVAL, ENOSPC, EPERM
from cruck.abi.sched import CLONE_NEWCGROUP, CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWUSER, CLONE_NEWUTS
from cruck.kernel.errors import LinuxError
from cruck.kernel.ipc.ipc_namespace import IpcNamespace
from cruck.kernel.net.families import AddressFamilies, new_network
from cruck.kernel.process.credentials import ALL_CAPABILITIES, CAP_SYS_ADMIN
from cruck.kernel.process.pid_namespace import MAX_LEVEL as MAX_PID_LEVEL
from cruck.kernel.process.pid_namespace import PidNamespace
from cruck.kernel.process.user_namespace import MAX_LEVEL, Namespace, UserNamespace, from_kernel
from cruck.kernel.vfs.dentry import MountNamespace, Path
from cruck.kernel.vfs.mount_tree import copy_namespace

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.process.credentials import Credentials
    from cruck.kernel.process.task import Task
    from cruck.kernel.vfs.inode import FileSystem

INITIAL_CGROUP: Final = 4026531835
INITIAL_PID: Final = 4026531836
INITIAL_USER: Final = 4026531837
INITIAL_UTS: Final = 4026531838
INITIAL_IPC: Final = 4026531839
INITIAL_NET: Final = 4026531840
INITIAL_MOUNT: Final = 4026531841
FIRST_INO: Final = 4026532200
KNOWN: Final = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWCGROUP | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWNET


class UtsNamespace(Namespace):
    hostname: bytes
    domainname: bytes

    def __init__(self, ino: int, owner: "UserNamespace | None", hostname: bytes, domainname: bytes) -> None:
        super().__init__(CLONE_NEWUTS, ino, owner)
        self.hostname = hostname
        self.domainname = domainname


class NetNamespace(Namespace):
    """Sockets, ports, interfaces. A new one has a loopback interface that is down, and no way out."""

    families: AddressFamilies

    def __init__(self, ino: int, owner: "UserNamespace | None", families: AddressFamilies) -> None:
        super().__init__(CLONE_NEWNET, ino, owner)
        self.families = families


class Namespaces:
    mnt: MountNamespace
    uts: UtsNamespace
    ipc: IpcNamespace
    net: NetNamespace
    pid: PidNamespace  # of its children; its own is its process's
    cgroup: Namespace

    def __init__(
        self, mnt: MountNamespace, uts: UtsNamespace, ipc: IpcNamespace, net: NetNamespace, pid: PidNamespace, cgroup: Namespace
    ) -> None:
        self.mnt = mnt
        self.uts = uts
        self.ipc = ipc
        self.net = net
        self.pid = pid
        self.cgroup = cgroup

    def copy(self) -> "Namespaces":
        return Namespaces(self.mnt, self.uts, self.ipc, self.net, self.pid, self.cgroup)


class NamespaceTable:
    """The initial namespaces of a kernel, and numbers for new ones."""

    next_ino: int
    user: Namespace  # the initial user namespace, for who asks by descriptor
    pid: PidNamespace
    uts: UtsNamespace
    first: Namespaces | None
    nsfs: "FileSystem | None"  # made when the first link is followed

    def __init__(self) -> None:
        self.next_ino = FIRST_INO
        self.user = Namespace(CLONE_NEWUSER, INITIAL_USER, None)
        self.pid = PidNamespace(INITIAL_PID, None, None)
        self.uts = UtsNamespace(INITIAL_UTS, None, b"cruck", b"(none)")
        self.first = None
        self.nsfs = None

    def initial(self, mnt: MountNamespace, ipc: IpcNamespace, families: AddressFamilies) -> Namespaces:
        """Of the first tasks of a run, whose mount namespace is `mnt`. The built-in init lives there too, so it stays when they leave."""
        if self.first is None or self.first.mnt is not mnt:
            if self.first is not None:
                self.first.mnt.let_go()
            mnt.hold()
            mnt.ino = INITIAL_MOUNT
            ipc.ino = INITIAL_IPC
            self.first = Namespaces(
                mnt,
                self.uts,
                ipc,
                NetNamespace(INITIAL_NET, None, families),
                self.pid,
                Namespace(CLONE_NEWCGROUP, INITIAL_CGROUP, None),
            )
        return self.first

    def fs(self) -> "FileSystem":
        if self.nsfs is None:
            from cruck.kernel.fs.nsfs import NsFs

            self.nsfs = NsFs()
        return self.nsfs

    def new_ino(self) -> int:
        self.next_ino += 1
        return self.next_ino


def check(kernel: "Kernel", task: "Task", flags: int) -> None:
    """May the task make new namespaces of the kinds `flags` (CLONE_NEW*)?
    Errors: LinuxError(EINVAL: kinds that do not exist here; EPERM; ENOSPC: user namespaces too deep or too many)."""
    creds = task.creds
    if flags & CLONE_NEWPID:
        if task.ns.pid.level >= MAX_PID_LEVEL:
            raise LinuxError(ENOSPC)
        if task.ns.pid is not task.process.pid_ns:
            raise LinuxError(EINVAL, "the next child is already to be born in another one")
    if flags & CLONE_NEWUSER:
        ns = creds.user_ns
        if ns is not None and ns.level >= MAX_LEVEL or nr_user_namespaces(task.kernel) >= task.kernel.settings.max_user_namespaces:
            raise LinuxError(ENOSPC)
        root = task.ns.mnt.top(Path(task.ns.mnt.root, task.ns.mnt.root.root))
        if task.fs.root != root or (ns is not None and not creds.knows(creds.euid, creds.egid)):
            raise LinuxError(EPERM, "in a chroot, or an owner that the parent does not know")
    elif not creds.has_own(CAP_SYS_ADMIN):
        raise LinuxError(EPERM)


def nr_user_namespaces(kernel: "Kernel") -> int:
    """Those that tasks are in, and the ones above them, without the initial one. Cost: O(tasks)."""
    found: set[UserNamespace] = set()
    for task in kernel.tasks.values():
        ns = task.creds.user_ns
        while ns is not None and ns not in found:
            found.add(ns)
            ns = ns.parent
    return len(found)


def new_user_namespace(kernel: "Kernel", old: "Credentials") -> "Credentials":
    """Credentials in a new user namespace, with every capability in it."""
    new = old.copy()
    new.user_ns = UserNamespace(kernel.namespaces.new_ino(), old)
    new.cap_effective = new.cap_permitted = new.cap_bounding = ALL_CAPABILITIES
    new.cap_inheritable = new.cap_ambient = new.securebits = 0
    return new


def make(kernel: "Kernel", task: "Task", flags: int, owner: "UserNamespace | None") -> tuple[Namespaces, Path | None, Path | None]:
    """The task's set with new ones of the kinds `flags`, owned by `owner`; check() has agreed.

    Returns: the set, and with CLONE_NEWNS root and working directory in the copied tree."""
    ns = task.ns.copy()
    root: Path | None = None
    cwd: Path | None = None
    if flags & CLONE_NEWNS:
        ns.mnt, root, cwd = copy_namespace(task.ns.mnt, kernel.namespaces.new_ino(), owner, task.fs.root, task.fs.cwd)
    if flags & CLONE_NEWUTS:
        old = task.ns.uts
        ns.uts = UtsNamespace(kernel.namespaces.new_ino(), owner, old.hostname, old.domainname)
    if flags & CLONE_NEWNET:
        ns.net = NetNamespace(kernel.namespaces.new_ino(), owner, new_network())
    if flags & CLONE_NEWIPC:
        ns.ipc = IpcNamespace(kernel, kernel.namespaces.new_ino(), owner)
    if flags & CLONE_NEWCGROUP:
        ns.cgroup = Namespace(CLONE_NEWCGROUP, kernel.namespaces.new_ino(), owner)
    if flags & CLONE_NEWPID:
        ns.pid = PidNamespace(kernel.namespaces.new_ino(), owner, task.ns.pid)
    return ns, root, cwd


def set_namespaces(task: "Task", new: Namespaces) -> None:
    """The task moves; the old mount namespace may end with that."""
    old = task.ns
    new.mnt.hold()
    task.ns = new
    task.ipc = new.ipc
    old.mnt.let_go()


def enter_user(task: "Task", ns: UserNamespace) -> "Credentials":
    """Credentials of the task in another user namespace (setns). Errors: LinuxError(EINVAL: it is there; EPERM)."""
    if task.creds.user_ns is ns or len(task.process.threads) > 1 or task.fs.refs > 1:
        raise LinuxError(EINVAL)
    if not task.creds.has_in(ns, CAP_SYS_ADMIN):
        raise LinuxError(EPERM)
    new = task.creds.copy()
    new.user_ns = ns
    new.cap_effective = new.cap_permitted = new.cap_bounding = ALL_CAPABILITIES
    new.cap_inheritable = new.cap_ambient = new.securebits = 0
    return new


def owner_uid_shown(ns: UserNamespace, viewer: "Credentials") -> int:
    """NS_GET_OWNER_UID."""
    if viewer.user_ns is None:
        return ns.owner_uid
    shown = from_kernel(viewer.user_ns.uid_map, ns.owner_uid)
    return shown if shown >= 0 else 65534
