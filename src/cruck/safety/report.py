# SPDX-License-Identifier: MPL-2.0
"""`cruck check --report`: how much of the package is privileged, and every use of a native call. Counts sources, runs nothing.

Counted: `.py`, `.pyi`, `.c`, `.h`, `.S`, `.ld`, `.lds` under src/cruck, every line of them. Left out: folders named `tests` and
generated files (their first lines name the tool and say "do not edit"). Privileged: all of cruck/framework. Services, checked: kernel and
abi. The host side (sandbox, cli, safety, testing) is neither: programs that use the kernel, outside of what guests reach.
"""

import ast
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cruck.safety.graph import PACKAGE

PYTHON: Final = (".py", ".pyi")
NATIVE: Final = (".c", ".h", ".S", ".ld", ".lds")
GOAL: Final = 0.15
_HOST_MODULES: Final = frozenset(
    """
    _socket array atexit ctypes errno fcntl gc importlib io mmap multiprocessing os pathlib pickle platform pty resource select selectors
    shutil signal socket stat subprocess sys tempfile termios threading time tty weakref
    """.split()
)


@dataclass(frozen=True)
class NativeUse:
    """A place where Python names the native module `cruck.framework._machine` or something made by it."""

    path: str
    line: int
    name: str


@dataclass
class Folder:
    name: str
    files: int = 0
    python_lines: int = 0
    native_lines: int = 0

    def lines(self) -> int:
        return self.python_lines + self.native_lines


@dataclass
class Report:
    folders: dict[str, Folder] = field(default_factory=dict)  # "framework/io" → counts; below kernel/, per subsystem
    native_uses: list[NativeUse] = field(default_factory=list)
    host_modules: dict[str, list[str]] = field(default_factory=dict)  # file → modules of the host's that it imports
    generated: list[str] = field(default_factory=list)  # left out

    def total(self, layer: str = "") -> Folder:
        """The sum over a layer ("framework", "kernel" …), or over everything."""
        total = Folder(layer)
        for folder in self.folders.values():
            if not layer or folder.name == layer or folder.name.startswith(layer + "/"):
                total.files += folder.files
                total.python_lines += folder.python_lines
                total.native_lines += folder.native_lines
        return total

    def framework_ratio(self) -> float:
        whole = self.total().lines()
        return self.total("framework").lines() / whole if whole else 0.0

    def services(self) -> Folder:
        kernel, abi = self.total("kernel"), self.total("abi")
        return Folder("services", kernel.files + abi.files, kernel.python_lines + abi.python_lines, kernel.native_lines + abi.native_lines)

    def layers(self) -> list[str]:
        return sorted({name.partition("/")[0] for name in self.folders}, key=_layer_order)

    def as_json(self) -> dict[str, object]:
        framework, whole = self.total("framework"), self.total()
        return {
            "framework_ratio": round(self.framework_ratio(), 4),
            "goal": GOAL,
            "framework": _numbers(framework),
            "services": _numbers(self.services()),
            "package": _numbers(whole),
            "folders": {name: _numbers(folder) for name, folder in sorted(self.folders.items())},
            "native_calls": [{"path": use.path, "line": use.line, "name": use.name} for use in self.native_uses],
            "host_modules": self.host_modules,
            "excluded": {"folders": "tests", "generated": self.generated},
        }

    def text(self) -> str:
        rows = [f"{'folder':<24} {'files':>6} {'Python':>8} {'C':>7}"]
        for layer in self.layers():
            rows.append(_row(self.total(layer), layer))
            for name in sorted(self.folders):
                if name.startswith(layer + "/"):
                    rows.append(_row(self.folders[name], "  " + name))
        rows.append(_row(self.total(), "all"))
        rows.append(f"native calls: {len(self.native_uses)} uses in {len({use.path for use in self.native_uses})} files")
        rows += [f"  {use.path}:{use.line}: {use.name}" for use in self.native_uses]
        whole = self.total().lines() or 1
        rows.append(f"services, checked: {self.services().lines() / whole:.1%} of the lines")
        rows.append(f"privileged half: {self.framework_ratio():.1%} of the lines (goal: at most {GOAL:.0%})")
        return "\n".join(rows) + "\n"


def measure(package: Path = PACKAGE) -> Report:
    report = Report()
    for path in sorted(package.rglob("*")):
        relative = path.relative_to(package)
        if path.suffix not in PYTHON + NATIVE or "tests" in relative.parts or any(part.startswith(".") for part in relative.parts):
            continue
        data = path.read_bytes()
        if is_generated(data):
            report.generated.append(str(relative))
            continue
        name = "/".join(relative.parts[:2]) if len(relative.parts) > 2 else relative.parts[0] if len(relative.parts) > 1 else "(top)"
        folder = report.folders.setdefault(name, Folder(name))
        folder.files += 1
        lines = data.count(b"\n")
        if path.suffix in PYTHON:
            folder.python_lines += lines
        else:
            folder.native_lines += lines
        if path.suffix == ".py":
            _inspect(ast.parse(data), str(relative), report)
    return report


def is_generated(data: bytes) -> bool:
    head = b"\n".join(data.split(b"\n", 6)[:6])
    return b"Generated by tools/" in head and b"do not edit" in head


def _inspect(tree: ast.Module, path: str, report: Report) -> None:
    names: set[str] = set()  # of the native module
    loads_libraries = False
    host: set[str] = set()
    for node in ast.walk(tree):
        imported: list[str] = []
        if isinstance(node, ast.Import):
            imported = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            imported = [node.module or ""]
            names |= {
                alias.asname or alias.name for alias in node.names if alias.name == "_machine" or node.module == "cruck.framework._machine"
            }
        for module in imported:
            top = module.partition(".")[0]
            if top in _HOST_MODULES:
                host.add(top)
            if top in ("ctypes", "cffi", "_ctypes"):
                loads_libraries = True
                report.native_uses.append(NativeUse(path, getattr(node, "lineno", 1), f"import {module}"))
    if host:
        report.host_modules[path] = sorted(host)
    if not names and not loads_libraries:
        return
    # In a module that imports the native one, `self._c` is the native object an instance wraps.
    uses: set[tuple[int, str]] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            base = node.value
            if isinstance(base, ast.Name) and base.id in names:
                uses.add((node.lineno, f"_machine.{node.attr}"))
            elif isinstance(base, ast.Attribute) and base.attr == "_c":
                uses.add((node.lineno, f"_c.{node.attr}"))
    report.native_uses += [NativeUse(path, line, name) for line, name in sorted(uses)]


def _numbers(folder: Folder) -> dict[str, int]:
    return {"files": folder.files, "lines": folder.lines(), "python_lines": folder.python_lines, "native_lines": folder.native_lines}


def _row(folder: Folder, name: str) -> str:
    return f"{name:<24} {folder.files:>6} {folder.python_lines:>8} {folder.native_lines:>7}"


def _layer_order(name: str) -> tuple[int, str]:
    order = ("framework", "kernel", "abi")
    return (order.index(name) if name in order else len(order), name)
