# SPDX-License-Identifier: MPL-2.0
"""docs/soundness/caller.md has a row for every public name of the framework and every public method, and for nothing that is not there."""

import ast
import re
from pathlib import Path

from cruck.safety.allowed import FRAMEWORK

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/soundness/caller.md"
# The framework's own callers on the host side: modules that services may not name.
HOST_SIDE = {"cruck.framework.host_machine": {"HostMachine"}, "cruck.framework.confine": {"confine", "landlock_version"}}
# What a class of the host side adds to the contract (hardware.py) it implements is public too; the rest is the contract's.
IMPLEMENTED = {"HostMachine": "Machine"}


def public_names() -> tuple[set[str], dict[str, set[str]]]:
    """(names in modules, class → public methods), read from the sources."""
    names: set[str] = set()
    methods: dict[str, set[str]] = {}
    for module, allowed in {**FRAMEWORK, **HOST_SIDE}.items():
        names |= allowed
        path = (ROOT / "src" / module.replace(".", "/")).with_suffix(".py")
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and node.name in allowed:
                methods[node.name] = {
                    item.name for item in node.body if isinstance(item, ast.FunctionDef) and not item.name.startswith("_")
                }
    for name, contract in IMPLEMENTED.items():
        methods[name] -= methods[contract]
    return names, methods


def constants_between(first: str, last: str) -> set[str]:
    """`A` … `B`: the constants of hardware.py from A to B."""
    tree = ast.parse((ROOT / "src/cruck/framework/hardware.py").read_text())
    order = [node.target.id for node in tree.body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)]
    return set(order[order.index(first) : order.index(last) + 1])


def rows() -> list[str]:
    table = PAGE.read_text().partition("## API by API")[2].partition("\n## ")[0]
    return [line.split(" | ")[0] for line in table.splitlines() if line.startswith("| ")][2:]


def test_every_public_name_has_a_row() -> None:
    names, methods = public_names()
    documented: set[str] = set()
    for row in rows():
        for first, last in re.findall(r"`(\w+)` … `(\w+)`", row):
            documented |= constants_between(first, last)
        documented |= {name.partition("(")[0] for name in re.findall(r"`([^`]+)`", row)}
    covered = {name.partition(".")[0] for name in documented}
    assert names <= covered, f"no row: {sorted(names - covered)}"
    lacking = {
        f"{owner}.{method}"
        for owner, all_methods in methods.items()
        for method in all_methods
        if f"{owner}.{method}" not in documented and f"{owner}.*" not in documented
    }
    assert not lacking, f"no row: {sorted(lacking)}"
    known = names | {f"{owner}.{method}" for owner in methods for method in methods[owner] | {"*"}}
    assert documented <= known, f"not in the framework: {sorted(documented - known)}"


def test_every_row_says_what_is_owed_what_holds_and_whose_the_memory_is() -> None:
    table = PAGE.read_text().partition("## API by API")[2].partition("\n## ")[0]
    for line in table.splitlines():
        if line.startswith("| "):
            cells = [cell.strip() for cell in line.strip("|").split(" | ")]
            assert len(cells) == 4 and all(cells), line
