# SPDX-License-Identifier: MPL-2.0
"""The host processes: they are hidden, they end with us, and hostile guests harm nobody else."""

import os
import pathlib
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest

import cruck

from .conftest import CODE, DATA, MIB, STUB, Guest, _machine, alive, assemble, next_stop, soon

STUB_BASE = _machine.USER_END
CONTEXTS = 0x7FF040000000
MACHINE_PAGE = 0x7FF000200000
LOOP = "1: mov $110, %eax\n syscall\n jmp 1b"


def processes(machine, *spaces):
    features = machine.features
    pids = [features["warden_pid"], features["shield_pid"], *(s.host_pid for s in spaces)]
    return [pid for pid in pids if pid]


def gone(pids, seconds=5.0):
    end = time.monotonic() + seconds
    while any(alive(pid) for pid in pids):
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


def in_session_of(warden):
    """All processes that descend from a machine's warden: guests cannot leave its session."""
    found = set()
    for entry in os.listdir("/proc"):
        try:
            if entry.isdigit() and os.getsid(int(entry)) == warden and alive(int(entry)):
                found.add(int(entry))
        except ProcessLookupError:
            pass
    return found


def test_killed_stub_is_reported_once_per_context(guest):
    g = guest("1: jmp 1b")
    second = g.new_context()
    g.context.run()
    second.run()
    os.kill(g.space.host_pid, signal.SIGKILL)
    dead = []
    while len(dead) < 2:
        dead += g.machine.wait(soon(), 0)
    assert {s[0] for s in dead} == {g.context.tag, second.tag} and {s[1] for s in dead} == {_machine.STOP_DEAD}
    assert g.machine.wait(0, 0) == [] and g.space.is_dead
    assert g.space.map_anon(0x900000, 4096, 3) == -3 and g.space.unmap(DATA, 4096) == -3
    with pytest.raises(OSError):
        _machine.Context(g.space)
    other = guest(LOOP)
    assert other.step()[0] == _machine.STOP_SYSCALL


def test_killed_pool_stub_is_not_handed_out(machine):
    spaces = [_machine.Space(machine) for _ in range(3)]
    pids = [s.host_pid for s in spaces]
    for s in spaces:
        s.close()
    for pid in pids:
        if alive(pid):
            os.kill(pid, signal.SIGKILL)
    assert gone(pids)
    machine.wait(0, 0)
    g = Guest(machine, LOOP)
    assert g.step()[0] == _machine.STOP_SYSCALL


@pytest.mark.parametrize("hidden", [False, True])
def test_close_leaves_no_process(hidden):
    machine = _machine.Machine(STUB, 16 * MIB, hidden)
    guests = [Guest(machine, "1: jmp 1b") for _ in range(3)]
    for g in guests:
        g.context.run()
    pids = processes(machine, *(g.space for g in guests))
    assert all(alive(pid) for pid in pids)
    machine.close()
    machine.close()
    assert not any(os.path.exists(f"/proc/{pid}") for pid in pids)
    assert guests[0].space.map_anon(DATA, 4096, 3) == -3 and guests[0].space.read(DATA, 1) == b""
    assert machine.wait(-1, 0) == []
    with pytest.raises(OSError):
        _machine.Space(machine)


def test_dropping_all_references_ends_the_processes():
    machine = _machine.Machine(STUB, 16 * MIB, False)
    g = Guest(machine, LOOP)
    pids = processes(machine, g.space)
    del g, machine
    assert not any(os.path.exists(f"/proc/{pid}") for pid in pids)


def child_python(code, **options):
    source = pathlib.Path(cruck.__file__).parent.parent
    tests = pathlib.Path(__file__).parent.parent.parent
    environment = {**os.environ, "PYTHONPATH": f"{source}:{tests}", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True, env=environment, **options)


SETUP = """
    import os, signal, sys, time, errno, threading
    from tests.machine.conftest import *
    from tests.machine.conftest import _machine
"""


@pytest.mark.parametrize("hidden", [False, True])
@pytest.mark.parametrize("forked_copy", [False, True])
def test_killed_kernel_leaves_no_stub(hidden, forked_copy):
    child = child_python(
        SETUP
        + f"""
    machine = _machine.Machine(STUB, 16 * MIB, {hidden})
    guest = Guest(machine, "1: jmp 1b")
    guest.context.run()
    print(machine.features["warden_pid"], machine.features["shield_pid"], guest.space.host_pid, flush=True)
    if {forked_copy} and os.fork() == 0:
        os.close(1)
        time.sleep(30)          # holds copies of all descriptors of the kernel process
        os._exit(0)
    time.sleep(30)
    """
    )
    pids = [int(word) for word in child.stdout.readline().split() if word != "0"]
    assert len(pids) == 2 + hidden and all(alive(pid) for pid in pids)
    time.sleep(0.05)
    others = [int(p) for p in pathlib.Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text().split()]
    child.kill()
    child.wait()
    try:
        assert gone(pids)
    finally:
        for pid in set(others) - set(pids):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass


def test_hidden_machine_is_invisible_to_the_host_program():
    child = child_python(
        SETUP
        + """
    assemble("mov $110, %eax; syscall; 1: jmp 1b")       # cached: gcc is a child, too
    seen = []
    signal.signal(signal.SIGCHLD, lambda *a: seen.append(a))
    directory = os.getcwd()
    machine = _machine.Machine(STUB, 16 * MIB, True)
    def no_child():
        try:
            os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return True
    assert no_child()
    guest = Guest(machine, "mov $110, %eax; syscall; 1: jmp 1b")
    assert guest.step()[0] == 1
    os.kill(guest.space.host_pid, signal.SIGKILL)
    guest.context.run()
    assert no_child()
    try:
        os.wait()
    except ChildProcessError:
        pass
    machine.close()
    assert no_child() and not seen and os.getcwd() == directory
    print("fine")
    """
    )
    assert child.communicate(timeout=20)[0] == "fine\n"


def test_shield_keeps_no_descriptor_of_the_host_program():
    read, write = os.pipe()
    machine = _machine.Machine(STUB, 16 * MIB, True)
    os.close(write)
    assert os.read(read, 1) == b""
    os.close(read)
    machine.close()


def test_host_state_is_untouched():
    def state():
        with open("/proc/self/status") as file:
            return [line for line in file if line.startswith(("SigBlk", "SigIgn", "SigCgt", "Umask", "NoNewPrivs", "Seccomp"))]

    import resource

    limits = [resource.getrlimit(i) for i in range(16)]
    before, directory = state(), os.getcwd()
    machine = _machine.Machine(STUB, 16 * MIB, False)
    Guest(machine, LOOP).step()
    machine.close()
    assert (state(), os.getcwd()) == (before, directory) and [resource.getrlimit(i) for i in range(16)] == limits


def test_no_descriptor_leaks():
    def once(hidden):
        machine = _machine.Machine(STUB, 16 * MIB, hidden)
        Guest(machine, LOOP).step()
        machine.close()

    once(False)
    before = sorted(os.listdir("/proc/self/fd"))
    for i in range(4):
        once(i % 2 == 0)
    assert sorted(os.listdir("/proc/self/fd")) == before


def test_forked_copy_is_refused():
    machine = _machine.Machine(STUB, 16 * MIB, False)
    g = Guest(machine, LOOP)
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            g.space.read(CODE, 1)
        except RuntimeError:
            status = 0
        finally:
            del g, machine
            os._exit(status)
    assert os.waitpid(pid, 0)[1] == 0
    assert g.step()[0] == _machine.STOP_SYSCALL
    machine.close()


def test_non_main_thread():
    result = []

    def body():
        machine = _machine.Machine(STUB, 16 * MIB, True)
        result.append((machine, Guest(machine, LOOP)))

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    machine, g = result[0]
    time.sleep(0.05)  # the creating thread has ended: nothing may be tied to it
    assert [g.step()[0] for _ in range(3)] == [_machine.STOP_SYSCALL] * 3
    machine.close()


def test_two_machines_in_one_process():
    machines = [_machine.Machine(STUB, 16 * MIB, i == 1) for i in range(2)]
    guests = [Guest(m, LOOP) for m in machines]
    for g in guests * 3:
        assert g.step()[0] == _machine.STOP_SYSCALL
    with pytest.raises(ValueError):
        guests[0].space.clone_range(guests[1].space, 0, 4096, False)
    machines[0].close()
    assert guests[1].step()[0] == _machine.STOP_SYSCALL
    machines[1].close()


def syscall_sites():
    """Addresses of all `syscall` instructions of the stub's text."""
    text = pathlib.Path(os.fsdecode(STUB)).read_bytes()[:0xF000]
    return [STUB_BASE + i for i in range(len(text) - 1) if text[i : i + 2] == b"\x0f\x05"]


HOSTILE_CALLS = {
    "mmap": "mov $9, %eax; xor %edi, %edi; mov $4096, %esi; mov $7, %edx; mov $0x22, %r10d; mov $-1, %r8; xor %r9d, %r9d",
    "munmap": "mov $11, %eax; mov $0x500000, %edi; mov $4096, %esi",
    "exit_group": "mov $231, %eax; xor %edi, %edi",
    "fork": "mov $56, %eax; mov $17, %edi; xor %esi, %esi; xor %edx, %edx; xor %r10d, %r10d",
    "write to the socket": "mov $1, %eax; xor %edi, %edi; mov $0x500000, %esi; mov $1, %edx",
    "recvmsg": "mov $47, %eax; xor %edi, %edi; mov $0x500000, %esi; xor %edx, %edx",
    "kill": "mov $62, %eax; mov $-1, %rdi; mov $9, %esi",
    "futex requeue": "mov $202, %eax; mov $0x500000, %edi; mov $3, %esi",
    "prctl": "mov $157, %eax; mov $59, %edi; xor %esi, %esi; xor %edx, %edx; xor %r10d, %r10d; xor %r8d, %r8d",
    "open": "mov $2, %eax; mov $0x500000, %edi; xor %esi, %esi; xor %edx, %edx",
    "affinity of another": f"mov $203, %eax; mov ${os.getpid()}, %edi; mov $128, %esi; movabs ${MACHINE_PAGE + 24}, %rdx",
    "affinity of its choice": "mov $203, %eax; xor %edi, %edi; mov $128, %esi; mov $0x500000, %edx",
    "exit": "mov $60, %eax; xor %edi, %edi",
    "ring the doorbell": "mov $1, %eax; mov $3, %edi; mov $0x500000, %esi; mov $8, %edx",
}


@pytest.mark.parametrize("name", HOSTILE_CALLS)
def test_jumps_into_the_stub_gain_nothing(machine, name):
    affinity = os.sched_getaffinity(0)
    bystander = Guest(machine, LOOP)
    assert bystander.step()[0] == _machine.STOP_SYSCALL
    for site in syscall_sites()[:40:3]:
        g = Guest(machine, HOSTILE_CALLS[name] + f"; movabs ${site}, %rbx; jmp *%rbx")
        g.space.write(DATA, b"\xfe" + b"\xff" * 7)  # would fill the doorbell's counter
        g.context.run()
        machine.wait(time.monotonic_ns() + 3_000_000, 0)
        assert g.space.is_dead or g.space.read(DATA, 2) == b"\xfe\xff"
        g.space.close()
    assert os.sched_getaffinity(0) == affinity
    for _ in range(3):
        assert bystander.step()[0] == _machine.STOP_SYSCALL
    assert len(in_session_of(machine.features["warden_pid"])) <= 2 + machine.nr_stubs + 1  # one may be coming


def test_mmap_from_stub_text_kills_only_that_space(machine):
    bystander = Guest(machine, LOOP)
    g = Guest(machine, HOSTILE_CALLS["mmap"] + f"; movabs ${syscall_sites()[-1]}, %rbx; jmp *%rbx")
    assert g.step()[0] == _machine.STOP_DEAD
    assert g.space.is_dead and bystander.step()[0] == _machine.STOP_SYSCALL


@pytest.mark.parametrize("value", ["$-1", "$0", "$0x4141414141414141", "%rcx"])
def test_garbage_in_context_areas_kills_only_that_space(machine, value):
    bystander = Guest(machine, LOOP)
    text = f"""
        movabs ${CONTEXTS}, %rdx
    1:  lea 0x10000(%rdx), %rsi
        mov %rdx, %rdi
    2:  mov {value}, %rax
        mov %rax, (%rdi)
        rdtsc
        mov %rax, %rcx
        movabs ${CONTEXTS}, %rdx
        add $8, %rdi
        cmp %rsi, %rdi
        jb 2b
        jmp 1b
    other:
        mov $110, %eax
        syscall
        jmp other
    """
    g = Guest(machine, text)
    code = assemble(text)
    other = g.new_context(rip=CODE + code.index(b"\xb8\x6e\0\0\0"))
    other.run()
    g.context.run()
    end = time.monotonic() + 1.0
    while time.monotonic() < end and not g.space.is_dead:
        for stop in machine.wait(time.monotonic_ns() + 1_000_000, 0):
            if stop[1] != _machine.STOP_DEAD:
                context = other if stop[0] == other.tag else g.context
                context.registers()
                context.fpu()
                context.run()
        assert bystander.step()[0] == _machine.STOP_SYSCALL
    g.space.close()
    assert bystander.step()[0] == _machine.STOP_SYSCALL


def test_guest_with_masked_signals_is_killed(machine):
    """A forged frame masks all signals; then the guest loops."""
    bystander = Guest(machine, LOOP)
    text = """
        mov %rsp, %rdi; mov $0x600, %ecx; xor %eax, %eax; sub $0x600, %rdi; mov %rdi, %rsp; mov %rdi, %rbp; rep stosb
        movq $spin, 168(%rbp); mov $0x60f000, %rax; mov %rax, 160(%rbp); movq $0x202, 176(%rbp)
        movw $0x33, 184(%rbp); movw $0x2b, 190(%rbp); movq $-1, 296(%rbp)
        mov $15, %eax; movabs $%SITE%, %rbx; jmp *%rbx
        spin: jmp spin
    """.replace("%SITE%", str(syscall_sites()[-1]))
    g = Guest(machine, text)
    g.context.run()
    machine.wait(time.monotonic_ns() + 50_000_000, 0)
    assert not g.space.is_dead
    g.context.interrupt()
    assert next_stop(machine, g.context)[0] in (_machine.STOP_DEAD, _machine.STOP_INTERRUPTED)
    assert bystander.step()[0] == _machine.STOP_SYSCALL


def test_shared_read_only_pages_cannot_be_written(machine):
    for address in (0x7FF000200000, 0x7FF000201000, 0x7FF000300000, STUB_BASE):
        g = Guest(machine, f"movabs ${address}, %rax; movl $1, (%rax)")
        assert g.step()[:3] == (_machine.STOP_FAULT, address, _machine.PROT_WRITE)


def test_reused_stub_is_clean_after_a_hostile_guest(machine):
    """The previous guest filled its scratch page and context areas; nothing of it is seen by the next."""
    first = Guest(machine, "movabs $0x7ff000202800, %rdi; mov $64, %ecx; mov $0x53, %al; rep stosb; mov $1, %eax; syscall")
    first.step()
    pid = first.space.host_pid
    first.space.close()
    for _ in range(6):
        g = Guest(machine, "movabs $0x7ff000202800, %rsi; mov (%rsi), %rdi; mov $1, %eax; syscall")
        assert g.step()[:3] == (_machine.STOP_SYSCALL, 1, 0)
        if g.space.host_pid == pid:
            break


def test_many_contexts(machine):
    g = Guest(machine, LOOP)
    contexts = [g.new_context() for _ in range(200)]
    for c in contexts:
        c.run()
    seen = set()
    while len(seen) < 200:
        stops = machine.wait(soon(), 0)
        assert stops
        seen |= {s[0] for s in stops}
    g.space.close()


def test_process_limit_is_an_oserror():
    if os.getuid() == 0:
        pytest.skip("root has no process limit")
    child = child_python(
        SETUP
        + """
    import resource
    machine = _machine.Machine(STUB, 16 * MIB, False)
    guest = Guest(machine, "nop")
    hard = resource.getrlimit(resource.RLIMIT_NPROC)[1]
    resource.prlimit(guest.space.host_pid, resource.RLIMIT_NPROC, (1, hard))
    try:
        guest.new_context()
    except OSError as error:
        assert error.errno == errno.EAGAIN and "clone" in str(error), error
        print("fine")
    """
    )
    assert child.communicate(timeout=20)[0] == "fine\n"


DENIED = [135, 101, 310, 311, 323, 321, 298, 250, 248, 249, 272, 308, 165]  # as Docker's default profile does


@pytest.mark.skipif(os.environ.get("CRUCK_UNDER_FILTER") == "1", reason="we are the inner run")
def test_whole_suite_under_dockers_filter(tmp_path):
    """Runs these tests once more with the calls that Docker denies answered by EPERM, clone(CLONE_NEW*) included."""
    import struct

    def op(code, k, jt=0, jf=0):
        return struct.pack("HBBI", code, jt, jf, k)

    program = op(0x20, 4) + op(0x15, 0xC000003E, 1, 0) + op(0x06, 0x7FFF0000) + op(0x20, 0)
    for nr in DENIED:
        program += op(0x15, nr, 0, 1) + op(0x06, 0x00050001)
    program += op(0x15, 56, 0, 3) + op(0x20, 16) + op(0x45, 0x7E020000, 0, 1) + op(0x06, 0x00050001) + op(0x06, 0x7FFF0000)
    launcher = tmp_path / "launcher.py"
    launcher.write_text(
        textwrap.dedent(f"""
        import ctypes, os, sys
        libc = ctypes.CDLL(None, use_errno=True)
        program = bytes.fromhex("{program.hex()}")
        class Fprog(ctypes.Structure):
            _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.c_char_p)]
        fprog = Fprog(len(program) // 8, program)
        assert libc.prctl(38, 1, 0, 0, 0) == 0
        assert libc.prctl(22, 2, ctypes.byref(fprog), 0, 0) == 0, ctypes.get_errno()
        assert libc.personality(0xffffffff) == -1
        os.execv(sys.executable, [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *sys.argv[1:]])
    """)
    )
    result = subprocess.run(
        [sys.executable, str(launcher), str(pathlib.Path(__file__).parent)],
        text=True,
        capture_output=True,
        env={**os.environ, "CRUCK_UNDER_FILTER": "1"},
    )
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-1000:]
