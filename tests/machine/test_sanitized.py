# SPDX-License-Identifier: MPL-2.0
"""The C part under AddressSanitizer and UndefinedBehaviorSanitizer: stops, memory and arbitrary calls; all of it by `make sanitize`."""

import os
import pathlib
import subprocess
import sys
import warnings

import pytest

ROOT = pathlib.Path(__file__).parent.parent.parent
NO_SANITIZER = 77


@pytest.mark.skipif(os.environ.get("CRUCK_UNDER_FILTER") == "1" or "LD_PRELOAD" in os.environ, reason="we are an inner run")
def test_no_sanitizer_finding() -> None:
    tests = [f"tests/machine/test_{name}.py" for name in ("stops", "memory", "stateful", "stress")]
    result = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "sanitize.py"), "-x", *tests],
        env=os.environ | {"CRUCK_STATEFUL_EXAMPLES": "5", "CRUCK_STRESS_SECONDS": "0.5"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    if result.returncode == NO_SANITIZER:
        warnings.warn(result.stderr.strip(), stacklevel=1)
        pytest.skip(result.stderr.strip())
    assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-4000:]
