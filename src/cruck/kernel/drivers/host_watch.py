# SPDX-License-Identifier: MPL-2.0
"""HostWatch: keeps a wait queue told of a host descriptor's readiness.

`kernel.watch_host` reports once and knows one set of events per descriptor; here is remembered what is still wanted, so that a
reader and a writer can wait at the same time. Only events that do not hold at the moment are watched: no one is woken for nothing.
"""

from typing import TYPE_CHECKING, Final

from cruck.framework.io.host_stream import HostStream
from cruck.kernel.poll.wait_queue import WaitQueue

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel

POLLIN: Final = 0x001
POLLOUT: Final = 0x004
POLLERR: Final = 0x008
POLLHUP: Final = 0x010


class HostWatch:
    kernel: "Kernel"
    host: HostStream
    queue: WaitQueue
    wanted: int  # events somebody waits for

    def __init__(self, kernel: "Kernel", host: HostStream, queue: WaitQueue) -> None:
        self.kernel = kernel
        self.host = host
        self.queue = queue
        self.wanted = 0

    def arm(self, events: int) -> int:
        """Will wake the queue when one of `events` (POLLIN, POLLOUT) holds. Returns what holds now of POLLIN, POLLOUT, POLLERR,
        POLLHUP; for that, nothing is armed."""
        asked = self.wanted | events
        ready = self.host.poll_now(asked)
        wanted = 0 if ready & (POLLERR | POLLHUP) else asked & ~ready
        self.wanted = wanted
        if wanted:
            self.kernel.watch_host(self.host, wanted, self.queue)
        return ready

    def stop(self) -> None:
        self.wanted = 0
        self.kernel.unwatch_host(self.host)
