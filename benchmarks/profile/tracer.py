# SPDX-License-Identifier: MPL-2.0
"""A tracer that keeps time instead of writing lines: it is told just before the dispatcher runs and just after."""

from typing import TYPE_CHECKING

from benchmarks.profile.stopwatch import Stopwatch
from cruck.abi.syscall_numbers import NAMES
from cruck.kernel.syscalls.strace.tracer import Sink, Tracer

if TYPE_CHECKING:
    from cruck.kernel.process.task import Task
    from cruck.kernel.signal.pending import SigInfo


class ProfilingTracer(Tracer):
    def __init__(self, watch: Stopwatch) -> None:
        super().__init__(Sink())
        self.watch = watch

    def enter(self, task: "Task", nr: int, args: tuple[int, ...]) -> None:
        self.watch.begin_call(NAMES.get(nr, str(nr)))

    def leave(self, task: "Task", nr: int, args: tuple[int, ...], result: int) -> None:
        self.watch.end_call()

    def started(self, task: "Task", path: bytes, argv: list[bytes], nr_env: int) -> None:
        pass

    def signal(self, task: "Task", info: "SigInfo") -> None:
        pass

    def stopped(self, task: "Task", signo: int) -> None:
        pass

    def exited(self, task: "Task", status: int) -> None:
        pass
