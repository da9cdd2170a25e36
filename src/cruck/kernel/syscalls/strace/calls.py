# SPDX-License-Identifier: MPL-2.0
"""What each call's arguments are: one row a call, by name, with a kind for each argument.

A call without a row is shown by the types of its handler's signature (kernel/syscalls/signatures.py, generated), or else as
hexadecimal words. RESULTS says which results are not plain decimal numbers.
"""

from typing import Final

from cruck.kernel.syscalls.strace import xlat
from cruck.kernel.syscalls.strace.files import (
    AccessKind,
    DevKind,
    DirentsKind,
    FcntlArgKind,
    FlockKind,
    IovKind,
    MountTypeKind,
    MovedOffsetKind,
    OffsetAtKind,
    OpenHowKind,
    PositionKind,
    ReadlinkKind,
    StatfsKind,
    StatKind,
    StatxFlagsKind,
    StatxKind,
)
from cruck.kernel.syscalls.strace.ioctls import IoctlArgKind, IoctlCommandKind
from cruck.kernel.syscalls.strace.kinds import (
    AddrKind,
    ChoiceKind,
    DirFdKind,
    EnvironKind,
    FileModeKind,
    FlagsKind,
    Hex32Kind,
    HexKind,
    IdKind,
    InBytesKind,
    IntKind,
    IntsAtKind,
    Kind,
    LongKind,
    ModeIfCreatKind,
    NumberAtKind,
    OpenFlagsKind,
    OutBytesKind,
    OutHexBytesKind,
    OutPathKind,
    PathKind,
    PermissionKind,
    StringArrayKind,
    StringKind,
    UIntKind,
    ULongKind,
)
from cruck.kernel.syscalls.strace.polls import (
    EpollEventKind,
    EpollEventsKind,
    FdSetKind,
    PollFdsKind,
    PselectMaskKind,
)
from cruck.kernel.syscalls.strace.processes import (
    ArchPrctlKind,
    CapDataKind,
    CapHeaderKind,
    Clone3IdsKind,
    Clone3Kind,
    Clone3SizeKind,
    CloneIdsKind,
    CloneKind,
    CpuSetKind,
    FutexArgKind,
    FutexOpKind,
    GroupsKind,
    MmapFlagsKind,
    MremapAddrKind,
    PrctlArgKind,
    ResidencyKind,
    SchedParamKind,
)
from cruck.kernel.syscalls.strace.signals import (
    SigActionKind,
    SigFrameKind,
    SigInfoKind,
    SignalKind,
    SigSetKind,
    StackKind,
    WaitStatusKind,
)
from cruck.kernel.syscalls.strace.sockets import (
    AddressKind,
    LengthAtKind,
    MessageKind,
    OptionNameKind,
    OptionValueKind,
    OutAddressKind,
    ProtocolKind,
    SendBytesKind,
    SocketTypeKind,
)
from cruck.kernel.syscalls.strace.times import (
    ClockKind,
    ItimerspecKind,
    ItimervalKind,
    RemainingKind,
    RlimitKind,
    RusageKind,
    SigeventKind,
    SysinfoKind,
    TimeAtKind,
    TimePairKind,
    TimespecKind,
    TimevalKind,
    TimezoneKind,
    TmsKind,
    UtsnameKind,
)

INT: Final = IntKind()
UINT: Final = UIntKind()
LONG: Final = LongKind()
ULONG: Final = ULongKind()
HEX: Final = HexKind()
HEX32: Final = Hex32Kind()
ID: Final = IdKind()
ADDR: Final = AddrKind()
OUT_ADDR: Final = AddrKind(True)
DIRFD: Final = DirFdKind()
MODE: Final = PermissionKind()
FILE_MODE: Final = FileModeKind()
PATH: Final = PathKind()
STRING: Final = StringKind()
OPEN_FLAGS: Final = OpenFlagsKind()
OUT_BYTES: Final = OutBytesKind()
IN_BYTES: Final = InBytesKind(2)
STAT: Final = StatKind()
STATFS: Final = StatfsKind()
IOV_IN: Final = IovKind()
IOV_OUT: Final = IovKind(True)
LOW: Final = PositionKind(False)
HIGH: Final = PositionKind(True)
AT_FLAGS: Final = FlagsKind(xlat.AT_FLAGS, "AT_???")
PROT: Final = FlagsKind(xlat.PROT, "PROT_???", True)
SIGNAL: Final = SignalKind()
SIGSET: Final = SigSetKind(False)
SIGSET_OUT: Final = SigSetKind(True)
TIMESPEC: Final = TimespecKind()
TIMESPEC_OUT: Final = TimespecKind(True)
REMAINING: Final = RemainingKind()
CLOCK: Final = ClockKind()
FUTEX_ARG: Final = FutexArgKind()
MSG_FLAGS: Final = FlagsKind(xlat.MSG_FLAGS, "MSG_???")
FAMILY: Final = ChoiceKind(xlat.ADDRESS_FAMILIES, "AF_???")
LENGTH_AT: Final = LengthAtKind()
RLIMIT: Final = ChoiceKind(xlat.RLIMITS, "RLIMIT_???")
WAIT_FLAGS: Final = FlagsKind(xlat.WAIT_OPTIONS, "W???")
PIPE_FLAGS: Final = FlagsKind(xlat.OPEN_FLAGS, "O_???")
INT_OUT: Final = NumberAtKind(4, "d", True)
UINT_OUT: Final = NumberAtKind(4, "u", True)
WHO: Final = ChoiceKind(xlat.RUSAGE_WHO, "RUSAGE_???")
PRCTL_ARG: Final = PrctlArgKind()
XATTR_FLAGS: Final = FlagsKind(xlat.XATTR, "XATTR_???")
FD_SET: Final = FdSetKind()
SPLICE_FLAGS: Final = FlagsKind(xlat.SPLICE, "SPLICE_F_???")
OFFSET_AT: Final = OffsetAtKind()

KINDS: Final[dict[str, tuple[Kind, ...]]] = {
    # Reading and writing.
    "read": (INT, OUT_BYTES, ULONG),
    "write": (INT, IN_BYTES, ULONG),
    "pread64": (INT, OUT_BYTES, ULONG, LONG),
    "pwrite64": (INT, IN_BYTES, ULONG, LONG),
    "readv": (INT, IOV_OUT, ULONG),
    "writev": (INT, IOV_IN, ULONG),
    "preadv": (INT, IOV_OUT, ULONG, LOW, HIGH),
    "pwritev": (INT, IOV_IN, ULONG, LOW, HIGH),
    "preadv2": (INT, IOV_OUT, ULONG, LOW, HIGH, FlagsKind(xlat.RWF, "RWF_???")),
    "pwritev2": (INT, IOV_IN, ULONG, LOW, HIGH, FlagsKind(xlat.RWF, "RWF_???")),
    "lseek": (INT, LONG, ChoiceKind(xlat.SEEK, "SEEK_???")),
    "sendfile": (INT, INT, MovedOffsetKind(), ULONG),
    "copy_file_range": (INT, OFFSET_AT, INT, OFFSET_AT, ULONG, UINT),
    "splice": (INT, OFFSET_AT, INT, OFFSET_AT, ULONG, SPLICE_FLAGS),
    "tee": (INT, INT, ULONG, SPLICE_FLAGS),
    "vmsplice": (INT, IOV_IN, ULONG, SPLICE_FLAGS),
    "fsync": (INT,),
    "fdatasync": (INT,),
    "syncfs": (INT,),
    "sync": (),
    "sync_file_range": (INT, LONG, LONG, FlagsKind(xlat.SYNC_RANGE, "SYNC_FILE_RANGE_???")),
    "readahead": (INT, LONG, ULONG),
    "fadvise64": (INT, LONG, ULONG, ChoiceKind(xlat.FADVISE, "POSIX_FADV_???")),
    "fallocate": (INT, FlagsKind(xlat.FALLOCATE, "FALLOC_FL_???"), LONG, LONG),
    "ftruncate": (INT, LONG),
    "truncate": (PATH, LONG),
    # Opening, descriptors.
    "open": (PATH, OPEN_FLAGS, ModeIfCreatKind()),
    "openat": (DIRFD, PATH, OPEN_FLAGS, ModeIfCreatKind()),
    "openat2": (DIRFD, PATH, OpenHowKind(), ULONG),
    "creat": (PATH, MODE),
    "close": (INT,),
    "close_range": (UINT, UINT, FlagsKind(xlat.CLOSE_RANGE, "CLOSE_RANGE_???")),
    "dup": (INT,),
    "dup2": (INT, INT),
    "dup3": (INT, INT, PIPE_FLAGS),
    "fcntl": (INT, ChoiceKind(xlat.FCNTL, "F_???"), FcntlArgKind()),
    "ioctl": (INT, IoctlCommandKind(), IoctlArgKind()),
    "flock": (INT, FlockKind()),
    "pipe": (IntsAtKind(2),),
    "pipe2": (IntsAtKind(2), PIPE_FLAGS),
    "memfd_create": (STRING, FlagsKind(xlat.MEMFD, "MFD_???")),
    "umask": (MODE,),
    # Names.
    "stat": (PATH, STAT),
    "lstat": (PATH, STAT),
    "fstat": (INT, STAT),
    "newfstatat": (DIRFD, PATH, STAT, AT_FLAGS),
    "statx": (DIRFD, PATH, StatxFlagsKind(), FlagsKind(xlat.STATX_MASK, "STATX_???"), StatxKind()),
    "statfs": (PATH, STATFS),
    "fstatfs": (INT, STATFS),
    "access": (PATH, AccessKind()),
    "faccessat": (DIRFD, PATH, AccessKind()),
    "faccessat2": (DIRFD, PATH, AccessKind(), FlagsKind(xlat.ACCESSAT_FLAGS, "AT_???")),
    "readlink": (PATH, ReadlinkKind(), ULONG),
    "readlinkat": (DIRFD, PATH, ReadlinkKind(), ULONG),
    "getcwd": (OutPathKind(), ULONG),
    "chdir": (PATH,),
    "fchdir": (INT,),
    "chroot": (PATH,),
    "getdents": (INT, DirentsKind(False), UINT),
    "getdents64": (INT, DirentsKind(True), UINT),
    "mkdir": (PATH, MODE),
    "mkdirat": (DIRFD, PATH, MODE),
    "rmdir": (PATH,),
    "unlink": (PATH,),
    "unlinkat": (DIRFD, PATH, AT_FLAGS),
    "rename": (PATH, PATH),
    "renameat": (DIRFD, PATH, DIRFD, PATH),
    "renameat2": (DIRFD, PATH, DIRFD, PATH, FlagsKind(xlat.RENAME, "RENAME_???")),
    "link": (PATH, PATH),
    "linkat": (DIRFD, PATH, DIRFD, PATH, AT_FLAGS),
    "symlink": (PATH, PATH),
    "symlinkat": (PATH, DIRFD, PATH),
    "mknod": (PATH, FILE_MODE, DevKind()),
    "mknodat": (DIRFD, PATH, FILE_MODE, DevKind()),
    "chmod": (PATH, MODE),
    "fchmod": (INT, MODE),
    "fchmodat": (DIRFD, PATH, MODE),
    "fchmodat2": (DIRFD, PATH, MODE, AT_FLAGS),
    "chown": (PATH, ID, ID),
    "lchown": (PATH, ID, ID),
    "fchown": (INT, ID, ID),
    "fchownat": (DIRFD, PATH, ID, ID, AT_FLAGS),
    "utime": (PATH, ADDR),
    "utimes": (PATH, TimePairKind(False)),
    "futimesat": (DIRFD, PATH, TimePairKind(False)),
    "utimensat": (DIRFD, PATH, TimePairKind(True), AT_FLAGS),
    "getxattr": (PATH, STRING, OUT_BYTES, ULONG),
    "lgetxattr": (PATH, STRING, OUT_BYTES, ULONG),
    "fgetxattr": (INT, STRING, OUT_BYTES, ULONG),
    "setxattr": (PATH, STRING, InBytesKind(3), ULONG, XATTR_FLAGS),
    "lsetxattr": (PATH, STRING, InBytesKind(3), ULONG, XATTR_FLAGS),
    "fsetxattr": (INT, STRING, InBytesKind(3), ULONG, XATTR_FLAGS),
    "listxattr": (PATH, OUT_BYTES, ULONG),
    "llistxattr": (PATH, OUT_BYTES, ULONG),
    "flistxattr": (INT, OUT_BYTES, ULONG),
    "removexattr": (PATH, STRING),
    "lremovexattr": (PATH, STRING),
    "fremovexattr": (INT, STRING),
    "mount": (STRING, PATH, MountTypeKind(), FlagsKind(xlat.MOUNT_FLAGS, "MS_???", True), ADDR),
    "umount2": (PATH, FlagsKind(xlat.UMOUNT, "MNT_???")),
    "pivot_root": (PATH, PATH),
    "inotify_init": (),
    "inotify_init1": (FlagsKind(xlat.INOTIFY_INIT, "IN_???"),),
    "inotify_add_watch": (INT, PATH, FlagsKind(xlat.INOTIFY_MASK, "IN_???")),
    "inotify_rm_watch": (INT, INT),
    # Memory.
    "mmap": (ADDR, ULONG, PROT, MmapFlagsKind(), INT, HEX),
    "munmap": (ADDR, ULONG),
    "mprotect": (ADDR, ULONG, PROT),
    "mremap": (ADDR, ULONG, ULONG, FlagsKind(xlat.MREMAP, "MREMAP_???"), MremapAddrKind()),
    "madvise": (ADDR, ULONG, ChoiceKind(xlat.MADVICE, "MADV_???")),
    "msync": (ADDR, ULONG, FlagsKind(xlat.MSYNC, "MS_???")),
    "mincore": (ADDR, ULONG, ResidencyKind()),
    "mlock": (ADDR, ULONG),
    "mlock2": (ADDR, ULONG, FlagsKind(xlat.MLOCK2, "MLOCK_???")),
    "munlock": (ADDR, ULONG),
    "mlockall": (FlagsKind(xlat.MLOCKALL, "MCL_???"),),
    "munlockall": (),
    "brk": (ADDR,),
    "membarrier": (FlagsKind(xlat.MEMBARRIER, "MEMBARRIER_CMD_???"), HEX32),
    # Processes.
    "execve": (PATH, StringArrayKind(), EnvironKind()),
    "execveat": (DIRFD, PATH, StringArrayKind(), EnvironKind(), AT_FLAGS),
    "fork": (),
    "vfork": (),
    "clone": (CloneKind(), CloneIdsKind()),
    "clone3": (Clone3Kind(), Clone3IdsKind(), Clone3SizeKind()),
    "exit": (INT,),
    "exit_group": (INT,),
    "wait4": (INT, WaitStatusKind(), WAIT_FLAGS, RusageKind()),
    "waitid": (ChoiceKind(xlat.WAITID_TYPES, "P_???"), INT, SigInfoKind(True), WAIT_FLAGS, RusageKind()),
    "getpid": (),
    "getppid": (),
    "gettid": (),
    "getpgrp": (),
    "getpgid": (INT,),
    "setpgid": (INT, INT),
    "getsid": (INT,),
    "setsid": (),
    "getuid": (),
    "geteuid": (),
    "getgid": (),
    "getegid": (),
    "setuid": (ID,),
    "setgid": (ID,),
    "setreuid": (ID, ID),
    "setregid": (ID, ID),
    "setresuid": (ID, ID, ID),
    "setresgid": (ID, ID, ID),
    "getresuid": (UINT_OUT, UINT_OUT, UINT_OUT),
    "getresgid": (UINT_OUT, UINT_OUT, UINT_OUT),
    "setfsuid": (ID,),
    "setfsgid": (ID,),
    "getgroups": (INT, GroupsKind(True)),
    "setgroups": (INT, GroupsKind()),
    "capget": (CapHeaderKind(), CapDataKind(True)),
    "capset": (CapHeaderKind(), CapDataKind()),
    "prctl": (ChoiceKind(xlat.PRCTL, "PR_???"), PRCTL_ARG, PRCTL_ARG, PRCTL_ARG, PRCTL_ARG),
    "arch_prctl": (ChoiceKind(xlat.ARCH_PRCTL, "ARCH_???"), ArchPrctlKind()),
    "set_tid_address": (ADDR,),
    "set_robust_list": (ADDR, ULONG),
    "get_robust_list": (INT, NumberAtKind(8, "x", True), NumberAtKind(8, "u", True)),
    "rseq": (ADDR, HEX32, FlagsKind(xlat.RSEQ, "RSEQ_FLAG_???"), HEX32),
    "futex": (ADDR, FutexOpKind(), FUTEX_ARG, FUTEX_ARG, FUTEX_ARG, FUTEX_ARG),
    "sched_yield": (),
    "sched_getaffinity": (INT, ULONG, CpuSetKind(True)),
    "sched_setaffinity": (INT, ULONG, CpuSetKind()),
    "sched_getparam": (INT, SchedParamKind(True)),
    "sched_setparam": (INT, SchedParamKind()),
    "sched_getscheduler": (INT,),
    "sched_setscheduler": (INT, ChoiceKind(xlat.SCHED_POLICIES, "SCHED_???"), SchedParamKind()),
    "sched_get_priority_max": (ChoiceKind(xlat.SCHED_POLICIES, "SCHED_???"),),
    "sched_get_priority_min": (ChoiceKind(xlat.SCHED_POLICIES, "SCHED_???"),),
    "sched_rr_get_interval": (INT, TIMESPEC_OUT),
    "getpriority": (ChoiceKind(xlat.PRIORITY_WHICH, "PRIO_???"), INT),
    "setpriority": (ChoiceKind(xlat.PRIORITY_WHICH, "PRIO_???"), INT, INT),
    "getrlimit": (RLIMIT, RlimitKind(True)),
    "setrlimit": (RLIMIT, RlimitKind()),
    "prlimit64": (INT, RLIMIT, RlimitKind(), RlimitKind(True)),
    "getrusage": (WHO, RusageKind()),
    "times": (TmsKind(),),
    "uname": (UtsnameKind(),),
    "sysinfo": (SysinfoKind(),),
    "sethostname": (InBytesKind(1), ULONG),
    "setdomainname": (InBytesKind(1), ULONG),
    "getrandom": (OutHexBytesKind(), ULONG, FlagsKind(xlat.GETRANDOM, "GRND_???")),
    "getcpu": (UINT_OUT, UINT_OUT, ADDR),
    "personality": (HEX32,),
    "pidfd_open": (INT, PIPE_FLAGS),
    "pidfd_send_signal": (INT, SIGNAL, SigInfoKind(), HEX32),
    "pidfd_getfd": (INT, INT, HEX32),
    # Signals.
    "kill": (INT, SIGNAL),
    "tkill": (INT, SIGNAL),
    "tgkill": (INT, INT, SIGNAL),
    "rt_sigaction": (SIGNAL, SigActionKind(), SigActionKind(True), ULONG),
    "rt_sigprocmask": (ChoiceKind(xlat.SIGMASK_HOW, "SIG_???"), SIGSET, SIGSET_OUT, ULONG),
    "rt_sigpending": (SIGSET_OUT, ULONG),
    "rt_sigsuspend": (SIGSET, ULONG),
    "rt_sigtimedwait": (SIGSET, SigInfoKind(True), TIMESPEC, ULONG),
    "rt_sigqueueinfo": (INT, SIGNAL, SigInfoKind()),
    "rt_tgsigqueueinfo": (INT, INT, SIGNAL, SigInfoKind()),
    "rt_sigreturn": (SigFrameKind(),),
    "sigaltstack": (StackKind(), StackKind(True)),
    "pause": (),
    "alarm": (UINT,),
    "signalfd": (INT, SIGSET, ULONG),
    "signalfd4": (INT, SIGSET, ULONG, FlagsKind(xlat.SIGNALFD, "SFD_???")),
    # Time.
    "nanosleep": (TIMESPEC, REMAINING),
    "clock_nanosleep": (CLOCK, FlagsKind(xlat.TIMER_FLAGS, "TIMER_???"), TIMESPEC, REMAINING),
    "clock_gettime": (CLOCK, TIMESPEC_OUT),
    "clock_getres": (CLOCK, TIMESPEC_OUT),
    "clock_settime": (CLOCK, TIMESPEC),
    "gettimeofday": (TimevalKind(True), TimezoneKind()),
    "settimeofday": (TimevalKind(), ADDR),
    "time": (TimeAtKind(),),
    "getitimer": (ChoiceKind(xlat.ITIMERS, "ITIMER_???"), ItimervalKind(True)),
    "setitimer": (ChoiceKind(xlat.ITIMERS, "ITIMER_???"), ItimervalKind(), ItimervalKind(True)),
    "timer_create": (CLOCK, SigeventKind(), INT_OUT),
    "timer_settime": (INT, FlagsKind(xlat.TIMER_FLAGS, "TIMER_???"), ItimerspecKind(), ItimerspecKind(True)),
    "timer_gettime": (INT, ItimerspecKind(True)),
    "timer_getoverrun": (INT,),
    "timer_delete": (INT,),
    "timerfd_create": (CLOCK, FlagsKind(xlat.TIMERFD, "TFD_???")),
    "timerfd_settime": (INT, FlagsKind(xlat.TIMERFD_SET, "TFD_???"), ItimerspecKind(), ItimerspecKind(True)),
    "timerfd_gettime": (INT, ItimerspecKind(True)),
    # Readiness.
    "poll": (PollFdsKind(), UINT, INT),
    "ppoll": (PollFdsKind(), UINT, TIMESPEC, SIGSET, ULONG),
    "select": (INT, FD_SET, FD_SET, FD_SET, TimevalKind()),
    "pselect6": (INT, FD_SET, FD_SET, FD_SET, TIMESPEC, PselectMaskKind()),
    "epoll_create": (INT,),
    "epoll_create1": (FlagsKind(xlat.EPOLL_CREATE, "EPOLL_???"),),
    "epoll_ctl": (INT, ChoiceKind(xlat.EPOLL_CTL, "EPOLL_CTL_???"), INT, EpollEventKind()),
    "epoll_wait": (INT, EpollEventsKind(), INT, INT),
    "epoll_pwait": (INT, EpollEventsKind(), INT, INT, SIGSET, ULONG),
    "epoll_pwait2": (INT, EpollEventsKind(), INT, TIMESPEC, SIGSET, ULONG),
    "eventfd": (UINT,),
    "eventfd2": (UINT, FlagsKind(xlat.EVENTFD, "EFD_???")),
    # Sockets.
    "socket": (FAMILY, SocketTypeKind(), ProtocolKind()),
    "socketpair": (FAMILY, SocketTypeKind(), ProtocolKind(), IntsAtKind(2)),
    "bind": (INT, AddressKind(), INT),
    "connect": (INT, AddressKind(), INT),
    "listen": (INT, INT),
    "accept": (INT, OutAddressKind(), LENGTH_AT),
    "accept4": (INT, OutAddressKind(), LENGTH_AT, FlagsKind(xlat.SOCKET_FLAGS, "SOCK_???")),
    "getsockname": (INT, OutAddressKind(), LENGTH_AT),
    "getpeername": (INT, OutAddressKind(), LENGTH_AT),
    "getsockopt": (INT, ChoiceKind(xlat.SOCKET_LEVELS, "SOL_???"), OptionNameKind(), OptionValueKind(True), LENGTH_AT),
    "setsockopt": (INT, ChoiceKind(xlat.SOCKET_LEVELS, "SOL_???"), OptionNameKind(), OptionValueKind(), INT),
    "shutdown": (INT, ChoiceKind(xlat.SHUTDOWN, "SHUT_???")),
    "sendto": (INT, SendBytesKind(), ULONG, MSG_FLAGS, AddressKind(), UINT),
    "recvfrom": (INT, OUT_BYTES, ULONG, MSG_FLAGS, OutAddressKind(), LENGTH_AT),
    "sendmsg": (INT, MessageKind(), MSG_FLAGS),
    "recvmsg": (INT, MessageKind(True), MSG_FLAGS),
}

# Results: "x" an address; "o" octal; "s" a scheduling policy; "p" a personality; "m" membarrier's answer to a query.
RESULTS: Final[dict[str, str]] = {
    "brk": "x",
    "mmap": "x",
    "mremap": "x",
    "shmat": "x",
    "umask": "o",
    "sched_getscheduler": "s",
    "personality": "p",
    "membarrier": "m",
}

# Kinds for the types of a handler's signature (kernel/syscalls/types.py).
BY_TYPE: Final[dict[str, Kind]] = {
    "CInt": INT,
    "Fd": INT,
    "DirFd": DIRFD,
    "Pid": INT,
    "Signo": SIGNAL,
    "Millis": INT,
    "ClockId": CLOCK,
    "CUInt": UINT,
    "Uid": ID,
    "Gid": ID,
    "Mode": MODE,
    "OpenFlags": OPEN_FLAGS,
    "Flags": HEX32,
    "Long": LONG,
    "Offset": LONG,
    "ULong": ULONG,
    "Size": ULONG,
    "UserAddr": ADDR,
    "UserPath": PATH,
    "UserString": STRING,
    "OutBuffer": OUT_BYTES,
}


def kinds_of(name: str, types: tuple[str, ...] | None) -> tuple[Kind, ...]:
    """The kinds of a call's arguments; types: of its handler's signature, None if it has none."""
    row = KINDS.get(name)
    if row is not None:
        return row
    if types is None:
        return (HEX, HEX, HEX, HEX, HEX, HEX)
    kinds: list[Kind] = []
    for index, kind in enumerate(types):
        if kind == "InBuffer":
            kinds.append(InBytesKind(min(index + 1, 5)))
        else:
            kinds.append(BY_TYPE.get(kind, HEX))
    return tuple(kinds)
