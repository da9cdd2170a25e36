# SPDX-License-Identifier: MPL-2.0
"""Random system calls, from a guest and straight into the trap loop: no oops, no hang, no leak, nothing left behind.

More than 200,000 random calls by guests here; `make fuzz` makes millions (docs/soundness/fuzzing.md).
"""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from guest import build, processes_of_session
from signatures_header import header

from cruck.testing.syscall_fuzzer import SyscallFuzzer

HERE = Path(__file__).parent


@pytest.mark.parametrize("seed", [1, 2, 3, 4, 5])
def test_no_call_makes_the_kernel_oops_or_linger(seed: int) -> None:
    fuzzer = SyscallFuzzer(seed)
    fuzzer.run(10_000)
    assert not fuzzer.failures, fuzzer.failures[0]
    assert fuzzer.nr_calls == 10_000


def test_the_same_seed_makes_the_same_calls() -> None:
    first, second = SyscallFuzzer(7), SyscallFuzzer(7)
    first.run(1000)
    second.run(1000)
    assert first.kernel.nr_calls == second.kernel.nr_calls
    assert first.random.getstate() == second.random.getstate()


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With the guest's program in it."""
    pytest.importorskip("cruck.framework._machine")
    if shutil.which("gcc") is None:
        pytest.skip("needs a C compiler")
    directory = tmp_path_factory.mktemp("fuzz")
    (directory / "signatures.h").write_text(header())
    build(HERE / "syscall_fuzzer.c", directory, f"-I{directory}")
    return directory


# A thread alone is replayed exactly; with several, what meets is up to the scheduler.
@pytest.mark.parametrize(("seed", "count", "threads", "rounds"), [(1, 4_000, 1, 4), (101, 23_000, 3, 4), (201, 23_000, 8, 4)])
def test_a_guest_of_random_calls_meets_no_bug(directory: Path, seed: int, count: int, threads: int, rounds: int) -> None:
    command = [sys.executable, str(HERE / "fuzz_kernel.py"), str(directory), *map(str, (seed, count, threads, rounds))]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        text = process.communicate(timeout=240)[0].decode("utf-8", "replace")
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        text = process.communicate()[0].decode("utf-8", "replace") + "\nHANG: no end after 240 s"
    assert not processes_of_session(process.pid)
    print("\n".join(line for line in text.splitlines() if line.startswith("figures: ")))
    assert process.returncode == 0 and "done" in text.splitlines(), f"replay: {' '.join(command)}\n{text[-6000:]}"
