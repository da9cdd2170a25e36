# SPDX-License-Identifier: MPL-2.0
"""The harnesses of the parsers' fuzzers, replayed on their seeds and on every input that once failed (regressions/), under sanitizers where gcc has
them. What looks for new ones is `make fuzz-quick` and `make fuzz`."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("cruck.framework._machine")

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "parsers"))

from run import C_TARGETS, compile_target  # noqa: E402

REGRESSIONS = sorted(str(path) for path in (HERE / "regressions").glob("*-*"))


@pytest.mark.parametrize("target", C_TARGETS)
def test_c_parser_on_its_seeds(target: str, tmp_path: Path) -> None:
    if shutil.which("gcc") is None:
        pytest.skip("needs a C compiler")
    program = str(tmp_path / target)
    try:
        compile_target("gcc", target, program, "-DSTANDALONE", "-fsanitize=address,undefined")
    except subprocess.CalledProcessError:
        compile_target("gcc", target, program, "-DSTANDALONE")  # no libasan here
    files = [path for path in REGRESSIONS if Path(path).name.startswith(f"{target}-")]
    result = subprocess.run([program, *files], capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    assert int(result.stdout.split()[0]) >= len(files) + 4


def test_python_parsers_on_their_seeds() -> None:
    command = [sys.executable, str(HERE / "parsers" / "python_targets.py"), "--replay", *REGRESSIONS]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    assert int(result.stdout.split()[0]) > 100
