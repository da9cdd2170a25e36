# SPDX-License-Identifier: MPL-2.0
"""LinkRelay: carries bytes between a socket of the guest and a TcpConnection, whose segments it sends and whose time it keeps.

As in the gateway's relay, the kernel's own TCP has a far end that no program has; so a guest cannot tell a connection over a link from
one over loopback but by its time.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import ECONNRESET, ETIMEDOUT
from cruck.abi.inet import TCP_CLOSE, TCP_SYN_RECV, TCP_SYN_SENT
from cruck.abi.socket import AF_INET
from cruck.framework.mm.user_memory import BytesReader
from cruck.kernel.net.inet import address as addresses
from cruck.kernel.net.inet.tcp import TcpSocket
from cruck.kernel.net.link.connection import NO_DEADLINE, TcpConnection
from cruck.kernel.net.link.segment import Segment
from cruck.kernel.net.socket import SHUT_WR
from cruck.kernel.poll.wait_queue import ALL_EVENTS, Waiter, WaitQueue
from cruck.kernel.time.timers import Timer, TimerTarget

if TYPE_CHECKING:
    from cruck.kernel.net.link.node import Node

CHUNK: Final = 65_536


class LinkTimer(TimerTarget):
    relay: "LinkRelay"

    def __init__(self, relay: "LinkRelay") -> None:
        self.relay = relay

    def expire(self, now_ns: int) -> None:
        self.relay.expire(now_ns)


class LinkRelay(Waiter):
    node: "Node"
    peer: bytes  # its address, 4 bytes
    connection: TcpConnection
    near: TcpSocket | None  # the guest's end while the connection is opened
    far: TcpSocket | None  # our end of the guest's connection
    is_fin_passed: bool  # the peer's end of file was told to the guest
    is_busy: bool
    timer: Timer | None
    timer_ns: int  # when it is due

    def __init__(self, node: "Node", peer: bytes, connection: TcpConnection) -> None:
        self.node = node
        self.peer = peer
        self.connection = connection
        self.near = None
        self.far = None
        self.is_fin_passed = self.is_busy = False
        self.timer = None
        self.timer_ns = NO_DEADLINE
        node.relays[(connection.local_port, peer, connection.peer_port)] = self

    def dial(self, near: TcpSocket) -> None:
        self.near = near
        near.queue.add(self, ALL_EVENTS)
        self.connection.open_active(self._now_ns())
        self._send()

    def answer(self, syn: Segment, now_ns: int) -> None:
        """A SYN for a listener of the guest that has room."""
        self.connection.open_passive(syn, now_ns)
        self._send()

    def receive(self, segment: Segment, now_ns: int) -> None:
        self.connection.receive(segment, now_ns)
        self.move()

    def expire(self, now_ns: int) -> None:
        self.timer = None
        self.connection.expire(now_ns)
        self.move()

    def notify(self, queue: WaitQueue, events: int) -> bool:
        if not self.is_busy:
            self.move()
        return False

    def _now_ns(self) -> int:
        return self.node.kernel.clock.monotonic_ns()

    def move(self) -> None:
        """Does what has become possible on either side."""
        self.is_busy = True
        now_ns = self._now_ns()
        near = self.near
        if near is not None:
            self._open(near)
        elif self.far is None and self.connection.state not in (TCP_SYN_RECV, TCP_CLOSE):
            self._offer()
        far = self.far
        if far is not None and far.state != TCP_SYN_SENT:
            self._carry(far, now_ns)
        self._send()
        self.is_busy = False

    def _open(self, near: TcpSocket) -> None:
        connection = self.connection
        if connection.state == TCP_SYN_SENT and near.state == TCP_SYN_SENT:
            return
        self.near = None
        near.queue.remove(self)
        if near.state != TCP_SYN_SENT:
            connection.abort()  # the guest has given up
        elif connection.state == TCP_CLOSE:
            near.fail_connect(connection.error or ETIMEDOUT)
        else:
            far = near.establish_remote()
            far.queue.add(self, ALL_EVENTS)
            self.far = far

    def _offer(self) -> None:
        """The peer's connection stands: to the accept queue."""
        connection = self.connection
        listener = self.node.find_listener(connection.local_port, connection.peer_port)
        if listener is None:
            connection.abort()
            return
        far = TcpSocket(self.node.stack, self.node.kernel, AF_INET, 0, 0)
        far.become_remote(addresses.MAPPED + self.peer, connection.peer_port, self.node.stack.own_address, connection.local_port)
        far.connect_inward(listener)
        far.queue.add(self, ALL_EVENTS)
        self.far = far

    def _carry(self, far: TcpSocket, now_ns: int) -> None:
        connection = self.connection
        while True:
            room = connection.room()
            data = far.take_chunk(min(room, CHUNK)) if room else b""
            if data:
                connection.send(data, now_ns)
            came = b""
            peer = far.peer
            if connection.received and peer is not None:
                room = far.room()
                if room:
                    came = connection.take(min(room, CHUNK), now_ns)
                    far.push(BytesReader(came), peer)
            if not data and not came:
                break
        if connection.has_fin and not connection.received and not self.is_fin_passed:
            self.is_fin_passed = True
            far.shutdown(SHUT_WR)
        if far.state == TCP_CLOSE and far.error or connection.received and far.peer is None:
            connection.abort()  # the guest has reset, or will not read what came
        elif connection.state == TCP_CLOSE and connection.error:
            guest = far.peer
            if guest is not None:
                far.reset()
                if connection.error != ECONNRESET:
                    guest.error = connection.error
        elif (far.has_fin or far.state == TCP_CLOSE) and not far.nr_queued:
            connection.close(now_ns)

    def _send(self) -> None:
        """What the connection has to say, and when it wants to be asked again."""
        connection = self.connection
        outgoing, connection.outgoing = connection.outgoing, []
        for segment in outgoing:
            self.node.send_segment(self.peer, segment)
        timers = self.node.kernel.timers
        if self.timer is not None and self.timer_ns != connection.deadline_ns:
            timers.cancel(self.timer)
            self.timer = None
        if self.timer is None and connection.deadline_ns != NO_DEADLINE:
            self.timer_ns = connection.deadline_ns
            self.timer = timers.add(connection.deadline_ns, LinkTimer(self))
        if connection.state == TCP_CLOSE:
            self.node.relays.pop((connection.local_port, self.peer, connection.peer_port), None)
            if self.far is not None:
                self.far.queue.remove(self)
