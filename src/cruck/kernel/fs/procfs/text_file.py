# SPDX-License-Identifier: MPL-2.0
"""Open files of procfs and sysfs: `TextFile` for contents computed on reading, `DirectoryFile` for listings.

As Linux's seq_file, contents are computed when a reader is at offset 0 and kept for the rest of its reading, so that one pass
sees one moment; another pass (lseek to 0) sees a new one.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EINVAL
from cruck.framework.mm.user_memory import VmReader, VmWriter
from cruck.kernel.vfs.file import DirEntry, File
from cruck.kernel.vfs.inode import Inode

if TYPE_CHECKING:
    from cruck.kernel.fs.procfs.inode import DirectoryNode, TextNode

SEEK_SET: Final = 0
SEEK_CUR: Final = 1
SEEK_END: Final = 2
MAX_OFFSET: Final = (1 << 63) - 1
MAX_STORE: Final = 4095  # bytes of one write that are looked at
DT_DIR: Final = 4


class TextFile(File):
    def __init__(self, node: "TextNode", flags: int) -> None:
        super().__init__(flags)
        self.is_seekable = True
        self._node = node
        self._snapshot: bytes | None = None

    def inode(self) -> Inode | None:
        return self._node

    def read(self, out: VmWriter, offset: int) -> int:
        if offset < 0:
            return -EINVAL
        if offset == 0 or self._snapshot is None:
            self._snapshot = self._node.render()
        return out.write(self._snapshot[offset : offset + out.remaining])

    def write(self, data: VmReader, offset: int) -> int:
        # One write is one value; what is beyond a page is refused rather than cut in two.
        if data.remaining > MAX_STORE:
            return -EINVAL
        return self._node.store(data.read(data.remaining), offset)

    def lseek(self, offset: int, whence: int) -> int:
        if whence == SEEK_CUR:
            offset += self.pos
        elif whence == SEEK_END:
            offset += self._node.shown_size()
        elif whence != SEEK_SET:
            return -EINVAL
        if not 0 <= offset <= MAX_OFFSET:
            return -EINVAL
        self.pos = offset
        return offset


class DirectoryFile(File):
    def __init__(self, node: "DirectoryNode", flags: int) -> None:
        super().__init__(flags)
        self.is_seekable = True
        self._node = node

    def inode(self) -> Inode | None:
        return self._node

    def readdir(self, cookie: int) -> list[DirEntry]:
        entries: list[DirEntry] = []
        if cookie < 1:
            entries.append(DirEntry(b".", self._node.ino, DT_DIR, 1))
        if cookie < 2:
            entries.append(DirEntry(b"..", self._node.parent_ino(), DT_DIR, 2))
        entries.extend(self._node.list(max(cookie, 2)))
        return entries

    def lseek(self, offset: int, whence: int) -> int:
        if whence == SEEK_CUR:
            offset += self.pos
        elif whence != SEEK_SET:
            return -EINVAL
        if not 0 <= offset <= MAX_OFFSET:
            return -EINVAL
        self.pos = offset
        return offset
