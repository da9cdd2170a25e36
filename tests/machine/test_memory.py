# SPDX-License-Identifier: MPL-2.0
"""Mappings, copy-on-write, segments, host files, and the copying of guest data."""

import errno
import os
from collections.abc import Iterator

import pytest

from .conftest import CODE, DATA, MIB, RDI, RIP, _machine, new_context, run

PAGE = 4096
POKE = "mov (%rdi), %rsi; movq $0x4242, (%rdi); mov (%rdi), %rdx; mov $60, %eax; syscall"


def test_arguments_are_checked(machine):
    s = _machine.Space(machine)
    for call in (
        lambda: s.map_anon(1, PAGE, 3),
        lambda: s.map_anon(0, 1, 3),
        lambda: s.map_anon(PAGE, PAGE, 8),
        lambda: s.map_anon(_machine.USER_END, PAGE, 3),
        lambda: s.map_anon(-PAGE, PAGE, 3),
        lambda: s.map_anon(2**64, PAGE, 3),
        lambda: s.unmap(_machine.USER_END - PAGE, 2 * PAGE),
        lambda: s.cas_u32(0, 2**32, 0),
        lambda: _machine.Machine(b"/nonexistent", 4095, False),
    ):
        with pytest.raises(ValueError):
            call()
    for call in (lambda: s.map_anon("a", 1, 2), lambda: s.map_anon(1), lambda: s.write(0, "text"), lambda: _machine.Space(None)):
        with pytest.raises(TypeError):
            call()
    with pytest.raises(OSError, match="open stub"):
        _machine.Machine(b"/nonexistent", MIB, False)


def test_anonymous_memory(machine):
    s = _machine.Space(machine)
    free = machine.nr_free_frames
    assert s.map_anon(0x10000, 4 * PAGE, 3) == 0
    assert s.nr_resident == 4 and machine.nr_free_frames == free - 4
    assert s.read(0x10000, 5 * PAGE) == bytes(4 * PAGE)
    assert s.write(0x10FFE, b"abcd") == 4
    assert s.map_anon(0x10000, 8 * PAGE, 3) == 0
    assert s.read(0x10FFE, 4) == b"abcd" and s.nr_resident == 8
    assert s.resident(0xF000, 10 * PAGE) == b"\0" + b"\1" * 8 + b"\0"
    assert s.lookup(0x10000) == 3 and s.lookup(0xF000) == 0
    assert s.unmap(0x11000, PAGE) == 0
    assert s.read(0x10000, 3 * PAGE) == bytes(0xFFE) + b"ab"
    assert s.zero(0x10FFE, 100) == 2
    s.close()
    assert machine.nr_free_frames == free


def test_permissions_hold_for_the_kernel_too(machine):
    s = _machine.Space(machine)
    s.map_anon(0x10000, PAGE, 1)
    assert s.write(0x10000, b"x") == 0 and s.read(0x10000, 1) == b"\0"
    assert s.protect(0x10000, PAGE, 0) == 0
    assert s.read(0x10000, 1) == b"" and s.read_force(0x10000, 1) == b"\0"
    assert s.cas_u32(0x10000, 0, 1) == -1 and s.load_u32(0x10000) == -1
    assert s.protect(0x10000, PAGE, 3) == 0
    assert s.cas_u32(0x10000, 0, 7) == 0 and s.cas_u32(0x10000, 0, 8) == 7 and s.load_u32(0x10000) == 7
    assert s.cas_u32(0x10001, 0, 8) == -1
    for far in (_machine.USER_END, 2**63, 2**64 - 1):
        assert s.read(far, 8) == b"" and s.write(far, b"x") == 0 and s.load_u32(far) == -1 and s.lookup(far) == 0


def test_read_cstring(machine):
    s = _machine.Space(machine)
    s.map_anon(0x10000, PAGE, 3)
    s.write(0x10FFA, b"ab\0cde")
    assert s.read_cstring(0x10FFA, 100) == (b"ab", 0)
    assert s.read_cstring(0x10FFA, 2) == (b"ab", 1)
    assert s.read_cstring(0x10FFD, 100) == (b"cde", 2)
    assert s.read_cstring(0x20000, 100) == (b"", 2)
    assert s.read_cstring(0x20000, 0) == (b"", 1)
    s.map_anon(0x11000, PAGE, 3)
    assert s.read_cstring(0x10FFD, 100) == (b"cde", 0)


def test_protect_is_seen_by_the_guest(guest):
    g = guest(POKE)
    g.context.set_reg(RDI, DATA)
    assert g.space.protect(DATA, PAGE, 1) == 0
    assert g.step()[:3] == (_machine.STOP_FAULT, DATA, 2)
    assert g.space.protect(DATA, PAGE, 0) == 0
    g.context.set_reg(RIP, CODE)
    assert g.step()[:3] == (_machine.STOP_FAULT, DATA, 1)
    assert g.space.protect(DATA, PAGE, 3) == 0
    assert g.step()[:5] == (_machine.STOP_SYSCALL, 60, DATA, 0, 0x4242)


def test_unmapped_memory_is_gone_for_the_guest(guest):
    g = guest(POKE)
    g.context.set_reg(RDI, DATA)
    assert g.space.unmap(DATA, PAGE) == 0
    assert g.step()[:3] == (_machine.STOP_FAULT, DATA, 1)


def test_move(guest):
    g = guest(POKE)
    g.space.write(DATA, b"\x07")
    assert g.space.move(DATA, 0x900000, 4 * PAGE) == 0
    assert g.space.lookup(DATA) == 0
    g.context.set_reg(RDI, DATA)
    assert g.step()[:3] == (_machine.STOP_FAULT, DATA, 1)
    g.context.set_reg(RDI, 0x900000)
    assert g.step()[:5] == (_machine.STOP_SYSCALL, 60, 0x900000, 7, 0x4242)
    g.space.map_anon(DATA, PAGE, 3)
    assert g.space.move(0x900000, DATA, PAGE) == -errno.EINVAL


def fork(g):
    child = _machine.Space(g.machine)
    assert child.clone_range(g.space, 0, _machine.USER_END, False) == 0
    context = new_context(child)
    context.set_registers(g.context.registers())
    return child, context


def test_fork_isolates(guest):
    g = guest("mov $57, %eax; syscall; " + POKE)
    g.space.write(DATA, b"\x05")
    g.step()
    g.context.set_reg(RDI, DATA)
    child, context = fork(g)
    assert child.lookup(DATA) == 1 | 8 == g.space.lookup(DATA)
    assert child.nr_resident == g.space.nr_resident
    for space, c in ((child, context), (g.space, g.context)):
        assert run(g.machine, c)[:3] == (_machine.STOP_FAULT, DATA, 2)
        assert space.break_cow(DATA, 3) == 0
        assert space.lookup(DATA) == 3
        stop = run(g.machine, c)
        assert stop[:5] == (_machine.STOP_SYSCALL, 60, DATA, 5, 0x4242)
    g.space.write(DATA, b"parent")
    child.write(DATA, b"child!")
    assert g.space.read(DATA, 6) == b"parent"
    child.close()


def test_a_touched_page_is_no_fault(guest):
    """touch changes no translation and answers for nothing that is absent or beyond what the table permits."""
    g = guest("mov $57, %eax; syscall; " + POKE)
    g.space.write(DATA, b"\x05")
    g.step()
    g.context.set_reg(RDI, DATA)
    child, context = fork(g)
    assert child.break_cow(DATA, 3) == 0 and child.touch(DATA) == 0 and child.touch(CODE) == 0
    assert child.lookup(DATA) == 3 and child.settle() == 0
    before = child.nr_resident
    for absent in (0, DATA + 64 * PAGE, (1 << 47) - 1, 1 << 47, (1 << 64) - 1):
        assert child.touch(absent) == 0
    assert child.nr_resident == before
    assert run(g.machine, context)[:5] == (_machine.STOP_SYSCALL, 60, DATA, 5, 0x4242)
    child.close()
    assert child.touch(DATA) == -errno.ESRCH


def test_last_owner_of_a_cow_page_keeps_its_frame(guest):
    g = guest("mov $57, %eax; syscall; " + POKE)
    g.step()
    child, _ = fork(g)
    child.close()
    free = g.machine.nr_free_frames
    assert g.space.break_cow(DATA, 3) == 0
    assert g.machine.nr_free_frames == free
    assert g.space.write(DATA, b"x") == 1


def test_shared_clone(guest):
    g = guest("mov $57, %eax; syscall; " + POKE)
    g.step()
    child = _machine.Space(g.machine)
    assert child.clone_range(g.space, DATA, PAGE, True) == 0
    child.write(DATA, b"seen")
    assert g.space.read(DATA, 4) == b"seen"


def test_segment_bytes(machine):
    seg = _machine.Segment(machine)
    assert seg.read(5, 10) == bytes(10) and seg.nr_pages == 0
    assert seg.write(PAGE - 2, b"abcd") == 4 and seg.nr_pages == 2
    assert seg.read(PAGE - 3, 6) == b"\0abcd\0"
    assert (seg.next_data(0), seg.next_hole(0), seg.next_data(2 * PAGE)) == (0, 2 * PAGE, -1)
    seg.write(10 * PAGE, b"z")
    assert (seg.next_data(2 * PAGE + 1), seg.next_hole(10 * PAGE + 5)) == (10 * PAGE, 11 * PAGE)
    seg.discard(PAGE - 1, PAGE + 1)
    assert seg.read(PAGE - 3, 6) == b"\0a\0\0\0\0" and seg.nr_pages == 2
    other = _machine.Segment(machine)
    assert other.copy_from(seg, PAGE - 2, 3, 1) == 1 and other.read(3, 1) == b"a"
    with pytest.raises(ValueError):
        seg.write(2**47, b"x")


def test_segment_grows_from_near_to_far_and_back(machine):
    """The table gets a level whenever a farther page comes; what was there stays found."""
    seg = _machine.Segment(machine)
    offsets = [0, 511 * PAGE, 512 * PAGE, 1 << 30, (1 << 30) - PAGE, 1 << 39, (1 << 47) - PAGE]
    for number, offset in enumerate(offsets):
        assert seg.write(offset, b"%d" % number) == 1
        for earlier, known in enumerate(offsets[: number + 1]):
            assert seg.read(known, 1) == b"%d" % earlier
    assert seg.nr_pages == len(offsets)
    found, at = [], seg.next_data(0)
    while at >= 0:
        found.append(at)
        at = seg.next_data(at + PAGE) if at + PAGE < 1 << 47 else -1
    assert found == sorted(offsets)
    for offset in offsets:
        seg.discard(offset, PAGE)
        assert seg.read(offset, 1) == b"\0"
    assert (seg.nr_pages, seg.next_data(0)) == (0, -1)
    far = _machine.Segment(machine)  # the first page is the farthest
    assert far.write((1 << 47) - PAGE, b"x") == 1 and far.next_data(0) == (1 << 47) - PAGE


def test_segment_shared_between_spaces(guest):
    g = guest(POKE)
    seg = _machine.Segment(g.machine)
    seg.write(PAGE, b"\x09")
    other = _machine.Space(g.machine)
    assert g.space.map_segment(0x900000, 2 * PAGE, seg, 0, 3, False) == 0
    assert other.map_segment(0xA00000, PAGE, seg, PAGE, 3, False) == 0
    assert other.lookup(0xA00000) == 3 | 32
    g.context.set_reg(RDI, 0x901000)
    assert g.step()[:5] == (_machine.STOP_SYSCALL, 60, 0x901000, 9, 0x4242)
    assert other.read(0xA00000, 2) == b"BB" == seg.read(PAGE, 2)
    seg.discard(0, 2 * PAGE)
    assert seg.read(PAGE, 2) == bytes(2) and other.read(0xA00000, 2) == b"BB"


def test_private_segment_mapping_is_copied_on_write(guest):
    g = guest(POKE)
    seg = _machine.Segment(g.machine)
    seg.write(0, b"\x09")
    assert g.space.map_segment(0x900000, PAGE, seg, 0, 3, True) == 0
    assert g.space.lookup(0x900000) == 1 | 8 | 32
    g.context.set_reg(RDI, 0x900000)
    assert g.step()[:3] == (_machine.STOP_FAULT, 0x900000, 2)
    assert g.space.break_cow(0x900000, 3) == 0
    assert g.step()[0] == _machine.STOP_SYSCALL
    assert seg.read(0, 2) == b"\x09\0"


@pytest.fixture
def host_file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"A" * PAGE + b"B" * 100)
    fd = os.open(path, os.O_RDWR)
    yield fd
    os.close(fd)


def test_map_host_file(guest, host_file):
    g = guest("mov (%rdi), %sil; mov 0x1000(%rdi), %dl; mov $1, %eax; syscall; " + POKE)
    assert g.space.map_host(0x900000, 2 * PAGE, host_file, 0, 3, False) == 0
    assert g.space.lookup(0x900000) == 1 | 8 | 16
    assert g.space.read(0x900000, 3 * PAGE) == b"A" * PAGE + b"B" * 100 + bytes(PAGE - 100)
    g.context.set_reg(RDI, 0x900000)
    assert g.step()[:5] == (_machine.STOP_SYSCALL, 1, 0x900000, 0x41, 0x42)
    assert g.step()[:3] == (_machine.STOP_FAULT, 0x900000, 2)
    assert g.space.break_cow(0x900000, 3) == 0
    assert g.step()[:2] == (_machine.STOP_SYSCALL, 60)
    assert os.pread(host_file, 2, 0) == b"AA"
    os.ftruncate(host_file, 0)
    assert g.space.read(0x901000, 1) == b""


def test_truncated_host_file_is_an_exception_for_the_guest(guest, host_file):
    g = guest(POKE)
    assert g.space.map_host(0x900000, PAGE, host_file, 0, 1, False) == 0
    os.ftruncate(host_file, 0)
    g.context.set_reg(RDI, 0x900000)
    assert g.step()[:2] == (_machine.STOP_EXCEPTION, 7)


def test_shared_host_file(guest, host_file):
    g = guest(POKE)
    assert g.space.map_host(0x900000, PAGE, host_file, 0, 3, True) == 0
    g.context.set_reg(RDI, 0x900000)
    assert g.step()[:2] == (_machine.STOP_SYSCALL, 60)
    assert os.pread(host_file, 3, 0) == b"BB\0"
    assert g.space.write(0x900000, b"kernel") == 6 and os.pread(host_file, 6, 0) == b"kernel"


@pytest.fixture
def refused() -> Iterator[int]:
    """A descriptor that the host does not map."""
    read, write = os.pipe()
    yield read
    os.close(read)
    os.close(write)


def test_refused_host_mapping_leaves_nothing(guest, refused):
    g = guest("1: mov $110, %eax; syscall; jmp 1b")
    s = g.space
    assert g.step()[0] == _machine.STOP_SYSCALL
    s.map_anon(0x901000, PAGE, 3)
    assert s.map_host(0x900000, 2 * PAGE, refused, 0, 1, False) < 0
    assert s.lookup(0x900000) == 0 and s.lookup(0x901000) == 3 and not s.is_dead
    assert s.map_anon(0x900000, PAGE, 3) == 0
    assert s.map_host(0x903000, PAGE, 9999, 0, 1, False) == -errno.EBADF
    assert g.step()[0] == _machine.STOP_SYSCALL


def test_before_a_space_has_run_the_host_is_asked_once_for_all(machine, refused):
    s = _machine.Space(machine)
    s.map_anon(0x901000, PAGE, 3)
    assert s.map_host(0x900000, PAGE, refused, 0, 1, False) == 0
    assert s.settle() < 0 and not s.is_dead and s.lookup(0x901000) == 3
    assert s.settle() == 0
    s.map_host(0x905000, PAGE, refused, 0, 1, False)
    with pytest.raises(OSError):
        _machine.Context(s)
    s.unmap(0x900000, 6 * PAGE)
    _machine.Context(s)


def test_host_io(machine, host_file):
    s = _machine.Space(machine)
    s.map_anon(0x10000, 3 * PAGE, 3)
    s.unmap(0x12000, PAGE)
    assert s.read_host(0x10800, host_file, 0, PAGE + 100, 0) == PAGE + 100
    assert s.read(0x10800, 2) == b"AA" and s.read(0x11800, 100) == b"B" * 100
    assert s.read_host(0x11F00, host_file, 0, PAGE, 0) == 0x100
    assert s.read_host(0x12000, host_file, 0, 1, 0) == -errno.EFAULT
    assert s.write_host(0x11800, host_file, 0, 50, 0) == 50 and os.pread(host_file, 51, 0) == b"B" * 50 + b"A"
    assert s.read_host(0x10000, 9999, 0, 1, 0) == -errno.EBADF
    seg = _machine.Segment(machine)
    assert seg.read_host(7, host_file, 0, 60) == 60 and seg.read(7, 51) == b"B" * 50 + b"A"
    assert seg.write_host(7, host_file, PAGE, 3) == 3 and os.pread(host_file, 3, PAGE) == b"BBB"
    s.map_host(0x20000, PAGE, host_file, 0, 1, False)
    read, write = os.pipe()
    assert s.write_host(0x20000, write, -1, 60, 0) == 60 and os.read(read, 100) == b"B" * 50 + b"A" * 10
    os.close(read)
    os.close(write)


def test_guest_and_segment_copies(machine):
    s, seg = _machine.Space(machine), _machine.Segment(machine)
    s.map_anon(0x10000, PAGE, 3)
    s.write(0x10FF0, b"0123456789abcdef")
    assert s.copy_to_segment(0x10FF0, seg, 100, 32) == 16 and seg.read(100, 17) == b"0123456789abcdef\0"
    assert s.copy_from_segment(0x10FFE, seg, 100, 10) == 2 and s.read(0x10FFE, 2) == b"01"
    assert s.copy_from_segment(0x10000, seg, 1 << 30, 10) == 10


def test_ram_exhaustion():
    from .conftest import STUB

    machine = _machine.Machine(STUB, 3 * MIB, False)
    s = _machine.Space(machine)
    assert machine.nr_frames == 768
    assert s.map_anon(0x10000, 769 * PAGE, 3) == -errno.ENOMEM and s.nr_resident == 0
    assert s.map_anon(0x10000, 768 * PAGE, 3) == 0 and machine.nr_free_frames == 0
    assert s.map_anon(0x8000000, PAGE, 3) == -errno.ENOMEM
    seg = _machine.Segment(machine)
    assert seg.write(0, b"x") == 0 and s.copy_to_segment(0x10000, seg, 0, 10) == -errno.ENOMEM
    assert s.unmap(0x10000, PAGE) == 0 and s.settle() == 0 and seg.write(0, b"x") == 1
    assert s.unmap(0x10000, 768 * PAGE) == 0 and s.settle() == 0
    del seg
    assert machine.nr_free_frames == 768
    machine.close()


def test_many_host_mappings_stay_below_the_limit(guest):
    g = guest("""mov $0x10000000, %rdi; mov $12000, %ecx; 1: mov (%rdi), %rax; add $0x2000, %rdi; dec %ecx; jnz 1b
                 mov $60, %eax; syscall""")
    assert g.machine.features["max_host_maps"] > 8192
    for i in range(12000):  # alternate pages: each is a host mapping of its own
        assert g.space.map_anon(0x10000000 + i * 2 * PAGE, PAGE, 3) == 0
        if i % 4 == 0:
            assert g.space.protect(0x10000000 + i * 2 * PAGE, PAGE, 1) == 0
    assert g.step()[:2] == (_machine.STOP_SYSCALL, 60)


def test_pool_reuse_shows_no_old_memory(machine):
    first = _machine.Space(machine)
    first.map_anon(0x10000, 16 * PAGE, 7)
    first.write(0x10000, b"secret" * 10000)
    pids = {first.host_pid}
    first.close()
    for _ in range(4):
        s = _machine.Space(machine)
        pids.add(s.host_pid)
        maps = open(f"/proc/{s.host_pid}/maps").read()
        assert not any(int(line.split("-")[0], 16) < _machine.USER_END for line in maps.splitlines())
        assert s.read(0x10000, 6) == b""
        s.map_anon(0x10000, 16 * PAGE, 3)
        assert s.read(0x10000, 16 * PAGE) == bytes(16 * PAGE)
        s.close()
    assert len(pids) <= 3
