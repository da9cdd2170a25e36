# SPDX-License-Identifier: MPL-2.0
"""Which calls are traced: strace's `-e trace=` expressions (strace(1), "Filtering").

open,close   trace=open,close   t=file   %file   !futex   trace=!%process   /^epoll   ?statx   all   none
"""

import re
from typing import Final

_CLASSES_TEXT: Final[dict[str, str]] = {
    "file": "open openat openat2 creat stat lstat newfstatat statx statfs access faccessat faccessat2 readlink readlinkat getcwd chdir "
    "chroot mkdir mkdirat rmdir unlink unlinkat rename renameat renameat2 link linkat symlink symlinkat mknod mknodat chmod fchmodat "
    "fchmodat2 chown lchown fchownat utime utimes futimesat utimensat getxattr lgetxattr setxattr lsetxattr listxattr llistxattr "
    "removexattr lremovexattr mount umount2 pivot_root truncate execve execveat inotify_add_watch swapon swapoff acct quotactl "
    "name_to_handle_at",
    "process": "fork vfork clone clone3 execve execveat exit exit_group wait4 waitid kill tkill tgkill rt_sigqueueinfo rt_tgsigqueueinfo "
    "pidfd_open pidfd_send_signal",
    "network": "socket socketpair bind connect listen accept accept4 getsockname getpeername getsockopt setsockopt shutdown sendto "
    "recvfrom sendmsg recvmsg sendmmsg recvmmsg sendfile",
    "signal": "kill tkill tgkill rt_sigaction rt_sigprocmask rt_sigpending rt_sigsuspend rt_sigtimedwait rt_sigqueueinfo "
    "rt_tgsigqueueinfo rt_sigreturn sigaltstack pause signalfd signalfd4 pidfd_send_signal",
    "ipc": "shmget shmat shmctl shmdt semget semop semctl semtimedop msgget msgsnd msgrcv msgctl",
    "desc": "read write pread64 pwrite64 readv writev preadv pwritev preadv2 pwritev2 lseek sendfile copy_file_range splice tee vmsplice "
    "fsync fdatasync syncfs sync_file_range readahead fadvise64 fallocate ftruncate open openat openat2 creat close dup dup2 dup3 fcntl "
    "ioctl flock pipe pipe2 memfd_create fstat newfstatat statx fstatfs faccessat faccessat2 readlinkat fchdir getdents getdents64 "
    "mkdirat unlinkat renameat renameat2 linkat symlinkat mknodat fchmod fchmodat fchmodat2 fchown fchownat futimesat utimensat fgetxattr "
    "fsetxattr flistxattr fremovexattr inotify_init inotify_init1 inotify_add_watch inotify_rm_watch mmap execveat poll ppoll select "
    "pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 eventfd eventfd2 signalfd signalfd4 "
    "timerfd_create timerfd_settime timerfd_gettime pidfd_open pidfd_send_signal pidfd_getfd mq_open name_to_handle_at",
    "memory": "mmap munmap mprotect mremap madvise msync mincore mlock mlock2 munlock mlockall munlockall brk mbind get_mempolicy "
    "set_mempolicy shmat shmdt pkey_mprotect remap_file_pages",
    "creds": "getuid geteuid getgid getegid setuid setgid setreuid setregid setresuid setresgid getresuid getresgid setfsuid setfsgid "
    "getgroups setgroups capget capset prctl",
    "clock": "clock_gettime clock_settime clock_getres clock_adjtime gettimeofday settimeofday adjtimex time",
    "stat": "stat",
    "lstat": "lstat",
    "fstat": "fstat newfstatat",
    "%stat": "stat lstat fstat newfstatat statx",
    "%%stat": "stat lstat fstat newfstatat statx",
    "statfs": "statfs",
    "fstatfs": "fstatfs",
    "%statfs": "statfs fstatfs ustat",
    "pure": "getpid getppid gettid getpgrp getuid geteuid getgid getegid",
}
_ALIASES: Final[dict[str, str]] = {"net": "network", "sig": "signal", "mem": "memory", "cred": "creds"}
# Class names that also work without "%", as they once did.
_OLD_STYLE: Final = ("file", "process", "network", "net", "signal", "ipc", "desc", "memory")


class TraceFilter:
    """Decides by the call's name. Immutable."""

    names: frozenset[str]
    is_negated: bool

    def __init__(self, names: frozenset[str], is_negated: bool) -> None:
        self.names = names
        self.is_negated = is_negated

    def matches(self, name: str) -> bool:
        return (name in self.names) != self.is_negated


def parse_expression(text: str) -> TraceFilter:
    """Errors: ValueError naming the word that means nothing."""
    text = text.strip()
    for prefix in ("trace=", "t="):
        if text.startswith(prefix):
            text = text[len(prefix) :]
            break
    is_negated = text.startswith("!")
    if is_negated:
        text = text[1:]
    names: set[str] = set()
    for word in text.split(","):
        word = word.strip()
        if word == "all":
            return TraceFilter(frozenset(), not is_negated)
        if word == "none" or not word:
            continue
        _add(names, word)
    return TraceFilter(frozenset(names), is_negated)


def _add(names: set[str], word: str) -> None:
    from cruck.abi.syscall_numbers import NAMES

    known = set(NAMES.values())
    is_optional = word.startswith("?")
    if is_optional:
        word = word[1:]
    if word.startswith("/"):
        try:
            pattern = re.compile(word[1:])
        except re.error as error:
            raise ValueError(f"invalid regular expression {word!r}: {error}") from None
        names.update([name for name in known if pattern.search(name)])
        return
    if word.startswith("%") or word in _OLD_STYLE:
        group = word[1:] if word.startswith("%") else word
        group = _ALIASES.get(group, group)
        members = _CLASSES_TEXT.get(group)
        if members is None:
            raise ValueError(f"unknown class of system calls {word!r}")
        names.update(members.split())
        return
    if word.isdigit() and int(word) in NAMES:
        names.add(NAMES[int(word)])
        return
    word = _SYNONYMS.get(word, word)
    if word in known:
        names.add(word)
    elif not is_optional:
        raise ValueError(f"unknown system call {word!r}")


# Names of other architectures and of glibc's functions that mean a call here.
_SYNONYMS: Final[dict[str, str]] = {
    "fstatat": "newfstatat",
    "fstatat64": "newfstatat",
    "sendfile64": "sendfile",
    "pread": "pread64",
    "pwrite": "pwrite64",
    "umount": "umount2",
    "prlimit": "prlimit64",
    "fadvise": "fadvise64",
}
