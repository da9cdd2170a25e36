# SPDX-License-Identifier: MPL-2.0
"""TcpConnection: the state machine of one TCP connection (RFC 9293, congestion control of RFC 5681 and 6582), sans-IO.

In: segments (`receive`), data (`send`), the room for what was received (`take`), time (`expire` at `deadline_ns`). Out: segments in
`outgoing`, which the caller sends, and `state`, `error`. No clock, no sockets, no addresses. Every acknowledgement is immediate and small
segments are not held back (as with TCP_QUICKACK and TCP_NODELAY). Not here: selective acknowledgements, time stamps, urgent data, keep-alive.
"""

from typing import Final

from cruck.abi.errno import ECONNREFUSED, ECONNRESET, ETIMEDOUT
from cruck.abi.inet import (
    TCP_CLOSE,
    TCP_CLOSE_WAIT,
    TCP_CLOSING,
    TCP_ESTABLISHED,
    TCP_FIN_WAIT1,
    TCP_FIN_WAIT2,
    TCP_LAST_ACK,
    TCP_SYN_RECV,
    TCP_SYN_SENT,
    TCP_TIME_WAIT,
)
from cruck.kernel.net.link.reassembly import Reassembly
from cruck.kernel.net.link.rtt import RetransmitTimeout
from cruck.kernel.net.link.segment import ACK, FIN, NO_OPTION, PSH, RST, SYN, Segment, distance, plus

RECEIVE_BUFFER: Final = 262_144
SEND_BUFFER: Final = 262_144
SCALE: Final = 3  # of the windows we offer
DEFAULT_MSS: Final = 536
FIRST_WINDOW_SEGMENTS: Final = 10
SYN_RETRIES: Final = 6
RETRIES: Final = 15
MOST_PROBE_BACKOFFS: Final = 6
TIME_WAIT_NS: Final = 60_000_000_000
NO_DEADLINE: Final = -1
# States in which data of the peer still comes, and in which ours still goes.
_RECEIVING: Final = (TCP_ESTABLISHED, TCP_FIN_WAIT1, TCP_FIN_WAIT2)
_SENDING: Final = (TCP_ESTABLISHED, TCP_CLOSE_WAIT, TCP_FIN_WAIT1, TCP_CLOSING, TCP_LAST_ACK)


class TcpConnection:
    local_port: int
    peer_port: int
    state: int
    error: int  # errno of a connection that is over
    outgoing: list[Segment]  # to be sent, oldest first
    deadline_ns: int  # when expire() is due; NO_DEADLINE
    # Sending: `unacked` begins at sequence number `una`.
    first_seq: int
    una: int
    next_seq: int
    highest_seq: int  # the end of what was ever sent: more cannot be acknowledged
    unacked: bytearray
    peer_window: int  # bytes
    peer_scale: int
    mss: int
    is_closing: bool  # close() was called: a FIN follows the data
    fin_seq: int  # of our FIN; −1: not sent yet
    congestion_window: int
    slow_start_limit: int
    nr_duplicates: int
    recovery_end: int  # sequence number; −1: not recovering from loss
    timeout: RetransmitTimeout
    timed_seq: int  # the segment whose round trip is measured ends here; −1: none
    timed_ns: int
    # Receiving.
    expected: int  # the next sequence number
    received: bytearray  # in order, not taken
    early: Reassembly
    has_fin: bool  # the peer's FIN has come, and all before it
    offered_end: int  # the window's right edge that the peer knows
    scale: int

    def __init__(self, local_port: int, peer_port: int, first_seq: int, mss: int) -> None:
        self.local_port = local_port
        self.peer_port = peer_port
        self.state = TCP_CLOSE
        self.error = 0
        self.outgoing = []
        self.deadline_ns = NO_DEADLINE
        self.first_seq = self.una = self.next_seq = self.highest_seq = first_seq
        self.unacked = bytearray()
        self.peer_window = 0
        self.peer_scale = self.scale = 0
        self.mss = mss
        self.is_closing = False
        self.fin_seq = self.recovery_end = self.timed_seq = -1
        self.congestion_window = FIRST_WINDOW_SEGMENTS * mss
        self.slow_start_limit = 1 << 30
        self.nr_duplicates = 0
        self.timeout = RetransmitTimeout()
        self.timed_ns = 0
        self.expected = self.offered_end = 0
        self.received = bytearray()
        self.early = Reassembly()
        self.has_fin = False

    # Opening.
    def open_active(self, now_ns: int) -> None:
        self.state = TCP_SYN_SENT
        self._send_syn(SYN, now_ns)

    def open_passive(self, syn: Segment, now_ns: int) -> None:
        """A SYN came for a listener that has room."""
        self.state = TCP_SYN_RECV
        self._learn(syn)
        self._send_syn(SYN | ACK, now_ns)

    def _learn(self, syn: Segment) -> None:
        self.expected = plus(syn.seq, 1)
        self.mss = min(self.mss, syn.mss if syn.mss != NO_OPTION else DEFAULT_MSS)
        self.congestion_window = FIRST_WINDOW_SEGMENTS * self.mss
        if syn.scale != NO_OPTION:
            self.peer_scale, self.scale = syn.scale, SCALE
        self.peer_window = syn.window

    def _send_syn(self, flags: int, now_ns: int) -> None:
        segment = Segment(self.local_port, self.peer_port, self.first_seq, self.expected, flags, min(RECEIVE_BUFFER, 0xFFFF))
        segment.mss = self.mss
        segment.scale = SCALE
        self.outgoing.append(segment)
        if self.next_seq == self.first_seq:
            self.timed_seq, self.timed_ns = plus(self.first_seq, 1), now_ns
        self.next_seq = self.highest_seq = plus(self.first_seq, 1)
        self.offered_end = plus(self.expected, min(RECEIVE_BUFFER, 0xFFFF))
        self.deadline_ns = now_ns + self.timeout.timeout_ns()

    # The user's side.
    def room(self) -> int:
        """Bytes that send() takes."""
        return max(0, SEND_BUFFER - len(self.unacked)) if self.state in (TCP_ESTABLISHED, TCP_CLOSE_WAIT) and not self.is_closing else 0

    def send(self, data: bytes, now_ns: int) -> None:
        """At most room() bytes."""
        assert len(data) <= self.room()
        self.unacked += data
        self._transmit(now_ns)

    def take(self, limit: int, now_ns: int) -> bytes:
        """Received bytes; the peer is told of the room if it matters to it."""
        data = bytes(self.received[:limit])
        del self.received[:limit]
        # Avoid silly windows: tell of two segments or half the buffer (RFC 9293, 3.8.6.2.2).
        gained = distance(self.offered_end, plus(self.expected, self._window()))
        if data and self.state in _RECEIVING and gained >= min(2 * self.mss, RECEIVE_BUFFER // 2):
            self._acknowledge()
        return data

    def close(self, now_ns: int) -> None:
        """No more data follows: a FIN, once all is sent."""
        if self.is_closing:
            return
        self.is_closing = True
        if self.state in (TCP_ESTABLISHED, TCP_SYN_RECV):
            self.state = TCP_FIN_WAIT1
        elif self.state == TCP_CLOSE_WAIT:
            self.state = TCP_LAST_ACK
        elif self.state == TCP_SYN_SENT:
            self._end(0)
            return
        self._transmit(now_ns)

    def abort(self) -> None:
        """RST."""
        if self.state not in (TCP_CLOSE, TCP_TIME_WAIT, TCP_SYN_SENT):
            self.outgoing.append(Segment(self.local_port, self.peer_port, self.highest_seq, self.expected, RST | ACK, 0))
        self._end(ECONNRESET)

    def _end(self, error: int) -> None:
        self.state = TCP_CLOSE
        self.error = error
        self.deadline_ns = NO_DEADLINE
        self.unacked.clear()

    # The network's side.
    def receive(self, segment: Segment, now_ns: int) -> None:
        if self.state == TCP_SYN_SENT:
            self._receive_opening(segment, now_ns)
            return
        if self.state == TCP_CLOSE:
            return
        if not self._is_acceptable(segment):
            if not segment.flags & RST:
                if self.state == TCP_TIME_WAIT:
                    self.deadline_ns = now_ns + TIME_WAIT_NS
                self._acknowledge()
            return
        if segment.flags & RST:
            if segment.seq == self.expected:
                self._end(ECONNREFUSED if self.state == TCP_SYN_RECV else ECONNRESET)
            else:
                self._acknowledge()  # a guess: RFC 5961
            return
        if segment.flags & SYN:
            self._acknowledge()
            return
        if not segment.flags & ACK:
            return
        if self.state == TCP_SYN_RECV and not self._receive_confirmation(segment):
            return
        if distance(self.highest_seq, segment.ack) > 0:
            self._acknowledge()
            return
        self._receive_ack(segment, now_ns)
        if self.state != TCP_CLOSE:
            self._receive_data(segment)
            self._move_on(now_ns)

    def _receive_opening(self, segment: Segment, now_ns: int) -> None:
        """In SYN_SENT."""
        has_ack = segment.flags & ACK != 0
        if has_ack and segment.ack != self.next_seq:
            if not segment.flags & RST:
                self.outgoing.append(Segment(self.local_port, self.peer_port, segment.ack, 0, RST, 0))
            return
        if segment.flags & RST:
            if has_ack:
                self._end(ECONNREFUSED)
            return
        if not segment.flags & SYN:
            return
        self._learn(segment)
        if not has_ack:  # both began at once
            self.state = TCP_SYN_RECV
            self._send_syn(SYN | ACK, now_ns)
            return
        self.una = segment.ack
        self._measure(now_ns)
        self.state = TCP_ESTABLISHED
        self.deadline_ns = NO_DEADLINE
        self.timeout.progress()
        self._acknowledge()

    def _receive_confirmation(self, segment: Segment) -> bool:
        """In SYN_RECV: is our SYN acknowledged?"""
        if segment.ack != self.next_seq:
            self.outgoing.append(Segment(self.local_port, self.peer_port, segment.ack, 0, RST, 0))
            return False
        self.state = TCP_ESTABLISHED
        return True

    def _is_acceptable(self, segment: Segment) -> bool:
        """Does any of it lie in the window (RFC 9293, 3.10.7.4)?"""
        window = max(self._window(), distance(self.expected, self.offered_end), 0)
        start = distance(self.expected, segment.seq)
        length = segment.length()
        if length == 0:
            return start == 0 if window == 0 else 0 <= start < window
        if window == 0:
            return start == 0 and segment.flags & (RST | FIN) != 0 and not segment.payload
        return start < window and start + length > 0

    def _measure(self, now_ns: int) -> None:
        if self.timed_seq >= 0 and distance(self.timed_seq, self.una) >= 0:
            self.timeout.sample(now_ns - self.timed_ns)
            self.timed_seq = -1

    def _receive_ack(self, segment: Segment, now_ns: int) -> None:
        acked = distance(self.una, segment.ack)
        window = segment.window << self.peer_scale
        if acked > 0:
            syn = 1 if self.una == self.first_seq else 0
            count = min(acked - syn, len(self.unacked))
            del self.unacked[:count]
            self.una = segment.ack
            if distance(self.next_seq, self.una) > 0:
                self.next_seq = self.una  # it was to be sent again, and had arrived
            self._measure(now_ns)
            self.timeout.progress()
            self._open_window(count, now_ns)
            self.deadline_ns = now_ns + self.timeout.timeout_ns() if self.una != self.next_seq else NO_DEADLINE
        elif acked == 0 and self.peer_window == 0:
            self.timeout.nr_backoffs = min(self.timeout.nr_backoffs, MOST_PROBE_BACKOFFS)  # it is there, and will have room some day
            if window:
                self.next_seq = self.una  # what probed was refused
        elif acked == 0 and not segment.payload and window == self.peer_window and self.una != self.highest_seq and not segment.flags & FIN:
            self._receive_duplicate()
        if acked >= 0:
            self.peer_window = window

    def _open_window(self, count: int, now_ns: int) -> None:
        self.nr_duplicates = 0
        if self.recovery_end >= 0:
            if distance(self.recovery_end, self.una) < 0:
                self._send_first()  # the next gap: RFC 6582
                self.congestion_window = max(self.mss, self.congestion_window - count + self.mss)
                return
            self.recovery_end = -1
            self.congestion_window = self.slow_start_limit
        elif self.congestion_window < self.slow_start_limit:
            self.congestion_window += min(count, self.mss)
        else:
            self.congestion_window += max(1, self.mss * self.mss // self.congestion_window)

    def _receive_duplicate(self) -> None:
        self.nr_duplicates += 1
        if self.recovery_end >= 0:
            self.congestion_window += self.mss
        elif self.nr_duplicates == 3:
            self._loss()
            self.congestion_window = self.slow_start_limit + 3 * self.mss
            self.recovery_end = self.highest_seq
            self._send_first()

    def _loss(self) -> None:
        in_flight = distance(self.una, self.highest_seq)
        self.slow_start_limit = max(in_flight // 2, 2 * self.mss)
        self.timed_seq = -1

    def _receive_data(self, segment: Segment) -> None:
        if not segment.payload and not segment.flags & FIN:
            return
        if self.state in _RECEIVING and not self.has_fin:
            seq, data = segment.seq, segment.payload
            if segment.flags & FIN:
                self.early.fin = plus(seq, len(data))
            end = self._window() - distance(self.expected, seq)
            data = data[: max(0, end)]
            late = distance(seq, self.expected)
            if late > 0:
                seq, data = self.expected, data[late:]
            if data:
                self.early.add(seq, data)
            found = self.early.take(self.expected)
            self.received += found
            self.expected = plus(self.expected, len(found))
            if self.early.fin >= 0 and self.early.fin == self.expected:
                self.has_fin = True
                self.expected = plus(self.expected, 1)
        self._acknowledge()

    def _move_on(self, now_ns: int) -> None:
        """States after a segment: whose FIN was acknowledged, whose has come."""
        is_fin_acked = self.fin_seq >= 0 and distance(self.fin_seq, self.una) > 0
        if self.has_fin:
            if self.state == TCP_ESTABLISHED:
                self.state = TCP_CLOSE_WAIT
            elif self.state == TCP_FIN_WAIT1:
                self.state = TCP_TIME_WAIT if is_fin_acked else TCP_CLOSING
            elif self.state == TCP_FIN_WAIT2 or self.state == TCP_CLOSING and is_fin_acked:
                self.state = TCP_TIME_WAIT
            elif self.state == TCP_LAST_ACK and is_fin_acked:
                self._end(0)
                return
            if self.state == TCP_TIME_WAIT:
                self.deadline_ns = now_ns + TIME_WAIT_NS
                return
        elif self.state == TCP_FIN_WAIT1 and is_fin_acked:
            self.state = TCP_FIN_WAIT2
        self._transmit(now_ns)

    # Sending.
    def _window(self) -> int:
        return max(0, RECEIVE_BUFFER - len(self.received))

    def _segment(self, seq: int, flags: int, payload: bytes) -> None:
        window = min(self._window() >> self.scale, 0xFFFF)
        # The right edge never moves back.
        window = max(window, -(-max(0, distance(self.expected, self.offered_end)) >> self.scale))
        self.offered_end = plus(self.expected, window << self.scale)
        self.outgoing.append(Segment(self.local_port, self.peer_port, seq, self.expected, flags, min(window, 0xFFFF), payload))

    def _acknowledge(self) -> None:
        # Not next_seq, which goes back after a time-out: the peer would take it for old, and answer, for ever.
        self._segment(self.highest_seq, ACK, b"")

    def _send_first(self) -> None:
        """The oldest unacknowledged segment once more."""
        payload = bytes(self.unacked[: self.mss])
        if payload:
            self._segment(self.una, ACK | PSH, payload)
        elif self.fin_seq >= 0:
            self._segment(self.fin_seq, ACK | FIN, b"")

    def _transmit(self, now_ns: int) -> None:
        """Sends what the windows allow, and the FIN after the last byte."""
        if self.state not in _SENDING:
            return
        while True:
            in_flight = distance(self.una, self.next_seq)
            size = min(len(self.unacked) - in_flight, min(self.peer_window, self.congestion_window) - in_flight, self.mss)
            if size <= 0:
                break
            self._send_at(in_flight, size, now_ns)
        if self.is_closing and in_flight == len(self.unacked) and (self.fin_seq < 0 or self.fin_seq == self.next_seq):
            self.fin_seq = self.next_seq
            self._segment(self.next_seq, ACK | FIN, b"")
            self._sent(1, now_ns)
        if self.una == self.next_seq and self.unacked and self.deadline_ns == NO_DEADLINE:
            self.deadline_ns = now_ns + self.timeout.timeout_ns()  # the peer's window is closed: ask now and then

    def _send_at(self, offset: int, size: int, now_ns: int) -> None:
        if self.timed_seq < 0 and self.next_seq == self.highest_seq:
            self.timed_seq, self.timed_ns = plus(self.next_seq, size), now_ns
        self._segment(self.next_seq, ACK | PSH, bytes(self.unacked[offset : offset + size]))
        self._sent(size, now_ns)

    def _sent(self, count: int, now_ns: int) -> None:
        self.next_seq = plus(self.next_seq, count)
        if distance(self.highest_seq, self.next_seq) > 0:
            self.highest_seq = self.next_seq
        if self.deadline_ns == NO_DEADLINE:
            self.deadline_ns = now_ns + self.timeout.timeout_ns()

    # Time.
    def expire(self, now_ns: int) -> None:
        """To be called when deadline_ns has come; no harm earlier."""
        if self.deadline_ns == NO_DEADLINE or now_ns < self.deadline_ns:
            return
        if self.state == TCP_TIME_WAIT:
            self._end(0)
            return
        is_opening = self.state in (TCP_SYN_SENT, TCP_SYN_RECV)
        if self.timeout.nr_backoffs >= (SYN_RETRIES if is_opening else RETRIES):
            self._end(ETIMEDOUT)
            return
        self.timeout.back_off()
        self.deadline_ns = now_ns + self.timeout.timeout_ns()
        self.timed_seq = -1
        if is_opening:
            self._send_syn(SYN if self.state == TCP_SYN_SENT else SYN | ACK, now_ns)
        elif self.una == self.highest_seq and self.unacked:
            self._send_at(0, 1, now_ns)  # a probe into the closed window
        else:
            self._loss()
            self.congestion_window = self.mss
            self.recovery_end = -1
            self.nr_duplicates = 0
            self.next_seq = self.una
            if self.unacked or self.fin_seq >= 0:
                size = min(len(self.unacked), self.mss if self.peer_window else 1)
                if size:
                    self._send_at(0, size, now_ns)
                else:
                    self._segment(self.fin_seq, ACK | FIN, b"")
                    self._sent(1, now_ns)
