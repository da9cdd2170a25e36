# SPDX-License-Identifier: MPL-2.0
"""`make suites` and `make suites-quick`: runs test suites on Linux and on cruck and compares. See tools/suites.

--quick: the fixed sample of suites/quick.txt, which is of cases that had Linux's verdict; exit status 1 if one has not. Linux's verdicts are
those of the tables; where cruck's differs, Linux is asked too. A suite that is not on this machine is left out, loudly.
Otherwise everything (or --only): writes docs/compatibility/SUITE.tsv and .md; exit status 1 if a case that had Linux's verdict has lost it.
"""

import argparse
import re
import sys
import time
from pathlib import Path

from suites import report, results
from suites.case import Case
from suites.cpython import CPython
from suites.go import Go
from suites.ltp import Ltp
from suites.runner import Result, Runner
from suites.stress_ng import StressNg
from suites.suite import Suite, SuiteMissing

SUITES: tuple[type[Suite], ...] = (Ltp, CPython, StressNg, Go)
QUICK = Path(__file__).with_name("suites") / "quick.txt"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suite", nargs="*", help="ltp, cpython, stress-ng, go (default: all)")
    parser.add_argument("--quick", action="store_true", help="the fixed sample")
    parser.add_argument("--only", metavar="REGEX", help="cases whose names match wholly")
    parser.add_argument("--different", action="store_true", help="only cases that differed last time")
    parser.add_argument("--new", action="store_true", help="only cases that are not in the table")
    parser.add_argument("--known", action="store_true", help="take Linux's verdicts from the table")
    parser.add_argument("--shards", type=int, default=2, metavar="N", help="cases at a time (default 2)")
    parser.add_argument("--prefix", default="", metavar="COMMAND", help="put before each command")
    parser.add_argument("--for-seconds", type=float, default=0, metavar="S", help="start no case after this time")
    parser.add_argument("--report", action="store_true", help="run nothing, write the pages anew")
    parser.add_argument("--verbose", action="store_true", help="show the first complaint of what differs")
    given = parser.parse_args()
    lost = 0
    missing: list[str] = []
    for kind in SUITES:
        suite = kind()
        if given.suite and suite.name not in given.suite:
            continue
        table = results.load(suite.name)
        if given.report:
            report.write(suite, list(table.values()))
            continue
        try:
            suite.locate(not given.quick)
        except SuiteMissing as error:
            print(f"{suite.name}: {error}", file=sys.stderr)
            missing.append(suite.name)
            lost += 0 if given.quick else 1
            continue
        lost += _run(suite, table, given)
    if missing:
        print(f"suites: NOT RUN, since not on this machine: {', '.join(missing)}", file=sys.stderr)
    return 1 if lost else 0


def _run(suite: Suite, table: dict[str, Result], given: argparse.Namespace) -> int:
    """The number of cases that should have had Linux's verdict and had not."""
    every = suite.cases()
    sample = [line.partition(" ")[2] for line in QUICK.read_text().splitlines() if line.startswith(f"{suite.name} ")] if given.quick else []
    chosen = [case for case in every if _is_chosen(case, table, sample, given)]
    absent = sorted(set(sample) - {case.name for case in chosen})
    if absent:
        print(f"{suite.name}: NOT RUN, since this version has them not: {', '.join(absent)}", file=sys.stderr)
    deadline = time.monotonic() + given.for_seconds if given.for_seconds else float("inf")
    runner = Runner(suite, given.prefix.split(), given.shards)
    known = {name: result.linux for name, result in table.items()} if given.known or given.quick else {}
    done: list[Result] = []

    def tell(result: Result) -> None:
        done.append(result)
        if not given.quick:
            _keep(suite, every, table, done)
        if not result.is_same():
            note = f"  {result.cruck.note}" if given.verbose else ""
            print(f"{suite.name} {result.case}: Linux {result.linux.verdict}, cruck {result.cruck.verdict}{note}", flush=True)

    runner.run_all(chosen, known, not given.known, tell, deadline)
    held = {name for name, result in table.items() if result.is_same()}
    lost: int = sum(not result.is_same() and (given.quick or result.case in held) for result in done)
    print(f"{suite.name}: {len(done)} run, {sum(result.is_same() for result in done)} with Linux's verdict, {lost} lost", flush=True)
    return lost


def _is_chosen(case: Case, table: dict[str, Result], sample: list[str], given: argparse.Namespace) -> bool:
    if given.quick:
        return case.name in sample
    if given.only is not None and not re.fullmatch(given.only, case.name):
        return False
    if given.new and case.name in table:
        return False
    return not given.different or (case.name in table and not table[case.name].is_same())


def _keep(suite: Suite, every: list[Case], table: dict[str, Result], done: list[Result]) -> None:
    merged = {**table, **{result.case: result for result in done}}
    ordered = [merged[case.name] for case in every if case.name in merged]
    results.save(suite.name, ordered)
    report.write(suite, ordered)


if __name__ == "__main__":
    sys.exit(main())
