# SPDX-License-Identifier: MPL-2.0
"""open(2) of FIFOs (fifo(7), Linux fs/pipe.c fifo_open): the rendezvous of readers and writers.

`open_fifo` is called by the open path for an inode of type S_IFIFO, also for an anonymous pipe opened again through
/proc/PID/fd. While any end is open, what flows hangs on the inode (`inode.pipe`).
"""

from typing import TYPE_CHECKING

from cruck.abi.errno import ENFILE, ENXIO
from cruck.abi.fcntl import O_ACCMODE, O_NONBLOCK, O_RDONLY, O_WRONLY
from cruck.kernel.ipc.pipe import SLOT_BYTES, SLOTS_UNDER_PRESSURE, PipeBuffer, PipeEnd
from cruck.kernel.poll.wait_queue import Waiter, WaitQueue
from cruck.kernel.process.task import Task
from cruck.kernel.syscalls.blocking import BLOCKED, record, wait_on
from cruck.kernel.vfs.file import File

if TYPE_CHECKING:
    from cruck.kernel.vfs.inode import Inode


class FifoOpening(WaitQueue):
    """An open that waits for the other side. Its end counts as open meanwhile, so that the other side finds it. A task that leaves
    before they have met (a signal, its death) takes its end away again: that is why this is a queue of its own."""

    file: PipeEnd
    nr_seen: int  # the other side's number of opens when the wait began
    is_over: bool  # the end was taken away again

    def __init__(self, file: PipeEnd) -> None:
        super().__init__()
        self.file = file
        self.is_over = False
        pipe = file.pipe
        self.nr_seen = pipe.nr_writer_opens if file.can_read else pipe.nr_reader_opens

    def is_met(self) -> bool:
        if self.is_over:
            return False
        pipe = self.file.pipe
        return self.nr_seen != (pipe.nr_writer_opens if self.file.can_read else pipe.nr_reader_opens)

    def remove(self, waiter: Waiter) -> None:
        super().remove(waiter)
        self.give_up()

    def give_up(self) -> None:
        pipe = self.file.pipe
        if self in pipe.openings:
            del pipe.openings[self]
            if not self.is_met():
                self.is_over = True
                self.file.release()


def open_fifo(task: Task, inode: "Inode", flags: int) -> File | int:
    """A File for one end, −ENXIO (O_WRONLY | O_NONBLOCK and no reader), or what blocking.wait_on() says: return that from the
    handler; it calls again when the other side has come. The caller sets `file.path`."""
    if task.wait is not None and isinstance(task.wait.extra, FifoOpening):
        opening = task.wait.extra
        task.wait.extra = None
        if opening.is_met():
            return opening.file
    pipe = inode.pipe
    mode = flags & O_ACCMODE
    if pipe is not None and inode.fs is task.kernel.anon.pipefs:
        return PipeEnd(pipe, inode, flags)  # /proc/PID/fd of a pipe: nothing to meet
    if mode == O_WRONLY and flags & O_NONBLOCK and (pipe is None or pipe.readers == 0):
        return -ENXIO
    if pipe is None:
        if not task.kernel.ledger.has_room(SLOTS_UNDER_PRESSURE * SLOT_BYTES):
            return -ENFILE
        pipe = inode.pipe = PipeBuffer(task.kernel.ledger)
    file = PipeEnd(pipe, inode, flags)
    if mode == O_RDONLY and pipe.writers == 0:
        if flags & O_NONBLOCK:
            file.hup_after = pipe.nr_writer_opens
            return file
    elif mode != O_WRONLY or pipe.readers:
        return file
    opening = FifoOpening(file)
    pipe.openings[opening] = None
    result = wait_on(task, opening)
    if result == BLOCKED:
        record(task).extra = opening
    else:
        opening.give_up()
    return result
