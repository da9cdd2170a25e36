# SPDX-License-Identifier: MPL-2.0
"""Resource limits and usage: include/uapi/linux/resource.h and asm-generic/resource.h."""

from typing import Final

from cruck.abi.layout import Layout

RLIMIT_CPU: Final = 0
RLIMIT_FSIZE: Final = 1
RLIMIT_DATA: Final = 2
RLIMIT_STACK: Final = 3
RLIMIT_CORE: Final = 4
RLIMIT_RSS: Final = 5
RLIMIT_NPROC: Final = 6
RLIMIT_NOFILE: Final = 7
RLIMIT_MEMLOCK: Final = 8
RLIMIT_AS: Final = 9
RLIMIT_LOCKS: Final = 10
RLIMIT_SIGPENDING: Final = 11
RLIMIT_MSGQUEUE: Final = 12
RLIMIT_NICE: Final = 13
RLIMIT_RTPRIO: Final = 14
RLIMIT_RTTIME: Final = 15
RLIM_NLIMITS: Final = 16
RLIM_INFINITY: Final = 0xFFFFFFFFFFFFFFFF
RLIM64_INFINITY: Final = 0xFFFFFFFFFFFFFFFF

# Defaults
_STK_LIM: Final = 8388608
MLOCK_LIMIT: Final = 8388608
INR_OPEN_CUR: Final = 1024
INR_OPEN_MAX: Final = 4096

# getrlimit and prlimit64
RLIMIT: Final = Layout("rlimit", (("rlim_cur", "u64"), ("rlim_max", "u64")))
RLIMIT64: Final = Layout("rlimit64", (("rlim_cur", "u64"), ("rlim_max", "u64")))

RUSAGE_SELF: Final = 0
RUSAGE_CHILDREN: Final = -1
RUSAGE_BOTH: Final = -2
RUSAGE_THREAD: Final = 1
RUSAGE: Final = Layout(
    "rusage",
    (
        ("ru_utime.tv_sec", "s64"),
        ("ru_utime.tv_usec", "s64"),
        ("ru_stime.tv_sec", "s64"),
        ("ru_stime.tv_usec", "s64"),
        ("ru_maxrss", "s64"),
        ("ru_ixrss", "s64"),
        ("ru_idrss", "s64"),
        ("ru_isrss", "s64"),
        ("ru_minflt", "s64"),
        ("ru_majflt", "s64"),
        ("ru_nswap", "s64"),
        ("ru_inblock", "s64"),
        ("ru_oublock", "s64"),
        ("ru_msgsnd", "s64"),
        ("ru_msgrcv", "s64"),
        ("ru_nsignals", "s64"),
        ("ru_nvcsw", "s64"),
        ("ru_nivcsw", "s64"),
    ),
)

# getpriority; the raw call answers 20 - nice
PRIO_MIN: Final = -20
PRIO_MAX: Final = 20
PRIO_PROCESS: Final = 0
PRIO_PGRP: Final = 1
PRIO_USER: Final = 2
