# SPDX-License-Identifier: MPL-2.0
"""tmpfs: files in memory (tmpfs(5), Linux mm/shmem.c).

`TmpFs` is an instance; its inodes are made of plain objects (directory.py, node.py) and, for regular files, of untyped
memory (regular.py: a `Segment` seen through a `SegmentMapping`). memfd_create(2) uses an instance of its own, devtmpfs a filled
one, and overlays an upper layer of this kind. Not supported: swap, huge pages, quotas, NUMA policies.
"""

from typing import Final

from cruck.kernel.fs.tmpfs.fs_type import TmpFs, TmpFsType

TYPE: Final = TmpFsType()

__all__ = ["TYPE", "TmpFs", "TmpFsType"]
