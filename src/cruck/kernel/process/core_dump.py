# SPDX-License-Identifier: MPL-2.0
"""Core dumps: what is left of a process that a signal killed, as an ELF file `core` in its working directory (core(5), fs/coredump.c,
fs/binfmt_elf.c). Debuggers read it.

Contents: registers of every thread, the signal, the auxiliary vector, the mapped files; private memory that was touched and the first
page of mapped programs; holes stay holes. A thread that runs on another CPU at that moment is shown with the registers of its last stop.
"""

import struct
from typing import TYPE_CHECKING, Final

from cruck.abi.elf import ELF64_EHDR, ELF64_PHDR
from cruck.abi.fcntl import AT_FDCWD, O_CREAT, O_NOFOLLOW, O_TRUNC, O_WRONLY
from cruck.framework.hardware import PAGE_SIZE, PTE_HOST, PTE_SEGMENT
from cruck.framework.mm.user_memory import BytesReader
from cruck.kernel.errors import LinuxError
from cruck.kernel.process.process import RLIM_INFINITY
from cruck.kernel.syscalls import regset
from cruck.kernel.syscalls.signal_frame import siginfo_bytes
from cruck.kernel.vfs.open import check_flags, open_path

if TYPE_CHECKING:
    from cruck.kernel.memory.vma import Vma
    from cruck.kernel.process.task import Task
    from cruck.kernel.signal.pending import SigInfo
    from cruck.kernel.vfs.file import File

RLIMIT_CORE: Final = 4
PT_LOAD: Final = 1
PT_NOTE: Final = 4
NT_PRPSINFO: Final = 3
NT_AUXV: Final = 6
NT_FILE: Final = 0x46494C45
NT_SIGINFO: Final = 0x53494749
MAX_SEGMENTS: Final = 0xFFFE
CHUNK: Final = 1 << 22  # bytes looked at and written at once
MAX_AREA: Final = 1 << 36  # a larger area is left out, a larger mapped file taken for unwritten: looking at it would hold up everybody
MAX_FILE: Final = 1 << 32
S_IFREG: Final = 0o100000
S_IFMT: Final = 0o170000
NS: Final = 1_000_000_000
# struct elf_prstatus without its registers: signal, pending, blocked, ids, four times.
PRSTATUS: Final = struct.Struct("<iiih2xQQiiii8q")
PRPSINFO: Final = struct.Struct("<4b4xQIIiiii16s80s")


def dump(task: "Task", info: "SigInfo") -> bool:
    """True: the file was written (WCOREDUMP). False: RLIMIT_CORE or the process itself forbids it, or it cannot be written whole within
    the limit's first bytes."""
    process = task.process
    limit = process.rlimit(RLIMIT_CORE)
    if limit < PAGE_SIZE or process.dumpable != 1 or task.mm.space.is_dead():
        return False
    try:
        file = open_path(task, AT_FDCWD, b"core", check_flags(O_CREAT | O_TRUNC | O_WRONLY | O_NOFOLLOW), 0o600)
    except LinuxError:
        return False
    if isinstance(file, int):
        return False
    file.get()
    try:
        stat = file.stat()
        if stat.mode & S_IFMT != S_IFREG or stat.nlink != 1 or stat.uid != task.creds.fsuid:
            return False
        return _write(task, info, file, limit if limit != RLIM_INFINITY else 1 << 62)
    except LinuxError:
        return False
    finally:
        file.put()


def _write(task: "Task", info: "SigInfo", file: "File", limit: int) -> bool:
    areas = [vma for vma in task.mm.vmas if vma.name != b"[vvar]"][:MAX_SEGMENTS]
    notes = _notes(task, info)
    notes_at = ELF64_EHDR.size + ELF64_PHDR.size * (1 + len(areas))
    offset = (notes_at + len(notes) + PAGE_SIZE - 1) & -PAGE_SIZE
    headers = [ELF64_PHDR.pack(PT_NOTE, 0, notes_at, 0, 0, len(notes), 0, 0)]
    sizes: list[int] = []
    at = offset
    for vma in areas:
        size = _size_to_dump(vma)
        sizes.append(size)
        protection = (vma.prot & 1) << 2 | vma.prot & 2 | (vma.prot & 4) >> 2
        headers.append(ELF64_PHDR.pack(PT_LOAD, protection, at, vma.start, 0, size, vma.end - vma.start, PAGE_SIZE))
        at += size
    ident = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    head = ELF64_EHDR.pack(ident, 4, 62, 1, 0, ELF64_EHDR.size, 0, 0, ELF64_EHDR.size, ELF64_PHDR.size, len(headers), 0, 0, 0)
    if not _put(file, head + b"".join(headers) + notes, 0, limit):
        return False
    for vma, size in zip(areas, sizes, strict=True):
        done = 0
        while done < size:
            want = min(size - done, CHUNK)
            present = task.mm.space.resident(vma.start + done, want)
            if 1 in present and not _write_pages(task, file, vma.start + done, present, offset + done, limit):
                return True  # truncated at the limit, as on Linux
            done += want
        offset += size
    inode = file.inode()
    if inode is not None and file.stat().size < min(offset, limit):
        inode.truncate(min(offset, limit))  # a hole at the end
    return True


def _write_pages(task: "Task", file: "File", addr: int, present: bytes, offset: int, limit: int) -> bool:
    """Runs of pages that are there; what is not stays a hole."""
    first = present.find(1)
    while first >= 0:
        last = present.find(0, first)
        last = len(present) if last < 0 else last
        data = task.mm.space.read_force(addr + first * PAGE_SIZE, (last - first) * PAGE_SIZE)
        if not _put(file, data, offset + first * PAGE_SIZE, limit):
            return False
        first = present.find(1, last)
    return True


def _put(file: "File", data: bytes, offset: int, limit: int) -> bool:
    """False: not all of it was written."""
    data = data[: max(0, limit - offset)] if offset + len(data) > limit else data
    reader = BytesReader(data)
    while reader.remaining:
        count = file.write(reader, offset)
        if count <= 0:
            return False
        offset += count
    return True


def _size_to_dump(vma: "Vma") -> int:
    """coredump_filter 0x33: private memory, anonymous shared memory, and the first page of mapped programs."""
    length = vma.end - vma.start
    if not vma.prot or length > MAX_AREA:
        return 0
    if vma.file is None or (vma.prot & 2 and not vma.is_shared()):
        return length
    if vma.is_shared():
        return 0
    if length <= MAX_FILE and _was_written(vma):
        return length
    if vma.offset:
        return 0
    return PAGE_SIZE if vma.mm.space.read_force(vma.start, 4) == b"\x7fELF" else 0


def _was_written(vma: "Vma") -> bool:
    """Has a private mapping of a file pages of its own (relocated and then protected, for example)?"""
    space = vma.mm.space
    addr = vma.start
    while addr < vma.end:
        entry = space.lookup(addr)
        if entry and not entry & (PTE_HOST | PTE_SEGMENT):
            return True
        addr += PAGE_SIZE
    return False


def _note(name: bytes, kind: int, data: bytes) -> bytes:
    padded = data.ljust((len(data) + 3) & ~3, b"\0")
    return struct.pack("<III", len(name) + 1, len(data), kind) + name.ljust((len(name) + 4) & ~3, b"\0") + padded


def _notes(task: "Task", info: "SigInfo") -> bytes:
    process = task.process
    mm, creds = task.mm, task.creds
    arguments = mm.space.read_force(mm.arg_start, min(80, max(0, mm.arg_end - mm.arg_start)))
    ids = (process.pid, process.parent.pid if process.parent is not None else 0, process.group.pgid, process.group.session.sid)
    psinfo = PRPSINFO.pack(
        0, ord("R"), 0, task.nice, 0x400000, creds.uid, creds.gid, *ids, task.comm, arguments.replace(b"\0", b" ").rstrip()
    )  # fmt: skip
    parts = [
        _note(b"CORE", regset.NT_PRSTATUS, _status(task, info.signo, ids)),
        _note(b"CORE", NT_PRPSINFO, psinfo),
        _note(b"CORE", NT_SIGINFO, siginfo_bytes(info)),
        _note(b"CORE", NT_AUXV, mm.auxv),
        _note(b"CORE", NT_FILE, _files(task)),
        _fpu(task),
    ]
    for other in process.threads.values():
        if other is not task:
            parts.append(_note(b"CORE", regset.NT_PRSTATUS, _status(other, 0, (other.tid, *ids[1:]))))
            parts.append(_fpu(other))
    return b"".join(parts)


def _status(task: "Task", signo: int, ids: tuple[int, int, int, int]) -> bytes:
    user_ns, system_ns = task.context.cpu_time_ns(), task.system_ns
    process = task.process
    times = (user_ns, system_ns, process.children_user_ns, process.children_system_ns)
    words: list[int] = []
    for time_ns in times:
        words += [time_ns // NS, time_ns % NS // 1000]
    head = PRSTATUS.pack(signo, 0, 0, signo, task.pending.bits, task.blocked_mask, *ids, *words)
    return head + regset.registers_bytes(task) + struct.pack("<i4x", 1)


def _fpu(task: "Task") -> bytes:
    return _note(b"CORE", regset.NT_PRFPREG, regset.fxsave(task.context)) + _note(
        b"LINUX", regset.NT_X86_XSTATE, regset.xsave(task.context)
    )


def _files(task: "Task") -> bytes:
    """NT_FILE: count, page size, ranges, names."""
    from cruck.kernel.vfs.walk import path_string

    ranges: list[bytes] = []
    names: list[bytes] = []
    for vma in task.mm.vmas:
        if vma.file is not None and vma.file.path is not None:
            ranges.append(struct.pack("<QQQ", vma.start, vma.end, vma.offset // PAGE_SIZE))
            names.append(path_string(task.fs.root, vma.file.path) + b"\0")
    return struct.pack("<QQ", len(ranges), PAGE_SIZE) + b"".join(ranges) + b"".join(names)
