# SPDX-License-Identifier: MPL-2.0
"""Termios: the settings of a terminal as values (termios(3), Linux struct ktermios), and their bytes for the edge.

Immutable by convention: a change makes a new one, so that "old" and "new" can be compared. Speeds are numbers of bits a
second and mean nothing to our drivers; programs read back what they set.
"""

from typing import Final

from cruck.abi.termios import (
    B38400,
    CREAD,
    CS8,
    ECHO,
    ECHOCTL,
    ECHOE,
    ECHOK,
    ECHOKE,
    ICANON,
    ICRNL,
    IEXTEN,
    ISIG,
    IXON,
    ONLCR,
    OPOST,
)

NCCS: Final = 19
TERMIOS_BYTES: Final = 36  # struct termios of TCGETS: four words, c_line, c_cc[19]
TERMIOS2_BYTES: Final = 44  # … and two speeds
TERMIO_BYTES: Final = 18  # struct termio of TCGETA: four half-words, c_line, c_cc[8], padding

CBAUD: Final = 0o010017
BOTHER: Final = 0o010000
IBSHIFT: Final = 16

# drivers/tty/tty_baudrate.c: the speed of each CBAUD value, without and with CBAUDEX.
SLOW_SPEEDS: Final = (0, 50, 75, 110, 134, 150, 200, 300, 600, 1200, 1800, 2400, 4800, 9600, 19200, 38400)
FAST_SPEEDS: Final = (
    57600, 115200, 230400, 460800, 500000, 576000, 921600, 1000000, 1152000, 1500000, 2000000, 2500000, 3000000, 3500000, 4000000,
)  # fmt: skip

# INIT_C_CC of asm-generic/termios.h: ^C ^\ DEL ^U ^D, VTIME 0, VMIN 1, -, ^Q ^S ^Z -, ^R ^O ^W ^V -, -, -.
INIT_CC: Final = bytes((3, 0x1C, 0x7F, 0x15, 4, 0, 1, 0, 0x11, 0x13, 0x1A, 0, 0x12, 0x0F, 0x17, 0x16, 0, 0, 0))


class Termios:
    iflag: int
    oflag: int
    cflag: int
    lflag: int
    line: int  # line discipline number; always 0 (N_TTY)
    cc: bytes  # NCCS control characters, by V* index; 0 = disabled (but VMIN, VTIME)
    ispeed: int
    ospeed: int

    def __init__(self, iflag: int, oflag: int, cflag: int, lflag: int, line: int, cc: bytes, ispeed: int, ospeed: int) -> None:
        assert len(cc) == NCCS
        self.iflag = iflag
        self.oflag = oflag
        self.cflag = cflag
        self.lflag = lflag
        self.line = line
        self.cc = cc
        self.ispeed = ispeed
        self.ospeed = ospeed

    def copy(self) -> "Termios":
        return Termios(self.iflag, self.oflag, self.cflag, self.lflag, self.line, self.cc, self.ispeed, self.ospeed)

    def under(self, locked: "Termios", old: "Termios") -> "Termios":
        """With what is set in `locked` as it was in `old` (drivers/tty/tty_ioctl.c unset_locked_termios)."""
        cc = bytes(was if lock else new for new, lock, was in zip(self.cc, locked.cc, old.cc, strict=True))
        return Termios(
            self.iflag & ~locked.iflag | old.iflag & locked.iflag,
            self.oflag & ~locked.oflag | old.oflag & locked.oflag,
            self.cflag & ~locked.cflag | old.cflag & locked.cflag,
            self.lflag & ~locked.lflag | old.lflag & locked.lflag,
            old.line if locked.line else self.line,
            cc,
            self.ispeed,
            self.ospeed,
        )

    def to_bytes(self) -> bytes:
        """struct termios, TERMIOS_BYTES."""
        return (
            self.iflag.to_bytes(4, "little")
            + self.oflag.to_bytes(4, "little")
            + self.cflag.to_bytes(4, "little")
            + self.lflag.to_bytes(4, "little")
            + bytes((self.line & 0xFF,))
            + self.cc
        )

    def to_bytes2(self) -> bytes:
        """struct termios2, TERMIOS2_BYTES."""
        return self.to_bytes() + self.ispeed.to_bytes(4, "little") + self.ospeed.to_bytes(4, "little")

    def to_termio_bytes(self) -> bytes:
        """struct termio, TERMIO_BYTES: the low halves."""
        words = b""
        for word in (self.iflag, self.oflag, self.cflag, self.lflag):
            words += (word & 0xFFFF).to_bytes(2, "little")
        return words + bytes((self.line & 0xFF,)) + self.cc[:8] + b"\0"


def standard() -> Termios:
    """tty_std_termios (drivers/tty/tty_io.c): a cooked terminal."""
    return Termios(
        ICRNL | IXON,
        OPOST | ONLCR,
        B38400 | CS8 | CREAD,
        ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
        0,
        INIT_CC,
        38400,
        38400,
    )


def unlocked() -> Termios:
    return Termios(0, 0, 0, 0, 0, bytes(NCCS), 0, 0)


def from_bytes(data: bytes, old: Termios) -> Termios:
    """From struct termios (TERMIOS_BYTES) or termios2 (TERMIOS2_BYTES); `old` gives what the struct does not have."""
    words = [int.from_bytes(data[start : start + 4], "little") for start in (0, 4, 8, 12)]
    ispeed, ospeed = old.ispeed, old.ospeed
    if len(data) >= TERMIOS2_BYTES:
        ispeed = int.from_bytes(data[36:40], "little")
        ospeed = int.from_bytes(data[40:44], "little")
    return _with_speeds(Termios(words[0], words[1], words[2], words[3], data[16], bytes(data[17:36]), ispeed, ospeed))


def from_termio_bytes(data: bytes, old: Termios) -> Termios:
    """From struct termio: the high halves stay."""
    low = [int.from_bytes(data[start : start + 2], "little") for start in (0, 2, 4, 6)]
    return _with_speeds(
        Termios(
            old.iflag & ~0xFFFF | low[0],
            old.oflag & ~0xFFFF | low[1],
            old.cflag & ~0xFFFF | low[2],
            old.lflag & ~0xFFFF | low[3],
            data[8],
            bytes(data[9:17]) + old.cc[8:],
            old.ispeed,
            old.ospeed,
        )
    )


def _with_speeds(termios: Termios) -> Termios:
    """tty_termios_baud_rate and tty_termios_input_baud_rate: a Bnnn value in c_cflag decides, BOTHER leaves the number."""
    code = termios.cflag & CBAUD
    if code != BOTHER:
        termios.ospeed = _speed(code, termios.ospeed)
    input_code = termios.cflag >> IBSHIFT & CBAUD
    if input_code == 0:
        termios.ispeed = termios.ospeed
    elif input_code != BOTHER:
        termios.ispeed = _speed(input_code, termios.ispeed)
    return termios


def _speed(code: int, old: int) -> int:
    if code & BOTHER:
        index = (code & 0o17) - 1
        return FAST_SPEEDS[index] if 0 <= index < len(FAST_SPEEDS) else old
    return SLOW_SPEEDS[code & 0o17]
