# SPDX-License-Identifier: MPL-2.0
"""Clocks, timers and time structs: include/uapi/linux/time.h, time_types.h, times.h and timex.h."""

from typing import Final

from cruck.abi.layout import Layout

CLOCK_REALTIME: Final = 0
CLOCK_MONOTONIC: Final = 1
CLOCK_PROCESS_CPUTIME_ID: Final = 2
CLOCK_THREAD_CPUTIME_ID: Final = 3
CLOCK_MONOTONIC_RAW: Final = 4
CLOCK_REALTIME_COARSE: Final = 5
CLOCK_MONOTONIC_COARSE: Final = 6
CLOCK_BOOTTIME: Final = 7
CLOCK_REALTIME_ALARM: Final = 8
CLOCK_BOOTTIME_ALARM: Final = 9
CLOCK_SGI_CYCLE: Final = 10
CLOCK_TAI: Final = 11
MAX_CLOCKS: Final = 16

# Clock ids of other processes and threads are negative: ~pid << 3, and
CPUCLOCK_PERTHREAD_MASK: Final = 4
CPUCLOCK_CLOCK_MASK: Final = 3
CPUCLOCK_PROF: Final = 0
CPUCLOCK_VIRT: Final = 1
CPUCLOCK_SCHED: Final = 2
CLOCKFD: Final = 3  # ~fd << 3 and this: a clock behind a descriptor

TIMER_ABSTIME: Final = 1
ITIMER_REAL: Final = 0
ITIMER_VIRTUAL: Final = 1
ITIMER_PROF: Final = 2

NSEC_PER_SEC: Final = 1_000_000_000
USEC_PER_SEC: Final = 1_000_000
USER_HZ: Final = 100  # clock ticks a second, in struct tms, siginfo and /proc

TIMESPEC: Final = Layout("timespec", (("tv_sec", "s64"), ("tv_nsec", "s64")))
TIMEVAL: Final = Layout("timeval", (("tv_sec", "s64"), ("tv_usec", "s64")))
ITIMERSPEC: Final = Layout(
    "itimerspec",
    (
        ("it_interval.tv_sec", "s64"),
        ("it_interval.tv_nsec", "s64"),
        ("it_value.tv_sec", "s64"),
        ("it_value.tv_nsec", "s64"),
    ),
)
ITIMERVAL: Final = Layout(
    "itimerval",
    (
        ("it_interval.tv_sec", "s64"),
        ("it_interval.tv_usec", "s64"),
        ("it_value.tv_sec", "s64"),
        ("it_value.tv_usec", "s64"),
    ),
)
TIMEZONE: Final = Layout("timezone", (("tz_minuteswest", "s32"), ("tz_dsttime", "s32")))
UTIMBUF: Final = Layout("utimbuf", (("actime", "s64"), ("modtime", "s64")))
TMS: Final = Layout("tms", (("tms_utime", "s64"), ("tms_stime", "s64"), ("tms_cutime", "s64"), ("tms_cstime", "s64")))

# adjtimex: modes
ADJ_OFFSET: Final = 0x1
ADJ_FREQUENCY: Final = 0x2
ADJ_MAXERROR: Final = 0x4
ADJ_ESTERROR: Final = 0x8
ADJ_STATUS: Final = 0x10
ADJ_TIMECONST: Final = 0x20
ADJ_TAI: Final = 0x80
ADJ_SETOFFSET: Final = 0x100
ADJ_MICRO: Final = 0x1000
ADJ_NANO: Final = 0x2000
ADJ_TICK: Final = 0x4000
ADJ_OFFSET_SINGLESHOT: Final = 0x8001
ADJ_OFFSET_SS_READ: Final = 0xA001

# adjtimex: status
STA_PLL: Final = 0x1
STA_PPSFREQ: Final = 0x2
STA_PPSTIME: Final = 0x4
STA_FLL: Final = 0x8
STA_INS: Final = 0x10
STA_DEL: Final = 0x20
STA_UNSYNC: Final = 0x40
STA_FREQHOLD: Final = 0x80
STA_PPSSIGNAL: Final = 0x100
STA_PPSJITTER: Final = 0x200
STA_PPSWANDER: Final = 0x400
STA_PPSERROR: Final = 0x800
STA_CLOCKERR: Final = 0x1000
STA_NANO: Final = 0x2000
STA_MODE: Final = 0x4000
STA_CLK: Final = 0x8000
STA_RONLY: Final = 0xFF00

# adjtimex: result
TIME_OK: Final = 0
TIME_INS: Final = 1
TIME_DEL: Final = 2
TIME_OOP: Final = 3
TIME_WAIT: Final = 4
TIME_ERROR: Final = 5
TIME_BAD: Final = 5

TIMEX: Final = Layout(
    "timex",
    (
        ("modes", "u32"),
        ("offset", "s64"),
        ("freq", "s64"),
        ("maxerror", "s64"),
        ("esterror", "s64"),
        ("status", "s32"),
        ("constant", "s64"),
        ("precision", "s64"),
        ("tolerance", "s64"),
        ("time.tv_sec", "s64"),
        ("time.tv_usec", "s64"),
        ("tick", "s64"),
        ("ppsfreq", "s64"),
        ("jitter", "s64"),
        ("shift", "s32"),
        ("stabil", "s64"),
        ("jitcnt", "s64"),
        ("calcnt", "s64"),
        ("errcnt", "s64"),
        ("stbcnt", "s64"),
        ("tai", "s32"),
        ("__pad", "pad[44]"),
    ),
)
