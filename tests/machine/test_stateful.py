# SPDX-License-Identifier: MPL-2.0
"""Any sequence of calls on the hardware API, with any arguments: never a crash, always a documented result.

HostMachine and FakeMachine get the same calls. After each step their page tables, contents and frame counts must agree, and
the host's own /proc/<stub>/maps may show nothing that the page table does not grant. CRUCK_STATEFUL_EXAMPLES: how many
sequences (CI: 25).
"""

import errno
import functools
import os
import tempfile
import time

import pytest

pytest.importorskip("hypothesis")

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, precondition, rule

from cruck.framework.hardware import PROT_WRITE, PTE_COW, RIP, RSP, AddressSpace, Context, Segment
from cruck.framework.host_machine import HostMachine
from cruck.framework.io.host_file import HostFile
from cruck.framework.mm.user_memory import FaultResolver, UserFault, UserMemory, UserReader, UserWriter
from cruck.testing.fake_machine import FakeMachine, FakeSegment, FakeSpace

NR_FRAMES = 4096
BASE = 0x10_0000_0000 - 8 * 4096  # across a node of the page table
NR_PAGES = 16
FILES = BASE + (1 << 32)  # where host files are mapped; modelled here, the fake copies instead
NR_FILE_PAGES = 12
FILE_BYTES = 3 * 4096 + 100
NO_CODE = (0x06, 0x07, 0x0E, 0x16)  # bytes that are no instruction: what is written may be executed, and changes nothing

pages = st.integers(0, NR_PAGES - 1)
counts = st.integers(0, 6)
prots = st.sampled_from((0, 1, 3, 5, 7))
anywhere = st.one_of(st.integers(0, NR_PAGES * 4096 - 1), st.sampled_from((-BASE, (1 << 47) - BASE, (1 << 64) - 1 - BASE)))
lengths = st.sampled_from((0, 1, 3, 4095, 4096, 4097, 9000, 1 << 20, 1 << 63))
offsets = st.integers(0, 12 * 4096)

# The letters of module.c; every number is refused outside its range, every other type always.
SIGNATURES = {
    "map_anon": "rlp",
    "map_segment": "rlGFpb",
    "map_host": "rlHFpb",
    "read_host": "uHhld",
    "write_host": "uHhld",
    "unmap": "rl",
    "protect": "rlp",
    "move": "rrl",
    "break_cow": "cp",
    "clone_range": "Prlb",
    "touch": "u",
    "lookup": "u",
    "resident": "rl",
    "read": "uu",
    "write": "uy",
    "read_cstring": "uu",
    "zero": "uu",
    "read_force": "uu",
    "copy_to_segment": "uGfl",
    "copy_from_segment": "uGfl",
    "load_u32": "u",
    "cas_u32": "uww",
}
SEGMENT_SIGNATURES = {"read": "fl", "write": "fy", "discard": "fl", "copy_from": "Gffl", "next_data": "f", "next_hole": "f"}
CONTEXT_SIGNATURES = {"get_reg": "x", "set_reg": "xW", "set_result": "W", "set_registers": "t", "set_fpu": "y"}
JUNK: tuple[object, ...] = (-(1 << 63) - 1, 1 << 64, 1 << 200, None, "1", 1.5, [], object())
WORSE: dict[str, tuple[object, ...]] = {
    "r": (-1, 1, 4097, 0x7FF0_0000_0000 + 4096, (1 << 64) - 4096),
    "l": (-1, (1 << 64) - 1),
    "p": (-1, 8, 1 << 32),
    "c": (-1, 0x7FF0_0000_0000),
    "F": (-1, 1, (1 << 47) + 4096),
    "f": (-1, (1 << 47) + 1),
    "u": (-1,),
    "w": (-1, 1 << 32),
    "x": (-1, 27, 1 << 40),
    "y": (bytearray(b"x"), memoryview(b"x"), 5),
    "t": ((), (1,) * 26, ("x",) * 27, (1 << 64,) * 27),
    "W": (),
    "G": (5, b"x"),
    "H": (5, b"x"),
    "h": (-2, 1 << 63),
    "d": (1 << 31, -(1 << 31) - 1),
    "P": (5, b"x"),
}
DOCUMENTED = (ValueError, TypeError, AssertionError, OverflowError)


class SpacePair:
    def __init__(self, host: AddressSpace, fake: FakeSpace) -> None:
        self.host = host
        self.fake = fake
        self.is_closed = False
        self.file_pages: dict[int, FilePage] = {}  # by page number, from FILES on


class FilePage:
    """A page that map_host() made: of a file, or the private copy that break_cow() has made of it."""

    def __init__(self, file: int, index: int, prot: int, shared: bool) -> None:
        self.file = file
        self.index = index
        self.prot = prot
        self.shared = shared
        self.copy: bytes | None = None

    def effective(self) -> int:
        return self.prot if self.shared or self.copy is not None else self.prot & ~PROT_WRITE


class SegmentPair:
    def __init__(self, host: Segment, fake: FakeSegment) -> None:
        self.host = host
        self.fake = fake


class ContextOf:
    def __init__(self, host: Context, space: SpacePair) -> None:
        self.host = host
        self.space = space
        self.is_released = False
        self.is_running = False


class CloseMeanwhile:
    """A number whose conversion closes the space it is an argument for."""

    def __init__(self, pair: SpacePair, value: int) -> None:
        self.pair = pair
        self.value = value

    def __index__(self) -> int:
        self.pair.host.close()
        self.pair.fake.close()
        self.pair.is_closed = True
        self.pair.file_pages.clear()
        return self.value


class Nasty(FaultResolver):
    """A memory service that, asked to bring a page, does something else first: maps, unmaps, closes, fails, or calls back."""

    def __init__(self, machine: "Hardware", pair: SpacePair, plan: list[str]) -> None:
        self.machine = machine
        self.pair = pair
        self.plan = plan

    def resolve_fault(self, addr: int, access: int) -> bool:
        if not self.plan:
            return False
        what = self.plan.pop()
        page = addr & ~4095
        if what == "map" and BASE <= page < BASE + NR_PAGES * 4096:
            self.machine.both(self.pair, lambda space: space.map_anon(page, 4096, 3))
        elif what == "unmap":
            self.machine.both(self.pair, lambda space: space.unmap(BASE, 4096))
        elif what == "close":
            self.machine.close_space(self.pair)
        elif what == "raise":
            raise KeyError("a bug of the service")
        elif what == "again":
            UserMemory(self.pair.host, self, 0x7FF0_0000_0000).write_some(BASE, b"\x06" * 5000)
            if not self.pair.is_closed:  # the fake's pages take the same bytes
                self.pair.fake.write(BASE, b"\x06" * 5000)
        return True


class Hardware(RuleBasedStateMachine):
    spaces = Bundle("spaces")
    segments = Bundle("segments")
    contexts = Bundle("contexts")

    def __init__(self) -> None:
        super().__init__()
        self.host = HostMachine(NR_FRAMES * 4096)
        self.foreign: HostMachine | None = None
        self.fake = FakeMachine(NR_FRAMES)
        self.pairs: list[SpacePair] = []
        self.by_tag: dict[int, ContextOf] = {}
        self.is_closed = False
        self.folder = tempfile.TemporaryDirectory()
        self.contents: list[bytearray] = []
        self.files: list[HostFile] = []
        for number in range(2):
            self.contents.append(bytearray((NO_CODE[number],)) * FILE_BYTES)
            fd = os.open(os.path.join(self.folder.name, str(number)), os.O_RDWR | os.O_CREAT)
            self.files.append(HostFile(fd))
            os.write(fd, self.contents[number])
        self.pipe = os.pipe()
        self.pipe_end = HostFile(os.dup(self.pipe[0]))
        self.is_watched = False

    def teardown(self) -> None:
        self.host.close()
        for file in self.files:
            file.close()
        self.folder.cleanup()
        self.pipe_end.close()
        os.close(self.pipe[0])
        os.close(self.pipe[1])
        if self.foreign is not None:
            self.foreign.close()

    # ---- objects ----

    @rule(target=spaces)
    def new_space(self) -> SpacePair:
        if self.is_closed:
            with pytest.raises(OSError):
                self.host.new_space()
            closed = SpacePair(self.pairs[0].host, self.pairs[0].fake) if self.pairs else SpacePair(AddressSpace(), FakeSpace(self.fake))
            closed.is_closed = True
            return closed
        host, fake = self.host.new_space(), self.fake.new_space()
        assert isinstance(fake, FakeSpace)
        self.pairs.append(SpacePair(host, fake))
        return self.pairs[-1]

    @rule(target=segments)
    def new_segment(self) -> SegmentPair:
        fake = self.fake.new_segment()
        assert isinstance(fake, FakeSegment)
        return SegmentPair(self.host.new_segment(), fake)

    @rule(target=contexts, pair=spaces)
    def new_context(self, pair: SpacePair) -> ContextOf:
        if pair.is_closed:
            if type(pair.host) is not AddressSpace:
                with pytest.raises(OSError):
                    pair.host.new_context()
            return ContextOf(Context(), pair)
        context = ContextOf(pair.host.new_context(), pair)
        context.host.set_tag(len(self.by_tag) + 1)
        self.by_tag[context.host.tag] = context
        return context

    @rule(pair=spaces)
    def close_space(self, pair: SpacePair) -> None:
        if type(pair.host) is not AddressSpace:
            pair.host.close()
        pair.fake.close()
        pair.is_closed = True
        pair.file_pages.clear()

    @precondition(lambda self: self.pairs)
    @rule(dice=st.integers(0, 30))
    def close_machine(self, dice: int) -> None:
        if dice == 0:
            self.host.close()
            self.is_closed = True
            for pair in self.pairs:
                pair.fake.close()
                pair.is_closed = True
                pair.file_pages.clear()

    # ---- mappings: the same result, or −ESRCH once closed ----

    def same(self, pair: SpacePair, host: int, fake: int) -> None:
        assert host == (-errno.ESRCH if pair.is_closed else fake)

    @rule(pair=spaces, page=pages, count=counts, prot=prots)
    def map_anon(self, pair: SpacePair, page: int, count: int, prot: int) -> None:
        addr = BASE + page * 4096
        self.both(pair, lambda space: space.map_anon(addr, count * 4096, prot))

    def both(self, pair: SpacePair, call) -> None:
        if type(pair.host) is not AddressSpace:
            self.same(pair, call(pair.host), 0 if pair.is_closed else call(pair.fake))

    @rule(pair=spaces, segment=segments, page=pages, count=counts, offset=pages, prot=prots, private=st.booleans())
    def map_segment(self, pair: SpacePair, segment: SegmentPair, page: int, count: int, offset: int, prot: int, private: bool) -> None:
        args = (BASE + page * 4096, count * 4096), (offset * 4096, prot, private)
        if type(pair.host) is AddressSpace:
            return
        result = pair.host.map_segment(*args[0], segment.host, *args[1])
        self.same(pair, result, 0 if pair.is_closed else pair.fake.map_segment(*args[0], segment.fake, *args[1]))

    @rule(pair=spaces, page=pages, count=counts)
    def unmap(self, pair: SpacePair, page: int, count: int) -> None:
        self.both(pair, lambda space: space.unmap(BASE + page * 4096, count * 4096))

    @rule(pair=spaces, page=pages, count=counts, prot=prots)
    def protect(self, pair: SpacePair, page: int, count: int, prot: int) -> None:
        self.both(pair, lambda space: space.protect(BASE + page * 4096, count * 4096, prot))

    @rule(pair=spaces, page=pages, to=pages, count=counts)
    def move(self, pair: SpacePair, page: int, to: int, count: int) -> None:
        if type(pair.host) is AddressSpace:
            return
        old, new, length = BASE + page * 4096, BASE + to * 4096, count * 4096
        is_legal = not any(pair.fake.resident(new, length)) and not (new < old + length and old < new + length)
        result = pair.host.move(old, new, length)
        if is_legal or pair.is_closed:
            self.same(pair, result, 0 if pair.is_closed else pair.fake.move(old, new, length))
        else:
            assert result == -errno.EINVAL

    @rule(pair=spaces, at=st.integers(0, NR_PAGES * 4096 - 1), prot=prots)
    def break_cow(self, pair: SpacePair, at: int, prot: int) -> None:
        addr = BASE + at
        if not pair.is_closed and not pair.fake.resident(addr & ~4095, 4096)[0]:
            assert pair.host.break_cow(addr, prot) == -errno.EFAULT
        else:
            self.both(pair, lambda space: space.break_cow(addr, prot))

    @rule(pair=spaces, source=spaces, page=pages, count=counts, share=st.booleans())
    def clone_range(self, pair: SpacePair, source: SpacePair, page: int, count: int, share: bool) -> None:
        addr, length = BASE + page * 4096, count * 4096
        if type(pair.host) is AddressSpace or type(source.host) is AddressSpace or any(pair.fake.resident(addr, length)):
            return
        result = pair.host.clone_range(source.host, addr, length, share)
        if pair.is_closed or source.is_closed:
            assert result == -errno.ESRCH
        elif pair is source:
            assert result == -errno.EINVAL
        else:
            assert result == pair.fake.clone_range(source.fake, addr, length, share)

    @rule(pair=spaces, at=anywhere)
    def touch(self, pair: SpacePair, at: int) -> None:
        self.both(pair, lambda space: space.touch(BASE + at))

    # ---- data ----

    @rule(pair=spaces, at=anywhere, length=lengths)
    def read(self, pair: SpacePair, at: int, length: int) -> None:
        if not pair.is_closed:
            assert pair.host.read(BASE + at, length) == pair.fake.read(BASE + at, min(length, 1 << 20))
            assert pair.host.read_force(BASE + at, length)[: 1 << 20] == pair.host.read_force(BASE + at, min(length, 1 << 20))
            if length < 1 << 40:
                assert pair.host.read_cstring(BASE + at, length) == pair.fake.read_cstring(BASE + at, length)
        elif type(pair.host) is not AddressSpace:
            assert pair.host.read(BASE + at, length) == pair.host.read_force(BASE + at, length) == b""

    @rule(pair=spaces, at=anywhere, byte=st.sampled_from(NO_CODE), length=st.sampled_from((0, 1, 5000, 20000)))
    def write(self, pair: SpacePair, at: int, byte: int, length: int) -> None:
        self.data(pair, lambda space: space.write(BASE + at, bytes([byte]) * length))

    def data(self, pair: SpacePair, call) -> None:
        if type(pair.host) is not AddressSpace:
            assert call(pair.host) == (call(pair.fake) if not pair.is_closed else 0)

    @rule(pair=spaces, at=anywhere, length=st.sampled_from((0, 1, 4096, 9000)))
    def zero(self, pair: SpacePair, at: int, length: int) -> None:
        self.data(pair, lambda space: space.zero(BASE + at, length))

    @rule(pair=spaces, at=anywhere, old=st.sampled_from((0, 0x06060606)), new=st.sampled_from((0, 0x07070707)))
    def words(self, pair: SpacePair, at: int, old: int, new: int) -> None:
        if not pair.is_closed:
            addr = BASE + at & ~3
            assert pair.host.load_u32(addr) == pair.fake.load_u32(addr)
            assert pair.host.cas_u32(addr, old, new) == pair.fake.cas_u32(addr, old, new)
            assert pair.host.cas_u32(addr + 1, old, new) == -1 == pair.host.load_u32(addr + 2)

    @rule(pair=spaces, segment=segments, at=anywhere, offset=offsets, length=st.sampled_from((0, 1, 4096, 9000)), out=st.booleans())
    def segment_copies(self, pair: SpacePair, segment: SegmentPair, at: int, offset: int, length: int, out: bool) -> None:
        if pair.is_closed:
            return
        name = "copy_to_segment" if out else "copy_from_segment"
        expected = getattr(pair.fake, name)(BASE + at, segment.fake, offset, length)
        assert getattr(pair.host, name)(BASE + at, segment.host, offset, length) == expected

    @rule(segment=segments, offset=offsets, byte=st.sampled_from(NO_CODE), length=st.sampled_from((0, 1, 4096, 9000)))
    def segment_write(self, segment: SegmentPair, offset: int, byte: int, length: int) -> None:
        if self.is_closed:  # its RAM is gone: zeros, and perhaps no more of them
            assert 0 <= segment.host.write(offset, bytes([byte]) * length) <= length
            return
        assert segment.host.write(offset, bytes([byte]) * length) == segment.fake.write(offset, bytes([byte]) * length)

    @rule(segment=segments, other=segments, offset=offsets, length=st.sampled_from((0, 1, 4096, 9000, 1 << 40)))
    def segment_rest(self, segment: SegmentPair, other: SegmentPair, offset: int, length: int) -> None:
        segment.host.discard(offset, length)
        if self.is_closed:
            assert len(segment.host.read(offset, min(length, 1 << 20))) == min(length, 1 << 20) and segment.host.nr_pages() >= 0
            assert segment is other or 0 <= segment.host.copy_from(other.host, offset, 0, min(length, 1 << 20)) <= length
            return
        segment.fake.discard(offset, length)
        if segment is not other and length < 1 << 20:
            assert segment.host.copy_from(other.host, offset, 0, length) == segment.fake.copy_from(other.fake, offset, 0, length)
        assert segment.host.read(0, 20 * 4096) == segment.fake.read(0, 20 * 4096)
        assert segment.host.next_data(offset) == segment.fake.next_data(offset)
        assert segment.host.next_hole(offset) == segment.fake.next_hole(offset)
        assert segment.host.nr_pages() == segment.fake.nr_pages()

    # ---- host files, mapped: their pages are modelled in FilePage ----

    @rule(
        pair=spaces,
        page=st.integers(0, NR_FILE_PAGES - 1),
        count=counts,
        file=st.integers(0, 1),
        index=st.integers(0, 5),
        prot=prots,
        shared=st.booleans(),
    )
    def map_host(self, pair: SpacePair, page: int, count: int, file: int, index: int, prot: int, shared: bool) -> None:
        if type(pair.host) is AddressSpace:
            return
        result = pair.host.map_host(FILES + page * 4096, count * 4096, self.files[file], index * 4096, prot, shared)
        assert result == (-errno.ESRCH if pair.is_closed else 0)
        for number in range(count) if result == 0 else ():
            pair.file_pages.setdefault(FILES // 4096 + page + number, FilePage(file, index + number, prot, shared))

    @rule(
        pair=spaces,
        page=st.integers(0, NR_FILE_PAGES),
        count=counts,
        prot=prots,
        what=st.sampled_from(("unmap", "protect", "break", "read", "write")),
    )
    def use_mapped_host(self, pair: SpacePair, page: int, count: int, prot: int, what: str) -> None:
        if pair.is_closed:
            return
        addr, first = FILES + page * 4096, FILES // 4096 + page
        if what == "unmap":
            assert pair.host.unmap(addr, count * 4096) == 0
            for number in range(first, first + count):
                pair.file_pages.pop(number, None)
        elif what == "protect":
            assert pair.host.protect(addr, count * 4096, prot) == 0
            for number in range(first, first + count):
                if number in pair.file_pages:
                    pair.file_pages[number].prot = prot
        elif what == "break":
            found = pair.file_pages.get(first)
            result = pair.host.break_cow(addr, prot)
            if found is None:
                assert result == -errno.EFAULT
            elif self.page_bytes(found) is not None:
                assert result == 0
                found.copy, found.prot = self.page_bytes(found), prot
            elif result == 0:  # beyond the end of its file: what is copied is the host's business
                found.copy, found.prot = pair.host.read_force(addr, 4096), prot
        elif what == "read":
            assert pair.host.read(addr, 3 * 4096) == self.expected(pair, first, 3, lambda found: found.effective())
        else:
            data = bytes((NO_CODE[2],)) * 3000
            found = pair.file_pages.get(first)
            written = pair.host.write(addr, data)
            if found is None or not found.effective() & PROT_WRITE or self.page_bytes(found) is None:
                assert written == 0
            else:
                assert written == len(data)
                if found.copy is not None:
                    found.copy = data + found.copy[len(data) :]
                else:
                    start = found.index * 4096
                    size = min(len(data), FILE_BYTES - start)
                    self.contents[found.file][start : start + size] = data[:size]
        for number in range(2):
            assert self.files[number].pread(1 << 20, 0) == bytes(self.contents[number])

    def page_bytes(self, page: FilePage) -> bytes | None:
        """Its 4,096 bytes; None beyond the end of the file."""
        if page.copy is not None:
            return page.copy
        part = bytes(self.contents[page.file][page.index * 4096 : page.index * 4096 + 4096])
        return part.ljust(4096, b"\0") if part else None

    def expected(self, pair: SpacePair, first: int, count: int, permission) -> bytes:
        out = b""
        for number in range(first, first + count):
            page = pair.file_pages.get(number)
            data = self.page_bytes(page) if page is not None and permission(page) else None
            if data is None:
                break
            out += data
        return out

    # ---- guest memory and host files: input and output ----

    @rule(
        pair=spaces,
        at=anywhere,
        file=st.integers(0, 1),
        offset=st.sampled_from((0, 1, 4096, 12000, 13000)),
        length=st.sampled_from((0, 1, 5000, 20000)),
    )
    def host_input(self, pair: SpacePair, at: int, file: int, offset: int, length: int) -> None:
        if pair.is_closed:
            return
        addr = BASE + at
        result = pair.host.read_host(addr, self.files[file], offset, length, 0)
        if length and pair.fake.write(addr, pair.fake.read_force(addr, 1)) != 1:
            assert result == -errno.EFAULT
        else:
            assert result == pair.fake.read_host(addr, self.files[file], offset, length, 0)

    @rule(
        pair=spaces, at=anywhere, file=st.integers(0, 1), offset=st.sampled_from((0, 1, 4096, 12000)), length=st.sampled_from((0, 1, 300))
    )
    def host_output(self, pair: SpacePair, at: int, file: int, offset: int, length: int) -> None:
        if pair.is_closed:
            return
        data = pair.fake.read(BASE + at, length)[: FILE_BYTES - offset]
        result = pair.host.write_host(BASE + at, self.files[file], offset, min(length, FILE_BYTES - offset), 0)
        assert result == (len(data) if data or not length else -errno.EFAULT)
        self.contents[file][offset : offset + len(data)] = data

    @rule(segment=segments, file=st.integers(0, 1), offset=offsets, length=st.sampled_from((0, 1, 5000)), to_host=st.booleans())
    def segment_input_output(self, segment: SegmentPair, file: int, offset: int, length: int, to_host: bool) -> None:
        if self.is_closed:
            assert -errno.ENOMEM <= segment.host.read_host(offset, self.files[file], 0, length) <= length
        elif to_host:
            length = min(length, 300)
            assert segment.host.write_host(offset, self.files[file], 0, length) == length
            self.contents[file][:length] = segment.fake.read(offset, length)
        else:
            data = bytes(self.contents[file][:length])
            assert segment.host.read_host(offset, self.files[file], 0, length) == segment.fake.write(offset, data)

    @rule(events=st.sampled_from((0, 1, 4, 5, 0xFFFF)), wrong=st.sampled_from((-1, 1 << 16, None, "1")))
    def watch(self, events: int, wrong: object) -> None:
        with pytest.raises(DOCUMENTED):
            self.host.watch(self.pipe_end, wrong)  # type: ignore[arg-type]
        if self.is_closed:
            with pytest.raises(OSError):
                self.host.watch(self.pipe_end, events)
        else:
            self.host.watch(self.pipe_end, events)
            self.is_watched = True
        os.write(self.pipe[1], b"x")

    # ---- UserMemory and its cursors over a space, with a memory service that misbehaves ----

    @rule(
        pair=spaces,
        at=st.integers(0, NR_PAGES * 4096 - 1),
        length=st.sampled_from((1, 4096, 9000)),
        plan=st.lists(st.sampled_from(("map", "unmap", "close", "raise", "again", "nothing")), max_size=4),
        what=st.sampled_from(("read", "write", "zero", "text", "word", "swap", "reader", "writer", "zeros", "to segment", "from segment")),
        segment=segments,
    )
    def user_memory(self, pair: SpacePair, at: int, length: int, plan: list[str], what: str, segment: SegmentPair) -> None:
        if type(pair.host) is AddressSpace:
            return
        memory = UserMemory(pair.host, Nasty(self, pair, plan), 0x7FF0_0000_0000)
        addr, data = BASE + at, b"\x06" * length
        ranges = [(addr, length), (BASE - 5000, 100), (-1, 5), ((1 << 64) - 1, 9)]
        try:
            if what == "write":
                memory.write(addr, data)
            elif what == "zero":
                memory.zero(addr, length)
            elif what == "writer":
                UserWriter(memory, ranges).write(data)
            elif what == "zeros":
                UserWriter(memory, ranges).write_zeros(length + 50)
            elif what == "from segment":
                UserWriter(memory, ranges).write_from_segment(segment.host, 0, length)
            elif what == "swap":
                memory.cas_u32(addr & ~3, 0, 0)
            elif what == "read":
                assert len(memory.read(addr, length)) == length
            elif what == "text":
                assert b"\0" not in (memory.read_cstring(addr, length) or b"")
            elif what == "word":
                assert 0 <= memory.load_u32(addr & ~3) < 1 << 32
            elif what == "reader":
                assert len(UserReader(memory, ranges).read(length + 50)) <= length + 50
            else:
                assert UserReader(memory, ranges).read_to_segment(segment.host, 1 << 30, length) <= length
                segment.host.discard(1 << 30, 1 << 20)
        except (UserFault, KeyError):
            pass
        if not pair.is_closed:  # whatever it wrote before it was stopped, the fake takes over
            for number in pair.fake.table:
                page = pair.host.read_force(number * 4096, 4096)
                if page != bytes(pair.fake.table[number].page.data):
                    pair.fake.table[number].page.data[:] = page

    # ---- contexts: whatever is executed there changes no memory ----

    @rule(
        context=contexts,
        at=st.one_of(st.integers(0, NR_PAGES * 4096), st.sampled_from((-BASE, 0x7FF0_0000_0000 - BASE, 1 << 60))),
        result=st.sampled_from((None, 0, -1, (1 << 64) - 1)),
    )
    def run(self, context: ContextOf, at: int, result: int | None) -> None:
        if type(context.host) is Context:
            return
        go = context.host.run if result is None else functools.partial(context.host.resume, result)
        if context.is_released or context.space.is_closed:
            with pytest.raises(RuntimeError):
                go()
            return
        context.host.set_reg(RIP, BASE + at)
        context.host.set_reg(RSP, at)
        if context.is_running:
            with pytest.raises(RuntimeError):
                go()
        else:
            go()
        context.is_running = True

    @rule(context=contexts, what=st.sampled_from(("interrupt", "park", "reset_fpu", "fpu", "registers", "cpu_time_ns", "is_running")))
    def any_time(self, context: ContextOf, what: str) -> None:
        if type(context.host) is not Context:
            getattr(context.host, what)()

    @rule(context=contexts)
    def release(self, context: ContextOf) -> None:
        if type(context.host) is not Context:
            context.host.release()
            context.is_released = True

    @rule(patience_ns=st.sampled_from((0, 1, 2_000_000)), spin_ns=st.sampled_from((0, 1000)))
    def wait(self, patience_ns: int, spin_ns: int) -> None:
        for stop in self.host.wait(time.monotonic_ns() + patience_ns if patience_ns else 0, spin_ns):
            if stop[1] == 6:
                assert stop[0] == -1 and self.is_watched and stop[2] == self.pipe_end.tag
                self.is_watched = False
                continue
            assert len(stop) == 9 and stop[0] in self.by_tag
            context = self.by_tag[stop[0]]
            assert stop[1] in (2, 3, 4, 5) and context.is_running and not context.is_released
            context.is_running = False
            if stop[1] == 5:
                assert context.space.host.is_dead()
                self.close_space(context.space)

    @rule()
    def wake(self) -> None:
        self.host.wake()

    # ---- nonsense ----

    @rule(pair=spaces, segment=segments, name=st.sampled_from(sorted(SIGNATURES)), data=st.data())
    def nonsense(self, pair: SpacePair, segment: SegmentPair, name: str, data: st.DataObject) -> None:
        if type(pair.host) is not AddressSpace:
            self.refused(pair.host, name, SIGNATURES[name], data, segment.host, pair.host)

    @rule(segment=segments, name=st.sampled_from(sorted(SEGMENT_SIGNATURES)), data=st.data())
    def segment_nonsense(self, segment: SegmentPair, name: str, data: st.DataObject) -> None:
        self.refused(segment.host, name, SEGMENT_SIGNATURES[name], data, segment.host, None)

    @rule(context=contexts, name=st.sampled_from(sorted(CONTEXT_SIGNATURES)), data=st.data())
    def context_nonsense(self, context: ContextOf, name: str, data: st.DataObject) -> None:
        if type(context.host) is not Context:
            self.refused(context.host, name, CONTEXT_SIGNATURES[name], data, None, None)

    def refused(self, target: object, name: str, letters: str, data: st.DataObject, segment: object, space: object) -> None:
        valid = {
            "r": BASE,
            "l": 4096,
            "p": 1,
            "c": BASE,
            "F": 0,
            "f": 0,
            "u": BASE,
            "w": 0,
            "b": False,
            "y": b"x",
            "x": 1,
            "W": 1,
            "G": segment,
            "H": self.files[0],
            "h": 0,
            "d": 0,
            "P": space,
            "t": (0,) * 27,
        }
        args = [valid[letter] for letter in letters]
        wrong = data.draw(st.sampled_from([i for i, letter in enumerate(letters) if letter != "b"]))
        args[wrong] = data.draw(st.sampled_from(JUNK + WORSE[letters[wrong]]))
        with pytest.raises(DOCUMENTED):
            getattr(target, name)(*args)
        with pytest.raises(TypeError):
            getattr(target, name)(*args, 1, 2, 3)

    @rule(pair=spaces, segment=segments)
    def objects_of_another_machine(self, pair: SpacePair, segment: SegmentPair) -> None:
        if self.foreign is None:
            self.foreign = HostMachine(1 << 20)
        with pytest.raises(ValueError):
            segment.host.copy_from(self.foreign.new_segment(), 0, 0, 1)
        if type(pair.host) is not AddressSpace:
            with pytest.raises(ValueError):
                pair.host.map_segment(BASE, 4096, self.foreign.new_segment(), 0, 3, False)
            with pytest.raises(ValueError):
                pair.host.clone_range(self.foreign.new_space(), BASE, 4096, False)

    @rule(pair=spaces, dice=st.integers(0, 5))
    def close_while_arguments_are_converted(self, pair: SpacePair, dice: int) -> None:
        if dice == 0 and type(pair.host) is not AddressSpace:
            assert pair.host._c.map_anon(CloseMeanwhile(pair, BASE), 4096, 3) == -errno.ESRCH  # type: ignore[arg-type]

    # ---- what always holds ----

    @invariant()
    def tables_and_frames_agree(self) -> None:
        for pair in self.pairs:
            if pair.is_closed:
                assert pair.host.nr_resident() == 0 and pair.host.is_dead()
                continue
            pair.host.settle()
            assert pair.host.resident(BASE, 32 * 4096) == pair.fake.resident(BASE, 32 * 4096)
            assert pair.host.nr_resident() == pair.fake.nr_resident() + len(pair.file_pages)
            for number in range(FILES // 4096, FILES // 4096 + NR_FILE_PAGES):
                found = pair.file_pages.get(number)
                flags = pair.host.lookup(number * 4096)
                assert flags == 0 if found is None else flags & 7 in (found.prot, found.effective())
            for number, pte in pair.fake.table.items():
                assert pair.host.lookup(number * 4096) in (pte.flags, pte.flags or 64)
        copies = sum(page.copy is not None for pair in self.pairs for page in pair.file_pages.values())
        if self.is_closed:  # segments may go on as they like
            assert 0 <= self.host.nr_free_frames() <= self.host.nr_frames()
        else:
            assert self.host.nr_free_frames() == self.fake.nr_free_frames() - copies

    @invariant()
    def the_host_grants_no_more_than_the_table(self) -> None:
        frames: dict[int, object] = {}
        for pair in self.pairs:
            if pair.is_closed:
                continue
            for start, end, bits, offset in host_mappings(pair.host._c.host_pid):  # type: ignore[attr-defined]
                for addr in range(start, end, 4096):
                    mapped = pair.file_pages.get(addr // 4096)
                    if mapped is not None:
                        assert bits & ~mapped.effective() == 0, f"{addr:#x}: host {bits}, granted {mapped.effective()}"
                        assert mapped.copy is not None or offset + addr - start == mapped.index * 4096
                        continue
                    pte = pair.fake.table.get(addr // 4096)
                    assert pte is not None, f"{addr:#x} is mapped on the host and absent in the table"
                    granted = pte.flags & (7 & ~PROT_WRITE if pte.flags & PTE_COW else 7)
                    assert bits & ~granted == 0, f"{addr:#x}: host {bits}, table {granted}"
                    assert frames.setdefault(offset + addr - start, pte.page) is pte.page, "two owners of one frame"


def host_mappings(pid: int) -> list[tuple[int, int, int, int]]:
    """(start, end, PROT_* bits, offset) of what the guest part of a stub has on the host."""
    result = []
    with open(f"/proc/{pid}/maps") as file:
        for line in file:
            span, letters, offset, *_ = line.split()
            start, end = (int(text, 16) for text in span.split("-"))
            if start < 0x7FF0_0000_0000:
                bits = sum(1 << i for i in range(3) if letters[i] != "-")
                result.append((start, end, bits, int(offset, 16)))
    return result


Hardware.TestCase.settings = settings(
    max_examples=int(os.environ.get("CRUCK_STATEFUL_EXAMPLES", "25")),
    stateful_step_count=40,
    deadline=None,
    derandomize="CRUCK_STATEFUL_RANDOM" not in os.environ,  # a long run takes other sequences each time
    suppress_health_check=list(HealthCheck),
)
test_any_sequence_of_calls = Hardware.TestCase


def test_ram_that_runs_out_half_way_leaves_whole_pages() -> None:
    machine = HostMachine(64 * 4096)
    space = machine.new_space()
    segment = machine.new_segment()
    assert space.map_segment(BASE, 128 * 4096, segment, 0, 3, False) == -errno.ENOMEM
    present = space.resident(BASE, 128 * 4096)
    assert present.count(1) == segment.nr_pages() == space.nr_resident() <= 64
    assert machine.nr_free_frames() == 64 - segment.nr_pages()
    assert space.map_anon(BASE + (1 << 30), 128 * 4096, 3) == -errno.ENOMEM
    assert segment.write(1 << 40, b"x") == 0 or machine.nr_free_frames() > 0
    space.close()
    segment.discard(0, 1 << 47)
    assert machine.nr_free_frames() == 64
    machine.close()
