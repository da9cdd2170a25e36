# SPDX-License-Identifier: MPL-2.0
"""A tracer's random orders to children that fork, stop, exec and die: no oops, no hang, nothing left behind."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from guest import build

HERE = Path(__file__).parent
CRUCK = "import sys; from cruck.cli.main import main; sys.exit(main(sys.argv[1:]))"
EXIT_OOPS = 125

pytest.importorskip("cruck.framework._machine")
pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs a C compiler")


@pytest.mark.parametrize("seed", [100, 2000])
def test_random_orders_to_tracees(seed: int, tmp_path: Path) -> None:
    build(HERE / "tracer_fuzzer.c", tmp_path)
    command = [sys.executable, "-c", CRUCK, "run", "-v", f"{tmp_path}:/box", "/box/tracer_fuzzer", str(seed), "60"]
    outcome = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert outcome.returncode != EXIT_OOPS and "oops" not in outcome.stderr, outcome.stderr
