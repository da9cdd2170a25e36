# SPDX-License-Identifier: MPL-2.0
"""A kernel of exactly what file systems use: a clock, a machine with segments, device numbers."""

from typing import cast

from cruck.framework.clock import ManualClock
from cruck.framework.hardware import AddressSpace, Machine, Segment
from cruck.framework.io.host_file import HostFile
from cruck.framework.mm.user_memory import BytesReader, BytesWriter
from cruck.kernel.fs.overlay.whiteout import detached_path, list_entries
from cruck.kernel.kernel import Kernel
from cruck.kernel.ledger import Unlimited
from cruck.kernel.vfs.inode import Inode

PAGE = 4096


class FakeSegment(Segment):
    def __init__(self) -> None:
        self.pages: dict[int, bytearray] = {}

    def read(self, offset: int, length: int) -> bytes:
        out = bytearray()
        while len(out) < length:
            index, start = divmod(offset + len(out), PAGE)
            out += self.pages.get(index, bytes(PAGE))[start : start + length - len(out)]
        return bytes(out)

    def write(self, offset: int, data: bytes) -> int:
        done = 0
        while done < len(data):
            index, start = divmod(offset + done, PAGE)
            part = data[done : done + PAGE - start]
            self.pages.setdefault(index, bytearray(PAGE))[start : start + len(part)] = part
            done += len(part)
        return done

    def discard(self, offset: int, length: int) -> None:
        for index in list(self.pages):
            first, last = max(offset, index * PAGE), min(offset + length, (index + 1) * PAGE)
            if last - first == PAGE:
                del self.pages[index]
            elif last > first:
                self.pages[index][first - index * PAGE : last - index * PAGE] = bytes(last - first)

    def read_host(self, offset: int, host: HostFile, host_offset: int, length: int) -> int:
        data = host.pread(length, host_offset)
        return data if isinstance(data, int) else self.write(offset, data)

    def next_data(self, offset: int) -> int:
        found = [index for index in self.pages if (index + 1) * PAGE > offset]
        return max(offset, min(found) * PAGE) if found else -1

    def next_hole(self, offset: int) -> int:
        index = offset // PAGE
        if index not in self.pages:
            return offset
        while index in self.pages:
            index += 1
        return index * PAGE

    def nr_pages(self) -> int:
        return len(self.pages)


class FakeMachine(Machine):
    def new_segment(self) -> Segment:
        return FakeSegment()

    def nr_frames(self) -> int:
        return 4096

    def nr_free_frames(self) -> int:
        return 4096


class FakeSpace(AddressSpace):
    """Remembers what was mapped; refuses host files if `refusal` is set."""

    def __init__(self, refusal: int = 0) -> None:
        self.refusal = refusal
        self.calls: list[tuple[object, ...]] = []

    def map_host(self, addr: int, length: int, host: HostFile, offset: int, prot: int, shared: bool) -> int:
        self.calls.append(("host", addr, length, host, offset, prot, shared))
        return self.refusal

    def map_segment(self, addr: int, length: int, segment: Segment, offset: int, prot: int, private: bool) -> int:
        self.calls.append(("segment", addr, length, segment, offset, prot, private))
        return 0


class FakeKernel(Kernel):
    def __init__(self) -> None:
        self.ledger = Unlimited()
        self.clock = ManualClock()
        self.machine = FakeMachine()
        self.hostname = b"box"
        self.next_dev = 10

    def next_anon_dev(self) -> int:
        self.next_dev += 1
        return self.next_dev


def fake_kernel() -> "Kernel":
    return cast("Kernel", FakeKernel())


def read_all(inode: Inode) -> bytes:
    file = inode.open(detached_path(inode), 0).get()
    out = bytearray()
    while True:
        part = BytesWriter(65536)
        count = file.read(part, len(out))
        assert count >= 0
        if count == 0:
            break
        out += part.getvalue()
    file.put()
    return bytes(out)


def write_at(inode: Inode, offset: int, data: bytes, flags: int = 1) -> int:
    file = inode.open(detached_path(inode), flags).get()
    count = file.write(BytesReader(data), offset)
    file.put()
    return count


def names(directory: Inode) -> list[bytes]:
    return sorted(entry.name for entry in list_entries(directory))
