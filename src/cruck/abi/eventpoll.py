# SPDX-License-Identifier: MPL-2.0
"""epoll: include/uapi/linux/eventpoll.h. `struct epoll_event` is packed on x86-64 only."""

from typing import Final

from cruck.abi.layout import Layout

EPOLL_CLOEXEC: Final = 0o2000000

# epoll_ctl
EPOLL_CTL_ADD: Final = 1
EPOLL_CTL_DEL: Final = 2
EPOLL_CTL_MOD: Final = 3

EPOLLIN: Final = 0x00000001
EPOLLPRI: Final = 0x00000002
EPOLLOUT: Final = 0x00000004
EPOLLERR: Final = 0x00000008
EPOLLHUP: Final = 0x00000010
EPOLLNVAL: Final = 0x00000020
EPOLLRDNORM: Final = 0x00000040
EPOLLRDBAND: Final = 0x00000080
EPOLLWRNORM: Final = 0x00000100
EPOLLWRBAND: Final = 0x00000200
EPOLLMSG: Final = 0x00000400
EPOLLRDHUP: Final = 0x00002000
EPOLL_URING_WAKE: Final = 0x08000000
EPOLLEXCLUSIVE: Final = 0x10000000
EPOLLWAKEUP: Final = 0x20000000
EPOLLONESHOT: Final = 0x40000000
EPOLLET: Final = 0x80000000

EPOLL_EVENT: Final = Layout("epoll_event", (("events", "u32"), ("data", "u64")), packed=True)

# Limits of fs/eventpoll.c
EP_MAX_EVENTS: Final = 178956970  # INT_MAX / sizeof(struct epoll_event)
EP_MAX_NESTS: Final = 4

# ioctls of an epoll file, Linux 6.9
EPIOCSPARAMS: Final = 0x40088A01
EPIOCGPARAMS: Final = 0x80088A02
EPOLL_PARAMS: Final = Layout(
    "epoll_params",
    (("busy_poll_usecs", "u32"), ("busy_poll_budget", "u16"), ("prefer_busy_poll", "u8"), ("__pad", "pad[1]")),
)
