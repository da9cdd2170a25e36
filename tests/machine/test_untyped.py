# SPDX-License-Identifier: MPL-2.0
"""Untyped memory: no Python object is a view of what a guest or device can change, and the C part reads what decides only once."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

from cruck.framework.hardware import AddressSpace
from cruck.framework.host_machine import HostMachine
from cruck.framework.io.host_file import HostFile
from cruck.framework.mm.user_memory import FaultResolver, UserMemory, UserReader, UserWriter

from .conftest import DATA, _machine

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "fuzz" / "parsers"))

from run import compile_target  # noqa: E402


class NoFaults(FaultResolver):
    def resolve_fault(self, addr: int, access: int) -> bool:
        return False


class Space(AddressSpace):
    """What UserMemory needs of an address space, over the native one."""

    def __init__(self, native) -> None:
        self.native = native

    def read(self, addr: int, length: int) -> bytes:
        return self.native.read(addr, length)

    def write(self, addr: int, data: bytes) -> int:
        return self.native.write(addr, data)

    def read_cstring(self, addr: int, limit: int) -> tuple[bytes, int]:
        return self.native.read_cstring(addr, limit)


def taken(guest, segment, path) -> dict[str, object]:
    """Every way by which bytes of a guest or a segment come out, with what came."""
    space, memory = guest.space, UserMemory(Space(guest.space), NoFaults(), _machine.USER_END)
    host = HostFile(os.open(path, os.O_RDWR))
    results = {
        "read": space.read(DATA, 64),
        "read_cstring": space.read_cstring(DATA, 64),
        "read_force": space.read_force(DATA, 64),
        "load_u32": space.load_u32(DATA),
        "cas_u32": space.cas_u32(DATA, 0, 0),
        "resident": space.resident(DATA, 4096),
        "segment": segment.read(0, 64),
        "registers": guest.context.registers(),
        "fpu": guest.context.fpu(),
        "memory": memory.read(DATA, 64),
        "memory_cstring": memory.read_cstring(DATA, 64),
        "memory_words": (memory.read_u32(DATA), memory.read_u64(DATA), memory.read_s32(DATA), memory.read_s64(DATA)),
        "reader": UserReader(memory, [(DATA, 32), (DATA + 8, 8)]).read(40),
        "to_host": space.write_host(DATA, host._fd, 0, 64, 0),
        "host": host.pread(64, 0),
        "to_segment": space.copy_to_segment(DATA, segment, 4096, 64),
        "segment_copy": segment.read(4096, 64),
        "vdso": guest.machine.vdso,
    }
    host.close()
    return results


def everything(value: object) -> list[object]:
    return [part for item in value for part in everything(item)] if isinstance(value, tuple) else [value]


def test_what_came_out_does_not_change_when_the_guest_writes(guest, tmp_path):
    g = guest("movq $0x5a5a5a5a, 0x500000; movq $-1, 0x500008; movaps %xmm1, %xmm0; mov $39, %eax; syscall; mov $39, %eax; syscall")
    (tmp_path / "file").write_bytes(bytes(4096))
    segment = _machine.Segment(g.machine)
    segment.write(0, b"\x11" * 8192)
    assert g.space.write(DATA, b"guest\0memory".ljust(64, b"\x22")) == 64
    before = taken(g, segment, tmp_path / "file")
    copies = repr(before)
    for value in before.values():
        assert all(type(part) in (bytes, int, str, type(None)) for part in everything(value))
    g.step()  # the guest writes, its registers and FPU state change
    g.space.write(DATA, b"\x77" * 4096)
    segment.write(0, b"\x88" * 8192)
    (tmp_path / "file").write_bytes(b"\x99" * 4096)
    g.space.unmap(DATA, 4096)
    segment.discard(0, 8192)
    assert repr(before) == copies


def test_what_went_in_is_copied(guest):
    g = guest("nop")
    data = bytes(range(64))
    assert g.space.write(DATA, data) == 64
    g.space.write(DATA, b"\xff" * 64)
    segment = _machine.Segment(g.machine)
    segment.write(0, data)
    segment.write(0, b"\xee" * 64)
    UserWriter(UserMemory(Space(g.space), NoFaults(), _machine.USER_END), [(DATA, 64)]).write(data)
    g.space.zero(DATA, 64)
    assert data == bytes(range(64))


def test_only_immutable_bytes_go_in(guest):
    """A bytearray or a view could be resized, or be somebody's memory, while the call waits."""
    g = guest("nop")
    segment = _machine.Segment(g.machine)
    for wrong in (bytearray(b"x"), memoryview(b"x"), "x", None):
        with pytest.raises(TypeError):
            g.space.write(DATA, wrong)
        with pytest.raises(TypeError):
            segment.write(0, wrong)
        with pytest.raises(TypeError):
            g.context.set_fpu(wrong)


def test_a_number_in_disguise_is_no_file():
    """What merely looks like a HostFile stands for no file of the host: a service could make one."""

    class Forged:
        def __init__(self) -> None:
            self._fd = 0
            self.tag = 0

    machine = HostMachine(1 << 20)
    space, segment = machine.new_space(), machine.new_segment()
    for call in (
        lambda file: space.map_host(DATA, 4096, file, 0, 1, False),
        lambda file: space.read_host(DATA, file, 0, 1, 0),
        lambda file: space.write_host(DATA, file, 0, 1, 0),
        lambda file: segment.read_host(0, file, 0, 1),
        lambda file: segment.write_host(0, file, 0, 1),
        lambda file: machine.watch(file, 1),
    ):
        with pytest.raises(TypeError, match="HostFile"):
            call(Forged())
    machine.close()


def test_no_object_of_the_framework_is_a_buffer(guest):
    g = guest("nop")
    for thing in (g.machine, g.space, g.context, _machine.Segment(g.machine)):
        with pytest.raises(TypeError):
            memoryview(thing)
        assert not hasattr(thing, "__array_interface__") and not hasattr(thing, "__dict__")


def test_an_area_that_changes_after_any_access_misleads_nobody(tmp_path):
    """The C part runs one instruction at a time; after each access the whole context area is something else."""
    if shutil.which("gcc") is None:
        pytest.skip("needs a C compiler")
    program = str(tmp_path / "flip_area")
    compile_target("gcc", "../../machine/flip_area", program, "-DSTANDALONE", "-O2")
    result = subprocess.run([program], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    accesses, _, _, _, stops, *_ = result.stderr.splitlines()[-1].split()
    assert int(accesses) >= 10 and int(stops) > 500, result.stderr
