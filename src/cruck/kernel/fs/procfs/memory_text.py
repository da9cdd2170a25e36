# SPDX-License-Identifier: MPL-2.0
"""Contents of /proc/[pid] that speak of memory: maps, smaps, statm, cmdline, environ, auxv (Linux fs/proc/task_mmu.c).

Residency comes from the machine's page table; which resident pages are shared or dirty is not tracked, so smaps counts private
anonymous ones as private dirty and file pages as clean.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.mman import MAP_LOCKED, MAP_NORESERVE, MAP_SHARED, PROT_EXEC, PROT_READ, PROT_WRITE
from cruck.kernel.memory import foreign
from cruck.kernel.vfs.walk import path_string

if TYPE_CHECKING:
    from cruck.kernel.memory.mm import Mm
    from cruck.kernel.memory.vma import Vma
    from cruck.kernel.process.task import Task
    from cruck.kernel.vfs.dentry import Path

PAGE_SIZE: Final = 4096
MAX_STRINGS: Final = 4 << 20  # bytes of cmdline or environ shown; execve allows no more than 6 MiB for both
MAPS_COLUMN: Final = 73


class MemoryFacts:
    """Numbers of an address space that stat, statm and status show. All 0 for a task without one."""

    def __init__(self) -> None:
        self.size_bytes = 0
        self.resident_pages = 0
        self.code_bytes = 0
        self.library_bytes = 0
        self.data_bytes = 0
        self.stack_bytes = 0
        self.locked_bytes = 0
        self.file_pages = 0  # resident pages of files; private copies of them are counted here too
        self.shared_pages = 0  # resident pages of shared anonymous memory
        # Addresses; 0 unless the reader may know them.
        self.start_code = self.end_code = self.start_data = self.end_data = self.start_brk = self.start_stack = 0
        self.arg_start = self.arg_end = self.env_start = self.env_end = 0


def facts(task: "Task | None", may_see_addresses: bool, counts_shared: bool = False) -> MemoryFacts:
    """counts_shared: fills in `file_pages` and `shared_pages`. Cost: O(areas); with counts_shared O(pages)."""
    result = MemoryFacts()
    if task is None:
        return result
    mm = task.mm
    exe = mm.exe
    for vma in mm.vmas:
        length = vma.end - vma.start
        result.size_bytes += length
        if vma.prot & PROT_EXEC and vma.file is not None:
            if vma.file is exe:
                result.code_bytes += length
            else:
                result.library_bytes += length
        if vma.is_stack():
            result.stack_bytes += length
        elif vma.prot & PROT_WRITE and not vma.flags & MAP_SHARED:
            result.data_bytes += length
        if vma.flags & MAP_LOCKED:
            result.locked_bytes += length
        if counts_shared and vma.mapping is not None:
            nr_pages = mm.space.resident(vma.start, length).count(1)
            if vma.file is not None:
                result.file_pages += nr_pages
            else:
                result.shared_pages += nr_pages
    result.resident_pages = mm.space.nr_resident()
    if may_see_addresses:
        result.start_code, result.end_code = mm.start_code, mm.end_code
        result.start_data, result.end_data = mm.start_data, mm.end_data
        result.start_brk = mm.start_brk
        result.start_stack = mm.start_stack
        result.arg_start, result.arg_end = mm.arg_start, mm.arg_end
        result.env_start, result.env_end = mm.env_start, mm.env_end
    return result


def status_lines(task: "Task") -> bytes:
    numbers = facts(task, False, True)
    resident_kb = numbers.resident_pages * 4
    peak_kb = max(resident_kb, task.mm.max_rss_pages() * 4)
    size_kb = numbers.size_bytes // 1024
    peak_size_kb = max(size_kb, task.mm.peak_total_pages * 4)
    rows = (
        (b"VmPeak", peak_size_kb),
        (b"VmSize", size_kb),
        (b"VmLck", numbers.locked_bytes // 1024),
        (b"VmPin", 0),
        (b"VmHWM", peak_kb),
        (b"VmRSS", resident_kb),
        (b"RssAnon", max(0, numbers.resident_pages - numbers.file_pages - numbers.shared_pages) * 4),
        (b"RssFile", numbers.file_pages * 4),
        (b"RssShmem", numbers.shared_pages * 4),
        (b"VmData", numbers.data_bytes // 1024),
        (b"VmStk", numbers.stack_bytes // 1024),
        (b"VmExe", numbers.code_bytes // 1024),
        (b"VmLib", numbers.library_bytes // 1024),
        (b"VmPTE", 0),
        (b"VmSwap", 0),
        (b"HugetlbPages", 0),
    )
    lines = [b"%s:\t%8d kB\n" % row for row in rows]
    lines.append(b"CoreDumping:\t0\nTHP_enabled:\t0\n")
    return b"".join(lines)


def statm(task: "Task | None") -> bytes:
    """Pages: size resident shared text lib data dirty."""
    numbers = facts(task, False, True)
    return b"%d %d %d %d 0 %d 0\n" % (
        numbers.size_bytes // PAGE_SIZE,
        numbers.resident_pages,
        numbers.file_pages + numbers.shared_pages,
        (numbers.code_bytes + PAGE_SIZE - 1) // PAGE_SIZE,
        (numbers.data_bytes + numbers.stack_bytes) // PAGE_SIZE,
    )


# Address ranges.
def maps(task: "Task") -> bytes:
    root = task.fs.root
    return b"".join([_maps_line(vma, root) for vma in task.mm.vmas])


def _maps_line(vma: "Vma", root: "Path") -> bytes:
    dev = ino = 0
    name = vma.name
    file = vma.file
    if file is not None:
        stat = file.stat()
        dev, ino = stat.dev, stat.ino
        if file.path is not None:
            name = path_string(root, file.path).replace(b"\n", b"\\012")
        else:
            name = file.describe().encode("utf-8", "surrogateescape")
    elif not name and vma.flags & MAP_SHARED:
        name = b"/dev/zero (deleted)"
    head = b"%08x-%08x %s%s%s%s %08x %02x:%02x %d " % (
        vma.start,
        vma.end,
        b"r" if vma.prot & PROT_READ else b"-",
        b"w" if vma.prot & PROT_WRITE else b"-",
        b"x" if vma.prot & PROT_EXEC else b"-",
        b"s" if vma.flags & MAP_SHARED else b"p",
        vma.offset if vma.mapping is not None and not vma.name else 0,
        dev >> 8 & 0xFFF,
        dev & 0xFF | dev >> 12 & 0xFFF00,
        ino,
    )
    if not name:
        return head + b"\n"
    return head.ljust(MAPS_COLUMN) + name + b"\n"


def smaps(task: "Task") -> bytes:
    root = task.fs.root
    parts: list[bytes] = []
    for vma in task.mm.vmas:
        resident_kb = task.mm.space.resident(vma.start, vma.end - vma.start).count(1) * 4
        is_anonymous = vma.file is None and not vma.flags & MAP_SHARED
        parts.append(_maps_line(vma, root))
        parts.append(_kb(b"Size", (vma.end - vma.start) // 1024) + _kb(b"KernelPageSize", 4) + _kb(b"MMUPageSize", 4))
        locked_kb = resident_kb if vma.flags & MAP_LOCKED else 0
        parts.append(_usage(resident_kb, resident_kb if is_anonymous else 0, locked_kb, False))
        parts.append(b"THPeligible:    0\nVmFlags: %s\n" % _vm_flags(vma))
    return b"".join(parts)


def smaps_rollup(task: "Task") -> bytes:
    vmas = task.mm.vmas
    resident = anonymous = locked = 0
    low = high = 0
    for vma in vmas:
        if high == 0:
            low = vma.start
        high = vma.end
        nr = task.mm.space.resident(vma.start, vma.end - vma.start).count(1)
        resident += nr
        if vma.file is None and not vma.flags & MAP_SHARED:
            anonymous += nr
        if vma.flags & MAP_LOCKED:
            locked += nr
    head = b"%08x-%08x ---p 00000000 00:00 0 " % (low, high)
    return head.ljust(MAPS_COLUMN) + b"[rollup]\n" + _usage(resident * 4, anonymous * 4, locked * 4, True)


def _usage(resident_kb: int, anonymous_kb: int, locked_kb: int, is_rollup: bool) -> bytes:
    clean_kb = resident_kb - anonymous_kb
    rows = [_kb(b"Rss", resident_kb), _kb(b"Pss", resident_kb), _kb(b"Pss_Dirty", anonymous_kb)]
    if is_rollup:
        rows += [_kb(b"Pss_Anon", anonymous_kb), _kb(b"Pss_File", clean_kb), _kb(b"Pss_Shmem", 0)]
    rows += [
        _kb(b"Shared_Clean", 0),
        _kb(b"Shared_Dirty", 0),
        _kb(b"Private_Clean", clean_kb),
        _kb(b"Private_Dirty", anonymous_kb),
        _kb(b"Referenced", resident_kb),
        _kb(b"Anonymous", anonymous_kb),
    ]
    for name in (
        b"LazyFree", b"AnonHugePages", b"ShmemPmdMapped", b"FilePmdMapped", b"Shared_Hugetlb", b"Private_Hugetlb", b"Swap",
        b"SwapPss",
    ):  # fmt: skip
        rows.append(_kb(name, 0))
    rows.append(_kb(b"Locked", locked_kb))
    return b"".join(rows)


def _kb(name: bytes, value: int) -> bytes:
    return b"%-16s%8d kB\n" % (name + b":", value)


def _vm_flags(vma: "Vma") -> bytes:
    words = b""
    if vma.prot & PROT_READ:
        words += b"rd "
    if vma.prot & PROT_WRITE:
        words += b"wr "
    if vma.prot & PROT_EXEC:
        words += b"ex "
    if vma.flags & MAP_SHARED:
        words += b"sh "
    words += b"mr mw me "
    if vma.is_stack():
        words += b"gd "
    if vma.flags & MAP_LOCKED:
        words += b"lo "
    if vma.flags & MAP_NORESERVE:
        words += b"nr "
    if vma.file is None:
        words += b"ac "
    return words


# Strings the process was given.
def cmdline(task: "Task") -> bytes:
    """Arguments with their NULs. A process may have written over them: if the last NUL is gone, the text runs on into the
    environment up to the next one (setproctitle; fs/proc/base.c get_mm_cmdline)."""
    mm = task.mm
    data = read_range(mm, mm.arg_start, mm.arg_end)
    if not data or data[-1] == 0:
        return data
    end = data.find(0)
    if end >= 0:
        return data[: end + 1]
    more = read_range(mm, mm.arg_end, min(mm.env_end, mm.arg_end + PAGE_SIZE)) if mm.env_start == mm.arg_end else b""
    data += more
    end = data.find(0)
    return data[: end + 1] if end >= 0 else data


def environ(task: "Task") -> bytes:
    return read_range(task.mm, task.mm.env_start, task.mm.env_end)


def auxv(task: "Task") -> bytes:
    return task.mm.auxv


def read_range(mm: "Mm", start: int, end: int) -> bytes:
    """Guest bytes as far as they can be read, whatever their protection."""
    if start <= 0 or end <= start or mm.space.is_dead():
        return b""
    return foreign.read(mm, start, min(end - start, MAX_STRINGS))
