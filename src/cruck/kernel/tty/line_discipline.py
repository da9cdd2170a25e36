# SPDX-License-Identifier: MPL-2.0
"""LineDiscipline: what becomes of typed bytes (Linux drivers/tty/n_tty.c, termios(3)).

Canonical mode collects a line that can be edited; otherwise bytes are there to be read at once. Signals, flow control and echo are
told to the Tty. `buffer` holds complete lines first, then the line that is being typed. Reading is by `peek()` and `consume()`, so that a
fault while copying to the guest loses nothing.

Not here: when a read returns (VMIN, VTIME: read_timer.py), who may read (job_control.py), sending (tty.py).
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.signal import SIGINT, SIGQUIT, SIGTSTP
from cruck.abi.termios import (
    ECHO,
    ECHOCTL,
    ECHONL,
    EXTPROC,
    ICANON,
    ICRNL,
    IEXTEN,
    IGNCR,
    INLCR,
    ISIG,
    ISTRIP,
    IUCLC,
    IXANY,
    IXON,
    NOFLSH,
    PARMRK,
    VEOF,
    VEOL,
    VEOL2,
    VERASE,
    VINTR,
    VKILL,
    VLNEXT,
    VQUIT,
    VREPRINT,
    VSTART,
    VSTOP,
    VSUSP,
    VWERASE,
)
from cruck.kernel.tty.echo import Echo, is_upper
from cruck.kernel.tty.termios import Termios

if TYPE_CHECKING:
    from cruck.kernel.tty.tty import Tty

BUFFER_BYTES: Final = 4096  # N_TTY_BUF_SIZE: a line has at most 4095 bytes and its end
LF: Final = 10
CR: Final = 13
DISABLED: Final = 0  # _POSIX_VDISABLE

# LineDiscipline.marks
PLAIN: Final = 0
LINE_END: Final = 1  # the last byte of a line
END_OF_FILE: Final = 2  # VEOF was typed here: ends a line without being part of it

# Flags that make an input byte more than a byte to keep.
COOKING_IFLAGS: Final = ISTRIP | IUCLC | IGNCR | ICRNL | INLCR | IXON | PARMRK
COOKING_LFLAGS: Final = ICANON | ISIG | ECHO


class LineDiscipline:
    tty: "Tty"
    echo: Echo
    buffer: bytearray  # unread input; ≤ BUFFER_BYTES
    marks: bytearray  # PLAIN, LINE_END or END_OF_FILE for each byte of buffer
    canon_len: int  # bytes of complete lines at the front of buffer; 0 when not canonical
    is_canonical: bool
    is_raw: bool  # bytes go straight into the buffer
    is_special: bytes  # by byte value: 1 if it means something
    is_literal_next: bool  # VLNEXT was typed

    def __init__(self, tty: "Tty") -> None:
        self.tty = tty
        self.echo = Echo(tty)
        self.buffer = bytearray()
        self.marks = bytearray()
        self.canon_len = 0
        self.is_canonical = False
        self.is_raw = True
        self.is_special = bytes(256)
        self.is_literal_next = False

    # Settings.
    def set_termios(self, old: Termios | None, new: Termios) -> None:
        """n_tty_set_termios: `new` counts from now on. Unread input becomes one line when canonical mode begins."""
        if old is None or (old.lflag ^ new.lflag) & (ICANON | EXTPROC):
            self.marks = bytearray(len(self.buffer))
            self.canon_len = 0
            if new.lflag & ICANON and self.buffer:
                # A NUL in last place looks like an end-of-file mark (__DISABLED_CHAR) to Linux, so it is one.
                self.marks[-1] = LINE_END if self.buffer[-1] else END_OF_FILE
                self.canon_len = len(self.buffer)
            self.echo.is_erasing = False
            self.is_literal_next = False
        self.is_canonical = new.lflag & ICANON != 0
        self.is_raw = not new.iflag & COOKING_IFLAGS and not new.lflag & COOKING_LFLAGS
        self.is_special = _special_bytes(new)

    def is_line_mode(self) -> bool:
        """Do reads return lines?"""
        return self.is_canonical and not self.tty.termios.lflag & EXTPROC

    # Input.
    def receive(self, data: bytes) -> int:
        """Bytes taken; fewer than all when the buffer is full of input nobody has read. (A line that is too long is taken
        and its excess dropped, so that it can still be ended and erased.)"""
        done = 0
        length = len(data)
        while done < length:
            room = BUFFER_BYTES - len(self.buffer)
            if self.tty.termios.iflag & PARMRK:
                room = (room + 2) // 3
            room -= 1
            if room <= 0:
                if not self.is_canonical or self.canon_len:
                    break
                if room < 0:
                    self.truncate(len(self.buffer) - 1)
                room = 1
            count = min(length - done, room)
            self._receive_block(data if count == length else data[done : done + count])
            done += count
        return done

    def _receive_block(self, data: bytes) -> None:
        if self.is_raw:
            self.buffer += data
            self.marks += bytes(len(data))
        else:
            special = self.is_special
            for byte in data:
                termios = self.tty.termios
                if termios.iflag & ISTRIP:
                    byte &= 0x7F
                if termios.iflag & IUCLC and termios.lflag & IEXTEN and is_upper(byte):
                    byte += 32
                if termios.lflag & EXTPROC:
                    self._put(byte, PLAIN)
                elif self.is_literal_next:
                    self.is_literal_next = False
                    self._receive_plain(byte)
                elif special[byte]:
                    self._receive_special(byte, termios)
                else:
                    self._receive_plain(byte)
        if not self.is_line_mode() and self.buffer:
            self.tty.input_ready()

    def _put(self, byte: int, mark: int) -> None:
        self.buffer.append(byte)
        self.marks.append(mark)

    def truncate(self, length: int) -> None:
        """Drops what was typed after `length` bytes."""
        del self.buffer[length:]
        del self.marks[length:]

    def _receive_plain(self, byte: int) -> None:
        termios = self.tty.termios
        self._restart_output(termios)
        if termios.lflag & ECHO:
            self._echo_in_line(byte)
        if byte == 0xFF and termios.iflag & PARMRK:
            self._put(byte, PLAIN)
        self._put(byte, PLAIN)

    def _restart_output(self, termios: Termios) -> None:
        """IXANY: any key undoes ^S."""
        tty = self.tty
        if tty.is_stopped and not tty.is_stopped_by_call and termios.iflag & IXON and termios.iflag & IXANY:
            tty.start_output()
            tty.flush_echo()

    def _echo_in_line(self, byte: int) -> None:
        self.echo.finish_erasing()
        if len(self.buffer) == self.canon_len:
            self.echo.set_canon_column()
        self.echo.char(byte)

    def _receive_special(self, byte: int, termios: Termios) -> None:
        """n_tty_receive_char_special"""
        cc = termios.cc
        iflag = termios.iflag
        lflag = termios.lflag
        if iflag & IXON:
            if byte == cc[VSTART]:
                self.tty.start_output()
                self.tty.flush_echo()
                return
            if byte == cc[VSTOP]:
                self.tty.stop_output()
                return
        if lflag & ISIG:
            if byte == cc[VINTR]:
                self._receive_signal(byte, SIGINT, termios)
                return
            if byte == cc[VQUIT]:
                self._receive_signal(byte, SIGQUIT, termios)
                return
            if byte == cc[VSUSP]:
                self._receive_signal(byte, SIGTSTP, termios)
                return
        self._restart_output(termios)
        if byte == CR:
            if iflag & IGNCR:
                return
            if iflag & ICRNL:
                byte = LF
        elif byte == LF and iflag & INLCR:
            byte = CR
        if self.is_canonical and self._edit_line(byte, termios):
            return
        if lflag & ECHO:
            if byte == LF:
                self.echo.finish_erasing()
                self.echo.raw(b"\n")
            else:
                self._echo_in_line(byte)
        if byte == 0xFF and iflag & PARMRK:
            self._put(byte, PLAIN)
        self._put(byte, PLAIN)

    def _receive_signal(self, byte: int, signo: int, termios: Termios) -> None:
        tty = self.tty
        tty.signal_foreground(signo)
        if not termios.lflag & NOFLSH:
            self.echo.clear()
            tty.driver.flush_output()
            self.clear()
            tty.driver.input_flushed()
        if termios.iflag & IXON:
            tty.start_output()
        if termios.lflag & ECHO:
            self.echo.char(byte)

    def _edit_line(self, byte: int, termios: Termios) -> bool:
        """Canonical mode's own characters. False: it is an ordinary one after all (\\r under INLCR)."""
        cc = termios.cc
        lflag = termios.lflag
        is_extended = lflag & IEXTEN != 0
        # NUL is never special: a control character set to 0 is disabled.
        if byte != DISABLED:
            if byte == cc[VERASE] or byte == cc[VKILL] or (byte == cc[VWERASE] and is_extended):
                self.echo.erase(self, byte)
                return True
            if byte == cc[VLNEXT] and is_extended:
                self.is_literal_next = True
                if lflag & ECHO:
                    self.echo.finish_erasing()
                    if lflag & ECHOCTL:
                        self.echo.raw(b"^\b")
                return True
            if byte == cc[VREPRINT] and lflag & ECHO and is_extended:
                self.echo.finish_erasing()
                self.echo.char(byte)
                self.echo.raw(b"\n")
                for typed in bytes(self.buffer[self.canon_len :]):
                    self.echo.char(typed)
                return True
        if byte == LF:
            if lflag & (ECHO | ECHONL):
                self.echo.raw(b"\n")
            self._end_line(byte, LINE_END)
            return True
        if byte == DISABLED:
            return False
        if byte == cc[VEOF]:
            self._end_line(DISABLED, END_OF_FILE)
            return True
        if byte == cc[VEOL] or (byte == cc[VEOL2] and is_extended):
            if lflag & ECHO:
                if len(self.buffer) == self.canon_len:
                    self.echo.set_canon_column()
                self.echo.char(byte)
            if byte == 0xFF and termios.iflag & PARMRK:
                self._put(byte, PLAIN)
            self._end_line(byte, LINE_END)
            return True
        return False

    def _end_line(self, byte: int, mark: int) -> None:
        self._put(byte, mark)
        self.canon_len = len(self.buffer)
        self.tty.input_ready()

    # Reading.
    def has_line(self) -> bool:
        return self.canon_len > 0

    def nr_readable(self) -> int:
        """TIOCINQ: bytes of complete lines, end-of-file marks not counted, or all bytes."""
        if not self.is_line_mode():
            return len(self.buffer)
        return self.canon_len - self.marks[: self.canon_len].count(END_OF_FILE)

    def peek(self, limit: int) -> tuple[bytes, int]:
        """(bytes for a read of at most `limit` ≥ 1, bytes of buffer they stand for). In line mode at most one line, and there
        must be one; an end-of-file mark is consumed but not returned, so b"" with a count of 1 is end of file. A mark right
        behind a full read goes with it."""
        if not self.is_line_mode():
            data = bytes(self.buffer[:limit])
            return data, len(data)
        assert self.canon_len > 0
        end = -1
        line_end = self.marks.find(LINE_END, 0, min(limit, self.canon_len))
        scan = min(limit + 1, self.canon_len) if line_end < 0 else line_end
        end = self.marks.find(END_OF_FILE, 0, scan)
        if end >= 0:
            return bytes(self.buffer[:end]), end + 1
        count = line_end + 1 if line_end >= 0 else min(limit, self.canon_len)
        return bytes(self.buffer[:count]), count

    def consume(self, count: int) -> None:
        """Removes the first `count` bytes of buffer."""
        del self.buffer[:count]
        del self.marks[:count]
        self.canon_len = max(0, self.canon_len - count)

    def clear(self) -> None:
        """Throws all input away (reset_buffer_flags)."""
        self.buffer.clear()
        self.marks.clear()
        self.canon_len = 0
        self.echo.is_erasing = False
        self.is_literal_next = False


def _special_bytes(termios: Termios) -> bytes:
    """n_tty's char_map: 1 for each byte that _receive_special() must see."""
    special = bytearray(256)
    cc = termios.cc
    if termios.iflag & (IGNCR | ICRNL):
        special[CR] = 1
    if termios.iflag & INLCR:
        special[LF] = 1
    if termios.lflag & ICANON:
        special[LF] = 1
        for index in (VERASE, VKILL, VEOF, VEOL):
            special[cc[index]] = 1
        if termios.lflag & IEXTEN:
            for index in (VWERASE, VLNEXT, VEOL2):
                special[cc[index]] = 1
            if termios.lflag & ECHO:
                special[cc[VREPRINT]] = 1
    if termios.iflag & IXON:
        special[cc[VSTART]] = special[cc[VSTOP]] = 1
    if termios.lflag & ISIG:
        special[cc[VINTR]] = special[cc[VQUIT]] = special[cc[VSUSP]] = 1
    special[DISABLED] = 0
    return bytes(special)
