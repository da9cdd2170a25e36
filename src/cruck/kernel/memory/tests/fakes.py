# SPDX-License-Identifier: MPL-2.0
"""Small stand-ins for the memory tests: a kernel that has only a machine, and a file in memory."""

from typing import cast

from cruck.framework.hardware import AddressSpace
from cruck.framework.mm.user_memory import VmWriter
from cruck.kernel.kernel import Kernel
from cruck.kernel.ledger import Unlimited
from cruck.kernel.memory.mm import Mm
from cruck.kernel.settings import Settings
from cruck.kernel.vfs.file import File
from cruck.kernel.vfs.mapping import Mapping
from cruck.testing.fake_machine import FakeMachine, FakeSegment

PAGE = 4096
RW = 3
ANON = 0x22  # MAP_PRIVATE | MAP_ANONYMOUS
SHARED_ANON = 0x21
FIXED = 0x10


class FakeKernel(Kernel):
    def __init__(self, nr_frames: int = 65536) -> None:
        self.ledger = Unlimited()
        self.machine = FakeMachine(nr_frames)
        self.settings = Settings()


def new_mm(nr_frames: int = 65536) -> Mm:
    return Mm(cast("Kernel", FakeKernel(nr_frames)))


def fork(mm: Mm) -> Mm:
    kernel = FakeKernel()
    kernel.machine = cast(FakeMachine, mm.machine)
    return mm.fork(cast("Kernel", kernel))


class MemoryMapping(Mapping):
    def __init__(self, segment: FakeSegment, size: int) -> None:
        super().__init__()
        self.segment = segment
        self.size = size
        self.synced: list[tuple[int, int]] = []
        self.is_sealed = False

    def length(self) -> int:
        return self.size

    def map_pages(self, space: AddressSpace, addr: int, length: int, offset: int, prot: int, private: bool) -> int:
        return space.map_segment(addr, length, self.segment, offset, prot, private)

    def forbids_shared_writes(self) -> bool:
        return self.is_sealed

    def sync(self, offset: int, length: int) -> int:
        self.synced.append((offset, length))
        return 0


class MemoryFile(File):
    """A file of given bytes. Args: flags: O_*."""

    def __init__(self, mm: Mm, data: bytes, flags: int = 2) -> None:
        super().__init__(flags)
        segment = FakeSegment(cast(FakeMachine, mm.machine))
        segment.write(0, data)
        self.pages = MemoryMapping(segment, len(data))
        self.is_released = False

    def mapping(self) -> Mapping | None:
        return self.pages

    def read(self, out: VmWriter, offset: int) -> int:
        return out.write(self.pages.segment.read(offset, min(out.remaining, max(0, self.pages.size - offset))))

    def fallocate(self, mode: int, offset: int, length: int) -> int:
        self.pages.segment.discard(offset, length)
        self.pages.unmap_pages(offset, length)
        return 0

    def truncate(self, length: int) -> int:
        self.pages.size = length
        self.pages.unmap_pages(length, 1 << 62)
        return 0

    def release(self) -> None:
        self.is_released = True
