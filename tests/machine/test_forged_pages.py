# SPDX-License-Identifier: MPL-2.0
"""What a guest writes into the pages it shares with its pager and with us: its own space dies at most."""

import os
import time

import pytest

from .conftest import CODE, DATA, FS_BASE, GS_BASE, MIB, STUB, Guest, _machine, assemble, next_stop, run, soon

SCRATCH = 0x7FF000202000
MESSAGE_VECTOR = SCRATCH + 8 + 16
MESSAGE_CONTROL = SCRATCH + 8 + 32
KERNELS_HALF = 0xFFFF_8000_0000_0000
FOREVER = "1: mov %rcx, (%rdx); jmp 1b"
LOOP = "1: mov $110, %eax\n syscall\n jmp 1b"


@pytest.fixture
def host_file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"x" * 65536)
    fd = os.open(path, os.O_RDONLY)
    yield fd
    os.close(fd)


def start(g):
    """The guest loops from now on: its first stop is ours, and needs a look at the machine."""
    g.context.run()
    assert g.machine.wait(soon(0.02), 0) == []


def map_and_unmap(space, fd, seconds=0.0):
    """The last result of many mappings of a host file; each sends a descriptor to the pager. Goes on for `seconds`, or until one fails: where
    others use the processors, a racing guest may take long to meet one."""
    deadline = time.monotonic() + seconds
    nr = 0
    while nr < 300 or time.monotonic() < deadline:
        nr += 1
        result = space.map_host(0x700000, 65536, fd, 0, 1, False)
        if result < 0:
            return result
        assert space.unmap(0x700000, 65536) == 0
    return 0


@pytest.mark.parametrize("value", [1, 0, 0xFFFF_FFFF_FFFF_F000, DATA])
def test_a_message_that_cannot_be_taken_ends_the_space(machine, host_file, value):
    """The datagram would stay in the socket, be read as one "go" too many, and every later answer be ahead of its orders."""
    bystander = Guest(machine, LOOP)
    g = Guest(machine, f"movabs ${MESSAGE_VECTOR}, %rdx; movabs ${value}, %rcx; {FOREVER}")
    start(g)
    assert map_and_unmap(g.space, host_file, 30) == -3
    assert g.space.is_dead and next_stop(machine, g.context)[0] == _machine.STOP_DEAD
    assert map_and_unmap(bystander.space, host_file) == 0 and bystander.step()[0] == _machine.STOP_SYSCALL


def test_a_descriptor_that_does_not_arrive_is_an_error(machine, host_file):
    g = Guest(machine, f"movabs ${MESSAGE_CONTROL}, %rdx; xor %ecx, %ecx; {FOREVER}")
    start(g)
    assert map_and_unmap(g.space, host_file, 30) == -9  # EBADF: mmap of a descriptor that is not there
    assert not g.space.is_dead and g.space.map_anon(0x900000, 4096, 3) == 0 and g.space.unmap(0x900000, 4096) == 0
    g.space.close()


def test_an_order_is_done_when_its_answer_comes(host_file):
    """The guest watches the order page and alters the header for the time of recvmsg only; all on one processor, so that the pager is
    now and then stopped between its answer and its next look at the socket. Without a stub that ends, memory stayed mapped after unmap."""
    text = f"""
        movabs ${MESSAGE_VECTOR}, %rdx; movabs $0x7ff000201040, %rsi; mov $1, %ecx; movabs ${SCRATCH + 64}, %rdi
    1:  cmpl $47, (%rsi); jne 2f; mov %rcx, (%rdx); jmp 1b
    2:  mov %rdi, (%rdx); jmp 1b
    """
    processors = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(processors)})
    machine = _machine.Machine(STUB, 64 * MIB, False)
    try:
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            g = Guest(machine, text)
            start(g)
            if map_and_unmap(g.space, host_file) not in (0, -3):
                for _ in range(20):
                    if g.space.map_anon(0x10000000, 1 << 20, 3) == 0 and g.space.unmap(0x10000000, 1 << 20) == 0:
                        with open(f"/proc/{g.space.host_pid}/maps") as maps:
                            assert "\n10000000-" not in maps.read()
            g.space.close()
    finally:
        os.sched_setaffinity(0, processors)
        machine.close()


def test_segment_bases_in_the_kernels_half_are_kept_and_harmless(guest):
    """wrgsbase takes them from anybody; a copy of the registers (fork, a signal) takes them too."""
    g = guest(f"movabs ${KERNELS_HALF}, %rax; wrgsbase %rax; wrfsbase %rax; mov $1, %eax; syscall; rdgsbase %rdi; mov $2, %eax; syscall")
    assert g.step()[:2] == (_machine.STOP_SYSCALL, 1)
    registers = g.context.registers()
    assert registers[FS_BASE] == registers[GS_BASE] == KERNELS_HALF
    g.context.set_registers(registers)
    twin = g.new_context()
    twin.set_registers(registers)
    assert g.step()[:3] == run(g.machine, twin)[:3] == (_machine.STOP_SYSCALL, 2, KERNELS_HALF)


def test_forged_segment_bases_end_the_space(machine):
    """No processor has such a base: a sibling has written it into the context area (offset 48: fs_base)."""
    text = f"""
        movabs $0x7ff040008030, %rdx; movabs $0x4141414141414141, %rcx; {FOREVER}
    other:
        mov $110, %eax; syscall; jmp other
    """
    g = Guest(machine, text)
    other = g.new_context(rip=0x400000 + assemble(text).index(b"\xb8\x6e\0\0\0"))
    other.run()
    assert next_stop(machine, other)[0] == _machine.STOP_SYSCALL
    g.context.run()
    for _ in range(10_000):
        if run(machine, other)[0] == _machine.STOP_DEAD:
            break
    assert g.space.is_dead


def test_a_forged_signal_number_ends_the_space(guest):
    """A sibling overwrites the number between our handler's store and our look at it: no number but a trap's own is ever reported."""
    area = 0x7FF040000000 + 0x8000  # of the space's second context
    g = guest(f"jmp 2f; movabs ${area + 20}, %rdx; mov $1000, %ecx; {FOREVER}; 2: int3; jmp 2b")
    victim, writer = g.new_context(), g.new_context(CODE + 2)
    run(g.machine, victim)
    writer.run()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        stop = run(g.machine, victim)
        if stop[0] == _machine.STOP_DEAD:
            break
        assert stop[:2] == (_machine.STOP_EXCEPTION, 5)
    assert g.space.is_dead
