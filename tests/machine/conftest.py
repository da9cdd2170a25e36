# SPDX-License-Identifier: MPL-2.0
"""Fixtures for contract tests that drive `_machine` directly with tiny guests in machine code."""

import functools
import itertools
import os
import pathlib
import subprocess
import tempfile
import time

import pytest

import cruck

_machine = pytest.importorskip("cruck.framework._machine")

STUB = bytes(pathlib.Path(cruck.__file__).parent / "framework" / "machine" / "stub" / "stub")
MIB = 1 << 20
CODE = 0x400000
DATA = 0x500000
STACK_TOP = 0x610000
R15, R14, R13, R12, RBP, RBX, R11, R10, R9, R8, RAX, RCX, RDX, RSI, RDI, ORIG_RAX, RIP, CS, EFLAGS, RSP, SS, FS_BASE, GS_BASE = range(23)


@functools.cache
def assemble(text: str) -> bytes:
    """Machine code of AT&T assembly, linked at CODE."""
    with tempfile.TemporaryDirectory() as folder:
        source, target, raw = (os.path.join(folder, name) for name in ("a.S", "a.elf", "a.bin"))
        pathlib.Path(source).write_text(text + "\n")
        subprocess.run(
            [
                "gcc",
                "-nostdlib",
                "-static",
                "-no-pie",
                f"-Wl,-Ttext={CODE:#x},-e,{CODE:#x},--build-id=none",
                "-x",
                "assembler-with-cpp",
                source,
                "-o",
                target,
            ],
            check=True,
        )
        subprocess.run(["objcopy", "-O", "binary", "-j", ".text", target, raw], check=True)
        return pathlib.Path(raw).read_bytes()


def soon(seconds: float = 5.0) -> int:
    return time.monotonic_ns() + int(seconds * 1e9)


_tags = itertools.count(1)


def new_context(space):
    """A context whose stops can be told from all others'."""
    context = _machine.Context(space)
    context.tag = next(_tags)
    return context


class Guest:
    """A space with code, data and stack, and a context that starts at the code."""

    def __init__(self, machine, text: str) -> None:
        self.machine = machine
        self.space = _machine.Space(machine)
        code = assemble(text)
        size = (len(code) + 4095) // 4096 * 4096
        assert self.space.map_anon(CODE, size, 7) == 0
        assert self.space.map_anon(DATA, 4 * 4096, 3) == 0
        assert self.space.map_anon(STACK_TOP - 4 * 4096, 4 * 4096, 3) == 0
        assert self.space.write(CODE, code) == len(code)
        self.context = self.new_context()

    def new_context(self, rip: int = CODE, rsp: int = STACK_TOP):
        context = new_context(self.space)
        context.set_reg(RIP, rip)
        context.set_reg(RSP, rsp)
        return context

    def step(self):
        """Runs the first context to its next stop."""
        return run(self.machine, self.context)


def run(machine, context):
    context.run()
    return next_stop(machine, context)


def next_stop(machine, context):
    deadline = soon()
    while True:
        stops = machine.wait(deadline, 0)
        for stop in stops:
            if stop[0] == context.tag:
                return stop[1:]
        assert stops or time.monotonic_ns() < deadline, "no stop in time"


@pytest.fixture
def machine():
    value = _machine.Machine(STUB, 64 * MIB, False)
    yield value
    value.close()


@pytest.fixture
def guest(machine):
    return functools.partial(Guest, machine)


def alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False
