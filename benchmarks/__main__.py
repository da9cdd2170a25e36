# SPDX-License-Identifier: MPL-2.0
"""python -m benchmarks [--quick] [--only GROUP,...] [--env NAME,...] [--rounds N] [--out DIR] [--publish]

`make bench` and `make bench-quick` call it. Prints the tables; writes bench.json, bench.txt, bench.svg and bench.md to build/bench
(--out), with --publish also to docs/performance.
"""

import argparse
import compileall
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import cruck
from benchmarks import host
from benchmarks.interleave import FULL, QUICK, measure, say
from benchmarks.micro.run import build
from benchmarks.peers.environment import Environment
from benchmarks.peers.known import CRUCK, NATIVE, known
from benchmarks.report import bars, document
from benchmarks.report.table import own_table, peer_table
from benchmarks.report.verdicts import missed, slower_than_peers
from benchmarks.rows import GROUPS, ROWS
from benchmarks.samples import Samples
from benchmarks.scaling import run as scaling
from benchmarks.scaling import section
from benchmarks.scaling.__main__ import write_files

DOCUMENTS = Path("docs/performance")
OUTPUTS = ("bench.json", "bench.txt", "bench.svg", "bench.md")


def main() -> int:
    given = _arguments()
    out = Path(given.out).absolute()
    out.mkdir(parents=True, exist_ok=True)
    environments = _environments(given, str(out))
    plan = QUICK if given.quick else FULL
    words = frozenset(given.only.split(",")) if given.only else frozenset(GROUPS)
    groups = frozenset(row.group for row in ROWS if row.group in words or row.key in words)
    plan = replace(plan, groups=groups, keys=words & frozenset(row.key for row in ROWS), rounds=given.rounds or plan.rounds)
    about = host.describe()
    compileall.compile_dir(os.path.dirname(cruck.__file__), quiet=1)  # as pip does for a user; an editable install does not
    samples = Samples()
    null = os.stat(os.devnull)
    try:
        measure(plan, environments, build(out), samples)
    finally:
        host.give_back(os.devnull, null)
    curves = scaling.measure(scaling.build(out), list(scaling.KINDS), scaling.SIZES) if given.publish or "scaling" in words else []
    text = own_table(samples)
    if any(environment.name not in NATIVE + CRUCK for environment in environments):
        text += "\n" + peer_table(samples)
    for title, lines in (("Beyond their bar", missed(samples)), ("Slower than runsc or proot", slower_than_peers(samples))):
        text += f"\n{title}: {len(lines)}\n" + "".join(f"  {line}\n" for line in lines)
    (out / "bench.json").write_text(json.dumps({"host": about} | samples.as_json(), indent=1) + "\n")
    (out / "bench.txt").write_text("".join(f"{name}: {value}\n" for name, value in about.items()) + "\n" + text)
    (out / "bench.svg").write_text(bars.draw(samples))
    (out / "bench.md").write_text(document.write(samples, about, environments, section.write(curves)))
    print(text)
    outputs = [*OUTPUTS, *(write_files(curves, out) if curves else [])]
    print(section.write(curves))
    if given.publish:
        for name in outputs:
            shutil.copyfile(out / name, DOCUMENTS / name)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measures cruck beside native and its peers.")
    parser.add_argument("--quick", action="store_true", help="90 seconds: native and cruck only, fewer samples")
    parser.add_argument("--only", metavar="NAMES", help=f"groups ({', '.join(GROUPS)}, scaling) or row keys, separated by commas")
    parser.add_argument("--env", metavar="NAMES", help="environments, separated by commas; commas within a name are written as +")
    parser.add_argument("--rounds", type=int, metavar="N")
    parser.add_argument("--out", default="build/bench", metavar="DIR")
    parser.add_argument("--publish", action="store_true", help=f"copy the results to {DOCUMENTS}")
    return parser.parse_args()


def _environments(given: argparse.Namespace, scratch: str) -> list[Environment]:
    """Those that are wanted and present."""
    wanted = [name.replace("+", ",") for name in given.env.split(",")] if given.env else None
    found = []
    for environment in known(scratch):
        if wanted is not None and environment.name not in wanted:
            continue
        if wanted is None and given.quick and environment.name not in NATIVE + CRUCK:
            continue
        if environment.is_present():
            found.append(environment)
        else:
            say(f"{environment.name} is not installed ({environment.prefix[0]})")
    return found


if __name__ == "__main__":
    raise SystemExit(main())
