# SPDX-License-Identifier: MPL-2.0
"""Refuses what mypyc would silently compile to something else than Python does, in the packages that are compiled.

python tools/check_compilable.py    exits 1 with a line for each finding

- `x is None` of which mypy believes to know the answer. mypy keeps what it has learnt about an attribute over calls that may change it,
  and about a variable into `finally`; compiled code trusts it and raises TypeError where Python would go on. The cure: read the
  attribute into a local variable, or give the variable its final value before the `try`.
- classes with two bases: mypyc takes none.
- classes of NamedTuple: they cannot carry the marks of compile_python.py, and the module then fails when it is imported.
- interpreted classes (tests, cruck.testing, cruck.sandbox) derived from a compiled one that is no extension point of compile_python.py:
  a TypeError when one is made.
"""

import ast
import os
import sys
from typing import Final

from compile_python import EXTENSION_POINTS, sources
from mypy import build
from mypy.modulefinder import BuildSource
from mypy.nodes import ComparisonExpr, NameExpr
from mypy.options import Options
from mypy.types import AnyType, NoneType, Type, TypeVarType, UnionType, get_proper_type

ROOT: Final = os.path.join("src", "cruck")
Place = tuple[int, int, int | None, int | None]  # line, column, last line, last column


def main() -> int:
    paths = sources(ROOT)
    decided = decided_checks(paths)
    findings = [f"{path}:{place[0]}: {decided[place]}" for path in paths for place in none_checks(path) if place in decided]
    findings += [f"{path}:{line}: a NamedTuple is no native class" for path in paths for line in named_tuples(path)]
    findings += [
        f"{path}:{node.lineno}: a class with two bases is not compiled" for path in paths for node in classes(path) if len(node.bases) > 1
    ]
    findings += derived_outside(paths)
    print("\n".join(findings), end="\n" if findings else "")
    return 1 if findings else 0


def decided_checks(paths: list[str]) -> dict[Place, str]:
    """What mypy takes for certain. It does not tell the file: the place alone must find it again (a chance meeting of two files
    would only be one finding too many)."""
    options = Options()
    options.mypy_path = ["src"]
    options.export_types = options.preserve_asts = True
    options.incremental = False
    types = build.build([BuildSource(path, module_of(path)) for path in paths], options).types
    decided = {}
    for expression in types:
        if not isinstance(expression, ComparisonExpr) or expression.operators not in (["is"], ["is not"]):
            continue
        left, right = expression.operands
        if isinstance(right, NameExpr) and right.name == "None" and left in types and not is_open(types[left]):
            place = expression.line, expression.column, expression.end_line, expression.end_column
            decided[place] = f"mypyc takes this for {'always' if is_none(types[left]) else 'never'} None"
    return decided


def none_checks(path: str) -> list[Place]:
    with open(path, encoding="utf-8") as file:
        tree = ast.parse(file.read(), path)
    checks = [node for node in ast.walk(tree) if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Is | ast.IsNot)]
    return [(node.lineno, node.col_offset, node.end_lineno, node.end_col_offset) for node in checks]


def classes(path: str) -> list[ast.ClassDef]:
    with open(path, encoding="utf-8") as file:
        tree = ast.parse(file.read(), path)
    return [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]


def derived_outside(compiled: list[str]) -> list[str]:
    """Goes by the names of classes: those that compiled and interpreted code share would be one finding too many."""
    closed = {node.name for path in compiled for node in classes(path) if node.bases or not node.decorator_list} - EXTENSION_POINTS
    outside = [os.path.join(folder, name) for top in (ROOT, "tests") for folder, _, names in os.walk(top) for name in names]
    findings = []
    for path in sorted(name for name in outside if name.endswith(".py") and name not in compiled):
        own = {node.name for node in classes(path)}
        for node in classes(path):
            names = {base.id for base in node.bases if isinstance(base, ast.Name)} & closed - own
            findings += [f"{path}:{node.lineno}: {name} is compiled and no extension point (compile_python.py)" for name in sorted(names)]
    return findings


def named_tuples(path: str) -> list[int]:
    return [node.lineno for node in classes(path) if any(isinstance(base, ast.Name) and base.id == "NamedTuple" for base in node.bases)]


def module_of(path: str) -> str:
    return os.path.relpath(path, "src").removesuffix(".py").removesuffix(os.sep + "__init__").replace(os.sep, ".")


def is_none(kind: Type) -> bool:
    return isinstance(get_proper_type(kind), NoneType)


def is_open(kind: Type) -> bool:
    """Whether both answers are possible to mypy."""
    proper = get_proper_type(kind)
    if isinstance(proper, UnionType):
        return any(is_none(item) for item in proper.items)
    return isinstance(proper, AnyType | TypeVarType) or str(proper) == "builtins.object"


if __name__ == "__main__":
    sys.exit(main())
