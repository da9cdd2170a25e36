# SPDX-License-Identifier: MPL-2.0
"""Who may look into, or take hold of, another process (ptrace(2), "Ptrace access mode checking"; kernel/ptrace.c
`__ptrace_may_access`, security/commoncap.c `cap_ptrace_access_check`)."""

from typing import TYPE_CHECKING

from cruck.kernel.process.credentials import CAP_SYS_PTRACE

if TYPE_CHECKING:
    from cruck.kernel.process.credentials import Credentials
    from cruck.kernel.process.process import Process
    from cruck.kernel.process.task import Task


def may_access_as_user(task: "Task", process: "Process") -> bool:
    """PTRACE_MODE_*_REALCREDS: with the real ids and the permitted capabilities (ptrace, process_vm_readv, pidfd_getfd, kcmp)."""
    creds = task.creds
    return _may_access(task, process, creds.uid, creds.gid, creds.cap_permitted)


def may_access_as_file_user(task: "Task", process: "Process") -> bool:
    """PTRACE_MODE_*_FSCREDS: with the file-system ids and the effective capabilities (/proc)."""
    creds = task.creds
    return _may_access(task, process, creds.fsuid, creds.fsgid, creds.cap_effective)


def _may_access(task: "Task", process: "Process", uid: int, gid: int, capabilities: int) -> bool:
    mine = task.creds
    if process is task.process or mine.has(CAP_SYS_PTRACE):
        return True
    if process is task.kernel.init:
        return False
    theirs: Credentials = process.leader.creds
    if mine.has_in(theirs.user_ns, CAP_SYS_PTRACE):
        return True
    return (
        process.dumpable == 1
        and uid == theirs.euid == theirs.suid == theirs.uid
        and gid == theirs.egid == theirs.sgid == theirs.gid
        and theirs.user_ns is mine.user_ns
        and theirs.cap_permitted & ~capabilities == 0
    )
