# SPDX-License-Identifier: MPL-2.0
"""The first process's standard streams, made of what the host gave us."""

from typing import TYPE_CHECKING

from cruck.abi.fcntl import O_APPEND, O_RDWR
from cruck.framework.io.host_stream import HostStream
from cruck.framework.io.host_terminal import HostTerminal
from cruck.kernel.drivers.host_stream_file import HostStreamFile, HostStreamInode
from cruck.kernel.drivers.host_tty import HostTty, make_host_tty
from cruck.kernel.tty.file import TtyFile

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
    return driver, [file, file, file]


def give_terminal(driver: HostTty, process: "Process") -> None:
    """The terminal becomes the controlling one of the process, a session leader (as login does)."""
    from cruck.kernel.tty.job_control import take

    take(driver.tty, process)
