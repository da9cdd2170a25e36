# SPDX-License-Identifier: MPL-2.0
"""The seccomp program says what its tables say: run here, instruction by instruction, on every number and on arguments at the edges."""

import struct

import pytest

from cruck.abi.syscall_numbers import NAMES
from cruck.sandbox.kernel_filter import (
    ACCEPTING,
    BASE,
    CLONE3,
    CONNECTING,
    LAST_KNOWN,
    RESOLVING,
    TERMINAL,
    WRITING,
    Calls,
    assemble,
    merged,
)

ALLOW, EPERM, ENOSYS, KILL = 0x7FFF_0000, 0x5_0001, 0x5_0026, 0x8000_0000
X86_64, I386 = 0xC000_003E, 0x4000_0003
EVERYTHING = (BASE, WRITING, TERMINAL, ACCEPTING, CONNECTING, RESOLVING)
COMBINATIONS = [(BASE,), (BASE, WRITING), (BASE, TERMINAL), EVERYTHING]
NR = {name: nr for nr, name in NAMES.items()} if isinstance(NAMES, dict) else {name: nr for nr, name in enumerate(NAMES)}


def verdict(program: bytes, nr: int, args: tuple[int, ...] = (), arch: int = X86_64) -> int:
    """What the host's interpreter of classic BPF returns."""
    data = struct.pack("<IIQ6Q", nr, arch, 0, *(args + (0,) * 6)[:6])
    at, accumulator = 0, 0
    while True:
        code, yes, no, k = map(int, struct.unpack_from("<HBBI", program, 8 * at))
        at += 1
        if code == 0x20:
            accumulator = struct.unpack_from("<I", data, k)[0]
        elif code == 0x54:
            accumulator &= k
        elif code == 0x15:
            at += yes if accumulator == k else no
        elif code == 0x35:
            at += yes if accumulator >= k else no
        else:
            assert code == 0x06
            return k


def meant(calls: Calls, nr: int, args: tuple[int, ...]) -> int:
    if nr > LAST_KNOWN or nr == CLONE3:
        return ENOSYS
    if nr not in calls:
        return EPERM
    args = (args + (0,) * 6)[:6]
    tests = calls[nr]
    if not tests or any(all(args[index] & mask == value for index, mask, value in alternative) for alternative in tests):
        return ALLOW
    return EPERM


@pytest.mark.parametrize("needs", COMBINATIONS)
def test_every_number_gets_what_the_tables_say(needs: tuple[Calls, ...]) -> None:
    program, calls = assemble(needs), merged(needs)
    values = (0, 1, 2, 3, 4, 5, 6, 7, 9, 23, 0o101, 0o2000000, 0x5401, 0x5404, 0x5412, 0x8000_0000, (1 << 32) + 2, (1 << 64) - 1)
    for nr in range(600):
        assert verdict(program, nr) == meant(calls, nr, ())
        if calls.get(nr):
            for first in values:
                for second in values:
                    for args in ((first, second, first, second), (second, first, 0, 0x20), (0, second, first, 2), (7, 0, second, first)):
                        assert verdict(program, nr, args) == meant(calls, nr, args), (nr, args)
    for nr in (1 << 30, (1 << 30) + 59, 1 << 31, (1 << 32) - 1):
        assert verdict(program, nr) == ENOSYS
    assert verdict(program, 1, (), I386) == KILL


@pytest.mark.parametrize("needs", COMBINATIONS)
def test_program_fits_and_every_path_ends(needs: tuple[Calls, ...]) -> None:
    program = assemble(needs)
    count = len(program) // 8
    assert count < 4096
    for at in range(count):
        code, yes, no, _ = struct.unpack_from("<HBBI", program, 8 * at)
        if code in (0x15, 0x35):
            assert at + 1 + max(yes, no) < count
    assert struct.unpack_from("<H", program, 8 * (count - 1))[0] == 0x06


def test_what_takes_over_the_host_is_in_no_table() -> None:
    everything = merged(EVERYTHING)
    assert verdict(assemble(EVERYTHING), NR["clone"], (17,)) == EPERM
    assert verdict(assemble(EVERYTHING), NR["clone"], (0x3D0F00,)) == ALLOW
    assert verdict(assemble(EVERYTHING), NR["clone"], (0x3D0F00 | 0x1000_0000,)) == EPERM
    for name in (
        "execve", "execveat", "fork", "vfork", "clone3", "ptrace", "process_vm_readv", "process_vm_writev", "mount", "umount2",
        "pivot_root", "chroot", "unshare", "setns", "bpf", "io_uring_setup", "keyctl", "add_key", "init_module", "finit_module", "kexec_load",
        "perf_event_open", "userfaultfd", "setuid", "setgid", "setgroups", "capset", "prctl", "seccomp", "personality", "pidfd_getfd", "pidfd_open",
        "memfd_create", "shmat", "msgget", "reboot", "swapon", "open_by_handle_at", "tkill", "rt_sigqueueinfo", "modify_ldt", "arch_prctl", "mkdirat2",
    ):  # fmt: skip
        assert NR.get(name, -1) not in everything, name


def test_numbers_are_those_their_comments_name() -> None:
    """Each line of the tables names its numbers in order."""
    import inspect
    import re

    from cruck.sandbox import kernel_filter

    lines = inspect.getsource(kernel_filter).splitlines()
    checked = 0
    for at, line in enumerate(lines):
        numbers, _, comment = line.partition("#")
        numbers = re.sub(r"^.*\(\(", "", numbers) if "((" in numbers else numbers
        if re.fullmatch(r"[\s\d,]+(\), ALWAYS\),)?\s*", numbers) and re.search(r"\d", numbers):
            names = comment.partition("(")[0].split()
            following = at + 1
            while following < len(lines) and re.fullmatch(r"\s+#.*", lines[following]):
                names += lines[following].partition("#")[2].split()
                following += 1
            wanted = [int(number) for number in re.findall(r"\d+", numbers)]
            assert [NR[name] for name in names] == wanted, line
            checked += len(wanted)
    assert checked > 120
