# SPDX-License-Identifier: MPL-2.0
"""sysfs(2), the old question for file system types (Linux fs/filesystems.c); nothing to do with the file system of that name."""

from typing import Final

from cruck.abi.errno import EINVAL
from cruck.kernel.process.task import Task
from cruck.kernel.syscalls.types import CInt, ULong

BY_NAME: Final = 1
BY_INDEX: Final = 2
COUNT: Final = 3
MAX_NAME: Final = 4096


def sys_sysfs(task: Task, option: CInt, first: ULong, second: ULong) -> int:
    """The index of a type, 0 and its name at `second`, or how many there are. Errors: EINVAL, EFAULT."""
    names = list(task.kernel.file_systems)
    if option == BY_NAME:
        name = task.user.read_cstring(first, MAX_NAME)
        return names.index(name) if name in names else -EINVAL
    if option == BY_INDEX:
        index = first & 0xFFFF_FFFF
        if index >= len(names):
            return -EINVAL
        task.user.write(second, names[index] + b"\0")
        return 0
    return len(names) if option == COUNT else -EINVAL
