# SPDX-License-Identifier: MPL-2.0
"""Modules as services see them: which exist, what a name of one really is, how a dotted name is walked from module to name.

A name that a service module only imported stands for what was imported: `from cruck.kernel.x import struct` is struct. Nothing is
imported; the files of the check are read, else those of the installed package.
"""

import ast
import sys
from dataclasses import dataclass
from pathlib import Path

from cruck.safety.allowed import FIELDS_OF_SERVICES, FRAMEWORK, SERVICES, STANDARD
from cruck.safety.scopes import ScopeTree
from cruck.safety.sources import Source, SourceSet

PACKAGE = Path(__file__).resolve().parents[1]  # the installed cruck
# Packages that lead to what is allowed, and are nothing themselves.
_PATHS = frozenset(name.rpartition(".")[0] for name in FRAMEWORK) | {"cruck", "cruck.framework", "cruck.framework.io", "cruck.framework.mm"}


@dataclass(frozen=True)
class Target:
    """A module (name "") or a public name of one."""

    module: str
    name: str = ""

    def text(self) -> str:
        return f"{self.module}.{self.name}" if self.name else self.module


@dataclass(frozen=True)
class Refusal:
    rule: str
    message: str


class Graph:
    def __init__(self, sources: SourceSet) -> None:
        self.sources = sources
        self.packages = {name[:index] for name in sources.files for index, letter in enumerate(name) if letter == "."}
        self.trees: dict[str, ScopeTree | None] = {}
        self.modules: dict[str, Target | Refusal] = {}
        self.steps: dict[tuple[str, str], Target | Refusal] = {}

    def module(self, name: str) -> Target | Refusal:
        """The module `name`, each package on the way checked."""
        if name not in self.modules:
            self.modules[name] = self._module(name)
        return self.modules[name]

    def _module(self, name: str) -> Target | Refusal:
        if name.startswith("?") or not name:
            return Refusal("import-not-allowed", "a relative import leaves the package")
        first, *rest = name.split(".")
        if name in STANDARD:
            return Target(name)
        if first == "cruck":
            found: Target | Refusal = Target("cruck")
            for part in rest:
                assert isinstance(found, Target)
                found = self.step(found, part)
                if isinstance(found, Refusal):
                    return found
                if found.name:
                    return Refusal("import-not-allowed", f"{found.text()} is not a module")
            return found
        if first in sys.stdlib_module_names or first == "builtins":
            return Refusal("import-not-allowed", f"module {name} is not on the allow-list")
        if self._is_own(name):
            return Target(name)
        return Refusal("import-not-allowed", f"module {name} is neither on the allow-list nor among the checked files")

    def step(self, target: Target, name: str) -> Target | Refusal:
        """What `target.name` is; target is a module."""
        key = (target.module, name)
        if key not in self.steps:
            self.steps[key] = self._step(target.module, name)
        return self.steps[key]

    def _step(self, module: str, name: str) -> Target | Refusal:
        dotted = f"{module}.{name}"
        if module in STANDARD:
            if dotted in STANDARD:
                return Target(dotted)
            if name in STANDARD[module]:
                return Target(module, name)
            return Refusal("import-not-allowed", f"{dotted} is not on the allow-list")
        if module in FRAMEWORK:
            if name in FRAMEWORK[module]:
                return Target(module, name)
            return Refusal("framework-internal", f"{dotted} is not public")
        if module in _PATHS:
            if dotted in FRAMEWORK or dotted in _PATHS or dotted in SERVICES:
                return Target(dotted)
            if module == "cruck":
                return Refusal("import-not-allowed", f"{dotted} is not for services")
            return Refusal("framework-internal", f"{dotted} is not part of the framework's public API")
        if name == "tests":
            return Refusal("import-not-allowed", f"{dotted}: tests are not checked")
        if self._is_own(dotted):
            return Target(dotted)
        return self._really(module, name, 0)

    def _really(self, module: str, name: str, depth: int) -> Target | Refusal:
        tree = self.tree(module)
        if tree is None or depth > 20:
            return Target(module, name)
        for binding in tree.root.names.get(name, ()):
            if binding.kind != "import":
                continue
            found = self.module(binding.module or binding.target)
            if isinstance(found, Refusal):
                return found
            if not binding.module:
                return found
            imported = binding.target.removeprefix(binding.module + ".")
            if found.module == module and imported == name:
                continue
            if self._is_service(found.module) and not self._is_own(binding.target):
                return self._really(found.module, imported, depth + 1)
            return self.step(found, imported)
        return Target(module, name)

    def _is_service(self, module: str) -> bool:
        return module not in STANDARD and module not in FRAMEWORK and module not in _PATHS

    def _is_own(self, name: str) -> bool:
        """One of the checked files, a package of them, or an installed service of cruck."""
        if "tests" in name.split("."):
            return False
        if name.partition(".")[0] == "cruck":
            if not name.startswith(tuple(f"{package}." for package in SERVICES)) and name not in SERVICES:
                return False
            path = PACKAGE.joinpath(*name.split(".")[1:])
            if path.with_suffix(".py").is_file() or (path / "__init__.py").is_file():
                return True
        return name in self.sources.files or name in self.packages

    def tree(self, module: str) -> ScopeTree | None:
        """The names of a service module; None if there is no source."""
        if module not in self.trees:
            self.trees[module] = self._read_quietly(module)
        return self.trees[module]

    def parse(self, source: Source) -> ScopeTree:
        """Errors: what ast.parse raises."""
        found = self.trees.get(source.name) if self.sources.files.get(source.name) is source else None
        if found is None:
            found = ScopeTree(ast.parse(source.data), source.name, source.is_package)
            if self.sources.files.get(source.name) is source:
                self.trees[source.name] = found
        return found

    def _read_quietly(self, module: str) -> ScopeTree | None:
        source = self.sources.files.get(module)
        if source is None:
            path = PACKAGE.joinpath(*module.split(".")[1:])
            is_package = path.is_dir()
            path = path / "__init__.py" if is_package else path.with_suffix(".py")
            if not module.startswith("cruck.") or not path.is_file():
                return None
            source = Source(module, str(path), is_package, path.read_bytes())
        try:
            return self.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def framework_private_names() -> frozenset[str]:
    """Every `_x` attribute the framework defines, read from its source."""
    names: set[str] = set()
    for path in sorted((PACKAGE / "framework").rglob("*.py")):
        if "tests" not in path.parts:
            names |= defined_private_names(ast.parse(path.read_bytes()))
    return frozenset(names)


def framework_methods() -> frozenset[str]:
    """Public methods of the framework's public classes: nobody else's object has one replaced."""
    names: set[str] = set()
    for module in FRAMEWORK:
        path = PACKAGE.joinpath(*module.split(".")[1:]).with_suffix(".py")
        if path.is_file():
            for node in ast.parse(path.read_bytes()).body:
                if isinstance(node, ast.ClassDef):
                    names |= {part.name for part in node.body if isinstance(part, ast.FunctionDef) and not part.decorator_list}
    return frozenset(name for name in names if not name.startswith("_")) - FIELDS_OF_SERVICES


def defined_private_names(tree: ast.AST) -> set[str]:
    """`_x` attributes and methods that the classes of a module define."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.ClassDef):
            continue
        for part in ast.walk(node):
            if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef):
                names.add(part.name)
            elif isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name):
                names.add(part.target.id)
            elif isinstance(part, ast.Attribute) and isinstance(part.ctx, ast.Store) and isinstance(part.value, ast.Name):
                if part.value.id == "self":
                    names.add(part.attr)
            elif isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
                names.add(part.id)
    return {name for name in names if name.startswith("_") and not name.endswith("__")}
