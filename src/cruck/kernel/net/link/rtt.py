# SPDX-License-Identifier: MPL-2.0
"""The retransmission time-out (RFC 6298): smoothed round trip, its variation, exponential back-off. Nanoseconds."""

from typing import Final

FIRST_NS: Final = 1_000_000_000
LEAST_NS: Final = 200_000_000  # Linux's TCP_RTO_MIN
MOST_NS: Final = 120_000_000_000


class RetransmitTimeout:
    smoothed_ns: int  # −1: no sample yet
    variation_ns: int
    base_ns: int  # without back-off
    nr_backoffs: int

    def __init__(self) -> None:
        self.smoothed_ns = -1
        self.variation_ns = 0
        self.base_ns = FIRST_NS
        self.nr_backoffs = 0

    def sample(self, round_trip_ns: int) -> None:
        """A segment that was sent once was acknowledged after that time (Karn: never of one that was sent again)."""
        if self.smoothed_ns < 0:
            self.smoothed_ns = round_trip_ns
            self.variation_ns = round_trip_ns // 2
        else:
            self.variation_ns += (abs(self.smoothed_ns - round_trip_ns) - self.variation_ns) // 4
            self.smoothed_ns += (round_trip_ns - self.smoothed_ns) // 8
        self.base_ns = min(MOST_NS, max(LEAST_NS, self.smoothed_ns + 4 * self.variation_ns))

    def back_off(self) -> None:
        self.nr_backoffs += 1

    def progress(self) -> None:
        """Something new was acknowledged."""
        self.nr_backoffs = 0

    def timeout_ns(self) -> int:
        return min(MOST_NS, self.base_ns << min(self.nr_backoffs, 10))
