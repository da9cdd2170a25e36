# SPDX-License-Identifier: MPL-2.0
"""Random calls whose pointers never overlap, watched: does a handler take the same byte of guest memory twice in one run?

A sibling thread may change a byte between two reads, so that what was checked is not what is used. Every pointer of a call gets memory of its
own here, structures in it point to further memory of their own, so that two reads of one byte are the handler's doing, not the guest's.
"""

from cruck.framework.hardware import RAX
from cruck.kernel.errors import LinuxError
from cruck.kernel.process.task import Task
from cruck.kernel.syscalls.signatures import SIGNATURES
from cruck.testing.fake_machine import FakeMachine, FakeSpace, ReadObserver
from cruck.testing.kernels import DATA, DATA_PAGES, MAP_FIXED, MAP_PRIVATE_ANONYMOUS
from cruck.testing.syscall_fuzzer import PATHS, SyscallFuzzer

ARENA = 0x5_0000_0000
ARENA_BYTES = 8 << 20
AREA_BYTES = 1 << 16  # what a call reads beyond it is not what its pointer meant
POINTERS = ("UserAddr", "InBuffer", "OutBuffer")
STRINGS = ("UserPath", "UserString")


class Watch(ReadObserver):
    """What one run of a handler has taken, as (space, address, length, where)."""

    def __init__(self) -> None:
        self.reads: list[tuple[FakeSpace, int, int]] = []
        self.swapped: set[int] = set()  # words that a compare-and-swap has decided on: what was loaded before it did not
        self.is_on = False

    def clear(self) -> None:
        self.reads.clear()
        self.swapped.clear()

    def atomic(self, space: FakeSpace, addr: int, is_swap: bool) -> None:
        if is_swap:
            self.swapped.add(addr)
        else:
            self.read(space, addr, 4)

    def read(self, space: FakeSpace, addr: int, length: int) -> None:
        if self.is_on and length:
            self.reads.append((space, addr, min(length, AREA_BYTES - addr % AREA_BYTES)))

    def taken_twice(self) -> tuple[int, int] | None:
        """(address, length) of bytes that were."""
        by_space: dict[int, list[tuple[int, int]]] = {}
        for space, addr, length in self.reads:
            by_space.setdefault(id(space), []).append((addr, addr + length))
        for intervals in by_space.values():
            intervals.sort()
            for (_, end), (start, other_end) in zip(intervals, intervals[1:], strict=False):
                if start < end and start not in self.swapped:
                    return start, min(end, other_end) - start
        return None


class ReadOnceFuzzer(SyscallFuzzer):
    def __init__(self, seed: int) -> None:
        self.watch = Watch()
        self.twice: dict[str, str] = {}  # by name of the call: an example
        self.readers: set[str] = set()  # calls that took anything
        super().__init__(seed)
        self.numbers = [nr for nr in self.numbers if nr in (16, 72) or any(kind in POINTERS + STRINGS for kind in SIGNATURES[nr][1])]

    def new_world(self) -> None:
        super().new_world()
        machine = self.kernel.machine
        assert isinstance(machine, FakeMachine)
        machine.observer = self.watch

    def call(self, task: Task, nr: int, args: tuple[int, int, int, int, int, int]) -> None:
        """One run of a handler, with its reads recorded."""
        kernel, nr_runs = self.kernel, self.kernel.nr_calls
        self.watch.clear()
        self.watch.is_on = True
        super().call(task, nr, args)
        self.watch.is_on = False
        name = SIGNATURES[nr][0] if nr in SIGNATURES else str(nr)
        if self.watch.reads:
            self.readers.add(name)
        found = self.watch.taken_twice() if kernel.nr_calls == nr_runs + 1 else None  # else a signal has made it run again
        if found is not None:
            shown = ", ".join(hex(arg) for arg in args)
            reads = ", ".join(f"{addr:#x}+{length}" for _, addr, length in self.watch.reads[:9])
            self.twice.setdefault(name, f"{name}({shown}): {found[0]:#x}+{found[1]} of {reads}")

    def choose_call(self, task: Task) -> tuple[int, tuple[int, int, int, int, int, int]]:
        nr, args = super().choose_call(task)
        self.at = ARENA
        kinds = SIGNATURES[nr][1] if nr in SIGNATURES else ()
        values = list(args)
        for index, value in enumerate(values):
            kind = kinds[index] if index < len(kinds) else ""
            if kind in STRINGS and value:
                values[index] = self.area(task, self.random.choice(PATHS)[:255] + b"\0")
            elif value and (kind in POINTERS or DATA <= value < DATA + DATA_PAGES * 4096):
                values[index] = self.area(task, self.structure(task, 2))
        return nr, (values[0], values[1], values[2], values[3], values[4], values[5])

    def area(self, task: Task, content: bytes) -> int:
        """Fresh memory with `content`."""
        addr, self.at = self.at, self.at + AREA_BYTES
        if not task.mm.resolve_fault(addr, 2):
            try:
                task.mm.mmap(ARENA, ARENA_BYTES, 3, MAP_PRIVATE_ANONYMOUS | MAP_FIXED, None, 0)
            except LinuxError:
                return addr
            task.mm.resolve_fault(addr, 2)
        task.mm.space.write(addr, content)
        return addr

    def structure(self, task: Task, depth: int) -> bytes:
        """Words of one of the patterns structures have; pointers in them lead to structures."""
        pattern = self.random.choice(("words", "ints", "pairs", "pointers", "sockaddr", "random", "text"))
        if pattern == "ints":
            return b"".join(self.random.choice((0, 1, 2, 3, 8, 24, 64)).to_bytes(4, "little") for _ in range(64))
        if pattern == "random":
            return self.random.randbytes(256)
        if pattern == "text":
            return self.random.choice(PATHS)[:64].ljust(256, b"\0")
        if pattern == "sockaddr":
            return self.random.choice((b"\1\0sock\0", b"\2\0\0\120\177\0\0\1", b"\n\0\0\120", b"\20\0\0\0")).ljust(128, b"\0")
        out = bytearray()
        for index in range(16):
            is_pointer = pattern == "pointers" and index < 6 or pattern == "pairs" and index % 2 == 0
            if is_pointer and depth and self.random.random() < 0.9:
                out += self.area(task, self.structure(task, depth - 1)).to_bytes(8, "little")
            else:
                out += self.random.choice((0, 0, 1, 2, 3, 8, 16, 40, 100)).to_bytes(8, "little")
        return bytes(out)


class Flipper(ReadObserver):
    """A sibling that is always there first: what was taken is something else at once."""

    def __init__(self, fuzzer: SyscallFuzzer) -> None:
        self.random = fuzzer.random
        self.is_on = True

    def read(self, space: FakeSpace, addr: int, length: int) -> None:
        if self.is_on and 0 < length <= 4096:
            self.is_on = False
            kind = self.random.random()
            data = bytes(length) if kind < 0.3 else b"\xff" * length if kind < 0.6 else self.random.randbytes(length)
            space.write(addr, data)
            self.is_on = True


class Directed:
    """Calls by hand on a watched kernel, for what random arguments seldom reach. A bytes argument is put into memory of its own."""

    def __init__(self, fuzzer: ReadOnceFuzzer) -> None:
        self.fuzzer = fuzzer
        fuzzer.at = ARENA
        self.task = fuzzer.next_task()

    def put(self, content: bytes) -> int:
        return self.fuzzer.area(self.task, content)

    def __call__(self, nr: int, *args: int | bytes) -> int:
        """The call's result; blocked calls are given up."""
        values = tuple((self.put(arg) if isinstance(arg, bytes) else arg) & (1 << 64) - 1 for arg in args) + (0,) * (6 - len(args))
        self.fuzzer.call(self.task, nr, values)  # type: ignore[arg-type]
        result = self.task.context.get_reg(RAX)
        return result - (1 << 64) if result >> 63 else result
