# SPDX-License-Identifier: MPL-2.0
"""docs/soundness/attacks.md names tests that exist."""

import pathlib
import re

ROOT = pathlib.Path(__file__).parent.parent.parent


def test_every_attack_has_its_test() -> None:
    table = (ROOT / "docs" / "soundness" / "attacks.md").read_text()
    named = set(re.findall(r"`(test_\w+)`", table))
    files = [*(ROOT / "tests" / "machine").glob("test_*.py"), *(ROOT / "src/cruck/framework/io/tests").glob("test_*.py")]
    defined = {name for file in files for name in re.findall(r"^(?:def )?(test_\w+)(?=\(| = )", file.read_text(), re.MULTILINE)}
    assert len(named) > 40
    assert named <= defined, f"no such tests: {sorted(named - defined)}"
