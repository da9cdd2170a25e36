# SPDX-License-Identifier: MPL-2.0
"""ProcFs: the file system object that boot mounts on /proc."""

from typing import TYPE_CHECKING, Final

from cruck.kernel.fs.procfs.inode import PseudoFs
from cruck.kernel.fs.procfs.root import RootDirectory

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.process.pid_namespace import PidNamespace

PROC_SUPER_MAGIC: Final = 0x9FA0


class ProcFs(PseudoFs):
    """Shows the processes of one PID namespace: of whoever mounted it."""

    def __init__(self, kernel: "Kernel", dev: int, pid_ns: "PidNamespace | None" = None) -> None:
        """pid_ns: None for the initial one."""
        super().__init__(kernel, b"proc", dev)
        if pid_ns is not None:
            self.pid_ns = pid_ns
        self.root = RootDirectory(self)

    def statfs(self) -> tuple[int, int, int, int, int, int, int]:
        return (PROC_SUPER_MAGIC, 4096, 0, 0, 0, 0, 0)
