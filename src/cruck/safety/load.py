# SPDX-License-Identifier: MPL-2.0
"""load_service(): a user's file system, driver or hook is checked, then imported: exactly the bytes that were checked.

While checked modules live, this finder alone answers for their names: a compiled module that appears beside the source, or a file
that changes after the check, is never run. Only code that the host program calls by itself uses this; services cannot name it.
"""

import ast
import importlib
import logging
import os
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from pathlib import Path
from types import CodeType, ModuleType

from cruck.safety.allowed import SERVICES
from cruck.safety.check import check_sources
from cruck.safety.findings import CheckError
from cruck.safety.sources import SourceError, SourceSet, find_module, module_name

_LOG = logging.getLogger("cruck.safety")


def load_service(path_or_module: str | os.PathLike[str], unchecked: bool = False) -> ModuleType:
    """Checks a service and everything in its file or package, then imports it.

    Args: path_or_module: a .py file or package folder (imported under its own name, the folders above are not looked at), or a
    dotted module (its whole top-level package is checked). unchecked: runs it whatever it does, with all rights of this process;
    a warning is logged.
    Errors: CheckError with the findings: nothing of it has run; SourceError: there is no such file or module; ImportError: its name is
    a standard module's, or another module of that name is loaded already; what the module itself raises.
    """
    text = os.fspath(path_or_module)
    name, root, top = _locate(text)
    if name in sys.stdlib_module_names:
        raise ImportError(f"cruck: {name!r} is the name of a standard module")
    loaded = sys.modules.get(name)
    if loaded is not None and _file_of(loaded) != _file_of_source(root if name == top else Path(find_module(name) or root)):
        raise ImportError(f"cruck: a module named {name!r} is loaded already from {_file_of(loaded)}")
    sources = SourceSet()
    if root.is_dir():
        sources.add_tree(root, top)
    else:
        sources.add_file(root, top)
    if unchecked:
        _LOG.warning("service %s is loaded UNCHECKED: it runs with every right of this process", text)
    else:
        findings = check_sources(sources)
        if findings:
            raise CheckError(text, findings)
    if loaded is not None:
        return loaded
    if name not in sources.files and not name.startswith(SERVICES):
        raise SourceError(f"{text}: no such module in {root}")
    if top.startswith("cruck."):
        return importlib.import_module(name)
    finder = _CheckedFinder(sources, top, is_strict=not unchecked)
    sys.meta_path.insert(0, finder)
    try:
        return importlib.import_module(name)
    except BaseException:
        sys.meta_path.remove(finder)
        for loaded_name in [loaded_name for loaded_name in sys.modules if loaded_name == top or loaded_name.startswith(top + ".")]:
            del sys.modules[loaded_name]
        raise


def _locate(text: str) -> tuple[str, Path, str]:
    """(module to import, file or folder to check, its module name)."""
    path = Path(text)
    if text.endswith(".py") or os.sep in text or path.is_dir():
        if not path.exists():
            raise SourceError(f"{text}: no such file or directory")
        if path.is_dir() and not (path / "__init__.py").exists():
            raise SourceError(f"{text}: a folder without __init__.py is not a package")
        path = path.resolve()
        if path.name == "__init__.py":
            path = path.parent
        name = module_name(path) if _is_of_cruck(path) else path.name if path.is_dir() else path.stem
        if not all(part.isidentifier() for part in name.split(".")):
            raise SourceError(f"{text}: {name!r} is not a module name")
        return name, path, name
    found = find_module(text)
    if found is None:
        raise SourceError(f"{text}: no such module")
    if text.startswith("cruck."):
        return text, found, text
    top = text.partition(".")[0]
    root = find_module(top)
    return text, root if root is not None else found, top


def _is_of_cruck(path: Path) -> bool:
    return path.is_relative_to(Path(__file__).resolve().parents[1])


def _file_of(module: ModuleType) -> str:
    """Its source: a compiled module (x.cpython-311-….so) has it beside it."""
    path = os.path.realpath(module.__file__ or "")
    folder, name = os.path.split(path)
    return os.path.join(folder, name.partition(".")[0] + ".py") if name.endswith(".so") else path


def _file_of_source(path: Path) -> str:
    return os.path.realpath(path / "__init__.py" if path.is_dir() else path)


class _CheckedFinder(MetaPathFinder, Loader):
    """Imports `top` and what is inside from the bytes that were read."""

    def __init__(self, sources: SourceSet, top: str, is_strict: bool) -> None:
        self.sources = sources
        self.top = top
        self.is_strict = is_strict

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if fullname != self.top and not fullname.startswith(self.top + "."):
            return None
        source = self.sources.files.get(fullname)
        if source is None:
            if self.is_strict:
                raise ModuleNotFoundError(f"No module named {fullname!r} among the checked files", name=fullname)
            return None
        spec = spec_from_loader(fullname, self, origin=source.path, is_package=source.is_package)
        if spec is not None:
            spec.has_location = True
            if source.is_package:
                spec.submodule_search_locations = [str(Path(source.path).parent)]
        return spec

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        source = self.sources.files[module.__name__]
        tree = ast.parse(source.data, filename=source.path)
        code: CodeType = compile(tree, source.path, "exec", dont_inherit=True)
        exec(code, module.__dict__)
