# SPDX-License-Identifier: MPL-2.0
"""Defence in depth: what the kernel process of `cruck run` gives up once its program has been loaded.

It keeps the host files that the run was granted, as they were granted (a capability object each), its own Python's files, and the system calls
that running guests needs (kernel_filter.py). `confine` is called only by a process that is the run's alone; the Python API runs inside
somebody's program and gives nothing up. What the host lacks is named, for the run's report and `cruck doctor`.
"""

import os
import sys
from collections.abc import Iterable
from typing import Final

from cruck.framework import confine as framework
from cruck.framework.confine import READ, WRITE
from cruck.sandbox import kernel_filter
from cruck.sandbox.box import Box
from cruck.sandbox.config import RunConfig

PARTS: Final = ("capabilities", "no_new_privs", "Landlock", "seccomp")
# Capabilities that file access needs where we have them, as root: CAP_DAC_READ_SEARCH; to write, CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER too.
TO_READ: Final = 1 << 2
TO_WRITE: Final = 1 << 0 | 1 << 1 | 1 << 3

# Where the machine counts the tasks of its stubs.
PROC: Final = b"/proc"
# What getaddrinfo(3) reads, its plug-ins included.
RESOLVER_FILES: Final = (
    *(b"/etc/" + name for name in (b"hosts", b"resolv.conf", b"nsswitch.conf", b"host.conf", b"gai.conf", b"services", b"ld.so.cache")),
    b"/lib", b"/lib64", b"/usr/lib", b"/usr/lib64",
)  # fmt: skip


def confine(box: Box, config: RunConfig, has_terminal: bool) -> list[str]:
    """Gives up everything that the rest of this run does not need. Returns: the parts that this host could not take from us, with the reason."""
    paths = granted_paths(box, config)
    is_writing = any(access & WRITE for _, access in paths)
    needs = [kernel_filter.BASE]
    if is_writing:
        needs.append(kernel_filter.WRITING)
    if has_terminal:
        needs.append(kernel_filter.TERMINAL)
    if config.published:
        needs.append(kernel_filter.ACCEPTING)
    if config.net_allow:
        needs.append(kernel_filter.CONNECTING)
        needs.append(kernel_filter.RESOLVING)
        paths += [(path, READ) for path in RESOLVER_FILES]
    return apply(needs, [*paths, *own_paths()], TO_READ | (TO_WRITE if is_writing else 0))


def apply(needs: Iterable[kernel_filter.Calls], paths: list[tuple[bytes, int]], capabilities: int) -> list[str]:
    needs = list(needs)
    program = kernel_filter.assemble(needs)
    results = framework.confine(program, paths, capabilities, kernel_filter.CONNECTING in needs)
    return [f"{name} ({os.strerror(-result).lower()})" for name, result in zip(PARTS, results, strict=True) if result < 0]


def granted_paths(box: Box, config: RunConfig) -> list[tuple[bytes, int]]:
    """The host files of the run, each with what it may do there. A shared single file is itself granted, not its directory."""
    paths: list[tuple[bytes, int]] = []
    for host in box.world.host_directories():
        path = host.describe()
        if host.only_entry:
            path = os.path.join(path, host.only_entry)
        paths.append((path, READ | WRITE if host.is_writable else READ))
    if config.commit is not None:
        paths += [(os.fsencode(overlay.source), READ | WRITE) for overlay in box.world.overlays]
    return paths


def own_paths() -> list[tuple[bytes, int]]:
    """What this interpreter may still import, and what the machine reads of its stubs."""
    return [(PROC, READ), *((os.fsencode(entry), READ) for entry in sys.path if entry)]
