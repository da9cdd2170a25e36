# SPDX-License-Identifier: MPL-2.0
"""`make fuzz-quick` (about two minutes, in CI) and `make fuzz` (hours): every campaign, one after the other, and a table at the end.

    tools/fuzz.py quick|long [NAME …]      all campaigns, or those named
    tools/fuzz.py list

A campaign is a line in CAMPAIGNS: a name, what it attacks, and a command for each length. A command ends with 0 (nothing found), 77 (this
host lacks a tool: said, not counted as a failure) or anything else (a finding: its output says how to replay it). What it prints after
"figures: " goes into the table; a long run's table belongs into docs/soundness/fuzzing.md.
"""

import os
import subprocess
import sys
import time
from typing import NamedTuple

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PYTHON = sys.executable
PYTEST = (PYTHON, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider")
MISSING_TOOL = 77
STATE_MACHINES = ("tests/machine/test_stateful.py", "tests/machine/test_stateful_io.py")


class Campaign(NamedTuple):
    name: str
    attacks: str
    quick: tuple[str, ...]  # a command; `env NAME=value …` in front where it wants variables
    long: tuple[str, ...]


CAMPAIGNS = (
    Campaign(
        "state-machines",
        "the framework's public API, by any sequence of calls (hypothesis)",
        (*PYTEST, *STATE_MACHINES),
        ("env", "CRUCK_STATEFUL_RANDOM=1", "CRUCK_STATEFUL_EXAMPLES=10000", *PYTEST, *STATE_MACHINES),
    ),
    Campaign(
        "parsers-c",
        "parsers of bytes in the C part (libFuzzer, sanitizers)",
        (PYTHON, "tests/fuzz/parsers/run.py", "c", "5"),
        (PYTHON, "tests/fuzz/parsers/run.py", "c", "3600"),
    ),
    Campaign(
        "parsers-python",
        "parsers of bytes in the framework's Python (atheris)",
        (PYTHON, "tests/fuzz/parsers/run.py", "python", "5"),
        (PYTHON, "tests/fuzz/parsers/run.py", "python", "3600"),
    ),
    Campaign(
        "sanitizers",
        "the C part under AddressSanitizer and UndefinedBehaviorSanitizer",
        (*PYTEST, "tests/machine/test_sanitized.py"),
        ("env", "CRUCK_STATEFUL_EXAMPLES=500", "CRUCK_STRESS_SECONDS=60", PYTHON, "tools/sanitize.py"),
    ),
    Campaign(
        "hostile-guests",
        "the machine and the whole kernel, by guests that attack the stub they live in",
        (*PYTEST, "tests/hostile"),
        ("env", "CRUCK_ATTACK_LENGTH=long", *PYTEST, "tests/hostile"),
    ),
    Campaign(
        "leaks",
        "the host process, by many sandboxes in it",
        (*PYTEST, "-rP", "tests/hosts/test_leaks.py"),
        ("env", "CRUCK_LEAK_RUNS=1000", *PYTEST, "-rP", "tests/hosts/test_leaks.py"),
    ),
    Campaign(
        "syscalls-fake",
        "the services, by random system calls on a fake machine",
        (*PYTEST, "tests/fuzz/test_syscall_fuzzer.py", "-k", "not guest"),
        (PYTHON, "-m", "cruck.testing.syscall_fuzzer", "100", "5000000"),
    ),
    Campaign(
        "syscalls-guest",
        "the whole kernel, by a guest that makes random system calls from several threads and in wild children",
        (*PYTEST, "-rP", "tests/fuzz/test_syscall_fuzzer.py", "-k", "guest"),
        (PYTHON, "tests/fuzz/campaign.py", "10000000"),
    ),
)


def run(campaign: Campaign, command: tuple[str, ...]) -> tuple[int, str]:
    """(exit status, figures); everything it prints goes to our standard output as well."""
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    figures: list[str] = []
    assert process.stdout is not None
    for line in process.stdout:
        sys.stdout.write(f"[{campaign.name}] {line}")
        sys.stdout.flush()
        if line.startswith("figures: "):
            figures.append(line.removeprefix("figures: ").strip())
    return process.wait(), "; ".join(figures)


def main(arguments: list[str]) -> int:
    if arguments == ["list"]:
        for campaign in CAMPAIGNS:
            print(f"{campaign.name:<18} {campaign.attacks}")
        return 0
    names = [campaign.name for campaign in CAMPAIGNS]
    if not arguments or arguments[0] not in ("quick", "long") or any(name not in names for name in arguments[1:]):
        print(f"usage: tools/fuzz.py quick|long [{'|'.join(names)}] …", file=sys.stderr)
        return 2
    rows: list[str] = []
    has_finding = False
    for campaign in CAMPAIGNS:
        if arguments[1:] and campaign.name not in arguments[1:]:
            continue
        started = time.monotonic()
        status, figures = run(campaign, campaign.quick if arguments[0] == "quick" else campaign.long)
        outcome = {0: "nothing found", MISSING_TOOL: "NOT RUN: a tool is missing"}.get(status, f"FINDING (status {status})")
        has_finding = has_finding or status not in (0, MISSING_TOOL)
        rows.append(f"| {campaign.name} | {campaign.attacks} | {figures} | {time.monotonic() - started:.0f} s | {outcome} |")
    print("\n| campaign | attacks | figures | time | outcome |\n| --- | --- | --- | --- | --- |")
    print("\n".join(rows))
    return 1 if has_finding else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
