# SPDX-License-Identifier: MPL-2.0
"""eventfd(2): a 64-bit counter to wait on. Source: Linux fs/eventfd.c."""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EINVAL
from cruck.framework.mm.user_memory import VmReader, VmWriter
from cruck.kernel.errors import WOULD_BLOCK
from cruck.kernel.poll.wait_queue import WaitQueue
from cruck.kernel.vfs.anon_inode import AnonFile

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel

COUNT_MAX: Final = (1 << 64) - 1  # never stored by a write; the largest count a write leaves is one less
POLLIN: Final = 1
POLLOUT: Final = 4
POLLERR: Final = 8


class EventFile(AnonFile):
    count: int  # < COUNT_MAX
    is_semaphore: bool  # a read takes 1, not all
    queue: WaitQueue

    def __init__(self, kernel: "Kernel", count: int, is_semaphore: bool, flags: int) -> None:
        super().__init__(kernel, flags)
        self.count = count
        self.is_semaphore = is_semaphore
        self.queue = WaitQueue()

    def read(self, out: VmWriter, offset: int) -> int:
        if out.remaining < 8:
            return -EINVAL
        if self.count == 0:
            return WOULD_BLOCK
        value = 1 if self.is_semaphore else self.count
        # Taken even if the copy faults, as Linux does.
        self.count -= value
        self.queue.wake(POLLOUT)
        out.write(value.to_bytes(8, "little"))
        return 8

    def write(self, data: VmReader, offset: int) -> int:
        if data.remaining < 8:
            return -EINVAL
        value = int.from_bytes(data.read(8), "little")
        if value == COUNT_MAX:
            return -EINVAL
        if value >= COUNT_MAX - self.count:
            return WOULD_BLOCK
        self.count += value
        self.queue.wake(POLLIN)
        return 8

    def signal(self) -> None:
        """The kernel adds 1."""
        if self.count < COUNT_MAX:
            self.count += 1
            self.queue.wake(POLLIN)

    def poll(self) -> int:
        mask = 0
        if self.count > 0:
            mask = POLLIN
        if self.count == COUNT_MAX:
            mask |= POLLERR
        if self.count < COUNT_MAX - 1:
            mask |= POLLOUT
        return mask

    def wait_queue(self) -> WaitQueue | None:
        return self.queue

    def fdinfo(self) -> bytes:
        return b"eventfd-count: %16x\neventfd-semaphore: %d\n" % (self.count, self.is_semaphore)

    def describe(self) -> str:
        return "anon_inode:[eventfd]"
