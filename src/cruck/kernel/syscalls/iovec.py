# SPDX-License-Identifier: MPL-2.0
"""Arrays of `struct iovec` from guest memory, as the ranges a VmReader or VmWriter goes over. (Linux lib/iov_iter.c
import_iovec.)"""

import struct
from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EFAULT, EINVAL
from cruck.kernel.errors import LinuxError

if TYPE_CHECKING:
    from cruck.kernel.process.task import Task

MAX_RW_COUNT: Final = 0x7FFF_F000  # one call reads or writes at most so many bytes
UIO_MAXIOV: Final = 1024
_TWO_U64: Final = struct.Struct("<QQ")


def read_iovec(task: "Task", addr: int, count: int) -> list[tuple[int, int]]:
    """The ranges, without empty ones, cut at MAX_RW_COUNT bytes in all.

    Errors: LinuxError: EINVAL (more than 1024 entries, a length above SSIZE_MAX), EFAULT (a range outside of user
    addresses); UserFault.
    """
    if count > UIO_MAXIOV or count < 0:
        raise LinuxError(EINVAL)
    if count == 0:
        return []
    data = task.user.read(addr, count * 16)
    entries = [_TWO_U64.unpack_from(data, index * 16) for index in range(count)]
    for entry in entries:
        if entry[1] >> 63:
            raise LinuxError(EINVAL)
    user_end = task.user.user_end
    left = MAX_RW_COUNT
    ranges: list[tuple[int, int]] = []
    for entry in entries:
        base, length = entry
        if base + length > user_end and length:
            raise LinuxError(EFAULT)
        if length > left:
            length = left
        if length:
            ranges.append((base, length))
            left -= length
    return ranges


def one_range(task: "Task", addr: int, length: int) -> list[tuple[int, int]]:
    """The buffer of read(2) or write(2). Errors: LinuxError(EFAULT): not all of it lies in user addresses."""
    if addr + length > task.user.user_end:
        raise LinuxError(EFAULT)
    return [(addr, min(length, MAX_RW_COUNT))]


def skip(ranges: list[tuple[int, int]], count: int) -> list[tuple[int, int]]:
    """The ranges without their first `count` bytes."""
    rest: list[tuple[int, int]] = []
    for base, length in ranges:
        if count >= length:
            count -= length
            continue
        rest.append((base + count, length - count))
        count = 0
    return rest


def clip(ranges: list[tuple[int, int]], limit: int) -> list[tuple[int, int]]:
    """The first `limit` bytes of the ranges."""
    rest: list[tuple[int, int]] = []
    for base, length in ranges:
        if limit <= 0:
            break
        rest.append((base, min(length, limit)))
        limit -= length
    return rest


def total(ranges: list[tuple[int, int]]) -> int:
    count = 0
    for entry in ranges:
        count += entry[1]
    return count
