# SPDX-License-Identifier: MPL-2.0
"""The C programs in the folders beside this file, one a family or aspect, print the same on Linux and on cruck.

Every line is an assertion: it says what a call did or whether something holds, Linux has said the same, and none may begin with WRONG (expect.h).
Programs named errno_* make system calls without libc between, and those of terminals wait much: they are linked one way only.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CRUCK = "import sys; from cruck.cli.main import main; sys.exit(main())"
LEAST_ASSERTIONS = 1500

pytest.importorskip("cruck.framework._machine")
pytestmark = [
    pytest.mark.skipif(shutil.which("gcc") is None, reason="needs a C compiler"),
    pytest.mark.skipif(os.geteuid() != 0, reason="the programs give up root's rights and mount file systems: natively they need root"),
]


PROGRAMS = sorted(HERE.glob("*/*.c"))
ONE_WAY = [path for path in PROGRAMS if path.stem.startswith("errno_") or path.parent.name == "terminals"]
CASES = [(path, how) for path in PROGRAMS for how in ("-static", "-pie") if how == "-static" or path not in ONE_WAY]


class Native:
    """A program, built, and what it printed on Linux; made at first need and kept for all tests."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.made: dict[tuple[Path, str], tuple[Path, list[str]]] = {}

    def run(self, source: Path, linking: str) -> tuple[Path, list[str]]:
        """(the program, its lines)"""
        if (source, linking) not in self.made:
            program = self.directory / f"{source.parent.name}-{source.stem}{linking}" / source.stem
            here = program.parent / "native"
            here.mkdir(parents=True)
            options = ["-O1", "-w", "-pthread", *(["-fPIE"] if linking == "-pie" else []), linking]
            subprocess.run(["gcc", *options, "-o", str(program), str(source)], check=True)
            linux = subprocess.run([str(program)], cwd=here, capture_output=True, text=True, timeout=60)
            lines = linux.stdout.splitlines()
            assert linux.returncode == 0, linux.stderr
            assert not [line for line in lines if line.startswith("WRONG")]
            self.made[source, linking] = (program, lines)
        return self.made[source, linking]


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory) -> Native:
    return Native(tmp_path_factory.mktemp("conformance"))


@pytest.mark.parametrize(("source", "linking"), CASES, ids=[f"{path.parent.name}/{path.stem}{how}" for path, how in CASES])
def test_same_as_linux(source: Path, linking: str, native: Native) -> None:
    program, lines = native.run(source, linking)
    command = [sys.executable, "-c", CRUCK, "run", "-v", f"{program.parent}:/box", "-w", "/tmp", f"/box/{program.name}"]
    cruck = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert cruck.stdout.splitlines() == lines, cruck.stderr
    assert cruck.returncode == 0


def test_there_are_enough_assertions(native: Native, capsys: pytest.CaptureFixture[str]) -> None:
    count = sum(len(native.run(source, "-static")[1]) for source in PROGRAMS)
    with capsys.disabled():
        print(f" {count} assertions in {len(PROGRAMS)} conformance programs ", end="")
    assert count >= LEAST_ASSERTIONS
