# SPDX-License-Identifier: MPL-2.0
"""The image of our vDSO: a small shared object that guests get mapped (machine/vdso/vdso.c, built with the package)."""

from pathlib import Path
from typing import Final

IMAGE_PATH: Final = Path(__file__).parent / "machine" / "vdso" / "vdso.so"


def load() -> bytes:
    """The bytes of the ELF file; empty if it was not built: guests then read clocks by system calls."""
    try:
        return IMAGE_PATH.read_bytes()
    except OSError:
        return b""
