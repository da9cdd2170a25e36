# SPDX-License-Identifier: MPL-2.0
"""What a kernel contains, readable in one place, and how one is put together.

Add a file system, a driver or an address family to its list, or give `build_kernel` more of them.
"""

from collections.abc import Sequence
from typing import Final

from cruck.framework.clock import Clock
from cruck.framework.entropy import Entropy
from cruck.framework.hardware import Machine
from cruck.framework.host_info import HostInfo
from cruck.framework.log import Log
from cruck.kernel.drivers import DRIVERS
from cruck.kernel.drivers.registry import CharDriver, DeviceRegistry
from cruck.kernel.fs import devpts, devtmpfs, tmpfs
from cruck.kernel.fs.mqueue import fs_type as mqueue
from cruck.kernel.fs.procfs import fs_type as procfs
from cruck.kernel.fs.sysfs import fs_type as sysfs
from cruck.kernel.kernel import Kernel
from cruck.kernel.net.address_family import AddressFamily
from cruck.kernel.net.families import ADDRESS_FAMILIES, AddressFamilies
from cruck.kernel.vfs.dentry import MountNamespace
from cruck.kernel.vfs.fs_type import FileSystemType

# What mount(2) can mount, in the order of /proc/filesystems. (hostfs and overlay are mounted at boot only: they need host directories.)
FILE_SYSTEMS: Final[tuple[FileSystemType, ...]] = (sysfs.TYPE, tmpfs.TYPE, procfs.TYPE, devtmpfs.TYPE, devpts.TYPE, mqueue.TYPE)


def build_kernel(
    machine: Machine, clock: Clock, entropy: Entropy, host_info: HostInfo, log: Log, nr_cpus: int,
    file_systems: Sequence[FileSystemType] = (), drivers: Sequence[CharDriver] = (), families: Sequence[AddressFamily] = (),
) -> Kernel:  # fmt: skip
    """A kernel without programs, its root an empty tmpfs. The last three are added to the lists above."""
    registry = DeviceRegistry((*DRIVERS, *drivers))
    sockets = AddressFamilies([*(kind() for kind in ADDRESS_FAMILIES), *families])
    kernel = Kernel(machine, clock, entropy, registry, sockets, host_info, log, nr_cpus)
    for fs_type in (*FILE_SYSTEMS, *file_systems):
        kernel.file_systems[fs_type.name] = fs_type
    kernel.namespace = MountNamespace(tmpfs.TYPE.create(kernel, b"tmpfs", b"mode=755"), b"tmpfs", 0)
    return kernel
