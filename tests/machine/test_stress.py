# SPDX-License-Identifier: MPL-2.0
"""No wake-up is lost: many guest threads stop at random times while the kernel spins, sleeps, parks, interrupts and releases.

Every call of a guest thread carries its own count, so a lost or repeated stop shows at once, and a hang as "no stop in
time". CRUCK_STRESS_SECONDS makes it longer than the second it takes in CI.
"""

import os
import random
import threading
import time

import pytest

from .conftest import MIB, RBX, RDI, STUB, Guest, _machine, next_stop, soon

SECONDS = float(os.environ.get("CRUCK_STRESS_SECONDS", "1"))

# rbx counts the calls, r12 is a random number that says how long to spin in between, up to 2^r13 turns.
CALLER = """
1:  imul $1103515245, %r12, %r12
    add $12345, %r12
    mov %r12, %rcx
    shr $16, %rcx
    bzhi %r13, %rcx, %rcx
    inc %rcx
2:  pause
    dec %rcx
    jnz 2b
    inc %rbx
    mov %rbx, %rdi
    mov $110, %eax
    syscall
    jmp 1b
"""
R12, R13 = 3, 2


class Load:
    """One machine with many callers, driven by one thread."""

    def __init__(self, seed: int, nr_spaces: int, nr_contexts: int) -> None:
        self.random = random.Random(seed)
        self.machine = _machine.Machine(STUB, 64 * MIB, False)
        self.guests = [Guest(self.machine, CALLER) for _ in range(nr_spaces)]
        self.counts: dict[int, int] = {}
        self.contexts = {}
        self.nr_stops = 0
        self.failure: BaseException | None = None
        for guest in self.guests:
            guest.context.release()
            for _ in range(nr_contexts):
                self.add(guest)

    def add(self, guest: Guest) -> None:
        context = guest.new_context()
        context.set_reg(R12, self.random.getrandbits(31))
        context.set_reg(R13, self.random.choice((0, 4, 8, 11, 14)))
        self.contexts[context.tag] = context, guest
        self.counts[context.tag] = 0
        context.run()

    def turn(self, stop: tuple[int, ...]) -> None:
        if stop[0] not in self.contexts:
            return  # released after it had stopped
        context, guest = self.contexts[stop[0]]
        if stop[1] == _machine.STOP_SYSCALL:
            self.counts[context.tag] += 1
            assert stop[3] == context.get_reg(RBX) == context.get_reg(RDI) == self.counts[context.tag]
        else:
            assert stop[1] == _machine.STOP_INTERRUPTED, stop
        dice = self.random.random()
        if dice < 0.1:
            context.park()
        if dice < 0.02:
            assert guest.space.map_anon(0x800000, 4096, 3) == 0 and guest.space.unmap(0x800000, 4096) == 0
        if 0.5 < dice < 0.503:
            context.release()
            del self.contexts[context.tag]
            self.add(guest)
            return
        if 0.6 < dice < 0.605:
            time.sleep(self.random.random() / 1000)
        if 0.7 < dice < 0.72:
            other, other_guest = self.random.choice(list(self.contexts.values()))
            other.interrupt()
            if dice < 0.702:  # while it runs: its task may be anywhere
                other.release()
                del self.contexts[other.tag]
                self.add(other_guest)
                if other is context:
                    return
        context.run()

    def drive(self, until: float) -> None:
        try:
            while time.monotonic() < until:
                stops = self.machine.wait(soon(20), self.random.choice((0, 0, 5_000, 50_000, 500_000)))
                self.nr_stops += len(stops)
                assert stops, f"no stop in time although {len(self.contexts)} contexts run"
                for stop in stops:
                    self.turn(stop)
                if self.random.random() < 0.001:
                    self.machine.set_spin(self.random.choice((0, 1_000, 20_000, 200_000)))
        except BaseException as failure:
            self.failure = failure
        finally:
            self.machine.close()


def test_no_stop_is_lost_under_load() -> None:
    loads = [Load(seed, nr_spaces, nr_contexts) for seed, nr_spaces, nr_contexts in ((1, 3, 4), (2, 1, 2))]
    until = time.monotonic() + SECONDS
    threads = [threading.Thread(target=load.drive, args=(until,)) for load in loads]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS + 60)
    for load in loads:
        if load.failure:
            raise load.failure
        assert load.nr_stops > 100


def test_a_lone_caller_never_hangs_between_spinning_and_sleeping() -> None:
    load = Load(3, 1, 1)
    load.drive(time.monotonic() + SECONDS)
    assert load.failure is None and load.nr_stops > 100


def test_what_another_thread_starts_wakes_a_sleeper(machine, guest) -> None:
    """The sleeper has looked before; a context that had its first frame by then rings no more by itself."""
    g = guest(CALLER)
    time.sleep(0.05)
    stops: list[tuple[int, ...]] = []
    sleeper = threading.Thread(target=lambda: stops.extend(machine.wait(soon(10), 0)))
    sleeper.start()
    time.sleep(0.05)
    start = time.monotonic()
    g.context.run()
    sleeper.join(20)
    assert stops and stops[0][0] == g.context.tag and time.monotonic() - start < 5


def test_a_space_that_another_thread_ends_wakes_a_sleeper(machine, guest) -> None:
    g = guest("1: jmp 1b")
    g.context.run()
    stops: list[tuple[int, ...]] = []
    sleeper = threading.Thread(target=lambda: stops.extend(machine.wait(soon(10), 0)))
    sleeper.start()
    time.sleep(0.1)
    g.context.interrupt()
    sleeper.join(20)
    assert stops[0][:2] == (g.context.tag, _machine.STOP_INTERRUPTED)


def test_two_threads_may_wait_at_once(machine, guest) -> None:
    """One that wakes up must not tell the stubs that nobody sleeps."""
    g = guest("mov $500000000, %rcx; 1: dec %rcx; jnz 1b; 2: mov $110, %eax; syscall; jmp 2b")
    g.context.run()
    stops: list[tuple[int, ...]] = []
    sleeper = threading.Thread(target=lambda: stops.extend(machine.wait(soon(20), 0)))
    sleeper.start()
    time.sleep(0.05)
    assert machine.wait(soon(0.05), 0) == []
    start = time.monotonic()
    sleeper.join(30)
    assert stops and stops[0][1] == _machine.STOP_SYSCALL and time.monotonic() - start < 10


def test_a_context_released_while_stopped_unseen_leaves_no_task(machine, guest) -> None:
    g = guest(CALLER)
    for _ in range(20):
        context = g.new_context()
        context.run()
        next_stop(machine, context)  # it is past its first frame
        context.run()
        time.sleep(0.002)  # it has stopped by itself, and sleeps; nobody has looked
        context.release()
    deadline = time.monotonic() + 5
    while len(os.listdir(f"/proc/{g.space.host_pid}/task")) > 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(os.listdir(f"/proc/{g.space.host_pid}/task")) <= 2


def test_a_collection_while_stops_are_taken_may_free_contexts(machine, guest) -> None:
    """Freeing takes the machine's lock: nothing that can start a collection may run under it."""
    import gc

    g = guest(CALLER)
    threshold = gc.get_threshold()
    gc.set_threshold(1, 1, 1)
    try:
        for _ in range(50):
            cycle: list[object] = [g.new_context()]
            cycle.append(cycle)
            del cycle
            assert g.step()[0] == _machine.STOP_SYSCALL
    finally:
        gc.set_threshold(*threshold)


@pytest.mark.parametrize("values", [(1 << 64,), (-(1 << 63) - 1,), (1 << 200,), ("1",), (None,), (1.5,)])
def test_numbers_out_of_range_are_errors(machine, values) -> None:
    segment = _machine.Segment(machine)
    with pytest.raises((ValueError, TypeError)):
        segment.read(values[0], 1)
    with pytest.raises((ValueError, TypeError)):
        _machine.Space(machine).load_u32(values[0])
