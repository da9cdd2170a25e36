# SPDX-License-Identifier: MPL-2.0
"""Network: a link between kernels of one process, in memory: what happens to a packet on its way. Seeded, so that a run can be repeated.

Kernels that share a network are one piece of state: they are pickled together or not at all.
"""

from typing import TYPE_CHECKING, Final

from cruck.kernel.time.timers import TimerTarget

if TYPE_CHECKING:
    from cruck.kernel.net.link.node import Node

PER_MILLION: Final = 1_000_000


class Arrival(TimerTarget):
    node: "Node"
    data: bytes

    def __init__(self, node: "Node", data: bytes) -> None:
        self.node = node
        self.data = data

    def expire(self, now_ns: int) -> None:
        self.node.receive(self.data, now_ns)


class Network:
    nodes: "dict[bytes, Node]"  # by address (4 bytes)
    delay_ns: int  # one way
    jitter_ns: int  # up to so much more: packets may overtake each other
    loss_per_million: int
    apart: set[tuple[bytes, bytes]]  # (from, to) that hear nothing of each other
    nr_packets: int
    nr_lost: int
    state: int  # of the generator

    def __init__(self, delay_ns: int = 0, jitter_ns: int = 0, loss_per_million: int = 0, seed: int = 1) -> None:
        self.nodes = {}
        self.delay_ns = delay_ns
        self.jitter_ns = jitter_ns
        self.loss_per_million = loss_per_million
        self.apart = set()
        self.nr_packets = self.nr_lost = 0
        self.state = seed & 0xFFFF_FFFF_FFFF_FFFF or 1

    def _chance(self, below: int) -> int:
        """A number in [0, below): xorshift64."""
        state = self.state
        state ^= state << 13 & 0xFFFF_FFFF_FFFF_FFFF
        state ^= state >> 7
        state ^= state << 17 & 0xFFFF_FFFF_FFFF_FFFF
        self.state = state
        return (state >> 11) % below

    def partition(self, first: list[bytes], second: list[bytes]) -> None:
        """Nothing gets from one group to the other from now on, in neither direction."""
        for one in first:
            for other in second:
                self.apart.add((one, other))
                self.apart.add((other, one))

    def heal(self) -> None:
        self.apart.clear()

    def send(self, source: bytes, to: bytes, data: bytes) -> None:
        """A packet goes on its way; what is lost is lost without a word."""
        self.nr_packets += 1
        node = self.nodes.get(to)
        is_lost = self.loss_per_million > 0 and self._chance(PER_MILLION) < self.loss_per_million
        if node is None or is_lost or (source, to) in self.apart:
            self.nr_lost += 1
            return
        delay_ns = self.delay_ns + (self._chance(self.jitter_ns) if self.jitter_ns else 0)
        node.kernel.timers.add(node.kernel.clock.monotonic_ns() + delay_ns, Arrival(node, data))
