# SPDX-License-Identifier: MPL-2.0
"""Data that arrives out of order, until the gap before it is filled. Bounded by the caller, who accepts only what fits its window."""

from cruck.kernel.net.link.segment import distance, plus


class Reassembly:
    parts: list[tuple[int, bytes]]  # (sequence number, data) by increasing number; they do not overlap
    fin: int  # the sequence number of a FIN that came early; −1: none

    def __init__(self) -> None:
        self.parts = []
        self.fin = -1

    def add(self, seq: int, data: bytes) -> None:
        """Keeps of `data` what is new."""
        kept: list[tuple[int, bytes]] = []
        for known, part in self.parts:
            if not data:
                kept.append((known, part))
                continue
            before = distance(seq, known)  # bytes of ours in front of the known part
            if before >= len(data):
                kept.append((seq, data))
                kept.append((known, part))
                data = b""
                continue
            if before > 0:
                kept.append((seq, data[:before]))
            kept.append((known, part))
            end = distance(seq, known) + len(part)
            if end > 0:
                data = data[end:] if end < len(data) else b""
                seq = plus(seq, end)
        if data:
            kept.append((seq, data))
        self.parts = kept

    def take(self, next_seq: int) -> bytes:
        """What goes on at `next_seq`, as far as there is no gap; it is forgotten here."""
        found: list[bytes] = []
        while self.parts:
            seq, data = self.parts[0]
            late = distance(seq, next_seq)
            if late < 0:
                break
            del self.parts[0]
            if late < len(data):
                found.append(data[late:])
                next_seq = plus(next_seq, len(data) - late)
        return b"".join(found)
