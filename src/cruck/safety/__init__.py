# SPDX-License-Identifier: MPL-2.0
"""The static half of the boundary: services are safe Python, checked before they run (docs/soundness/checker.md).

    findings = cruck.safety.check(["src/cruck/kernel"])      [] if clean
    module = cruck.safety.load_service("my_fs.py")           checks, then imports; CheckError says why not

rules.py is the table of rules, allowed.py what services may name, checker.py the check, report.py the count of privileged code.
"""

from cruck.safety.check import check
from cruck.safety.findings import CheckError, Finding
from cruck.safety.load import load_service
from cruck.safety.rules import RULES, Rule
from cruck.safety.sources import SourceError

__all__ = ["RULES", "CheckError", "Finding", "Rule", "SourceError", "check", "load_service"]
