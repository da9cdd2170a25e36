# SPDX-License-Identifier: MPL-2.0
"""The terminals' device nodes: /dev/tty, /dev/console, /dev/ptmx, /dev/pts/N (Linux tty_io.c tty_open, pty.c ptmx_open)."""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EIO, ENODEV, ENXIO
from cruck.abi.fcntl import O_CLOEXEC, O_NOCTTY
from cruck.kernel.drivers.registry import CharDriver
from cruck.kernel.errors import LinuxError
from cruck.kernel.tty import job_control
from cruck.kernel.tty.pty import PTS_MAJOR, open_tty

if TYPE_CHECKING:
    from cruck.kernel.process.task import Task
    from cruck.kernel.vfs.dentry import Path
    from cruck.kernel.vfs.file import File

TTY_AUX_MAJOR: Final = 5


class CurrentTtyDriver(CharDriver):
    """/dev/tty: the opener's controlling terminal. Errors: LinuxError(ENXIO: it has none)."""

    def open(self, task: "Task", rdev: int, path: "Path | None", flags: int) -> "File":
        tty = job_control.controlling_tty(task.process)
        if tty is None:
            raise LinuxError(ENXIO, "no controlling terminal")
        return open_tty(task, tty, flags | O_NOCTTY, False)


class ConsoleDriver(CharDriver):
    """/dev/console: the host's terminal, if the run has one. Errors: LinuxError(ENODEV)."""

    def open(self, task: "Task", rdev: int, path: "Path | None", flags: int) -> "File":
        tty = task.kernel.devices.console
        if tty is None:
            raise LinuxError(ENODEV, "no console")
        return open_tty(task, tty, flags, True)


class PtmxDriver(CharDriver):
    """/dev/ptmx: a new pseudoterminal. Errors: LinuxError(ENOSPC)."""

    def open(self, task: "Task", rdev: int, path: "Path | None", flags: int) -> "File":
        return task.kernel.devices.ptys.open_master(task, flags & ~(O_NOCTTY | O_CLOEXEC))


class PtsDriver(CharDriver):
    """/dev/pts/N. Errors: LinuxError(EIO: locked; the master is gone)."""

    def open(self, task: "Task", rdev: int, path: "Path | None", flags: int) -> "File":
        driver = task.kernel.devices.ptys.by_rdev(rdev)
        if driver is None:
            raise LinuxError(EIO, "no such pseudoterminal")
        return open_tty(task, driver.tty, flags, False)


CURRENT_TTY: Final = CurrentTtyDriver("tty", TTY_AUX_MAJOR, 0)
CONSOLE: Final = ConsoleDriver("console", TTY_AUX_MAJOR, 1)
PTMX: Final = PtmxDriver("ptmx", TTY_AUX_MAJOR, 2)
PTS: Final = PtsDriver("pts", PTS_MAJOR, 0, 1 << 20)
