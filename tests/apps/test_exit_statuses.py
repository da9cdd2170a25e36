# SPDX-License-Identifier: MPL-2.0
"""Exit statuses as Docker's, and the sentence that says why a program could not be started."""

import os
import struct
from collections.abc import Mapping

import pytest
from compare import CRUCK_TIMEOUT_S, Content, Sandbox, cases, cruck_command, needs, run

pytestmark = needs("sh", "dash")

ELF = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)


def header(machine: int = 62, kind: int = 2, entry: int = 0x400000, phoff: int = 64, phnum: int = 1, phentsize: int = 56) -> bytes:
    return ELF + struct.pack("<HHIQQQIHHHHHH", kind, machine, 1, entry, phoff, 0, 0, 64, phentsize, phnum, 64, 0, 0)


def segment(kind: int = 1, offset: int = 0, vaddr: int = 0x400000, filesz: int = 0x1000, memsz: int = 0x1000) -> bytes:
    return struct.pack("<IIQQQQQQ", kind, 5, offset, vaddr, vaddr, filesz, memsz, 0x1000)


NOT_EXECUTABLE: dict[str, tuple[bytes, bytes]] = {
    "an empty file": (b"", b"program"),
    "text without an interpreter": (b"echo hello\n", b"not an executable"),
    "a lone magic number": (b"\x7fELF", b"not an executable"),
    "a truncated header": (header()[:50], b"not an executable"),
    "an ELF of another machine": (header(machine=183) + segment(), b"not an executable"),
    "a 32 bit ELF": (b"\x7fELF" + bytes([1, 1, 1]) + bytes(60), b"not an executable"),
    "an object file": (header(kind=1) + segment(), b"not an executable"),
    "no program headers": (header(phnum=0), b"not an executable"),
    "headers beyond the end": (header(phoff=1 << 40) + segment(), b"program"),
    "headers of a wrong size": (header(phentsize=8) + segment(), b"not an executable"),
    "a huge number of headers": (header(phnum=65535) + segment(), b"program"),
    "an interpreter that is missing": (b"#!/no/such/interpreter\n", b"program"),
    "an empty interpreter": (b"#!\n", b"program"),
    "noise": (bytes(range(256)) * 16, b"not an executable"),
}


@pytest.mark.parametrize(("content", "words"), [pytest.param(*value, id=name.replace(" ", "-")) for name, value in NOT_EXECUTABLE.items()])
def test_what_cannot_be_executed(sandbox: Sandbox, content: bytes, words: bytes) -> None:
    sandbox.files["program"] = content
    sandbox.fill()
    status, stderr = _with_mode(sandbox, 0o755)
    assert status == (127 if b"/no/such" in content else 126), stderr
    assert stderr.startswith(b"cruck: ") and words in stderr
    assert b"Traceback" not in stderr


def _with_mode(sandbox: Sandbox, mode: int) -> tuple[int, bytes]:
    os.chmod(f"{sandbox.path}/program", mode)
    outcome = run([*cruck_command(), "./program"], cwd=sandbox.path, timeout=CRUCK_TIMEOUT_S, env=sandbox.environment())
    return outcome.status, outcome.stderr


HOSTILE: Mapping[str, bytes] = {
    "a segment at the end of the address space": header() + segment(vaddr=0x7FFFFFFFF000),
    "a segment in the kernel's half": header() + segment(vaddr=0xFFFF800000000000),
    "a segment of all memory": header() + segment(memsz=1 << 62),
    "more in the file than in memory": header() + segment(filesz=0x2000, memsz=0x1000),
    "a segment beyond the end of the file": header() + segment(offset=1 << 30),
    "an entry outside of any segment": header(entry=0x10) + segment(),
    "an entry in the kernel's half": header(entry=0xFFFF800000001000) + segment(),
    "a segment over the page of address zero": header() + segment(vaddr=0),
    "an interpreter name without end": header() + struct.pack("<IIQQQQQQ", 3, 4, 0, 0, 0, 1 << 60, 1 << 60, 1),
    "misaligned offset and address": header() + segment(offset=1, vaddr=0x400000),
    "a segment that wraps around": header() + segment(vaddr=0xFFFFFFFFFFFFF000, memsz=0x2000),
    "sixty overlapping segments": header(phnum=60) + segment() * 60,
}


@pytest.mark.parametrize("content", cases(HOSTILE))
def test_hostile_programs_end_inside(sandbox: Sandbox, content: bytes) -> None:
    sandbox.files["program"] = content + bytes(4096)
    sandbox.fill()
    status, stderr = _with_mode(sandbox, 0o755)
    assert status == 126 or status > 128, (status, stderr)
    assert b"Traceback" not in stderr and b"oops" not in stderr, stderr


def test_no_such_program(sandbox: Sandbox) -> None:
    outcome = sandbox.cruck(["no-such-program"])
    assert (outcome.status, outcome.stdout) == (127, b"")
    assert outcome.stderr == b"cruck: no such program: 'no-such-program'\n"
    assert sandbox.cruck(["./no/such"]).status == 127


def test_no_execute_permission_and_directories(sandbox: Sandbox) -> None:
    sandbox.files["program"] = "#!/bin/sh\n"
    sandbox.fill()
    status, stderr = _with_mode(sandbox, 0o644)
    assert status == 126 and b"permission denied" in stderr
    outcome = sandbox.cruck(["/etc"])
    assert outcome.status == 126 and b"permission denied" in outcome.stderr


def test_own_failures_are_125(sandbox: Sandbox) -> None:
    for options in (["--no-such-option"], ["-v", "nonsense"], ["-m", "much"], ["--cpus", "0"], ["--timeout", "soon"]):
        outcome = sandbox.cruck(["true"], options=options)
        assert outcome.status == 125 and outcome.stderr.startswith(b"cruck run: "), (options, outcome)
    outcome = sandbox.cruck([])
    assert outcome.status == 125 and b"no command" in outcome.stderr


@pytest.mark.parametrize("status", [0, 1, 2, 42, 124, 125, 126, 127, 128, 200, 255])
def test_the_program_s_own_status_passes(sandbox: Sandbox, status: int) -> None:
    sandbox.check(["sh", "-c", f"exit {status}"], status=status)


def test_interpreters_of_scripts(sandbox: Sandbox) -> None:
    files: dict[str, Content] = {
        "one": '#!/bin/sh -u\necho "$0 $1"\n',
        "two": "#! /usr/bin/env python3\nimport sys; print(sys.argv)\n",
        "three": "#!./one\n",
        "four": "#!/bin/echo  several  words here \n",
        "five": "#!/bin/cat\nthe text\n",
        "loop": "#!./loop\n",
        "dir": "#!/etc\n",
    }
    for name in ("one", "two", "three", "four", "five"):
        sandbox.check([f"./{name}", "argument"], files=files, status=1 if name == "five" else 0)
    sandbox.check(["sh", "-c", "for s in ./loop ./dir ./one; do $s x; echo $?; done"], files=files)
    sandbox.check(["bash", "-c", "./loop; echo $?; ./dir; echo $?"], files=files)


def test_execution_from_the_guest_fails_as_natively(sandbox: Sandbox) -> None:
    code = (
        "import os, sys\n"
        "for p, a in (('./text', ['x']), ('./elf', ['x']), ('/etc', ['x']), ('./none', ['x']), ('./none/x', ['x']), ('./text/x', ['x']), ('/dev/null', ['x']), ('/bin/true', ['x' * 200000])):\n"
        "    try: os.execv(p, a)\n"
        "    except OSError as e: print(e.errno)\n"
    )
    files: dict[str, Content] = {"text": "plain\n", "elf": header(machine=183), "script.py": code}
    sandbox.check(["sh", "-c", "chmod +x text; /usr/bin/python3 script.py"], files=files)
