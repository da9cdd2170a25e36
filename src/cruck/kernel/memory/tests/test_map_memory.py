# SPDX-License-Identifier: MPL-2.0
"""mmap, munmap and brk: placement, checks, splitting and merging, references."""

import pytest

from cruck.abi.errno import EACCES, EAGAIN, EEXIST, EINVAL, ENODEV, ENOMEM, EOPNOTSUPP, EOVERFLOW, EPERM
from cruck.kernel.errors import LinuxError
from cruck.kernel.memory import map_memory
from cruck.kernel.memory.mm import Mm
from cruck.kernel.memory.tests.fakes import ANON, FIXED, PAGE, RW, SHARED_ANON, MemoryFile, new_mm
from cruck.kernel.vfs.file import File

NOREPLACE = 0x100000
LOCKED = 0x2000
NORESERVE = 0x4000
POPULATE = 0x8000
PRIVATE = 2
SHARED = 1


def fails(errno: int, mm: Mm, addr: int, length: int, prot: int, flags: int, file: File | None = None, offset: int = 0) -> None:
    before = [(vma.start, vma.end, vma.prot) for vma in mm.vmas]
    with pytest.raises(LinuxError) as caught:
        mm.mmap(addr, length, prot, flags, file, offset)
    assert caught.value.errno == errno
    assert [(vma.start, vma.end, vma.prot) for vma in mm.vmas] == before


def ranges(mm: Mm) -> list[tuple[int, int]]:
    return [(vma.start, vma.end) for vma in mm.vmas]


def test_mappings_go_top_down_and_merge() -> None:
    mm = new_mm()
    first = mm.mmap(0, PAGE, RW, ANON, None, 0)
    second = mm.mmap(0, 3 * PAGE, RW, ANON, None, 0)
    assert second == first - 3 * PAGE
    assert ranges(mm) == [(second, first + PAGE)]
    assert mm.total_pages == mm.data_pages == 4


def test_bad_arguments_are_refused() -> None:
    mm = new_mm()
    fails(EINVAL, mm, 0, 0, RW, ANON)
    fails(EINVAL, mm, 0, PAGE, RW, 0x20)  # neither shared nor private
    fails(EINVAL, mm, 0x10001, PAGE, RW, ANON | FIXED)
    fails(ENOMEM, mm, 0, mm.user_end + PAGE, RW, ANON)
    fails(ENOMEM, mm, mm.user_end, PAGE, RW, ANON | FIXED)
    fails(EPERM, mm, 0, PAGE, RW, ANON | FIXED)
    fails(EOVERFLOW, mm, 0, PAGE, RW, PRIVATE, MemoryFile(mm, b"x"), (1 << 63) - PAGE)
    fails(ENODEV, mm, 0, PAGE, RW, PRIVATE, File(2))
    fails(EINVAL, mm, 0, PAGE, RW, PRIVATE | 0x100, MemoryFile(mm, b"x"))
    fails(EOPNOTSUPP, mm, 0, PAGE, RW, 3 | 0x80000, MemoryFile(mm, b"x"))


def test_access_mode_of_the_file_limits_the_mapping() -> None:
    mm = new_mm()
    fails(EACCES, mm, 0, PAGE, RW, SHARED, MemoryFile(mm, b"x", 0))
    fails(EACCES, mm, 0, PAGE, 1, PRIVATE, MemoryFile(mm, b"x", 1))
    assert mm.mmap(0, PAGE, RW, PRIVATE, MemoryFile(mm, b"x", 0), 0)
    sealed = MemoryFile(mm, b"x")
    sealed.pages.is_sealed = True
    fails(EPERM, mm, 0, PAGE, RW, SHARED, sealed)
    assert mm.mmap(0, PAGE, 1, SHARED, sealed, 0)


def test_a_free_hint_is_taken_a_used_one_is_not() -> None:
    mm = new_mm()
    assert mm.mmap(0x700000, PAGE, RW, ANON, None, 0) == 0x700000
    assert mm.mmap(0x700000, PAGE, 1, ANON, None, 0) != 0x700000
    assert mm.mmap(0x700001, PAGE, 1, ANON, None, 0) == 0x701000


def test_map_32bit_stays_below_two_gigabytes() -> None:
    mm = new_mm()
    addr = mm.mmap(0, PAGE, RW, ANON | 0x40, None, 0)
    assert 0x4000_0000 <= addr < 0x8000_0000


def test_fixed_replaces_and_noreplace_does_not() -> None:
    mm = new_mm()
    mm.mmap(0x700000, 4 * PAGE, RW, ANON | FIXED, None, 0)
    mm.user.write(0x701000, b"old")
    mm.mmap(0x701000, PAGE, 1, ANON | FIXED, None, 0)
    assert ranges(mm) == [(0x700000, 0x701000), (0x701000, 0x702000), (0x702000, 0x704000)]
    assert mm.user.read(0x701000, 3) == bytes(3)
    fails(EEXIST, mm, 0x703000, 2 * PAGE, RW, ANON | NOREPLACE)


def test_munmap_splits_and_frees() -> None:
    mm = new_mm()
    mm.mmap(0x700000, 4 * PAGE, RW, ANON | FIXED, None, 0)
    for page in range(4):
        mm.user.write(0x700000 + page * PAGE, b"x")
    mm.munmap(0x701000, 2 * PAGE)
    assert ranges(mm) == [(0x700000, 0x701000), (0x703000, 0x704000)]
    assert mm.space.nr_resident() == 2
    assert mm.total_pages == 2
    mm.munmap(0x600000, 0x200000)
    assert mm.vmas == [] and mm.total_pages == 0 and mm.data_pages == 0


def test_munmap_checks_its_range() -> None:
    mm = new_mm()
    for addr, length in ((1, PAGE), (0, 0), (0, mm.user_end + PAGE), (mm.user_end + PAGE, PAGE)):
        with pytest.raises(LinuxError) as caught:
            mm.munmap(addr, length)
        assert caught.value.errno == EINVAL
    mm.munmap(0x700000, PAGE)


def test_a_file_lives_as_long_as_a_part_of_its_mapping() -> None:
    mm = new_mm()
    file = MemoryFile(mm, bytes(4 * PAGE))
    file.get()
    addr = mm.mmap(0, 4 * PAGE, 1, PRIVATE, file, 0)
    mm.munmap(addr + PAGE, PAGE)
    file.put()
    assert len(file.pages.regions) == 2 and mm.vmas[1].offset == 2 * PAGE
    mm.munmap(addr, PAGE)
    assert not file.is_released
    mm.munmap(addr, 4 * PAGE)
    assert file.is_released and not file.pages.regions


def test_neighbouring_file_mappings_merge_only_when_offsets_continue() -> None:
    mm = new_mm()
    file = MemoryFile(mm, bytes(4 * PAGE))
    file.get()
    mm.mmap(0x700000, PAGE, 1, PRIVATE | FIXED, file, 0)
    mm.mmap(0x701000, PAGE, 1, PRIVATE | FIXED, file, PAGE)
    assert len(mm.vmas) == 1 and file.refs == 2
    mm.mmap(0x702000, PAGE, 1, PRIVATE | FIXED, file, 0)
    assert len(mm.vmas) == 2


def test_limits() -> None:
    mm = new_mm(1000)
    mm.rlimits = list(mm.rlimits)
    fails(ENOMEM, mm, 0, 1001 * PAGE, RW, ANON)  # more than all RAM
    assert mm.mmap(0, 1001 * PAGE, RW, ANON | NORESERVE, None, 0)
    assert mm.mmap(0, 1001 * PAGE, 0, ANON, None, 0)
    mm.rlimits[9] = (2010 * PAGE, 2010 * PAGE)
    fails(ENOMEM, mm, 0, 9 * PAGE, RW, ANON)
    mm.rlimits[9] = (1 << 40, 1 << 40)
    mm.rlimits[2] = (1002 * PAGE, 1 << 40)
    fails(ENOMEM, mm, 0, 2 * PAGE, RW, ANON)
    assert mm.mmap(0, 2 * PAGE, 1, ANON, None, 0)
    mm.rlimits[8] = (PAGE, PAGE)
    with pytest.raises(LinuxError) as caught:
        map_memory.mmap(mm, 0, 2 * PAGE, 1, ANON | LOCKED, None, 0, False)
    assert caught.value.errno == EAGAIN
    mm.rlimits[8] = (0, 0)
    with pytest.raises(LinuxError) as caught:
        map_memory.mmap(mm, 0, PAGE, 1, ANON | LOCKED, None, 0, False)
    assert caught.value.errno == EPERM


def test_populate_brings_pages_in() -> None:
    mm = new_mm()
    mm.mmap(0, 100 * PAGE, RW, ANON | POPULATE, None, 0)
    assert mm.space.nr_resident() == 100
    mm.mmap(0, 10 * PAGE, RW, SHARED_ANON | LOCKED, None, 0)
    assert mm.space.nr_resident() == 110 and mm.locked_pages == 10


def test_brk_grows_shrinks_and_refuses() -> None:
    mm = new_mm()
    mm.start_brk = mm.brk = 0x700000
    assert map_memory.brk(mm, 0) == 0x700000
    assert map_memory.brk(mm, 0x702100) == 0x702100
    assert ranges(mm) == [(0x700000, 0x703000)] and mm.vmas[0].name == b"[heap]"
    assert map_memory.brk(mm, 0x705000) == 0x705000
    assert len(mm.vmas) == 1
    mm.user.write(0x704000, b"x")
    assert map_memory.brk(mm, 0x701000) == 0x701000
    assert ranges(mm) == [(0x700000, 0x701000)]
    mm.mmap(0x703000, PAGE, RW, ANON | FIXED, None, 0)
    assert map_memory.brk(mm, 0x702000) == 0x702000
    assert map_memory.brk(mm, 0x703000) == 0x702000  # a page stays free before the next area
    assert map_memory.brk(mm, 0x6FFFFF) == 0x702000
    mm.rlimits = list(mm.rlimits)
    mm.rlimits[2] = (0x1000, 0x1000)
    assert map_memory.brk(mm, 0x702001) == 0x702000
    assert map_memory.brk(mm, 1 << 63) == 0x702000


def test_the_last_put_gives_everything_back() -> None:
    mm = new_mm()
    file = MemoryFile(mm, bytes(PAGE))
    mm.mmap(0, PAGE, 1, PRIVATE, file, 0)
    mm.set_exe(file)
    mm.get().put()
    assert not file.is_released
    mm.put()
    assert file.is_released and not file.pages.regions
