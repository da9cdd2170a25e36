# SPDX-License-Identifier: MPL-2.0
"""Which processors kernel and guests use (framework/machine/processors.c)."""

import os
import threading

import pytest

from .conftest import Guest, _machine, soon

pytestmark = pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two processors")

CALLER = "1: mov $110, %eax; syscall; jmp 1b"
LOOP = "1: jmp 1b"
SPIN_NS = 1_000_000


def cpus_of_tasks(guest: Guest) -> list[set[int]]:
    """Affinity of each host task of the guest's stub, the pager first."""
    tasks = sorted(int(name) for name in os.listdir(f"/proc/{guest.space.host_pid}/task"))
    return [os.sched_getaffinity(task) for task in tasks]


def call_once(machine, guest) -> None:
    guest.context.run()
    for _ in range(1000):
        if machine.wait(soon(), SPIN_NS):
            return
    raise AssertionError("no stop")


def settled_calls(machine, guest, nr: int = 200) -> None:
    for _ in range(nr):
        call_once(machine, guest)


def test_a_settled_kernel_and_its_guests_are_apart(machine):
    before = os.sched_getaffinity(0)
    guest = Guest(machine, CALLER)
    machine.settle(True)
    try:
        settled_calls(machine, guest)
        ours = os.sched_getaffinity(0)
        guest.space.map_anon(0x70000000, 4096, 3)
        guest.space.settle()  # an order places the pager
        pager, task = cpus_of_tasks(guest)
        if len(ours) == 1:  # else somebody wanted the processor just now, which is what join() is for
            assert pager == ours and task == before - ours
    finally:
        machine.settle(False)
    assert os.sched_getaffinity(0) == before
    call_once(machine, guest)
    call_once(machine, guest)
    assert cpus_of_tasks(guest)[1] == before


def test_new_tasks_start_where_guests_run(machine):
    guest = Guest(machine, CALLER)
    before = os.sched_getaffinity(0)
    machine.settle(True)
    try:
        settled_calls(machine, guest, 50)
        ours = os.sched_getaffinity(0)
        other = Guest(machine, CALLER)
        call_once(machine, other)
        if len(ours) == 1 and os.sched_getaffinity(0) == ours:
            assert cpus_of_tasks(other)[1] == before - ours
    finally:
        machine.settle(False)


def test_guests_that_compute_get_every_processor(machine):
    before = os.sched_getaffinity(0)
    guests = [Guest(machine, LOOP) for _ in before]
    caller = Guest(machine, CALLER)
    machine.settle(True)
    try:
        settled_calls(machine, caller, 50)
        for guest in guests:
            guest.context.run()
        machine.wait(soon(0.2), SPIN_NS)  # nothing stops: the kernel makes room
        machine.wait(soon(0.1), 0)
        assert os.sched_getaffinity(0) == before
        assert all(cpus_of_tasks(guest)[1] == before for guest in guests)
    finally:
        machine.settle(False)


def test_only_the_thread_that_settled_is_moved(machine):
    guest = Guest(machine, CALLER)
    before = os.sched_getaffinity(0)
    machine.settle(True)
    try:
        settled_calls(machine, guest, 20)
        other = threading.Thread(target=lambda: (machine.settle(False), machine.settle(True)))
        own = os.sched_getaffinity(0)
        other.start()
        other.join()
        assert os.sched_getaffinity(0) == own
    finally:
        machine.settle(False)
        os.sched_setaffinity(0, before)


def test_settling_survives_the_end_of_the_machine():
    from .conftest import MIB, STUB

    before = os.sched_getaffinity(0)
    machine = _machine.Machine(STUB, 16 * MIB, False)
    guest = Guest(machine, CALLER)
    machine.settle(True)
    settled_calls(machine, guest, 20)
    machine.close()
    machine.settle(False)
    assert os.sched_getaffinity(0) == before
