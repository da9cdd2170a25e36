# SPDX-License-Identifier: MPL-2.0
"""`cruck check`: the static check of services, and `--report`, the count of privileged code. Exit status 0 clean, 1 findings,
125 usage; diagnostics on standard output, one a line."""

import json
import sys

USAGE = """\
usage: cruck check [--json] PATH|MODULE ...    check files, trees or dotted modules of services
       cruck check --report [--json]           count the privileged half and list its native calls
       cruck check --rules                     list the rules

A service may import the framework's public API, cruck.abi, cruck.kernel and pure standard modules, and use no Python that
reaches past them. Exit status: 0 clean, 1 findings, 125 usage. Folders named `tests` inside a tree are left out.
"""


def main(argv: list[str]) -> int:
    options = [word for word in argv if word.startswith("-")]
    arguments = [word for word in argv if not word.startswith("-")]
    if "-h" in options or "--help" in options:
        sys.stdout.write(USAGE)
        return 0
    unknown = [option for option in options if option not in ("--json", "--report", "--rules")]
    is_other = "--report" in options or "--rules" in options
    if unknown or is_other == bool(arguments) or "--report" in options and "--rules" in options:
        for option in unknown:
            sys.stderr.write(f"cruck check: unknown option {option}\n")
        sys.stderr.write(USAGE)
        return 125
    if "--rules" in options:
        return _rules("--json" in options)
    if "--report" in options:
        return _report("--json" in options)
    return _check(arguments, "--json" in options)


def _check(arguments: list[str], is_json: bool) -> int:
    from cruck.safety.check import check
    from cruck.safety.sources import SourceError

    try:
        findings = check(arguments)
    except SourceError as error:
        sys.stderr.write(f"cruck check: {error}\n")
        return 125
    if is_json:
        json.dump({"clean": not findings, "findings": [finding.as_json() for finding in findings]}, sys.stdout, indent=1)
        sys.stdout.write("\n")
    else:
        for finding in findings:
            sys.stdout.write(finding.text() + "\n")
        if findings:
            files = len({finding.path for finding in findings})
            sys.stderr.write(
                f"cruck check: {len(findings)} finding{'s' if len(findings) > 1 else ''} in {files} file{'s' if files > 1 else ''}\n"
            )
    return 1 if findings else 0


def _report(is_json: bool) -> int:
    from cruck.safety.report import measure

    report = measure()
    if is_json:
        json.dump(report.as_json(), sys.stdout, indent=1)
        sys.stdout.write("\n")
    else:
        sys.stdout.write(report.text())
    return 0


def _rules(is_json: bool) -> int:
    from cruck.safety.rules import RULES

    if is_json:
        json.dump({name: {"reason": rule.reason, "instead": rule.instead} for name, rule in RULES.items()}, sys.stdout, indent=1)
        sys.stdout.write("\n")
        return 0
    for rule in RULES.values():
        sys.stdout.write(f"{rule.name:<22} {rule.reason}\n{'':<22} use instead: {rule.instead}\n")
    return 0
