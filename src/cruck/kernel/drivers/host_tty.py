# SPDX-License-Identifier: MPL-2.0
"""HostTty: the driver behind the guest's terminal when it is the user's own (`cruck run -t`).

Keys typed at the host are typed at a Tty of ours, output of ours goes to the host: the host's terminal is raw and our line
discipline does the rest. To the guest it is a pseudoterminal, /dev/pts/0, as under ssh or docker; the host plays the master.
`resize()` is for whoever learns of SIGWINCH. When the host's terminal goes away, ours is hung up.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EAGAIN, EIO
from cruck.abi.termios import IUTF8
from cruck.framework.io.host_terminal import HostTerminal
from cruck.kernel.poll.wait_queue import Waiter, WaitQueue
from cruck.kernel.tty.pty import PtyDriver, PtyTable

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel

POLLIN: Final = 0x001
POLLOUT: Final = 0x004
OUTPUT_BYTES: Final = 16384  # kept for a terminal that is slow
READ_CHUNK: Final = 4096
SHUTDOWN_MS: Final = 1000


class HostTty(PtyDriver):
    """`sent` holds what the host has not taken yet."""

    kernel: "Kernel"
    terminal: HostTerminal
    host_queue: WaitQueue  # woken by the host; a HostListener stands in it
    armed: int  # POLLIN, POLLOUT: what the host will report

    def __init__(self, kernel: "Kernel", table: PtyTable, terminal: HostTerminal, index: int, uid: int, gid: int) -> None:
        super().__init__(table, index, uid, gid, 0o620, kernel.clock.realtime_ns())
        self.kernel = kernel
        self.is_locked = False
        self.terminal = terminal
        self.host_queue = WaitQueue()
        self.host_queue.add(HostListener(self))
        self.armed = 0

    def start(self) -> None:
        """The Tty exists: takes over the user's control characters and size, makes the terminal raw, begins to listen."""
        tty = self.tty
        initial = tty.initial_termios
        initial.cc = self.terminal.control_characters()
        if self.terminal.is_utf8():
            initial.iflag |= IUTF8
        tty.set_termios(initial.copy())
        self.resize()
        self.terminal.enter_raw()
        self._listen()

    def resize(self) -> None:
        """The host's window has (perhaps) a new size."""
        rows, columns, width, height = self.terminal.window_size()
        if rows and columns:
            self.tty.set_window_size(rows, columns, (width, height))

    def shutdown(self) -> None:
        """The end of the run: what is left goes out (waiting at most SHUTDOWN_MS), the terminal gets its settings back."""
        self.has_master = False
        self.kernel.unwatch_host(self.terminal)
        if self.sent:
            self.terminal.write_until(bytes(self.sent), SHUTDOWN_MS)
            self.sent.clear()
        self.terminal.restore()

    # From the host.
    def host_ready(self) -> None:
        """Something the host was watched for holds."""
        self.armed = 0
        if not self.has_master:
            return
        if self.sent:
            self._send()
            self.tty.output_drained()
        self._receive()
        self._listen()

    def _listen(self) -> None:
        """Has the host report what we wait for: keys while there is room for them, room while there is output."""
        if not self.has_master:
            return
        wanted = POLLIN if self.tty.input_room() > 0 else 0
        if self.sent:
            wanted |= POLLOUT
        if wanted & ~self.armed:
            self.armed = wanted
            self.kernel.watch_host(self.terminal, wanted, self.host_queue)

    def _receive(self) -> None:
        while self.has_master:
            room = self.tty.input_room()
            if room <= 0:
                return
            data = self.terminal.read_nowait(min(room, READ_CHUNK))
            if isinstance(data, int):
                if data != -EAGAIN:
                    self._vanish()
                return
            if not data:
                self._vanish()
                return
            self.tty.receive(data)

    def _vanish(self) -> None:
        self.has_master = False
        self.kernel.unwatch_host(self.terminal)
        self.sent.clear()
        self.tty.hangup()

    # From the Tty.
    def write_room(self) -> int:
        return max(0, OUTPUT_BYTES - len(self.sent)) if self.has_master else OUTPUT_BYTES

    def write(self, data: bytes) -> None:
        if not self.has_master or not data:
            return
        was_empty = not self.sent
        self.used_ns = self.kernel.clock.realtime_ns()
        self.sent += data
        if was_empty:
            self._send()
            if self.sent:
                self._listen()

    def _send(self) -> None:
        sent = self.sent
        while sent:
            count = self.terminal.write_nowait(bytes(sent[:READ_CHUNK]))
            if count == -EAGAIN:
                return
            if count < 0:
                # The reader learns that it is gone.
                sent.clear()
                return
            del sent[:count]

    def nr_unsent(self) -> int:
        return len(self.sent)

    def flush_output(self) -> None:
        self.sent.clear()

    def input_consumed(self) -> None:
        if not self.armed & POLLIN:
            self._listen()

    def check_open(self) -> int:
        return 0 if self.has_master else -EIO

    def closed(self) -> None:
        """Nobody has it open: keys are kept for whoever opens it next."""


class HostListener(Waiter):
    """Stands in the host queue for the driver (a class has one native base)."""

    driver: HostTty

    def __init__(self, driver: HostTty) -> None:
        self.driver = driver

    def notify(self, queue: WaitQueue, events: int) -> bool:
        self.driver.host_ready()
        return True


def make_host_tty(kernel: "Kernel", terminal: HostTerminal, uid: int, gid: int) -> HostTty:
    """The terminal becomes /dev/pts/N (N is 0 when this comes first) and /dev/console of the kernel."""
    table = kernel.devices.ptys
    index = table.free_index()
    driver = HostTty(kernel, table, terminal, index, uid, gid)
    kernel.devices.console = table.add(kernel, driver)
    driver.start()
    return driver
