# SPDX-License-Identifier: MPL-2.0
"""HostFile: an open host file as an unforgeable object.

A service that holds one may use it; no service can make one from a number. Whoever opened it decided what it may do
(read-only or not). All operations return −errno instead of raising.

Safety: the descriptor is owned by this object, closed once, and never leaves the framework.
"""

import errno
import os


class HostFile:
    """Cost: a host system call per method."""

    _fd: int
    tag: int  # the kernel's: names the file in STOP_HOST reports

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self.tag = 0

    def close(self) -> None:
        """Idempotent."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def __del__(self) -> None:
        self.close()

    def pread(self, length: int, offset: int) -> bytes | int:
        try:
            return os.pread(self._fd, length, offset)
        except OSError as error:
            return -(error.errno or errno.EIO)

    def pwrite(self, data: bytes, offset: int) -> int:
        try:
            return os.pwrite(self._fd, data, offset)
        except OSError as error:
            return -(error.errno or errno.EIO)

    def truncate(self, length: int) -> int:
        try:
            os.ftruncate(self._fd, length)
        except OSError as error:
            return -(error.errno or errno.EIO)
        return 0

    def fsync(self, data_only: bool) -> int:
        try:
            if data_only:
                os.fdatasync(self._fd)
            else:
                os.fsync(self._fd)
        except OSError as error:
            return -(error.errno or errno.EIO)
        return 0

    def seek(self, offset: int, whence: int) -> int:
        try:
            return os.lseek(self._fd, offset, whence)
        except OSError as error:
            return -(error.errno or errno.EIO)

    def size(self) -> int:
        """Bytes, or −errno."""
        try:
            return os.fstat(self._fd).st_size
        except OSError as error:
            return -(error.errno or errno.EIO)
