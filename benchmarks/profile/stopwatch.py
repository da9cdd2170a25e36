# SPDX-License-Identifier: MPL-2.0
"""Stopwatch: time by phase, and by phase within the system call that is being handled.

Phases are those of a stop's way through the kernel (PHASES). A phase that is timed inside of another one (a copy inside of a
service) is taken out of the outer one's time.
"""

from time import perf_counter_ns

WAIT = "wait"  # in Machine.wait(): resume's latency, guest code, trap, hand-over
TAKE = "take"  # from wait's return to the dispatcher: which task, which call
SERVICE = "service"  # the dispatcher and the handler, without what follows
COPY = "copy"  # guest memory read and written, and I/O straight into it
MAPPINGS = "mappings"  # spaces changed: map, protect, unmap, clone
HOST = "host"  # calls of the host's kernel: files, directories
FINISH = "finish"  # after the handler: result, signals, scheduling
RESUME = "resume"  # Context.run(), park()
PHASES = (WAIT, TAKE, SERVICE, COPY, MAPPINGS, HOST, FINISH, RESUME)


class Stopwatch:
    def __init__(self) -> None:
        self.ns = dict.fromkeys(PHASES, 0)
        self.counts = dict.fromkeys(PHASES, 0)
        self.by_call: dict[str, dict[str, int]] = {}  # name → phase → ns; "calls" → how many
        self.functions: dict[str, list[int]] = {}  # what was called below the kernel → [calls, ns]
        self.current: dict[str, int] | None = None  # of by_call
        self.inner_ns = 0  # timed since the current outer phase began
        self.last_ns = perf_counter_ns()

    def begin_call(self, name: str) -> None:
        """The dispatcher is about to run."""
        call = self.by_call.get(name)
        if call is None:
            call = self.by_call[name] = dict.fromkeys((*PHASES, "calls"), 0)
        call["calls"] += 1
        self.current = call
        self._end_outer(TAKE)

    def end_call(self) -> None:
        """The handler has answered."""
        self._end_outer(SERVICE)

    def begin_wait(self) -> None:
        self._end_outer(FINISH)
        self.current = None

    def end_wait(self) -> None:
        self._end_outer(WAIT)

    def inner(self, phase: str, what: str, elapsed_ns: int) -> None:
        """Something below the kernel took so long."""
        self.inner_ns += elapsed_ns
        self._add(phase, elapsed_ns)
        function = self.functions.get(what)
        if function is None:
            function = self.functions[what] = [0, 0]
        function[0] += 1
        function[1] += elapsed_ns

    def _end_outer(self, phase: str) -> None:
        now_ns = perf_counter_ns()
        self._add(phase, now_ns - self.last_ns - self.inner_ns)
        self.inner_ns = 0
        self.last_ns = perf_counter_ns()

    def _add(self, phase: str, elapsed_ns: int) -> None:
        self.ns[phase] += elapsed_ns
        self.counts[phase] += 1
        if self.current is not None:
            self.current[phase] += elapsed_ns
