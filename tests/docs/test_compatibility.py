# SPDX-License-Identifier: MPL-2.0
"""The tables of `make suites` (docs/compatibility) hold what is promised of them, and its sample is of cases that pass."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMPATIBILITY = ROOT / "docs/compatibility"
SUITES = ("ltp", "cpython", "stress-ng", "go")
REACH = {"ltp": 700, "cpython": 330}
NAMED = (
    "test_os test_posix test_select test_selectors test_subprocess test_signal test_threading test_mmap test_fcntl test_pty test_tempfile "
    "test_shutil test_sqlite3 test_faulthandler test_multiprocessing_fork test_multiprocessing_forkserver test_multiprocessing_spawn "
    "test_socket test_asyncio test_ssl test_httplib test_ftplib test_socketserver"
).split()


def same(suite: str) -> dict[str, str]:
    """Cases with Linux's verdict, which is the value."""
    found = {}
    for line in (COMPATIBILITY / f"{suite}.tsv").read_text().splitlines()[1:]:
        fields = line.split("\t")
        if fields[1] == fields[2] and int(fields[6]) <= int(fields[4]):
            found[fields[0]] = fields[1]
    return found


@pytest.mark.parametrize("suite", SUITES)
def test_every_difference_has_a_reason(suite: str) -> None:
    page = (COMPATIBILITY / f"{suite}.md").read_text()
    assert "Not yet looked at" not in page
    counted = re.search(r"\*\*(\d+)\*\*", page)
    assert counted and int(counted[1]) == len(same(suite)), "run `tools/run_suites.py --report`"


def test_reach() -> None:
    assert all(len(same(suite)) >= reach for suite, reach in REACH.items())
    assert [name for name in NAMED if name not in same("cpython")] == []


def test_the_quick_sample_is_of_cases_that_hold() -> None:
    sample = [line.split(" ", 1) for line in (ROOT / "tools/suites/quick.txt").read_text().splitlines()]
    assert len(sample) > 400 and {suite for suite, _ in sample} == set(SUITES)
    held = {suite: same(suite) for suite in SUITES}
    assert [case for suite, case in sample if held[suite].get(case) != "pass"] == []
