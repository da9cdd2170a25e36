# SPDX-License-Identifier: MPL-2.0
"""Standard streams that live in the caller's memory: what a captured run reads and writes. They look like pipes to the guest."""

from typing import Final

from cruck.abi.errno import EBADF
from cruck.framework.mm.user_memory import VmReader, VmWriter
from cruck.kernel.vfs.file import File
from cruck.kernel.vfs.stat import Stat

S_IFIFO: Final = 0o010000
O_RDONLY: Final = 0
O_WRONLY: Final = 1
CHUNK: Final = 1 << 16


def _pipe_stat(ino: int) -> Stat:
    stat = Stat()
    stat.mode = S_IFIFO | 0o600
    stat.ino = ino
    return stat


class InputStream(File):
    """Gives `data`, then end of file."""

    def __init__(self, data: bytes, ino: int) -> None:
        super().__init__(O_RDONLY)
        self.data = data
        self.offset = 0
        self.ino = ino

    def read(self, out: VmWriter, offset: int) -> int:
        count = out.write(self.data[self.offset : self.offset + out.remaining])
        self.offset += count
        return count

    def stat(self) -> Stat:
        return _pipe_stat(self.ino)

    def describe(self) -> str:
        return f"pipe:[{self.ino}]"


class OutputStream(File):
    """Collects what is written."""

    def __init__(self, ino: int) -> None:
        super().__init__(O_WRONLY)
        self.parts: list[bytes] = []
        self.ino = ino

    def getvalue(self) -> bytes:
        return b"".join(self.parts)

    def read(self, out: VmWriter, offset: int) -> int:
        return -EBADF

    def write(self, data: VmReader, offset: int) -> int:
        part = data.read(CHUNK)
        self.parts.append(part)
        return len(part)

    def stat(self) -> Stat:
        return _pipe_stat(self.ino)

    def describe(self) -> str:
        return f"pipe:[{self.ino}]"
