# SPDX-License-Identifier: MPL-2.0
"""The system calls of the kernel process after its boot, as a seccomp program: data, put together from what the run needs.

BASE is what every run needs: memory, the run's own descriptors, reading files, stubs, signals to them. WRITING is added if something of the
host may be written, TERMINAL if a terminal of the host is ours, ACCEPTING for published ports, CONNECTING if the egress policy allows
anything, RESOLVING if it allows names. Whatever is in none of them is EPERM: execve, ptrace, new processes and threads, mounts, sockets,
io_uring, bpf, keys; so are mappings that are writable and executable, or executable without a file. Numbers beyond those we know are
ENOSYS, which libraries expect of an older host; so is clone3, whose flags lie in memory where no filter sees them.
"""

import struct
from collections.abc import Iterable, Mapping
from typing import Final

# One test of an argument: (index, mask, value): passes if argument & mask == value; all 64 bits are looked at.
Test = tuple[int, int, int]
# Each call: the alternatives of which one must pass, each a list of tests that must all pass; none: always allowed.
Calls = Mapping[int, tuple[tuple[Test, ...], ...]]

ALWAYS: Final[tuple[tuple[Test, ...], ...]] = ()
LAST_KNOWN: Final = 462
CLONE3: Final = 435
EPERM: Final = 1
ENOSYS: Final = 38
_ALL: Final = 0xFFFF_FFFF_FFFF_FFFF
_INT: Final = 0xFFFF_FFFF

# O_ACCMODE, O_CREAT, O_TRUNC, __O_TMPFILE: none of them is set.
_READS: Final = 0o3 | 0o100 | 0o1000 | 0o20000000
_EXEC: Final = 4


def _is(index: int, *values: int) -> tuple[tuple[Test, ...], ...]:
    """An int argument that is one of `values`."""
    return tuple(((index, _INT, value & _INT),) for value in values)


def _nodes(index: int) -> tuple[tuple[Test, ...], ...]:
    """FIFOs, names of sockets, files; and of devices an overlay's whiteout, 0/0."""
    kinds = (0o010000, 0o140000, 0o100000, 0)
    return (*(((index, 0o170000, kind),) for kind in kinds), ((index, 0o170000, 0o020000), (index + 1, _INT, 0)))


# fmt: off
BASE: Final[Calls] = {
    **dict.fromkeys((
        0, 1, 3, 4, 5, 6, 7, 8,  # read write close stat fstat lstat poll lseek
        11, 12, 25, 28,  # munmap brk mremap madvise
        13, 14, 15, 131,  # rt_sigaction rt_sigprocmask rt_sigreturn sigaltstack
        17, 18, 19, 20, 21, 22, 23, 24,  # pread64 pwrite64 readv writev access pipe select sched_yield
        32, 33, 292,  # dup dup2 dup3
        35, 39, 44, 45, 46, 47, 48,  # nanosleep getpid sendto recvfrom sendmsg recvmsg shutdown
        60, 61, 63, 74, 75, 77,  # exit wait4 uname fsync fdatasync ftruncate (of our own RAM)
        79, 89, 96, 97, 98, 99, 100,  # getcwd readlink gettimeofday getrlimit getrusage sysinfo times
        102, 104, 107, 108, 110, 115,  # getuid getgid geteuid getegid getppid getgroups
        137, 138, 186, 191, 192, 193, 194, 195, 196,  # statfs fstatfs gettid getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr
        201, 202, 203, 204, 217, 219, 221, 228, 229, 230, 231,  # time futex sched_setaffinity sched_getaffinity getdents64 restart_syscall fadvise64 clock_gettime
                                                          # clock_getres clock_nanosleep exit_group
        232, 233, 270, 271, 281, 441,  # epoll_wait epoll_ctl pselect6 ppoll epoll_pwait epoll_pwait2
        262, 267, 269, 285, 295, 296, 309, 318,  # newfstatat readlinkat faccessat fallocate preadv pwritev getcpu getrandom
        327, 328, 332, 439,  # preadv2 pwritev2 statx faccessat2
    ), ALWAYS),
    2: (((1, _READS, 0),),),  # open
    257: (((2, _READS, 0),),),  # openat
    9: (((2, _EXEC, 0),), ((2, 2, 0), (3, 0x20, 0))),  # mmap: not executable, or of a file and not writable
    10: (((2, _EXEC, 0),),),  # mprotect
    16: _is(1, 0x5401, 0x5413, 0x541B, 0x5450, 0x5451),  # ioctl: TCGETS TIOCGWINSZ FIONREAD FIONCLEX FIOCLEX
    53: _is(0, 1),  # socketpair: AF_UNIX
    62: (((0, 0x8000_0000, 0), (1, _INT, 9)),),  # kill: SIGKILL, to one process
    72: _is(1, 0, 1, 2, 3, 4, 1030),  # fcntl: F_DUPFD F_GETFD F_SETFD F_GETFL F_SETFL F_DUPFD_CLOEXEC
    302: (((2, _ALL, 0),),),  # prlimit64: asks only
    234: _is(2, 23, 6),  # tgkill: the interrupt of a stub, our own abort()
}
WRITING: Final[Calls] = dict.fromkeys((
    2, 257, 76, 82, 83, 84, 86, 87, 88,  # open openat truncate rename mkdir rmdir link unlink symlink
    90, 91, 92, 93, 94, 132, 235, 280,  # chmod fchmod chown fchown lchown utime utimes utimensat
    162, 188, 189, 190, 197, 198, 199, 306, 326,  # sync setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr syncfs copy_file_range
    258, 260, 263, 264, 265, 266, 268, 316, 452,  # mkdirat fchownat unlinkat renameat linkat symlinkat fchmodat renameat2 fchmodat2
), ALWAYS) | {
    133: _nodes(1),  # mknod
    259: _nodes(2),  # mknodat
}
TERMINAL: Final[Calls] = {16: _is(1, 0x5402, 0x5403, 0x5404)}  # TCSETS TCSETSW TCSETSF
ACCEPTING: Final[Calls] = {
    **dict.fromkeys((
        51, 52, 54, 55, 288,  # getsockname getpeername setsockopt getsockopt accept4
    ), ALWAYS),
    16: _is(1, 0x5421),  # ioctl: FIONBIO
}
CONNECTING: Final[Calls] = {
    **dict.fromkeys((
        42, 51, 52, 54, 55,  # connect getsockname getpeername setsockopt getsockopt
    ), ALWAYS),
    16: _is(1, 0x5421),  # ioctl: FIONBIO
    41: tuple((family, kind) for family in ((0, _INT, 2), (0, _INT, 10)) for kind in ((1, 0xF, 1), (1, 0xF, 2))),  # socket: IP, TCP and UDP
}
RESOLVING: Final[Calls] = {
    **dict.fromkeys((
        49, 218, 273, 293, 299, 307, 334,  # bind set_tid_address set_robust_list pipe2 recvmmsg sendmmsg rseq
    ), ALWAYS),
    56: (((0, 0x7E03_0000, 0x0001_0000),),),  # clone: a thread, in no new namespace
}
# fmt: on


def merged(needs: Iterable[Calls]) -> dict[int, tuple[tuple[Test, ...], ...]]:
    """What any of `needs` allows."""
    calls: dict[int, tuple[tuple[Test, ...], ...]] = {}
    for need in needs:
        for nr, tests in need.items():
            known = calls.get(nr)
            calls[nr] = tests if known is None else ALWAYS if not known or not tests else known + tests
    return calls


# Classic BPF over struct seccomp_data: nr, arch, instruction pointer, six arguments of 64 bits.
_LOAD, _AND, _JUMP_EQUAL, _JUMP_NOT_BELOW, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x06
_ALLOW, _ERRNO, _KILL = 0x7FFF_0000, 0x0005_0000, 0x8000_0000
_AUDIT_ARCH_X86_64 = 0xC000_003E
Instruction = tuple[int, int, int, int]  # code, jump if true, jump if false, k


def assemble(needs: Iterable[Calls]) -> bytes:
    """The program, struct sock_filter[]. Calls of another architecture kill the process."""
    calls = merged(needs)
    program: list[Instruction] = [
        (_LOAD, 0, 0, 4), (_JUMP_EQUAL, 1, 0, _AUDIT_ARCH_X86_64), (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, 0), (_JUMP_NOT_BELOW, 0, 1, LAST_KNOWN + 1), (_RETURN, 0, 0, _ERRNO | ENOSYS),
    ]  # fmt: skip
    program += [(_JUMP_EQUAL, 0, 1, CLONE3), (_RETURN, 0, 0, _ERRNO | ENOSYS)]
    for nr, alternatives in calls.items():
        if alternatives:
            block = _block(alternatives)
            program += [(_JUMP_EQUAL, 0, len(block), nr), *block]
    program += _tree([nr for nr in sorted(calls) if not calls[nr]])
    return b"".join(struct.pack("<HBBI", *instruction) for instruction in program)


def _block(alternatives: tuple[tuple[Test, ...], ...]) -> list[Instruction]:
    """Returns in every case."""
    block: list[Instruction] = []
    for tests in alternatives:
        parts: list[Instruction] = []
        for index, mask, value in tests:
            for half in (0, 32):
                if mask >> half & _INT:
                    parts += [
                        (_LOAD, 0, 0, 16 + 8 * index + half // 8),
                        (_AND, 0, 0, mask >> half & _INT),
                        (_JUMP_EQUAL, 0, 0, value >> half & _INT),
                    ]
        length = len(parts)
        for at, (code, _, _, k) in enumerate(parts):
            if code == _JUMP_EQUAL:
                parts[at] = (code, 0, length - at, k)  # past the return
        block += [*parts, (_RETURN, 0, 0, _ALLOW)]
    return [*block, (_RETURN, 0, 0, _ERRNO | EPERM)]


def _tree(numbers: list[int]) -> list[Instruction]:
    """Halves `numbers`, ascending, down to runs of neighbours: the host evaluates it for each number there is, once, when it is installed."""
    runs: list[tuple[int, int]] = []
    for nr in numbers:
        if runs and runs[-1][1] == nr - 1:
            runs[-1] = (runs[-1][0], nr)
        else:
            runs.append((nr, nr))
    return _halves(runs)


def _halves(runs: list[tuple[int, int]]) -> list[Instruction]:
    if len(runs) == 1:
        first, last = runs[0]
        refuse, allow = (_RETURN, 0, 0, _ERRNO | EPERM), (_RETURN, 0, 0, _ALLOW)
        return [(_JUMP_NOT_BELOW, 1, 0, first), refuse, (_JUMP_NOT_BELOW, 0, 1, last + 1), refuse, allow]
    middle = len(runs) // 2
    low, high = _halves(runs[:middle]), _halves(runs[middle:])
    return [(_JUMP_NOT_BELOW, len(low), 0, runs[middle][0]), *low, *high]
