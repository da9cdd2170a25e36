# SPDX-License-Identifier: MPL-2.0
"""The rows: what is measured, in which unit, and what it must reach. The only list of them."""

from dataclasses import dataclass

NS, US, MS = 1.0, 1e3, 1e6


@dataclass(frozen=True)
class Row:
    key: str
    group: str  # of micro's groups, or "programs", "startup", "memory"
    title: str
    unit: str
    scale: float  # one unit, in what is recorded (nanoseconds; requests a second; bytes)
    reach: float | None = None  # in units: at most this (at least, if more_is_better)
    aim: float | None = None
    reach_ratio: float | None = None  # × native, at most
    more_is_better: bool = False

    def ratio(self, value: float, native: float) -> float:
        """How many times as costly as native; ≤ 1 is as good or better."""
        return native / value if self.more_is_better else value / native

    def is_reached(self, value: float, native: float | None) -> bool | None:
        """`value` in units; None if the row has no bar or the bar is a ratio and there is no native figure."""
        if self.reach_ratio is not None:
            return self.ratio(value, native) <= self.reach_ratio if native else None
        if self.reach is None:
            return None
        return value >= self.reach if self.more_is_better else value <= self.reach

    def bar(self) -> str:
        """The bar as text: '≤ 5'."""
        if self.reach_ratio is not None:
            return f"≤ {self.reach_ratio:g} ×"
        if self.reach is None:
            return ""
        return f"{'≥' if self.more_is_better else '≤'} {self.reach:g}"


ROWS = (
    Row("getppid", "calls", "getppid", "µs", US, 5, 1.5),
    Row("read_zero", "calls", "read 1 byte of /dev/zero", "µs", US, 7, 2.5),
    Row("write_null", "calls", "write 1 byte to /dev/null", "µs", US, 7, 2),
    Row("clock_gettime", "calls", "clock_gettime", "ns", NS, reach_ratio=1.2),
    Row("clock_gettime_call", "calls", "clock_gettime as a system call", "µs", US),
    Row("stat", "files", "stat", "µs", US, 8, 4),
    Row("open_close", "files", "open + close", "µs", US, 20, 8),
    Row("pread_4k", "files", "4 KiB pread of a cached file", "µs", US, 6, 2),
    Row("fstat", "files", "fstat", "µs", US),
    Row("create_delete", "files", "create + delete a file in /tmp", "µs", US, 45, 20),
    Row("create_delete_10k", "files", "the same with 10 KiB written", "µs", US),
    Row("file_write", "files", "64 KiB pwrite to a file in /tmp", "µs", US),
    Row("file_read", "files", "64 KiB pread of a file in /tmp", "µs", US),
    Row("system_stat", "files", "stat below /usr", "µs", US),
    Row("system_stat_missing", "files", "stat of a missing name below /usr", "µs", US),
    Row("system_open_close", "files", "open + close below /usr", "µs", US),
    Row("system_read_file", "files", "open, fstat, read, close below /usr", "µs", US),
    Row("system_list", "files", "list /usr/include/linux", "µs", US),
    Row("pipe_round_trip", "ipc", "pipe round trip", "µs", US, 50, 20),
    Row("unix_round_trip", "ipc", "AF_UNIX round trip", "µs", US, 60, 25),
    Row("tcp_round_trip", "ipc", "TCP round trip on loopback", "µs", US),
    Row("pipe_64k", "ipc", "64 KiB through a pipe", "µs", US),
    Row("unix_64k", "ipc", "64 KiB through AF_UNIX", "µs", US),
    Row("tcp_64k", "ipc", "64 KiB through TCP on loopback", "µs", US),
    Row("futex_ping_pong", "threads", "futex ping-pong of two threads", "µs", US, 40, 15),
    Row("thread_create_join", "threads", "thread create + join", "µs", US, 150, 70),
    Row("signal_self", "signals", "signal to self, handled", "µs", US, 30, 10),
    Row("sigaction", "signals", "sigaction", "µs", US),
    Row("first_touch", "memory", "first touch of a page", "µs", US, 3, 2.6),
    Row("map_touch_64k", "memory", "mmap, touch, munmap of 64 KiB", "µs", US),
    Row("fork_exit_wait", "processes", "fork + exit + wait", "ms", MS, 1.5, 0.8),
    Row("fork_exec_wait", "processes", "fork + exec + wait, static", "ms", MS, 3.5, 1.5),
    Row("integer_loop", "compute", "integer loop, 1000 steps", "µs", US, reach_ratio=1.02),
    Row("memcpy", "compute", "memcpy of 64 KiB", "µs", US, reach_ratio=1.02),
    Row("true", "startup", "`true` from outside, whole process", "ms", MS, 100, 60),
    Row("warm_true", "startup", "one more sandbox in a warm process, `true`", "ms", MS, 10, 5),
    Row("py_imports", "programs", "python3 -c 'import json,asyncio,sqlite3'", "ms", MS, 300, 180),
    Row("sh_200_true", "programs", "sh loop of 200 /bin/true", "ms", MS, 600, 350),
    Row("sqlite_20k", "programs", "sqlite3, 20,000 rows and an index", "ms", MS, 150, 100),
    Row("tar_include", "programs", "tar of /usr/include to a pipe", "ms", MS, 1000, 400),
    Row("gcc_hello", "programs", "gcc hello.c", "ms", MS, 190, 110),
    Row("git_500", "programs", "git add + commit of 500 files", "ms", MS, 700, 400),
    Row("redis_get", "redis", "redis GET, 10 clients", "k/s", 1e3, 10, 25, more_is_better=True),
    Row("redis_set", "redis", "redis SET, 10 clients", "k/s", 1e3, 10, 25, more_is_better=True),
    Row("nginx_1k", "nginx", "nginx, 1 KiB, 10 connections", "k/s", 1e3, more_is_better=True),
    Row("idle_pss", "idle", "PSS of a run of `sleep`, all processes", "MB", 1e6, 35, 25),
)
MICRO_GROUPS = ("calls", "files", "ipc", "threads", "signals", "memory", "processes", "compute")
GROUPS = (*MICRO_GROUPS, "startup", "programs", "redis", "nginx", "idle")
