# SPDX-License-Identifier: MPL-2.0
"""python -m benchmarks.scaling [--quick] [--only KIND,...] [--out DIR]: prints the table; writes scaling.json and scaling-KIND.svg."""

import argparse
import json
from pathlib import Path

from benchmarks.scaling import plot, section
from benchmarks.scaling.growth import Curve
from benchmarks.scaling.run import KINDS, QUICK_SIZES, SIZES, build, measure


def write_files(curves: list[Curve], out: Path) -> list[str]:
    """Returns the names of the files."""
    (out / "scaling.json").write_text(json.dumps([curve.as_json() for curve in curves], indent=1) + "\n")
    names = ["scaling.json"]
    for kind in dict.fromkeys(curve.kind for curve in curves):
        name = f"scaling-{kind}.svg"
        (out / name).write_text(plot.draw(kind, [curve for curve in curves if curve.kind == kind]))
        names.append(name)
    return names


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling")
    parser.add_argument("--quick", action="store_true", help="up to 1000 of each")
    parser.add_argument("--only", metavar="KINDS", default=",".join(KINDS))
    parser.add_argument("--out", default="build/bench", metavar="DIR")
    given = parser.parse_args()
    out = Path(given.out).absolute()
    out.mkdir(parents=True, exist_ok=True)
    curves = measure(build(out), given.only.split(","), QUICK_SIZES if given.quick else SIZES)
    write_files(curves, out)
    print(section.write(curves))
    return 1 if any(curve.is_within_n_log_n() is False for curve in curves if curve.environment == "cruck") else 0


if __name__ == "__main__":
    raise SystemExit(main())
