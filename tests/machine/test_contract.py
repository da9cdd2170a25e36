# SPDX-License-Identifier: MPL-2.0
"""The hardware contract: the same tests against the host machine and the fake one."""

from collections.abc import Callable, Iterator

import pytest

from cruck.framework.hardware import (
    FS_BASE,
    NR_REGS,
    ORIG_RAX,
    PAGE_SIZE,
    PROT_EXEC,
    PROT_READ,
    PROT_WRITE,
    PTE_COW,
    R10,
    RAX,
    RDI,
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
    Stop,
)
from cruck.framework.host_machine import HostMachine
from cruck.testing.fake_machine import Call, FakeMachine, Spin, Step, Store, Touch, Trap

CODE = 0x40_0000
DATA = 0x50_0000
RW = PROT_READ | PROT_WRITE
RX = PROT_READ | PROT_EXEC
FAR_FUTURE_NS = 1 << 62


def assemble(steps: list[Step]) -> bytes:
    """The steps of a fake program as x86-64 machine code."""
    code = b""
    registers = (b"\x48\xbf", b"\x48\xbe", b"\x48\xba", b"\x49\xba", b"\x49\xb8", b"\x49\xb9")  # movabs to rdi rsi rdx r10 r8 r9
    for step in steps:
        if isinstance(step, Call):
            for prefix, value in zip(registers, step.args, strict=False):
                if value is not None:
                    code += prefix + (value & (1 << 64) - 1).to_bytes(8, "little")
            code += b"\x48\xb8" + (step.nr & (1 << 64) - 1).to_bytes(8, "little") + b"\x0f\x05"
        elif isinstance(step, Store):
            for offset, byte in enumerate(step.data):
                code += b"\xb0" + bytes([byte]) + b"\xa2" + (step.addr + offset).to_bytes(8, "little")  # mov al, imm; movabs [addr], al
        elif isinstance(step, Touch):
            code += b"\xa0" + step.addr.to_bytes(8, "little")
        elif isinstance(step, Spin):
            code += b"\xeb\xfe"
        elif isinstance(step, Trap):
            code += b"\xcc"
        else:
            raise AssertionError(step)
    return code


class Rig:
    def __init__(self, machine: Machine, load: Callable[[AddressSpace, int, list[Step]], None]) -> None:
        self.machine = machine
        self.load = load

    def start(self, steps: list[Step], space: AddressSpace | None = None, code: int = CODE, tag: int = 1) -> tuple[AddressSpace, Context]:
        if space is None:
            space = self.machine.new_space()
        self.load(space, code, steps)
        context = space.new_context()
        context.set_tag(tag)
        context.set_reg(RIP, code)
        return space, context

    def stop(self, context: Context) -> Stop:
        """Runs the context to its next stop."""
        context.run()
        while True:
            stops = self.machine.wait(-1, 0) if isinstance(self.machine, HostMachine) else self.machine.wait(0, 0)
            if stops:
                assert len(stops) == 1 and stops[0][0] == context.tag
                return stops[0]


@pytest.fixture(params=["host", "fake"])
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    if request.param == "fake":
        fake = FakeMachine(4096)
        yield Rig(fake, lambda space, code, steps: fake.load(code, steps))
        return
    host = HostMachine(16 << 20)

    def load(space: AddressSpace, code: int, steps: list[Step]) -> None:
        text = assemble(steps)
        assert space.map_anon(code, PAGE_SIZE, RW) == 0
        assert space.write(code, text) == len(text)
        assert space.protect(code, PAGE_SIZE, RX) == 0

    yield Rig(host, load)
    host.close()


def test_a_system_call_stops_with_number_and_arguments(rig: Rig) -> None:
    _, context = rig.start([Call(0x123, 1, 2, 3, 4, 5, (1 << 64) - 1)])
    assert rig.stop(context) == (1, STOP_SYSCALL, 0x123, 1, 2, 3, 4, 5, (1 << 64) - 1)
    assert context.get_reg(ORIG_RAX) == 0x123
    assert context.get_reg(RAX) == (-38) & (1 << 64) - 1
    assert context.get_reg(R10) == 4
    assert not context.is_running()


def test_the_result_reaches_the_program(rig: Rig) -> None:
    _, context = rig.start([Call(1), Call(2, None)])
    rig.stop(context)
    context.set_result(-14)
    context.set_reg(RDI, 77)
    assert rig.stop(context)[2:4] == (2, 77)


def test_a_call_is_restarted_by_going_back_two_bytes(rig: Rig) -> None:
    _, context = rig.start([Call(7, 8)])
    rig.stop(context)
    context.set_reg(RAX, 7)
    context.set_reg(RIP, context.get_reg(RIP) - 2)
    assert rig.stop(context)[2:4] == (7, 8)


def test_an_absent_page_faults_and_the_access_is_repeated(rig: Rig) -> None:
    space, context = rig.start([Store(DATA + 5, b"x"), Call(9)])
    stop = rig.stop(context)
    assert stop[:4] == (1, STOP_FAULT, DATA + 5, PROT_WRITE)
    assert space.map_anon(DATA, PAGE_SIZE, RW) == 0
    assert rig.stop(context)[1:3] == (STOP_SYSCALL, 9)
    assert space.read(DATA, 8) == b"\0\0\0\0\0x\0\0"


def test_reading_and_writing_need_their_permission(rig: Rig) -> None:
    space, context = rig.start([Touch(DATA), Store(DATA, b"y"), Call(9)])
    assert rig.stop(context)[2:4] == (DATA, PROT_READ)
    space.map_anon(DATA, PAGE_SIZE, PROT_READ)
    assert rig.stop(context)[2:4] == (DATA, PROT_WRITE)
    space.protect(DATA, PAGE_SIZE, RW)
    assert rig.stop(context)[2] == 9
    assert space.read(DATA, 1) == b"y"


def test_jumping_to_nowhere_is_an_execute_fault(rig: Rig) -> None:
    _, context = rig.start([Call(1)])
    context.set_reg(RIP, 0x66_0000)
    assert rig.stop(context)[1:4] == (STOP_FAULT, 0x66_0000, PROT_EXEC)


def test_an_exception_is_reported_with_its_signal(rig: Rig) -> None:
    _, context = rig.start([Trap(5, 0x80)])
    assert rig.stop(context)[1:4] == (STOP_EXCEPTION, 5, 0x80)


def test_an_endless_loop_can_be_interrupted_and_goes_on(rig: Rig) -> None:
    _, context = rig.start([Spin()])
    for _ in range(3):
        context.run()
        assert rig.machine.wait(0, 0) == []
        assert context.is_running()
        context.interrupt()
        stops: list[Stop] = []
        while not stops:
            stops = rig.machine.wait(-1, 0)
        assert stops[0][:2] == (1, STOP_INTERRUPTED)
        assert context.get_reg(ORIG_RAX) == (1 << 64) - 1


def test_registers_travel_to_another_context(rig: Rig) -> None:
    space, parent = rig.start([Call(1, 11, 22), Call(2, None, None)])
    rig.stop(parent)
    child = space.new_context()
    child.set_tag(2)
    child.set_registers(parent.registers())
    assert child.set_fpu(parent.fpu())
    child.set_result(0)
    assert rig.stop(child)[:5] == (2, STOP_SYSCALL, 2, 11, 22)
    assert len(child.registers()) == NR_REGS


def test_segment_registers_and_unsafe_flags_cannot_be_forged(rig: Rig) -> None:
    _, context = rig.start([Call(1)])
    context.set_reg(RSP, DATA)
    context.set_reg(FS_BASE, 0x1234000)
    assert rig.stop(context)[2] == 1
    assert context.get_reg(FS_BASE) == 0x1234000
    assert context.get_reg(RSP) == DATA


def test_fork_is_copy_on_write_on_both_sides(rig: Rig) -> None:
    parent = rig.machine.new_space()
    parent.map_anon(DATA, 2 * PAGE_SIZE, RW)
    parent.write(DATA, b"before")
    child = rig.machine.new_space()
    assert child.clone_range(parent, DATA, 2 * PAGE_SIZE, False) == 0
    assert child.read(DATA, 6) == b"before"
    assert parent.lookup(DATA) & PTE_COW and child.lookup(DATA) & PTE_COW
    assert parent.write(DATA, b"x") == 0, "a copy-on-write page is not writable"
    assert parent.break_cow(DATA, RW) == 0
    assert parent.write(DATA, b"parent") == 6
    assert child.read(DATA, 6) == b"before"
    assert child.break_cow(DATA, RW) == 0
    assert child.write(DATA, b"child!") == 6
    assert parent.read(DATA, 6) == b"parent"


def test_a_segment_is_shared_between_spaces(rig: Rig) -> None:
    segment = rig.machine.new_segment()
    one, two = rig.machine.new_space(), rig.machine.new_space()
    assert one.map_segment(DATA, PAGE_SIZE, segment, PAGE_SIZE, RW, False) == 0
    assert two.map_segment(DATA, PAGE_SIZE, segment, PAGE_SIZE, PROT_READ, False) == 0
    assert one.write(DATA + 10, b"shared") == 6
    assert two.read(DATA + 10, 6) == b"shared"
    assert segment.read(PAGE_SIZE + 10, 6) == b"shared"
    assert two.write(DATA, b"x") == 0


def test_a_private_mapping_of_a_segment_keeps_its_changes(rig: Rig) -> None:
    segment = rig.machine.new_segment()
    segment.write(0, b"original")
    space = rig.machine.new_space()
    assert space.map_segment(DATA, PAGE_SIZE, segment, 0, RW, True) == 0
    assert space.break_cow(DATA, RW) == 0
    assert space.write(DATA, b"changed!") == 8
    assert segment.read(0, 8) == b"original"


def test_segments_are_sparse(rig: Rig) -> None:
    segment = rig.machine.new_segment()
    assert segment.write(1 << 40, b"far") == 3
    assert segment.nr_pages() == 1
    assert segment.read(123, 4) == bytes(4)
    assert segment.next_data(0) == 1 << 40
    assert segment.next_hole(1 << 40) == (1 << 40) + PAGE_SIZE
    segment.discard(1 << 40, PAGE_SIZE)
    assert segment.nr_pages() == 0 and segment.next_data(0) == -1


def test_data_access_is_short_at_the_first_inaccessible_byte(rig: Rig) -> None:
    space = rig.machine.new_space()
    space.map_anon(DATA, PAGE_SIZE, RW)
    end = DATA + PAGE_SIZE
    assert space.write(end - 3, b"abcdef") == 3
    assert space.read(end - 3, 10) == b"abc"
    assert space.read(end, 1) == b""
    assert space.read_cstring(end - 3, 100) == (b"abc", 2)
    space.write(end - 1, b"\0")
    assert space.read_cstring(end - 3, 100) == (b"ab", 0)
    assert space.read_cstring(end - 3, 2) == (b"ab", 1)
    assert space.zero(end - 2, 10) == 2
    assert space.read(1 << 63, 4) == b"" and space.write((1 << 64) - 8, b"x") == 0


def test_copies_between_guest_and_segment(rig: Rig) -> None:
    space = rig.machine.new_space()
    segment = rig.machine.new_segment()
    space.map_anon(DATA, 2 * PAGE_SIZE, RW)
    space.write(DATA + PAGE_SIZE - 4, b"crossing")
    assert space.copy_to_segment(DATA + PAGE_SIZE - 4, segment, 5, 8) == 8
    assert segment.read(5, 8) == b"crossing"
    assert space.copy_from_segment(DATA, segment, 5, 8) == 8
    assert space.read(DATA, 8) == b"crossing"
    assert space.copy_from_segment(DATA + 2 * PAGE_SIZE - 3, segment, 5, 8) == 3


def test_atomics(rig: Rig) -> None:
    space = rig.machine.new_space()
    space.map_anon(DATA, PAGE_SIZE, RW)
    assert space.load_u32(DATA) == 0
    assert space.cas_u32(DATA, 0, 5) == 0
    assert space.cas_u32(DATA, 0, 6) == 5
    assert space.load_u32(DATA) == 5
    assert space.load_u32(DATA + PAGE_SIZE) == -1
    space.protect(DATA, PAGE_SIZE, PROT_READ)
    assert space.cas_u32(DATA, 5, 6) == -1


def test_unmapped_pages_are_gone_and_come_back_zeroed(rig: Rig) -> None:
    space = rig.machine.new_space()
    free = rig.machine.nr_free_frames()
    space.map_anon(DATA, 4 * PAGE_SIZE, RW)
    space.write(DATA, b"secret")
    assert space.nr_resident() == 4 and rig.machine.nr_free_frames() == free - 4
    assert space.unmap(DATA, 4 * PAGE_SIZE) == 0
    assert space.lookup(DATA) == 0 and space.nr_resident() == 0
    assert space.settle() == 0
    assert rig.machine.nr_free_frames() == free
    space.map_anon(DATA, PAGE_SIZE, RW)
    assert space.read(DATA, 6) == bytes(6)


def test_moved_pages_keep_their_contents(rig: Rig) -> None:
    space = rig.machine.new_space()
    space.map_anon(DATA, PAGE_SIZE, RW)
    space.write(DATA, b"moving")
    assert space.move(DATA, DATA + 0x10_0000, PAGE_SIZE) == 0
    assert space.read(DATA, 1) == b"" and space.read(DATA + 0x10_0000, 6) == b"moving"
    assert space.resident(DATA + 0x10_0000, 2 * PAGE_SIZE) == b"\1\0"


def test_ram_runs_out_with_an_errno(rig: Rig) -> None:
    space = rig.machine.new_space()
    pages = rig.machine.nr_frames() + 1
    assert space.map_anon(DATA, pages * PAGE_SIZE, RW) == -12
    assert space.unmap(DATA, pages * PAGE_SIZE) == 0
    assert space.map_anon(DATA, PAGE_SIZE, RW) == 0


@pytest.mark.parametrize(("addr", "length"), [(1, PAGE_SIZE), (DATA, 1), (-PAGE_SIZE, PAGE_SIZE), (0x7FF0_0000_0000, PAGE_SIZE)])
def test_ranges_that_are_no_pages_of_user_space_are_refused(rig: Rig, addr: int, length: int) -> None:
    space = rig.machine.new_space()
    with pytest.raises((ValueError, OverflowError)):
        space.map_anon(addr, length, RW)
    with pytest.raises((ValueError, OverflowError)):
        space.unmap(addr, length)


def test_a_context_that_runs_cannot_be_run_again(rig: Rig) -> None:
    _, context = rig.start([Spin()])
    context.run()
    with pytest.raises(RuntimeError):
        context.run()
    context.interrupt()
    while not rig.machine.wait(-1, 0):
        pass
    context.release()
    with pytest.raises(RuntimeError):
        context.run()


def test_nothing_ready_returns_at_once_with_deadline_zero(rig: Rig) -> None:
    assert rig.machine.wait(0, 0) == []


def test_second_register_argument_survives_unrelated_writes(rig: Rig) -> None:
    _, context = rig.start([Call(3, 1, 2)])
    context.set_reg(RSI, 99)
    assert rig.stop(context)[2:5] == (3, 1, 2)
