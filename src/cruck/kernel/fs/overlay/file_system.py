# SPDX-License-Identifier: MPL-2.0
"""OverlayFs: one overlay. Its whole state besides inode objects is in the upper tree."""

from typing import TYPE_CHECKING, Final

from cruck.kernel.fs.overlay.directory import OverlayDirectory
from cruck.kernel.fs.overlay.inode import OverlayInode
from cruck.kernel.vfs.inode import FileSystem, Inode

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel

OVERLAYFS_SUPER_MAGIC: Final = 0x794C7630


class OverlayFs(FileSystem):
    kernel: "Kernel"
    upper_root: Inode | None  # None: nothing can be changed (EROFS)
    lower_roots: list[Inode]  # topmost first; at least one
    by_upper: dict[Inode, OverlayInode]  # files with several names in the upper tree

    def __init__(self, kernel: "Kernel", dev: int, lower_roots: list[Inode], upper_root: Inode | None) -> None:
        super().__init__(b"overlay", dev)
        self.kernel = kernel
        self.lower_roots = lower_roots
        self.upper_root = upper_root
        self.is_read_only = upper_root is None
        self.by_upper = {}
        self.root = OverlayDirectory(self, None, b"", upper_root, list(lower_roots))

    def statfs(self) -> tuple[int, int, int, int, int, int, int]:
        fs = self.upper_root.fs if self.upper_root is not None else self.lower_roots[0].fs
        answer = fs.statfs()
        return (OVERLAYFS_SUPER_MAGIC, answer[1], answer[2], answer[3], answer[4], answer[5], answer[6])

    def sync(self) -> None:
        if self.upper_root is not None:
            self.upper_root.fs.sync()
