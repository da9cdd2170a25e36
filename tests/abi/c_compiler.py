# SPDX-License-Identifier: MPL-2.0
"""What the C compiler makes of expressions, with the headers of this machine.

`evaluate` answers for those expressions that compile and leaves out the others, so that older headers than ours, or
newer ones, are no error here. The callers say which expressions may be missing.
"""

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path


def evaluate(headers: tuple[str, ...], expressions: Iterable[str], directory: Path) -> dict[str, int]:
    """The values of C integer (or pointer) expressions after `headers` are included.

    Args:
        headers: as between < and >; they must compile by themselves, in this order.
        expressions: each on one line.
        directory: for the program's files.
    Returns: signed or unsigned as C's type is; nothing for an expression that does not compile.
    Errors: AssertionError if the headers do not compile.
    """
    remaining = list(dict.fromkeys(expressions))
    prologue = ["#define _GNU_SOURCE 1"]
    prologue += [f"#include <{header}>" for header in headers]
    prologue += ["#include <stddef.h>", "int printf(const char *, ...);", "int main(void) {"]
    while remaining:
        lines = prologue + [_print_line(index, expression) for index, expression in enumerate(remaining)] + ["}"]
        source = directory / "evaluate.c"
        source.write_text("\n".join(lines) + "\n")
        program = directory / "evaluate"
        compiled = subprocess.run(
            ["gcc", "-w", "-fmax-errors=0", "-o", str(program), str(source)],
            capture_output=True,
            text=True,
            check=False,
            env={"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "TMPDIR": str(directory)},
        )
        if compiled.returncode == 0:
            ran = subprocess.run([str(program)], capture_output=True, text=True, check=True)
            return _read_output(ran.stdout, remaining)
        bad_lines = {int(line) for line in re.findall(r"evaluate\.c:(\d+):(?:\d+:)? error", compiled.stderr)}
        bad = {line - len(prologue) - 1 for line in bad_lines if line > len(prologue)}
        assert bad, f"these headers do not compile: {headers}\n{compiled.stderr}"
        remaining = [expression for index, expression in enumerate(remaining) if index not in bad]
    return {}


def _print_line(index: int, expression: str) -> str:
    return f'{{ __auto_type x = {expression}; printf("%d %d %llu\\n", {index}, x < 0, (unsigned long long)(long long)x); }}'


def _read_output(output: str, expressions: list[str]) -> dict[str, int]:
    values: dict[str, int] = {}
    for line in output.splitlines():
        index, is_negative, value = (int(word) for word in line.split())
        values[expressions[index]] = value - (1 << 64) if is_negative else value
    assert len(values) == len(expressions)
    return values
