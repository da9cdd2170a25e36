# SPDX-License-Identifier: MPL-2.0
"""POSIX message queues: include/uapi/linux/mqueue.h."""

from typing import Final

from cruck.abi.layout import Layout

MQ_PRIO_MAX: Final = 32768
MQ_BYTES_MAX: Final = 819200
DFLT_MSG: Final = 10
DFLT_MSGSIZE: Final = 8192
DFLT_QUEUESMAX: Final = 256

# mq_notify with SIGEV_THREAD
NOTIFY_NONE: Final = 0
NOTIFY_WOKENUP: Final = 1
NOTIFY_REMOVED: Final = 2
NOTIFY_COOKIE_LEN: Final = 32

MQ_ATTR: Final = Layout(
    "mq_attr",
    (
        ("mq_flags", "s64"),
        ("mq_maxmsg", "s64"),
        ("mq_msgsize", "s64"),
        ("mq_curmsgs", "s64"),
        ("__reserved", "pad[32]"),
    ),
)
