# SPDX-License-Identifier: MPL-2.0
"""Go's own tests for net and net/http, of the sources in Debian's golang-go; each test of net is a case, net/http is one."""

import os
import re
import subprocess
from pathlib import Path

from suites.case import FAIL, PASS, SKIP, Case, Outcome, Raw
from suites.suite import Suite, SuiteMissing, home

TIMEOUT_S = 60.0
HTTP_TIMEOUT_S = 400.0
RESULT = re.compile(r"^--- (PASS|FAIL|SKIP): (\S+)", re.MULTILINE)


class Go(Suite):
    name = "go"
    title = "Go's net and net/http"
    sources: Path

    def locate(self, may_build: bool) -> None:
        try:
            root = subprocess.run(["go", "env", "GOROOT"], capture_output=True, text=True, check=True).stdout.strip()
        except (OSError, subprocess.CalledProcessError):
            raise SuiteMissing("go is missing: apt-get install golang-go") from None
        self.sources = Path(root, "src").resolve()
        (home() / "go").mkdir(parents=True, exist_ok=True)
        for package, name in (("net", "net.test"), ("net/http", "http.test")):
            target = home() / "go" / name
            if not target.exists():
                if not may_build:
                    raise SuiteMissing(f"{target} is missing; `make suites` builds it")
                environment = {**os.environ, "GOCACHE": str(home() / "go/cache")}
                built = subprocess.run(["go", "test", "-c", "-o", str(target), package], capture_output=True, text=True, env=environment)
                if built.returncode:
                    raise SuiteMissing(f"go test -c {package}: {built.stderr.strip()[:300]}")

    def cases(self) -> list[Case]:
        listed = subprocess.run([home() / "go/net.test", "-test.list", "^Test"], capture_output=True, text=True, check=True).stdout
        found = [Case("net/http", f"cd {self.sources}/net/http && {home()}/go/http.test -test.short -test.v", HTTP_TIMEOUT_S)]
        for name in listed.split():
            if name.startswith("Test"):
                command = f"cd {self.sources}/net && {home()}/go/net.test -test.short -test.v -test.run '^{name}$'"
                found.append(Case(f"net.{name}", command, TIMEOUT_S))
        return found

    def judge(self, case: Case, raw: Raw) -> Outcome:
        verdicts = [verdict for verdict, _ in RESULT.findall(raw.output)]
        failed = [name for verdict, name in RESULT.findall(raw.output) if verdict == "FAIL"]
        verdict = {0: PASS, 1: FAIL}.get(raw.status, f"exit {raw.status}")
        if verdict == PASS and verdicts and all(one == "SKIP" for one in verdicts):
            verdict = SKIP
        return Outcome(verdict, verdicts.count("PASS"), verdicts.count("SKIP"), note=", ".join(failed[:5]))

    def shown(self) -> list[Path]:
        return [home() / "go"]
