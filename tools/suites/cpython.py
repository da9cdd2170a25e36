# SPDX-License-Identifier: MPL-2.0
"""CPython's own regression tests, of Debian's libpython3.11-testsuite, by /usr/bin/python3. A case is a module.

Debian leaves test_sqlite3 out: it is taken from another CPython 3.11 on the machine (home()/cpython/test_sqlite3), which may be newer.
"""

import re
import shutil
import sysconfig
from pathlib import Path

from suites.case import FAIL, PASS, SKIP, Case, Outcome, Raw
from suites.suite import Suite, SuiteMissing, home

PYTHON = "/usr/bin/python3"
TESTS = Path("/usr/lib/python3.11/test")
TIMEOUT_S = 400.0
RESOURCES = {"test_socketserver": "-u network "}  # what it calls the network is the loopback
LEFT_OUT = "test_sqlite3"
# regrtest finds no package outside of its own directory; unittest does, module by module.
BESIDE = "import test, unittest; test.__path__.append('{}'); unittest.main(None, argv=['unittest', '-v', *{}])"
RAN = re.compile(r"^Ran (\d+) tests? in", re.MULTILINE)
SKIPPED = re.compile(r"^OK \(.*?skipped=(\d+)|^FAILED \(.*?skipped=(\d+)", re.MULTILINE)
BAD_LINE = re.compile(r"^(FAIL|ERROR): |^(test_\w+ crashed|Fatal Python error)")


class CPython(Suite):
    name = "cpython"
    title = "CPython's regression tests"

    def __init__(self) -> None:
        self.beside = home() / "cpython"

    def locate(self, may_build: bool) -> None:
        if not (TESTS / "test_os.py").exists():
            raise SuiteMissing(f"{TESTS} is missing: apt-get install libpython3.11-testsuite")
        found = Path(sysconfig.get_path("stdlib")) / "test" / LEFT_OUT
        if may_build and not (self.beside / LEFT_OUT).exists() and found.exists() and sysconfig.get_python_version() == "3.11":
            shutil.copytree(found, self.beside / LEFT_OUT, ignore=shutil.ignore_patterns("__pycache__"))

    def cases(self) -> list[Case]:
        names = sorted({path.stem for path in TESTS.glob("test_*.py")} | {path.parent.name for path in TESTS.glob("test_*/__init__.py")})
        found = [Case(name, f"{PYTHON} -m test -v {RESOURCES.get(name, '')}{name}", TIMEOUT_S) for name in names]
        if LEFT_OUT not in names and (self.beside / LEFT_OUT).exists():
            modules = [f"test.{LEFT_OUT}.{path.stem}" for path in sorted((self.beside / LEFT_OUT).glob("test_*.py"))]
            found.append(Case(LEFT_OUT, f'{PYTHON} -c "{BESIDE.format(self.beside, modules)}"', TIMEOUT_S))
        return found

    def shown(self) -> list[Path]:
        return [self.beside] if self.beside.exists() else []

    def judge(self, case: Case, raw: Raw) -> Outcome:
        output = raw.output
        if raw.status == 0 and re.search(r"^1 test skipped|^Result: SUCCESS$.*run=0", output, re.MULTILINE):
            verdict = SKIP
        elif raw.status == 0:
            verdict = PASS
        elif raw.status in (1, 2, 3, 4):  # unittest's; bad tests; environment changed; no tests ran
            verdict = {1: FAIL, 2: FAIL, 3: "environment changed", 4: SKIP}[raw.status]
        else:
            verdict = f"exit {raw.status}"
        ran = sum(int(number) for number in RAN.findall(output))
        skipped = sum(int(first or second) for first, second in SKIPPED.findall(output))
        bad = [line.strip()[:160] for line in output.splitlines() if BAD_LINE.search(line)]
        note = "; ".join(dict.fromkeys(bad)) if len(bad) < 6 else "; ".join(bad[:5]) + f"; … {len(bad)} in all"
        return Outcome(verdict, ran - skipped, skipped, note=note)
