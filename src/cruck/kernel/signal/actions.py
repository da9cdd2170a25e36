# SPDX-License-Identifier: MPL-2.0
"""What a process does with each signal (sigaction(2)); shared by tasks cloned with CLONE_SIGHAND."""

from typing import Final

from cruck.kernel.signal.pending import NSIG

SIG_DFL: Final = 0
SIG_IGN: Final = 1

SA_NOCLDSTOP: Final = 1
SA_NOCLDWAIT: Final = 2
SA_SIGINFO: Final = 4
SA_RESTORER: Final = 0x0400_0000
SA_ONSTACK: Final = 0x0800_0000
SA_RESTART: Final = 0x1000_0000
SA_NODEFER: Final = 0x4000_0000
SA_RESETHAND: Final = 0x8000_0000

# Default dispositions (signal(7)): bit n−1 set = signal n.
DEFAULT_IGNORE_MASK: Final = (1 << 16) | (1 << 17) | (1 << 22) | (1 << 27)  # CHLD CONT URG WINCH
STOP_MASK: Final = (1 << 18) | (1 << 19) | (1 << 20) | (1 << 21)  # STOP TSTP TTIN TTOU
CORE_MASK: Final = (
    (1 << 2) | (1 << 3) | (1 << 4) | (1 << 5) | (1 << 6) | (1 << 7) | (1 << 10) | (1 << 23) | (1 << 24) | (1 << 30)
)  # QUIT ILL TRAP ABRT BUS FPE SEGV XCPU XFSZ SYS
SIGKILL_BIT: Final = 1 << 8
SIGSTOP_BIT: Final = 1 << 18
UNBLOCKABLE_MASK: Final = SIGKILL_BIT | SIGSTOP_BIT


class SigAction:
    handler: int
    flags: int
    restorer: int
    mask: int

    def __init__(self, handler: int = SIG_DFL, flags: int = 0, restorer: int = 0, mask: int = 0) -> None:
        self.handler = handler
        self.flags = flags
        self.restorer = restorer
        self.mask = mask


class SignalActions:
    table: list[SigAction]  # index n−1
    refs: int

    def __init__(self) -> None:
        self.table = [SigAction() for _ in range(NSIG)]
        self.refs = 1

    def get(self, signo: int) -> SigAction:
        return self.table[signo - 1]

    def set(self, signo: int, action: SigAction) -> None:
        self.table[signo - 1] = action

    def is_ignored(self, signo: int) -> bool:
        """Would delivery do nothing?"""
        handler = self.table[signo - 1].handler
        return handler == SIG_IGN or (handler == SIG_DFL and bool(DEFAULT_IGNORE_MASK >> (signo - 1) & 1))

    def copy(self) -> "SignalActions":
        other = SignalActions()
        other.table = list(self.table)  # SigAction objects are replaced, never changed
        return other

    def for_exec(self) -> "SignalActions":
        """Handlers become SIG_DFL, ignored signals stay ignored."""
        other = SignalActions()
        for index, action in enumerate(self.table):
            if action.handler == SIG_IGN:
                other.table[index] = SigAction(SIG_IGN)
        return other
