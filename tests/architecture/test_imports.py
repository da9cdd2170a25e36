# SPDX-License-Identifier: MPL-2.0
"""The split of the framekernel, as imports: who may name whom (ARCHITECTURE.md)."""

import ast
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "src" / "cruck"

# Layer → packages of ours it may import. `cli → sandbox → kernel → framework`; everybody may import abi.
ALLOWED = {
    "abi": ("cruck.abi",),
    "framework": ("cruck.abi", "cruck.framework"),
    "kernel": ("cruck.abi", "cruck.framework", "cruck.kernel"),
    "safety": ("cruck.abi", "cruck.safety"),
    "sandbox": ("cruck.abi", "cruck.framework", "cruck.kernel", "cruck.sandbox", "cruck.safety"),
    "testing": ("cruck.abi", "cruck.framework", "cruck.kernel", "cruck.sandbox", "cruck.testing"),
    "cli": ("cruck.abi", "cruck.framework", "cruck.kernel", "cruck.sandbox", "cruck.safety", "cruck.cli", "cruck"),
}
# What services (kernel, abi) may import of the standard library: pure modules only.
PURE = {
    "__future__", "bisect", "collections", "collections.abc", "dataclasses", "heapq", "itertools", "math", "re", "string", "struct", "traceback",
    "typing",
}  # fmt: skip
# Of the framework, services see the public API, never the native module or the host machine.
FRAMEWORK_PRIVATE = ("cruck.framework._machine", "cruck.framework.host_machine")


def modules(layer: str) -> list[Path]:
    return [path for path in sorted((SOURCE / layer).rglob("*.py")) if "tests" not in path.parts]


def imports(path: Path) -> list[tuple[int, str]]:
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found.append((node.lineno, node.module or ""))
            if node.module and node.module.startswith("cruck"):
                found += [(node.lineno, f"{node.module}.{alias.name}") for alias in node.names]
    return found


def is_within(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(package + ".") for package in packages)


def test_layers_import_downwards_only() -> None:
    wrong = []
    for layer, allowed in ALLOWED.items():
        for path in modules(layer):
            for line, name in imports(path):
                if (name == "cruck" or name.startswith("cruck.")) and not is_within(name, allowed):
                    wrong.append(f"{path.relative_to(SOURCE)}:{line} imports {name}")
    assert not wrong, "\n".join(wrong)


def test_services_import_only_pure_modules() -> None:
    wrong = []
    for layer in ("abi", "kernel"):
        for path in modules(layer):
            for line, name in imports(path):
                if not name.startswith("cruck") and name not in PURE:
                    wrong.append(f"{path.relative_to(SOURCE)}:{line} imports {name}")
    assert not wrong, "\n".join(wrong)


def test_services_never_name_the_private_half_of_the_framework() -> None:
    wrong = []
    for path in modules("kernel"):
        for line, name in imports(path):
            if is_within(name, FRAMEWORK_PRIVATE):
                wrong.append(f"{path.relative_to(SOURCE)}:{line} imports {name}")
    assert not wrong, "\n".join(wrong)


def test_services_never_open_or_execute() -> None:
    forbidden = {"open", "exec", "eval", "compile", "__import__"}
    wrong = []
    for path in modules("kernel"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in forbidden:
                wrong.append(f"{path.relative_to(SOURCE)}:{node.lineno} calls {node.func.id}()")
    assert not wrong, "\n".join(wrong)


def test_edge_alone_reads_struct_bytes() -> None:
    """Guest addresses stay in syscalls/, files named ioctl.py, and the memory and process services that own them."""
    wrong = []
    for path in modules("kernel"):
        relative = path.relative_to(SOURCE / "kernel")
        if relative.parts[0] in ("syscalls", "memory") or path.name == "ioctl.py":
            continue
        for line, name in imports(path):
            if name in ("cruck.kernel.syscalls.types",):
                wrong.append(f"{relative}:{line} imports {name}")
    assert not wrong, "\n".join(wrong)


def test_every_file_names_its_licence() -> None:
    roots = [SOURCE, SOURCE.parents[1] / "tools", SOURCE.parents[1] / "tests"]
    missing = [
        str(path)
        for root in roots
        for pattern in ("*.py", "*.pyi", "*.c", "*.h", "*.S")
        for path in root.rglob(pattern)
        if "SPDX-License-Identifier: MPL-2.0" not in path.read_text()[:200]
    ]
    assert not missing, "\n".join(missing)
