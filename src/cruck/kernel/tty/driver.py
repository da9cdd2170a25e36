# SPDX-License-Identifier: MPL-2.0
"""TtyDriver: what is behind a terminal. The base class of the pseudoterminal (pty.py) and the host's terminal
(drivers/host_tty.py), as Linux's struct tty_operations.

The Tty calls it; it calls back `tty.receive()`, `tty.output_drained()` and `tty.hangup()`. Defaults do nothing.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cruck.kernel.tty.termios import Termios
    from cruck.kernel.tty.tty import Tty


class TtyDriver:
    tty: "Tty"  # set by Tty's constructor
    is_pty: bool  # a session leader's exit does not hang a pseudoterminal up

    def __init__(self) -> None:
        self.is_pty = False

    # Output.
    def write_room(self) -> int:
        """Bytes that write() will take now."""
        raise NotImplementedError

    def write(self, data: bytes) -> None:
        """Takes all of `data`, which is at most write_room()."""
        raise NotImplementedError

    def nr_unsent(self) -> int:
        """Bytes taken that have not left yet (TIOCOUTQ, tcdrain)."""
        return 0

    def flush_output(self) -> None:
        """Forgets them (TCOFLUSH, signals from the keyboard)."""

    # News from the line discipline.
    def input_consumed(self) -> None:
        """There is room for input again."""

    def flow_changed(self, is_stopped: bool) -> None:
        """Output was stopped (^S, TCOOFF) or started."""

    def input_flushed(self) -> None:
        """Unread input was thrown away."""

    def termios_changed(self, old: "Termios", new: "Termios") -> None:
        """May change `new` before it counts."""

    # Opening and closing of the terminal's own side.
    def check_open(self) -> int:
        """0 or −errno."""
        return 0

    def opened(self) -> None:
        """A file on it was opened."""

    def closed(self) -> None:
        """The last file on it was closed."""

    def hung_up(self) -> None:
        """After hangup()."""
