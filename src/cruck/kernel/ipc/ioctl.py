# SPDX-License-Identifier: MPL-2.0
"""ioctl(2) of pipes and sockets: FIONREAD and what else answers with one int. Edge: writes guest memory."""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import ENOTTY

if TYPE_CHECKING:
    from cruck.kernel.process.task import Task

FIONREAD: Final = 0x541B
TIOCOUTQ: Final = 0x5411


def ioctl_count(task: "Task", command: int, argument: int, nr_readable: int, nr_unsent: int) -> int:
    """FIONREAD answers `nr_readable` bytes; TIOCOUTQ `nr_unsent`, unless that is < 0 (the file has no such thing).
    Errors: −ENOTTY for other commands; UserFault."""
    if command == FIONREAD:
        task.user.write_u32(argument, nr_readable)
        return 0
    if command == TIOCOUTQ and nr_unsent >= 0:
        task.user.write_u32(argument, nr_unsent)
        return 0
    return -ENOTTY
