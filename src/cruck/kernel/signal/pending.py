# SPDX-License-Identifier: MPL-2.0
"""Signals that were sent and not yet delivered.

`SigInfo` is siginfo_t as plain data; `PendingSignals` is one queue (a task's or a process's): standard signals are kept once,
real-time signals in order of sending (signal(7)).
"""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cruck.kernel.time.timers import SignalTimer

SIGRTMIN: Final = 32
NSIG: Final = 64

SI_USER: Final = 0
SI_KERNEL: Final = 0x80
SI_QUEUE: Final = -1
SI_TIMER: Final = -2
SI_TKILL: Final = -6


class SigInfo:
    signo: int
    code: int  # SI_*, SEGV_*, CLD_*, …
    errno: int
    pid: int  # sender, or the child
    uid: int
    sender: int  # the kernel's number of the process that sent it; 0: the kernel, or from outside
    status: int  # SIGCHLD: exit code or signal
    utime: int  # SIGCHLD: clock ticks
    stime: int
    addr: int  # faults
    trapno: int
    error_code: int
    value: int  # sigqueue, timers: the union sigval as u64
    timer_id: int
    overrun: int
    band: int  # SIGIO
    fd: int
    call_addr: int  # SIGSYS
    call_nr: int
    call_arch: int  # AUDIT_ARCH_*
    timer: "SignalTimer | None"  # whose it is; it rests while this is pending

    def __init__(self, signo: int, code: int = SI_USER, pid: int = 0, uid: int = 0) -> None:
        self.signo = signo
        self.code = code
        self.pid = pid
        self.uid = uid
        self.sender = 0
        self.timer = None
        self.errno = self.status = self.utime = self.stime = self.addr = self.value = 0
        self.trapno = self.error_code = 0
        self.timer_id = -1
        self.overrun = self.band = self.fd = self.call_addr = self.call_nr = self.call_arch = 0


class PendingSignals:
    bits: int  # bit n−1: signal n is pending
    queue: list[SigInfo]  # oldest first

    def __init__(self) -> None:
        self.bits = 0
        self.queue = []

    def add(self, info: SigInfo) -> bool:
        """False: a standard signal that was pending already (it is dropped)."""
        bit = 1 << (info.signo - 1)
        if info.signo < SIGRTMIN and self.bits & bit:
            return False
        self.bits |= bit
        self.queue.append(info)
        return True

    def take(self, mask: int) -> SigInfo | None:
        """Removes the next signal among the bits of `mask`: synchronous faults first, then the lowest number; real-time
        signals of one number in order."""
        ready = self.bits & mask
        if not ready:
            return None
        synchronous = ready & SYNCHRONOUS_MASK
        if synchronous:
            ready = synchronous
        signo = (ready & -ready).bit_length()
        found: SigInfo | None = None
        for info in self.queue:
            if info.signo == signo:
                found = info
                break
        assert found is not None
        self.queue.remove(found)
        if not self._holds_number(signo):
            self.bits &= ~(1 << (signo - 1))
        if found.timer is not None:
            found.timer.signal_taken(found)
        return found

    def discard(self, mask: int) -> None:
        """Forgets the signals of `mask`."""
        if self.bits & mask:
            self.bits &= ~mask
            dropped = [info for info in self.queue if mask >> (info.signo - 1) & 1]
            self.queue = [info for info in self.queue if not mask >> (info.signo - 1) & 1]
            for info in dropped:
                if info.timer is not None:
                    info.timer.signal_taken(info)

    def _holds_number(self, signo: int) -> bool:
        for info in self.queue:
            if info.signo == signo:
                return True
        return False

    def holds(self, wanted: SigInfo) -> bool:
        for info in self.queue:
            if info is wanted:
                return True
        return False


# SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE, SIGSYS
SYNCHRONOUS_MASK: Final = (1 << 10) | (1 << 6) | (1 << 3) | (1 << 4) | (1 << 7) | (1 << 30)
