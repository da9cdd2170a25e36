# SPDX-License-Identifier: MPL-2.0
"""Tty: one terminal (Linux: tty_struct), between the files on it (file.py) and its driver (driver.py).

Output goes through OPOST to the driver as long as it has room and is not stopped. Input comes by `receive()`, waits in
`arrived` while the line discipline is full, and wakes readers by `input_ready()`. A hang-up cuts off every file that is open at
that moment; files opened later are alive (`generation` tells them apart).
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.signal import SIGWINCH
from cruck.abi.termios import IXON
from cruck.framework.mm.user_memory import UserFault, VmReader
from cruck.kernel.errors import WOULD_BLOCK
from cruck.kernel.poll.wait_queue import WaitQueue
from cruck.kernel.tty import job_control
from cruck.kernel.tty.driver import TtyDriver
from cruck.kernel.tty.line_discipline import LineDiscipline
from cruck.kernel.tty.output import MAX_EXPANSION, OutputProcessor
from cruck.kernel.tty.termios import Termios, standard, unlocked

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.process.process import Process, Session
    from cruck.kernel.vfs.inode import Inode

ARRIVED_LIMIT: Final = 8192  # Linux: tty_buffer_set_limit() of a pseudoterminal
WRITE_CHUNK: Final = 4096
# Writers are told when there is room for this much: more than any single byte becomes.
ROOM_TO_WRITE: Final = 16

POLLIN: Final = 0x001
POLLOUT: Final = 0x004
POLLERR: Final = 0x008
POLLHUP: Final = 0x010
READABLE: Final = 0x041  # POLLIN | POLLRDNORM
WRITABLE: Final = 0x104  # POLLOUT | POLLWRNORM


class Tty:
    kernel: "Kernel"
    name: str  # under /dev: "pts/0"
    rdev: int
    driver: TtyDriver
    termios: Termios
    initial_termios: Termios  # what a hang-up returns to
    locked_termios: Termios  # TIOCSLCKTRMIOS: the bits and characters that nobody changes
    rows: int
    columns: int
    pixel_size: tuple[int, int]  # (width, height), usually (0, 0)
    session: "Session | None"  # that it controls
    foreground_pgid: int  # 0 none
    detached: "dict[Process, None]"  # members of the session that gave it up (TIOCNOTTY)
    discipline: LineDiscipline
    output: OutputProcessor
    arrived: bytearray  # input the discipline had no room for; ≤ ARRIVED_LIMIT
    queue: WaitQueue  # readers and writers
    is_stopped: bool  # output is held back
    is_stopped_by_call: bool  # … by TCOOFF: only TCOON starts it again
    is_exclusive: bool  # TIOCEXCL
    generation: int  # number of hang-ups
    nr_files: int
    inode: "Inode | None"  # its device node, for files that were opened without a path

    def __init__(self, kernel: "Kernel", name: str, rdev: int, driver: TtyDriver) -> None:
        self.kernel = kernel
        self.name = name
        self.rdev = rdev
        self.driver = driver
        driver.tty = self
        self.initial_termios = standard()
        self.locked_termios = unlocked()
        self.rows = self.columns = 0
        self.pixel_size = (0, 0)
        self.session = None
        self.foreground_pgid = 0
        self.detached = {}
        self.output = OutputProcessor()
        self.termios = self.initial_termios.copy()
        self.discipline = LineDiscipline(self)
        self.discipline.set_termios(None, self.termios)
        self.arrived = bytearray()
        self.queue = WaitQueue()
        self.is_stopped = self.is_stopped_by_call = self.is_exclusive = False
        self.generation = 0
        self.nr_files = 0
        self.inode = None

    # Input.
    def input_room(self) -> int:
        """Bytes receive() takes for certain."""
        return ARRIVED_LIMIT - len(self.arrived)

    def receive(self, data: bytes) -> None:
        """Bytes from the keyboard, at most input_room()."""
        if self.arrived:
            self.arrived += data
            self.pump_input()
            return
        count = self.discipline.receive(data)
        self.flush_echo()
        if count < len(data):
            self.arrived += data[count:]

    def pump_input(self) -> None:
        """There may be room in the line discipline again."""
        if self.arrived:
            waiting = bytes(self.arrived)
            self.arrived.clear()
            count = self.discipline.receive(waiting)
            self.flush_echo()
            self.arrived[:0] = waiting[count:]
        if self.input_room() > 0:
            self.driver.input_consumed()

    def input_ready(self) -> None:
        self.queue.wake(READABLE)

    def flush_input(self) -> None:
        """TCIFLUSH."""
        self.arrived.clear()
        self.discipline.clear()
        self.driver.input_flushed()
        self.driver.input_consumed()

    # Output.
    def write_room(self) -> int:
        return 0 if self.is_stopped else self.driver.write_room()

    def is_writable(self) -> bool:
        return self.write_room() >= ROOM_TO_WRITE

    def write(self, data: VmReader) -> int:
        """Bytes taken or WOULD_BLOCK. Errors: UserFault if not even the first can be read."""
        self.flush_echo()
        done = 0
        while data.remaining > 0:
            limit = min(self.write_room() // MAX_EXPANSION, WRITE_CHUNK)
            if limit <= 0:
                break
            try:
                chunk = data.read(limit)
            except UserFault:
                if done == 0:
                    raise
                break
            self.driver.write(self.output.process(chunk, self.termios))
            done += len(chunk)
            if data.is_faulted:
                break
        return done if done or data.remaining == 0 else WOULD_BLOCK

    def flush_echo(self) -> None:
        """Sends what the discipline wants shown, as far as there is room."""
        if self.discipline.echo.pending:
            data = self.discipline.echo.flush(self.write_room())
            if data:
                self.driver.write(data)

    def output_drained(self) -> None:
        """The driver has room again."""
        self.flush_echo()
        if self.is_writable():
            self.queue.wake(WRITABLE)

    def stop_output(self) -> None:
        """^S or TCOOFF."""
        if not self.is_stopped:
            self.is_stopped = True
            self.driver.flow_changed(True)

    def start_output(self) -> None:
        """^Q and others; without effect after TCOOFF. Echoes that were held back wait for flush_echo()."""
        if self.is_stopped and not self.is_stopped_by_call:
            self.is_stopped = False
            self.driver.flow_changed(False)
            if self.is_writable():
                self.queue.wake(WRITABLE)

    # Settings.
    def set_termios(self, new: Termios) -> None:
        """tty_set_termios; `new` belongs to the Tty from now on."""
        old = self.termios
        self.driver.termios_changed(old, new)
        self.termios = new
        self.discipline.set_termios(old, new)
        if old.iflag & IXON and not new.iflag & IXON:
            self.start_output()
            self.flush_echo()
        # What is readable and writable may be something else now.
        self.queue.wake(READABLE | WRITABLE)

    def set_window_size(self, rows: int, columns: int, pixel_size: tuple[int, int]) -> None:
        """TIOCSWINSZ: the foreground group gets SIGWINCH if it is new."""
        if (rows, columns, pixel_size) == (self.rows, self.columns, self.pixel_size):
            return
        self.rows = rows
        self.columns = columns
        self.pixel_size = pixel_size
        self.signal_foreground(SIGWINCH)

    def signal_foreground(self, signo: int) -> None:
        group = job_control.foreground_group(self)
        if group is not None:
            self.kernel.send_signal_group(group, signo)

    # Ends.
    def hangup(self) -> None:
        """The line is dead (vhangup): open files read end of file and cannot write; the session leader gets SIGHUP."""
        self.generation += 1
        self.arrived.clear()
        self.discipline.clear()
        self.discipline.echo.clear()
        self.is_stopped = self.is_stopped_by_call = self.is_exclusive = False
        self.output.reset()
        old = self.termios
        self.termios = self.initial_termios.copy()
        self.discipline.set_termios(old, self.termios)
        job_control.on_hangup(self)
        self.queue.wake(READABLE | WRITABLE | POLLERR | POLLHUP)
        self.driver.hung_up()

    def on_session_leader_exit(self, process: "Process") -> None:
        job_control.on_session_leader_exit(self.kernel, process)
