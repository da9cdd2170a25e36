# SPDX-License-Identifier: MPL-2.0
"""The Linux Test Project: https://github.com/linux-test-project/ltp, fetched and built under `home()`.

A case is a line of runtest/*. A test's exit status is a set of bits: 1 failed, 2 broken, 4 warned, 32 does not apply here. New tests end in
a summary; old ones say TPASS, TFAIL, … a line.
"""

import gzip
import os
import re
import subprocess
from pathlib import Path

from suites.case import BROKEN, FAIL, PASS, SKIP, Case, Outcome, Raw
from suites.suite import Suite, SuiteMissing, home

URL = "https://github.com/linux-test-project/ltp"
VERSION = "20260529"
SCENARIOS = ("syscalls", "syscalls-ipc", "mm", "sched", "pty", "timers", "fs")
# Libraries whose absence makes tests say that they do not apply.
PACKAGES = "autoconf automake pkg-config libacl1-dev libcap-dev libnuma-dev libaio-dev libmnl-dev libkeyutils-dev libssl-dev"
BUILT = ("lib", "libs", "testcases/lib", *(f"testcases/kernel/{name}" for name in ("syscalls", "mem", "sched", "pty", "fs", "ipc", "lib")))
# Taking all memory or swap of a machine that others use is no test of ours; the rest counts as any other case.
NOT_RUN = re.compile(r"oom0\d|swapping01|mtest0\d.*|mallocstress.*|min_free_kbytes|overcommit_memory.*|fs_fill|ksm.*")
TIMEOUT_S = 60.0
LONG_TIMEOUT_S = 150.0  # growfiles and its kin run for a given time, up to two minutes
SUMMARY = re.compile(r"^(passed|failed|broken|skipped|warnings)\s+(\d+)$", re.MULTILINE)
OLD_LINE = re.compile(r"\b(TPASS|TFAIL|TBROK|TCONF)\b")
BAD_LINE = re.compile(r"\b(TFAIL|TBROK|TWARN)\b|oops")


class Ltp(Suite):
    name = "ltp"
    title = "Linux Test Project"
    left_out = (
        f"Of {', '.join(SCENARIOS)}. Not run, since they take all memory or swap of a machine that others use: oom\\*, swapping01, mtest0\\*, "
        "mallocstress\\*, min\\_free\\_kbytes, overcommit\\_memory\\*, fs\\_fill, ksm\\*."
    )

    def __init__(self) -> None:
        self.source = home() / "ltp"
        self.root = home() / "ltp-install"

    def locate(self, may_build: bool) -> None:
        if (self.root / "testcases/bin/getpid01").exists():
            return
        if not may_build:
            raise SuiteMissing(f"LTP is not in {self.root}; `make suites` fetches and builds it (20 minutes on two cores)")
        if not self.source.exists():
            clone = ["git", "clone", "--quiet", "--depth=1", "--branch", VERSION, "--recurse-submodules", URL, str(self.source)]
            if subprocess.run(clone).returncode:
                raise SuiteMissing(f"LTP could not be fetched; put its source into {self.source}")
        steps = ["make autotools", f"./configure --prefix={self.root}", "make include-install lib-install"]
        steps = [
            *steps[:2],
            *(f"make -j{os.cpu_count()} -k -C {part}" for part in BUILT),
            *(f"make -k -C {part} install" for part in BUILT),
        ]
        steps.append(f"mkdir -p {self.root}/runtest && cp runtest/* {self.root}/runtest/")
        log = self.source / "build.log"
        for step in steps:
            with log.open("ab") as output:
                failed = subprocess.run(["sh", "-c", step], cwd=self.source, stdout=output, stderr=output).returncode
            if failed and "-k" not in step:
                raise SuiteMissing(f"LTP: `{step}` failed, see {log}; it needs {PACKAGES}")

    def cases(self) -> list[Case]:
        found: dict[str, Case] = {}
        for scenario in SCENARIOS:
            path = self.root / "runtest" / scenario
            for line in path.read_text().splitlines() if path.exists() else ():
                name, _, command = line.strip().partition(" ")
                name, _, rest = name.partition("\t")  # some lines have a tab
                command = f"{rest} {command}".strip()
                if name and not name.startswith("#") and name not in found and not NOT_RUN.fullmatch(name):
                    found[name] = Case(name, command, LONG_TIMEOUT_S if scenario == "fs" else TIMEOUT_S)
        return list(found.values())

    def judge(self, case: Case, raw: Raw) -> Outcome:
        counts = {"passed": 0, "failed": 0, "broken": 0, "skipped": 0, "warnings": 0}
        summaries = SUMMARY.findall(raw.output)
        if summaries:
            for key, number in summaries:
                counts[key] += int(number)
        else:
            for word in OLD_LINE.findall(raw.output):
                counts[{"TPASS": "passed", "TFAIL": "failed", "TBROK": "broken", "TCONF": "skipped"}[word]] += 1
        status = raw.status
        if status == 0:
            verdict = PASS
        elif status < 0 or status > 128:
            verdict = f"signal {-status if status < 0 else status - 128}"
        elif status & 1 and status & ~0b100111 == 0:
            verdict = FAIL
        elif status & 2 and status & ~0b100111 == 0:
            verdict = BROKEN
        elif status in (4, 36):
            verdict = "warn"
        elif status == 32:
            verdict = SKIP
        else:
            verdict = f"exit {status}"
        note = next((line.strip()[:200] for line in raw.output.splitlines() if BAD_LINE.search(line)), "")
        if not note and verdict == SKIP:
            note = next((line.strip()[:200] for line in raw.output.splitlines() if "TCONF" in line), "")
        return Outcome(verdict, counts["passed"], counts["skipped"], note=note)

    def environment(self) -> dict[str, str]:
        """As kirk and runltp set it. Where loops run for a time they run for a fifth of it."""
        environment = super().environment()
        environment["PATH"] = f"{self.root}/testcases/bin:" + environment["PATH"]
        environment |= {"LTPROOT": str(self.root), "LTP_COLORIZE_OUTPUT": "n", "LTP_RUNTIME_MUL": "0.1", "LTP_TIMEOUT_MUL": "1"}
        environment["KCONFIG_PATH"] = str(self._kernel_config())
        return environment

    def shown(self) -> list[Path]:
        return [self.root]

    def _kernel_config(self) -> Path:
        """Linux's configuration, so that a test expects the same of both."""
        path = self.root / "kernel.config"
        source = Path("/proc/config.gz")
        if not path.exists():
            booted = Path(f"/boot/config-{os.uname().release}")
            path.write_bytes(gzip.decompress(source.read_bytes()) if source.exists() else booted.read_bytes() if booted.exists() else b"")
        return path
