# SPDX-License-Identifier: MPL-2.0
"""confine(): the process gives up rights of its own, for good: capabilities, new privileges, files (Landlock), system calls (seccomp).

A mechanism: what may stay is data from the caller (`cruck.sandbox.confinement`). For a process that is ours alone, as `cruck run`'s; never
inside a host program.

Safety: rights only go away; what the host lacks or refuses is reported and the rest holds.
"""

import os
import struct
from collections.abc import Sequence
from typing import Final

from cruck.framework import _machine

# LANDLOCK_ACCESS_FS_*, include/uapi/linux/landlock.h; later ones need a newer version of it.
READ_FILE: Final = 1 << 2
READ_DIR: Final = 1 << 3
READ: Final = READ_FILE | READ_DIR
# WRITE_FILE, REMOVE_*, MAKE_* (of block devices none), REFER (version 2), TRUNCATE (3).
WRITE: Final = 1 << 1 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8 | 1 << 9 | 1 << 10 | 1 << 12 | 1 << 13 | 1 << 14
_OF_FILES: Final = 1 << 1 | READ_FILE | 1 << 14
_FS_BITS: Final = (13, 14, 15, 15, 16, 16, 16)  # by version: how many LANDLOCK_ACCESS_FS_* there are
_TCP: Final = 3  # BIND_TCP, CONNECT_TCP
_ABSTRACT_SOCKETS: Final = 1  # LANDLOCK_SCOPE_*; not SIGNAL: we signal stubs


def landlock_version() -> int:
    """≥ 1, or −errno: the host has none."""
    version = _machine.confine(b"", b"", b"", 0)
    assert isinstance(version, int)
    return version


def confine(program: bytes, paths: Sequence[tuple[bytes, int]], capabilities: int, may_use_tcp: bool) -> tuple[int, int, int, int]:
    """Args: program: struct sock_filter[]; paths: (file or tree, READ | WRITE), those that do not exist are left out; capabilities: the mask
    of those that stay. Returns: (capabilities, no_new_privs, Landlock, seccomp): 0 or −errno each."""
    version = landlock_version()
    ruleset = b""
    rules: list[bytes] = []
    pins: list[int] = []
    if version > 0:
        handled = (1 << _FS_BITS[min(version, len(_FS_BITS)) - 1]) - 1
        ruleset = struct.pack("<QQQ", handled, 0 if may_use_tcp else _TCP, _ABSTRACT_SOCKETS)[
            : 24 if version >= 6 else 16 if version >= 4 else 8
        ]
        for path, access in paths:
            try:
                pin = os.open(path, os.O_PATH | os.O_CLOEXEC)
            except OSError:
                continue
            pins.append(pin)
            rules.append(struct.pack("<Qi", access & handled & (-1 if os.path.isdir(path) else _OF_FILES), pin))
    try:
        result = _machine.confine(ruleset, b"".join(rules), program, capabilities)
    finally:
        for pin in pins:
            os.close(pin)
    assert isinstance(result, tuple)
    return result if version > 0 else (result[0], result[1], version, result[3])
