# SPDX-License-Identifier: MPL-2.0
"""Finding: one violation, as a linter prints it; CheckError: a service was refused because of its findings."""

from dataclasses import dataclass

from cruck.safety.rules import RULES


@dataclass(frozen=True, order=True)
class Finding:
    path: str
    line: int  # from 1
    column: int  # from 1
    rule: str  # a key of RULES
    message: str  # what is there

    def text(self) -> str:
        """`file:line:col: RULE message; why; what to use instead`."""
        rule = RULES[self.rule]
        return f"{self.path}:{self.line}:{self.column}: {self.rule} {self.message}; {rule.reason}; use instead: {rule.instead}"

    def as_json(self) -> dict[str, str | int]:
        rule = RULES[self.rule]
        return {
            "path": self.path, "line": self.line, "column": self.column, "rule": self.rule, "message": self.message,
            "reason": rule.reason, "instead": rule.instead,
        }  # fmt: skip


class CheckError(Exception):
    """`findings`: why the service was not loaded."""

    def __init__(self, what: str, findings: list[Finding]) -> None:
        self.findings = findings
        lines = "\n".join(finding.text() for finding in findings)
        super().__init__(f"{what} was not loaded: {len(findings)} finding{'s' if len(findings) > 1 else ''} of cruck check\n{lines}")
