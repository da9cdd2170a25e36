# SPDX-License-Identifier: MPL-2.0
"""DeviceRegistry: which driver opens a device node (Linux: chrdev_open). `kernel.devices` is one.

It also holds the state drivers share: the pseudoterminals and the console. Block devices do not exist here.
"""

from typing import TYPE_CHECKING

from cruck.abi.errno import ENXIO
from cruck.abi.stat import S_IFCHR, S_IFMT
from cruck.kernel.errors import LinuxError
from cruck.kernel.tty.pty import PtyTable

if TYPE_CHECKING:
    from cruck.kernel.process.task import Task
    from cruck.kernel.tty.tty import Tty
    from cruck.kernel.vfs.dentry import Path
    from cruck.kernel.vfs.file import File


class CharDriver:
    """One or several device numbers of the same major. Stateless: state is in the kernel or in files."""

    # Never change:
    name: str  # under /dev
    major: int
    minor: int
    nr_minors: int

    def __init__(self, name: str, major: int, minor: int, nr_minors: int = 1) -> None:
        self.name = name
        self.major = major
        self.minor = minor
        self.nr_minors = nr_minors

    def open(self, task: "Task", rdev: int, path: "Path | None", flags: int) -> "File":
        """A new File; `path` is set on it by the caller. Errors: LinuxError."""
        raise LinuxError(ENXIO)


class DeviceRegistry:
    drivers: list[CharDriver]
    ptys: PtyTable
    console: "Tty | None"  # what /dev/console opens

    def __init__(self, drivers: "tuple[CharDriver, ...] | None" = None) -> None:
        """`drivers`: those of `cruck.kernel.drivers.DRIVERS` unless given."""
        if drivers is None:
            from cruck.kernel.drivers import DRIVERS

            drivers = DRIVERS
        self.drivers = list(drivers)
        self.ptys = PtyTable()
        self.console = None

    def open(self, task: "Task", mode: int, rdev: int, path: "Path | None", flags: int) -> "File":
        """Opens a device node of type `mode` & S_IFMT. Errors: LinuxError(ENXIO: no such device; the driver's)."""
        driver = self.find(mode, rdev)
        if driver is None:
            raise LinuxError(ENXIO, "no such device")
        return driver.open(task, rdev, path, flags)

    def find(self, mode: int, rdev: int) -> CharDriver | None:
        if mode & S_IFMT != S_IFCHR:
            return None
        major = major_of(rdev)
        minor = minor_of(rdev)
        for driver in self.drivers:
            if driver.major == major and driver.minor <= minor < driver.minor + driver.nr_minors:
                return driver
        return None


def makedev(major: int, minor: int) -> int:
    """new_encode_dev (include/linux/kdev_t.h): what st_rdev and mknod(2) use."""
    return minor & 0xFF | major << 8 | (minor & ~0xFF) << 12


def major_of(rdev: int) -> int:
    return rdev >> 8 & 0xFFF


def minor_of(rdev: int) -> int:
    return rdev & 0xFF | rdev >> 12 & 0xFFF00
