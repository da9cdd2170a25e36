# SPDX-License-Identifier: MPL-2.0
"""VmaList: the areas of an address space, sorted, with search by address and for gaps.

Linux keeps a maple tree; here two parallel lists and `bisect` do (an insertion in the middle of 65,530 entries moves 0.5 MB at
worst, some 20 µs). The search for gaps remembers where it stopped, as Linux's `free_area_cache` once did, so that many
small mappings stay linear. Limits, accounting and references are `Mm`'s.
"""

from bisect import bisect_left, bisect_right
from typing import Final

from cruck.kernel.ledger import AREA, Ledger
from cruck.kernel.memory.vma import Vma

STACK_GUARD_GAP: Final = 256 * 4096  # kept free below a growing stack (mm/mmap.c stack_guard_gap)


class VmaList:
    vmas: list[Vma]  # ascending, disjoint
    starts: list[int]  # vmas[i].start
    top: int  # where the default top-down search begins
    # No gap below `top` and above gap_top is larger than gap_size.
    gap_top: int
    gap_size: int

    def __init__(self, top: int, ledger: Ledger) -> None:
        self.vmas = []
        self.ledger = ledger
        self.starts = []
        self.top = self.gap_top = top
        self.gap_size = 0

    def set_top(self, top: int) -> None:
        self.top = self.gap_top = top
        self.gap_size = 0

    def clear(self) -> None:
        self.ledger.used -= AREA * len(self.vmas)
        self.vmas.clear()
        self.starts.clear()

    def find(self, addr: int) -> Vma | None:
        """The area that contains addr."""
        index = bisect_right(self.starts, addr) - 1
        if index >= 0:
            vma = self.vmas[index]
            if addr < vma.end:
                return vma
        return None

    def index_from(self, addr: int) -> int:
        """Index of the first area that ends above addr (may be len(vmas))."""
        index = bisect_right(self.starts, addr) - 1
        if index >= 0 and addr < self.vmas[index].end:
            return index
        return index + 1

    def overlapping(self, start: int, end: int) -> list[Vma]:
        return self.vmas[self.index_from(start) : bisect_left(self.starts, end)]

    def has_overlap(self, start: int, end: int) -> bool:
        return self.index_from(start) < bisect_left(self.starts, end)

    def insert(self, vma: Vma) -> None:
        self.ledger.used += AREA
        index = bisect_left(self.starts, vma.start)
        self.vmas.insert(index, vma)
        self.starts.insert(index, vma.start)

    def remove(self, vma: Vma) -> None:
        index = bisect_left(self.starts, vma.start)
        assert self.vmas[index] is vma
        self.ledger.used -= AREA
        del self.vmas[index]
        del self.starts[index]
        gap_end = self.starts[index] if index < len(self.starts) else self.top
        if gap_end > self.gap_top:
            self.gap_top = min(gap_end, self.top)

    def set_start(self, vma: Vma, start: int) -> None:
        """Moves the lower end of an area within its neighbours."""
        index = bisect_left(self.starts, vma.start)
        assert self.vmas[index] is vma
        if start > vma.start:
            self.gap_top = max(self.gap_top, min(start, self.top))
        self.starts[index] = start
        vma.start = start

    def note_shrunk(self, vma: Vma) -> None:
        """`vma.end` has moved down: the gap behind it grew."""
        index = bisect_left(self.starts, vma.start) + 1
        gap_end = self.starts[index] if index < len(self.starts) else self.top
        if gap_end > self.gap_top:
            self.gap_top = min(gap_end, self.top)

    def find_gap_below(self, length: int, low: int, high: int) -> int:
        """Start of the highest gap of `length` bytes in [low, high), at its upper end; −1 none.
        Keeps the guard gap below growing stacks."""
        if high == self.top and length > self.gap_size and self.gap_top < high:
            start = self._scan_down(length, low, self.gap_top, self.gap_size, True)
            if start >= 0:
                return start
        return self._scan_down(length, low, high, 0, high == self.top)

    def _scan_down(self, length: int, low: int, high: int, gap_size: int, sets_cache: bool) -> int:
        index = bisect_left(self.starts, high)
        if index < len(self.vmas) and self.vmas[index].is_stack():
            high = min(high, self.starts[index] - STACK_GUARD_GAP)
        index -= 1
        while True:
            below = self.vmas[index].end if index >= 0 else 0
            room = high - max(below, low)
            if room >= length:
                if sets_cache:
                    self.gap_top = high
                    self.gap_size = gap_size
                return high - length
            gap_size = max(gap_size, room)
            if index < 0 or below <= low:
                return -1
            vma = self.vmas[index]
            high = min(high, vma.start - STACK_GUARD_GAP if vma.is_stack() else vma.start)
            index -= 1

    def find_gap_above(self, length: int, low: int, high: int) -> int:
        """Start of the lowest gap of `length` bytes in [low, high); −1 none."""
        index = self.index_from(low)
        while low + length <= high:
            if index >= len(self.vmas):
                return low
            vma = self.vmas[index]
            limit = vma.start - STACK_GUARD_GAP if vma.is_stack() else vma.start
            if low + length <= limit:
                return low
            low = max(low, vma.end)
            index += 1
        return -1
