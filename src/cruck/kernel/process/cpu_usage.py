# SPDX-License-Identifier: MPL-2.0
"""CPU time and memory that tasks and processes have used, for times(2), getrusage(2), /proc and CPU-time clocks.

User time is what the machine measured of the task's own host thread: guest instructions and the host's work for their faults. System time is
the kernel's work for the task, of which the trap loop times a sample. Times in ns.
Neighbours: the scheduler and exit code keep the counters (`Task.system_ns`, `Process.user_ns` …); this only adds them up.
"""

from typing import TYPE_CHECKING

from cruck.kernel.process.task import DEAD

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.process.task import Task


def task_user_ns(task: "Task") -> int:
    """0 for a task that has ended (its process holds the time then)."""
    return task.context.cpu_time_ns() if task.state != DEAD else 0


def total_times(kernel: "Kernel") -> tuple[int, int]:
    """(user, system) of everything that ran, as far as somebody waited for it.

    Cost: O(threads)."""
    user = system = 0
    for process in kernel.processes.values():
        own_user, own_system = kernel.cpu_time_ns(process)
        user += own_user + process.children_user_ns
        system += own_system + process.children_system_ns
    return user, system


def resident_pages(task: "Task") -> int:
    """Pages of the task's address space that are present."""
    return task.mm.space.nr_resident() if task.state != DEAD else 0
