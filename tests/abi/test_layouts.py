# SPDX-License-Identifier: MPL-2.0
"""Every `Layout` of `cruck.abi` has the size, offsets, widths and signs that the C compiler gives its struct.

`STRUCTS` is the table: each layout's C type and the headers that declare it. What a machine's headers do not have is
named with its reason; where they have it, it is compared.
"""

import importlib
from pathlib import Path

import pytest
from c_compiler import evaluate

import cruck.abi
from cruck.abi.layout import Layout

# "module.LAYOUT": (C type, headers)
STRUCTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "aio.IOCB": ("struct iocb", ("linux/aio_abi.h",)),
    "aio.IO_EVENT": ("struct io_event", ("linux/aio_abi.h",)),
    "auxvec.AUXV": ("Elf64_auxv_t", ("elf.h",)),
    "capability.CAP_USER_DATA": ("struct __user_cap_data_struct", ("linux/capability.h",)),
    "capability.CAP_USER_HEADER": ("struct __user_cap_header_struct", ("linux/capability.h",)),
    "dirent.LINUX_DIRENT64": ("struct dirent64", ("dirent.h",)),
    "elf.ELF64_DYN": ("Elf64_Dyn", ("linux/elf.h",)),
    "elf.ELF64_EHDR": ("Elf64_Ehdr", ("linux/elf.h",)),
    "elf.ELF64_NHDR": ("Elf64_Nhdr", ("linux/elf.h",)),
    "elf.ELF64_PHDR": ("Elf64_Phdr", ("linux/elf.h",)),
    "elf.ELF64_RELA": ("Elf64_Rela", ("linux/elf.h",)),
    "elf.ELF64_SHDR": ("Elf64_Shdr", ("linux/elf.h",)),
    "elf.ELF64_SYM": ("Elf64_Sym", ("linux/elf.h",)),
    "eventpoll.EPOLL_EVENT": ("struct epoll_event", ("linux/eventpoll.h",)),
    "eventpoll.EPOLL_PARAMS": ("struct epoll_params", ("linux/eventpoll.h",)),
    "fcntl.FILE_HANDLE": ("struct file_handle", ("fcntl.h",)),
    "fcntl.FLOCK": ("struct flock", ("linux/fcntl.h",)),
    "fcntl.F_OWNER_EX": ("struct f_owner_ex", ("linux/fcntl.h",)),
    "fcntl.OPEN_HOW": ("struct open_how", ("linux/openat2.h",)),
    "futex.FUTEX_WAITV": ("struct futex_waitv", ("linux/futex.h",)),
    "futex.ROBUST_LIST": ("struct robust_list", ("linux/futex.h",)),
    "futex.ROBUST_LIST_HEAD": ("struct robust_list_head", ("linux/futex.h",)),
    "inet.IFCONF": ("struct ifconf", ("linux/if.h",)),
    "inet.IN6_PKTINFO": ("struct in6_pktinfo", ("linux/ipv6.h",)),
    "inet.IN_PKTINFO": ("struct in_pktinfo", ("linux/in.h",)),
    "inet.IPV6_MREQ": ("struct ipv6_mreq", ("linux/in6.h",)),
    "inet.IP_MREQ": ("struct ip_mreq", ("linux/in.h",)),
    "inet.IP_MREQN": ("struct ip_mreqn", ("linux/in.h",)),
    "inet.SOCKADDR_IN": ("struct sockaddr_in", ("linux/in.h",)),
    "inet.SOCKADDR_IN6": ("struct sockaddr_in6", ("linux/in6.h",)),
    "inet.TCP_INFO_STRUCT": ("struct tcp_info", ("linux/tcp.h",)),
    "inotify.INOTIFY_EVENT": ("struct inotify_event", ("linux/inotify.h",)),
    "ioctls.FILE_CLONE_RANGE": ("struct file_clone_range", ("linux/fs.h",)),
    "ioctls.FILE_DEDUPE_RANGE": ("struct file_dedupe_range", ("linux/fs.h",)),
    "ioctls.FILE_DEDUPE_RANGE_INFO": ("struct file_dedupe_range_info", ("linux/fs.h",)),
    "ioctls.FSTRIM_RANGE": ("struct fstrim_range", ("linux/fs.h",)),
    "ioctls.FSXATTR": ("struct fsxattr", ("linux/fs.h",)),
    "ipc.IPC64_PERM": ("struct ipc64_perm", ("linux/ipc.h",)),
    "ipc.MSGBUF": ("struct msgbuf", ("linux/msg.h",)),
    "ipc.MSGINFO": ("struct msginfo", ("linux/msg.h",)),
    "ipc.MSQID64_DS": ("struct msqid64_ds", ("linux/msg.h",)),
    "ipc.SEMBUF": ("struct sembuf", ("linux/sem.h",)),
    "ipc.SEMID64_DS": ("struct semid64_ds", ("linux/sem.h",)),
    "ipc.SEMINFO": ("struct seminfo", ("linux/sem.h",)),
    "ipc.SHMID64_DS": ("struct shmid64_ds", ("linux/shm.h",)),
    "ipc.SHMINFO64": ("struct shminfo64", ("linux/shm.h",)),
    "ipc.SHM_INFO_STRUCT": ("struct shm_info", ("linux/shm.h",)),
    "mman.CACHESTAT": ("struct cachestat", ("linux/mman.h",)),
    "mman.CACHESTAT_RANGE": ("struct cachestat_range", ("linux/mman.h",)),
    "mount.MNT_ID_REQ": ("struct mnt_id_req", ("linux/mount.h",)),
    "mount.MOUNT_ATTR": ("struct mount_attr", ("linux/mount.h",)),
    "mount.STATMOUNT": ("struct statmount", ("linux/mount.h",)),
    "mqueue.MQ_ATTR": ("struct mq_attr", ("linux/mqueue.h",)),
    "pidfd.PIDFD_INFO": ("struct pidfd_info", ("linux/pidfd.h",)),
    "poll.POLLFD": ("struct pollfd", ("asm/poll.h",)),
    "prctl.PRCTL_MM_MAP": ("struct prctl_mm_map", ("linux/prctl.h",)),
    "ptrace.PTRACE_PEEKSIGINFO_ARGS": ("struct ptrace_peeksiginfo_args", ("linux/ptrace.h",)),
    "ptrace.PTRACE_RSEQ_CONFIGURATION": ("struct ptrace_rseq_configuration", ("linux/ptrace.h",)),
    "ptrace.PTRACE_SYSCALL_INFO": ("struct ptrace_syscall_info", ("linux/ptrace.h",)),
    "ptrace.PTRACE_SYSCALL_INFO_EXIT_FACE": ("struct ptrace_syscall_info", ("linux/ptrace.h",)),
    "ptrace.USER_FPREGS_STRUCT": ("struct user_fpregs_struct", ("sys/user.h",)),
    "ptrace.USER_REGS_STRUCT": ("struct user_regs_struct", ("sys/user.h",)),
    "resource.RLIMIT": ("struct rlimit", ("linux/resource.h",)),
    "resource.RLIMIT64": ("struct rlimit64", ("linux/resource.h",)),
    "resource.RUSAGE": ("struct rusage", ("linux/time.h", "linux/resource.h")),
    "rseq.RSEQ": ("struct rseq", ("linux/rseq.h",)),
    "rseq.RSEQ_CS": ("struct rseq_cs", ("linux/rseq.h",)),
    "sched.CLONE_ARGS": ("struct clone_args", ("linux/sched.h",)),
    "sched.SCHED_ATTR": ("struct sched_attr", ("linux/sched/types.h",)),
    "sched.SCHED_PARAM": ("struct sched_param", ("sched.h",)),
    "seccomp.SECCOMP_DATA": ("struct seccomp_data", ("linux/seccomp.h",)),
    "seccomp.SECCOMP_NOTIF": ("struct seccomp_notif", ("linux/seccomp.h",)),
    "seccomp.SECCOMP_NOTIF_ADDFD": ("struct seccomp_notif_addfd", ("linux/seccomp.h",)),
    "seccomp.SECCOMP_NOTIF_RESP": ("struct seccomp_notif_resp", ("linux/seccomp.h",)),
    "seccomp.SECCOMP_NOTIF_SIZES": ("struct seccomp_notif_sizes", ("linux/seccomp.h",)),
    "seccomp.SOCK_FILTER": ("struct sock_filter", ("linux/filter.h",)),
    "seccomp.SOCK_FPROG": ("struct sock_fprog", ("linux/filter.h",)),
    "signal.FPSTATE": ("struct _fpstate_64", ("asm/sigcontext.h",)),
    "signal.FPX_SW_BYTES": ("struct _fpx_sw_bytes", ("asm/sigcontext.h",)),
    "signal.KERNEL_SIGACTION": ("struct sigaction", ("linux/signal.h",)),
    "signal.SIGCONTEXT": ("struct sigcontext", ("asm/sigcontext.h",)),
    "signal.SIGEVENT": ("struct sigevent", ("linux/signal.h",)),
    "signal.SIGINFO": ("siginfo_t", ("linux/signal.h",)),
    "signal.SIGINFO_CHILD": ("siginfo_t", ("linux/signal.h",)),
    "signal.SIGINFO_FAULT": ("siginfo_t", ("linux/signal.h",)),
    "signal.SIGINFO_KILL": ("siginfo_t", ("linux/signal.h",)),
    "signal.SIGINFO_PKEY": ("siginfo_t", ("linux/signal.h",)),
    "signal.SIGINFO_POLL": ("siginfo_t", ("linux/signal.h",)),
    "signal.SIGINFO_RT": ("siginfo_t", ("linux/signal.h",)),
    "signal.SIGINFO_SYS": ("siginfo_t", ("linux/signal.h",)),
    "signal.SIGINFO_TIMER": ("siginfo_t", ("linux/signal.h",)),
    "signal.STACK_T": ("stack_t", ("linux/signal.h",)),
    "signal.UCONTEXT": ("struct ucontext", ("linux/signal.h", "asm/sigcontext.h", "asm/ucontext.h")),
    "signal.XSAVE_HEADER": ("struct _header", ("asm/sigcontext.h",)),
    "signalfd.SIGNALFD_SIGINFO": ("struct signalfd_siginfo", ("linux/signalfd.h",)),
    "socket.CMSGHDR": ("struct cmsghdr", ("sys/socket.h",)),
    "socket.LINGER": ("struct linger", ("sys/socket.h",)),
    "socket.MMSGHDR": ("struct mmsghdr", ("sys/socket.h",)),
    "socket.MSGHDR": ("struct msghdr", ("sys/socket.h",)),
    "socket.NLMSGHDR": ("struct nlmsghdr", ("linux/netlink.h",)),
    "socket.SOCKADDR": ("struct sockaddr", ("sys/socket.h",)),
    "socket.SOCKADDR_NL": ("struct sockaddr_nl", ("linux/netlink.h",)),
    "socket.SOCK_EXTENDED_ERR": ("struct sock_extended_err", ("time.h", "linux/errqueue.h")),
    "socket.UCRED": ("struct ucred", ("sys/socket.h",)),
    "stat.STAT": ("struct stat", ("asm/stat.h",)),
    "stat.STATX": ("struct statx", ("linux/stat.h",)),
    "stat.STATX_TIMESTAMP": ("struct statx_timestamp", ("linux/stat.h",)),
    "statfs.STATFS": ("struct statfs", ("asm/statfs.h",)),
    "sysinfo.SYSINFO": ("struct sysinfo", ("linux/sysinfo.h",)),
    "termios.TERMIO": ("struct termio", ("asm/termios.h",)),
    "termios.TERMIOS": ("struct termios", ("asm/termbits.h",)),
    "termios.TERMIOS2": ("struct termios2", ("asm/termbits.h",)),
    "termios.WINSIZE": ("struct winsize", ("asm/termios.h",)),
    "time.ITIMERSPEC": ("struct itimerspec", ("linux/time.h",)),
    "time.ITIMERVAL": ("struct itimerval", ("linux/time.h",)),
    "time.TIMESPEC": ("struct timespec", ("linux/time.h",)),
    "time.TIMEVAL": ("struct timeval", ("linux/time.h",)),
    "time.TIMEX": ("struct timex", ("linux/time.h", "linux/timex.h")),
    "time.TIMEZONE": ("struct timezone", ("linux/time.h",)),
    "time.TMS": ("struct tms", ("linux/times.h",)),
    "time.UTIMBUF": ("struct utimbuf", ("linux/utime.h",)),
    "uio.IOVEC": ("struct iovec", ("linux/uio.h",)),
    "un.SOCKADDR_UN": ("struct sockaddr_un", ("linux/un.h",)),
    "utsname.NEW_UTSNAME": ("struct new_utsname", ("linux/utsname.h",)),
    "xattr.XATTR_ARGS": ("struct xattr_args", ("linux/xattr.h",)),
}

# Nothing to compare with
SKIPPED: dict[str, str] = {
    "dirent.LINUX_DIRENT": "fs/readdir.c declares it; no header does",
    "signal.SIGSET_ARGPACK": "fs/select.c declares it; no header does",
    "statfs.USTAT": "include/linux/types.h has it for the kernel only; glibc dropped it",
}

# Structs and fields that older headers lack
NEWER_STRUCTS: dict[str, str] = {
    "eventpoll.EPOLL_PARAMS": "Linux 6.9",
    "mman.CACHESTAT": "Linux 6.5",
    "mman.CACHESTAT_RANGE": "Linux 6.5",
    "mount.MNT_ID_REQ": "Linux 6.8",
    "mount.STATMOUNT": "Linux 6.8",
    "pidfd.PIDFD_INFO": "Linux 6.13",
    "xattr.XATTR_ARGS": "Linux 6.13",
}
NEWER_FIELDS: dict[str, tuple[str, ...]] = {
    "rseq.RSEQ": ("node_id", "mm_cid"),
    "stat.STATX": (
        "stx_subvol",
        "stx_atomic_write_unit_min",
        "stx_atomic_write_unit_max",
        "stx_atomic_write_segments_max",
        "stx_dio_read_offset_align",
        "stx_atomic_write_unit_max_opt",
    ),
}

# Bit fields, which C gives no offset
BIT_FIELDS: dict[str, tuple[str, ...]] = {
    "inet.TCP_INFO_STRUCT": ("tcpi_wscale", "tcpi_delivery_rate_app_limited"),
}

# Ours is a part of C's struct
SIZE_DIFFERS: dict[str, str] = {
    "dirent.LINUX_DIRENT64": "glibc's has room for a name, and d_name where ours ends",
    "ipc.MSGBUF": "C's has one byte of text",
    "inet.TCP_INFO_STRUCT": "grows with each Linux; callers give the size they know",
    "pidfd.PIDFD_INFO": "grows with each Linux; callers give the size they know",
}

# Ours takes the padding behind C's member as well
WIDTH_DIFFERS: dict[str, tuple[str, ...]] = {"signal.SIGINFO": ("_sifields",)}

# Our names of C's members, where C has a union
MEMBERS: dict[str, dict[str, str]] = {
    "auxvec.AUXV": {"a_val": "a_un.a_val"},
    "elf.ELF64_DYN": {"d_val": "d_un.d_val"},
}

# Fields whose sign the header for programs gives otherwise than the kernel's own
SIGN_DIFFERS: dict[str, tuple[str, ...]] = {
    "socket.MMSGHDR": ("msg_hdr.msg_namelen", "msg_hdr.msg_flags"),
    "socket.MSGHDR": ("msg_namelen", "msg_flags"),
}

SIZES = {"s8": 1, "u8": 1, "s16": 2, "u16": 2, "s32": 4, "u32": 4, "s64": 8, "u64": 8, "ptr": 8, "char": 1, "pad": 1}


def layouts() -> dict[str, Layout]:
    found: dict[str, Layout] = {}
    for path in sorted(Path(cruck.abi.__path__[0]).glob("*.py")):
        if path.stem == "__init__":
            continue
        for name, value in vars(importlib.import_module(f"cruck.abi.{path.stem}")).items():
            if isinstance(value, Layout):
                found[f"{path.stem}.{name}"] = value
    return found


def test_every_layout_is_in_the_table() -> None:
    assert sorted(STRUCTS.keys() | SKIPPED.keys()) == sorted(layouts())


@pytest.mark.parametrize("key", sorted(STRUCTS))
def test_layout_is_the_compilers(key: str, tmp_path: Path) -> None:
    layout = layouts()[key]
    c_type, headers = STRUCTS[key]
    members = {name: MEMBERS.get(key, {}).get(name, name) for name, _ in layout.fields}
    size_of_all = f"sizeof({c_type})"
    values = evaluate(
        headers,
        [size_of_all]
        + [f"offsetof({c_type}, {member})" for member in members.values()]
        + [f"sizeof((({c_type} *)0)->{member})" for member in members.values()]
        + [_sign_of(c_type, member) for member in members.values()],
        tmp_path,
    )
    if size_of_all not in values and key in NEWER_STRUCTS:
        pytest.skip(f"headers older than {NEWER_STRUCTS[key]}")

    if key not in SIZE_DIFFERS:
        assert layout.size == values[size_of_all]
    may_be_absent = NEWER_FIELDS.get(key, ()) + BIT_FIELDS.get(key, ())
    for name, type_word in layout.fields:
        member = members[name]
        base, _, count = type_word.partition("[")
        # Padding has other names in C, is more than one array, and its start moves when a new field takes some of it.
        if base == "pad":
            continue
        offset = values.get(f"offsetof({c_type}, {member})")
        if offset is None:
            assert name in may_be_absent, f"{name} is unknown to C"
            continue
        assert layout.offsets[name] == offset, name
        size = SIZES[base] * int(count[:-1]) if count else SIZES[base]
        if name not in WIDTH_DIFFERS.get(key, ()):
            assert size == values[f"sizeof((({c_type} *)0)->{member})"], name
        sign = values[_sign_of(c_type, member)]
        if sign != 0 and not count and name not in SIGN_DIFFERS.get(key, ()):
            assert (sign < 0) == base.startswith("s"), f"{name}: sign"


def _sign_of(c_type: str, member: str) -> str:
    """A C expression: -1 for a signed integer, 1 for an unsigned one, 0 for all else."""
    signed = ", ".join(f"{word}: -1" for word in ("signed char", "short", "int", "long", "long long"))
    unsigned = ", ".join(f"unsigned {word}: 1" for word in ("char", "short", "int", "long", "long long"))
    return f"_Generic((({c_type} *)0)->{member}, {signed}, {unsigned}, default: 0)"


def test_tables_of_exceptions_name_layouts_that_exist() -> None:
    known = layouts()
    for key, names in (NEWER_FIELDS | BIT_FIELDS | SIGN_DIFFERS | WIDTH_DIFFERS).items():
        assert set(names) <= set(known[key].field_names), key
    for key in NEWER_STRUCTS.keys() | SIZE_DIFFERS.keys() | MEMBERS.keys():
        assert key in known


@pytest.mark.parametrize("key", sorted(STRUCTS.keys() | SKIPPED.keys()))
def test_layout_writes_what_it_reads(key: str) -> None:
    layout = layouts()[key]
    values = layout.unpack_mixed(bytes(layout.size))
    assert len(values) == layout.nr_values
    assert layout.pack(*values) == bytes(layout.size)
    assert layout.format.size == layout.size


def test_known_sizes() -> None:
    sizes = {key: layout.size for key, layout in layouts().items()}
    assert sizes["eventpoll.EPOLL_EVENT"] == 12
    assert sizes["dirent.LINUX_DIRENT64"] == 19
    assert sizes["dirent.LINUX_DIRENT"] == 18
    assert sizes["mount.STATMOUNT"] == 512
    assert sizes["mount.MNT_ID_REQ"] == 32
    assert sizes["pidfd.PIDFD_INFO"] == 64
    assert sizes["stat.STATX"] == 256
    assert sizes["statfs.USTAT"] == 32
