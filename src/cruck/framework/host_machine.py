# SPDX-License-Identifier: MPL-2.0
"""HostMachine: the hardware contract over the native machine (`_machine`, C).

Thin: each method is one call into C, which checks everything; what is added is types. The contracts are in
`_machine.pyi` and hardware.py. Handles of the host cannot be copied: pickling a running HostMachine is refused.
"""

import os
from typing import Final, NoReturn

from cruck.framework import _machine, vdso_image
from cruck.framework.hardware import AddressSpace, Context, Machine, Segment, Stop
from cruck.framework.io.host_file import HostFile

STUB_PATH: Final = os.path.join(os.path.dirname(__file__), "machine", "stub", "stub")


def _refuse_pickle(what: str) -> NoReturn:
    raise TypeError(f"cannot pickle a {what}: it is a handle of the running machine; take a snapshot instead")


def _descriptor(host: HostFile) -> int:
    """Only a real HostFile stands for a file of the host: anything that merely has a `_fd` would be a forged one."""
    if not isinstance(host, HostFile):
        raise TypeError(f"expected HostFile, got {type(host).__name__}")
    return host._fd


class HostSegment(Segment):
    def __init__(self, machine: _machine.Machine) -> None:
        self._c = _machine.Segment(machine)

    def __reduce__(self) -> NoReturn:
        _refuse_pickle("HostSegment")

    def read(self, offset: int, length: int) -> bytes:
        return self._c.read(offset, length)

    def write(self, offset: int, data: bytes) -> int:
        return self._c.write(offset, data)

    def discard(self, offset: int, length: int) -> None:
        self._c.discard(offset, length)

    def copy_from(self, source: Segment, source_offset: int, offset: int, length: int) -> int:
        assert isinstance(source, HostSegment)
        return self._c.copy_from(source._c, source_offset, offset, length)

    def read_host(self, offset: int, host: HostFile, host_offset: int, length: int) -> int:
        return self._c.read_host(offset, _descriptor(host), host_offset, length)

    def write_host(self, offset: int, host: HostFile, host_offset: int, length: int) -> int:
        return self._c.write_host(offset, _descriptor(host), host_offset, length)

    def next_data(self, offset: int) -> int:
        return self._c.next_data(offset)

    def next_hole(self, offset: int) -> int:
        return self._c.next_hole(offset)

    def nr_pages(self) -> int:
        return self._c.nr_pages


class HostContext(Context):
    def __init__(self, space: _machine.Space) -> None:
        self._c = _machine.Context(space)
        self.tag = 0

    def __reduce__(self) -> NoReturn:
        _refuse_pickle("HostContext")

    def set_tag(self, tag: int) -> None:
        self.tag = tag
        self._c.tag = tag

    def run(self) -> None:
        self._c.run()

    def resume(self, value: int) -> None:
        self._c.resume(value)

    def park(self) -> None:
        self._c.park()

    def interrupt(self) -> None:
        self._c.interrupt()

    def release(self) -> None:
        self._c.release()

    def is_running(self) -> bool:
        return self._c.is_running

    def get_reg(self, index: int) -> int:
        return self._c.get_reg(index)

    def set_reg(self, index: int, value: int) -> None:
        self._c.set_reg(index, value)

    def registers(self) -> tuple[int, ...]:
        return self._c.registers()

    def set_registers(self, values: tuple[int, ...]) -> None:
        self._c.set_registers(values)

    def set_result(self, value: int) -> None:
        self._c.set_result(value)

    def fpu(self) -> bytes:
        return self._c.fpu()

    def set_fpu(self, data: bytes) -> bool:
        return self._c.set_fpu(data)

    def reset_fpu(self) -> None:
        self._c.reset_fpu()

    def cpu_time_ns(self) -> int:
        return self._c.cpu_time_ns


class HostAddressSpace(AddressSpace):
    def __init__(self, machine: _machine.Machine) -> None:
        self._c = _machine.Space(machine)

    def __reduce__(self) -> NoReturn:
        _refuse_pickle("HostAddressSpace")

    def close(self) -> None:
        self._c.close()

    def is_dead(self) -> bool:
        return self._c.is_dead

    def nr_resident(self) -> int:
        return self._c.nr_resident

    def settle(self) -> int:
        return self._c.settle()

    def new_context(self) -> Context:
        return HostContext(self._c)

    def map_anon(self, addr: int, length: int, prot: int) -> int:
        return self._c.map_anon(addr, length, prot)

    def map_segment(self, addr: int, length: int, segment: Segment, offset: int, prot: int, private: bool) -> int:
        assert isinstance(segment, HostSegment)
        return self._c.map_segment(addr, length, segment._c, offset, prot, private)

    def map_host(self, addr: int, length: int, host: HostFile, offset: int, prot: int, shared: bool) -> int:
        return self._c.map_host(addr, length, _descriptor(host), offset, prot, shared)

    def unmap(self, addr: int, length: int) -> int:
        return self._c.unmap(addr, length)

    def protect(self, addr: int, length: int, prot: int) -> int:
        return self._c.protect(addr, length, prot)

    def move(self, old: int, new: int, length: int) -> int:
        return self._c.move(old, new, length)

    def break_cow(self, addr: int, prot: int) -> int:
        return self._c.break_cow(addr, prot)

    def clone_range(self, source: AddressSpace, addr: int, length: int, share: bool) -> int:
        assert isinstance(source, HostAddressSpace)
        return self._c.clone_range(source._c, addr, length, share)

    def touch(self, addr: int) -> int:
        return self._c.touch(addr)

    def lookup(self, addr: int) -> int:
        return self._c.lookup(addr)

    def resident(self, addr: int, length: int) -> bytes:
        return self._c.resident(addr, length)

    def read(self, addr: int, length: int) -> bytes:
        return self._c.read(addr, length)

    def write(self, addr: int, data: bytes) -> int:
        return self._c.write(addr, data)

    def read_cstring(self, addr: int, limit: int) -> tuple[bytes, int]:
        return self._c.read_cstring(addr, limit)

    def zero(self, addr: int, length: int) -> int:
        return self._c.zero(addr, length)

    def read_force(self, addr: int, length: int) -> bytes:
        return self._c.read_force(addr, length)

    def copy_to_segment(self, addr: int, segment: Segment, offset: int, length: int) -> int:
        assert isinstance(segment, HostSegment)
        return self._c.copy_to_segment(addr, segment._c, offset, length)

    def copy_from_segment(self, addr: int, segment: Segment, offset: int, length: int) -> int:
        assert isinstance(segment, HostSegment)
        return self._c.copy_from_segment(addr, segment._c, offset, length)

    def read_host(self, addr: int, host: HostFile, host_offset: int, length: int, flags: int) -> int:
        return self._c.read_host(addr, _descriptor(host), host_offset, length, flags)

    def write_host(self, addr: int, host: HostFile, host_offset: int, length: int, flags: int) -> int:
        return self._c.write_host(addr, _descriptor(host), host_offset, length, flags)

    def load_u32(self, addr: int) -> int:
        return self._c.load_u32(addr)

    def cas_u32(self, addr: int, old: int, new: int) -> int:
        return self._c.cas_u32(addr, old, new)


class HostMachine(Machine):
    """Errors of the constructor: OSError naming what the host refused; `cruck doctor` explains it."""

    def __init__(self, ram_bytes: int, hidden: bool = True) -> None:
        """hidden: children of ours must not show in the host program's wait() and SIGCHLD (library use)."""
        self._c = _machine.Machine(os.fsencode(STUB_PATH), ram_bytes, hidden)
        self.user_end = _machine.USER_END
        self.fpu_bytes = _machine.FPU_BYTES

    def __reduce__(self) -> NoReturn:
        _refuse_pickle("HostMachine")

    def new_space(self) -> AddressSpace:
        return HostAddressSpace(self._c)

    def new_segment(self) -> Segment:
        return HostSegment(self._c)

    def wait(self, deadline_ns: int, spin_ns: int) -> list[Stop]:
        return self._c.wait(deadline_ns, spin_ns)

    def wake(self) -> None:
        self._c.wake()

    def watch(self, host: HostFile, events: int) -> None:
        self._c.watch(_descriptor(host), events, host.tag)

    def set_spin(self, spin_ns: int) -> None:
        """How long a stopped guest thread polls for its resume before it sleeps; 0: not at all."""
        self._c.set_spin(spin_ns)

    def settle(self, settles: bool) -> None:
        """The calling thread does nothing but run the kernel (True), or no longer: it and the guests may be given processors of their own."""
        self._c.settle(settles)

    def close(self) -> None:
        self._c.close()

    def nr_free_frames(self) -> int:
        return self._c.nr_free_frames

    def nr_frames(self) -> int:
        return self._c.nr_frames

    def vdso_symbols(self) -> dict[str, int]:
        vdso = self._c.vdso
        return vdso_image.symbols(vdso[1], vdso[0]) if vdso is not None else {}

    def reserved_ranges(self) -> list[tuple[int, int]]:
        return self._c.reserved_ranges

    def features(self) -> dict[str, int]:
        return self._c.features
