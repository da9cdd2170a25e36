# SPDX-License-Identifier: MPL-2.0
"""What mount(2) can mount: the explicit list of file-system types, in the order of /proc/filesystems."""

from typing import TYPE_CHECKING

from cruck.abi.errno import ENODEV
from cruck.kernel.errors import LinuxError
from cruck.kernel.fs import tmpfs
from cruck.kernel.vfs.fs_type import FileSystemType

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.vfs.inode import FileSystem


class ProcFsType(FileSystemType):
    def create(self, kernel: "Kernel", source: bytes, options: bytes) -> "FileSystem":
        from cruck.kernel.fs.procfs import ProcFs

        return ProcFs(kernel, kernel.next_anon_dev())


class SysFsType(FileSystemType):
    def create(self, kernel: "Kernel", source: bytes, options: bytes) -> "FileSystem":
        from cruck.kernel.fs.sysfs import SysFs

        return SysFs(kernel, kernel.next_anon_dev())


def find_type(name: bytes) -> FileSystemType:
    """Errors: LinuxError(ENODEV)."""
    if name == b"tmpfs" or name == b"ramfs":
        return tmpfs.TYPE
    if name == b"proc":
        return ProcFsType(name)
    if name == b"sysfs":
        return SysFsType(name)
    raise LinuxError(ENODEV)
