# SPDX-License-Identifier: MPL-2.0
"""HostInfo: what is taken from the host, and what is not."""

import struct

from cruck.framework.host_info import parse_auxv, parse_cpuinfo, probe

CPUINFO = """processor\t: 0
vendor_id\t: GenuineIntel
model name\t: A CPU
microcode\t: 0x1
flags\t\t: fpu sse2 avx2

processor\t: 1
vendor_id\t: Other
"""


def test_model_is_that_of_the_first_processor_without_topology_and_history() -> None:
    assert parse_cpuinfo(CPUINFO) == {"vendor_id": "GenuineIntel", "model name": "A CPU", "flags": "fpu sse2 avx2"}


def test_hwcaps_are_found_in_the_auxiliary_vector() -> None:
    auxv = struct.pack("<QQQQQQ", 16, 0x178BFBFF, 26, 2, 0, 0)
    assert parse_auxv(auxv) == (0x178BFBFF, 2)
    assert parse_auxv(b"short") == (0, 0)


def test_probe_gives_the_runs_own_size() -> None:
    info = probe(3, 1 << 30)
    assert (info.nr_cpus, info.total_bytes) == (3, 1 << 30)
    assert not info.has_flag("no_such_flag")
