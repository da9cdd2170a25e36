# SPDX-License-Identifier: MPL-2.0
"""The first process's standard streams, made of what the host gave us."""

from typing import TYPE_CHECKING

from cruck.abi.fcntl import O_APPEND, O_RDWR
from cruck.framework.io.host_stream import HostStream
from cruck.framework.io.host_terminal import HostTerminal
from cruck.kernel.drivers.host_stream_file import HostStreamFile, HostStreamInode
from cruck.kernel.drivers.host_tty import HostTty, make_host_tty
from cruck.kernel.process.credentials import Credentials
from cruck.kernel.tty.file import TtyFile
from cruck.kernel.tty.job_control import take
from cruck.kernel.vfs.open import attach
from cruck.kernel.vfs.walk import lookup_path

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.process.process import Process
    from cruck.kernel.vfs.file import File


def open_host_stdio(kernel: "Kernel", streams: list[HostStream], uid: int, gid: int) -> "list[File]":
    """One File for each stream, in order (standard input, output, error)."""
    files: list[File] = []
    for stream in streams:
        inode = HostStreamInode(kernel, stream, kernel.anon.pipefs, kernel.next_ino(), uid, gid)
        files.append(HostStreamFile(kernel, stream, inode, stream.access | (O_APPEND if stream.is_append else 0)))
    return files


def open_host_terminal(kernel: "Kernel", terminal: HostTerminal, uid: int, gid: int) -> "tuple[HostTty, list[File]]":
    """Makes the terminal raw and ours; the same File three times. The returned HostTty has `resize()` (after SIGWINCH) and
    `shutdown()` (at the end of the run, always)."""
    driver = make_host_tty(kernel, terminal, uid, gid)
    file = TtyFile(driver.tty, O_RDWR)
    _name_terminal(kernel, file)
    return driver, [file, file, file]


def _name_terminal(kernel: "Kernel", file: TtyFile) -> None:
    """Gives the file its place in /dev/pts, if that is mounted: ttyname(3), and opening /dev/stdin again."""
    place = lookup_path(kernel.namespace, Credentials(0, 0, ()), b"/dev/" + file.tty.name.encode())
    if place is not None and place.inode().rdev == file.tty.rdev:
        attach(file, place)


def give_terminal(driver: HostTty, process: "Process") -> None:
    """The terminal becomes the controlling one of the process, a session leader (as login does)."""
    take(driver.tty, process)
