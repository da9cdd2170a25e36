# SPDX-License-Identifier: MPL-2.0
"""Runs cases in both places, a few at a time. A case that differs is run once more: a difference counts when it is seen twice."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass

from suites.case import OOPS, TIMEOUT, Case, Outcome
from suites.places import Cruck, Linux, Place
from suites.suite import Suite

SLOWNESS = 10  # cruck may take as much longer than Linux, beyond the case's limit
UNSUPPORTED = "cruck: not supported: "


@dataclass
class Result:
    case: str
    linux: Outcome
    cruck: Outcome

    def is_same(self) -> bool:
        return self.cruck.is_same(self.linux)


class Runner:
    def __init__(self, suite: Suite, prefix: list[str], nr_shards: int) -> None:
        self.suite = suite
        self.linux = Linux(suite.environment(), suite.shown(), prefix)
        self.cruck = Cruck(suite.environment(), suite.shown(), prefix)
        self.nr_shards = nr_shards

    def run_all(
        self, cases: list[Case], known: dict[str, Outcome], asks_again: bool, tell: Callable[[Result], None], deadline: float
    ) -> None:
        """Args: known: Linux's verdicts that need not be taken again; asks_again: except where cruck's differs. tell: gets each result as it
        comes, one at a time. deadline: on time.monotonic(); no case begins after it."""
        with ThreadPoolExecutor(self.nr_shards) as pool:
            futures = [pool.submit(self._run_until, case, known.get(case.name), asks_again, deadline) for case in cases]
            for future in as_completed(futures):
                result = future.result()
                if result is not None:
                    tell(result)

    def _run_until(self, case: Case, known: Outcome | None, asks_again: bool, deadline: float) -> Result | None:
        return self.run_case(case, known, asks_again) if time.monotonic() < deadline else None

    def run_case(self, case: Case, known: Outcome | None, asks_again: bool) -> Result:
        native = known or self.outcome(self.linux, case, case.timeout_s)
        limit_s = case.timeout_s + SLOWNESS * native.seconds
        result = Result(case.name, native, self.outcome(self.cruck, case, limit_s))
        if not result.is_same():
            again = self.outcome(self.cruck, case, limit_s)
            if again.is_same(result.linux):
                result.cruck = again
            elif asks_again:
                result.linux = self.outcome(self.linux, case, case.timeout_s)
        return result

    def outcome(self, place: Place, case: Case, timeout_s: float) -> Outcome:
        raw = place.run(case.command, timeout_s)
        outcome = self.suite.judge(case, raw)
        if raw.timed_out:
            outcome.verdict = TIMEOUT
        lines = raw.output.splitlines()
        if any(line.startswith("cruck: ") and "oops" in line for line in lines):
            outcome.verdict = OOPS
            outcome.note = next((line for line in reversed(lines) if "Error" in line or "Exception" in line), outcome.note)[:200]
        outcome.unsupported = [line.removeprefix(UNSUPPORTED).partition(" (")[0] for line in lines if line.startswith(UNSUPPORTED)]
        outcome.seconds = raw.seconds
        return outcome
