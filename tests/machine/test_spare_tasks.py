# SPDX-License-Identifier: MPL-2.0
"""Host tasks of released contexts run later contexts of their space, and nothing of the old one shows."""

import os
import time

from .conftest import CODE, DATA, FS_BASE, R15, RAX, RDI, RIP, _machine, run

# All that a thread can leave behind: registers, vectors, x87 and SSE control, direction flag, segment bases.
SOIL = """
    movq $0x4141414141414141, %rax
    movq %rax, %r15
    movq %rax, %xmm7
    fld1
    movl $0x1f00, (%rdi)
    ldmxcsr (%rdi)
    std
    wrfsbase %rdi
    mov $60, %eax
    syscall
"""
CALL_60 = "1: mov $60, %eax; syscall; jmp 1b"


def tasks(space) -> set[int]:
    return {int(name) for name in os.listdir(f"/proc/{space.host_pid}/task")}


def test_a_task_runs_one_context_after_the_other(guest):
    g = guest(CALL_60)
    first = g.new_context()
    assert run(g.machine, first)[:2] == (_machine.STOP_SYSCALL, 60)
    before = tasks(g.space)
    first.release()
    second = g.new_context()
    assert run(g.machine, second)[:2] == (_machine.STOP_SYSCALL, 60)
    assert tasks(g.space) == before


def test_nothing_of_the_old_context_shows(guest):
    g = guest(SOIL)
    clean = g.new_context()
    fpu, regs = clean.fpu(), [clean.get_reg(index) for index in range(23)]
    first = g.new_context()
    first.set_reg(RDI, DATA)
    assert run(g.machine, first)[:2] == (_machine.STOP_SYSCALL, 60)
    assert first.get_reg(R15) == 0x4141414141414141 and first.fpu() != fpu
    before = tasks(g.space)
    first.release()
    second = g.new_context()
    assert second.fpu() == fpu and [second.get_reg(index) for index in range(23)] == regs
    g.space.write(CODE, bytes.fromhex("0f05"))  # syscall: what the processor has at the first instruction
    assert run(g.machine, second)[:2] == (_machine.STOP_SYSCALL, 0)
    assert second.fpu()[:512] == fpu[:512] and tasks(g.space) == before
    assert second.get_reg(R15) == 0 and second.get_reg(FS_BASE) == 0 and not second.get_reg(18) & 0x400


def test_cpu_time_begins_at_none(guest):
    g = guest("mov $200000000, %ecx; 1: dec %ecx; jnz 1b; " + CALL_60)
    for seen in (True, False):
        first = g.new_context()
        run(g.machine, first)
        used = first.cpu_time_ns if seen else 30_000_000
        assert used > 20_000_000
        first.release()
        second = g.new_context()
        assert second.cpu_time_ns < used / 2
        second.release()


def test_running_and_fresh_contexts_leave_no_spare(guest):
    g = guest("1: jmp 1b")
    for started in (True, False):
        context = g.new_context()
        if started:
            context.run()
            g.machine.wait(time.monotonic_ns() + 20_000_000, 0)
        context.release()
    deadline = time.monotonic() + 5
    while len(tasks(g.space)) > 2 and time.monotonic() < deadline:
        time.sleep(0.001)
    assert len(tasks(g.space)) == 2  # the pager and g.context


def test_few_tasks_wait(guest):
    g = guest(CALL_60)
    contexts = [g.new_context() for _ in range(40)]
    for context in contexts:
        run(g.machine, context)
    for context in contexts:
        context.release()
    deadline = time.monotonic() + 5
    while len(tasks(g.space)) > 18 and time.monotonic() < deadline:
        time.sleep(0.001)
    assert len(tasks(g.space)) == 18  # the pager, g.context and sixteen


def test_the_last_context_takes_them_along(guest):
    """A space without a context has no task but the pager, so that its stub can serve another space."""
    g = guest(CALL_60)
    for context in [g.new_context() for _ in range(5)]:
        run(g.machine, context)
        context.release()
    g.step()
    g.context.release()
    deadline = time.monotonic() + 5
    while len(tasks(g.space)) > 1 and time.monotonic() < deadline:
        time.sleep(0.001)
    pid = g.space.host_pid
    g.space.close()
    assert guest(CALL_60).space.host_pid == pid


def test_a_sibling_that_ends_the_waiting_task_harms_itself(guest):
    """The state word lies in memory that guest code can write: the context ends dead, the machine goes on."""
    # Context numbers 0, 1, 2: the third is the spare. It gets STATE_EXIT and a FUTEX_WAKE.
    wake = "mov $202, %eax; movabs $0x7ff040010000, %rdi; mov $1, %esi; mov $1, %edx; syscall"
    g = guest(f"jmp 2f; {CALL_60}; 2: movabs $0x7ff040010000, %rax; movl $2, (%rax); {wake}")
    first, second = g.new_context(CODE + 2), g.new_context(CODE + 2)
    run(g.machine, first)
    run(g.machine, second)
    second.release()
    first.set_reg(RIP, CODE)
    assert run(g.machine, first)[:2] == (_machine.STOP_SYSCALL, 202)
    third = g.new_context()
    third.run()
    deadline = time.monotonic_ns() + 15_000_000_000
    third.interrupt()
    stops = []
    while not stops and time.monotonic_ns() < deadline:
        stops = [stop for stop in g.machine.wait(time.monotonic_ns() + 100_000_000, 0) if stop[0] == third.tag]
    assert stops[0][1] in (_machine.STOP_DEAD, _machine.STOP_INTERRUPTED, _machine.STOP_SYSCALL)
    other = guest(CALL_60)
    assert other.step()[:2] == (_machine.STOP_SYSCALL, 60)
    assert other.context.get_reg(RAX) != 0
