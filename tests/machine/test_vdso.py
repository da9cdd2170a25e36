# SPDX-License-Identifier: MPL-2.0
"""The vDSO image, called in this process: its code is copied behind a vvar page of ours, with libc playing the host's vDSO."""

import ctypes
import mmap
import struct
import time
from collections.abc import Iterator

import pytest

from cruck.framework import vdso_image
from cruck.kernel.memory.vdso import FLAG_TRAP, VVAR

PAGE = 4096
NAMES = ("clock_gettime", "gettimeofday", "time", "getcpu", "clock_getres")
IMAGE = vdso_image.load()

pytestmark = pytest.mark.skipif(not IMAGE, reason="the vDSO is not built")


def dynamic(image: bytes) -> dict[int, int]:
    phoff, phnum = struct.unpack_from("<Q", image, 32)[0], struct.unpack_from("<H", image, 56)[0]
    for index in range(phnum):
        kind, _, offset, _, _, size = struct.unpack_from("<IIQQQQ", image, phoff + 56 * index)
        if kind == 2:
            pairs = struct.iter_unpack("<QQ", image[offset : offset + size])
            return {tag: value for tag, value in pairs if tag}
    raise AssertionError("no PT_DYNAMIC")


def symbols(image: bytes) -> dict[str, tuple[int, int]]:
    """name → (address, version index)"""
    table = dynamic(image)
    nr_symbols = struct.unpack_from("<I", image, table[4] + 4)[0]  # DT_HASH: nchain
    found = {}
    for index in range(nr_symbols):
        name, _, _, section, value, _ = struct.unpack_from("<IBBHQQ", image, table[6] + 24 * index)
        text = image[table[5] + name : image.index(0, table[5] + name)].decode()
        version = struct.unpack_from("<H", image, table[0x6FFFFFF0] + 2 * index)[0]
        if section not in (0, 0xFFF1):
            found[text] = (value, version)
    return found


class Loaded:
    def __init__(self) -> None:
        size = PAGE + (len(IMAGE) + PAGE - 1) // PAGE * PAGE
        self.memory = mmap.mmap(-1, size, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        self.memory[PAGE : PAGE + len(IMAGE)] = IMAGE
        self.view = ctypes.c_char.from_buffer(self.memory)
        self.base = ctypes.addressof(self.view) + PAGE
        self.libc = ctypes.CDLL(None)
        self.set_vvar()

    def set_vvar(self, flags: int = 0, realtime_ns: int = 0, monotonic_ns: int = 0, has_host: bool = True) -> None:
        host = [ctypes.cast(getattr(self.libc, name), ctypes.c_void_p).value or 0 for name in ("clock_gettime", "clock_getres")]
        if not has_host:
            host = [0, 0]
        self.memory[: VVAR.size] = VVAR.pack(host[0], 0, flags, realtime_ns, monotonic_ns, 2, host[1])

    def call(self, name: str, *args: object) -> int:
        function = ctypes.CFUNCTYPE(ctypes.c_long)(self.base + symbols(IMAGE)[name][0])
        return int(function(*args))

    def clock(self, clock: int, function: str = "__vdso_clock_gettime") -> int:
        ts = (ctypes.c_int64 * 2)()
        assert self.call(function, ctypes.c_int(clock), ctypes.byref(ts)) & 0xFFFF_FFFF == 0
        assert 0 <= ts[1] < 10**9
        return ts[0] * 10**9 + ts[1]


@pytest.fixture
def vdso() -> Iterator[Loaded]:
    loaded = Loaded()
    yield loaded
    del loaded.view


def test_both_names_of_each_function_have_version_linux_2_6() -> None:
    found = symbols(IMAGE)
    table = dynamic(IMAGE)
    hashes = {}
    offset = table[0x6FFFFFFC]
    for _ in range(table[0x6FFFFFFD]):
        _, _, index, _, name_hash, _, step = struct.unpack_from("<HHHHIII", IMAGE, offset)
        hashes[index] = name_hash
        offset += step
    for name in NAMES:
        assert found[name][0] == found["__vdso_" + name][0]
        assert hashes[found[name][1]] == 0x3AE75F6  # what Go and musl look for
    assert set(found) == set(NAMES) | {"__vdso_" + name for name in NAMES}


def test_nothing_needs_relocation_or_writing() -> None:
    table = dynamic(IMAGE)
    assert not {7, 8, 17, 23, 20} & set(table)  # DT_RELA, DT_RELASZ, DT_REL, DT_JMPREL, DT_PLTREL
    phoff, phnum = struct.unpack_from("<Q", IMAGE, 32)[0], struct.unpack_from("<H", IMAGE, 56)[0]
    loads = [struct.unpack_from("<II", IMAGE, phoff + 56 * index) for index in range(phnum)]
    assert [flags for kind, flags in loads if kind == 1] == [5]


@pytest.mark.parametrize("clock", [0, 1, 4, 5, 6, 7, 11])
def test_clocks_are_the_hosts_plus_the_offset(vdso: Loaded, clock: int) -> None:
    slack = 50_000_000
    before = time.clock_gettime_ns(clock)
    assert before - slack <= vdso.clock(clock) <= time.clock_gettime_ns(clock) + slack
    for realtime_ns, monotonic_ns in ((123_456_789_012, -3_000_000_007), (-(10**12) - 1, 10**9 - 1)):
        vdso.set_vvar(0, realtime_ns, monotonic_ns)
        offset = realtime_ns if clock in (0, 5, 11) else monotonic_ns
        before = time.clock_gettime_ns(clock)
        assert before - slack <= vdso.clock(clock) - offset <= time.clock_gettime_ns(clock) + slack


def test_other_clocks_and_trapping_go_to_the_kernel(vdso: Loaded) -> None:
    # In this process the kernel is the host: it knows no offsets.
    vdso.set_vvar(0, 10**15, 10**15)
    assert vdso.clock(2) < 10**14  # CLOCK_PROCESS_CPUTIME_ID
    vdso.set_vvar(FLAG_TRAP, 10**15, 10**15)
    assert abs(vdso.clock(1) - time.monotonic_ns()) < 10**9
    vdso.set_vvar(0, 10**15, 10**15, False)
    assert abs(vdso.clock(0) - time.time_ns()) < 10**9
    assert vdso.call("clock_gettime", ctypes.c_int(99), ctypes.byref((ctypes.c_int64 * 2)())) & 0xFFFF_FFFF == 0xFFFF_FFEA


def test_gettimeofday_time_getres_and_getcpu(vdso: Loaded) -> None:
    tv, tz = (ctypes.c_int64 * 2)(), (ctypes.c_int32 * 2)(7, 7)
    assert vdso.call("gettimeofday", ctypes.byref(tv), ctypes.byref(tz)) & 0xFFFF_FFFF == 0
    assert abs(tv[0] * 10**6 + tv[1] - time.time_ns() // 1000) < 10**6 and list(tz) == [0, 0]
    assert vdso.call("gettimeofday", None, None) & 0xFFFF_FFFF == 0
    seconds = ctypes.c_int64()
    assert vdso.call("time", ctypes.byref(seconds)) == seconds.value
    assert abs(vdso.call("time", None) - time.time()) < 2
    assert vdso.clock(1, "clock_getres") == 1
    vdso.set_vvar(FLAG_TRAP)
    assert abs(vdso.call("time", None) - time.time()) < 2
    cpu = ctypes.c_uint32(999)
    assert vdso.call("getcpu", ctypes.byref(cpu), None, None) & 0xFFFF_FFFF == 0
    assert cpu.value < 999
