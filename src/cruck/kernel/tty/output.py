# SPDX-License-Identifier: MPL-2.0
"""OutputProcessor: what OPOST does to bytes on their way to the screen (Linux n_tty.c do_output_char).

Knows the cursor's column, because tabs and the erasing of tabs need it. Bytes in, bytes out: who sends them, and when, is the
Tty's business.
"""

from typing import Final

from cruck.abi.termios import IUTF8, OCRNL, OLCUC, ONLCR, ONLRET, ONOCR, OPOST, TABDLY, XTABS
from cruck.kernel.tty.termios import Termios

MAX_EXPANSION: Final = 8  # one byte becomes at most a tab of spaces

# iscntrl() of the kernel's ctype table.
CONTROL_BYTES: Final = bytes(range(32)) + b"\x7f"
CONTINUATION_BYTES: Final = bytes(range(0x80, 0xC0))  # of UTF-8
COLUMN_MOVERS: Final = b"\t\b\r\n"
# toupper() of the kernel's Latin-1 table (where 0xDF, the sharp s, is a lower-case letter like the others).
UPPER: Final = bytes(byte - 32 if 97 <= byte <= 122 or (byte >= 0xDF and byte != 0xF7) else byte for byte in range(256))
SPACES: Final = b"        "


class OutputProcessor:
    column: int  # of the cursor, modulo nothing: long lines count on
    canon_column: int  # where the line that is being typed began

    def __init__(self) -> None:
        self.column = 0
        self.canon_column = 0

    def reset(self) -> None:
        self.column = self.canon_column = 0

    def process(self, data: bytes, termios: Termios) -> bytes:
        """What goes to the terminal for `data`; at most MAX_EXPANSION times as long. Cost: O(len(data)), fast for text."""
        oflag = termios.oflag
        if not oflag & OPOST:
            return data
        if oflag & (OLCUC | OCRNL | ONOCR | ONLRET) == 0 and oflag & TABDLY != XTABS:
            return self._process_text(data, termios)
        out = bytearray()
        for byte in data:
            self._put(byte, termios, out)
        return bytes(out)

    def _process_text(self, data: bytes, termios: Termios) -> bytes:
        """The usual settings: at most ONLCR. Only what follows the last line break moves the column."""
        is_onlcr = termios.oflag & ONLCR != 0
        start = data.rfind(b"\n") + 1
        if start and is_onlcr:
            self.column = self.canon_column = 0
            tail = data[start:]
        else:
            # Without ONLCR a line feed keeps the column; then only \r resets it and every byte before counts.
            tail = data
        self._advance(tail, termios)
        return data.replace(b"\n", b"\r\n") if is_onlcr else data

    def _advance(self, text: bytes, termios: Termios) -> None:
        is_utf8 = termios.iflag & IUTF8 != 0
        if text.translate(None, COLUMN_MOVERS) == text:
            ignored = CONTROL_BYTES + CONTINUATION_BYTES if is_utf8 else CONTROL_BYTES
            self.column += len(text.translate(None, ignored))
            return
        for byte in text:
            if byte == 10:
                self.canon_column = self.column
            elif byte == 13:
                self.canon_column = self.column = 0
            elif byte == 9:
                self.column += 8 - (self.column & 7)
            elif byte == 8:
                if self.column > 0:
                    self.column -= 1
            elif byte >= 32 and byte != 127 and not (is_utf8 and byte & 0xC0 == 0x80):
                self.column += 1

    def _put(self, byte: int, termios: Termios, out: bytearray) -> None:
        """do_output_char, every flag considered."""
        oflag = termios.oflag
        if byte == 10:
            if oflag & ONLRET:
                self.column = 0
            if oflag & ONLCR:
                self.canon_column = self.column = 0
                out += b"\r\n"
                return
            self.canon_column = self.column
        elif byte == 13:
            if oflag & ONOCR and self.column == 0:
                return
            if oflag & OCRNL:
                byte = 10
                if oflag & ONLRET:
                    self.canon_column = self.column = 0
            else:
                self.canon_column = self.column = 0
        elif byte == 9:
            width = 8 - (self.column & 7)
            self.column += width
            if oflag & TABDLY == XTABS:
                out += SPACES[:width]
                return
        elif byte == 8:
            if self.column > 0:
                self.column -= 1
        elif byte >= 32 and byte != 127:
            if oflag & OLCUC:
                byte = UPPER[byte]
            if not (termios.iflag & IUTF8 and byte & 0xC0 == 0x80):
                self.column += 1
        out.append(byte)
