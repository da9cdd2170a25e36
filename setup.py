# SPDX-License-Identifier: MPL-2.0
"""Builds the native machine: the extension `cruck.framework._machine`, the stub program and the vDSO beside its sources.

The Python side is compiled too (tools/compile_python.py), unless CRUCK_COMPILE=0; never for editable installs, where sources and what
runs must be the same. Metadata is in pyproject.toml. The stub is an executable
of its own (static, no libc), so build_ext runs the C compiler once more for it; it is package data of `cruck.framework`.
"""

import glob
import os
import shlex
import subprocess
import sys
import sysconfig
import zlib
from concurrent.futures import ThreadPoolExecutor

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

MACHINE = os.path.join("src", "cruck", "framework", "machine")
STUB = os.path.join(MACHINE, "stub")
VDSO = os.path.join(MACHINE, "vdso")

COMPILES_PYTHON = os.environ.get("CRUCK_COMPILE", "1") == "1"

STUB_FLAGS = """
    -std=gnu11 -Wall -Wextra -Werror -O2 -ffreestanding -fno-builtin -fno-stack-protector -mgeneral-regs-only -mno-red-zone
    -fPIC -fvisibility=hidden -fcf-protection=none -fno-asynchronous-unwind-tables -U_FORTIFY_SOURCE
    -static -nostdlib -no-pie -Wl,--build-id=none -Wl,-z,noexecstack -Wl,-z,norelro
""".split()

# The checksum of what the stub and the extension share: one of them from another build is refused, not misunderstood.
with open(os.path.join(STUB, "abi.h"), "rb") as header:
    STUB_ABI = zlib.crc32(header.read())


class BuildMachine(build_ext):
    """build_ext plus the stub and the vDSO."""

    def run(self) -> None:
        is_in_place = bool(self.inplace or self.editable_mode)
        self.build_stub(os.path.join(STUB, "stub") if is_in_place else self.stub_in_build_lib())
        self.build_vdso(os.path.join(VDSO, "vdso.so") if is_in_place else self.vdso_in_build_lib())
        if COMPILES_PYTHON and not is_in_place:
            sys.path.insert(0, "tools")
            from compile_python import extensions

            self.distribution.ext_modules.extend(extensions(self.build_temp))
            self.initialize_options()
            self.finalize_options()
        super().run()

    def build_extensions(self) -> None:
        """Hundreds of small C files: all processors compile, whichever extension they belong to."""
        compile_all = self.compiler.compile

        def compile_in_parallel(files: list[str], **options: object) -> list[str]:
            with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
                return [objects[0] for objects in pool.map(lambda file: compile_all([file], **options), files)]

        self.compiler.compile = compile_in_parallel
        super().build_extensions()

    def stub_in_build_lib(self) -> str:
        return os.path.join(self.build_lib, "cruck", "framework", "machine", "stub", "stub")

    def vdso_in_build_lib(self) -> str:
        return os.path.join(self.build_lib, "cruck", "framework", "machine", "vdso", "vdso.so")

    def build_vdso(self, target: str) -> None:
        subprocess.run([sys.executable, os.path.join(VDSO, "build.py"), target], check=True)

    def build_stub(self, target: str) -> None:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "gcc")[:1]
        sources = sorted(glob.glob(os.path.join(STUB, "*.c"))) + [os.path.join(STUB, "entry.S")]
        script = os.path.join(STUB, "stub.ld")
        more = os.environ.get("CRUCK_STUB_CFLAGS", "").split()  # tools/sanitize.py
        subprocess.run([*compiler, *STUB_FLAGS, *more, f"-DSTUB_ABI={STUB_ABI}u", f"-Wl,-T,{script}", *sources, "-o", target], check=True)
        os.chmod(target, 0o755)

    def get_outputs(self) -> list[str]:
        return [*super().get_outputs(), *([] if self.inplace else [self.stub_in_build_lib(), self.vdso_in_build_lib()])]


setup(
    ext_modules=[
        Extension(
            "cruck.framework._machine",
            sources=sorted(glob.glob(os.path.join(MACHINE, "*.c"))),
            depends=glob.glob(os.path.join(MACHINE, "*.h")) + glob.glob(os.path.join(STUB, "*.h")),
            define_macros=[("_GNU_SOURCE", None), ("STUB_ABI", f"{STUB_ABI}u")],
            extra_compile_args=[
                "-Wall",
                "-Wextra",
                "-Werror",
                "-O2",
                "-std=gnu11",
                "-fvisibility=hidden",
                "-Wno-missing-field-initializers",
            ],
        )
    ],
    cmdclass={"build_ext": BuildMachine},
    setup_requires=["mypy>=1.18"] if COMPILES_PYTHON else [],
)
