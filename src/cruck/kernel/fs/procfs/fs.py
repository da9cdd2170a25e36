# SPDX-License-Identifier: MPL-2.0
"""ProcFs: the file system object that boot mounts on /proc."""

from typing import TYPE_CHECKING, Final

from cruck.kernel.fs.procfs.inode import PseudoFs
from cruck.kernel.fs.procfs.root import RootDirectory

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel

PROC_SUPER_MAGIC: Final = 0x9FA0


class ProcFs(PseudoFs):
    """All instances show the same processes: there is one PID namespace."""

    def __init__(self, kernel: "Kernel", dev: int) -> None:
        super().__init__(kernel, b"proc", dev)
        self.root = RootDirectory(self)

    def statfs(self) -> tuple[int, int, int, int, int, int, int]:
        return (PROC_SUPER_MAGIC, 4096, 0, 0, 0, 0, 0)
