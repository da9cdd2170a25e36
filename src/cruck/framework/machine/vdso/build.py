# SPDX-License-Identifier: MPL-2.0
"""Builds vdso.so beside its sources: `python build.py [output]`. setup.py runs it; not part of the installed package."""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
CFLAGS = (
    "-std=gnu11 -O2 -Wall -Wextra -Werror -fPIC -ffreestanding -fno-builtin -fno-stack-protector -fcf-protection=none "
    "-fno-jump-tables -mgeneral-regs-only -fvisibility=hidden -fasynchronous-unwind-tables"
).split()
LDFLAGS = (
    "-nostdlib -shared -s -Wl,-soname=linux-vdso.so.1 -Wl,--hash-style=both -Wl,--build-id=sha1 -Wl,-Bsymbolic "
    "-Wl,-z,noexecstack -Wl,-z,norelro -Wl,-z,max-page-size=4096 -Wl,--eh-frame-hdr -Wl,--no-undefined"
).split()


def build(output: Path) -> None:
    """Errors: subprocess.CalledProcessError, with the compiler's words on stderr."""
    output.parent.mkdir(parents=True, exist_ok=True)
    compiler = os.environ.get("CC", "gcc").split()
    command = [*compiler, *CFLAGS, *LDFLAGS, f"-Wl,-T,{HERE / 'vdso.lds'}", "-o", str(output), str(HERE / "vdso.c")]
    subprocess.run(command, check=True)


if __name__ == "__main__":
    build(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "vdso.so")
