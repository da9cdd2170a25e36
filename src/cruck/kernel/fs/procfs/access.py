# SPDX-License-Identifier: MPL-2.0
"""Who may look into another process (Linux: ptrace_may_access with PTRACE_MODE_READ_FSCREDS, ptrace(2))."""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.process.process import Process

CAP_SYS_PTRACE: Final = 19


def may_inspect(kernel: "Kernel", process: "Process") -> bool:
    """May the task whose call is being handled see `process`'s memory, descriptors and links?

    The kernel's own lookups (no current task) may. init has none of these, so only the administrator gets as far as ENOENT."""
    task = kernel.current
    if task is None or task.process is process:
        return True
    creds = task.creds
    if creds.has(CAP_SYS_PTRACE):
        return True
    if process is kernel.init:
        return False
    other = process.leader.creds
    uid, gid = creds.fsuid, creds.fsgid
    if uid != other.euid or uid != other.suid or uid != other.uid:
        return False
    if gid != other.egid or gid != other.sgid or gid != other.gid:
        return False
    return process.dumpable == 1
