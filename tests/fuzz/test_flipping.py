# SPDX-License-Identifier: MPL-2.0
"""A real guest whose one thread flips paths, vectors, addresses, messages, events, handlers, times and words while the other hands them to the
kernel: each answer is that of one of the values, on Linux and on cruck."""

import shutil
import subprocess
from pathlib import Path

import pytest
from guest import build, run


def test_what_a_sibling_flips_is_read_once(tmp_path: Path) -> None:
    pytest.importorskip("cruck.framework._machine")
    if shutil.which("gcc") is None:
        pytest.skip("needs a C compiler")
    program = build(Path(__file__).parent / "flipping.c", tmp_path)
    native = subprocess.run([program, "500"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (native.returncode, native.stdout) == (0, "ok\n"), native.stderr
    outcome = run(program, "150", options=("--cpus", "2"), limit_s=60)
    assert (outcome.status, outcome.stdout) == (0, "ok\n"), outcome.stderr
