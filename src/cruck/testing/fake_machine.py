# SPDX-License-Identifier: MPL-2.0
"""FakeMachine: the hardware contract in plain Python, so that the kernel's tests need no guest process.

A guest program is a list of steps at an address: `machine.load(0x10000, [Call(39), Call(60, 0)])`; a step is two bytes long, as
`syscall` is, so that restarts (rip − 2) work. Registers, memory, page tables and faults behave as on the host machine; both
pass tests/machine/test_contract.py. Everything is plain picklable data, running programs included.
"""

from typing import Final

from cruck.framework.hardware import (
    EFLAGS,
    NR_REGS,
    ORIG_RAX,
    PAGE_MASK,
    PAGE_SIZE,
    PROT_EXEC,
    PROT_READ,
    PROT_WRITE,
    PTE_COW,
    PTE_HOST,
    PTE_SEGMENT,
    R8,
    R9,
    R10,
    RAX,
    RDI,
    RDX,
    RIP,
    RSI,
    RSP,
    STOP_EXCEPTION,
    STOP_FAULT,
    STOP_INTERRUPTED,
    STOP_SYSCALL,
    AddressSpace,
    Context,
    Machine,
    Segment,
    Stop,
)
from cruck.framework.io.host_file import HostFile

U64: Final = 0xFFFF_FFFF_FFFF_FFFF
ENOMEM: Final = 12
ESRCH: Final = 3
USER_END: Final = 0x7FF0_0000_0000
FPU_BYTES: Final = 576
MAX_EXTENT: Final = 1 << 47  # of segments and host files
STEP_BYTES: Final = 2


# Steps of a fake program.
class Step:
    """One instruction."""


class Call(Step):
    """A system call; None leaves the register as it is."""

    def __init__(self, nr: int, *args: int | None) -> None:
        self.nr = nr
        self.args = args


class Store(Step):
    """Writes bytes to memory; faults as a program would."""

    def __init__(self, addr: int, data: bytes) -> None:
        self.addr = addr
        self.data = data


class Touch(Step):
    """Reads one byte."""

    def __init__(self, addr: int) -> None:
        self.addr = addr


class JumpIfZero(Step):
    """To `target` if rax is 0: what a program does after fork."""

    def __init__(self, target: int) -> None:
        self.target = target


class Jump(Step):
    def __init__(self, target: int) -> None:
        self.target = target


class Return(Step):
    """`ret`"""


class Spin(Step):
    """An endless loop: only an interrupt stops it."""


class Trap(Step):
    """A synchronous exception."""

    def __init__(self, signo: int, code: int, addr: int = 0) -> None:
        self.signo = signo
        self.code = code
        self.addr = addr


class Page:
    """A frame."""

    def __init__(self) -> None:
        self.data = bytearray(PAGE_SIZE)
        self.refs = 0


class Pte:
    def __init__(self, page: Page, flags: int) -> None:
        self.page = page
        self.flags = flags  # PROT_* | PTE_*


# The base classes may be compiled; pickling then knows their attributes, and only these: so state is said below.


def check_extent(offset: int, length: int) -> None:
    """As the machine does. Errors: ValueError."""
    if not 0 <= offset <= MAX_EXTENT - length:
        raise ValueError("beyond the largest offset")


class ReadObserver:
    """Told of every byte of guest memory that the kernel takes: for tests that it takes none twice, or that play a sibling who changes it."""

    def read(self, space: "FakeSpace", addr: int, length: int) -> None:
        raise NotImplementedError

    def atomic(self, space: "FakeSpace", addr: int, is_swap: bool) -> None:
        """load_u32(), or cas_u32() if is_swap."""


class FakeSegment(Segment):
    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__}

    def __setstate__(self, state: dict[str, object]) -> None:
        for name, value in state.items():
            setattr(self, name, value)

    def __init__(self, machine: "FakeMachine") -> None:
        self.machine = machine
        self.pages: dict[int, Page] = {}

    def page(self, index: int) -> Page | None:
        """The page, allocated if there is room."""
        page = self.pages.get(index)
        if page is None:
            page = self.machine.alloc()
            if page is not None:
                self.pages[index] = page
        return page

    def read(self, offset: int, length: int) -> bytes:
        out = bytearray()
        while length > 0:
            index, start = divmod(offset, PAGE_SIZE)
            count = min(length, PAGE_SIZE - start)
            page = self.pages.get(index)
            out += page.data[start : start + count] if page is not None else bytes(count)
            offset += count
            length -= count
        return bytes(out)

    def write(self, offset: int, data: bytes) -> int:
        done = 0
        while done < len(data):
            index, start = divmod(offset + done, PAGE_SIZE)
            count = min(len(data) - done, PAGE_SIZE - start)
            page = self.page(index)
            if page is None:
                return done
            page.data[start : start + count] = data[done : done + count]
            done += count
        return done

    def discard(self, offset: int, length: int) -> None:
        check_extent(offset, length)
        end = offset + length
        if length > PAGE_SIZE:
            # Only the pages that are there: files are sparse and lengths may be huge.
            first = (offset + PAGE_MASK) // PAGE_SIZE
            last = end // PAGE_SIZE
            for index in [index for index in self.pages if first <= index < last]:
                self.machine.drop(self.pages.pop(index))
            if last >= first:
                self.discard(offset, first * PAGE_SIZE - offset)
                self.discard(last * PAGE_SIZE, end - last * PAGE_SIZE)
                return
        while offset < end:
            index, start = divmod(offset, PAGE_SIZE)
            count = min(end - offset, PAGE_SIZE - start)
            page = self.pages.get(index)
            if page is not None:
                if count == PAGE_SIZE:
                    self.machine.drop(self.pages.pop(index))
                else:
                    page.data[start : start + count] = bytes(count)
            offset += count

    def copy_from(self, source: Segment, source_offset: int, offset: int, length: int) -> int:
        return self.write(offset, source.read(source_offset, length))

    def read_host(self, offset: int, host: HostFile, host_offset: int, length: int) -> int:
        data = host.pread(length, host_offset)
        return data if isinstance(data, int) else self.write(offset, data)

    def write_host(self, offset: int, host: HostFile, host_offset: int, length: int) -> int:
        return host.pwrite(self.read(offset, length), host_offset)

    def next_data(self, offset: int) -> int:
        first = offset // PAGE_SIZE
        after = [index for index in self.pages if index >= first]
        return max(offset, min(after) * PAGE_SIZE) if after else -1

    def next_hole(self, offset: int) -> int:
        index = offset // PAGE_SIZE
        while index in self.pages:
            index += 1
        return max(offset, index * PAGE_SIZE)

    def nr_pages(self) -> int:
        return len(self.pages)


class FakeSpace(AddressSpace):
    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__}

    def __setstate__(self, state: dict[str, object]) -> None:
        for name, value in state.items():
            setattr(self, name, value)

    def __init__(self, machine: "FakeMachine") -> None:
        self.machine = machine
        self.table: dict[int, Pte] = {}  # by page number
        self.dead = False
        self.closed = False

    def close(self) -> None:
        self.closed = True
        for pte in self.table.values():
            self.machine.drop(pte.page)
        self.table.clear()

    def is_dead(self) -> bool:
        return self.dead

    def nr_resident(self) -> int:
        return len(self.table)

    def touch(self, addr: int) -> int:
        return -ESRCH if self.dead or self.closed else 0

    def settle(self) -> int:
        return -ESRCH if self.dead or self.closed else 0

    def new_context(self) -> Context:
        return FakeContext(self)

    def _pages(self, addr: int, length: int) -> range:
        if addr & PAGE_MASK or length & PAGE_MASK or addr < 0 or length < 0 or addr + length > USER_END:
            raise ValueError("not a page range of user space")
        return range(addr // PAGE_SIZE, (addr + length) // PAGE_SIZE)

    def map_anon(self, addr: int, length: int, prot: int) -> int:
        for number in self._pages(addr, length):
            if number not in self.table:
                page = self.machine.alloc()
                if page is None:
                    return -ENOMEM
                self.table[number] = Pte(page, prot)
        return 0

    def map_segment(self, addr: int, length: int, segment: Segment, offset: int, prot: int, private: bool) -> int:
        assert isinstance(segment, FakeSegment)
        for position, number in enumerate(self._pages(addr, length)):
            if number not in self.table:
                page = segment.page(offset // PAGE_SIZE + position)
                if page is None:
                    return -ENOMEM
                page.refs += 1
                self.table[number] = Pte(page, prot & ~PROT_WRITE | PTE_COW | PTE_SEGMENT if private else prot | PTE_SEGMENT)
        return 0

    def map_host(self, addr: int, length: int, host: HostFile, offset: int, prot: int, shared: bool) -> int:
        for position, number in enumerate(self._pages(addr, length)):
            if number not in self.table:
                data = host.pread(PAGE_SIZE, offset + position * PAGE_SIZE)
                if isinstance(data, int):
                    return data
                page = self.machine.alloc()
                if page is None:
                    return -ENOMEM
                page.data[: len(data)] = data
                self.table[number] = Pte(page, prot & ~PROT_WRITE | PTE_COW | PTE_HOST)
        return 0

    def unmap(self, addr: int, length: int) -> int:
        wanted = self._pages(addr, length)
        numbers = [number for number in self.table if number in wanted] if len(wanted) > len(self.table) else list(wanted)
        for number in numbers:
            pte = self.table.pop(number, None)
            if pte is not None:
                self.machine.drop(pte.page)
        return 0

    def protect(self, addr: int, length: int, prot: int) -> int:
        wanted = self._pages(addr, length)
        for number in [number for number in self.table if number in wanted]:
            pte = self.table[number]
            keep = pte.flags & (PTE_COW | PTE_HOST | PTE_SEGMENT)
            pte.flags = keep | (prot & ~PROT_WRITE if keep & PTE_COW else prot)
        return 0

    def move(self, old: int, new: int, length: int) -> int:
        target = self._pages(new, length)
        moved = [(target[position], self.table.pop(number, None)) for position, number in enumerate(self._pages(old, length))]
        for number, pte in moved:
            if pte is not None:
                self.table[number] = pte
        return 0

    def break_cow(self, addr: int, prot: int) -> int:
        pte = self.table.get(addr // PAGE_SIZE)
        if pte is None:
            return self.map_anon(addr & ~PAGE_MASK, PAGE_SIZE, prot)
        if pte.page.refs > 1 or pte.flags & (PTE_HOST | PTE_SEGMENT):
            page = self.machine.alloc()
            if page is None:
                return -ENOMEM
            page.data[:] = pte.page.data
            self.machine.drop(pte.page)
            pte.page = page
        pte.flags = prot
        return 0

    def clone_range(self, source: AddressSpace, addr: int, length: int, share: bool) -> int:
        assert isinstance(source, FakeSpace)
        wanted = self._pages(addr, length)
        for number in [number for number in source.table if number in wanted]:
            pte = source.table[number]
            if not share:
                pte.flags = pte.flags & ~PROT_WRITE | PTE_COW
            pte.page.refs += 1
            self.table[number] = Pte(pte.page, pte.flags)
        return 0

    def lookup(self, addr: int) -> int:
        pte = self.table.get(addr // PAGE_SIZE)
        return pte.flags if pte is not None else 0

    def resident(self, addr: int, length: int) -> bytes:
        return bytes(number in self.table for number in self._pages(addr, length))

    def _chunk(self, addr: int, length: int, access: int) -> tuple[Page, int, int] | None:
        """(page, start, count) for the part of an access within one page, if permitted."""
        if not 0 <= addr < USER_END:
            return None
        pte = self.table.get(addr // PAGE_SIZE)
        if pte is None or not pte.flags & access:
            return None
        start = addr & PAGE_MASK
        return pte.page, start, min(length, PAGE_SIZE - start)

    def read(self, addr: int, length: int) -> bytes:
        return self._read(addr, length, PROT_READ)

    def read_force(self, addr: int, length: int) -> bytes:
        return self._read(addr, length, PROT_READ | PROT_WRITE | PROT_EXEC | PTE_COW | PTE_HOST | PTE_SEGMENT)

    def _read(self, addr: int, length: int, access: int) -> bytes:
        data = self._bytes(addr, length, access)
        if self.machine.observer is not None:
            self.machine.observer.read(self, addr, len(data))
        return data

    def _bytes(self, addr: int, length: int, access: int) -> bytes:
        out = bytearray()
        while len(out) < length:
            chunk = self._chunk(addr + len(out), length - len(out), access)
            if chunk is None:
                break
            page, start, count = chunk
            out += page.data[start : start + count]
        return bytes(out)

    def write(self, addr: int, data: bytes) -> int:
        done = 0
        while done < len(data):
            chunk = self._chunk(addr + done, len(data) - done, PROT_WRITE)
            if chunk is None:
                break
            page, start, count = chunk
            page.data[start : start + count] = data[done : done + count]
            done += count
        return done

    def read_cstring(self, addr: int, limit: int) -> tuple[bytes, int]:
        out = bytearray()
        while len(out) < limit:
            chunk = self._chunk(addr + len(out), limit - len(out), PROT_READ)
            if chunk is None:
                return self._seen(addr, bytes(out), 2)
            page, start, count = chunk
            end = page.data.find(0, start, start + count)
            if end >= 0:
                return self._seen(addr, bytes(out + page.data[start:end]), 0)
            out += page.data[start : start + count]
        return self._seen(addr, bytes(out), 1)

    def _seen(self, addr: int, text: bytes, status: int) -> tuple[bytes, int]:
        if self.machine.observer is not None:
            self.machine.observer.read(self, addr, len(text) + (status == 0))
        return text, status

    def zero(self, addr: int, length: int) -> int:
        return self.write(addr, bytes(length))

    def copy_to_segment(self, addr: int, segment: Segment, offset: int, length: int) -> int:
        data = self._bytes(addr, length, PROT_READ)
        count = segment.write(offset, data)
        if self.machine.observer is not None:
            self.machine.observer.read(self, addr, count)
        return -ENOMEM if data and count == 0 else count

    def copy_from_segment(self, addr: int, segment: Segment, offset: int, length: int) -> int:
        done = 0
        while done < length:
            want = min(length - done, PAGE_SIZE)
            count = self.write(addr + done, segment.read(offset + done, want))
            done += count
            if count < want:
                break
        return done

    def read_host(self, addr: int, host: HostFile, host_offset: int, length: int, flags: int) -> int:
        check_extent(max(host_offset, 0), length)
        data = host.pread(length, host_offset)
        return data if isinstance(data, int) else self.write(addr, data)

    def write_host(self, addr: int, host: HostFile, host_offset: int, length: int, flags: int) -> int:
        check_extent(max(host_offset, 0), length)
        return host.pwrite(self.read(addr, length), host_offset)

    def load_u32(self, addr: int) -> int:
        if self.machine.observer is not None:
            self.machine.observer.atomic(self, addr, False)
        data = self._bytes(addr, 4, PROT_READ)
        return int.from_bytes(data, "little") if len(data) == 4 else -1

    def cas_u32(self, addr: int, old: int, new: int) -> int:
        if self._chunk(addr, 4, PROT_WRITE) is None:
            return -1
        if self.machine.observer is not None:
            self.machine.observer.atomic(self, addr, True)
        found = int.from_bytes(self._bytes(addr, 4, PROT_READ), "little")
        if found == old:
            self.write(addr, (new & 0xFFFF_FFFF).to_bytes(4, "little"))
        return found


class FakeContext(Context):
    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "tag": self.tag}

    def __setstate__(self, state: dict[str, object]) -> None:
        for name, value in state.items():
            setattr(self, name, value)

    def __init__(self, space: FakeSpace) -> None:
        self.space = space
        self.machine = space.machine
        self.tag = 0
        self.regs = [0] * NR_REGS
        self.regs[EFLAGS] = 0x202
        self.fpu_area = bytes(FPU_BYTES)
        self.running = False
        self.released = False
        self.nr_steps = 0

    def set_tag(self, tag: int) -> None:
        self.tag = tag

    def run(self) -> None:
        if self.running or self.released:
            raise RuntimeError("run() of a context that is not stopped")
        self.running = True
        self.machine.running.append(self)

    def resume(self, value: int) -> None:
        self.run()
        self.set_result(value)

    def park(self) -> None:
        pass

    def interrupt(self) -> None:
        if self.running:
            self.machine.interrupted.append(self)

    def release(self) -> None:
        self.released = True
        self.stop()

    def stop(self) -> None:
        self.running = False
        if self in self.machine.running:
            self.machine.running.remove(self)

    def is_running(self) -> bool:
        return self.running

    def get_reg(self, index: int) -> int:
        return self.regs[index]

    def set_reg(self, index: int, value: int) -> None:
        self.regs[index] = value & U64

    def registers(self) -> tuple[int, ...]:
        return tuple(self.regs)

    def set_registers(self, values: tuple[int, ...]) -> None:
        if len(values) != NR_REGS:
            raise ValueError("a register file has 27 values")
        self.regs = [value & U64 for value in values]

    def set_result(self, value: int) -> None:
        self.regs[RAX] = value & U64

    def fpu(self) -> bytes:
        return self.fpu_area

    def set_fpu(self, data: bytes) -> bool:
        if len(data) != FPU_BYTES:
            return False
        self.fpu_area = data
        return True

    def reset_fpu(self) -> None:
        self.fpu_area = bytes(FPU_BYTES)

    def cpu_time_ns(self) -> int:
        return self.nr_steps * 1000

    def step(self) -> Stop | None:
        """Executes until something stops the context; None: it spins."""
        for _ in range(10_000):
            self.nr_steps += 1
            step = self.machine.step_at(self.regs[RIP])
            if step is None:
                return self._fault(self.regs[RIP], PROT_EXEC)
            if isinstance(step, Spin):
                return None
            stop = self._execute(step)
            if stop is not None:
                return stop
        return None

    def _execute(self, step: Step) -> Stop | None:
        regs = self.regs
        if isinstance(step, Call):
            for index, value in zip((RDI, RSI, RDX, R10, R8, R9), step.args, strict=False):
                if value is not None:
                    regs[index] = value & U64
            regs[RIP] += STEP_BYTES
            regs[ORIG_RAX] = step.nr
            regs[RAX] = -38 & U64
            return self._stopped(STOP_SYSCALL, step.nr, regs[RDI], regs[RSI], regs[RDX], regs[R10], regs[R8], regs[R9])
        if isinstance(step, Store):
            done = self.space.write(step.addr, step.data)
            if done < len(step.data):
                return self._fault(step.addr + done, PROT_WRITE)
        elif isinstance(step, Touch):
            if not self.space.read(step.addr, 1):
                return self._fault(step.addr, PROT_READ)
        elif isinstance(step, JumpIfZero):
            if regs[RAX] == 0:
                regs[RIP] = step.target
                return None
        elif isinstance(step, Jump):
            regs[RIP] = step.target
            return None
        elif isinstance(step, Return):
            data = self.space.read(regs[RSP], 8)
            if len(data) < 8:
                return self._fault(regs[RSP], PROT_READ)
            regs[RIP] = int.from_bytes(data, "little")
            regs[RSP] += 8
            return None
        elif isinstance(step, Trap):
            regs[RIP] += STEP_BYTES
            return self._stopped(STOP_EXCEPTION, step.signo, step.code, step.addr, 0, 0, 0, 0)
        regs[RIP] += STEP_BYTES
        return None

    def _fault(self, addr: int, access: int) -> Stop:
        self.regs[ORIG_RAX] = U64
        error_code = 4 | (2 if access == PROT_WRITE else 0) | (16 if access == PROT_EXEC else 0)
        return self._stopped(STOP_FAULT, addr, access, error_code, 14, 0, 0, 0)

    def _stopped(self, reason: int, a: int, b: int, c: int, d: int, e: int, f: int, g: int) -> Stop:
        self.stop()
        return (self.tag, reason, a, b, c, d, e, f, g)


class FakeMachine(Machine):
    """Args: nr_frames: RAM in pages."""

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "user_end": self.user_end, "fpu_bytes": self.fpu_bytes}

    def __setstate__(self, state: dict[str, object]) -> None:
        for name, value in state.items():
            setattr(self, name, value)

    def __init__(self, nr_frames: int = 65536) -> None:
        self.user_end = USER_END
        self.fpu_bytes = FPU_BYTES
        self.frames = nr_frames
        self.used = 0
        self.running: list[FakeContext] = []
        self.interrupted: list[FakeContext] = []
        self.programs: dict[int, list[Step]] = {}  # by start address
        self.observer: ReadObserver | None = None

    def load(self, addr: int, steps: list[Step]) -> None:
        """Puts a program at `addr` (visible in every space; programs are not memory)."""
        self.programs[addr] = steps

    def step_at(self, rip: int) -> Step | None:
        for start, steps in self.programs.items():
            index, odd = divmod(rip - start, STEP_BYTES)
            if not odd and 0 <= index < len(steps):
                return steps[index]
        return None

    def alloc(self) -> Page | None:
        if self.used >= self.frames:
            return None
        self.used += 1
        page = Page()
        page.refs = 1
        return page

    def drop(self, page: Page) -> None:
        page.refs -= 1
        if page.refs == 0:
            self.used -= 1

    def new_space(self) -> AddressSpace:
        return FakeSpace(self)

    def new_segment(self) -> Segment:
        return FakeSegment(self)

    def wait(self, deadline_ns: int, spin_ns: int) -> list[Stop]:
        stops: list[Stop] = []
        for context in list(self.running):
            stop = context.step()
            if stop is not None:
                stops.append(stop)
        for context in self.interrupted:
            if context.running:
                context.regs[ORIG_RAX] = U64
                stops.append(context._stopped(STOP_INTERRUPTED, 0, 0, 0, 0, 0, 0, 0))
        self.interrupted = []
        return stops

    def wake(self) -> None:
        pass

    def watch(self, host: HostFile, events: int) -> None:
        pass

    def close(self) -> None:
        pass

    def nr_free_frames(self) -> int:
        return self.frames - self.used

    def nr_frames(self) -> int:
        return self.frames

    def vdso_symbols(self) -> dict[str, int]:
        return {}

    def reserved_ranges(self) -> list[tuple[int, int]]:
        return []
