# SPDX-License-Identifier: MPL-2.0
"""procfs as mount(2) knows it."""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EINVAL
from cruck.kernel.errors import LinuxError
from cruck.kernel.vfs.fs_type import FileSystemType, split_options

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.vfs.inode import FileSystem


class ProcFsType(FileSystemType):
    def __init__(self) -> None:
        super().__init__(b"proc")
        self.is_for_user_namespaces = True

    def create(self, kernel: "Kernel", source: bytes, options: bytes) -> "FileSystem":
        from cruck.kernel.fs.procfs.fs import ProcFs

        for key, _ in split_options(options):
            if key not in (b"hidepid", b"gid", b"subset"):
                raise LinuxError(EINVAL)
        pid_ns = kernel.current.process.pid_ns if kernel.current is not None else None
        return ProcFs(kernel, kernel.next_anon_dev(), pid_ns)


TYPE: Final = ProcFsType()
