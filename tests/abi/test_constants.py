# SPDX-License-Identifier: MPL-2.0
"""Every constant of `cruck.abi` that the headers of this machine know has their value.

`HEADERS` says for each module where to look: sets of headers that compile together, and the first set that knows a name
is believed. So the kernel's come first where the C library's differ (`O_LARGEFILE`).
"""

import importlib
from pathlib import Path

import pytest
from c_compiler import evaluate

import cruck.abi

HEADERS: dict[str, tuple[tuple[str, ...], ...]] = {
    "auxvec": (("linux/auxvec.h", "asm/auxvec.h", "asm/hwcap2.h"),),
    "capability": (("linux/capability.h",),),
    "dirent": (("dirent.h",),),
    "aio": (("linux/aio_abi.h",),),
    "elf": (("linux/elf.h",), ("elf.h",)),
    "errno": (("errno.h",),),
    "eventfd": (("sys/eventfd.h",),),
    "eventpoll": (("linux/eventpoll.h",), ("sys/epoll.h",)),
    "fcntl": (("linux/fcntl.h", "linux/openat2.h", "linux/falloc.h"), ("fcntl.h", "sys/file.h"), ("linux/fs.h",)),
    "futex": (("linux/futex.h",),),
    "inet": (
        (
            "linux/in.h",
            "linux/in6.h",
            "linux/tcp.h",
            "linux/udp.h",
            "linux/icmp.h",
            "linux/if.h",
            "linux/if_arp.h",
            "linux/if_ether.h",
        ),
        ("netinet/in.h", "netinet/tcp.h", "net/if.h"),
    ),
    "inotify": (("linux/inotify.h",),),
    "ioctls": (
        (
            "asm/ioctl.h",
            "asm/ioctls.h",
            "linux/fs.h",
            "linux/sockios.h",
            "asm/sockios.h",
            "linux/blkpg.h",
            "linux/nsfs.h",
            "linux/if_tun.h",
            "linux/fsverity.h",
        ),
    ),
    "ipc": (
        ("linux/ipc.h", "linux/shm.h", "linux/sem.h", "linux/msg.h"),
        ("sys/ipc.h", "sys/shm.h", "sys/sem.h", "sys/msg.h"),
    ),
    "limits": (("linux/limits.h", "linux/binfmts.h", "asm/param.h"), ("limits.h",)),
    "magic": (("linux/magic.h",),),
    "membarrier": (("linux/membarrier.h",),),
    "mman": (("linux/mman.h", "asm/mman.h", "linux/memfd.h"), ("sys/mman.h", "linux/mempolicy.h")),
    "mount": (("linux/mount.h",), ("sys/mount.h", "sys/statvfs.h"), ("linux/nsfs.h",)),
    "mqueue": (("linux/mqueue.h",),),
    "personality": (("linux/personality.h",),),
    "pidfd": (("linux/pidfd.h",),),
    "poll": (("asm/poll.h", "linux/posix_types.h"), ("poll.h",)),
    "prctl": (("linux/prctl.h", "asm/prctl.h", "linux/securebits.h", "linux/capability.h"),),
    "ptrace": (("linux/ptrace.h",), ("sys/user.h",)),
    "random": (("linux/random.h",),),
    "resource": (("linux/resource.h", "asm/resource.h"),),
    "rseq": (("linux/rseq.h",),),
    "sched": (("linux/sched.h",), ("sched.h",)),
    "seccomp": (("linux/seccomp.h", "linux/filter.h", "linux/audit.h"),),
    "signal": (("linux/signal.h", "asm/siginfo.h", "asm/sigcontext.h", "asm/ucontext.h"), ("signal.h",)),
    "signalfd": (("linux/signalfd.h",),),
    "socket": (
        ("sys/socket.h", "linux/sockios.h", "asm/socket.h", "netinet/in.h", "netinet/tcp.h", "netinet/udp.h"),
        ("linux/socket.h", "linux/net.h", "linux/netlink.h"),
        ("time.h", "linux/errqueue.h", "linux/net_tstamp.h"),
    ),
    "stat": (("linux/stat.h",), ("sys/stat.h",)),
    "statfs": (("asm/statfs.h",),),
    "syscall_numbers": (("asm/unistd_64.h",),),
    "sysinfo": (("linux/sysinfo.h", "linux/reboot.h"),),
    "termios": (("asm/termbits.h", "asm/termios.h", "asm/ioctls.h", "linux/tty.h", "linux/serial.h"), ("termios.h",)),
    "time": (("linux/time.h", "linux/timex.h"), ("time.h", "sys/timex.h")),
    "timerfd": (("linux/timerfd.h",),),
    "uio": (("linux/uio.h", "linux/fs.h"),),
    "un": (("linux/un.h",),),
    "utsname": (("linux/utsname.h",),),
    "wait": (("linux/wait.h",), ("sys/wait.h",)),
    "xattr": (("linux/xattr.h",),),
}

# No header for programs has these: the kernel's own, or sums and sizes that we name.
INTERNAL: dict[str, str] = {
    "capability": "CAP_FULL_SET",
    "dirent": "D_NAME_OFFSET LINUX_DIRENT_NAME_OFFSET",
    "errno": "ERESTARTSYS ERESTARTNOINTR ERESTARTNOHAND ENOIOCTLCMD ERESTART_RESTARTBLOCK",
    "eventpoll": "EP_MAX_EVENTS EP_MAX_NESTS",
    "fcntl": "OPEN_HOW_SIZE_VER0",
    "futex": "FUTEX2_SIZE_MASK",
    "inet": "PROT_SOCK TCP_NEW_SYN_RECV IFREQ_SIZE",
    "ipc": "SHMMAX SHMALL",
    "limits": (
        "MAX_ARG_STRLEN MAXSYMLINKS TASK_COMM_LEN PAGE_SHIFT PAGE_SIZE TASK_SIZE PIPE_DEFAULT_SIZE PIPE_MAX_SIZE "
        "PID_MAX_DEFAULT PID_MAX_LIMIT DEFAULT_MAX_MAP_COUNT UMASK_DEFAULT"
    ),
    "magic": "MQUEUE_MAGIC",
    "mount": "UMOUNT_UNUSED ST_VALID ST_NOSYMFOLLOW",
    "mqueue": "DFLT_MSG DFLT_MSGSIZE DFLT_QUEUESMAX",
    "personality": "PER_QUERY",
    "poll": "POLLFREE POLL_BUSY_LOOP POLLIN_SET POLLOUT_SET POLLEX_SET FD_SETSIZE",
    "resource": "INR_OPEN_CUR INR_OPEN_MAX",
    "rseq": "ORIG_RSEQ_SIZE RSEQ_ALIGN",
    "sched": "SCHED_ATTR_SIZE_VER0 SCHED_ATTR_SIZE_VER1",
    "signal": "NSIG SIGSET_SIZE SIGEVENT_SIZE SIGINFO_SIZE FPSTATE_SIZE FPX_SW_BYTES_OFFSET",
    "socket": (
        "SOCK_TYPE_MASK SOL_VSOCK MSG_PROBE MSG_SENDPAGE_NOTLAST SOCKADDR_STORAGE_SIZE SOCKADDR_SIZE "
        "SOCKADDR_IN_SIZE SOCKADDR_IN6_SIZE SOCKADDR_UN_SIZE SOCKADDR_NL_SIZE SOCKADDR_VM_SIZE "
        "SO_PEEK_OFF_DISABLED SCM_MAX_FD SCM_SECURITY"
    ),
    "stat": "S_IALLUGO S_IRWXUGO",
    "sysinfo": (
        "SYSLOG_ACTION_CLOSE SYSLOG_ACTION_OPEN SYSLOG_ACTION_READ SYSLOG_ACTION_READ_ALL SYSLOG_ACTION_READ_CLEAR "
        "SYSLOG_ACTION_CLEAR SYSLOG_ACTION_CONSOLE_OFF SYSLOG_ACTION_CONSOLE_ON SYSLOG_ACTION_CONSOLE_LEVEL "
        "SYSLOG_ACTION_SIZE_UNREAD SYSLOG_ACTION_SIZE_BUFFER"
    ),
    "termios": "VDISABLE",
    "time": (
        "CPUCLOCK_PERTHREAD_MASK CPUCLOCK_CLOCK_MASK CPUCLOCK_PROF CPUCLOCK_VIRT CPUCLOCK_SCHED CLOCKFD NSEC_PER_SEC USEC_PER_SEC USER_HZ"
    ),
    "uio": "MAX_RW_COUNT",
    "un": "SIOCUNIXFILE",
    "wait": "WSTATUS_STOPPED WSTATUS_CONTINUED",
}

# In headers of Linux 6.2 and later
NEWER: dict[str, str] = {
    "auxvec": "AT_RSEQ_FEATURE_SIZE AT_RSEQ_ALIGN AT_HWCAP3 AT_HWCAP4",
    "eventpoll": "EPIOCSPARAMS EPIOCGPARAMS",
    "fcntl": (
        "F_DUPFD_QUERY F_CREATED_QUERY F_SEAL_EXEC AT_HANDLE_FID AT_HANDLE_MNT_ID_UNIQUE AT_HANDLE_CONNECTABLE "
        "AT_EXECVE_CHECK PIDFD_SELF_THREAD PIDFD_SELF_THREAD_GROUP FALLOC_FL_WRITE_ZEROES"
    ),
    "futex": ("FUTEX2_SIZE_U8 FUTEX2_SIZE_U16 FUTEX2_SIZE_U32 FUTEX2_SIZE_U64 FUTEX2_NUMA FUTEX2_MPOL FUTEX2_PRIVATE FUTEX_NO_NODE"),
    "inet": "TCP_RTO_MAX_MS",
    "ioctls": "FS_IOC_GETFSUUID FS_IOC_GETFSSYSFSPATH",
    "magic": "PID_FS_MAGIC",
    "membarrier": "MEMBARRIER_CMD_GET_REGISTRATIONS",
    "mman": ("MAP_DROPPABLE MAP_ABOVE4G MADV_GUARD_INSTALL MADV_GUARD_REMOVE MFD_NOEXEC_SEAL MFD_EXEC SHADOW_STACK_SET_TOKEN"),
    "mount": (
        "MOVE_MOUNT_BENEATH FSCONFIG_CMD_CREATE_EXCL MNT_ID_REQ_SIZE_VER0 MNT_ID_REQ_SIZE_VER1 LSMT_ROOT "
        "LISTMOUNT_REVERSE STATMOUNT_SB_BASIC STATMOUNT_MNT_BASIC STATMOUNT_PROPAGATE_FROM STATMOUNT_MNT_ROOT "
        "STATMOUNT_MNT_POINT STATMOUNT_FS_TYPE STATMOUNT_MNT_NS_ID STATMOUNT_MNT_OPTS STATMOUNT_FS_SUBTYPE "
        "STATMOUNT_SB_SOURCE STATMOUNT_OPT_ARRAY STATMOUNT_OPT_SEC_ARRAY STATMOUNT_SUPPORTED_MASK "
        "STATMOUNT_MNT_UIDMAP STATMOUNT_MNT_GIDMAP"
    ),
    "pidfd": (
        "PIDFD_THREAD PIDFD_SIGNAL_THREAD PIDFD_SIGNAL_THREAD_GROUP PIDFD_SIGNAL_PROCESS_GROUP "
        "PIDFD_GET_CGROUP_NAMESPACE PIDFD_GET_IPC_NAMESPACE PIDFD_GET_MNT_NAMESPACE PIDFD_GET_NET_NAMESPACE "
        "PIDFD_GET_PID_NAMESPACE PIDFD_GET_PID_FOR_CHILDREN_NAMESPACE PIDFD_GET_TIME_NAMESPACE "
        "PIDFD_GET_TIME_FOR_CHILDREN_NAMESPACE PIDFD_GET_USER_NAMESPACE PIDFD_GET_UTS_NAMESPACE PIDFD_GET_INFO "
        "PIDFD_INFO_EXIT PIDFD_INFO_COREDUMP PIDFD_INFO_SIZE_VER0 PIDFD_INFO_PID PIDFD_INFO_CREDS "
        "PIDFD_INFO_CGROUPID"
    ),
    "prctl": (
        "PR_GET_AUXV PR_SET_MDWE PR_GET_MDWE PR_SET_MEMORY_MERGE PR_GET_MEMORY_MERGE PR_GET_SHADOW_STACK_STATUS "
        "PR_SET_SHADOW_STACK_STATUS PR_LOCK_SHADOW_STACK_STATUS PR_TIMER_CREATE_RESTORE_IDS PR_FUTEX_HASH "
        "ARCH_GET_UNTAG_MASK ARCH_ENABLE_TAGGED_ADDR ARCH_GET_MAX_TAG_BITS ARCH_FORCE_TAGGED_SVA ARCH_SHSTK_ENABLE "
        "ARCH_SHSTK_DISABLE ARCH_SHSTK_LOCK ARCH_SHSTK_UNLOCK ARCH_SHSTK_STATUS ARCH_SHSTK_SHSTK ARCH_SHSTK_WRSS "
        "PR_MDWE_REFUSE_EXEC_GAIN PR_MDWE_NO_INHERIT"
    ),
    "ptrace": ("PTRACE_SET_SYSCALL_USER_DISPATCH_CONFIG PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG PTRACE_SET_SYSCALL_INFO"),
    "sched": "SCHED_EXT",
    "signal": "SEGV_CPERR",
    "socket": (
        "SO_PASSPIDFD SO_PEERPIDFD SO_DEVMEM_LINEAR SO_DEVMEM_DMABUF SO_DEVMEM_DONTNEED SCM_TS_OPT_ID "
        "SO_RCVPRIORITY SO_PASSRIGHTS MSG_SOCK_DEVMEM SCM_PIDFD SOF_TIMESTAMPING_OPT_ID_TCP "
        "SOF_TIMESTAMPING_OPT_RX_FILTER SOF_TIMESTAMPING_TX_COMPLETION"
    ),
    "stat": ("STATX_MNT_ID_UNIQUE STATX_SUBVOL STATX_WRITE_ATOMIC STATX_DIO_READ_ALIGN STATX_ATTR_WRITE_ATOMIC"),
    "syscall_numbers": (
        "NR_URETPROBE NR_CACHESTAT NR_FCHMODAT2 NR_MAP_SHADOW_STACK NR_FUTEX_WAKE NR_FUTEX_WAIT NR_FUTEX_REQUEUE "
        "NR_STATMOUNT NR_LISTMOUNT NR_LSM_GET_SELF_ATTR NR_LSM_SET_SELF_ATTR NR_LSM_LIST_MODULES NR_MSEAL "
        "NR_SETXATTRAT NR_GETXATTRAT NR_LISTXATTRAT NR_REMOVEXATTRAT NR_OPEN_TREE_ATTR NR_FILE_GETATTR "
        "NR_FILE_SETATTR"
    ),
    "uio": "RWF_NOAPPEND RWF_ATOMIC RWF_DONTCACHE",
    "xattr": "XATTR_ARGS_SIZE_VER0",
}

# C's `1 << 31` is negative; as a flag in a register it is not.
IS_UNSIGNED_FOR_US: frozenset[str] = frozenset(("MS_NOUSER", "SIG_ERR", "PR_SET_PTRACER_ANY"))


def abi_modules() -> list[str]:
    names = [path.stem for path in Path(cruck.abi.__path__[0]).glob("*.py")]
    return sorted(name for name in names if name not in ("__init__", "layout"))


def constants_of(module_name: str) -> dict[str, int]:
    module = importlib.import_module(f"cruck.abi.{module_name}")
    return {name: value for name, value in vars(module).items() if name.upper() == name and isinstance(value, int)}


def c_name(module_name: str, name: str) -> str:
    return "__NR_" + name[3:].lower() if module_name == "syscall_numbers" else name


def values_in_headers(module_name: str, names: list[str], directory: Path) -> dict[str, int]:
    values: dict[str, int] = {}
    for headers in HEADERS[module_name]:
        missing = {c_name(module_name, name): name for name in names if name not in values}
        for expression, value in evaluate(headers, missing, directory).items():
            values[missing[expression]] = value
    return values


def test_every_module_has_headers() -> None:
    assert sorted(HEADERS) == abi_modules()


@pytest.mark.parametrize("module_name", sorted(HEADERS))
def test_constants_are_those_of_the_headers(module_name: str, tmp_path: Path) -> None:
    ours = constants_of(module_name)
    compared = [name for name in ours if name not in INTERNAL.get(module_name, "").split()]
    theirs = values_in_headers(module_name, compared, tmp_path)
    wrong: dict[str, tuple[int, int]] = {}
    for name, value in theirs.items():
        if ours[name] == value:
            continue
        if name in IS_UNSIGNED_FOR_US and (ours[name] - value) % (1 << 32) == 0:
            continue
        wrong[name] = (ours[name], value)
    assert wrong == {}, "name: (ours, the header's)"
    unknown = set(compared) - set(theirs) - set(NEWER.get(module_name, "").split())
    assert unknown == set(), "no header knows these names"


def test_lists_of_exceptions_name_only_constants_that_exist() -> None:
    for exceptions in (INTERNAL, NEWER):
        for module_name, names in exceptions.items():
            assert set(names.split()) - set(constants_of(module_name)) == set(), module_name


def test_every_syscall_of_the_headers_has_its_number() -> None:
    from cruck.abi.syscall_numbers import NAMES

    text = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h").read_text()
    pairs = [line.split()[1:] for line in text.splitlines() if line.startswith("#define __NR_")]
    theirs = {int(number): name.removeprefix("__NR_") for name, number in pairs}
    assert {number: name for number, name in theirs.items() if number <= max(NAMES) and NAMES.get(number) != name} == {}


def test_syscall_constants_and_names_agree() -> None:
    from cruck.abi.syscall_numbers import NAMES

    assert constants_of("syscall_numbers") == {f"NR_{name.upper()}": number for number, name in NAMES.items()}


def test_errno_names_and_messages_are_complete() -> None:
    import os

    from cruck.abi.errno import ERRNO_MESSAGES, ERRNO_NAMES

    constants = constants_of("errno")
    assert set(ERRNO_NAMES) == set(constants.values())
    assert all(constants[name] == number for number, name in ERRNO_NAMES.items())
    assert set(ERRNO_MESSAGES) == {0} | {number for number in ERRNO_NAMES if number < 512}
    assert {number: os.strerror(number) for number in ERRNO_MESSAGES} == ERRNO_MESSAGES


def test_signal_names_agree_with_the_constants() -> None:
    from cruck.abi.signal import SIGNAL_NAMES

    constants = constants_of("signal")
    assert {name: constants[name] for name in SIGNAL_NAMES.values()} == {name: number for number, name in SIGNAL_NAMES.items()}
    assert sorted(SIGNAL_NAMES) == list(range(1, 32))
