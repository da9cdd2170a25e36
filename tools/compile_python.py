# SPDX-License-Identifier: MPL-2.0
"""Compiles `cruck.abi`, `cruck.framework` and `cruck.kernel` with mypyc, as one unit (setup.py, CRUCK_COMPILE=1).

The sources stay plain Python that knows nothing of the compiler: they are copied, and in the copy every class gets the
marks it needs there: instances can be pickled and copied; extension points may be subclassed by interpreted code. The
marks go into empty lines, so that the line numbers of tracebacks hold.
"""

import os
import re
import sys
from typing import Final

PACKAGES: Final = ("abi", "framework", "kernel")
# Tables that are looked at by people (--strace, `cruck syscalls`), not by running guests: a third of the C code, no speed.
# And HostTerminal: native instances cannot be weakly referenced.
INTERPRETED: Final = (
    "kernel/syscalls/strace/", "kernel/syscalls/table_x86_64.py", "kernel/syscalls/signatures.py", "framework/io/host_terminal.py",
)  # fmt: skip
# Classes that code outside of the unit derives from: plug-ins, cruck.sandbox, cruck.testing and the tests.
EXTENSION_POINTS: Final = frozenset((
    "AddressFamily", "AddressSpace", "CharDriver", "Clock", "Context", "CpuAlarm", "Entropy", "FaultResolver", "File", "FileSystem",
    "FileSystemType", "HostFile", "HostNetwork", "HostStream", "Inode", "Kernel", "Machine", "Mapping", "Mm", "Segment", "Socket", "TimerQueue", "TimerTarget", "TtyDriver", "Uplink", "VmReader",
    "VmWriter", "Waiter",
))  # fmt: skip
CLASS: Final = re.compile(r"^class (\w+)[:(]")


def sources(root: str) -> list[str]:
    """Paths below `root` (…/src/cruck) of the modules to compile."""
    found = []
    for package in PACKAGES:
        for folder, _, names in os.walk(os.path.join(root, package)):
            for name in names:
                path = os.path.join(folder, name)
                inner = os.path.relpath(path, root).replace(os.sep, "/")
                if name.endswith(".py") and "/tests/" not in inner and not inner.startswith(INTERPRETED) and os.path.getsize(path):
                    found.append(path)
    return sorted(found)


def marked(text: str) -> str:
    """The module with the compiler's marks, line by line at the same places."""
    lines = text.split("\n")
    is_first = True
    for number, line in enumerate(lines):
        match = CLASS.match(line)
        if match is None or "Exception" in line or "NamedTuple" in line or lines[number - 1].startswith("@"):
            continue
        assert lines[number - 1] == lines[number - 2] == "", f"two empty lines belong above {line!r}"
        subclasses = ", allow_interpreted_subclasses=True" if match[1] in EXTENSION_POINTS else ""
        lines[number - 1] = f"@mypyc_attr(serializable=True{subclasses})"
        if is_first:
            lines[number - 2] = "if TYPE_CHECKING: from mypy_extensions import mypyc_attr"
            lines[0] = "from typing import TYPE_CHECKING"
            is_first = False
    return "\n".join(lines)


def repair_init() -> None:
    """mypyc 2.4's __new__ of a serializable class leaves __init__ to tp_init, as Python does, but then writes an empty
    tp_init unless the class may be subclassed by interpreted code. Pretend so while that slot is written."""
    from mypyc.codegen import emitclass

    slot, generate = emitclass.SLOT_DEFS["__init__"]

    def generate_init(cl, function, emitter):  # type: ignore[no-untyped-def]
        was_allowed, cl.allow_interpreted_subclasses = cl.allow_interpreted_subclasses, True
        name = generate(cl, function, emitter)
        cl.allow_interpreted_subclasses = was_allowed
        return name

    emitclass.SLOT_DEFS["__init__"] = (slot, generate_init)  # type: ignore[index]


def extensions(build: str) -> list[object]:
    """Writes C below `build` and returns setuptools Extensions. Errors: SystemExit when mypy finds a type error."""
    from mypyc.build import mypycify

    repair_init()
    here = os.getcwd()
    root = os.path.join("src", "cruck")
    copy = os.path.abspath(os.path.join(build, "marked"))
    wanted = sources(root)
    for folder, _, names in os.walk(root):
        for name in names:
            path = os.path.join(folder, name)
            if not name.endswith((".py", ".pyi")) or "/tests/" in path:
                continue
            with open(path, encoding="utf-8") as file:
                text = file.read()
            target = os.path.join(copy, path)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(target, "w", encoding="utf-8") as file:
                file.write(marked(text) if path in wanted else text)
    config = os.path.join(copy, "mypy.ini")
    with open(config, "w", encoding="utf-8") as file:
        file.write("[mypy]\nmypy_path = src\nwarn_unused_ignores = False\n")
    os.chdir(copy)
    try:
        return list(
            mypycify(
                [f"--config-file={config}", *wanted],
                opt_level=os.environ.get("CRUCK_COMPILE_OPT", "1"),
                debug_level="0",
                multi_file=True,
                group_name="cruck",
                target_dir=os.path.join(copy, "c"),
            )
        )
    finally:
        os.chdir(here)
        sys.stdout.flush()
