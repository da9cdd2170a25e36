# SPDX-License-Identifier: MPL-2.0
"""HostInfo: the few facts about the host's hardware that guests may learn.

Guest instructions run on the host's CPU, so its model and feature flags are true for guests as well; the number of
CPUs and the amount of memory are the run's own. Everything else about the host (its name, load, uptime of its
services, serial numbers, microcode, mitigations) is not collected, so it cannot leak.

Plain data once made: `probe()` reads the host once, at boot; a kernel restored elsewhere keeps what it was told.
"""

import struct
from typing import Final

AT_HWCAP: Final = 16
AT_CLKTCK: Final = 17
AT_HWCAP2: Final = 26

# Lines of /proc/cpuinfo that describe the processor model, not this machine's topology or history.
_MODEL_KEYS: Final = (
    "vendor_id",
    "cpu family",
    "model",
    "model name",
    "stepping",
    "cpu MHz",
    "cache size",
    "fpu",
    "fpu_exception",
    "cpuid level",
    "wp",
    "flags",
    "bogomips",
    "TLB size",
    "clflush size",
    "cache_alignment",
    "address sizes",
)


class HostInfo:
    """What services may know of the hardware. Immutable after construction.

    Safety: holds only text and numbers; may be made by hand (tests, replays).
    """

    model: dict[str, str]  # /proc/cpuinfo keys of _MODEL_KEYS → values, of the first processor
    nr_cpus: int  # virtual CPUs of this run
    total_bytes: int  # RAM of this run
    hwcap: int  # AT_HWCAP: CPUID.1:EDX
    hwcap2: int  # AT_HWCAP2: bit 1 = FSGSBASE usable

    def __init__(self, model: dict[str, str], nr_cpus: int, total_bytes: int, hwcap: int, hwcap2: int) -> None:
        self.model = model
        self.nr_cpus = nr_cpus
        self.total_bytes = total_bytes
        self.hwcap = hwcap
        self.hwcap2 = hwcap2

    def has_flag(self, flag: str) -> bool:
        """Is `flag` one of the CPU's feature flags as /proc/cpuinfo names them ("avx2")?"""
        return flag in self.model.get("flags", "").split()


def probe(nr_cpus: int, total_bytes: int) -> HostInfo:
    """Reads the host's CPU model. Never fails: what cannot be read is absent (`model` empty, hwcap 0).

    Args: nr_cpus: ≥ 1, virtual CPUs of the run; total_bytes: its RAM.
    Cost: two small host files.
    """
    model: dict[str, str] = {}
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
            model = parse_cpuinfo(file.read(65536))
    except OSError:
        pass
    hwcap = hwcap2 = 0
    try:
        with open("/proc/self/auxv", "rb") as auxv:
            hwcap, hwcap2 = parse_auxv(auxv.read(4096))
    except OSError:
        pass
    return HostInfo(model, nr_cpus, total_bytes, hwcap, hwcap2)


def parse_cpuinfo(text: str) -> dict[str, str]:
    """The model lines of the first processor of an x86 /proc/cpuinfo."""
    model: dict[str, str] = {}
    for line in text.splitlines():
        if not line.strip():
            break
        key, colon, value = line.partition(":")
        key = key.strip()
        if colon and key in _MODEL_KEYS:
            model[key] = value.strip()
    return model


def parse_auxv(data: bytes) -> tuple[int, int]:
    """(AT_HWCAP, AT_HWCAP2) of an auxiliary vector."""
    hwcap = hwcap2 = 0
    for offset in range(0, len(data) - 15, 16):
        kind, value = struct.unpack_from("<QQ", data, offset)
        if kind == AT_HWCAP:
            hwcap = value
        elif kind == AT_HWCAP2:
            hwcap2 = value
    return hwcap, hwcap2
