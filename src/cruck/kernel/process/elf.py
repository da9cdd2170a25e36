# SPDX-License-Identifier: MPL-2.0
"""ELF programs: reading and checking the headers, and mapping the segments into a new address space.

`read_image` looks at a file and says what it is (everything in it is hostile: all numbers are checked here, once); `map_image`
puts a checked image into an `Mm`. The rest of execve (scripts, stack, credentials) is exec.py.
Sources: elf(5), fs/binfmt_elf.c load_elf_binary(), elf_map(), load_elf_interp() of Linux 6.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.elf import (
    ELF64_EHDR,
    ELF64_PHDR,
    ELFCLASS64,
    ELFDATA2LSB,
    ELFMAG,
    EM_X86_64,
    ET_DYN,
    ET_EXEC,
    PF_R,
    PF_W,
    PF_X,
    PT_GNU_STACK,
    PT_INTERP,
    PT_LOAD,
)
from cruck.abi.errno import EIO, ELIBBAD, ENOEXEC, ENOMEM
from cruck.abi.limits import PATH_MAX
from cruck.abi.mman import MAP_ANONYMOUS, MAP_FIXED, MAP_FIXED_NOREPLACE, MAP_PRIVATE, PROT_EXEC, PROT_READ, PROT_WRITE
from cruck.framework.hardware import PAGE_MASK
from cruck.framework.mm.user_memory import BytesWriter, UserFault
from cruck.kernel.errors import LinuxError

if TYPE_CHECKING:
    from cruck.kernel.memory.mm import Mm
    from cruck.kernel.vfs.file import File

MAX_HEADERS_BYTES: Final = 65536


class ElfSegment:
    """A PT_LOAD, checked: sizes fit, offset and address agree modulo the page size."""

    vaddr: int
    offset: int
    file_size: int
    memory_size: int
    prot: int

    def __init__(self, vaddr: int, offset: int, file_size: int, memory_size: int, prot: int) -> None:
        self.vaddr = vaddr
        self.offset = offset
        self.file_size = file_size
        self.memory_size = memory_size
        self.prot = prot


class ElfImage:
    is_fixed: bool  # ET_EXEC: addresses are final
    entry: int  # unrelocated
    segments: list[ElfSegment]  # at least one, in the file's order
    low: int  # page-aligned span of all segments, unrelocated
    high: int
    alignment: int  # of the load address; a power of two ≥ the page size
    phdr_vaddr: int  # unrelocated address of the program headers; 0 if no segment has them
    nr_phdrs: int
    interpreter: bytes | None
    has_exec_stack: bool

    def __init__(self) -> None:
        self.is_fixed = False
        self.entry = 0
        self.segments = []
        self.low = self.high = 0
        self.alignment = 4096
        self.phdr_vaddr = 0
        self.nr_phdrs = 0
        self.interpreter = None
        self.has_exec_stack = False


class LoadedImage:
    """Where a mapped image lies; addresses are final."""

    bias: int
    entry: int
    start_code: int
    end_code: int
    start_data: int
    end_data: int
    end_memory: int  # page-aligned end of the last segment, bss included

    def __init__(self, bias: int, entry: int) -> None:
        self.bias = bias
        self.entry = entry
        self.start_code = self.end_code = self.start_data = self.end_data = self.end_memory = 0


def read_bytes(file: "File", offset: int, length: int) -> bytes:
    """Up to `length` bytes of a regular file; short at its end. Errors: LinuxError(EIO …)."""
    parts: list[bytes] = []
    done = 0
    while done < length:
        out = BytesWriter(length - done)
        count = file.read(out, offset + done)
        if count < 0:
            raise LinuxError(-count if count > -4096 else EIO)
        if count == 0:
            break
        parts.append(out.getvalue())
        done += count
    return b"".join(parts)


def read_image(file: "File", head: bytes, user_end: int) -> ElfImage:
    """Checks an ELF file. Args: head: its first bytes (64 or more, if it has them).
    Errors: LinuxError(ENOEXEC): not an x86-64 program, or broken."""
    if len(head) < ELF64_EHDR.size or head[:4] != ELFMAG or head[4] != ELFCLASS64 or head[5] != ELFDATA2LSB:
        raise LinuxError(ENOEXEC, "not a 64-bit ELF file")
    kind, machine = _field(head, "e_type", 2), _field(head, "e_machine", 2)
    entry, phoff = _field(head, "e_entry", 8), _field(head, "e_phoff", 8)
    phentsize, phnum = _field(head, "e_phentsize", 2), _field(head, "e_phnum", 2)
    if kind not in (ET_EXEC, ET_DYN) or machine != EM_X86_64:
        raise LinuxError(ENOEXEC, "not for x86-64")
    if phentsize != ELF64_PHDR.size or not 0 < phnum * ELF64_PHDR.size <= MAX_HEADERS_BYTES or phoff > 1 << 62:
        raise LinuxError(ENOEXEC, "program headers")
    table = read_bytes(file, phoff, phnum * ELF64_PHDR.size)
    if len(table) < phnum * ELF64_PHDR.size:
        raise LinuxError(ENOEXEC, "truncated program headers")
    image = ElfImage()
    image.is_fixed = kind == ET_EXEC
    image.entry = entry
    image.nr_phdrs = phnum
    for index in range(phnum):
        _read_phdr(file, image, ELF64_PHDR.unpack_from(table, index * ELF64_PHDR.size), phoff, user_end)
    if not image.segments:
        raise LinuxError(ENOEXEC, "no segments")
    if image.high - image.low > user_end or (image.is_fixed and image.high > user_end):
        raise LinuxError(ENOEXEC, "too large")
    return image


def _field(head: bytes, name: str, size: int) -> int:
    offset = ELF64_EHDR.offsets[name]
    return int.from_bytes(head[offset : offset + size], "little")


def _read_phdr(file: "File", image: ElfImage, phdr: tuple[int, ...], phoff: int, user_end: int) -> None:
    kind, flags, offset, vaddr, file_size, memory_size, alignment = (
        phdr[0], phdr[1], phdr[2], phdr[3], phdr[5], phdr[6], phdr[7],
    )  # fmt: skip
    if kind == PT_LOAD:
        if file_size > memory_size or memory_size > user_end or vaddr > user_end - memory_size or offset > 1 << 62:
            raise LinuxError(ENOEXEC, "segment size")
        if memory_size == 0:
            return
        if file_size and (offset - vaddr) & PAGE_MASK:
            raise LinuxError(ENOEXEC, "segment alignment")
        prot = (PROT_READ if flags & PF_R else 0) | (PROT_WRITE if flags & PF_W else 0) | (PROT_EXEC if flags & PF_X else 0)
        low, high = vaddr & ~PAGE_MASK, (vaddr + memory_size + PAGE_MASK) & ~PAGE_MASK
        if not image.segments or low < image.low:
            image.low = low
        image.high = max(image.high, high)
        image.segments.append(ElfSegment(vaddr, offset, file_size, memory_size, prot))
        if alignment & (alignment - 1) == 0 and image.alignment < alignment <= 1 << 30:
            image.alignment = alignment
        if offset <= phoff < offset + file_size:
            image.phdr_vaddr = phoff - offset + vaddr
    elif kind == PT_INTERP and image.interpreter is None:
        if not 2 <= file_size <= PATH_MAX or offset > 1 << 62:
            raise LinuxError(ENOEXEC, "interpreter name")
        name = read_bytes(file, offset, file_size)
        if len(name) < file_size or name[-1] != 0:
            raise LinuxError(ENOEXEC, "interpreter name")
        image.interpreter = name[: name.index(0)]
    elif kind == PT_GNU_STACK:
        image.has_exec_stack = bool(flags & PF_X)


def read_interpreter(file: "File", user_end: int) -> ElfImage:
    """As read_image(), for a program interpreter. Errors: LinuxError(ELIBBAD, EIO)."""
    head = read_bytes(file, 0, ELF64_EHDR.size)
    if len(head) < ELF64_EHDR.size:
        raise LinuxError(EIO)
    try:
        return read_image(file, head, user_end)
    except LinuxError as error:
        raise LinuxError(ELIBBAD if error.errno == ENOEXEC else error.errno, error.why) from error


def map_image(mm: "Mm", file: "File", image: ElfImage, base: int) -> LoadedImage:
    """Maps the segments, the lowest at `base` (page-aligned; ignored for ET_EXEC). The range must be free.

    Errors: LinuxError(ENOEXEC: outside the file or user space; ENOMEM, EPERM, EACCES as mmap)."""
    bias = 0 if image.is_fixed else base - image.low
    if bias + image.high > mm.user_end:
        raise LinuxError(ENOMEM)
    mapping = file.mapping()
    if mapping is None:
        raise LinuxError(ENOEXEC, "cannot be mapped")
    file_limit = (mapping.length() + PAGE_MASK) & ~PAGE_MASK
    loaded = LoadedImage(bias, bias + image.entry)
    loaded.start_code = bias + image.high
    is_first = True
    for segment in image.segments:
        if segment.offset + segment.file_size > file_limit:
            raise LinuxError(ENOEXEC, "truncated")
        _map_segment(mm, file, segment, bias, MAP_FIXED_NOREPLACE if is_first else MAP_FIXED)
        is_first = False
        start = bias + segment.vaddr
        file_end = start + segment.file_size
        loaded.start_code = min(loaded.start_code, start)
        loaded.start_data = max(loaded.start_data, start)
        if segment.prot & PROT_EXEC:
            loaded.end_code = max(loaded.end_code, file_end)
        loaded.end_data = max(loaded.end_data, file_end)
    loaded.end_memory = bias + image.high
    if loaded.entry >= mm.user_end:
        raise LinuxError(ENOEXEC, "entry point")
    return loaded


def _map_segment(mm: "Mm", file: "File", segment: ElfSegment, bias: int, placing: int) -> None:
    start = (bias + segment.vaddr) & ~PAGE_MASK
    file_end = bias + segment.vaddr + segment.file_size
    memory_end = (bias + segment.vaddr + segment.memory_size + PAGE_MASK) & ~PAGE_MASK
    zero_start = start
    if segment.file_size:
        zero_start = (file_end + PAGE_MASK) & ~PAGE_MASK
        offset = segment.offset - (segment.vaddr & PAGE_MASK)
        mm.mmap(start, zero_start - start, segment.prot, MAP_PRIVATE | placing, file, offset)
        # The rest of the last page belongs to the bss. In a read-only segment the file shows through, as on Linux.
        if segment.memory_size > segment.file_size and file_end & PAGE_MASK and segment.prot & PROT_WRITE:
            try:
                mm.user.zero(file_end, min(zero_start, memory_end) - file_end)
            except UserFault as error:
                raise LinuxError(ENOMEM if mm.is_oom else ENOEXEC) from error
    if memory_end > zero_start:
        flags = MAP_PRIVATE | MAP_ANONYMOUS | (MAP_FIXED if segment.file_size else placing)
        mm.mmap(zero_start, memory_end - zero_start, segment.prot, flags, None, 0)
