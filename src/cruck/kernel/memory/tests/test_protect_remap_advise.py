# SPDX-License-Identifier: MPL-2.0
"""mprotect, mremap, madvise, msync, mincore and mlock."""

import pytest

from cruck.abi.errno import EACCES, EAGAIN, EBUSY, EFAULT, EINVAL, ENOMEM, EPERM
from cruck.kernel.errors import LinuxError
from cruck.kernel.memory import advise, lock
from cruck.kernel.memory.mm import Mm
from cruck.kernel.memory.protect import mprotect
from cruck.kernel.memory.remap import mremap
from cruck.kernel.memory.tests.fakes import ANON, FIXED, PAGE, RW, SHARED_ANON, MemoryFile, new_mm

READ, WRITE, EXEC = 1, 2, 4
BASE = 0x700000
MAYMOVE, REMAP_FIXED, DONTUNMAP = 1, 2, 4


def mapped(nr_pages: int, prot: int = RW) -> Mm:
    mm = new_mm()
    mm.mmap(BASE, nr_pages * PAGE, prot, ANON | FIXED, None, 0)
    return mm


def shape(mm: Mm) -> list[tuple[int, int, int]]:
    return [((vma.start - BASE) // PAGE, (vma.end - BASE) // PAGE, vma.prot) for vma in mm.vmas]


def test_mprotect_splits_and_merges() -> None:
    mm = mapped(4)
    mm.user.write(BASE + PAGE, b"kept")
    mprotect(mm, BASE + PAGE, PAGE, READ)
    assert shape(mm) == [(0, 1, RW), (1, 2, READ), (2, 4, RW)]
    assert mm.data_pages == 3
    assert mm.handle_fault(BASE + PAGE, WRITE) == (11, 2)
    mprotect(mm, BASE + PAGE, PAGE, RW)
    assert shape(mm) == [(0, 4, RW)] and mm.data_pages == 4
    mm.user.write(BASE + PAGE + 4, b"!")
    assert mm.user.read(BASE + PAGE, 5) == b"kept!"


def test_mprotect_checks_everything_first() -> None:
    mm = mapped(2)
    mm.mmap(BASE + 3 * PAGE, PAGE, RW, ANON | FIXED, None, 0)
    before = shape(mm)
    cases = (
        (ENOMEM, BASE, 4 * PAGE, READ),
        (ENOMEM, BASE + 4 * PAGE, PAGE, READ),
        (EINVAL, BASE + 1, PAGE, READ),
        (EINVAL, BASE, PAGE, 0x40),
        (EINVAL, BASE, PAGE, 0x1000000 | READ),
        (ENOMEM, BASE, (1 << 64) - PAGE, READ),
    )
    for errno, addr, length, prot in cases:
        with pytest.raises(LinuxError) as caught:
            mprotect(mm, addr, length, prot)
        assert caught.value.errno == errno
        assert shape(mm) == before
    mprotect(mm, BASE, 0, READ)
    file = MemoryFile(mm, b"x", 0)
    file.get()
    addr = mm.mmap(0, PAGE, READ, 1, file, 0)
    with pytest.raises(LinuxError) as caught:
        mprotect(mm, addr, PAGE, RW)
    assert caught.value.errno == EACCES


def test_mremap_grows_in_place_where_there_is_room() -> None:
    mm = mapped(2)
    assert mremap(mm, BASE, 2 * PAGE, 5 * PAGE, 0, 0, True) == BASE
    assert shape(mm) == [(0, 5, RW)] and mm.total_pages == 5
    mm.mmap(BASE + 6 * PAGE, PAGE, READ, ANON | FIXED, None, 0)
    with pytest.raises(LinuxError) as caught:
        mremap(mm, BASE, 5 * PAGE, 8 * PAGE, 0, 0, True)
    assert caught.value.errno == ENOMEM


def test_mremap_moves_with_the_contents() -> None:
    mm = mapped(2)
    mm.mmap(BASE + 2 * PAGE, PAGE, READ, ANON | FIXED, None, 0)
    mm.user.write(BASE + PAGE, b"moved")
    new = mremap(mm, BASE, 2 * PAGE, 8 * PAGE, MAYMOVE, 0, True)
    assert new != BASE
    assert mm.user.read(new + PAGE, 5) == b"moved"
    assert mm.find(BASE) is None
    assert mremap(mm, new, 8 * PAGE, PAGE, 0, 0, True) == new
    assert mm.total_pages == 2


def test_mremap_fixed_replaces_its_target() -> None:
    mm = mapped(4)
    mm.user.write(BASE + PAGE, b"src")
    mm.mmap(BASE + 100 * PAGE, 2 * PAGE, READ, ANON | FIXED, None, 0)
    new = mremap(mm, BASE + PAGE, PAGE, PAGE, MAYMOVE | REMAP_FIXED, BASE + 101 * PAGE, True)
    assert new == BASE + 101 * PAGE
    assert mm.user.read(new, 3) == b"src"
    assert shape(mm) == [(0, 1, RW), (2, 4, RW), (100, 101, READ), (101, 102, RW)]


def test_mremap_dontunmap_leaves_an_empty_area() -> None:
    mm = mapped(2)
    mm.user.write(BASE, b"data")
    new = mremap(mm, BASE, 2 * PAGE, 2 * PAGE, MAYMOVE | DONTUNMAP, 0, True)
    assert mm.user.read(new, 4) == b"data"
    assert mm.user.read(BASE, 4) == bytes(4)


def test_mremap_of_length_zero_duplicates_shared_memory() -> None:
    mm = new_mm()
    addr = mm.mmap(0, PAGE, RW, SHARED_ANON, None, 0)
    other = mremap(mm, addr, 0, PAGE, MAYMOVE, 0, True)
    mm.user.write(addr, b"both")
    assert mm.user.read(other, 4) == b"both"


def test_mremap_refusals() -> None:
    mm = mapped(2)
    cases = (
        (EINVAL, BASE, PAGE, PAGE, 8, 0),
        (EINVAL, BASE, PAGE, PAGE, REMAP_FIXED, BASE),
        (EINVAL, BASE + 1, PAGE, PAGE, 0, 0),
        (EINVAL, BASE, PAGE, 0, 0, 0),
        (EINVAL, BASE, 2 * PAGE, 2 * PAGE, MAYMOVE | REMAP_FIXED, BASE + PAGE),
        (EINVAL, BASE, 0, PAGE, MAYMOVE, 0),
        (EINVAL, BASE, PAGE, 2 * PAGE, MAYMOVE | DONTUNMAP, 0),
        (EFAULT, BASE + 9 * PAGE, PAGE, 2 * PAGE, MAYMOVE, 0),
        (EFAULT, BASE + PAGE, 2 * PAGE, 3 * PAGE, MAYMOVE, 0),
    )
    for errno, old, old_length, length, flags, new in cases:
        with pytest.raises(LinuxError) as caught:
            mremap(mm, old, old_length, length, flags, new, True)
        assert caught.value.errno == errno, (old, old_length, length, flags)
    mm.rlimits = list(mm.rlimits)
    mm.rlimits[8] = (PAGE, PAGE)
    lock.mlock(mm, BASE, 2 * PAGE, False, True)
    with pytest.raises(LinuxError) as caught:
        mremap(mm, BASE, 2 * PAGE, 3 * PAGE, MAYMOVE, 0, False)
    assert caught.value.errno == EAGAIN


def test_dontneed_drops_and_reads_again() -> None:
    mm = mapped(2)
    mm.user.write(BASE, b"gone")
    advise.madvise(mm, BASE, PAGE, 4, False)
    assert mm.user.read(BASE, 4) == bytes(4)
    file = MemoryFile(mm, b"file")
    file.get()
    addr = mm.mmap(0, PAGE, RW, 2, file, 0)
    mm.user.write(addr, b"mine")
    advise.madvise(mm, addr, PAGE, 4, False)
    assert mm.user.read(addr, 4) == b"file"


def test_remove_punches_for_everybody() -> None:
    mm = new_mm()
    addr = mm.mmap(0, 2 * PAGE, RW, SHARED_ANON, None, 0)
    other = mremap(mm, addr, 0, 2 * PAGE, MAYMOVE, 0, True)
    mm.user.write(addr, b"x" * (2 * PAGE))
    advise.madvise(mm, addr, PAGE, 9, False)
    assert mm.user.read(other, 1) == b"\0" and mm.user.read(other + PAGE, 1) == b"x"


def test_madvise_errors() -> None:
    mm = mapped(2)
    shared = mm.mmap(0, PAGE, RW, SHARED_ANON, None, 0)
    cases = (
        (EINVAL, BASE + 1, PAGE, 4),
        (EINVAL, BASE, PAGE, 99),
        (EINVAL, BASE, (1 << 64) - PAGE, 4),
        (ENOMEM, BASE, 3 * PAGE, 4),
        (EINVAL, BASE, PAGE, 9),
        (EINVAL, shared, PAGE, 8),
        (EINVAL, shared, PAGE, 18),
        (EPERM, BASE, PAGE, 100),
        (ENOMEM, BASE, 3 * PAGE, 22),
    )
    for errno, addr, length, advice in cases:
        with pytest.raises(LinuxError) as caught:
            advise.madvise(mm, addr, length, advice, False)
        assert caught.value.errno == errno, (addr, length, advice)
    mprotect(mm, BASE, PAGE, READ)
    with pytest.raises(LinuxError) as caught:
        advise.madvise(mm, BASE, PAGE, 23, False)
    assert caught.value.errno == EINVAL
    advise.madvise(mm, BASE + PAGE, PAGE, 23, False)
    assert mm.space.lookup(BASE + PAGE) & WRITE
    advise.madvise(mm, 0, 0, 4, False)


def test_msync_writes_shared_files_back() -> None:
    mm = mapped(1)
    file = MemoryFile(mm, bytes(4 * PAGE))
    file.get()
    addr = mm.mmap(BASE + PAGE, 4 * PAGE, RW, 1 | FIXED, file, 0)
    advise.msync(mm, BASE, 3 * PAGE, True, False)
    assert file.pages.synced == [(0, 2 * PAGE)]
    with pytest.raises(LinuxError) as caught:
        advise.msync(mm, addr, 5 * PAGE, True, False)
    assert caught.value.errno == ENOMEM
    lock.mlock(mm, addr, PAGE, True, True)
    with pytest.raises(LinuxError) as caught:
        advise.msync(mm, addr, PAGE, False, True)
    assert caught.value.errno == EBUSY


def test_mincore_tells_present_pages() -> None:
    mm = mapped(40)
    mm.user.write(BASE + 32 * PAGE, b"x")
    assert advise.mincore(mm, BASE + 31 * PAGE, 3 * PAGE) == b"\0\1\1"
    with pytest.raises(LinuxError) as caught:
        advise.mincore(mm, BASE + 39 * PAGE, 2 * PAGE)
    assert caught.value.errno == ENOMEM


def test_mlock_counts_and_brings_in() -> None:
    mm = mapped(40)
    mm.rlimits = list(mm.rlimits)
    mm.rlimits[8] = (10 * PAGE, 10 * PAGE)
    lock.mlock(mm, BASE + 1, 10 * PAGE - 1, False, False)
    assert mm.locked_pages == 10 and mm.space.nr_resident() == 10
    lock.mlock(mm, BASE, 10 * PAGE, False, False)  # again: counts once
    with pytest.raises(LinuxError) as caught:
        lock.mlock(mm, BASE + 20 * PAGE, PAGE, False, False)
    assert caught.value.errno == ENOMEM
    lock.munlock(mm, BASE, 9 * PAGE)
    assert mm.locked_pages == 1
    lock.munlockall(mm)
    assert mm.locked_pages == 0 and len(mm.vmas) == 1
    with pytest.raises(LinuxError) as caught:
        lock.mlock(mm, BASE + 39 * PAGE, 2 * PAGE, False, False)
    assert caught.value.errno == ENOMEM
    mm.rlimits[8] = (0, 0)
    with pytest.raises(LinuxError) as caught:
        lock.mlock(mm, BASE, PAGE, False, False)
    assert caught.value.errno == EPERM


def test_mlockall_future_locks_what_comes() -> None:
    mm = mapped(1)
    for flags in (0, 8, 4):
        with pytest.raises(LinuxError) as caught:
            lock.mlockall(mm, flags, True)
        assert caught.value.errno == EINVAL
    lock.mlockall(mm, 3, True)
    assert mm.locked_pages == 1
    mm.mmap(0, 3 * PAGE, RW, ANON, None, 0)
    assert mm.locked_pages == 4 and mm.space.nr_resident() == 4
