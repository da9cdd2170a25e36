# SPDX-License-Identifier: MPL-2.0
"""Environment: one way to run an unmodified program, natively or behind somebody's command."""

import os
import shutil
import subprocess
from collections.abc import Sequence

TIMEOUT_S = 120


class Environment:
    name: str  # in tables and JSON
    is_pinned: bool  # to one CPU

    def __init__(self, name: str, prefix: Sequence[str], excluded: frozenset[str] = frozenset(), is_pinned: bool = False) -> None:
        """Args: prefix: the command in front of the program's. excluded: groups and row keys that it cannot run as the others do."""
        self.name = name
        self.prefix = [*(["taskset", "-c", str(max(os.sched_getaffinity(0)))] if is_pinned else []), *prefix]
        self.excluded = excluded
        self.is_pinned = is_pinned

    def is_present(self) -> bool:
        return not self.prefix or shutil.which(self.prefix[-1] if self.prefix == ["taskset"] else self.prefix[0]) is not None

    def measures(self, *names: str) -> bool:
        """Whether it takes part in a row, given its key and group."""
        return not any(name in self.excluded for name in names)

    def command(self, argv: Sequence[str]) -> list[str]:
        return [*self.prefix, *argv]

    def run(self, argv: Sequence[str]) -> tuple[int, str]:
        """To its end, in the current directory. Returns (exit status, standard output); −1 if it took longer than TIMEOUT_S."""
        try:
            done = subprocess.run(
                self.command(argv), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=TIMEOUT_S, text=True,
                errors="replace", check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return -1, ""
        return done.returncode, done.stdout

    def describe(self) -> str:
        """The command, for the document."""
        return " ".join(self.prefix) or "(the program itself)"
