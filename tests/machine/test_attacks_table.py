# SPDX-License-Identifier: MPL-2.0
"""docs/soundness/attacks.md names tests that exist, and all attacks of tests/hostile."""

import ast
import pathlib
import re

ROOT = pathlib.Path(__file__).parent.parent.parent
TABLE = (ROOT / "docs" / "soundness" / "attacks.md").read_text()


def test_every_attack_has_its_test() -> None:
    named = set(re.findall(r"`(test_\w+)`", TABLE))
    files = [*(ROOT / "tests").rglob("test_*.py"), *(ROOT / "src/cruck").rglob("tests/test_*.py")]
    defined = {name for file in files for name in re.findall(r"^(?:def )?(test_\w+)(?=\(| = )", file.read_text(), re.MULTILINE)}
    assert len(named) > 40
    assert named <= defined, f"no such tests: {sorted(named - defined)}"


def test_every_hostile_guest_is_in_the_table() -> None:
    module = ast.parse((ROOT / "tests" / "hostile" / "test_hostile_guests.py").read_text())
    values = [node.value for node in module.body if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "ATTACKS"]
    made = {name for names in ast.literal_eval(values[0]).values() for name in names}
    rows = [line for line in TABLE.splitlines() if line.startswith("| ")]
    named = {name for row in rows for name in re.findall(r"`([a-z0-9_]+)`", row.rsplit("|", 2)[1]) if not name.startswith("test_")}
    assert named == made
