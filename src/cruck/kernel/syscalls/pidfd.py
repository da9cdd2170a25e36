# SPDX-License-Identifier: MPL-2.0
"""pidfd_open(2), pidfd_send_signal(2), pidfd_getfd(2). PidFile is in ipc/pidfd.py; waiting for one is in waitid."""

from typing import Final

from cruck.abi.errno import EBADF, EINVAL, EPERM, ESRCH
from cruck.abi.fcntl import O_NONBLOCK
from cruck.kernel.fs.procfs.task_dir import TaskDirectory
from cruck.kernel.ipc.pidfd import PidFile
from cruck.kernel.process.access import may_access_as_user
from cruck.kernel.process.process import Process
from cruck.kernel.process.task import Task
from cruck.kernel.signal.pending import NSIG, SI_TKILL, SI_USER
from cruck.kernel.signal.send import send_to_process
from cruck.kernel.syscalls.signal import may_signal, read_siginfo, user_info
from cruck.kernel.syscalls.types import Fd, Flags, Pid, Signo, UserAddr
from cruck.kernel.vfs.file import File

RLIMIT_NOFILE: Final = 7


def sys_pidfd_open(task: Task, pid: Pid, flags: Flags) -> int:
    """A new close-on-exec descriptor. Errors: −EINVAL (flags, pid ≤ 0, a thread that is no leader), −ESRCH, −EMFILE."""
    if flags & ~O_NONBLOCK or pid <= 0:
        return -EINVAL
    kernel = task.kernel
    process = task.find_process(pid)
    if process is None:
        return -EINVAL if task.find_task(pid) is not None else -ESRCH
    return task.files.install(PidFile(kernel, process, flags), task.process.rlimit(RLIMIT_NOFILE), True)


def sys_pidfd_send_signal(task: Task, pidfd: Fd, sig: Signo, info: UserAddr, flags: Flags) -> int:
    """As kill(2), or with a siginfo as rt_sigqueueinfo(2). `pidfd`: a pidfd, or an open directory /proc/[pid].
    Errors: −EINVAL (flags, signal, siginfo of another signal), −EBADF, −EPERM, −ESRCH (the process was reaped), −EFAULT."""
    if flags:
        return -EINVAL
    target = _process_of(task.files.get(pidfd))
    if target is None:
        return -EBADF
    if info:
        sent = read_siginfo(task, info, -1)
        if sent.signo != sig:
            return -EINVAL
        if target is not task.process and (sent.code >= 0 or sent.code == SI_TKILL):
            return -EPERM
    else:
        sent = user_info(task, sig, SI_USER, target)
    if not 0 <= sig <= NSIG:
        return -EINVAL
    if task.kernel.processes.get(target.pid) is not target:
        return -ESRCH
    if not may_signal(task, target, sig):
        return -EPERM
    if sig == 0 or target is task.kernel.init:
        return 0
    return send_to_process(target, sent)


def _process_of(file: File) -> Process | None:
    if isinstance(file, PidFile):
        return file.process
    inode = file.inode()
    return inode.who.process if isinstance(inode, TaskDirectory) and inode.who.is_whole else None


def sys_pidfd_getfd(task: Task, pidfd: Fd, targetfd: Fd, flags: Flags) -> int:
    """A new close-on-exec descriptor for the file behind the other process's `targetfd`.
    Errors: −EINVAL (flags), −EBADF (either descriptor), −ESRCH (the process ended), −EPERM (as ptrace(2)), −EMFILE."""
    if flags:
        return -EINVAL
    file = task.files.get(pidfd)
    if not isinstance(file, PidFile):
        return -EBADF
    owner = file.process.any_thread()
    if owner is None:
        return -ESRCH
    if not may_access_as_user(task, file.process):
        return -EPERM
    found = owner.files.lookup(targetfd)
    if found is None:
        return -EBADF
    return task.files.install(found, task.process.rlimit(RLIMIT_NOFILE), True)
