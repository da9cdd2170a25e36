# SPDX-License-Identifier: MPL-2.0
"""The benchmark itself: its rows are those of its programs, its figures are medians, its tables show what is missing."""

import os
import re
from pathlib import Path

import pytest
from benchmarks import host
from benchmarks.micro import run as micro
from benchmarks.peers.environment import Environment
from benchmarks.programs.programs import PROGRAMS
from benchmarks.report import bars
from benchmarks.report.table import own_table, peer_table
from benchmarks.report.verdicts import missed, slower_than_peers
from benchmarks.rows import GROUPS, MICRO_GROUPS, ROWS
from benchmarks.samples import Samples


def test_the_rows_of_the_c_files_are_those_of_the_list() -> None:
    in_c = set()
    for path in micro.SOURCES.glob("*.c"):
        in_c |= set(re.findall(r'^\t\{ "(\w+)", [\w]+, \w+_n,', path.read_text(), re.M))
    assert in_c == {row.key for row in ROWS if row.group in MICRO_GROUPS}
    assert {row.group for row in ROWS} == set(GROUPS)
    assert set(PROGRAMS) == {row.key for row in ROWS if row.group == "programs"} | {"true"}


def test_micro_measures_every_row_natively(tmp_path: Path) -> None:
    samples = Samples()
    micro.measure(micro.build(tmp_path), Environment("native", []), [], 1, samples)
    assert samples.refusals == {}
    for row in ROWS:
        if row.group in MICRO_GROUPS:
            median = samples.median(row.key, "native")
            assert median is not None and median > 0, row.key


def test_medians_spread_and_bars() -> None:
    samples = Samples()
    for value in (4000, 8000, 6000):
        samples.add("getppid", "cruck", value)
    samples.add("getppid", "native", 200)
    samples.add("getppid", "proot", 3000)
    samples.add("redis_get", "cruck", 9000)
    samples.add("redis_get", "native", 50_000)
    samples.refuse("stat", "cruck", "ENOSYS")
    assert samples.median("getppid", "cruck") == 6000
    assert samples.spread("getppid", "cruck") == 1 / 3
    assert missed(samples) == [
        "getppid: 6 µs, to reach: ≤ 5",
        "stat: not measured (ENOSYS)",
        "redis GET, 10 clients: 9 k/s, to reach: ≥ 10",
    ]
    assert slower_than_peers(samples) == ["getppid: 6 µs; proot 3"]
    table = own_table(samples)
    assert re.search(r"\| getppid +\| µs +\| +0.2 \| +6 \| +33 % \| +6 \| +- \| +30 \| +≤ 5 \| +1.5 \| NO +\|", table), table
    assert re.search(r"\| stat +\| µs +\| +- \| +- \|", table)
    assert "proot" in peer_table(samples) and "runsc" not in peer_table(samples)
    assert bars.draw(samples).count("<rect") > 2


def test_what_a_peer_has_given_away_is_given_back(tmp_path: Path) -> None:
    if os.geteuid():
        pytest.skip("only root can give files away")
    path = tmp_path / "null"
    path.write_text("")
    before = path.stat()
    os.chown(path, 65534, 65534)
    host.give_back(str(path), before)
    assert (path.stat().st_uid, path.stat().st_gid) == (before.st_uid, before.st_gid)
