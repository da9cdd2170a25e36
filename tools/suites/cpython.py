# SPDX-License-Identifier: MPL-2.0
"""CPython's own regression tests, of Debian's libpython3.11-testsuite, by /usr/bin/python3. A case is a module."""

import re
from pathlib import Path

from suites.case import FAIL, PASS, SKIP, Case, Outcome, Raw
from suites.suite import Suite, SuiteMissing

PYTHON = "/usr/bin/python3"
TESTS = Path("/usr/lib/python3.11/test")
TIMEOUT_S = 400.0
RESOURCES = {"test_socketserver": "-u network "}  # what it calls the network is the loopback
RAN = re.compile(r"^Ran (\d+) tests? in", re.MULTILINE)
SKIPPED = re.compile(r"^OK \(.*?skipped=(\d+)|^FAILED \(.*?skipped=(\d+)", re.MULTILINE)
BAD_LINE = re.compile(r"^(FAIL|ERROR): |^(test_\w+ crashed|Fatal Python error)")


class CPython(Suite):
    name = "cpython"
    title = "CPython's regression tests"

    def locate(self, may_build: bool) -> None:
        if not (TESTS / "test_os.py").exists():
            raise SuiteMissing(f"{TESTS} is missing: apt-get install libpython3.11-testsuite")

    def cases(self) -> list[Case]:
        names = sorted({path.stem for path in TESTS.glob("test_*.py")} | {path.parent.name for path in TESTS.glob("test_*/__init__.py")})
        return [Case(name, f"{PYTHON} -m test -v {RESOURCES.get(name, '')}{name}", TIMEOUT_S) for name in names]

    def judge(self, case: Case, raw: Raw) -> Outcome:
        output = raw.output
        if raw.status == 0 and re.search(r"^1 test skipped|^Result: SUCCESS$.*run=0", output, re.MULTILINE):
            verdict = SKIP
        elif raw.status == 0:
            verdict = PASS
        elif raw.status in (2, 3, 4):  # bad tests; environment changed; no tests ran
            verdict = {2: FAIL, 3: "environment changed", 4: SKIP}[raw.status]
        else:
            verdict = f"exit {raw.status}"
        ran = sum(int(number) for number in RAN.findall(output))
        skipped = sum(int(first or second) for first, second in SKIPPED.findall(output))
        bad = [line.strip()[:160] for line in output.splitlines() if BAD_LINE.search(line)]
        note = "; ".join(dict.fromkeys(bad)) if len(bad) < 6 else "; ".join(bad[:5]) + f"; … {len(bad)} in all"
        return Outcome(verdict, ran - skipped, skipped, note=note)
