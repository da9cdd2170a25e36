# SPDX-License-Identifier: MPL-2.0
"""When a read in non-canonical mode returns: VMIN and VTIME (termios(3))."""

import pytest

from cruck.abi.fcntl import O_NONBLOCK
from cruck.kernel.errors import WOULD_BLOCK
from cruck.kernel.poll.wait_queue import Waiter, WaitQueue
from cruck.kernel.process.task import WaitRecord
from cruck.kernel.tty.file import TtyFile
from cruck.kernel.tty.tests.world import World, change, make_tty, read, with_cc
from cruck.kernel.tty.tty import Tty

TENTH = 100_000_000


class Bell(Waiter):
    def __init__(self) -> None:
        self.nr_rings = 0

    def notify(self, queue: WaitQueue, events: int) -> bool:
        self.nr_rings += 1
        return True


class Raw:
    def __init__(self) -> None:
        self.world = World()
        self.tty: Tty
        self.tty, _ = make_tty(self.world)
        self.file = TtyFile(self.tty, 2)
        self.task = self.world.task()
        self.world.run_as(self.task)

    def set(self, vmin: int, vtime: int) -> None:
        change(self.tty, iflag=0, lflag=0, cc=with_cc(self.tty.termios, vmin=vmin, vtime=vtime))  # type: ignore[arg-type]

    def begin_call(self) -> None:
        self.task.wait = None

    def read(self, limit: int = 100) -> bytes | int:
        """As the edge does it: a read that would block leaves a record, and the next one is the same call run again."""
        result = read(self.file, limit)
        if result == WOULD_BLOCK:
            if self.task.wait is None:
                self.task.wait = WaitRecord(0, (0, 0, 0, 0, 0, 0))
        else:
            self.task.wait = None
        return result


@pytest.fixture
def raw() -> Raw:
    return Raw()


def test_min_one_returns_what_there_is(raw: Raw) -> None:
    raw.set(1, 0)
    assert raw.read() == WOULD_BLOCK
    raw.tty.receive(b"ab")
    assert raw.read() == b"ab"


def test_min_waits_for_so_many_bytes_but_not_for_more_than_asked(raw: Raw) -> None:
    raw.set(3, 0)
    raw.tty.receive(b"ab")
    assert raw.read() == WOULD_BLOCK
    assert raw.file.poll() & 1 == 0
    assert raw.read(2) == b"ab"
    raw.tty.receive(b"cde")
    assert raw.file.poll() & 1
    assert raw.read() == b"cde"


def test_no_min_and_no_time_never_waits(raw: Raw) -> None:
    raw.set(0, 0)
    assert raw.read() == b""
    raw.tty.receive(b"x")
    assert raw.read() == b"x"


def test_time_without_min_bounds_the_read(raw: Raw) -> None:
    raw.set(0, 5)
    bell = Bell()
    raw.tty.queue.add(bell)
    assert raw.read() == WOULD_BLOCK
    raw.world.fake.advance(4 * TENTH)
    assert raw.read() == WOULD_BLOCK and bell.nr_rings == 0
    raw.world.fake.advance(TENTH)
    assert bell.nr_rings == 1
    assert raw.read() == b""
    assert raw.file.timers == {}


def test_time_without_min_returns_with_the_first_byte(raw: Raw) -> None:
    raw.set(0, 5)
    assert raw.read() == WOULD_BLOCK
    raw.tty.receive(b"x")
    assert raw.read() == b"x"
    assert raw.world.kernel.timers.next_deadline_ns() == -1


def test_time_with_min_is_between_bytes_and_starts_with_the_first(raw: Raw) -> None:
    raw.set(10, 2)
    assert raw.read() == WOULD_BLOCK
    raw.world.fake.advance(100 * TENTH)
    assert raw.read() == WOULD_BLOCK
    raw.tty.receive(b"a")
    assert raw.read() == WOULD_BLOCK
    raw.world.fake.advance(TENTH)
    raw.tty.receive(b"b")
    assert raw.read() == WOULD_BLOCK
    raw.world.fake.advance(TENTH)
    assert raw.read() == WOULD_BLOCK
    raw.world.fake.advance(TENTH)
    assert raw.read() == b"ab"


def test_an_abandoned_read_leaves_no_deadline_to_the_next(raw: Raw) -> None:
    raw.set(0, 5)
    assert raw.read() == WOULD_BLOCK
    raw.world.fake.advance(10 * TENTH)
    raw.begin_call()
    assert raw.read() == WOULD_BLOCK


def test_a_nonblocking_read_below_min_returns_what_there_is(raw: Raw) -> None:
    raw.set(5, 1)
    raw.file.flags |= O_NONBLOCK
    assert raw.read() == WOULD_BLOCK
    raw.tty.receive(b"ab")
    assert raw.read() == b"ab"


def test_a_signal_ends_a_read_below_min_with_what_there_is(raw: Raw) -> None:
    raw.set(5, 0)
    raw.tty.receive(b"ab")
    assert raw.read() == WOULD_BLOCK
    raw.task.pending.bits |= 1 << 9
    assert raw.read() == b"ab"


def test_closing_cancels_deadlines(raw: Raw) -> None:
    raw.set(0, 5)
    raw.file.get()
    assert raw.read() == WOULD_BLOCK
    raw.file.put()
    assert raw.world.kernel.timers.next_deadline_ns() == -1
