# SPDX-License-Identifier: MPL-2.0
"""inotify, as inotify(7) says, through system calls on a tmpfs."""

import struct

from cruck.abi.errno import EAGAIN, EEXIST, EINVAL, ENOENT, ENOTDIR
from cruck.abi.inotify import (
    IN_ACCESS,
    IN_ALL_EVENTS,
    IN_ATTRIB,
    IN_CLOSE_NOWRITE,
    IN_CLOSE_WRITE,
    IN_CREATE,
    IN_DELETE,
    IN_DELETE_SELF,
    IN_EXCL_UNLINK,
    IN_IGNORED,
    IN_ISDIR,
    IN_MASK_ADD,
    IN_MASK_CREATE,
    IN_MODIFY,
    IN_MOVE_SELF,
    IN_MOVED_FROM,
    IN_MOVED_TO,
    IN_ONESHOT,
    IN_ONLYDIR,
    IN_OPEN,
)
from cruck.kernel.net.unix.tests.test_unix import new_kernel
from cruck.kernel.syscalls.attributes import sys_chmod, sys_ftruncate
from cruck.kernel.syscalls.blocking import BLOCKED
from cruck.kernel.syscalls.directory import sys_mkdir, sys_rmdir
from cruck.kernel.syscalls.inotify import sys_inotify_add_watch, sys_inotify_init1, sys_inotify_rm_watch
from cruck.kernel.syscalls.link import sys_link, sys_rename, sys_unlink
from cruck.kernel.syscalls.open import sys_openat
from cruck.kernel.syscalls.read_write import sys_read, sys_write
from cruck.kernel.syscalls.tests.ipc_kit import MEMORY, peek, put, rerun, run

O_CREAT, O_RDWR = 0o100, 2
BUF = MEMORY + 0x1000


class Rig:
    def __init__(self) -> None:
        self.kernel = new_kernel()
        self.task = self.kernel.new_task(10, uid=0)
        self.fd = run(self.task, sys_inotify_init1, 0o4000)

    def path(self, text: bytes, at: int = 0x100) -> int:
        return put(self.task, text + b"\0", at)

    def watch(self, text: bytes, mask: int) -> int:
        return run(self.task, sys_inotify_add_watch, self.fd, self.path(text), mask)

    def open(self, text: bytes, flags: int) -> int:
        return run(self.task, sys_openat, -100, self.path(text), flags, 0o644)

    def close(self, fd: int) -> None:
        self.task.files.remove(fd).put()

    def events(self) -> list[tuple[int, int, bytes]]:
        count = run(self.task, sys_read, self.fd, BUF, 4096)
        if count == -EAGAIN:
            return []
        data = peek(self.task, BUF, count)
        found = []
        at = 0
        while at < count:
            wd, mask, cookie, size = struct.unpack_from("<iIII", data, at)
            assert size % 16 == 0
            found.append((wd, mask, data[at + 16 : at + 16 + size].rstrip(b"\0")))
            self.cookie = cookie
            at += 16 + size
        return found


def test_a_directory_tells_what_happens_in_it() -> None:
    rig = Rig()
    wd = rig.watch(b"/", IN_ALL_EVENTS)
    fd = rig.open(b"/file", O_CREAT | O_RDWR)
    run(rig.task, sys_write, fd, MEMORY, 5)
    run(rig.task, sys_write, fd, MEMORY, 5)
    run(rig.task, sys_ftruncate, fd, 0)
    rig.close(fd)
    name = b"file"
    assert rig.events() == [(wd, IN_CREATE, name), (wd, IN_OPEN, name), (wd, IN_MODIFY, name), (wd, IN_CLOSE_WRITE, name)]
    fd = rig.open(b"/file", 0)
    run(rig.task, sys_read, fd, MEMORY, 5)
    rig.close(fd)
    assert rig.events() == [(wd, IN_OPEN, name), (wd, IN_CLOSE_NOWRITE, name)]
    run(rig.task, sys_chmod, rig.path(b"/file"), 0o600)
    run(rig.task, sys_mkdir, rig.path(b"/dir"), 0o700)
    run(rig.task, sys_rename, rig.path(b"/file"), rig.path(b"/moved", 0x200))
    run(rig.task, sys_rmdir, rig.path(b"/dir"))
    assert rig.events() == [
        (wd, IN_ATTRIB, name), (wd, IN_CREATE | IN_ISDIR, b"dir"), (wd, IN_MOVED_FROM, name), (wd, IN_MOVED_TO, b"moved"),
        (wd, IN_DELETE | IN_ISDIR, b"dir"),
    ]  # fmt: skip


def test_a_file_tells_its_end() -> None:
    rig = Rig()
    rig.close(rig.open(b"/f", O_CREAT | O_RDWR))
    wd = rig.watch(b"/f", IN_ALL_EVENTS)
    run(rig.task, sys_link, rig.path(b"/f"), rig.path(b"/g", 0x200))
    run(rig.task, sys_rename, rig.path(b"/f"), rig.path(b"/h", 0x200))
    fd = rig.open(b"/g", O_RDWR)
    run(rig.task, sys_unlink, rig.path(b"/g"))
    run(rig.task, sys_unlink, rig.path(b"/h"))
    assert rig.events() == [(wd, IN_ATTRIB, b""), (wd, IN_MOVE_SELF, b""), (wd, IN_OPEN, b""), (wd, IN_ATTRIB, b"")]
    rig.close(fd)
    assert rig.events() == [(wd, IN_CLOSE_WRITE, b""), (wd, IN_DELETE_SELF, b""), (wd, IN_IGNORED, b"")]
    assert rig.kernel.nr_watches == 0


def test_watches_are_changed_and_removed() -> None:
    rig = Rig()
    wd = rig.watch(b"/", IN_OPEN)
    assert rig.watch(b"/", IN_CREATE | IN_MASK_CREATE) == -EEXIST
    assert rig.watch(b"/", IN_CREATE | IN_MASK_ADD) == wd
    rig.close(rig.open(b"/f", O_CREAT | O_RDWR))
    assert rig.events() == [(wd, IN_CREATE, b"f"), (wd, IN_OPEN, b"f")]
    assert rig.watch(b"/", IN_CREATE) == wd
    rig.close(rig.open(b"/f", 0))
    assert rig.events() == []
    assert run(rig.task, sys_inotify_rm_watch, rig.fd, wd) == 0
    assert rig.events() == [(wd, IN_IGNORED, b"")]
    assert run(rig.task, sys_inotify_rm_watch, rig.fd, wd) == -EINVAL
    again = rig.watch(b"/", IN_OPEN | IN_ONESHOT)
    assert again == wd + 1
    rig.close(rig.open(b"/f", 0))
    rig.close(rig.open(b"/f", 0))
    assert rig.events() == [(again, IN_OPEN, b"f"), (again, IN_IGNORED, b"")]


def test_refusals_and_reads_of_too_little() -> None:
    rig = Rig()
    assert run(rig.task, sys_inotify_init1, 1) == -EINVAL
    assert rig.watch(b"/none", IN_OPEN) == -ENOENT
    assert rig.watch(b"/", 0) == -EINVAL
    assert rig.watch(b"/", IN_OPEN | IN_MASK_ADD | IN_MASK_CREATE) == -EINVAL
    rig.close(rig.open(b"/a-long-name", O_CREAT | O_RDWR))
    assert rig.watch(b"/a-long-name", IN_OPEN | IN_ONLYDIR) == -ENOTDIR
    rig.watch(b"/", IN_OPEN)
    rig.close(rig.open(b"/a-long-name", 0))
    assert run(rig.task, sys_read, rig.fd, BUF, 31) == -EINVAL
    assert run(rig.task, sys_read, rig.fd, BUF, 32) == 32
    blocking = run(rig.task, sys_inotify_init1, 0)
    run(rig.task, sys_inotify_add_watch, blocking, rig.path(b"/"), IN_OPEN)
    assert run(rig.task, sys_read, blocking, BUF, 100) == BLOCKED
    other = rig.kernel.new_task(11, like=rig.task)
    run(other, sys_openat, -100, rig.path(b"/a-long-name"), 0, 0)
    assert rerun(rig.task) == 32


def test_unlinked_files_can_be_left_out_and_closing_ends_all_watches() -> None:
    rig = Rig()
    fd = rig.open(b"/f", O_CREAT | O_RDWR)
    rig.watch(b"/", IN_ACCESS | IN_MODIFY | IN_EXCL_UNLINK)
    run(rig.task, sys_unlink, rig.path(b"/f"))
    run(rig.task, sys_write, fd, MEMORY, 1)
    assert rig.events() == []
    rig.close(rig.fd)
    assert rig.kernel.nr_watches == 0
