# SPDX-License-Identifier: MPL-2.0
"""HostTreeFile: an open regular file of a `HostDirectory`.

A `HostFile` that knows where it came from, so that a snapshot can name it: pickling keeps (directory, path, access
mode) and opens it again. If that is no longer possible, or another file has that name now, the restored object is
closed and every operation answers −EBADF.

Safety: only `HostDirectory.open` and `.create` make these, after they saw that the descriptor is a regular file.
"""

import errno
import os
from typing import TYPE_CHECKING

from cruck.framework.io.host_file import HostFile

if TYPE_CHECKING:
    from cruck.framework.io.host_directory import HostDirectory

# (mode, nlink, uid, gid, ino, size in bytes, blocks of 512 bytes, blksize,
#  atime_ns, mtime_ns, ctime_ns, btime_ns, dev, rdev)
HostStat = tuple[int, int, int, int, int, int, int, int, int, int, int, int, int, int]


def to_host_stat(st: os.stat_result) -> HostStat:
    """btime_ns: the earliest time known (stat(2) does not tell the time of birth)."""
    mtime, ctime = st.st_mtime_ns, st.st_ctime_ns
    return (
        st.st_mode,
        st.st_nlink,
        st.st_uid,
        st.st_gid,
        st.st_ino,
        st.st_size,
        st.st_blocks,
        st.st_blksize,
        st.st_atime_ns,
        mtime,
        ctime,
        min(mtime, ctime),
        st.st_dev,
        st.st_rdev,
    )


class HostTreeFile(HostFile):
    _directory: "HostDirectory"
    _path: bytes  # relative, where it was opened; it may have been renamed since
    _access: int  # O_RDONLY, O_WRONLY or O_RDWR
    _identity: tuple[int, int]  # (st_dev, st_ino) on the host

    def __init__(self, fd: int, directory: "HostDirectory", path: bytes, access: int, identity: tuple[int, int]) -> None:
        super().__init__(fd)
        self._directory = directory
        self._path = path
        self._access = access
        self._identity = identity

    def __reduce__(self) -> tuple[object, ...]:
        return (_reopen, (self._directory, self._path, self._access, self._identity, self.tag))

    def identity(self) -> tuple[int, int]:
        return self._identity

    def stat(self) -> HostStat | int:
        """What fstat(2) says, or −errno. Works after the file's name is gone."""
        try:
            return to_host_stat(os.fstat(self._fd))
        except OSError as error:
            return -(error.errno or errno.EIO)

    def chmod(self, mode: int) -> int:
        """As `HostDirectory.chmod`."""
        if not self._directory.is_writable:
            return -errno.EROFS
        if mode & 0o6000:
            return -errno.EPERM
        try:
            os.fchmod(self._fd, mode & 0o7777)
        except OSError as error:
            return -(error.errno or errno.EIO)
        return 0

    def chown(self, uid: int, gid: int) -> int:
        """−1 leaves an id as it is."""
        if not self._directory.is_writable:
            return -errno.EROFS
        try:
            os.fchown(self._fd, uid, gid)
        except OSError as error:
            return -(error.errno or errno.EIO)
        return 0

    def utimens(self, atime_ns: int, mtime_ns: int) -> int:
        if not self._directory.is_writable or self._fd < 0:
            return -errno.EBADF if self._fd < 0 else -errno.EROFS
        try:
            os.utime(self._fd, ns=(atime_ns, mtime_ns))
        except OSError as error:
            return -(error.errno or errno.EIO)
        return 0

    def allocate(self, offset: int, length: int) -> int:
        """posix_fallocate(3): room for the range; the file grows if it ends before it."""
        try:
            os.posix_fallocate(self._fd, offset, length)
        except OSError as error:
            return -(error.errno or errno.EIO)
        return 0


def _reopen(directory: "HostDirectory", path: bytes, access: int, identity: tuple[int, int], tag: int) -> HostTreeFile:
    file = directory.open(path, access)
    if isinstance(file, int) or file.identity() != identity:
        file = HostTreeFile(-1, directory, path, access, identity)
    file.tag = tag
    return file
