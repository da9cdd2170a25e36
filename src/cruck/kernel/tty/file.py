# SPDX-License-Identifier: MPL-2.0
"""TtyFile: an open terminal (Linux tty_io.c tty_read, tty_write, tty_poll, n_tty_read).

Decides when a read is satisfied (a line; VMIN and VTIME) and who is in the background. Its ioctls are in ioctl.py.
"""

from typing import TYPE_CHECKING

from cruck.abi.errno import EIO, ENOTTY
from cruck.abi.fcntl import O_NONBLOCK
from cruck.abi.signal import SIGTTIN, SIGTTOU
from cruck.abi.stat import S_IFCHR
from cruck.abi.termios import TIOCSPGRP, TOSTOP, VMIN, VTIME
from cruck.framework.mm.user_memory import VmReader, VmWriter
from cruck.kernel.errors import WOULD_BLOCK
from cruck.kernel.poll.wait_queue import WaitQueue
from cruck.kernel.syscalls import blocking
from cruck.kernel.tty import job_control
from cruck.kernel.tty.ioctl import tty_ioctl
from cruck.kernel.tty.read_timer import ReadTimer
from cruck.kernel.tty.tty import POLLERR, POLLHUP, READABLE, WRITABLE, Tty
from cruck.kernel.vfs.file import File
from cruck.kernel.vfs.stat import Stat

if TYPE_CHECKING:
    from cruck.kernel.process.task import Task
    from cruck.kernel.vfs.inode import Inode


class TtyFile(File):
    tty: Tty
    generation: int  # the Tty's when it was opened
    is_console: bool  # opened as /dev/console: job control does not stop it
    timers: dict[int, ReadTimer]  # by thread id: reads that wait with VTIME

    def __init__(self, tty: Tty, flags: int, is_console: bool = False) -> None:
        super().__init__(flags)
        self.tty = tty
        self.generation = tty.generation
        self.is_console = is_console
        self.timers = {}
        tty.nr_files += 1
        tty.driver.opened()

    def release(self) -> None:
        for timer in self.timers.values():
            timer.cancel()
        self.timers.clear()
        self.tty.nr_files -= 1
        if self.tty.nr_files == 0:
            self.tty.driver.closed()

    def is_hung_up(self) -> bool:
        return self.generation != self.tty.generation

    # Reading.
    def read(self, out: VmWriter, offset: int) -> int:
        """Bytes; 0 at end of file (VEOF, hang-up, VTIME passed); WOULD_BLOCK; −ERESTARTSYS or −EIO in the background."""
        if self.is_hung_up():
            return 0
        tty = self.tty
        task = tty.kernel.current
        if not self.is_console:
            result = job_control.check_change(tty, task, SIGTTIN)
            if result != 0:
                return result
        if not self._is_satisfied(task, out.remaining):
            return WOULD_BLOCK
        if task is not None:
            self._end_timer(task)
        discipline = tty.discipline
        if discipline.is_line_mode():
            if not discipline.has_line():
                return 0
        elif not discipline.buffer:
            return 0
        data, consumed = discipline.peek(out.remaining)
        count = out.write(data) if data else 0
        discipline.consume(consumed if count == len(data) else count)
        tty.pump_input()
        return count

    def _is_satisfied(self, task: "Task | None", limit: int) -> bool:
        """May the read return now, be it with nothing? Else a VTIME that counts is set."""
        discipline = self.tty.discipline
        if discipline.is_line_mode():
            return discipline.has_line()
        cc = self.tty.termios.cc
        minimum, tenths = cc[VMIN], cc[VTIME]
        nr_ready = len(discipline.buffer)
        if minimum == 0:
            if nr_ready or tenths == 0:
                return True
            return self._is_overdue(task, tenths, nr_ready, False)
        if nr_ready >= min(minimum, limit):
            return True
        if nr_ready == 0:
            if task is not None:
                self._end_timer(task)
            return False
        if self.flags & O_NONBLOCK or (task is not None and task.has_deliverable_signal()):
            return True
        return tenths > 0 and self._is_overdue(task, tenths, nr_ready, True)

    def _is_overdue(self, task: "Task | None", tenths: int, nr_ready: int, restarts: bool) -> bool:
        """Has VTIME passed? `restarts`: each new byte starts it again."""
        if task is None or self.flags & O_NONBLOCK:
            return False
        timer = self.timers.get(task.tid)
        record = blocking.record(task)
        if timer is None or timer.record is not record:
            if timer is not None:
                timer.cancel()
            timer = ReadTimer(self.tty.kernel, record, self.tty.queue)
            self.timers[task.tid] = timer
            timer.start(tenths, nr_ready)
            return False
        if timer.is_expired:
            return True
        if restarts and timer.nr_seen != nr_ready:
            timer.start(tenths, nr_ready)
        return False

    def _end_timer(self, task: "Task") -> None:
        timer = self.timers.pop(task.tid, None)
        if timer is not None:
            timer.cancel()

    # Writing.
    def write(self, data: VmReader, offset: int) -> int:
        if self.is_hung_up():
            return -EIO
        tty = self.tty
        if tty.termios.lflag & TOSTOP and not self.is_console:
            result = job_control.check_change(tty, tty.kernel.current, SIGTTOU)
            if result != 0:
                return result
        return tty.write(data)

    # The rest.
    def poll(self) -> int:
        if self.is_hung_up():
            return READABLE | WRITABLE | POLLERR | POLLHUP
        tty = self.tty
        discipline = tty.discipline
        mask = 0
        if discipline.is_line_mode():
            if discipline.has_line():
                mask = READABLE
        else:
            cc = tty.termios.cc
            # VMIN counts for poll only without VTIME (n_tty.c input_available_p).
            if len(discipline.buffer) >= (cc[VMIN] if cc[VTIME] == 0 and cc[VMIN] else 1):
                mask = READABLE
        if tty.is_writable():
            mask |= WRITABLE
        return mask

    def wait_queue(self) -> WaitQueue | None:
        return self.tty.queue

    def ioctl(self, task: "Task", command: int, argument: int) -> int:
        if self.is_hung_up():
            return -ENOTTY if command == TIOCSPGRP else -EIO
        return tty_ioctl(task, self, self.tty, command, argument)

    def inode(self) -> "Inode | None":
        return self.path.dentry.inode if self.path is not None else self.tty.inode

    def stat(self) -> Stat:
        inode = self.inode()
        if inode is not None:
            return inode.stat()
        stat = Stat()
        stat.mode = S_IFCHR | 0o620
        stat.rdev = self.tty.rdev
        return stat

    def describe(self) -> str:
        return "/dev/" + self.tty.name
