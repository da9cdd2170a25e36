# SPDX-License-Identifier: MPL-2.0
"""Echo: what the line discipline shows of the characters that are typed and erased (Linux n_tty.c echo_char, eraser).

What is to be shown is kept as a list of operations, which become bytes when they are sent (`flush`): while output is stopped, the
settings and the cursor's column may still change. The Tty sends them before anything that is written later.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.termios import ECHO, ECHOCTL, ECHOE, ECHOK, ECHOKE, ECHOPRT, IUTF8, VERASE, VKILL, VWERASE
from cruck.kernel.tty.output import MAX_EXPANSION

if TYPE_CHECKING:
    from cruck.kernel.tty.line_discipline import LineDiscipline
    from cruck.kernel.tty.tty import Tty

PENDING_LIMIT: Final = 4096  # operations; the oldest are lost when the screen is stopped for long
# Operations: 0 to 255 a byte, through OPOST; and
CONTROL: Final = 256  # + byte: shown as ^X
SET_CANON_COLUMN: Final = 512  # a line begins here
MOVE_BACK: Final = 513  # the byte before did not move the cursor
ERASE_TAB: Final = 1024  # + columns (modulo 8) before the tab, | AFTER_TAB
AFTER_TAB: Final = 128
TAB: Final = 9
RUB_OUT: Final = b"\b \b"


def is_control(byte: int) -> bool:
    return byte < 32 or byte == 127


def is_word(byte: int) -> bool:
    """isalnum() of the kernel's Latin-1 table, or an underscore."""
    if byte < 128:
        return 48 <= byte <= 57 or 65 <= byte <= 90 or 97 <= byte <= 122 or byte == 95
    return byte >= 0xC0 and byte != 0xD7 and byte != 0xF7


def is_upper(byte: int) -> bool:
    return 65 <= byte <= 90 or (0xC0 <= byte <= 0xDE and byte != 0xD7)


class Echo:
    tty: "Tty"
    pending: list[int]  # operations not yet sent; at most PENDING_LIMIT
    is_erasing: bool  # between the \ and / of ECHOPRT

    def __init__(self, tty: "Tty") -> None:
        self.tty = tty
        self.pending = []
        self.is_erasing = False

    def clear(self) -> None:
        self.pending.clear()

    def char(self, byte: int) -> None:
        """As typed: control characters as ^X with ECHOCTL."""
        is_shown = is_control(byte) and byte != TAB and self.tty.termios.lflag & ECHOCTL
        self._add(CONTROL + byte if is_shown else byte)

    def raw(self, data: bytes) -> None:
        for byte in data:
            self._add(byte)

    def set_canon_column(self) -> None:
        self._add(SET_CANON_COLUMN)

    def _add(self, operation: int) -> None:
        if len(self.pending) >= PENDING_LIMIT:
            del self.pending[0]
        self.pending.append(operation)

    def flush(self, room: int) -> bytes:
        """Takes operations and returns what they show, at most `room` bytes."""
        output = self.tty.output
        termios = self.tty.termios
        pending = self.pending
        out = bytearray()
        done = 0
        # No operation shows more than a tab does.
        while done < len(pending) and len(out) + MAX_EXPANSION <= room:
            operation = pending[done]
            done += 1
            if operation == 0xFF:
                # Linux's own escape byte: it goes past OPOST.
                out.append(0xFF)
                output.column += 1
            elif operation < CONTROL:
                out += output.process(bytes((operation,)), termios)
            elif operation < SET_CANON_COLUMN:
                out += bytes((94, operation - CONTROL ^ 0o100))
                output.column += 2
            elif operation == SET_CANON_COLUMN:
                output.canon_column = output.column
            elif operation == MOVE_BACK:
                output.column = max(0, output.column - 1)
            else:
                columns = operation - ERASE_TAB
                if not columns & AFTER_TAB:
                    columns += output.canon_column
                width = 8 - (columns & 7)
                out += b"\b" * width
                output.column = max(0, output.column - width)
        del pending[:done]
        return bytes(out)

    def finish_erasing(self) -> None:
        if self.is_erasing:
            self.raw(b"/")
            self.is_erasing = False

    def erase(self, discipline: "LineDiscipline", byte: int) -> None:
        """VERASE, VWERASE or VKILL was typed: takes characters off the current line and off the screen."""
        tty = self.tty
        termios = tty.termios
        lflag = termios.lflag
        buffer = discipline.buffer
        start = discipline.canon_len
        if len(buffer) == start:
            return
        is_erase = byte == termios.cc[VERASE]
        is_werase = not is_erase and byte == termios.cc[VWERASE]
        if not is_erase and not is_werase:
            if not lflag & ECHO:
                discipline.truncate(start)
                return
            if lflag & (ECHOK | ECHOKE | ECHOE) != ECHOK | ECHOKE | ECHOE:
                discipline.truncate(start)
                self.finish_erasing()
                self.char(termios.cc[VKILL])
                if lflag & ECHOK:
                    self.raw(b"\n")
                return
        is_utf8 = termios.iflag & IUTF8 != 0
        seen_word = False
        while len(buffer) > start:
            head = len(buffer) - 1
            while is_utf8 and buffer[head] & 0xC0 == 0x80 and head > start:
                head -= 1
            first = buffer[head]
            if is_utf8 and first & 0xC0 == 0x80:
                break  # a broken character at the line's start is not erased by halves
            if is_werase:
                if is_word(first):
                    seen_word = True
                elif seen_word:
                    break
            rest = bytes(buffer[head + 1 :])
            discipline.truncate(head)
            if lflag & ECHO:
                self._show_erased(discipline, first, rest, is_erase)
            if is_erase:
                break
        if len(buffer) == start and lflag & ECHO:
            self.finish_erasing()

    def _show_erased(self, discipline: "LineDiscipline", first: int, rest: bytes, is_erase: bool) -> None:
        termios = self.tty.termios
        lflag = termios.lflag
        if lflag & ECHOPRT:
            if not self.is_erasing:
                self.raw(b"\\")
                self.is_erasing = True
            self.char(first)
            for byte in rest:
                self._add(byte)
                self._add(MOVE_BACK)
        elif is_erase and not lflag & ECHOE:
            self.char(termios.cc[VERASE])
        elif first == TAB:
            self._erase_tab(discipline)
        else:
            if is_control(first) and lflag & ECHOCTL:
                self.raw(RUB_OUT)
            if not is_control(first) or lflag & ECHOCTL:
                self.raw(RUB_OUT)

    def _erase_tab(self, discipline: "LineDiscipline") -> None:
        """Backs up over a tab: as many columns as the characters before it, since the previous tab or the line's start,
        left of it."""
        termios = self.tty.termios
        is_utf8 = termios.iflag & IUTF8 != 0
        buffer = discipline.buffer
        nr_columns = 0
        is_after_tab = False
        index = len(buffer)
        while index > discipline.canon_len:
            index -= 1
            byte = buffer[index]
            if byte == TAB:
                is_after_tab = True
                break
            if is_control(byte):
                if termios.lflag & ECHOCTL:
                    nr_columns += 2
            elif not (is_utf8 and byte & 0xC0 == 0x80):
                nr_columns += 1
        self._add(ERASE_TAB + (nr_columns & 7) + (AFTER_TAB if is_after_tab else 0))
