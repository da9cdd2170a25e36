# SPDX-License-Identifier: MPL-2.0
"""ioctl: what every file answers alike (Linux fs/ioctl.c do_vfs_ioctl); the rest is the file's own."""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EFAULT, ENOTTY
from cruck.abi.fcntl import O_NONBLOCK
from cruck.abi.stat import S_IFMT, S_IFREG
from cruck.kernel.syscalls.types import CUInt, Fd, ULong
from cruck.kernel.vfs.file_owner import set_async

if TYPE_CHECKING:
    from cruck.kernel.process.task import Task

FIONBIO: Final = 0x5421
FIONCLEX: Final = 0x5450
FIOCLEX: Final = 0x5451
FIOASYNC: Final = 0x5452
FIOQSIZE: Final = 0x5460
FIONREAD: Final = 0x541B
FIGETBSZ: Final = 2


def sys_ioctl(task: "Task", fd: Fd, command: CUInt, argument: ULong) -> int:
    """Errors: EBADF, ENOTTY (the file does not know the command), EFAULT, and the file's."""
    file = task.files.get(fd)
    if command == FIOCLEX:
        task.files.cloexec.add(fd)
        return 0
    if command == FIONCLEX:
        task.files.cloexec.discard(fd)
        return 0
    if command == FIONBIO:
        on = task.user.read_s32(argument)
        return file.set_flags(file.flags | O_NONBLOCK if on else file.flags & ~O_NONBLOCK)
    if command == FIOASYNC:
        on = task.user.read_s32(argument)
        if not file.supports_async():
            return -ENOTTY
        set_async(task, file, fd, bool(on))
        return 0
    inode = file.inode()
    if inode is not None and inode.mode & S_IFMT == S_IFREG:
        if command == FIONREAD:
            task.user.write_u32(argument, max(0, inode.stat().size - file.pos))
            return 0
        if command == FIOQSIZE:
            task.user.write_u64(argument, inode.stat().size)
            return 0
    if command == FIGETBSZ and inode is not None:
        if argument == 0:
            return -EFAULT
        task.user.write_u32(argument, inode.stat().blksize)
        return 0
    result = file.ioctl(task, command, argument)
    return -ENOTTY if result == -515 else result  # ENOIOCTLCMD
