# SPDX-License-Identifier: MPL-2.0
"""System calls, faults, exceptions, interrupts: what a stop reports and how a guest goes on."""

import os
import signal
import threading
import time

import pytest

from cruck.framework import vdso_image

from .conftest import (
    CODE,
    CS,
    DATA,
    EFLAGS,
    FS_BASE,
    GS_BASE,
    ORIG_RAX,
    R11,
    RAX,
    RCX,
    RDI,
    RIP,
    RSP,
    SS,
    STACK_TOP,
    _machine,
    assemble,
    next_stop,
    run,
    soon,
)

LOOP_GETPPID = "1: mov $110, %eax\n syscall\n mov %rax, %rbx\n jmp 1b"


def test_syscall_reports_number_and_arguments(guest):
    g = guest("""mov $9, %eax; mov $1, %edi; mov $2, %esi; mov $3, %edx; mov $4, %r10d; mov $5, %r8d; mov $6, %r9d
                 syscall; after: ud2""")
    assert g.step() == (_machine.STOP_SYSCALL, 9, 1, 2, 3, 4, 5, 6)
    c = g.context
    assert c.get_reg(ORIG_RAX) == 9
    assert c.get_reg(RAX) == 2**64 - 38
    rip = c.get_reg(RIP)
    assert rip == CODE + len(
        assemble("""mov $9, %eax; mov $1, %edi; mov $2, %esi; mov $3, %edx; mov $4, %r10d
                                         mov $5, %r8d; mov $6, %r9d; syscall""")
    )
    assert c.get_reg(RCX) == rip and c.get_reg(R11) == c.get_reg(EFLAGS)
    assert (c.get_reg(CS), c.get_reg(SS)) == (0x33, 0x2B)


def test_result_reaches_the_guest(guest):
    g = guest("mov $110, %eax; syscall; mov %rax, %rdi; mov %rcx, %rsi; mov %r11, %rdx; mov $60, %eax; syscall")
    g.step()
    rcx, r11 = g.context.get_reg(RCX), g.context.get_reg(R11)
    g.context.set_result(-2)
    assert g.step()[:5] == (_machine.STOP_SYSCALL, 60, 2**64 - 2, rcx, r11)


def test_registers_can_be_replaced(guest):
    g = guest("mov $39, %eax; syscall; 1: jmp 1b; target: mov $77, %eax; syscall")
    g.step()
    target = CODE + len(assemble("mov $39, %eax; syscall; 1: jmp 1b"))
    values = list(g.context.registers())
    assert len(values) == _machine.NR_REGS
    values[RIP], values[RDI] = target, 1234
    g.context.set_registers(tuple(values))
    assert g.step()[:3] == (_machine.STOP_SYSCALL, 77, 1234)


def test_fresh_context_has_zeroed_registers(guest):
    g = guest("push %rax; pushfq; pop %rbx; mov $1, %eax; syscall")
    g.context.set_reg(RSP, STACK_TOP)
    g.step()
    registers = g.context.registers()
    for index in (0, 1, 2, 3, 4, 7, 8, 9, 12, 13, 14):
        assert registers[index] == 0


def test_segment_bases(guest):
    g = guest("mov %fs:8, %rdi; mov %gs:16, %rsi; mov $5, %eax; syscall; rdfsbase %rdi; mov $6, %eax; syscall")
    g.space.write(DATA, (b"\x11" * 8) + (b"\x22" * 8) + (b"\x33" * 8))
    g.context.set_reg(FS_BASE, DATA)
    g.context.set_reg(GS_BASE, DATA)
    assert g.step()[:4] == (_machine.STOP_SYSCALL, 5, 0x2222222222222222, 0x3333333333333333)
    assert g.step()[:3] == (_machine.STOP_SYSCALL, 6, DATA)
    with pytest.raises(ValueError):
        g.context.set_reg(FS_BASE, 1 << 60)


def test_fault_map_resume(guest):
    g = guest("mov $0x700123, %rax; movb $7, (%rax); mov (%rax), %dil; mov $1, %eax; syscall")
    stop = g.step()
    assert stop[:3] == (_machine.STOP_FAULT, 0x700123, _machine.PROT_WRITE) and stop[4] == 14
    assert g.space.map_anon(0x700000, 4096, 3) == 0
    assert g.step()[:3] == (_machine.STOP_SYSCALL, 1, 7)
    assert g.space.read(0x700123, 1) == b"\x07"


def test_fault_access_kinds(guest):
    g = guest("mov $0x700000, %rax; mov (%rax), %rbx; jmp *%rax")
    assert g.step()[:3] == (_machine.STOP_FAULT, 0x700000, _machine.PROT_READ)
    assert g.space.map_anon(0x700000, 4096, 1) == 0
    assert g.step()[:3] == (_machine.STOP_FAULT, 0x700000, _machine.PROT_EXEC)
    assert g.context.get_reg(ORIG_RAX) == 2**64 - 1


@pytest.mark.parametrize(
    "text, signo, code",
    [
        ("int3", signal.SIGTRAP, 0x80),
        ("xor %edx, %edx; xor %ecx, %ecx; div %ecx", signal.SIGFPE, 1),
        ("ud2", signal.SIGILL, 2),
        ("mov $0x123456789abcdef0, %rax; mov (%rax), %rax", signal.SIGSEGV, 0x80),
        ("hlt", signal.SIGSEGV, 0x80),
        ("pushfq; orl $0x100, (%rsp); popfq; nop", signal.SIGTRAP, 2),
    ],
)
def test_exceptions(guest, text, signo, code):
    stop = guest(text).step()
    assert stop[:3] == (_machine.STOP_EXCEPTION, signo, code)
    if signo == signal.SIGSEGV:
        assert stop[3] == 0 and stop[4] == 13


def test_int80_is_never_executed(guest):
    g = guest("mov $1, %eax; mov $0, %ebx; int $0x80; mov %rax, %rdi; mov $60, %eax; syscall")
    assert g.step()[:2] == (_machine.STOP_SYSCALL, -1)
    g.context.set_result(-38)
    assert g.step()[:3] == (_machine.STOP_SYSCALL, 60, 2**64 - 38)


def test_x32_is_never_executed(guest):
    g = guest("mov $0x40000027, %eax; syscall")
    assert g.step()[:2] == (_machine.STOP_SYSCALL, -1)


def test_vsyscall_acts_as_a_call(guest):
    if "vsyscall" not in open("/proc/self/maps").read():
        pytest.skip("host has no vsyscall page")
    g = guest("mov $0xffffffffff600400, %rax; call *%rax; mov %rax, %rdi; mov $60, %eax; syscall")
    assert g.step()[:2] == (_machine.STOP_SYSCALL, 201)
    g.context.set_result(99)
    assert g.step()[:3] == (_machine.STOP_SYSCALL, 60, 99)


def test_endless_loop_is_interrupted_and_goes_on(guest):
    g = guest("xor %eax, %eax; 1: inc %rax; cmpq $0, 0x500000; je 1b; mov $60, %eax; syscall")
    g.context.run()
    assert g.context.is_running
    assert g.machine.wait(soon(0.02), 0) == []
    g.context.interrupt()
    assert next_stop(g.machine, g.context)[0] == _machine.STOP_INTERRUPTED
    assert not g.context.is_running and g.context.get_reg(ORIG_RAX) == 2**64 - 1
    g.space.write(DATA, b"\x01")
    assert g.step()[:2] == (_machine.STOP_SYSCALL, 60)


def test_stale_interrupts_are_swallowed(guest):
    g = guest(LOOP_GETPPID)
    for _ in range(300):
        g.context.run()
        g.context.interrupt()
        assert next_stop(g.machine, g.context)[0] in (_machine.STOP_INTERRUPTED, _machine.STOP_SYSCALL)
    for _ in range(3):
        stop = g.step()
    assert stop[0] == _machine.STOP_SYSCALL


def test_interrupt_before_the_task_has_started(guest):
    g = guest("1: jmp 1b")
    g.context.run()
    g.context.interrupt()
    assert next_stop(g.machine, g.context)[0] == _machine.STOP_INTERRUPTED
    assert g.context.get_reg(RIP) == CODE


def test_run_twice_is_refused(guest):
    g = guest("1: jmp 1b")
    g.context.run()
    with pytest.raises(RuntimeError):
        g.context.run()
    g.context.release()
    g.context.release()
    with pytest.raises(RuntimeError):
        g.context.run()


def test_two_contexts_in_one_space(guest):
    g = guest("mov $39, %eax; syscall; lock incq 0x500000; mov $60, %eax; syscall")
    contexts = [g.context] + [g.new_context(rsp=STACK_TOP - 4096 * i) for i in (1, 2)]
    for c in contexts:
        c.run()
    seen = {}
    while len(seen) < 3:
        for stop in g.machine.wait(soon(), 0):
            assert stop[1:3] == (_machine.STOP_SYSCALL, 39)
            seen[stop[0]] = True
    for c in contexts:
        c.set_result(0)
        assert run(g.machine, c)[:2] == (_machine.STOP_SYSCALL, 60)
    assert g.space.read(DATA, 8) == (3).to_bytes(8, "little")


def test_released_contexts_numbers_are_used_again(guest):
    g = guest(LOOP_GETPPID)
    for _ in range(40):
        c = g.new_context()
        assert run(g.machine, c)[0] == _machine.STOP_SYSCALL
        c.release()
    assert len(os.listdir(f"/proc/{g.space.host_pid}/task")) < 12
    assert g.step()[0] == _machine.STOP_SYSCALL


def test_wake_and_deadline(machine):
    start = time.monotonic()
    assert machine.wait(time.monotonic_ns() + 20_000_000, 0) == []
    assert 0.015 < time.monotonic() - start < 2
    threading.Timer(0.02, machine.wake).start()
    assert machine.wait(-1, 0) == []
    machine.wake()
    assert machine.wait(-1, 0) == []


def test_watch(machine, tmp_path):
    read, write = os.pipe()
    machine.watch(read, 1, 77)
    assert machine.wait(0, 0) == []
    os.write(write, b"x")
    assert machine.wait(soon(), 0) == [(-1, _machine.STOP_HOST, 77, 1, 0, 0, 0, 0, 0)]
    assert machine.wait(0, 0) == []
    machine.watch(read, 1, 77)
    machine.watch(read, 0, 0)
    assert machine.wait(0, 0) == []
    with open(tmp_path / "file", "w+") as file:
        machine.watch(file.fileno(), 1, -5)
        assert machine.wait(0, 0) == [(-1, _machine.STOP_HOST, -5, 1, 0, 0, 0, 0, 0)]
    os.close(read)
    os.close(write)
    with pytest.raises(OSError):
        machine.watch(9999, 1, 1)


def test_due_python_signal_ends_wait(machine):
    seen = []
    old = signal.signal(signal.SIGALRM, lambda *_: seen.append(1))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        assert machine.wait(soon(), 0) == []
        assert seen == [1]
    finally:
        signal.signal(signal.SIGALRM, old)


def test_park_then_resume(guest):
    g = guest(LOOP_GETPPID)
    g.machine.set_spin(10**9)
    for i in range(5):
        assert g.step()[0] == _machine.STOP_SYSCALL
        g.context.park()
        time.sleep(0.005)
        g.context.set_result(i)


def test_idle_wait_uses_no_cpu(guest):
    g = guest(LOOP_GETPPID)
    g.step()
    time.sleep(0.01)
    used = time.process_time()
    guest_used = g.context.cpu_time_ns
    assert g.machine.wait(time.monotonic_ns() + 300_000_000, 50_000) == []
    assert time.process_time() - used < 0.05
    assert g.context.cpu_time_ns - guest_used < 50_000_000


def test_cpu_time_grows(guest):
    g = guest("1: jmp 1b")
    g.context.run()
    g.machine.wait(soon(0.1), 0)
    g.context.interrupt()
    next_stop(g.machine, g.context)
    assert g.context.cpu_time_ns > 10_000_000


VECTORS = """
    vmovups 0x500000, %ymm3
    vmovups 0x500000, %ymm15
    fld1
    mov $39, %eax; syscall
    vmovups %ymm3, 0x500040
    vmovups %ymm15, 0x500060
    fstpl 0x500080
    mov $60, %eax; syscall
"""


def needs_avx():
    if " avx " not in open("/proc/cpuinfo").read():
        pytest.skip("no AVX")


def test_fpu_state_survives_and_is_copied(guest):
    needs_avx()
    g = guest(VECTORS)
    pattern = bytes(range(32))
    g.space.write(DATA, pattern)
    g.step()
    state = g.context.fpu()
    assert len(state) == _machine.FPU_BYTES and state[160 + 48 : 160 + 64] == pattern[:16]
    sibling = g.new_context(rip=g.context.get_reg(RIP))
    assert sibling.set_fpu(state)
    assert sibling.fpu()[:464] == state[:464]
    for context in (g.context, sibling):
        g.space.zero(DATA + 64, 128)
        assert run(g.machine, context)[:2] == (_machine.STOP_SYSCALL, 60)
        assert g.space.read(DATA + 64, 64) == pattern * 2
        assert g.space.read(DATA + 128, 8) == bytes.fromhex("000000000000f03f")


def test_reset_fpu(guest):
    needs_avx()
    g = guest(VECTORS.replace("fstpl 0x500080", ""))
    g.space.write(DATA, b"\xff" * 32)
    g.step()
    g.context.reset_fpu()
    g.step()
    assert g.space.read(DATA + 64, 64) == bytes(64)


def test_set_fpu_refuses_what_the_host_would(guest):
    g = guest(LOOP_GETPPID)
    g.step()
    good = g.context.fpu()

    def with_bytes(offset, data):
        return good[:offset] + data + good[offset + len(data) :]

    assert g.context.set_fpu(good)
    assert not g.context.set_fpu(good[:-1])
    assert not g.context.set_fpu(with_bytes(24, b"\xff\xff\xff\xff"))  # reserved MXCSR bits
    assert not g.context.set_fpu(with_bytes(464, bytes(4)))  # magic
    assert not g.context.set_fpu(with_bytes(512, b"\xff" * 8))  # unknown features
    assert not g.context.set_fpu(with_bytes(520, b"\x01"))  # compacted format
    assert not g.context.set_fpu(with_bytes(560, b"\x01"))  # reserved header bytes
    assert g.step()[0] == _machine.STOP_SYSCALL


def test_host_vdso_runs_in_the_guest(guest):
    vdso = guest("nop").machine.vdso
    if vdso is None:
        pytest.skip("no vdso")
    entry = vdso_image.symbols(vdso[1], vdso[0])["__vdso_clock_gettime"]
    g = guest(f"mov $1, %edi; mov $0x500000, %esi; movabs ${entry}, %rax; call *%rax; mov $60, %eax; syscall")
    stop = g.step()
    if stop[1] == 60:  # else the host's clock source needs a real call
        seconds = int.from_bytes(g.space.read(DATA, 8), "little")
        assert abs(seconds - time.monotonic()) < 5
