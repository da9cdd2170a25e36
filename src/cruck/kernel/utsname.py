# SPDX-License-Identifier: MPL-2.0
"""What the kernel calls itself: uname(2), /proc/version, /proc/sys/kernel/*.

The release says which Linux's behaviour and calls programs may expect: 6.1, the Linux of Debian 12 and the one whose sources
the services cite. glibc wants ≥ 3.2, Go ≥ 2.6.32, systemd-era tools ≥ 5.4. Host and domain name belong to the Kernel object.
"""

from typing import Final

SYSNAME: Final = b"Linux"
RELEASE: Final = b"6.1.0-cruck"
RELEASE_AS_2_6: Final = b"2.6.61-cruck"  # to those whose personality says UNAME26: 60 and the minor number (kernel/sys.c)
MACHINE: Final = b"x86_64"
MACHINE_32: Final = b"i686"  # to those whose personality is PER_LINUX32
CRUCK_VERSION: Final = b"0.1.0"


def version() -> bytes:
    """utsname.version."""
    return b"#1 SMP PREEMPT cruck " + CRUCK_VERSION


def banner() -> bytes:
    """/proc/version, without its newline."""
    return b"Linux version " + RELEASE + b" (cruck@cruck) (Python) " + version()
