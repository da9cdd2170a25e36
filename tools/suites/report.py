# SPDX-License-Identifier: MPL-2.0
"""docs/compatibility/<suite>.md: how many cases have Linux's verdict, and why the others have not (reasons.toml)."""

import re
import tomllib
from pathlib import Path

from suites.results import DOCS
from suites.runner import Result
from suites.suite import Suite

REASONS = Path(__file__).with_name("reasons.toml")
UNEXPLAINED = "Not yet looked at"


def write(suite: Suite, results: list[Result]) -> None:
    reasons = [(re.compile(pattern), reason) for pattern, reason in tomllib.loads(REASONS.read_text()).get(suite.name, {}).items()]
    differing = [result for result in results if not result.is_same()]
    by_reason: dict[str, list[Result]] = {}
    for result in differing:
        reason = next((text for pattern, text in reasons if pattern.fullmatch(result.case)), UNEXPLAINED)
        by_reason.setdefault(reason, []).append(result)
    same = [result for result in results if result.is_same()]
    verdicts = {verdict: sum(result.linux.verdict == verdict for result in same) for verdict in ("pass", "skip")}
    lines = [
        f"# {suite.title}: Linux's verdict and cruck's",
        "",
        f"Written by `make suites` (tools/run_suites.py) from {suite.name}.tsv, which has every case. Reasons are kept in tools/suites/reasons.toml.",
        "",
        "| cases | same verdict | of these pass | of these skipped by both | different |",
        "| --- | --- | --- | --- | --- |",
        f"| {len(results)} | **{len(same)}** | {verdicts['pass']} | {verdicts['skip']} | {len(differing)} |",
        "",
        '"Same" means: the same verdict, and no part skipped that Linux does not skip.',
        *(["", suite.left_out] if suite.left_out else []),
        "",
        "## Differences",
    ]
    for reason, group in sorted(by_reason.items(), key=lambda item: (item[0] == UNEXPLAINED, -len(item[1]))):
        lines += ["", f"### {reason} ({len(group)})", "", "| case | Linux | cruck | first complaint |", "| --- | --- | --- | --- |"]
        lines += [_row(result) for result in group]
    (DOCS / f"{suite.name}.md").write_text("\n".join(lines) + "\n")


def _row(result: Result) -> str:
    note = result.cruck.note or ", ".join(result.cruck.unsupported)
    note = re.sub(r"[|`<>*_]", lambda found: "\\" + found.group(), note)
    cruck = result.cruck.verdict
    if cruck == result.linux.verdict:
        cruck += f", {result.cruck.skipped} parts skipped (Linux {result.linux.skipped})"
    return f"| {result.case} | {result.linux.verdict} | {cruck} | {note} |"
