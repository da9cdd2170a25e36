# SPDX-License-Identifier: MPL-2.0
"""PidFile: a process as a descriptor (pidfd_open(2)). Readable once the process has ended, reaped or not."""

from typing import TYPE_CHECKING, Final

from cruck.kernel.poll.wait_queue import WaitQueue
from cruck.kernel.vfs.anon_inode import AnonFile

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.process.process import Process

O_RDWR: Final = 2
POLLIN: Final = 0x01
POLLRDNORM: Final = 0x40


class PidFile(AnonFile):
    process: "Process"

    def __init__(self, kernel: "Kernel", process: "Process", flags: int) -> None:
        super().__init__(kernel, O_RDWR | flags)
        self.process = process

    def is_reaped(self) -> bool:
        """Its pid is no longer its own."""
        return self.kernel.processes.get(self.process.pid) is not self.process

    def poll(self) -> int:
        return POLLIN | POLLRDNORM if self.process.is_zombie or self.is_reaped() else 0

    def wait_queue(self) -> WaitQueue | None:
        return self.process.exit_queue

    def describe(self) -> str:
        return "anon_inode:[pidfd]"
