# SPDX-License-Identifier: MPL-2.0
"""struct rusage, for getrusage(2), wait4(2) and waitid(2). Page faults and block I/O are not counted (0)."""

from typing import Final

from cruck.abi.resource import RUSAGE

NS: Final = 1_000_000_000


def rusage_bytes(user_ns: int, system_ns: int, max_rss_pages: int, nr_voluntary: int = 0, nr_involuntary: int = 0) -> bytes:
    user = (user_ns // NS, user_ns % NS // 1000)
    system = (system_ns // NS, system_ns % NS // 1000)
    return RUSAGE.pack(*user, *system, max_rss_pages * 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, nr_voluntary, nr_involuntary)
