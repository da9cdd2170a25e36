# SPDX-License-Identifier: MPL-2.0
"""Two state machines that talk over a line of the test: delay, loss, duplication, reordering, time."""

import random

from cruck.abi.errno import ECONNREFUSED, ECONNRESET, ETIMEDOUT
from cruck.abi.inet import (
    TCP_CLOSE,
    TCP_CLOSE_WAIT,
    TCP_ESTABLISHED,
    TCP_FIN_WAIT2,
    TCP_LAST_ACK,
    TCP_SYN_RECV,
    TCP_SYN_SENT,
    TCP_TIME_WAIT,
)
from cruck.kernel.net.link.connection import RECEIVE_BUFFER, TIME_WAIT_NS, TcpConnection
from cruck.kernel.net.link.segment import ACK, FIN, RST, SYN, Segment, plus

MS = 1_000_000


class Line:
    """Both ends and what is on the way between them. `drops` decides about each segment."""

    def __init__(self, seed: int = 0, loss: float = 0.0, disorder: bool = False, first_seq: int = 0xFFFF_FFF0) -> None:
        self.chance = random.Random(seed)
        self.loss = loss
        self.disorder = disorder
        self.now_ns = 0
        self.a = TcpConnection(1000, 2000, first_seq, 1000)
        self.b = TcpConnection(2000, 1000, 77, 1000)
        self.ends = {id(self.a): self.b, id(self.b): self.a}
        self.way: list[tuple[int, TcpConnection, Segment]] = []
        self.log: list[Segment] = []
        self.nr_lost = 0

    def flush(self) -> None:
        for end in (self.a, self.b):
            outgoing, end.outgoing = end.outgoing, []
            for segment in outgoing:
                self.log.append(segment)
                if self.chance.random() < self.loss:
                    self.nr_lost += 1
                    continue
                delay = 10 * MS + (self.chance.randrange(20 * MS) if self.disorder else 0)
                self.way.append((self.now_ns + delay, self.ends[id(end)], segment))
                if self.disorder and self.chance.random() < 0.05:
                    self.way.append((self.now_ns + 2 * delay, self.ends[id(end)], segment))
        self.way.sort(key=lambda entry: entry[0])

    def step(self) -> bool:
        """The next thing that happens; False: nothing will."""
        self.flush()
        deadlines = [end.deadline_ns for end in (self.a, self.b) if end.deadline_ns >= 0]
        if self.way and (not deadlines or self.way[0][0] <= min(deadlines)):
            self.now_ns, end, segment = self.way.pop(0)
            if end is self.b and end.state == TCP_CLOSE and not end.error and segment.flags & (SYN | ACK) == SYN:
                end.open_passive(segment, self.now_ns)
            else:
                end.receive(segment, self.now_ns)
        elif deadlines:
            self.now_ns = max(self.now_ns, min(deadlines))
            for end in (self.a, self.b):
                end.expire(self.now_ns)
        else:
            return False
        return True

    def settle(self) -> None:
        """Until nothing is on the way."""
        while self.way or self.a.outgoing or self.b.outgoing:
            self.step()

    def open(self) -> "Line":
        self.a.open_active(self.now_ns)
        while self.a.state != TCP_ESTABLISHED or self.b.state != TCP_ESTABLISHED:
            assert self.step()
        return self


def transfer(line: Line, size: int) -> None:
    """Different data both ways at once, whole and in order, then both ends."""
    sent = {id(end): line.chance.randbytes(size) for end in (line.a, line.b)}
    given = dict.fromkeys(sent, 0)
    got = dict.fromkeys(sent, b"")
    for _ in range(200_000):
        for end in (line.a, line.b):
            key = id(end)
            count = min(end.room(), size - given[key], 5000)
            if count:
                end.send(sent[key][given[key] : given[key] + count], line.now_ns)
                given[key] += count
            elif given[key] == size:
                end.close(line.now_ns)
            got[id(line.ends[key])] += end.take(3000, line.now_ns)
        if line.a.state in (TCP_CLOSE, TCP_TIME_WAIT) and line.b.state in (TCP_CLOSE, TCP_TIME_WAIT) and got == sent:
            break
        if not line.step():
            break
    assert (line.a.error, line.b.error) == (0, 0)
    assert got == sent


def test_three_segments_open_it() -> None:
    line = Line().open()
    assert [segment.flags for segment in line.log] == [SYN, SYN | ACK, ACK]
    assert line.log[1].ack == plus(0xFFFF_FFF0, 1) and line.log[0].mss == line.log[1].mss == 1000
    assert not line.step() and line.now_ns < 100 * MS


def test_data_crosses_a_perfect_line() -> None:
    line = Line().open()
    transfer(line, 300_000)
    assert line.now_ns < 3000 * MS


def test_data_crosses_a_bad_line() -> None:
    for seed in range(12):
        line = Line(seed, 0.08, True)
        line.open()
        transfer(line, 60_000)
        assert line.nr_lost > 5


def test_a_lost_segment_is_sent_again_without_waiting() -> None:
    line = Line().open()
    line.a.send(bytes(10_000), line.now_ns)
    line.flush()
    del line.way[1]
    while line.way:
        line.step()
    assert len(line.b.received) == 10_000
    assert line.now_ns < 150 * MS  # a time-out would be 200 ms at least


def test_a_reader_that_sleeps_closes_the_window_and_is_asked_now_and_then() -> None:
    line = Line().open()
    total = RECEIVE_BUFFER + 100_000
    given = taken = 0
    while line.now_ns < 1_000_000 * MS and line.step() or given == 0:
        count = min(line.a.room(), total - given)
        if count:
            line.a.send(bytes(count), line.now_ns)
            given += count
        if line.now_ns > 600_000 * MS:
            break
    assert line.a.state == TCP_ESTABLISHED and len(line.b.received) == RECEIVE_BUFFER
    while taken < total:
        taken += len(line.b.take(50_000, line.now_ns))
        assert line.step()
    assert taken == total


def test_half_close() -> None:
    line = Line().open()
    line.a.close(line.now_ns)
    line.settle()
    assert (line.a.state, line.b.state, line.b.has_fin) == (TCP_FIN_WAIT2, TCP_CLOSE_WAIT, True)
    line.b.send(b"still here", line.now_ns)
    line.b.close(line.now_ns)
    assert line.b.state == TCP_LAST_ACK
    line.settle()
    assert line.a.take(100, line.now_ns) == b"still here"
    assert (line.a.state, line.b.state) == (TCP_TIME_WAIT, TCP_CLOSE)
    before_ns = line.now_ns
    line.step()
    assert line.a.state == TCP_CLOSE and line.now_ns >= before_ns + TIME_WAIT_NS - 100 * MS


def test_both_close_at_once() -> None:
    line = Line().open()
    line.a.close(line.now_ns)
    line.b.close(line.now_ns)
    line.settle()
    assert (line.a.state, line.b.state) == (TCP_TIME_WAIT, TCP_TIME_WAIT)


def test_both_open_at_once() -> None:
    line = Line()
    line.a.open_active(0)
    line.b.open_active(0)
    for _ in range(20):
        if line.a.state == line.b.state == TCP_ESTABLISHED:
            break
        line.step()
    assert line.a.state == line.b.state == TCP_ESTABLISHED
    transfer(line, 5000)


def test_a_reset_ends_it() -> None:
    line = Line().open()
    line.a.abort()
    line.step()
    assert (line.b.state, line.b.error) == (TCP_CLOSE, ECONNRESET)


def test_a_guessed_reset_or_syn_ends_nothing() -> None:
    line = Line().open()
    for flags, shift in ((RST, 1), (RST, 1000), (SYN, 0), (SYN | ACK, 5)):
        line.b.receive(Segment(1000, 2000, plus(line.b.expected, shift), line.b.next_seq, flags, 100), line.now_ns)
        assert line.b.state == TCP_ESTABLISHED
    assert all(segment.flags == ACK for segment in line.b.outgoing)


def test_a_refused_connection() -> None:
    line = Line()
    line.a.open_active(0)
    (syn,) = line.a.outgoing
    line.a.receive(Segment(2000, 1000, 0, plus(syn.seq, 2), RST | ACK, 0), 0)
    assert line.a.state == TCP_SYN_SENT  # not an answer to ours
    line.a.receive(Segment(2000, 1000, 0, plus(syn.seq, 1), RST | ACK, 0), 0)
    assert (line.a.state, line.a.error) == (TCP_CLOSE, ECONNREFUSED)


def test_silence_ends_in_a_time_out() -> None:
    line = Line(loss=1.0)
    line.a.open_active(0)
    while line.step():
        pass
    assert line.a.error == ETIMEDOUT and 60_000 * MS < line.now_ns < 200_000 * MS
    line = Line().open()
    line.a.send(b"into the void", line.now_ns)
    line.loss = 1.0
    while line.step():
        pass
    assert line.a.error == ETIMEDOUT and line.now_ns > 300_000 * MS


def test_a_syn_is_answered_again_if_its_answer_was_lost() -> None:
    line = Line()
    line.a.open_active(0)
    line.step()
    assert line.b.state == TCP_SYN_RECV
    line.b.outgoing.clear()
    while line.a.state != TCP_ESTABLISHED:
        assert line.step()
    assert line.now_ns >= 1000 * MS


def test_any_segment_leaves_the_machine_whole() -> None:
    """Random segments, near and far from the windows: no exception, and what was received stays what was sent."""
    chance = random.Random(4)
    for _ in range(300):
        line = Line(first_seq=chance.randrange(1 << 32)).open()
        for _ in range(40):
            flags = chance.choice((ACK, ACK | FIN, SYN, RST, RST | ACK, FIN, 0, SYN | ACK, 0x3F))
            seq = plus(line.b.expected, chance.choice((0, 0, 1, -1, 500, 100_000, 1 << 31)))
            ack = plus(line.b.una, chance.choice((0, 0, 1, -1, 1000, 1 << 31)))
            line.b.receive(
                Segment(1000, 2000, seq, ack, flags, chance.randrange(65_536), bytes(chance.choice((0, 0, 1, 900)))), line.now_ns
            )
            if line.b.room() > 100:
                line.b.send(bytes(100), line.now_ns)
            line.b.expire(line.now_ns)
            assert len(line.b.received) <= RECEIVE_BUFFER and not any(line.b.received)
