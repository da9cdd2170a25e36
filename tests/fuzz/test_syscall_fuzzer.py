# SPDX-License-Identifier: MPL-2.0
"""Random system calls, from a guest and straight into the trap loop: no oops, no hang, bounded memory, nothing left behind."""

import shutil
from pathlib import Path

import pytest
from guest import build, run

from cruck.testing.syscall_fuzzer import SyscallFuzzer

HERE = Path(__file__).parent
MAX_KERNEL_RSS_KIB = 200 << 10


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
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("cruck.framework._machine")
    if shutil.which("gcc") is None:
        pytest.skip("needs a C compiler")
    return build(HERE / "syscall_fuzzer.c", tmp_path_factory.mktemp("fuzz"))


@pytest.mark.parametrize(("seed", "count", "threads"), [(1, 40_000, 1), (2, 40_000, 3), (3, 20_000, 8)])
def test_a_guest_of_random_calls_meets_no_bug(program: Path, seed: int, count: int, threads: int) -> None:
    outcome = run(program, str(seed), str(count), str(threads), options=("-m", "256M", "--pids-limit", "100"), limit_s=40)
    assert outcome.status == 0, outcome.stderr
    assert f"done {count}"[:-2] in outcome.stdout
    assert outcome.peak_rss_kib < MAX_KERNEL_RSS_KIB
