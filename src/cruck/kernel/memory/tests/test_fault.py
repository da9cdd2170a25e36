# SPDX-License-Identifier: MPL-2.0
"""Faults: who gets which page, which signal, and how many pages come along."""

import pytest

from cruck.abi.errno import ENOMEM
from cruck.framework.mm.user_memory import UserFault, UserWriter
from cruck.kernel.errors import LinuxError
from cruck.kernel.memory.mm import Mm
from cruck.kernel.memory.tests.fakes import ANON, FIXED, PAGE, RW, SHARED_ANON, MemoryFile, fork, new_mm
from cruck.kernel.memory.vma_list import STACK_GUARD_GAP

READ, WRITE, EXEC = 1, 2, 4
MAPERR, ACCERR, ADRERR = (11, 1), (11, 2), (7, 2)
OK = (0, 0)
BASE = 0x700000


def mapped(length: int, prot: int = RW, flags: int = ANON) -> Mm:
    mm = new_mm()
    mm.mmap(BASE, length, prot, flags | FIXED, None, 0)
    return mm


def test_signals_of_bad_accesses() -> None:
    mm = mapped(PAGE, READ)
    assert mm.handle_fault(BASE - 1, READ) == MAPERR
    assert mm.handle_fault(BASE + PAGE, READ) == MAPERR
    assert mm.handle_fault(1 << 63, READ) == MAPERR
    assert mm.handle_fault(-1, READ) == MAPERR
    assert mm.handle_fault(BASE, WRITE) == ACCERR
    assert mm.handle_fault(BASE, EXEC) == ACCERR
    assert mm.handle_fault(BASE, READ) == OK
    mm.mmap(BASE, PAGE, 0, ANON | FIXED, None, 0)
    assert mm.handle_fault(BASE, READ) == ACCERR


def test_writable_memory_is_readable_and_executable_too() -> None:
    mm = mapped(PAGE, WRITE)
    assert mm.handle_fault(BASE, READ) == OK
    mm.mmap(BASE, PAGE, EXEC, ANON | FIXED, None, 0)
    assert mm.handle_fault(BASE, READ) == OK


def test_windows_double_when_faults_follow_each_other() -> None:
    mm = mapped(2000 * PAGE)
    start = BASE + 64 * PAGE
    sizes = []
    for _ in range(7):
        before = mm.space.nr_resident()
        assert mm.handle_fault(start, WRITE) == OK
        count = mm.space.nr_resident() - before
        sizes.append(count)
        start += count * PAGE
    assert sizes == [16, 32, 64, 128, 256, 512, 512]


def test_windows_double_downwards() -> None:
    mm = mapped(2000 * PAGE)
    top = BASE + 1984 * PAGE
    sizes = []
    for _ in range(4):
        before = mm.space.nr_resident()
        assert mm.handle_fault(top - PAGE, WRITE) == OK
        sizes.append(mm.space.nr_resident() - before)
        top -= sizes[-1] * PAGE
    assert sizes == [16, 32, 64, 128]


def test_windows_stay_inside_the_area() -> None:
    mm = mapped(3 * PAGE)
    assert mm.handle_fault(BASE + PAGE, READ) == OK
    assert mm.space.nr_resident() == 3


def test_windows_shrink_when_memory_is_short_and_exhaustion_is_told() -> None:
    mm = new_mm(20)
    mm.mmap(BASE, 64 * PAGE, RW, ANON | FIXED | 0x4000, None, 0)
    nr_faults = 0
    page = 0
    with pytest.raises(LinuxError) as caught:
        while True:
            if not mm.space.lookup(BASE + page * PAGE):
                mm.handle_fault(BASE + page * PAGE, WRITE)
                nr_faults += 1
            page += 1
    assert caught.value.errno == ENOMEM
    assert page == 20 and mm.is_oom
    assert mm.resolve_fault(BASE + 30 * PAGE, WRITE) is False


def test_private_file_pages_are_copied_at_the_first_write() -> None:
    mm = new_mm()
    file = MemoryFile(mm, b"a" * (2 * PAGE))
    file.get()
    addr = mm.mmap(0, 2 * PAGE, RW, 2, file, 0)
    assert mm.user.read(addr, 1) == b"a"
    mm.user.write(addr, b"b")
    assert mm.user.read(addr, 2) == b"ba"
    assert file.pages.segment.read(0, 2) == b"aa"


def test_shared_file_pages_are_the_file() -> None:
    mm = new_mm()
    file = MemoryFile(mm, b"a" * PAGE)
    file.get()
    addr = mm.mmap(0, PAGE, RW, 1, file, 0)
    mm.user.write(addr, b"b")
    assert file.pages.segment.read(0, 2) == b"ba"


def test_beyond_the_file_is_sigbus() -> None:
    mm = new_mm()
    file = MemoryFile(mm, b"a" * 100)
    file.get()
    addr = mm.mmap(0, 2 * PAGE, RW, 1, file, 0)
    assert mm.user.read(addr + 99, 2) == b"a\0"
    assert mm.handle_fault(addr + PAGE, READ) == ADRERR
    assert mm.resolve_fault(addr + PAGE, READ) is False


def test_truncate_takes_pages_away_and_keeps_the_partial_one() -> None:
    mm = new_mm()
    file = MemoryFile(mm, b"a" * (4 * PAGE))
    file.get()
    addr = mm.mmap(0, 4 * PAGE, RW, 1, file, 0)
    private = mm.mmap(0, 4 * PAGE, RW, 2, file, 0)
    mm.user.read(addr, 4 * PAGE)
    mm.user.write(private + 2 * PAGE, b"mine")
    file.truncate(PAGE + 1)
    assert mm.user.read(addr + PAGE, 1) == b"a"
    assert mm.handle_fault(addr + 2 * PAGE, READ) == ADRERR
    assert mm.handle_fault(private + 2 * PAGE, READ) == ADRERR


def test_a_private_page_of_a_host_file_that_shrank_is_sigbus(monkeypatch: pytest.MonkeyPatch) -> None:
    """Found with a file truncated on the host under its mapping: the copy fails, and the kernel tried for ever."""
    mm = new_mm()
    file = MemoryFile(mm, b"a" * PAGE)
    file.get()
    addr = mm.mmap(0, PAGE, RW, 2, file, 0)
    assert mm.handle_fault(addr, READ) == OK
    monkeypatch.setattr(type(mm.space), "break_cow", lambda self, addr, prot: -14)
    assert mm.handle_fault(addr, WRITE) == ADRERR
    assert mm.resolve_fault(addr, WRITE) is False
    with pytest.raises(UserFault):
        mm.user.write(addr, b"b")
    with pytest.raises(UserFault):
        UserWriter(mm.user, [(addr, PAGE)]).write_zeros(PAGE)


def test_a_hole_punch_leaves_private_copies() -> None:
    mm = new_mm()
    file = MemoryFile(mm, b"a" * (4 * PAGE))
    file.get()
    private = mm.mmap(0, 4 * PAGE, RW, 2, file, 0)
    mm.user.read(private, 4 * PAGE)
    mm.user.write(private + PAGE, b"mine")
    file.fallocate(3, 0, 3 * PAGE)
    assert mm.user.read(private, 2) == bytes(2)
    assert mm.user.read(private + PAGE, 4) == b"mine"
    assert mm.user.read(private + 3 * PAGE, 1) == b"a"


def test_fork_isolates_private_memory_and_shares_shared_memory() -> None:
    mm = mapped(4 * PAGE)
    shared = mm.mmap(0, PAGE, RW, SHARED_ANON, None, 0)
    mm.user.write(BASE, b"parent")
    child = fork(mm)
    child.user.write(BASE, b"child!")
    child.user.write(shared, b"both")
    assert mm.user.read(BASE, 6) == b"parent"
    assert mm.user.read(shared, 4) == b"both"
    mm.user.write(BASE, b"PARENT")
    assert child.user.read(BASE, 6) == b"child!"
    untouched = shared - 0
    assert child.futex_key(untouched) == mm.futex_key(untouched)
    assert child.futex_key(BASE) != mm.futex_key(BASE)
    child.put()
    assert mm.user.read(BASE, 6) == b"PARENT"


def test_cow_faults_in_sequence_copy_more_pages_at_once() -> None:
    mm = mapped(64 * PAGE)
    mm.user.write(BASE, bytes(64 * PAGE))
    child = fork(mm)
    nr_faults = 0
    for page in range(64):
        if not child.space.lookup(BASE + page * PAGE) & WRITE:
            assert child.handle_fault(BASE + page * PAGE, WRITE) == OK
            nr_faults += 1
    assert nr_faults < 10


def test_stack_grows_to_its_limit_and_keeps_a_guard_gap() -> None:
    mm = new_mm()
    mm.rlimits = list(mm.rlimits)
    top = 0x8000_0000
    mm.mmap(top - PAGE, PAGE, RW, ANON | FIXED | 0x100, None, 0)
    mm.user.write(top - 100 * PAGE, b"deep")
    assert mm.vmas[0].start <= top - 100 * PAGE and mm.stack_pages == mm.vmas[0].nr_pages()
    assert mm.handle_fault(top - (8 << 20) - 1, WRITE) == MAPERR
    assert mm.handle_fault(top - (8 << 20), WRITE) == OK
    mm = new_mm()
    mm.mmap(top - PAGE, PAGE, RW, ANON | FIXED | 0x100, None, 0)
    mm.mmap(top - (2 << 20), PAGE, RW, ANON | FIXED, None, 0)
    floor = top - (2 << 20) + PAGE + STACK_GUARD_GAP
    assert mm.handle_fault(floor - 1, WRITE) == MAPERR
    assert mm.handle_fault(floor, WRITE) == OK


def test_a_page_that_is_there_and_still_fails_is_refused_by_the_kernel_side() -> None:
    mm = mapped(PAGE)
    assert mm.handle_fault(BASE, WRITE) == OK
    assert mm.handle_fault(BASE, WRITE) == OK  # a second thread was too late
    assert mm.resolve_fault(BASE, WRITE)
    assert not mm.resolve_fault(BASE, WRITE)


def test_wipe_and_dont_fork() -> None:
    from cruck.kernel.memory import advise

    mm = mapped(3 * PAGE)
    mm.user.write(BASE, b"x" * (3 * PAGE))
    advise.madvise(mm, BASE, PAGE, 10, False)  # DONTFORK
    advise.madvise(mm, BASE + PAGE, PAGE, 18, False)  # WIPEONFORK
    child = fork(mm)
    assert child.handle_fault(BASE, READ) == MAPERR
    assert child.user.read(BASE + PAGE, 1) == b"\0"
    assert child.user.read(BASE + 2 * PAGE, 1) == b"x"
