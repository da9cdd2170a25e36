# SPDX-License-Identifier: MPL-2.0
"""The image of our vDSO: a small shared object that guests get mapped (machine/vdso/vdso.c, built with the package)."""

import os
from typing import Final

IMAGE_PATH: Final = os.path.join(os.path.dirname(__file__), "machine", "vdso", "vdso.so")


def load() -> bytes:
    """The bytes of the ELF file; empty if it was not built: guests then read clocks by system calls."""
    try:
        with open(IMAGE_PATH, "rb") as file:
            return file.read()
    except OSError:
        return b""
