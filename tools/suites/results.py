# SPDX-License-Identifier: MPL-2.0
"""The table of results that is checked in, docs/compatibility/<suite>.tsv: one line a case, in the suite's order."""

import os
from pathlib import Path

from suites.case import Outcome
from suites.runner import Result

HEAD = "case\tlinux\tcruck\tpassed on linux\tskipped on linux\tpassed on cruck\tskipped on cruck\tseconds on linux\tseconds on cruck\tnot supported\tnote"
# $CRUCK_SUITES_RESULTS: for runs that are not to be checked in.
DOCS = Path(os.environ.get("CRUCK_SUITES_RESULTS") or Path(__file__).resolve().parents[2] / "docs/compatibility")


def path_of(suite: str) -> Path:
    return DOCS / f"{suite}.tsv"


def load(suite: str) -> dict[str, Result]:
    """By case; empty if there is no table yet."""
    path = path_of(suite)
    results: dict[str, Result] = {}
    for line in path.read_text().splitlines()[1:] if path.exists() else ():
        fields = line.split("\t")
        linux = Outcome(fields[1], int(fields[3]), int(fields[4]), float(fields[7]))
        cruck = Outcome(fields[2], int(fields[5]), int(fields[6]), float(fields[8]), fields[10], fields[9].split(",") if fields[9] else [])
        results[fields[0]] = Result(fields[0], linux, cruck)
    return results


def save(suite: str, results: list[Result]) -> None:
    lines = [HEAD]
    for result in results:
        linux, cruck = result.linux, result.cruck
        note = "" if result.is_same() else cruck.note.replace("\t", " ")
        numbers = (linux.passed, linux.skipped, cruck.passed, cruck.skipped, f"{linux.seconds:.1f}", f"{cruck.seconds:.1f}")
        fields = (result.case, linux.verdict, cruck.verdict, *numbers, ",".join(cruck.unsupported), note)
        lines.append("\t".join(str(field) for field in fields).rstrip("\t") if note else "\t".join(str(field) for field in fields))
    path_of(suite).write_text("\n".join(lines) + "\n")
