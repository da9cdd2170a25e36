# SPDX-License-Identifier: MPL-2.0
"""A system-call fuzzer on a FakeMachine: random registers through the real trap loop, tens of thousands of calls a minute.

    fuzzer = SyscallFuzzer(seed)
    fuzzer.run(10_000)
    assert not fuzzer.failures

Arguments are drawn by the types the handlers declare (signatures.py): descriptors that exist, pointers good, bad, unaligned and
at the end of a page, lengths at every edge, flags with few bits, paths, structs of random bytes. The same seed makes the same
calls. `python -m cruck.testing.syscall_fuzzer SEED CALLS` runs it by hand. The guest side of the same idea, with real threads
and signals, is tests/fuzz/syscall_fuzzer.c.
"""

import random
import sys
import time
from typing import Final

from cruck.framework.clock import ManualClock
from cruck.framework.hardware import RIP, RSP, STOP_SYSCALL
from cruck.framework.mm.user_memory import UserFault
from cruck.kernel import trap_loop
from cruck.kernel.errors import LinuxError
from cruck.kernel.process.task import BLOCKED, DEAD, Task
from cruck.kernel.syscalls.signatures import SIGNATURES
from cruck.testing.fake_machine import FakeContext, FakeMachine, Spin
from cruck.testing.kernels import DATA, DATA_PAGES, MAP_FIXED, MAP_PRIVATE_ANONYMOUS, STACK_TOP, boot, spawn

PAGE: Final = 4096
DATA_END: Final = DATA + DATA_PAGES * PAGE
PATHS_AT: Final = DATA  # 64 slots of 64 bytes
VECTORS_AT: Final = DATA + PAGE  # iovecs, sockaddrs, msghdrs
SCRATCH_AT: Final = DATA + 2 * PAGE
CALLS_PER_WORLD: Final = 4000
SLOW_SECONDS: Final = 0.5
RARE: Final = frozenset((15, 57, 58, 59, 60, 62, 129, 169, 200, 231, 234, 322, 424))  # they end or multiply processes

PATHS: Final = (
    b"/", b".", b"..", b"", b"a", b"b", b"dir", b"dir/a", b"dir/..", b"/tmp", b"/proc", b"/proc/self", b"/proc/self/fd/3",
    b"/proc/self/maps", b"/proc/self/mem", b"/proc/1/stat", b"/proc/self/exe", b"/proc/sys/kernel/hostname", b"/proc/self/comm",
    b"/proc/self/oom_score_adj", b"/proc/uptime", b"/proc/self/fdinfo/3", b"/proc/self/task", b"/proc/99999", b"/proc/self/uid_map",
    b"/dev/null", b"/dev/zero", b"/dev/full", b"/dev/random", b"/dev/tty", b"/dev/ptmx", b"/dev/pts/0", b"/dev/pts", b"/dev",
    b"link", b"loop", b"fifo", b"sock", b"a/", b"a/b", b"x" * 255, b"y" * 256, b"//", b"./././a", b"\xff\xfe", b"a\nb", b"user.x",
    b"security.x", b"system.posix_acl_access", b"tmpfs", b"proc", b"/proc/self/ns/mnt", b"/proc/self/root/..", b"dir/../dir/a",
    b"/proc/self/cwd", b"/proc/sys/fs/pipe-max-size", b"/proc/self/timerslack_ns", b"/proc/self/limits", b"/proc/self/smaps",
    b"/proc/self/pagemap", b"/proc/self/task/self/stat", b"/proc/mounts", b"/proc/self/auxv", b"/proc/self/environ",
)  # fmt: skip

EDGES: Final = (
    0, 1, 2, 3, 4, 7, 8, 15, 16, 17, 24, 63, 64, 100, 127, 128, 255, 256, 1000, 1023, 1024, 1025, 4095, 4096, 4097, 8192, 65535, 65536,
    0xFFFFF, 0x7FFFF000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF, 1 << 32, (1 << 32) + 1, 1 << 40, 1 << 47, (1 << 62) - 1, (1 << 63) - 1,
    1 << 63, (1 << 64) - 4096, (1 << 64) - 1,
)  # fmt: skip

# What a process has open when the storm begins: a plain call each, (number, arguments).
O_RDWR_CREAT: Final = 0o102
SETUP: Final = (
    (83, (PATHS_AT + 64 * 6, 0o755)),  # mkdir dir
    (2, (PATHS_AT + 64 * 4, O_RDWR_CREAT, 0o644)), (2, (PATHS_AT + 64 * 5, O_RDWR_CREAT, 0o644)),
    (88, (PATHS_AT + 64 * 4, PATHS_AT + 64 * 34)), (88, (PATHS_AT + 64 * 35, PATHS_AT + 64 * 35)),
    (133, (PATHS_AT + 64 * 36, 0o010644, 0)),
    (2, (PATHS_AT, 0o200000, 0)), (2, (PATHS_AT + 64 * 10, 0o200000, 0)), (2, (PATHS_AT + 64 * 13, 0, 0)),
    (2, (PATHS_AT + 64 * 25, 2, 0)), (2, (PATHS_AT + 64 * 26, 2, 0)), (2, (PATHS_AT + 64 * 30, 2, 0)),
    (293, (SCRATCH_AT, 0o4000)), (293, (SCRATCH_AT, 0)),
    (53, (1, 1, 0, SCRATCH_AT)), (53, (1, 0o4002, 0, SCRATCH_AT)), (53, (1, 5, 0, SCRATCH_AT)),
    (41, (1, 1, 0)), (41, (2, 1, 0)), (41, (2, 2, 0)), (41, (10, 1, 0)), (41, (16, 3, 0)),
    (291, (0,)), (291, (0,)), (290, (3, 0o4000)), (290, (0, 1)), (283, (1, 0o4000)), (289, (0xFFFFFFFF, SCRATCH_AT, 8, 0o4000)),
    (294, (0o4000,)), (319, (PATHS_AT + 64 * 4, 2)), (36, (0, SCRATCH_AT)),
)  # fmt: skip


class SyscallFuzzer:
    """Args: seed: of everything random. Attributes: failures: tracebacks of oopses and slow calls; nr_calls."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.failures: list[str] = []
        self.nr_calls = 0
        self.slowest = 0.0
        self.slowest_call = ""
        self.numbers = sorted(SIGNATURES)
        self.new_world()

    def new_world(self) -> None:
        self.kernel = boot(nr_frames=4096)
        self.kernel.pids_limit = 24
        self.spin = 0
        self.nr_oopses = 0

    def run(self, nr_calls: int) -> None:
        """Makes `nr_calls` calls."""
        for index in range(nr_calls):
            if index % CALLS_PER_WORLD == CALLS_PER_WORLD - 1 or self.kernel.is_halted:
                self.new_world()
            task = self.next_task()
            if self.random.random() < 0.3:
                self.refill(task)
            self.call(task, *self.choose_call(task))

    # Tasks.
    def next_task(self) -> Task:
        """A task that is on a CPU; time passes, sleepers are shaken, processes are made until there is one."""
        kernel = self.kernel
        machine = kernel.machine
        clock = kernel.clock
        assert isinstance(machine, FakeMachine) and isinstance(clock, ManualClock)
        for attempt in range(30):
            clock.advance(self.random.choice((1000, 5_000_000, 1_000_000_000)))
            self.guarded(None)
            if machine.running:
                context = self.random.choice(machine.running)
                if self.random.random() < 0.95:
                    for other in machine.running:
                        other.regs[RIP] = self.spin
                        other.regs[RSP] = STACK_TOP - 4096
                task = kernel.tasks[context.tag]
                if self.random.random() < 0.9 or attempt > 5:
                    return task
            elif attempt > 3:
                for task in list(kernel.tasks.values()):
                    kernel.send_signal_process(task.process, self.random.choice((10, 18, 18, 28)))
            if attempt % 8 == 7 or not kernel.tasks:
                self.new_process()
        for task in list(kernel.tasks.values()):
            kernel.exit_group(task.process, 9)
        self.new_process()
        self.guarded(None)
        if not machine.running:
            self.new_world()
            return self.next_task()
        return kernel.tasks[machine.running[0].tag]

    def new_process(self) -> None:
        task = spawn(self.kernel, [Spin()], uid=self.random.choice((0, 0, 1000)), session=self.random.random() < 0.5)
        self.spin = 0x40_0000
        task.context.set_reg(RIP, self.spin)
        self.write(task, PATHS_AT, b"".join(path[:63].ljust(64, b"\0") if len(path) < 64 else b"z" * 64 for path in PATHS[:64]))
        self.refill(task)
        self.kernel.sched.forget(task)
        for nr, args in SETUP:
            if task.state not in (BLOCKED, DEAD) and not self.kernel.is_halted:
                trap_loop.call(self.kernel, task, nr, (tuple(args) + (0,) * 6)[:6])  # type: ignore[arg-type]
                # what return_to_guest started or queued is taken back: the next call of the setup is due
                context = task.context
                assert isinstance(context, FakeContext)
                context.stop()
                self.kernel.sched.stop(task, self.kernel.turn_ns)
                self.kernel.sched.forget(task)
        if task.state not in (BLOCKED, DEAD):
            self.kernel.sched.enqueue(task)

    def write(self, task: Task, addr: int, data: bytes) -> None:
        try:
            task.user.write(addr, data)
        except (UserFault, LinuxError):
            try:
                task.mm.mmap(DATA, DATA_PAGES * PAGE, 3, MAP_PRIVATE_ANONYMOUS | MAP_FIXED, None, 0)
            except LinuxError:
                return

    def refill(self, task: Task) -> None:
        """New bytes where structs and vectors are read from."""
        data = bytearray()
        for _ in range(16):
            kind = self.random.random()
            if kind < 0.4:
                data += self.address().to_bytes(8, "little") + self.edge().to_bytes(8, "little")
            elif kind < 0.5:
                data += bytes((1, 0)) + self.random.choice((b"\0abc", b"sock", b"/tmp/s", b"")).ljust(14, b"\0")
            elif kind < 0.6:
                data += bytes((2, 0, 0, 80, 127, 0, 0, 1)) + bytes(8)
            elif kind < 0.8:
                data += b"".join(self.random.choice(EDGES[:30]).to_bytes(4, "little") for _ in range(4))
            else:
                data += self.random.randbytes(16)
        self.write(task, self.random.choice((VECTORS_AT, SCRATCH_AT, SCRATCH_AT + 256, DATA_END - 256)), bytes(data))

    # Arguments.
    def edge(self) -> int:
        return self.random.choice(EDGES) if self.random.random() < 0.8 else self.random.getrandbits(64)

    def address(self) -> int:
        kind = self.random.random()
        if kind < 0.45:
            return SCRATCH_AT + self.random.choice((0, 0, 0, 8, 64, 256, 257, 1, 4090, 8192))
        if kind < 0.6:
            return VECTORS_AT + self.random.choice((0, 16, 32))
        if kind < 0.65:
            return PATHS_AT + self.random.randrange(64) * 64
        if kind < 0.75:
            return 0
        if kind < 0.85:
            return DATA_END - self.random.choice((0, 1, 2, 4, 7, 8, 12, 16, 24, 100))
        if kind < 0.9:
            return self.random.choice((DATA, STACK_TOP - PAGE, STACK_TOP - 64 * PAGE))
        return self.random.choice((1, PAGE, 0x7FF0_0000_0000 - PAGE, 0x7FF0_0000_0000, 0x7FFF_FFFF_F000, 1 << 47, 1 << 63, (1 << 64) - 1,
                                   (1 << 64) - PAGE, 0xFFFF_8000_0000_0000, self.random.getrandbits(64)))  # fmt: skip

    def argument(self, kind: str) -> int:
        draw = self.random.random()
        if kind in ("UserAddr", "OutBuffer", "InBuffer"):
            return self.address()
        if kind in ("UserPath", "UserString"):
            return PATHS_AT + self.random.randrange(64) * 64 if draw < 0.9 else self.address()
        if kind in ("Fd", "DirFd"):
            if kind == "DirFd" and draw < 0.5:
                return -100 & 0xFFFF_FFFF_FFFF_FFFF
            return self.random.randrange(48) if draw < 0.93 else self.edge()
        if kind == "Pid":
            if draw < 0.6:
                return self.random.choice(sorted(self.kernel.pids))
            return self.random.choice((0, 0, 0xFFFF_FFFF_FFFF_FFFF, 1, -2 & 0xFFFF_FFFF, 1 << 31, 99999))
        if kind == "Signo":
            return self.random.choice((0, 10, 12, 14, 17, 18, 19, 20, 23, 28, 32, 34, 63, 64, 65, -1 & 0xFFFF_FFFF, 9, 11))
        if kind in ("Flags", "OpenFlags", "CInt", "CUInt", "Mode", "ClockId", "ULong", "Long", "Millis"):
            if draw < 0.45:
                return self.random.randrange(12)
            if draw < 0.6:
                return 1 << self.random.randrange(32)
            if draw < 0.75:
                return 1 << self.random.randrange(32) | 1 << self.random.randrange(32) | self.random.randrange(4)
            if draw < 0.8:
                return self.address()
            return self.edge()
        if kind in ("Uid", "Gid"):
            return self.random.choice((0, 1, 1000, 65534, 0xFFFF_FFFF, 0xFFFF_FFFE, 1 << 31))
        if kind == "Size" and draw < 0.5:
            return self.random.choice((0, 1, 4, 8, 16, 24, 32, 64, 88, 100, 128))
        return self.edge()

    def choose_call(self, task: Task) -> tuple[int, tuple[int, int, int, int, int, int]]:
        if self.random.random() < 0.01:
            nr = self.random.choice((self.random.randrange(600), self.random.getrandbits(32), 0x4000_0000, 0xFFFF_FFFF, 335))
        else:
            nr = self.random.choice(self.numbers)
            if nr in RARE and self.random.random() < 0.85:
                nr = self.random.choice(self.numbers)
        kinds = SIGNATURES[nr][1] if nr in SIGNATURES else ("Size",) * 6
        args = [self.argument(kind) for kind in kinds]
        if nr == 16 and self.random.random() < 0.8:  # ioctl: the numbers there are
            args[1] = self.random.choice((0x5400, 0x8900, 0x8000_5400, 0x4004_5400)) + self.random.randrange(0x70)
        elif nr == 72 and self.random.random() < 0.5:
            args[1] = self.random.choice((1024, 1025, 1026, 1030, 1031, 1032, 1033, 1034, 5, 6, 7, 36, 37, 38, 1, 2, 3, 4, 8, 9, 10, 11, 15, 16))
        elif nr in (54, 55) and self.random.random() < 0.8:
            args[1] = self.random.choice((0, 1, 1, 1, 6, 41))
            args[2] = self.random.randrange(80)
        elif nr == 157 and self.random.random() < 0.8:
            args[0] = self.random.randrange(70)
        elif nr == 158:
            args[0] = 0x1000 + self.random.randrange(0x24)
        elif nr == 231 and self.random.random() < 0.5:
            nr = 39
        values = [value & 0xFFFF_FFFF_FFFF_FFFF for value in args] + [self.edge() for _ in range(6 - len(args))]
        return nr, (values[0], values[1], values[2], values[3], values[4], values[5])

    # Calls.
    def call(self, task: Task, nr: int, args: tuple[int, int, int, int, int, int]) -> None:
        context = task.context
        assert isinstance(context, FakeContext)
        context.stop()
        self.nr_calls += 1
        self.guarded((task.tid, STOP_SYSCALL, nr, *args, 0))

    def guarded(self, stop: tuple[int, int, int, int, int, int, int, int, int, int] | None) -> None:
        """One stop, or one turn of the loop; what goes wrong is kept."""
        kernel = self.kernel
        before = time.perf_counter()
        what = "a turn of the trap loop" if stop is None else f"{stop[2]} {trap_loop.syscall_name(stop[2])}{tuple(hex(v) for v in stop[3:9])}"
        try:
            if stop is None:
                trap_loop.turn(kernel, False)
            else:
                trap_loop.handle_stop(kernel, stop[:9])
        except Exception:
            import traceback

            self.failures.append(f"{what}: out of the trap loop\n{traceback.format_exc()}")
            self.new_world()
            return
        seconds = time.perf_counter() - before
        if seconds > self.slowest:
            self.slowest = seconds
            self.slowest_call = what
        if seconds > SLOW_SECONDS:
            self.failures.append(f"{what}: took {seconds:.2f} s")
        if kernel.nr_oopses > self.nr_oopses:
            self.nr_oopses = kernel.nr_oopses
            self.failures.append([line for line in kernel.log.lines if "oops" in line][-1])


def main() -> int:
    """SEED CALLS; prints each failure once by its last lines."""
    import collections
    import resource
    import signal

    seed, nr_calls = int(sys.argv[1]), int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))

    class Hang(BaseException):
        pass

    def hang(signo: int, frame: object) -> None:
        raise Hang

    signal.signal(signal.SIGALRM, hang)
    fuzzer = SyscallFuzzer(seed)
    seen: collections.Counter[str] = collections.Counter()
    done = 0
    started = time.time()
    while fuzzer.nr_calls < nr_calls:
        signal.alarm(20)
        fuzzer.run(500)
        for failure in fuzzer.failures[done:]:
            lines = failure.rstrip().splitlines()
            key = "\n".join((*lines[-3:-1], lines[-1].split(":")[0])) if len(lines) > 3 else failure.split("(")[0]
            seen[key] += 1
            if seen[key] == 1:
                print(failure, flush=True)
                print("-----", flush=True)
        done = len(fuzzer.failures)
    print(f"seed {seed}: {fuzzer.nr_calls} calls in {time.time() - started:.1f} s, {len(fuzzer.failures)} failures, {len(seen)} different; "
          f"slowest {fuzzer.slowest * 1000:.0f} ms: {fuzzer.slowest_call}")
    return 1 if seen else 0


if __name__ == "__main__":
    sys.exit(main())
