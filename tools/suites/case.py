# SPDX-License-Identifier: MPL-2.0
"""Case: one program of a suite. Outcome: what became of it in one place. Same verdict: when both places agree."""

from dataclasses import dataclass, field

PASS, FAIL, BROKEN, SKIP, TIMEOUT, OOPS = "pass", "fail", "broken", "skip", "timeout", "oops"


@dataclass(frozen=True)
class Case:
    name: str
    command: str  # for /bin/sh
    timeout_s: float


@dataclass
class Raw:
    """What a run left behind."""

    status: int  # as subprocess: −n for signal n
    output: str
    seconds: float
    timed_out: bool


@dataclass
class Outcome:
    verdict: str  # PASS, FAIL, …, "signal 11", "exit 3"
    passed: int = 0  # parts of the case, if the suite counts them
    skipped: int = 0
    seconds: float = 0.0
    note: str = ""  # the first line that says what went wrong
    unsupported: list[str] = field(default_factory=list)  # calls that cruck named at the end of the run

    def is_same(self, native: "Outcome") -> bool:
        """The native verdict, and nothing skipped that Linux does not skip."""
        return self.verdict == native.verdict and self.skipped <= native.skipped
