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

from cruck.abi import ioctls
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
SLOW_SECONDS: Final = 2.0  # on the fake machine, whose memory is Python
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


def slot(path: bytes) -> int:
    """The address of a path in a process's memory."""
    return PATHS_AT + 64 * PATHS.index(path)


# What a process has open when the storm begins: a plain call each, (number, arguments).
O_RDWR_CREAT: Final = 0o102
SETUP: Final = (
    (95, (0,)), (83, (slot(b"dir"), 0o777)),  # umask, mkdir dir
    (2, (slot(b"a"), O_RDWR_CREAT, 0o666)), (2, (slot(b"b"), O_RDWR_CREAT, 0o666)),
    (88, (slot(b"a"), slot(b"link"))), (88, (slot(b"loop"), slot(b"loop"))),
    (133, (slot(b"fifo"), 0o010644, 0)),
    (2, (slot(b"/"), 0o200000, 0)), (2, (slot(b"/proc"), 0o200000, 0)), (2, (slot(b"/proc/self/maps"), 0, 0)),
    (2, (slot(b"/dev/null"), 2, 0)), (2, (slot(b"dir"), 0o200000, 0)), (2, (slot(b"/dev/pts/0"), 0o402, 0)),
    (2, (slot(b"/proc/self/comm"), 2, 0)), (2, (slot(b"/proc/self/mem"), 2, 0)), (2, (slot(b"/dev/zero"), 2, 0)), (2, (slot(b"/dev/ptmx"), 2, 0)),
    (293, (SCRATCH_AT, 0o4000)), (293, (SCRATCH_AT, 0)),
    (53, (1, 1, 0, SCRATCH_AT)), (53, (1, 0o4002, 0, SCRATCH_AT)), (53, (1, 5, 0, SCRATCH_AT)),
    (41, (1, 1, 0)), (41, (2, 1, 0)), (41, (2, 2, 0)), (41, (10, 1, 0)), (41, (16, 3, 0)),
    (291, (0,)), (291, (0,)), (290, (3, 0o4000)), (290, (0, 1)), (283, (1, 0o4000)), (289, (0xFFFFFFFF, SCRATCH_AT, 8, 0o4000)),
    (294, (0o4000,)), (434, (1, 0)), (222, (1, 0, SCRATCH_AT)), (319, (slot(b"a"), 2)), (36, (0, SCRATCH_AT)),
)  # fmt: skip

IOCTLS: Final = tuple(sorted(value for value in vars(ioctls).values() if isinstance(value, int)))
DEEP: Final = (9, 10, 11, 16, 16, 16, 25, 28, 46, 47, 54, 55, 56, 72, 202, 233, 257, 275, 316)  # where much is behind one number
P: Final = "path"
A: Final = "address"
F: Final = "fd"
D: Final = -100 & 0xFFFF_FFFF_FFFF_FFFF
SMALL: Final = (0, 1, 2, 3, 8, 16, 24, 64, 100, 128, 4096)
MAP_AT: Final = (0, 0, 0, 0x2000_0000, 0x2000_1000, DATA + 8 * PAGE, DATA_END, DATA_END - PAGE)
LENGTHS: Final = (1, PAGE, PAGE, 2 * PAGE, 5 * PAGE, 1 << 21, 100)
OFFSETS: Final = (0, 0, 1, 100, PAGE, PAGE - 1, 1 << 20, 1 << 31, (1 << 63) - 1, (1 << 62))
BITS: Final = (0, 0, 0, 1, 2, 4, 8)
UDP: Final = (VECTORS_AT, VECTORS_AT + 16, SCRATCH_AT)

# The first descriptor of these calls is mostly of the class they are for.
WANTED: Final = (
    ("Socket", (*range(42, 52), 54, 55, 288, 299, 307)),
    ("EpollFile", (232, 233, 281, 441)),
    ("TimerFile", (286, 287)),
    ("SignalFile", (289, 282)),
    ("InotifyFile", (254, 255)),
    ("PidFile", (424, 438)),
    ("PipeEnd", (275, 276, 278)),
    ("TmpFile", (74, 75, 77, 187, 190, 193, 196, 199, 221, 277, 285, 326)),
    ("TmpDirectoryFile", (78, 217)),
)

# Arguments that come through the first checks, for calls whose arguments are too picky for the types alone.
HINTS: Final[dict[int, tuple[object, ...]]] = {
    9: (MAP_AT, LENGTHS, (0, 1, 3, 3, 7), (0x22, 0x22, 0x21, 0x32, 1, 2, 3, 0x8022, 0x122, 0x20022, 0x100022, 0x4022), F, (0, 0, PAGE, 1)),
    10: (MAP_AT, LENGTHS, (0, 1, 3, 7, 0x1000003)), 11: (MAP_AT, LENGTHS), 12: ((0, 1 << 20, 0x1000_0000),),
    25: (MAP_AT, LENGTHS, LENGTHS, (0, 1, 3, 5, 7), MAP_AT), 26: (MAP_AT, LENGTHS, (1, 2, 4, 6)), 27: (MAP_AT, LENGTHS, A),
    28: (MAP_AT, LENGTHS, tuple(range(26))), 15: (), 7: (A, SMALL, (0, 1, 1000, (1 << 32) - 1)), 13: ((10, 12, 17, 34), A, A, (8,)),
    14: ((0, 1, 2), A, A, (8,)), 17: (F, A, SMALL, OFFSETS), 18: (F, A, SMALL, OFFSETS), 19: (F, UDP, (1, 2, 3, 16)), 20: (F, UDP, (1, 2, 3, 16)),
    0: (F, A, SMALL), 1: (F, A, SMALL), 8: (F, OFFSETS, (0, 1, 2, 3, 4)), 23: (SMALL, A, A, A, A), 34: (), 35: (A, A), 38: ((0, 1, 2), A, A),
    40: (F, F, (0, SCRATCH_AT), SMALL), 42: (F, UDP, (2, 5, 16, 110)), 43: (F, (0, A), (0, SCRATCH_AT)), 44: (F, A, SMALL, BITS, (0, *UDP), (0, 5, 16)),
    45: (F, A, SMALL, (0, 0x40, 2, 0x22, 0x100), (0, SCRATCH_AT), (0, SCRATCH_AT + 64)), 46: (F, UDP, (0, 0x40)), 47: (F, UDP, (0, 0x40, 2)),
    49: (F, UDP, (2, 5, 16, 110)), 50: (F, SMALL), 53: ((1,), (1, 2, 5, 0x801), (0,), A), 54: (F, (0, 1, 6, 41), tuple(range(80)), A, (0, 1, 4, 8, 16)),
    55: (F, (0, 1, 6, 41), tuple(range(80)), A, A), 41: ((1, 2, 10, 16, 17), (1, 2, 3, 5, 0x80002), (0, 0, 6, 17, 1)),
    56: ((0x11, 0x50F00, 0x10F11, 0x4111, 0x3D0F00, 0x1200011, 0x100011, 0x411), (0, STACK_TOP - 8192), A, A, A),
    59: (P, (0, A), (0, A)), 61: ((D | 99, 0, 1), A, (0, 1, 2, 3, 8), A), 72: (F, (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 15, 16, 36, 37, 38, *range(1024, 1040)), (0, 1, 3, A)),
    73: (F, (1, 2, 4, 5, 6, 8)), 76: (P, OFFSETS), 77: (F, OFFSETS), 78: (F, A, (0, 24, 100, 4096)), 217: (F, A, (0, 24, 100, 4096)), 86: (P, P), 84: (P,),
    88: (P, P), 128: (A, A, (0, A), (8,)), 130: (A, (8,)), 144: ((0,), (0, 1, 2, 3, 5), A), 155: (P, P), 161: (P,), 165: (P, P, P, (0, 32, 0x1000, 1, 0x2000), (0, A)),
    166: (P, (0, 1, 2, 8)), 188: (P, P, A, SMALL, (0, 1, 2)), 190: (F, P, A, SMALL, (0, 1, 2)), 191: (P, P, A, SMALL), 193: (F, P, A, SMALL), 197: (P, P), 199: (F, P),
    202: (A, tuple(range(14)) + tuple(range(128, 142)) + (265, 267, 393), (0, 1, 2, 0xFFFFFFFF), (0, A), A, (0, 1, 0xFFFFFFFF)), 222: ((0, 1, 2, 3, 7), (0, A), A),
    223: ((0, 1, 2, 3), (0, 1), A, (0, A)), 224: ((0, 1, 2), A), 225: ((0, 1, 2),), 226: ((0, 1, 2),), 230: ((0, 1, 7), (0, 1), A, A),
    232: (F, A, (1, 2, 100), (0, 1, 100)), 233: (F, (1, 2, 3), F, A), 247: ((0, 1, 2, 3), (0, 1, 2), A, (1, 2, 4, 8, 5, 0x1000004), A), 254: (F, P, (1, 2, 0xFFF, 1 << 24, 0x2000_0002)),
    255: (F, (1, 2, 3)), 257: ((D,), P, (0, 1, 2, 0o102, 0o302, 0o1002, 0o2002, 0o200000, 0o10000000, 0o20200002, 0o4002, 0o40002), (0o644, 0, 0o777)),
    258: ((D,), P, (0o755,)), 259: ((D,), P, (0o10644, 0o100644, 0o140644, 0o20644, 0o60644), (0, 0x103, 0x500)), 260: ((D,), P, (0, 1000), (0, 1000), (0, 0x100, 0x1000)),
    262: ((D, F), P, A, (0, 0x100, 0x1000)), 263: ((D,), P, (0, 0x200)), 264: ((D,), P, (D,), P), 265: ((D,), P, (D,), P, (0, 0x400, 0x1000)), 266: (P, (D,), P), 267: ((D,), P, A, SMALL),
    270: (SMALL, A, A, A, A, (0, A)), 271: (A, SMALL, (0, A), (0, A), (8,)), 275: (F, (0, SCRATCH_AT), F, (0, SCRATCH_AT), SMALL, (0, 1, 2, 3)), 276: (F, F, SMALL, (0, 2)),
    278: (F, UDP, (1, 2), (0, 8)), 280: ((D, F), (0, P), (0, A), (0, 0x100)), 281: (F, A, (1, 2), (0, 10), (0, A), (8,)), 282: (F, A, (8,)), 289: ((D | 99, F), A, (8,), (0, 0o4000)),
    283: ((0, 1, 7), (0, 0o4000)), 285: (F, (0, 1, 2, 3, 8, 16, 32), OFFSETS, OFFSETS), 286: (F, (0, 1, 3), A, A), 288: (F, (0, A), (0, SCRATCH_AT), (0, 0o4000)), 293: (A, (0, 0o4000, 0o40000)),
    295: (F, UDP, (1, 3), OFFSETS, (0,)), 296: (F, UDP, (1, 3), OFFSETS, (0,)), 299: (F, UDP, (1, 2, 3), (0, 0x40), (0, A)), 307: (F, UDP, (1, 2, 3), (0, 0x40)), 302: ((0,), tuple(range(17)), (0, A), (0, A)),
    303: ((D,), P, A, A, (0, 0x400)), 304: ((D,), A, (0, 2)), 310: ((0, A), UDP, (1, 2), UDP, (1, 2), (0,)), 311: ((0, A), UDP, (1, 2), UDP, (1, 2), (0,)), 314: ((0,), A, (0,)), 315: ((0,), A, (48, 56, 4096), (0,)),
    316: ((D,), P, (D,), P, (0, 1, 2, 3)), 318: (A, SMALL, (0, 1, 2)), 319: (P, (0, 1, 2, 3, 4, 8, 16)), 322: ((D, F), P, (0, A), (0, A), (0, 0x1000)), 324: ((0, 1, 2, 4, 8, 16, 32, 64, 128), (0,), (0,)),
    326: (F, (0, SCRATCH_AT), F, (0, SCRATCH_AT), SMALL, (0,)), 327: (F, UDP, (1, 3), (*OFFSETS, D | 99), (0,), (0, 2, 8, 16)), 328: (F, UDP, (1, 3), (*OFFSETS, D | 99), (0,), (0, 2, 4, 8, 16)),
    329: (MAP_AT, LENGTHS, (0, 1, 3), (0, 1, D | 99)), 332: ((D, F), (P, 0), (0, 0x1000, 0x100, 0x2000), (0xFFF, 0x7FF), A), 424: (F, (0, 10, 17), (0, A), (0,)), 434: ((1, 2, 3), (0, 0o4000)),
    435: (A, (64, 72, 80, 88, 104)), 436: ((30, 40, 3), (1000, 0xFFFFFFFF, 35), (0, 2, 4)), 437: ((D,), P, A, (24, 32, 4096)), 438: (F, F, (0,)), 439: ((D,), P, (0, 4), (0, 0x200)),
    101: ((0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 14, 15, 16, 16, 16, 17, 24, 24, 30, 31, 32, *range(0x4200, 0x420F), 0x4206, 0x4206, 0x4207),
          tuple(range(2, 26)), (0, 0, 1, 2, 8, 0x202, A), (0, 0, 5, 9, 19, 0x1000FF, A)),
    251: ((1, 2, 3), (0, 2, 3), (0, 0x4000, 0x6000, 0x2003)), 252: ((1, 2, 3), (0, 2, 3)),
    272: ((0x2000_0000, 0x1000_0000, 0x4000000, 0x8000000, 0x20000, 0x40000000, 0x2000000, 0x400, 0x200, 0x3002_0000),), 308: (F, (0, 0x20000, 0x10000000)),
    317: ((0, 1, 1, 1, 2, 3), (0, 1, 2, 16), A), 428: ((D, F), P, (0, 1, 0x8001, 0x1000, 0x1001)), 429: ((D, F), P, (D, F), P, (0, 4, 0x44, 0x10)),
    430: (P, (0, 1)), 431: (F, tuple(range(9)), (0, P), (0, P), (0,)), 432: (F, (0, 1), (0, 1, 2, 0x10)), 433: ((D,), P, (0, 1, 8)),
    441: (F, A, (1, 2), (0, A), (0, A), (8,)), 442: ((D, F), P, (0, 0x8000, 0x1000), A, (32, 40)), 449: (A, (1, 2, 128), (0,), (0, A), (0, 1)), 452: ((D,), P, (0o644,), (0, 0x100)),
}  # fmt: skip


class SyscallFuzzer:
    """Args: seed: of everything random. Attributes: failures: tracebacks of oopses and slow calls; nr_calls."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.wanted = ""  # part of the class name of the files that the next call is for
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
        root = self.kernel.namespace.root.root.inode
        assert root is not None
        root.mode |= 0o777

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
                if self.random.random() < 0.98:
                    for other in machine.running:
                        other.regs[RIP] = self.spin
                        other.regs[RSP] = STACK_TOP - 4096
                task = kernel.contexts[context.tag]
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
        return kernel.contexts[machine.running[0].tag]

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
            return self.descriptor()
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

    def descriptor(self) -> int:
        """Of the task that is about to call; of the class its call wants; or any number."""
        draw = self.random.random()
        if draw < 0.8:
            fds = self.task.files.open_fds()
            if draw < 0.5 and self.wanted:
                fds = [fd for fd in fds if self.wanted in type(self.task.files.lookup(fd)).__name__] or fds
            if fds:
                return self.random.choice(fds)
        return self.random.randrange(48) if draw < 0.97 else self.edge()

    def hinted(self, hint: object) -> int:
        if isinstance(hint, tuple):
            return self.hinted(self.random.choice(hint))
        if isinstance(hint, int):
            return hint
        return self.argument("UserPath" if hint == P else "Fd" if hint == F else "UserAddr")

    def choose_call(self, task: Task) -> tuple[int, tuple[int, int, int, int, int, int]]:
        if self.random.random() < 0.01:
            nr = self.random.choice((self.random.randrange(600), self.random.getrandbits(32), 0x4000_0000, 0xFFFF_FFFF, 335))
        else:
            nr = self.random.choice(self.numbers) if self.random.random() < 0.85 else self.random.choice(DEEP)
            if nr in RARE and self.random.random() < 0.85:
                nr = self.random.choice(self.numbers)
        self.task = task
        self.wanted = ""
        for name, numbers in WANTED:
            if nr in numbers:
                self.wanted = name
        if nr in (16, 72):
            self.wanted = self.random.choice(("Tty", "Pty", "Pty", "Pipe", "Socket", "Tmp", "Inotify"))
        kinds = SIGNATURES[nr][1] if nr in SIGNATURES else ("Size",) * 6
        args = [self.argument(kind) for kind in kinds]
        hints = HINTS.get(nr)
        if hints is not None and self.random.random() < 0.75:
            for index, hint in enumerate(hints):
                if self.random.random() < 0.93:
                    args[index] = self.hinted(hint)
        if nr == 16 and self.random.random() < 0.8:  # ioctl: the numbers there are
            args[1] = self.random.choice(IOCTLS)
            if self.random.random() < 0.7:
                args[2] = self.address()
        elif nr == 72 and self.random.random() < 0.5:
            args[1] = self.random.choice(
                (1024, 1025, 1026, 1030, 1031, 1032, 1033, 1034, 5, 6, 7, 36, 37, 38, 1, 2, 3, 4, 8, 9, 10, 11, 15, 16)
            )
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
        self.guarded((context.tag, STOP_SYSCALL, nr, *args, 0))

    def guarded(self, stop: tuple[int, int, int, int, int, int, int, int, int, int] | None) -> None:
        """One stop, or one turn of the loop; what goes wrong is kept."""
        kernel = self.kernel
        before = time.thread_time()  # of the CPU: the machine may be busy with others
        what = (
            "a turn of the trap loop" if stop is None else f"{stop[2]} {trap_loop.syscall_name(stop[2])}{tuple(hex(v) for v in stop[3:9])}"
        )
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
        seconds = time.thread_time() - before
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
    print(
        f"seed {seed}: {fuzzer.nr_calls} calls in {time.time() - started:.1f} s, {len(fuzzer.failures)} failures, {len(seen)} different; "
        f"slowest {fuzzer.slowest * 1000:.0f} ms: {fuzzer.slowest_call}"
    )
    return 1 if seen else 0


if __name__ == "__main__":
    sys.exit(main())
