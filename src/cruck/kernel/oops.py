# SPDX-License-Identifier: MPL-2.0
"""Oopses: bugs of the kernel itself. Each is counted and told with its traceback; what dies of it is decided by who catches it."""

from typing import TYPE_CHECKING

from cruck.framework.hardware import RIP

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.process.task import Task


def report(kernel: "Kernel", where: str, task: "Task | None") -> None:
    """Called in an exception handler; `task`: whose doing it was, None nobody's."""
    import traceback

    kernel.nr_oopses += 1
    whose = ""
    if task is not None:
        whose = f" of process {task.process.pid} ({task.comm.decode('utf-8', 'replace')}) at {task.context.get_reg(RIP):#x}"
    kernel.log.error(f"oops in {where}{whose}; this is a bug of cruck, the process is killed\n{traceback.format_exc()}")
