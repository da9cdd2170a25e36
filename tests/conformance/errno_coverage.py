# SPDX-License-Identifier: MPL-2.0
"""Which errors the handlers' docstrings name, and which of them a conformance program proves.

Named: every errno in the docstring of a handler. "The path's" stands for those of a path walk; a sentence that begins "As NAME" or "As NAME and
NAME" takes over those of other handlers. Proved: (call, errno) of every EXPECT_ERRNO and PATH_ERRNOS that the preprocessor finds in the programs.
"""

import ast
import errno
import re
import subprocess
from pathlib import Path

from cruck.kernel.syscalls.table_x86_64 import TABLE

HERE = Path(__file__).parent
HANDLERS = HERE.parents[1] / "src/cruck/kernel/syscalls"
PATH_ERRNOS = frozenset(("EACCES", "EFAULT", "ELOOP", "ENAMETOOLONG", "ENOENT", "ENOTDIR"))
NUMBERS = {name: number for name, number in vars(errno).items() if name.startswith("E")}
BY_NUMBER = {number: name for name, number in NUMBERS.items() if name not in ("EWOULDBLOCK", "ENOTSUP", "EDEADLOCK")}
_NAME = re.compile(r"\bE[A-Z0-9]+\b")
_PATH = re.compile(r"\b([Tt]he|[Ee]ither) path's\b")
_AS = re.compile(r"(?:^|[.:] )As (\w+)(?: and (\w+))?\b")
_MARK = re.compile(r"@@refused (\w+) (\d+)")


def docstrings() -> dict[str, str]:
    """By the handler's name without sys_: "" where there is none."""
    found: dict[str, str] = {}
    for path in sorted(HANDLERS.glob("*.py")):
        if path.name != "dispatch_x86_64.py":
            for node in ast.parse(path.read_text()).body:
                if isinstance(node, ast.FunctionDef) and node.name.startswith("sys_"):
                    found[node.name[4:]] = " ".join((ast.get_docstring(node) or "").split())
    return found


def errnos_of(name: str, texts: dict[str, str]) -> set[str]:
    text = texts[name]
    found = set(_NAME.findall(text)) & NUMBERS.keys()
    if _PATH.search(text):
        found |= PATH_ERRNOS
    for others in _AS.findall(text):
        for other in others:
            if other in texts and other != name:
                found |= errnos_of(other, texts)
    return found


def named() -> set[tuple[str, str]]:
    """(call, errno) that the docstrings name."""
    texts = docstrings()
    return {(row.name, error) for row in TABLE for error in errnos_of(row.handler.__name__[4:], texts)}


def proved() -> set[tuple[str, str]]:
    """(call, errno) that programs prove."""
    found: set[tuple[str, str]] = set()
    for source in HERE.glob("*/*.c"):
        if "EXPECT_ERRNO" in source.read_text() or "PATH_ERRNOS" in source.read_text():
            command = ["gcc", "-E", "-P", "-DLIST_ERRNOS", str(source)]
            text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            found.update((call, BY_NUMBER[int(number)]) for call, number in _MARK.findall(text))
    return found
