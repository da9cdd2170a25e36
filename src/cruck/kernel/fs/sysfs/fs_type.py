# SPDX-License-Identifier: MPL-2.0
"""sysfs as mount(2) knows it."""

from typing import TYPE_CHECKING, Final

from cruck.kernel.vfs.fs_type import FileSystemType

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.vfs.inode import FileSystem


class SysFsType(FileSystemType):
    def __init__(self) -> None:
        super().__init__(b"sysfs")
        self.is_for_user_namespaces = True

    def create(self, kernel: "Kernel", source: bytes, options: bytes) -> "FileSystem":
        from cruck.kernel.fs.sysfs.fs import SysFs

        return SysFs(kernel, kernel.next_anon_dev())


TYPE: Final = SysFsType()
