# SPDX-License-Identifier: MPL-2.0
"""/proc/locks and the lock lines of /proc/[pid]/fdinfo (Linux fs/locks.c lock_get_status). Who waits is not shown."""

from typing import TYPE_CHECKING

from cruck.abi.fcntl import F_WRLCK
from cruck.kernel.vfs.locks import MAX_OFFSET

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.vfs.file import File
    from cruck.kernel.vfs.inode import Inode


def locks(kernel: "Kernel") -> bytes:
    """Every lock belongs to a file that somebody has open."""
    seen: dict[int, bool] = {}
    lines: list[bytes] = []
    for task in kernel.tasks.values():
        for fd in task.files.open_fds():
            file = task.files.lookup(fd)
            inode = file.inode() if file is not None else None
            if inode is None or inode.locks is None or id(inode) in seen:
                continue
            seen[id(inode)] = True
            for line in _lines(kernel, inode, None):
                lines.append(b"%d: %s\n" % (len(lines) + 1, line))
    return b"".join(lines)


def file_locks(kernel: "Kernel", file: "File") -> bytes:
    """For fdinfo: the locks that belong to this open file, and POSIX locks of its processes on it."""
    inode = file.inode()
    if inode is None or inode.locks is None:
        return b""
    return b"".join([b"lock:\t%d: %s\n" % (index + 1, line) for index, line in enumerate(_lines(kernel, inode, file))])


def _lines(kernel: "Kernel", inode: "Inode", file: "File | None") -> list[bytes]:
    locks = inode.locks
    assert locks is not None
    dev = inode.stat().dev
    place = b"%02x:%02x:%d" % (dev >> 8 & 0xFFF, dev & 0xFF | dev >> 12 & 0xFFF00, inode.ino)
    reader = kernel.current
    lines: list[bytes] = []
    for lock in locks.ranges:
        if file is not None and lock.file is not file and lock.file is not None:
            continue
        kind = b"POSIX  ADVISORY " if lock.file is None else b"OFDLCK ADVISORY "
        mode = b"WRITE" if lock.kind == F_WRLCK else b"READ "
        pid = lock.pid if lock.pid < 0 or reader is None else reader.number_of(lock.pid)
        end = b"EOF" if lock.end == MAX_OFFSET else b"%d" % lock.end
        lines.append(b"%s %s %d %s %d %s" % (kind, mode, pid, place, lock.start, end))
    for held in locks.flocks:
        if file is not None and held.file is not file:
            continue
        pid = held.pid if reader is None else reader.number_of(held.pid)
        lines.append(b"FLOCK  ADVISORY  %s %d %s 0 EOF" % (b"WRITE" if held.is_exclusive else b"READ ", pid, place))
    return lines
