# SPDX-License-Identifier: MPL-2.0
"""The image of our vDSO: a small shared object that guests get mapped (machine/vdso/vdso.c, built with the package); and the functions of
the host's."""

import os
import struct
from typing import Final

_WORD: Final = (1 << 64) - 1
IMAGE_PATH: Final = os.path.join(os.path.dirname(__file__), "machine", "vdso", "vdso.so")


def load() -> bytes:
    """The bytes of the ELF file; empty if it was not built: guests then read clocks by system calls."""
    try:
        with open(IMAGE_PATH, "rb") as file:
            return file.read()
    except OSError:
        return b""


def symbols(image: bytes, base: int) -> dict[str, int]:
    """The functions of an ELF shared object loaded at `base` → their addresses. As in every image that a linker makes, .dynstr follows .dynsym.
    Errors: none; what does not lie inside the image is not there."""
    try:
        return _symbols(image, base)
    except (struct.error, OverflowError):
        return {}


def _symbols(image: bytes, base: int) -> dict[str, int]:
    at, nr_segments = struct.unpack_from("<Q", image, 32)[0], struct.unpack_from("<H", image, 56)[0]
    bias, dynamic = -1, len(image)
    for index in range(nr_segments):
        kind, _, offset, address = struct.unpack_from("<IIQQ", image, at + 56 * index)
        if kind == 1 and bias < 0:  # PT_LOAD
            bias = offset - address & _WORD
        elif kind == 2:  # PT_DYNAMIC
            dynamic = offset
    bias = max(bias, 0)
    table = names = 0
    while (entry := struct.unpack_from("<QQ", image, dynamic))[0]:
        dynamic += 16
        if entry[0] == 6:  # DT_SYMTAB
            table = entry[1] + bias & _WORD
        elif entry[0] == 5:  # DT_STRTAB
            names = entry[1] + bias & _WORD
    found: dict[str, int] = {}
    for at in range(table, min(names, len(image)) - 23, 24):
        name, info, _, section, value = struct.unpack_from("<IBBHQ", image, at)
        if info & 15 == 2 and section:  # STT_FUNC, defined
            start = names + name
            found[image[start : image.find(b"\0", start)].decode("latin-1")] = base + value + bias & _WORD
    return found
