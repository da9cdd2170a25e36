# SPDX-License-Identifier: MPL-2.0
"""The memory devices: /dev/null, zero, full, random, urandom (null(4), full(4), random(4); Linux drivers/char/mem.c, random.c)."""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import ENOSPC
from cruck.framework.hardware import AddressSpace, Machine, Segment
from cruck.framework.mm.user_memory import VmReader, VmWriter
from cruck.kernel.drivers.ioctl import random_ioctl
from cruck.kernel.drivers.registry import CharDriver
from cruck.kernel.vfs.file import File
from cruck.kernel.vfs.mapping import Mapping

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.process.task import Task
    from cruck.kernel.vfs.dentry import Path

MEM_MAJOR: Final = 1
MAX_LENGTH: Final = 1 << 62
RANDOM_CHUNK: Final = 1 << 16


class NullFile(File):
    """Reads end at once; writes go nowhere."""

    def __init__(self, flags: int) -> None:
        super().__init__(flags)
        self.is_seekable = True

    def read(self, out: VmWriter, offset: int) -> int:
        return 0

    def write(self, data: VmReader, offset: int) -> int:
        # Linux does not look at the bytes either: a bad address is no error here.
        count = data.remaining
        data.remaining = 0
        return count

    def lseek(self, offset: int, whence: int) -> int:
        self.pos = 0
        return 0


class ZeroFile(NullFile):
    kernel: "Kernel"

    def __init__(self, kernel: "Kernel", flags: int) -> None:
        super().__init__(flags)
        self.kernel = kernel

    def read(self, out: VmWriter, offset: int) -> int:
        return out.write_zeros(out.remaining)

    def mapping(self) -> Mapping | None:
        return ZeroMapping(self.kernel.machine)


class FullFile(NullFile):
    def read(self, out: VmWriter, offset: int) -> int:
        return out.write_zeros(out.remaining)

    def write(self, data: VmReader, offset: int) -> int:
        return -ENOSPC


class ZeroMapping(Mapping):
    """Pages of zeros: private ones are ordinary anonymous memory, shared ones are shared by those who inherit this mapping."""

    machine: Machine
    segment: Segment | None  # made at the first shared page

    def __init__(self, machine: Machine) -> None:
        super().__init__()
        self.machine = machine
        self.segment = None

    def length(self) -> int:
        return MAX_LENGTH

    def map_pages(self, space: AddressSpace, addr: int, length: int, offset: int, prot: int, private: bool) -> int:
        if private:
            return space.map_anon(addr, length, prot)
        if self.segment is None:
            self.segment = self.machine.new_segment()
        return space.map_segment(addr, length, self.segment, offset, prot, False)


class RandomFile(File):
    kernel: "Kernel"

    def __init__(self, kernel: "Kernel", flags: int) -> None:
        super().__init__(flags)
        self.kernel = kernel
        self.is_seekable = True

    def read(self, out: VmWriter, offset: int) -> int:
        """All that was asked for, fewer if a signal is pending after the first part."""
        done = 0
        task = self.kernel.current
        while out.remaining > 0 and not out.is_faulted:
            done += out.write(self.kernel.entropy.random_bytes(min(out.remaining, RANDOM_CHUNK)))
            if task is not None and task.has_deliverable_signal():
                break
        return done

    def write(self, data: VmReader, offset: int) -> int:
        """Accepted without being credited, as an unprivileged writer's bytes are; the kernel's randomness does not need them."""
        done = 0
        while data.remaining > 0 and not data.is_faulted:
            done += len(data.read(RANDOM_CHUNK))
        return done

    def lseek(self, offset: int, whence: int) -> int:
        self.pos = 0
        return 0

    def ioctl(self, task: "Task", command: int, argument: int) -> int:
        return random_ioctl(task, command, argument)


class MemDriver(CharDriver):
    def open(self, task: "Task", rdev: int, path: "Path | None", flags: int) -> File:
        minor = self.minor
        if minor == 3:
            return NullFile(flags)
        if minor == 5:
            return ZeroFile(task.kernel, flags)
        if minor == 7:
            return FullFile(flags)
        return RandomFile(task.kernel, flags)


NULL: Final = MemDriver("null", MEM_MAJOR, 3)
ZERO: Final = MemDriver("zero", MEM_MAJOR, 5)
FULL: Final = MemDriver("full", MEM_MAJOR, 7)
RANDOM: Final = MemDriver("random", MEM_MAJOR, 8)
URANDOM: Final = MemDriver("urandom", MEM_MAJOR, 9)
