# SPDX-License-Identifier: MPL-2.0
"""The C programs in the folders beside this file, one a family or aspect, print the same on Linux and on cruck."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CRUCK = "import sys; from cruck.cli.main import main; sys.exit(main())"

pytest.importorskip("cruck.framework._machine")
pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs a C compiler")


PROGRAMS = sorted(HERE.glob("*/*.c"))


@pytest.mark.parametrize("source", PROGRAMS, ids=[f"{path.parent.name}/{path.stem}" for path in PROGRAMS])
@pytest.mark.parametrize("linking", ["-static", "-pie"])
def test_same_as_linux(source: Path, linking: str, tmp_path: Path) -> None:
    name = source.stem
    program = tmp_path / name
    options = ["-O1", "-w", "-pthread", *(["-fPIE"] if linking == "-pie" else []), linking]
    subprocess.run(["gcc", *options, "-o", str(program), str(source)], check=True)
    native = tmp_path / "native"
    native.mkdir()
    linux = subprocess.run([str(program)], cwd=native, capture_output=True, text=True, timeout=30)
    command = [sys.executable, "-c", CRUCK, "run", "-v", f"{tmp_path}:/box", "-w", "/tmp", f"/box/{name}"]
    cruck = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert cruck.stdout.splitlines() == linux.stdout.splitlines(), cruck.stderr
    assert cruck.returncode == linux.returncode == 0
