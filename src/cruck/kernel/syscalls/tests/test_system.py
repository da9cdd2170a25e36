# SPDX-License-Identifier: MPL-2.0
"""uname, limits, priorities, randomness and the administrator's calls: results and errnos."""

import struct

import pytest

from cruck.abi.errno import EACCES, EFAULT, EINVAL, EPERM, ESRCH
from cruck.framework.clock import ManualClock
from cruck.framework.mm.user_memory import UserFault
from cruck.kernel.kernel import Kernel
from cruck.kernel.process.task import Task
from cruck.kernel.syscalls import system
from cruck.kernel.syscalls.types import CInt, CUInt, Flags, OutBuffer, Pid, Size, ULong, UserAddr
from cruck.testing.fake_machine import Spin
from cruck.testing.kernels import DATA, boot, spawn

BUF = UserAddr(DATA)
BAD = UserAddr(8)
NONE = UserAddr(0)
RLIMIT_NOFILE = CUInt(7)


@pytest.fixture
def kernel() -> Kernel:
    return boot()


@pytest.fixture
def root(kernel: Kernel) -> Task:
    return spawn(kernel, [Spin()])


@pytest.fixture
def user(kernel: Kernel) -> Task:
    return spawn(kernel, [Spin()], uid=1000)


def test_uname_says_linux_on_x86_64(root: Task) -> None:
    assert system.sys_uname(root, BUF) == 0
    fields = [root.user.read(DATA + 65 * i, 65).rstrip(b"\0") for i in range(6)]
    assert fields[0] == b"Linux"
    assert fields[1] == b"cruck"
    assert fields[2].startswith(b"6.1.")
    assert fields[4] == b"x86_64"
    with pytest.raises(UserFault):
        system.sys_uname(root, BAD)


def test_hostname_needs_privilege_and_has_a_length(root: Task, user: Task) -> None:
    root.user.write(DATA, b"a-host" + b"x" * 70)
    assert system.sys_sethostname(root, BUF, CInt(6)) == 0
    assert root.ns.uts.hostname == b"a-host"
    assert system.sys_sethostname(root, BUF, CInt(65)) == -EINVAL
    assert system.sys_sethostname(root, BUF, CInt(-1)) == -EINVAL
    assert system.sys_sethostname(user, BUF, CInt(6)) == -EPERM
    with pytest.raises(UserFault):
        system.sys_setdomainname(root, BAD, CInt(6))


def test_limits_may_be_lowered_by_all_and_raised_by_some(root: Task, user: Task) -> None:
    user.user.write(DATA, struct.pack("<QQ", 100, 200))
    assert system.sys_setrlimit(user, RLIMIT_NOFILE, BUF) == 0
    assert user.process.rlimits[7] == (100, 200)
    user.user.write(DATA, struct.pack("<QQ", 100, 201))
    assert system.sys_setrlimit(user, RLIMIT_NOFILE, BUF) == -EPERM
    user.user.write(DATA, struct.pack("<QQ", 101, 100))
    assert system.sys_setrlimit(user, RLIMIT_NOFILE, BUF) == -EINVAL
    root.user.write(DATA, struct.pack("<QQ", 100, (1 << 20) + 1))
    assert system.sys_setrlimit(root, RLIMIT_NOFILE, BUF) == -EPERM
    assert system.sys_getrlimit(root, CUInt(16), BUF) == -EINVAL


def test_prlimit_of_others(kernel: Kernel, root: Task, user: Task) -> None:
    assert system.sys_prlimit64(root, Pid(user.tid), RLIMIT_NOFILE, NONE, BUF) == 0
    assert struct.unpack("<QQ", root.user.read(DATA, 16)) == user.process.rlimits[7]
    assert system.sys_prlimit64(user, Pid(root.tid), RLIMIT_NOFILE, NONE, BUF) == -EPERM
    assert system.sys_prlimit64(root, Pid(9999), RLIMIT_NOFILE, NONE, BUF) == -ESRCH
    assert system.sys_prlimit64(root, Pid(0), CUInt(16), NONE, BUF) == -EINVAL
    assert system.sys_prlimit64(user, Pid(1), RLIMIT_NOFILE, NONE, BUF) == -EPERM
    with pytest.raises(UserFault):
        system.sys_prlimit64(root, Pid(0), RLIMIT_NOFILE, BAD, NONE)


def test_priorities(kernel: Kernel, root: Task, user: Task) -> None:
    assert system.sys_getpriority(user, CInt(0), CInt(0)) == 20
    assert system.sys_setpriority(user, CInt(0), CInt(0), CInt(5)) == 0
    assert system.sys_getpriority(user, CInt(0), CInt(0)) == 15
    assert system.sys_setpriority(user, CInt(0), CInt(0), CInt(4)) == -EACCES
    assert system.sys_setpriority(user, CInt(0), CInt(root.tid), CInt(5)) == -EPERM
    assert system.sys_setpriority(root, CInt(0), CInt(user.tid), CInt(-100)) == 0
    assert user.nice == -20
    assert system.sys_getpriority(root, CInt(2), CInt(1000)) == 40
    assert system.sys_getpriority(root, CInt(3), CInt(0)) == -EINVAL
    assert system.sys_getpriority(root, CInt(0), CInt(9999)) == -ESRCH
    assert system.sys_getpriority(root, CInt(0), CInt(1)) == 20
    assert system.sys_setpriority(root, CInt(1), CInt(0), CInt(3)) == 0
    assert root.nice == 3


def test_getrandom_fills_checks_flags_and_stops_at_faults(root: Task) -> None:
    out = OutBuffer(DATA)
    assert system.sys_getrandom(root, out, Size(16), Flags(0)) == 16
    first = root.user.read(DATA, 16)
    assert system.sys_getrandom(root, out, Size(16), Flags(1)) == 16
    assert root.user.read(DATA, 16) != first
    assert system.sys_getrandom(root, out, Size(16), Flags(8)) == -EINVAL
    assert system.sys_getrandom(root, out, Size(16), Flags(6)) == -EINVAL
    assert system.sys_getrandom(root, OutBuffer(8), Size(16), Flags(0)) == -EFAULT
    assert system.sys_getrandom(root, OutBuffer(DATA + 65536 - 10), Size(1 << 62), Flags(0)) == 10


def test_sysinfo_and_times_count_from_boot(kernel: Kernel, root: Task) -> None:
    assert isinstance(kernel.clock, ManualClock)
    kernel.clock.advance(9_000_000_000)
    assert system.sys_sysinfo(root, BUF) == 0
    words = struct.unpack("<14Q", root.user.read(DATA, 112))
    assert words[0] == 10
    assert words[4] == kernel.host_info.total_bytes
    assert system.sys_times(root, BUF) == 1000
    assert system.sys_times(root, NONE) == 1000


def test_getrusage_knows_who(root: Task) -> None:
    for who in (0, -1, 1):
        assert system.sys_getrusage(root, CInt(who), BUF) == 0
    assert system.sys_getrusage(root, CInt(2), BUF) == -EINVAL


def test_personality_is_asked_and_refused(root: Task) -> None:
    assert system.sys_personality(root, ULong(0xFFFFFFFF)) == 0
    assert system.sys_personality(root, ULong(0x40000)) == 0
    assert system.sys_personality(root, ULong(0xFFFFFFFF)) == 0x40000
    assert system.sys_personality(root, ULong(0x200000)) == -EINVAL


def test_the_administrators_calls(root: Task, user: Task) -> None:
    assert system.sys_syslog(user, CInt(3), OutBuffer(DATA), CInt(10)) == -EPERM
    assert system.sys_syslog(root, CInt(3), OutBuffer(DATA), CInt(10)) == 0
    assert system.sys_syslog(root, CInt(11), OutBuffer(DATA), CInt(10)) == -EINVAL
    assert system.sys_reboot(root, CInt(0), CInt(0), CUInt(0), NONE) == -EPERM
    assert system.sys_iopl(root, CUInt(4)) == -EINVAL
    assert system.sys_iopl(root, CUInt(3)) == -EPERM
    assert system.sys_ioperm(root, ULong(0), ULong(65537), CInt(1)) == -EINVAL
    assert system.sys_getcpu(root, BUF, NONE, NONE) == 0
