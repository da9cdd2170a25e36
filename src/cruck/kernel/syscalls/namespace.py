# SPDX-License-Identifier: MPL-2.0
"""unshare(2) and setns(2) at the edge."""

from typing import Final

from cruck.abi.errno import EBADF, EINVAL, EPERM, ESRCH
from cruck.abi.sched import (
    CLONE_FILES,
    CLONE_FS,
    CLONE_NEWCGROUP,
    CLONE_NEWIPC,
    CLONE_NEWNET,
    CLONE_NEWNS,
    CLONE_NEWPID,
    CLONE_NEWUSER,
    CLONE_NEWUTS,
    CLONE_SIGHAND,
    CLONE_SYSVSEM,
    CLONE_THREAD,
    CLONE_VM,
)
from cruck.kernel.fs.nsfs import NsFile
from cruck.kernel.ipc.ipc_namespace import IpcNamespace
from cruck.kernel.ipc.pidfd import PidFile
from cruck.kernel.process import namespaces
from cruck.kernel.process.credentials import CAP_SYS_ADMIN, CAP_SYS_CHROOT, Credentials
from cruck.kernel.process.pid_namespace import PidNamespace
from cruck.kernel.process.task import Task
from cruck.kernel.process.user_namespace import Namespace, UserNamespace
from cruck.kernel.syscalls.types import CInt, Fd, ULong
from cruck.kernel.vfs.dentry import MountNamespace, Path

UNSHARED_ALREADY: Final = CLONE_THREAD | CLONE_SIGHAND | CLONE_VM
ALL: Final = UNSHARED_ALREADY | CLONE_FILES | CLONE_FS | CLONE_SYSVSEM | namespaces.KNOWN


def sys_unshare(task: Task, flags: ULong) -> int:
    """Errors: EINVAL (unknown flags; threads that would have to part), EPERM (no CAP_SYS_ADMIN), ENOSPC (too deep)."""
    kernel = task.kernel
    if flags & ~ALL:
        return -EINVAL
    kinds = flags & namespaces.KNOWN
    is_threaded = len(task.process.threads) > 1
    if flags & (CLONE_NEWUSER | UNSHARED_ALREADY) and is_threaded:
        return -EINVAL
    if kinds:
        namespaces.check(kernel, task, kinds)
    if flags & (CLONE_FS | CLONE_NEWNS | CLONE_NEWUSER) and task.fs.refs > 1:
        task.fs.refs -= 1
        task.fs = task.fs.copy()
    if flags & CLONE_FILES and task.files.refs > 1:
        task.files.refs -= 1
        task.files = task.files.copy()
    if not kinds:
        return 0
    creds = namespaces.new_user_namespace(kernel, task.creds) if kinds & CLONE_NEWUSER else task.creds
    new, root, cwd = namespaces.make(kernel, task, kinds, creds.user_ns)
    task.creds = creds
    _move(task, new, root, cwd)
    return 0


def _move(task: Task, new: namespaces.Namespaces, root: Path | None, cwd: Path | None) -> None:
    namespaces.set_namespaces(task, new)
    if root is not None and cwd is not None:
        task.fs.root, task.fs.cwd = root, cwd


def sys_setns(task: Task, fd: Fd, nstype: CInt) -> int:
    """Errors: EBADF, EINVAL (no namespace, another kind, one the caller is in or cannot be alone in), EPERM, ESRCH (pidfd)."""
    file = task.files.get(fd)
    if isinstance(file, NsFile):
        if nstype not in (0, file.ns.kind):
            return -EINVAL
        return _enter(task, [file.ns])
    if not isinstance(file, PidFile):
        return -EINVAL
    if nstype == 0 or nstype & ~namespaces.KNOWN:
        return -EINVAL
    other = file.process.any_thread()
    if other is None:
        return -ESRCH
    found: list[Namespace] = []
    theirs = other.creds.user_ns
    if nstype & CLONE_NEWUSER:
        found.append(theirs if theirs is not None else task.kernel.namespaces.user)
    for kind, ns in (
        (CLONE_NEWNS, other.ns.mnt), (CLONE_NEWUTS, other.ns.uts), (CLONE_NEWIPC, other.ns.ipc), (CLONE_NEWPID, other.ns.pid),
        (CLONE_NEWNET, other.ns.net), (CLONE_NEWCGROUP, other.ns.cgroup),
    ):  # fmt: skip
        if nstype & kind:
            found.append(ns)
    return _enter(task, found)


def _enter(task: Task, wanted: list[Namespace]) -> int:
    """All or none: everything is checked on copies."""
    creds = task.creds
    new = task.ns.copy()
    root: Path | None = None
    for ns in wanted:
        if isinstance(ns, UserNamespace):
            creds = namespaces.enter_user(task, ns)
            continue
        if ns is task.kernel.namespaces.user:
            return -EINVAL if creds.user_ns is None else -EPERM
        if not creds.has_in(ns.owner, CAP_SYS_ADMIN) or not creds.has_own(CAP_SYS_ADMIN):
            return -EPERM
        error = _enter_one(task, creds, new, ns)
        if error:
            return error
        if isinstance(ns, MountNamespace):
            root = ns.top(Path(ns.root, ns.root.root))
    task.creds = creds
    _move(task, new, root, root)
    return 0


def _enter_one(task: Task, creds: Credentials, new: namespaces.Namespaces, ns: Namespace) -> int:
    if isinstance(ns, MountNamespace):
        if task.fs.refs > 1:
            return -EINVAL
        if not creds.has_own(CAP_SYS_CHROOT):
            return -EPERM
        new.mnt = ns
    elif isinstance(ns, namespaces.UtsNamespace):
        new.uts = ns
    elif isinstance(ns, PidNamespace):
        if not ns.is_below(task.process.pid_ns):
            return -EINVAL
        new.pid = ns
    elif isinstance(ns, IpcNamespace):
        new.ipc = ns
    elif isinstance(ns, namespaces.NetNamespace):
        new.net = ns
    elif ns.kind == CLONE_NEWCGROUP:
        new.cgroup = ns
    else:
        return -EBADF
    return 0
