# SPDX-License-Identifier: MPL-2.0
"""python -m benchmarks.profile.handlers [NAME...]: what do the handlers of system calls cost alone, without any stop?

Boots a kernel with a first process that is never run and calls the dispatcher as the trap loop does: microseconds a call, the
best of five rounds. What is left of a row of the microbenchmark is stop, hand-over and scheduling.
"""

import os
import sys
from time import perf_counter_ns

from cruck.framework.hardware import PROT_READ, PROT_WRITE
from cruck.kernel.errors import LinuxError
from cruck.kernel.process.task import Task
from cruck.kernel.syscalls.dispatch_x86_64 import dispatch
from cruck.sandbox.box import Box
from cruck.sandbox.config import RunConfig

READ, WRITE, OPEN, CLOSE, STAT, FSTAT, MMAP, PREAD, GETDENTS, UNLINK, GETPPID, NEWFSTATAT = 0, 1, 2, 3, 4, 5, 9, 17, 217, 87, 110, 262
O_RDWR, O_CREAT, O_EXCL, O_DIRECTORY = 2, 0o100, 0o200, 0o200000
AT_FDCWD = (1 << 64) - 100
ROUNDS, CALLS = 5, 2000
AREA_BYTES = 1 << 20

Step = tuple[int, int, int, int, int]  # call number and four arguments; argument FD stands for the last descriptor returned
FD = -1


class Bench:
    def __init__(self) -> None:
        config = RunConfig(["/bin/true"])
        config.cwd = os.getcwd()
        config.host_environment = dict(os.environ)
        self.box = Box(config, True)
        self.box.start([])
        self.task: Task = self.box.process.leader
        self.area = self.call(MMAP, 0, AREA_BYTES, PROT_READ | PROT_WRITE, 0x22)
        self.task.user.write(self.area, bytes(AREA_BYTES))
        self.next = self.area + AREA_BYTES // 2

    def call(self, nr: int, a: int = 0, b: int = 0, c: int = 0, d: int = 0) -> int:
        try:
            return dispatch(self.task, nr, a, b, c, d, 0, 0)
        except LinuxError as error:
            return -error.errno

    def text(self, path: str) -> int:
        """Its address in the guest."""
        data = os.fsencode(path) + b"\0"
        addr = self.next
        self.task.user.write(addr, data)
        self.next += len(data)
        return addr

    def time_us(self, steps: list[Step]) -> float:
        best = 0.0
        for _ in range(ROUNDS):
            start_ns = perf_counter_ns()
            for _ in range(CALLS):
                fd = 0
                for nr, a, b, c, d in steps:
                    result = self.call(nr, fd if a == FD else a, b, c, d)
                    if nr == OPEN:
                        fd = result
            elapsed = (perf_counter_ns() - start_ns) / CALLS / 1e3
            best = min(best, elapsed) if best else elapsed
        return best


def cases(bench: Bench) -> dict[str, list[Step]]:
    out = bench.area
    system, missing, directory = (bench.text("/usr/include/linux/" + name) for name in ("if_ether.h", "no-such-file", ""))
    temporary, fresh, zero, null = (bench.text(path) for path in ("/tmp/file", "/tmp/fresh", "/dev/zero", "/dev/null"))
    fd = bench.call(OPEN, temporary, O_RDWR | O_CREAT, 0o600)
    bench.call(WRITE, fd, bench.area, 65536)
    zero_fd, null_fd = bench.call(OPEN, zero), bench.call(OPEN, null, O_RDWR)
    close: Step = (CLOSE, FD, 0, 0, 0)
    listing: list[Step] = [(OPEN, directory, O_DIRECTORY, 0, 0), *[(GETDENTS, FD, out, 32768, 0)] * 2, close]
    return {
        "getppid": [(GETPPID, 0, 0, 0, 0)],
        "read_zero": [(READ, zero_fd, out, 1, 0)],
        "write_null": [(WRITE, null_fd, out, 1, 0)],
        "stat": [(STAT, temporary, out, 0, 0)],
        "fstat": [(FSTAT, fd, out, 0, 0)],
        "open_close": [(OPEN, temporary, 0, 0, 0), close],
        "pread_4k": [(PREAD, fd, out, 4096, 4096)],
        "create_delete": [(OPEN, fresh, O_RDWR | O_CREAT | O_EXCL, 0o600, 0), close, (UNLINK, fresh, 0, 0, 0)],
        "system_stat": [(NEWFSTATAT, AT_FDCWD, system, out, 0)],
        "system_stat_missing": [(STAT, missing, out, 0, 0)],
        "system_open_close": [(OPEN, system, 0, 0, 0), close],
        "system_read_file": [(OPEN, system, 0, 0, 0), (FSTAT, FD, out, 0, 0), (READ, FD, out, 65536, 0), close],
        "system_list": listing,
    }


def main(names: list[str]) -> int:
    bench = Bench()
    try:
        for name, steps in cases(bench).items():
            if not names or name in names:
                print(f"{name:20} {bench.time_us(steps):8.2f} µs")
    finally:
        bench.box.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
