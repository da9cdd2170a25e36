# SPDX-License-Identifier: MPL-2.0
"""procfs as mount(2) knows it."""

from typing import TYPE_CHECKING, Final

from cruck.kernel.vfs.fs_type import FileSystemType

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.vfs.inode import FileSystem


class ProcFsType(FileSystemType):
    def create(self, kernel: "Kernel", source: bytes, options: bytes) -> "FileSystem":
        from cruck.kernel.fs.procfs.fs import ProcFs

        return ProcFs(kernel, kernel.next_anon_dev())


TYPE: Final = ProcFsType(b"proc")
