# SPDX-License-Identifier: MPL-2.0
"""ioctl(2) of /dev/random and of host streams. Edge: writes guest memory. (Terminals: tty/ioctl.py.)"""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EINVAL, ENOTTY, EPERM
from cruck.abi.ioctls import FIONREAD
from cruck.framework.io.host_stream import HostStream
from cruck.kernel.process.credentials import CAP_SYS_ADMIN

if TYPE_CHECKING:
    from cruck.kernel.process.task import Task

RNDGETENTCNT: Final = 0x80045200
RNDADDTOENTCNT: Final = 0x40045201
RNDADDENTROPY: Final = 0x40085203
RNDZAPENTCNT: Final = 0x5204
RNDCLEARPOOL: Final = 0x5206
RNDRESEEDCRNG: Final = 0x5207
ENTROPY_BITS: Final = 256  # what Linux says once its generator is ready


def random_ioctl(task: "Task", command: int, argument: int) -> int:
    """random(4). Errors: −EPERM, −EINVAL (the pool is not ours to change), −ENOTTY; UserFault."""
    if command == RNDGETENTCNT:
        task.user.write_u32(argument, ENTROPY_BITS)
        return 0
    if command in (RNDADDTOENTCNT, RNDADDENTROPY, RNDZAPENTCNT, RNDCLEARPOOL, RNDRESEEDCRNG):
        return -EINVAL if task.creds.has(CAP_SYS_ADMIN) else -EPERM
    return -ENOTTY


def stream_ioctl(task: "Task", stream: HostStream, nr_kept: int, command: int, argument: int) -> int:
    """FIONREAD of a pipe or socket: what waits there and the `nr_kept` bytes we have already. Errors: −errno; UserFault."""
    if command != FIONREAD:
        return -ENOTTY
    count = stream.nr_readable()
    if count < 0:
        return count
    task.user.write_u32(argument, count + nr_kept)
    return 0
