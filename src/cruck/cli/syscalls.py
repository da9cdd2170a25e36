# SPDX-License-Identifier: MPL-2.0
"""`cruck syscalls`: the system-call table as users see it; the same rows make the dispatcher."""

import json
import sys


def rows() -> list[dict[str, object]]:
    from cruck.abi.syscall_numbers import NAMES
    from cruck.kernel.syscalls.table_x86_64 import TABLE

    by_number = {row.number: row for row in TABLE}
    found: list[dict[str, object]] = []
    for number in sorted(NAMES):
        row = by_number.get(number)
        support, note = (row.support, row.note) if row is not None else ("none", "")
        found.append({"number": number, "name": NAMES[number], "support": support, "note": note})
    return found


def main(argv: list[str]) -> int:
    if argv not in ([], ["--json"]):
        sys.stderr.write("usage: cruck syscalls [--json]\n")
        return 125
    table = rows()
    if argv:
        json.dump(table, sys.stdout, indent=1)
        sys.stdout.write("\n")
        return 0
    for row in table:
        sys.stdout.write(f"{row['number']:>4}  {row['name']:<26} {row['support']:<8} {row['note']}".rstrip() + "\n")
    counts = {support: sum(1 for row in table if row["support"] == support) for support in ("full", "partial", "none")}
    sys.stdout.write(f"{counts['full']} full, {counts['partial']} partial, {counts['none']} none (ENOSYS)\n")
    return 0
