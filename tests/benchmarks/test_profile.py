# SPDX-License-Identifier: MPL-2.0
"""The profile mode runs a program and says where its calls spent their time."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_profile_names_the_calls_of_a_program() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.profile", "/bin/cat", "/etc/passwd"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "root:" in done.stdout
    for word in ("wait", "openat", "read", "exit_group", "Context.run", "a trap alone"):
        assert word in done.stderr, done.stderr
