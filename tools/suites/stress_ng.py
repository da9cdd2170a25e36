# SPDX-License-Identifier: MPL-2.0
"""stress-ng (Debian's package): a case is a stressor, two workers for three seconds, with --verify."""

import re
import shutil
import subprocess

from suites.case import FAIL, PASS, SKIP, Case, Outcome, Raw
from suites.suite import Suite, SuiteMissing

TIMEOUT_S = 60.0
BAD_LINE = re.compile(r"stress-ng: (fail|error):|oops")
# They take what there is of memory; here, of an address space of 1.5 GB.
LIMITED = {"bigheap", "brk", "stack", "vm-rw", "resources"}


class StressNg(Suite):
    name = "stress-ng"
    title = "stress-ng"
    left_out = (
        "Each: two workers, three seconds, `--verify`. The five that take what there is of memory (bigheap, brk, resources, stack, vm-rw) run in an "
        "address space of 1.5 GB, in both places. Those stress-ng itself calls pathological say so and end in both (exit 1)."
    )

    def locate(self, may_build: bool) -> None:
        if shutil.which("stress-ng") is None:
            raise SuiteMissing("stress-ng is missing: apt-get install stress-ng")

    def cases(self) -> list[Case]:
        names = subprocess.run(["stress-ng", "--stressors"], capture_output=True, text=True, check=True).stdout.split()
        return [Case(name, _command(name), TIMEOUT_S) for name in names]

    def judge(self, case: Case, raw: Raw) -> Outcome:
        # stress-ng(1), EXIT STATUS: 2 a stressor failed, 3 out of resources, 4 not implemented, 5 killed, 6 exited, 7 bad metrics.
        known = {0: PASS, 2: FAIL, 3: "no resource", 4: SKIP, 5: "killed", 6: "exited"}
        verdict = known.get(raw.status, f"exit {raw.status}")
        if raw.status == 0 and "skipped" in raw.output and re.search(r"passed: 0\b|skipped: 2", raw.output):
            verdict = SKIP
        note = next((line.strip()[:200] for line in raw.output.splitlines() if BAD_LINE.search(line)), "")
        return Outcome(verdict, note=note)


def _command(name: str) -> str:
    return f"{'ulimit -v 1500000; ' if name in LIMITED else ''}stress-ng --{name} 2 --timeout 3 --verify --oomable"
