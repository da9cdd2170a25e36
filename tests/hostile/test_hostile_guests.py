# SPDX-License-Identifier: MPL-2.0
"""Guests that attack the machine below them, through a whole kernel. Each attack is made by a child of a witness process (guest/witness.h),
beside a bystander process of the guest, in a kernel process with canaries, beside a process and a file of the host (kernel_process.py):
all of these must be as they were. What becomes of the attacker is its own affair: an errno, a signal, or its end.

`CRUCK_ATTACK_LENGTH=long` makes each attack some hundred times as long; `CRUCK_ATTACK_SEED` replays one. The C programs can be run by hand:
`cruck run -v DIR:/box:ro /box/frames quick PID PATH SEED host_frames`.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import cruck

HERE = Path(__file__).parent
STUB = Path(cruck.__file__).parent / "framework" / "machine" / "stub" / "stub"
LENGTH = os.environ.get("CRUCK_ATTACK_LENGTH", "quick")
SECONDS = 120 if LENGTH == "quick" else 3600

ATTACKS = {
    "stub_jumps": ("every_number", "every_site", "foreign_numbers", "every_byte", "vdso_calls"),
    "shared_pages": (
        "scribble_contexts",
        "scribble_scratch",
        "exec_over_hidden",
        "hidden_threads",
        "forged_ends",
        "forged_bases",
        "read_only_pages",
        "leftovers",
    ),
    "frames": ("own_frames", "host_frames", "blocked_sigsys", "spin_for_ever", "sleep_for_ever"),
    "entries": (
        "int80_every_number",
        "x32_every_number",
        "compatibility_mode",
        "sysenter_64",
        "vsyscall_page",
        "every_interrupt",
        "privileged_instructions",
        "single_step",
        "step_into_stub",
        "segment_bases",
        "odd_flags",
        "host_only_calls",
        "own_mappings",
    ),
    "storms": ("doorbell_storm", "signal_storm", "stop_storm", "births", "orphans"),
}


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("cruck.framework._machine")
    if shutil.which("gcc") is None:
        pytest.skip("needs a C compiler")
    directory = tmp_path_factory.mktemp("hostile")
    for name in ATTACKS:
        sources = [HERE / "guest" / "witness.c", HERE / "guest" / f"{name}.c"]
        subprocess.run(
            ["gcc", "-O1", "-Wall", "-Werror", "-static", "-pthread", "-mfsgsbase", "-o", directory / name, *sources], check=True
        )
    return directory


def handler_address() -> str:
    """Of the stub's signal handler: an attacker would read it from the stub's text."""
    symbols = subprocess.run(["nm", str(STUB)], check=True, capture_output=True, text=True).stdout
    return next(line.split()[0] for line in symbols.splitlines() if line.endswith(" stub_handler"))


def attack(programs: Path, program: str, name: str, seed: int) -> None:
    command = [
        *(sys.executable, str(HERE / "kernel_process.py"), str(programs), handler_address()),
        *(f"/box/{program}", LENGTH, "HOST_PID", "HOST_PATH", str(seed), name),
    ]
    environment = os.environ | {"CRUCK_ATTACK_SECONDS": str(SECONDS)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, env=environment)
    replay = f"replay: CRUCK_ATTACK_LENGTH={LENGTH} CRUCK_ATTACK_SEED={seed} pytest {__file__} -k {name}"
    try:
        out, err = process.communicate(timeout=SECONDS + 60)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        pytest.fail(f"the kernel hangs; {replay}")
    assert process.returncode == 0, f"the kernel process has died ({process.returncode}); {replay}\n{err[-3000:]}"
    verdict = json.loads(out)
    assert verdict["harm"] == [], replay
    assert verdict["nr_oopses"] == 0, f"{replay}\n" + "\n".join(verdict["log"])
    assert verdict["status"] == 0 and "canaries intact" in verdict["stdout"], f"{replay}\n{verdict['stdout']}"


def test_attack_is_in_vain(programs: Path, program: str, name: str) -> None:
    attack(programs, program, name, int(os.environ.get("CRUCK_ATTACK_SEED", "1")))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "program" in metafunc.fixturenames:
        metafunc.parametrize(("program", "name"), [(program, name) for program, names in ATTACKS.items() for name in names])
