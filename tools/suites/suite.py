# SPDX-License-Identifier: MPL-2.0
"""Suite: where it lives, its cases, and how the output of one is judged. Home: where suites are kept, outside of the repository."""

import os
from pathlib import Path

from suites.case import Case, Outcome, Raw


class SuiteMissing(Exception):
    """The message says how to get it."""


class Suite:
    name: str
    title: str
    left_out = ""  # which cases are not run, and why

    def locate(self, may_build: bool) -> None:
        """Finds it, or fetches and builds it. Errors: SuiteMissing."""

    def cases(self) -> list[Case]:
        raise NotImplementedError

    def judge(self, case: Case, raw: Raw) -> Outcome:
        """Of one run, in either place; timeouts and oopses are judged by the runner."""
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        return {
            "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            "HOME": "/root", "TMPDIR": "/tmp", "USER": "root", "LOGNAME": "root", "LANG": "C.UTF-8", "SHELL": "/bin/sh",
        }  # fmt: skip

    def shown(self) -> list[Path]:
        """Directories of the host that a sandbox must see besides the system's."""
        return []


def home() -> Path:
    """$CRUCK_SUITES, or ~/.cache/cruck/suites."""
    return Path(os.environ.get("CRUCK_SUITES") or Path.home() / ".cache/cruck/suites")
