# SPDX-License-Identifier: MPL-2.0
"""The native machine with a stopwatch around each method, put in its place before the framework imports it.

The framework reaches the native part and the host's kernel only through the modules `_machine` and `os`, compiled or not; so these
two are where a profiler can stand without the kernel knowing.
"""

import os
import sys
from collections.abc import Callable
from time import perf_counter_ns
from types import ModuleType
from typing import Any

from benchmarks.profile.stopwatch import COPY, HOST, MAPPINGS, RESUME, Stopwatch

SPACE_COPIES = ("read", "write", "read_cstring", "zero", "read_force", "copy_to_segment", "copy_from_segment", "load_u32", "cas_u32")
SPACE_HOST = ("read_host", "write_host")
SPACE_MAPPINGS = (
    "map_anon", "map_segment", "map_host", "unmap", "protect", "move", "break_cow", "clone_range", "lookup", "resident", "close",
)  # fmt: skip
CONTEXT_RESUME = ("run", "resume", "park")
CONTEXT_OTHER = ("interrupt", "release", "get_reg", "set_reg", "registers", "set_registers", "set_result", "fpu", "set_fpu", "reset_fpu")
SEGMENT = ("read", "write", "discard", "copy_from", "next_data", "next_hole")
SEGMENT_HOST = ("read_host", "write_host")
HOST_CALLS = (
    "open", "close", "stat", "fstat", "scandir", "readlink", "read", "write", "pread", "pwrite", "ftruncate", "lseek", "unlink", "mkdir",
    "rmdir", "rename", "link", "symlink", "statvfs", "dup", "listxattr", "getxattr",
)  # fmt: skip


def install(watch: Stopwatch) -> None:
    """Before anything of cruck.framework is imported."""
    assert "cruck.framework.host_machine" not in sys.modules
    from cruck import framework
    from cruck.framework import _machine as native

    class Segment:
        def __init__(self, machine: Any) -> None:
            self.real = native.Segment(machine.real)

        @property
        def nr_pages(self) -> int:
            return self.real.nr_pages

    class Space:
        def __init__(self, machine: Any) -> None:
            start_ns = perf_counter_ns()
            self.real = native.Space(machine.real)
            watch.inner(MAPPINGS, "Space()", perf_counter_ns() - start_ns)

        def __getattr__(self, name: str) -> Any:
            return getattr(self.real, name)

    class Context:
        def __init__(self, space: Any) -> None:
            start_ns = perf_counter_ns()
            self.real = native.Context(space.real)
            watch.inner(MAPPINGS, "Context()", perf_counter_ns() - start_ns)

        @property
        def tag(self) -> int:
            return self.real.tag

        @tag.setter
        def tag(self, tag: int) -> None:
            self.real.tag = tag

        @property
        def is_running(self) -> bool:
            return self.real.is_running

        @property
        def cpu_time_ns(self) -> int:
            return self.real.cpu_time_ns

    class Machine:
        def __init__(self, *args: Any) -> None:
            self.real = native.Machine(*args)

        def wait(self, deadline_ns: int, spin_ns: int) -> Any:
            watch.begin_wait()
            try:
                return self.real.wait(deadline_ns, spin_ns)
            finally:
                watch.end_wait()

        def __getattr__(self, name: str) -> Any:
            return getattr(self.real, name)

    for kind, names, phase in (
        (Space, SPACE_COPIES, COPY),
        (Space, SPACE_HOST, HOST),
        (Space, SPACE_MAPPINGS, MAPPINGS),
        (Context, CONTEXT_RESUME, RESUME),
        (Context, CONTEXT_OTHER, COPY),
        (Segment, SEGMENT, COPY),
        (Segment, SEGMENT_HOST, HOST),
    ):
        for name in names:
            setattr(kind, name, _timed_method(watch, phase, f"{kind.__name__}.{name}", name))
    for name in HOST_CALLS:
        setattr(os, name, _timed_function(watch, f"os.{name}", getattr(os, name)))
    proxy = ModuleType("cruck.framework._machine")
    proxy.__dict__.update(native.__dict__)
    proxy.__dict__.update(Machine=Machine, Space=Space, Context=Context, Segment=Segment)
    sys.modules["cruck.framework._machine"] = proxy
    framework._machine = proxy


def _timed_method(watch: Stopwatch, phase: str, what: str, name: str) -> Callable[..., Any]:
    def method(self: Any, *args: Any) -> Any:
        start_ns = perf_counter_ns()
        try:
            return getattr(self.real, name)(*[getattr(arg, "real", arg) if not isinstance(arg, int) else arg for arg in args])
        finally:
            watch.inner(phase, what, perf_counter_ns() - start_ns)

    return method


def _timed_function(watch: Stopwatch, what: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def timed(*args: Any, **named: Any) -> Any:
        start_ns = perf_counter_ns()
        try:
            return function(*args, **named)
        finally:
            watch.inner(HOST, what, perf_counter_ns() - start_ns)

    return timed
