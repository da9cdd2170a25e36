# SPDX-License-Identifier: MPL-2.0
"""Vdso: the pages behind [vdso] and [vvar], one set for all guests of a kernel.

The image (framework/machine/vdso/vdso.c) reads clocks through the host's own vDSO, whose addresses stand in the vvar page together
with offsets for a virtual clock. A kernel whose clock is not the host's sets FLAG_TRAP: then every reading is a system call.
"""

import struct
from typing import TYPE_CHECKING, Final

from cruck.abi.mman import MAP_FIXED, MAP_PRIVATE, PROT_EXEC, PROT_READ
from cruck.framework import vdso_image
from cruck.framework.clock import HostClock
from cruck.framework.hardware import PAGE_MASK, PAGE_SIZE, AddressSpace, Segment
from cruck.kernel.memory import placement
from cruck.kernel.memory.fault import prefault
from cruck.kernel.vfs.mapping import Mapping

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.memory.mm import Mm

# struct vvar of vdso.c: host clock_gettime, host getcpu, flags, realtime and monotonic offset (ns), CPUs, host clock_getres.
VVAR: Final = struct.Struct("<QQQqqQQ")
FLAG_TRAP: Final = 1


class VdsoMapping(Mapping):
    """The vvar page, then the image."""

    def __init__(self, segment: Segment, size: int) -> None:
        super().__init__()
        self.segment = segment
        self.size = size  # bytes

    def length(self) -> int:
        return self.size

    def map_pages(self, space: AddressSpace, addr: int, length: int, offset: int, prot: int, private: bool) -> int:
        return space.map_segment(addr, length, self.segment, offset, prot, private)


class Vdso:
    mapping: VdsoMapping | None  # None: no image, so no vDSO
    image_bytes: int  # a multiple of the page size
    clock_gettime: int  # addresses of the host's functions, 0: absent
    clock_getres: int
    getcpu: int
    nr_cpus: int  # for getcpu without a call; 0: it is one
    is_trapping: bool
    realtime_offset_ns: int
    monotonic_offset_ns: int

    def __init__(self, kernel: "Kernel") -> None:
        image = vdso_image.load()
        symbols = kernel.machine.vdso_symbols() if image else {}
        self.clock_gettime = symbols.get("__vdso_clock_gettime", 0)
        self.clock_getres = symbols.get("__vdso_clock_getres", 0)
        self.getcpu = symbols.get("__vdso_getcpu", 0)
        self.nr_cpus = kernel.nr_cpus
        self.is_trapping = not isinstance(kernel.clock, HostClock)
        self.realtime_offset_ns = self.monotonic_offset_ns = 0
        self.image_bytes = (len(image) + PAGE_MASK) & ~PAGE_MASK
        self.mapping = None
        if image:
            segment = kernel.machine.new_segment()
            if segment.write(PAGE_SIZE, image) == len(image):
                self.mapping = VdsoMapping(segment, PAGE_SIZE + self.image_bytes)
                self._write_vvar()

    def set_offsets(self, realtime_ns: int, monotonic_ns: int) -> None:
        """Guests see the host's clocks plus these from now on."""
        self.realtime_offset_ns = realtime_ns
        self.monotonic_offset_ns = monotonic_ns
        self._write_vvar()

    def set_trapping(self, is_trapping: bool) -> None:
        """True: every reading of a clock is a system call (virtual time, replay)."""
        self.is_trapping = is_trapping
        self._write_vvar()

    def stop_guessing_cpus(self) -> None:
        """From now on getcpu is a system call: some task may not run everywhere, and the host's CPU says nothing of where it may."""
        if self.nr_cpus:
            self.nr_cpus = 0
            self._write_vvar()

    def map_into(self, mm: "Mm") -> int:
        """Maps vvar and vDSO; the vDSO's address (AT_SYSINFO_EHDR), 0 without one. Errors: LinuxError(ENOMEM)."""
        mapping = self.mapping
        if mapping is None:
            return 0
        start = placement.choose(mm, 0, PAGE_SIZE + self.image_bytes, 0)
        base = start + PAGE_SIZE
        flags = MAP_PRIVATE | MAP_FIXED
        mm.mmap_object(start, PAGE_SIZE, PROT_READ, flags, mapping, 0, b"[vvar]")
        mm.mmap_object(base, self.image_bytes, PROT_READ | PROT_EXEC, flags, mapping, PAGE_SIZE, b"[vdso]")
        mm.vdso_base = base
        prefault(mm, base)
        return base

    def _write_vvar(self) -> None:
        if self.mapping is not None:
            data = VVAR.pack(
                self.clock_gettime, self.getcpu, FLAG_TRAP if self.is_trapping else 0,
                self.realtime_offset_ns, self.monotonic_offset_ns, self.nr_cpus, self.clock_getres,
            )  # fmt: skip
            self.mapping.segment.write(0, data)
