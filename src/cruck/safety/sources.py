# SPDX-License-Identifier: MPL-2.0
"""Which files are checked and under which module names: paths of files and trees, or dotted modules. Nothing is imported.

A tree's folders named `tests` are left out: services may not import from them. Bytes are read once; what was checked is what
load.py executes.
"""

import sys
from dataclasses import dataclass
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

from cruck.safety.findings import Finding

NATIVE_SUFFIXES = (*EXTENSION_SUFFIXES, ".so", ".pyd", ".dll")


@dataclass(frozen=True)
class Source:
    name: str  # dotted module
    path: str  # as the user named it
    is_package: bool
    data: bytes


class SourceError(Exception):
    """There is nothing to check: no such file or module."""


class SourceSet:
    """The files of one check."""

    files: dict[str, Source]  # by module name; of two files with one name the second is kept in `others`
    others: list[Source]
    findings: list[Finding]  # about files that are not source

    def __init__(self) -> None:
        self.files = {}
        self.others = []
        self.findings = []
        self._seen: set[Path] = set()  # folders: symbolic links may lead in circles

    def add(self, argument: str) -> None:
        """A path of a file or tree, or a dotted module found on sys.path. Errors: SourceError."""
        path = Path(argument)
        if not path.exists():
            found = find_module(argument)
            if found is None:
                raise SourceError(f"{argument}: no such file, directory or module")
            path = found
        if path.is_dir():
            self.add_tree(path, module_name(path))
        else:
            self.add_file(path, module_name(path))

    def add_tree(self, path: Path, name: str) -> None:
        """`name`: of the package if the folder is one; "" if its files are modules of their own."""
        real = path.resolve()
        if real in self._seen:
            return
        self._seen.add(real)
        try:
            entries = sorted(path.iterdir())
        except OSError as error:
            raise SourceError(f"{path}: {error.strerror}") from None
        for entry in entries:
            if entry.is_dir():
                if entry.name not in ("tests", "__pycache__") and not entry.name.startswith("."):
                    is_inside = bool(name) or (entry / "__init__.py").exists()
                    self.add_tree(entry, _joined(name, entry.name) if is_inside else "")
            elif entry.name == "__init__.py":
                self.add_file(entry, name or "__init__")
            elif entry.suffix == ".py":
                self.add_file(entry, _joined(name, entry.stem))
            elif entry.name.endswith(NATIVE_SUFFIXES) and not _is_cruck(name):
                self._refuse(entry, "a compiled module")
            elif entry.suffix == ".pyc":
                self._refuse(entry, "byte code without its source")

    def add_file(self, path: Path, name: str) -> None:
        if path.name.endswith(NATIVE_SUFFIXES) or path.suffix == ".pyc":
            self._refuse(path, "a compiled module")
            return
        try:
            data = path.read_bytes()
        except OSError as error:
            raise SourceError(f"{path}: {error.strerror}") from None
        source = Source(name, str(path), path.name == "__init__.py", data)
        if name in self.files:
            if self.files[name].path != source.path:
                self.others.append(source)
        else:
            self.files[name] = source

    def all_files(self) -> list[Source]:
        return [*self.files.values(), *self.others]

    def _refuse(self, path: Path, what: str) -> None:
        self.findings.append(Finding(str(path), 1, 1, "native-module", f"{path.name} is {what}"))


def module_name(path: Path) -> str:
    """By the `__init__.py` files around: src/cruck/kernel/errors.py → cruck.kernel.errors; "" for a folder that is no package."""
    path = path.resolve()
    is_package = path.is_dir() and (path / "__init__.py").exists()
    if path.is_dir() and not is_package:
        return ""
    parts = [] if path.name == "__init__.py" else [path.name if is_package else path.stem]
    folder = path.parent
    while (folder / "__init__.py").exists():
        parts.append(folder.name)
        folder = folder.parent
    return ".".join(reversed(parts)) or "__init__"


def find_module(name: str) -> Path | None:
    """The file or package folder of a dotted module. The import system is not asked: it would run the parent packages."""
    parts = name.split(".")
    if not all(part.isidentifier() for part in parts):
        return None
    for entry in sys.path:
        path = Path(entry or ".").joinpath(*parts)
        if (path / "__init__.py").exists():
            return path
        if path.with_suffix(".py").is_file():
            return path.with_suffix(".py")
    if parts[0] == "cruck":  # found by an import hook (editable installation)
        path = Path(__file__).resolve().parents[2].joinpath(*parts)
        if path.is_dir() or path.with_suffix(".py").is_file():
            return path if path.is_dir() else path.with_suffix(".py")
    return None


def _joined(package: str, name: str) -> str:
    return f"{package}.{name}" if package else name


def _is_cruck(name: str) -> bool:
    """Compiled from the sources that are checked beside it: to trust the build is to trust the installation."""
    return name == "cruck" or name.startswith("cruck.")
