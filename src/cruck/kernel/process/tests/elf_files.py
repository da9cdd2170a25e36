# SPDX-License-Identifier: MPL-2.0
"""Tiny ELF files for tests, as bytes."""

import struct

from cruck.abi.elf import ELF64_EHDR, ELF64_PHDR

PT_LOAD = 1
PT_INTERP = 3
PT_GNU_STACK = 0x6474E551
ET_EXEC = 2
ET_DYN = 3
Phdr = tuple[int, int, int, int, int, int, int]  # type, flags, offset, vaddr, filesz, memsz, align


def elf(kind: int, entry: int, phdrs: list[Phdr], size: int, machine: int = 62, ident: bytes = b"\x7fELF\x02\x01\x01") -> bytes:
    """An ELF file of `size` bytes whose contents are its own offsets modulo 251 behind the headers."""
    head = ELF64_EHDR.pack(ident, kind, machine, 1, entry, 64, 0, 0, 64, 56, len(phdrs), 0, 0, 0)
    for p in phdrs:
        head += ELF64_PHDR.pack(p[0], p[1], p[2], p[3], 0, p[4], p[5], p[6])
    return head + bytes(offset % 251 for offset in range(len(head), size))


def static(entry: int = 0x401000) -> bytes:
    """Text at 0x400000 (two pages), data at 0x402800 with a bss of three pages."""
    return elf(
        ET_EXEC,
        entry,
        [
            (PT_LOAD, 5, 0, 0x400000, 0x2000, 0x2000, 0x1000),
            (PT_LOAD, 6, 0x2800, 0x402800, 0x400, 0x3000, 0x1000),
            (PT_GNU_STACK, 6, 0, 0, 0, 0, 16),
        ],
        0x2C00,
    )


def pie(interpreter: bytes | None, entry: int = 0x100) -> bytes:
    """One segment; the interpreter's name stands at 0x200."""
    phdrs: list[Phdr] = [(PT_LOAD, 7, 0, 0, 0x1000, 0x1800, 0x1000)]
    if interpreter is not None:
        phdrs.append((PT_INTERP, 4, 0x200, 0x200, len(interpreter) + 1, len(interpreter) + 1, 1))
    data = bytearray(elf(ET_DYN, entry, phdrs, 0x1000))
    if interpreter is not None:
        data[0x200 : 0x200 + len(interpreter) + 1] = interpreter + b"\0"
    return bytes(data)


def words(data: bytes) -> list[int]:
    return list(struct.unpack(f"<{len(data) // 8}Q", data[: len(data) // 8 * 8]))
