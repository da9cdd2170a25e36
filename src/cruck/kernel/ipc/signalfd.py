# SPDX-License-Identifier: MPL-2.0
"""signalfd(2): signals that are read instead of handled. Source: Linux fs/signalfd.c.

As on Linux it is the *reader's* (and poller's) signals that a signalfd shows, not its creator's: `kernel.current`.
"""

import struct
from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EINVAL
from cruck.framework.mm.user_memory import UserFault, VmWriter
from cruck.kernel.errors import WOULD_BLOCK
from cruck.kernel.poll.wait_queue import WaitQueue
from cruck.kernel.vfs.anon_inode import AnonFile

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.signal.pending import SigInfo

POLLIN: Final = 1
SIGINFO_BYTES: Final = 128
SIGBUS: Final = 7
FAULT_SIGNALS: Final = (4, 5, SIGBUS, 8, 11)
SIGCHLD: Final = 17
SIGIO: Final = 29
SIGSYS: Final = 31
SI_TIMER: Final = -2
SI_KERNEL: Final = 0x80
AUDIT_ARCH_X86_64: Final = 0xC000003E
# struct signalfd_siginfo (abi/signalfd.py): signo, errno, code, pid, uid, fd, tid, band, overrun, trapno, status, int, ptr, utime,
# stime, addr, addr_lsb, pad, syscall, call_addr, arch.
_SIGINFO: Final = struct.Struct("<IiiIIiIIIIiiQQQQHHiQI28x")
U32: Final = 0xFFFF_FFFF
U64: Final = 0xFFFF_FFFF_FFFF_FFFF


class SignalFile(AnonFile):
    mask: int  # bit n−1: signal n is read here

    def __init__(self, kernel: "Kernel", mask: int, flags: int) -> None:
        super().__init__(kernel, flags)
        self.mask = mask

    def read(self, out: VmWriter, offset: int) -> int:
        if out.remaining < SIGINFO_BYTES:
            return -EINVAL
        task = self.kernel.current
        assert task is not None, "read by a system call"
        done = 0
        while out.remaining >= SIGINFO_BYTES:
            info = task.pending.take(self.mask)
            if info is None:
                info = task.process.pending.take(self.mask)
            if info is None:
                break
            try:
                count = out.write(siginfo_bytes(info))
            except UserFault:
                if done == 0:
                    raise
                break
            if count < SIGINFO_BYTES:
                break
            done += SIGINFO_BYTES
        return done if done else WOULD_BLOCK

    def poll(self) -> int:
        task = self.kernel.current
        if task is not None and (task.pending.bits | task.process.pending.bits) & self.mask:
            return POLLIN
        return 0

    def wait_queue(self) -> WaitQueue | None:
        return self.kernel.signal_queued

    def set_mask(self, mask: int) -> None:
        self.mask = mask
        self.kernel.signal_queued.wake(POLLIN)

    def fdinfo(self) -> bytes:
        return b"sigmask:\t%016x\n" % self.mask

    def describe(self) -> str:
        return "anon_inode:[signalfd]"


def siginfo_bytes(info: "SigInfo") -> bytes:
    """struct signalfd_siginfo, by the kind of signal: fields that do not belong to it are 0."""
    signo, code = info.signo, info.code
    pid, uid = info.pid, info.uid
    fd = band = tid = overrun = trapno = status = value_int = value = utime = stime = addr = call = call_addr = arch = 0
    if code == SI_TIMER:
        pid = uid = 0
        tid, overrun, value = max(0, info.timer_id), info.overrun, info.value
    elif code > 0 and code != SI_KERNEL and signo in FAULT_SIGNALS:
        pid = uid = 0
        addr, trapno = info.addr, info.trapno
    elif code > 0 and code != SI_KERNEL and signo == SIGCHLD:
        status, utime, stime = info.status, info.utime, info.stime
    elif code > 0 and code != SI_KERNEL and signo == SIGIO:
        pid = uid = 0
        band, fd = info.band, info.fd
    elif code > 0 and code != SI_KERNEL and signo == SIGSYS:
        pid = uid = 0
        call, call_addr, arch = info.call_nr, info.call_addr, AUDIT_ARCH_X86_64
    elif code < 0:
        value = info.value
    value_int = _s32(value)
    return _SIGINFO.pack(
        signo, _s32(info.errno), _s32(code), pid & U32, uid & U32, _s32(fd), tid & U32, band & U32, overrun & U32, trapno & U32,
        _s32(status), value_int, value & U64, utime & U64, stime & U64, addr & U64, 0, 0, _s32(call), call_addr & U64, arch,
    )  # fmt: skip


def _s32(value: int) -> int:
    value &= U32
    return value if value < 0x8000_0000 else value - 0x1_0000_0000
