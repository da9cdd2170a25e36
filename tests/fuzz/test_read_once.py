# SPDX-License-Identifier: MPL-2.0
"""No handler decides twice on one byte of guest memory, nor breaks when a sibling changes all that was read."""

import struct
from collections.abc import Iterator

import pytest
from read_once import Directed, Flipper, ReadOnceFuzzer

from cruck.framework.hardware import RSP
from cruck.testing.fake_machine import FakeMachine
from cruck.testing.syscall_fuzzer import SyscallFuzzer

# Calls that a random run reads guest memory in; a handler that none reaches is not tested.
REACHED = """
    access adjtimex bind capget capset chdir chmod chown clock_nanosleep clock_settime clone3 connect copy_file_range creat epoll_ctl
    epoll_pwait execve faccessat fchmodat fchownat fcntl fsetxattr futex getsockname getsockopt getxattr inotify_add_watch ioctl link linkat
    lsetxattr lstat memfd_create mkdir mkdirat mknod mount mq_open mq_timedsend msgsnd name_to_handle_at nanosleep newfstatat open openat openat2 poll
    ppoll preadv prlimit64 process_vm_readv process_vm_writev pselect6 pwritev readlink readv recvmmsg recvmsg rename renameat2
    rt_sigaction rt_sigprocmask rt_sigqueueinfo rt_sigsuspend rt_sigtimedwait sched_setaffinity sched_setattr select semop
    sendfile sendmmsg sendmsg sendto setgroups sethostname setitimer setrlimit setsockopt setxattr sigaltstack signalfd4 stat statx symlink
    timer_create timerfd_settime truncate umount2 unlink utimensat utimes write writev
    """.split()


@pytest.fixture
def fuzzer() -> Iterator[ReadOnceFuzzer]:
    fuzzer = ReadOnceFuzzer(1)
    yield fuzzer
    assert not fuzzer.failures, fuzzer.failures[0]
    assert not fuzzer.twice, "\n".join(fuzzer.twice.values())


def test_no_handler_takes_a_byte_twice(fuzzer: ReadOnceFuzzer) -> None:
    fuzzer.run(16_000)
    assert sorted(set(REACHED) - fuzzer.readers) == []


def test_no_handler_with_picky_arguments_takes_a_byte_twice(fuzzer: ReadOnceFuzzer) -> None:
    call = Directed(fuzzer)
    unix = b"\1\0\0once".ljust(110, b"\0")
    # Sockets: addresses and their lengths, messages with descriptors.
    listener, client = call(41, 1, 0o4001, 0), call(41, 1, 0o4001, 0)
    assert call(49, listener, unix, 7) == 0 and call(50, listener, 5) == 0 and call(42, client, unix, 7) == 0
    server = call(288, listener, bytes(128), struct.pack("<I", 110), 0)
    assert server > 0
    rights = struct.pack("<QiiiiQii", 20, 1, 1, server, 0, 28, 1, 2) + struct.pack("<iii", 0, 0, 0)
    vector = struct.pack("<QQQQ", call.put(b"some"), 4, call.put(b"more"), 4)
    header = struct.pack("<QI4xQQQQI4x", 0, 0, call.put(vector), 2, call.put(rights), 24, 0)
    assert call(46, client, header, 0) == 8
    into = struct.pack("<QQ", call.put(bytes(8)), 8)
    header = struct.pack("<QI4xQQQQI4x", call.put(bytes(110)), 110, call.put(into), 1, call.put(bytes(64)), 64, 0)
    assert call(47, server, header, 0) == 8
    assert call(44, client, b"datum", 5, 0, 0, 0) == 5 and call(45, server, bytes(8), 8, 0, bytes(110), struct.pack("<I", 110)) == 5
    assert call(54, server, 1, 20, struct.pack("<qq", 1, 0), 16) == 0  # SO_RCVTIMEO
    # Timers.
    timer = call.put(bytes(8))
    assert call(222, 1, struct.pack("<QiiQ", 0, 34, 0, 0).ljust(64, b"\0"), timer) == 0
    number = int.from_bytes(call.task.user.read(timer, 4), "little")
    assert call(223, number, 0, struct.pack("<qqqq", 0, 0, 99, 0), bytes(32)) == 0
    # Asynchronous I/O: a pointer to a pointer to a structure with a pointer.
    place = call.put(bytes(8))
    assert call(206, 4, place) == 0
    context = int.from_bytes(call.task.user.read(place, 8), "little")
    null = call(2, b"/dev/null\0", 2)
    block = struct.pack("<QIIHhIQQqQII", 7, 0, 0, 1, 0, null, call.put(b"abc"), 3, 0, 0, 0, 0)
    assert call(209, context, 1, struct.pack("<Q", call.put(block))) == 1
    assert call(208, context, 1, 1, bytes(64), struct.pack("<qq", 0, 0)) == 1
    # Handles, locks, polls, vectors of words.
    handle = call.put(struct.pack("<Ii", 128, 0) + bytes(128))
    assert call(303, -100, b"/dev/null\0", handle, bytes(4), 0) in (0, -95)
    call(304, null, handle, 0)
    file = call(2, b"/records\0", 0o102, 0o600)
    assert call(72, file, 6, struct.pack("<hh4xqqi4x", 1, 0, 0, 10, 0)) == 0  # F_SETLK
    assert call(7, struct.pack("<ihhihh", file, 5, 0, null, 5, 0), 2, 0) == 2
    assert call(23, 4, b"\x08".ljust(128, b"\0"), bytes(128), bytes(128), struct.pack("<qq", 0, 0)) >= 0
    assert call(202, struct.pack("<I", 5), 0x81, 1) == 0 and call(202, struct.pack("<I", 5), 0x80, 4, 0) == -11
    assert call(202, struct.pack("<I", 5), 0x84, 1, 1, struct.pack("<I", 6), 5) >= 0  # FUTEX_CMP_REQUEUE
    assert call(202, struct.pack("<I", 5), 0x85, 1, 1, struct.pack("<I", 6), 0x0100_0001) >= 0  # FUTEX_WAKE_OP
    assert call(449, struct.pack("<QQII", 1, call.put(struct.pack("<I", 2)), 0x82, 0), 1, 0, 0, 1) == -11
    # Signals, limits, attributes, namespaces of mounts.
    assert call(13, 10, struct.pack("<QQQQ", 0x40_0000, 0x0400_0000, 0x40_0000, 0), bytes(32), 8) == 0
    assert call(131, struct.pack("<QI4xQ", call.put(bytes(8192)), 0, 8192), bytes(24)) == 0
    assert call(302, 0, 7, struct.pack("<QQ", 512, 1024), bytes(16)) == 0
    pidfd = call(434, call.task.process.pid, 0)
    assert call(424, pidfd, 18, struct.pack("<iii4xiIQ", 18, 0, -1, 0, 0, 0).ljust(128, b"\0"), 0) == 0
    assert call(314, 0, struct.pack("<IIQiIQQQ", 56, 0, 0, 0, 0, 0, 0, 0), 0) == 0
    assert call(437, -100, b"/dev/null\0", struct.pack("<QQQ", 0, 0, 0), 24) > 0
    assert call(280, -100, b"/records\0", struct.pack("<qqqq", 1, 2, 3, 4), 0) == 0
    program = struct.pack("<HBBI", 6, 0, 0, 0x7FFF_0000)
    assert call(157, 38, 1, 0, 0, 0) == 0
    assert call(317, 1, 0, struct.pack("<H6xQ", 1, call.put(program))) == 0  # from now on numbers come from registers
    assert {"accept4", "recvfrom", "timer_settime", "io_submit", "seccomp", "pidfd_send_signal", "futex_waitv"} <= fuzzer.readers


def test_a_signal_frame_is_taken_once(fuzzer: ReadOnceFuzzer) -> None:
    call = Directed(fuzzer)
    call.task.context.set_reg(RSP, call.put(bytes(4096)) + 8)
    call(15)  # a frame of zeros: the end of the guest, after it was read
    assert "rt_sigreturn" in fuzzer.readers


@pytest.mark.parametrize("seed", [1, 2])
def test_a_sibling_that_changes_all_that_was_read_breaks_nothing(seed: int) -> None:
    """What matters was copied: no oops, no hang."""
    fuzzer = SyscallFuzzer(seed)
    flipper = Flipper(fuzzer)
    for _ in range(20):
        machine = fuzzer.kernel.machine
        assert isinstance(machine, FakeMachine)
        machine.observer = flipper
        fuzzer.run(300)
    assert not fuzzer.failures, fuzzer.failures[0]
