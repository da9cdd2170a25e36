# SPDX-License-Identifier: MPL-2.0
"""Decisions: what the egress policy said, for the trace as it happens and for the report at the end: destination, verdict, the rule that
decided, the flag that would allow it."""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel

MAX_DENIALS: Final = 200  # different ones that are kept: guests choose destinations


class Decisions:
    denials: dict[str, int]  # by sentence → how often
    nr_allowed: int

    def __init__(self) -> None:
        self.denials = {}
        self.nr_allowed = 0

    def note(self, kernel: "Kernel", what: str, is_allowed: bool, rule: str, advice: str) -> None:
        """`what`: protocol and destination. `advice`: "" if no flag would allow it."""
        sentence = f"{what} {'allowed' if is_allowed else 'denied'}: {rule}"
        if advice:
            sentence += f"; {advice} would allow it"
        if kernel.tracer is not None:
            kernel.tracer.remark(f"network: {sentence}")
        kernel.log.info(f"network: {sentence}")
        if is_allowed:
            self.nr_allowed += 1
            return
        if sentence not in self.denials and len(self.denials) >= MAX_DENIALS:
            sentence = "other destinations denied"
        self.denials[sentence] = self.denials.get(sentence, 0) + 1
