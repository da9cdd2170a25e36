# SPDX-License-Identifier: MPL-2.0
"""Who may look into another process (Linux: ptrace_may_access with PTRACE_MODE_READ_FSCREDS, ptrace(2))."""

from typing import TYPE_CHECKING

from cruck.kernel.process.access import may_access_as_file_user

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.process.process import Process


def may_inspect(kernel: "Kernel", process: "Process") -> bool:
    """May the task whose call is being handled see `process`'s memory, descriptors and links?

    The kernel's own lookups (no current task) may. init has none of these, so only the administrator gets as far as ENOENT."""
    task = kernel.current
    return task is None or may_access_as_file_user(task, process)
