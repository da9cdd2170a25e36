# SPDX-License-Identifier: MPL-2.0
"""Urgent data (MSG_OOB, tcp(7)) as the receiving end keeps it: one mark in the stream, of which the byte before is "out of band".

The byte stays in the receive queue, at `ahead` bytes from its start. Reads stop at the mark; the next one skips the byte, unless
SO_OOBINLINE makes it a byte as any other. recv(MSG_OOB) copies it once. (Linux: tcp_sock.urg_data, urg_seq; tcp_recv_urg.)
"""

from typing import Final

NONE: Final = -1
TAKEN: Final = 256  # the byte was read, the mark is still there


class Urgent:
    value: int  # the byte, NONE or TAKEN
    ahead: int  # bytes in the queue before it; meaningful unless value is NONE

    def __init__(self) -> None:
        self.value = NONE
        self.ahead = 0

    def arrive(self, value: int, ahead: int) -> None:
        """The last byte of what has just been queued is urgent. An older mark is forgotten: its byte is an ordinary one."""
        self.value = value
        self.ahead = ahead

    def is_waiting(self) -> bool:
        """Is there a byte for recv(MSG_OOB)? POLLPRI."""
        return 0 <= self.value < TAKEN

    def is_at_mark(self) -> bool:
        """SIOCATMARK."""
        return self.value != NONE and self.ahead == 0

    def passed(self, count: int) -> None:
        """`count` bytes have left the queue."""
        if self.value != NONE:
            self.ahead -= count
            if self.ahead < 0:
                self.value = NONE
