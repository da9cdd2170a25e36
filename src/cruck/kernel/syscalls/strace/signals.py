# SPDX-License-Identifier: MPL-2.0
"""Signals in the trace: names, sets, actions, siginfo, wait statuses."""

from typing import TYPE_CHECKING, Final

from cruck.kernel.syscalls.strace import xlat
from cruck.kernel.syscalls.strace.kinds import Call, Kind, addr_text

if TYPE_CHECKING:
    from cruck.kernel.signal.pending import SigInfo

NAMES: Final = (
    "", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM", "STKFLT",
    "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS", "RTMIN",
)  # fmt: skip

_CODES_ANY: Final = xlat.parse(
    "0 SI_USER;0x80 SI_KERNEL;-1 SI_QUEUE;-2 SI_TIMER;-3 SI_MESGQ;-4 SI_ASYNCIO;-5 SI_SIGIO;-6 SI_TKILL;-7 SI_DETHREAD;-60 SI_ASYNCNL"
)
_CODES: Final[dict[int, xlat.Table]] = {
    4: xlat.parse("1 ILL_ILLOPC;2 ILL_ILLOPN;3 ILL_ILLADR;4 ILL_ILLTRP;5 ILL_PRVOPC;6 ILL_PRVREG;7 ILL_COPROC;8 ILL_BADSTK"),
    5: xlat.parse("1 TRAP_BRKPT;2 TRAP_TRACE;3 TRAP_BRANCH;4 TRAP_HWBKPT"),
    7: xlat.parse("1 BUS_ADRALN;2 BUS_ADRERR;3 BUS_OBJERR;4 BUS_MCEERR_AR;5 BUS_MCEERR_AO"),
    8: xlat.parse("1 FPE_INTDIV;2 FPE_INTOVF;3 FPE_FLTDIV;4 FPE_FLTOVF;5 FPE_FLTUND;6 FPE_FLTRES;7 FPE_FLTINV;8 FPE_FLTSUB;14 FPE_FLTUNK"),
    11: xlat.parse("1 SEGV_MAPERR;2 SEGV_ACCERR;3 SEGV_BNDERR;4 SEGV_PKUERR"),
    17: xlat.parse("1 CLD_EXITED;2 CLD_KILLED;3 CLD_DUMPED;4 CLD_TRAPPED;5 CLD_STOPPED;6 CLD_CONTINUED"),
    29: xlat.parse("1 POLL_IN;2 POLL_OUT;3 POLL_MSG;4 POLL_ERR;5 POLL_PRI;6 POLL_HUP"),
    31: xlat.parse("1 SYS_SECCOMP;2 SYS_USER_DISPATCH"),
}


def short_name(signo: int) -> str:
    """INT, RTMIN, RT_1 …; "" unknown."""
    if 0 < signo < len(NAMES):
        return NAMES[signo]
    return f"RT_{signo - 32}" if 33 <= signo <= 64 else ""


def name(signo: int) -> str:
    text = short_name(signo)
    return "SIG" + text if text else str(signo)


def mask_text(mask: int) -> str:
    """[INT CHLD], or ~[KILL] when most are in it."""
    sign = ""
    if mask.bit_count() >= 64 * 2 // 3:
        sign = "~"
        mask = ~mask & ((1 << 64) - 1)
    return sign + "[" + " ".join([short_name(signo) for signo in range(1, 65) if mask >> (signo - 1) & 1]) + "]"


class SignalKind(Kind):
    def show(self, call: Call, index: int) -> str | None:
        signo = call.s32(index)
        return "0" if signo == 0 else name(signo)


class SigSetKind(Kind):
    """A signal set in memory; its size is in another argument (8 in practice)."""

    def __init__(self, is_out: bool) -> None:
        super().__init__(is_out)

    def show(self, call: Call, index: int) -> str | None:
        addr = call.u64(index)
        if addr == 0 or self.is_out and call.failed():
            return addr_text(addr)
        data = call.peek(addr, 8)
        return mask_text(int.from_bytes(data, "little")) if data is not None else addr_text(addr)


class SigActionKind(Kind):
    def show(self, call: Call, index: int) -> str | None:
        addr = call.u64(index)
        if addr == 0 or self.is_out and call.failed():
            return addr_text(addr)
        data = call.peek(addr, 32)
        if data is None:
            return addr_text(addr)
        handler = int.from_bytes(data[:8], "little")
        flags = int.from_bytes(data[8:16], "little")
        restorer = int.from_bytes(data[16:24], "little")
        mask = int.from_bytes(data[24:], "little")
        shown = ("SIG_DFL", "SIG_IGN")[handler] if handler < 2 else f"{handler:#x}"
        text = f"{{sa_handler={shown}, sa_mask={mask_text(mask)}, sa_flags={xlat.flags(flags, xlat.SA_FLAGS, 'SA_???')}"
        if flags & 0x0400_0000:
            text += f", sa_restorer={restorer:#x}"
        return text + "}"


class StackKind(Kind):
    """stack_t of sigaltstack."""

    def show(self, call: Call, index: int) -> str | None:
        addr = call.u64(index)
        if addr == 0 or self.is_out and call.failed():
            return addr_text(addr)
        data = call.peek(addr, 24)
        if data is None:
            return addr_text(addr)
        base = int.from_bytes(data[:8], "little")
        flags = int.from_bytes(data[8:12], "little")
        size = int.from_bytes(data[16:], "little")
        return f"{{ss_sp={addr_text(base)}, ss_flags={xlat.flags(flags, xlat.SS_FLAGS, 'SS_???')}, ss_size={size}}}"


class SigFrameKind(Kind):
    """rt_sigreturn: the mask that will be restored, from the frame on the stack."""

    def show(self, call: Call, index: int) -> str | None:
        # The frame is at the stack pointer: ucontext, whose last member is the mask.
        rsp = call.task.context.get_reg(19)
        data = call.peek(rsp + 296, 8)
        return "{mask=" + mask_text(int.from_bytes(data, "little")) + "}" if data is not None else ""


class WaitStatusKind(Kind):
    """[{WIFEXITED(s) && WEXITSTATUS(s) == 0}]"""

    def __init__(self) -> None:
        super().__init__(True)

    def show(self, call: Call, index: int) -> str | None:
        addr = call.u64(index)
        if addr == 0 or call.result <= 0:
            return addr_text(addr)
        data = call.peek(addr, 4)
        return "[" + wait_status_text(int.from_bytes(data, "little")) + "]" if data is not None else addr_text(addr)


def wait_status_text(status: int) -> str:
    if status == 0xFFFF:
        return "{WIFCONTINUED(s)}"
    if status & 0x7F == 0:
        return f"{{WIFEXITED(s) && WEXITSTATUS(s) == {status >> 8 & 0xFF}}}"
    if status & 0xFF == 0x7F:
        return f"{{WIFSTOPPED(s) && WSTOPSIG(s) == {name(status >> 8 & 0xFF)}}}"
    core = " && WCOREDUMP(s)" if status & 0x80 else ""
    return f"{{WIFSIGNALED(s) && WTERMSIG(s) == {name(status & 0x7F)}{core}}}"


class SigInfoKind(Kind):
    """siginfo_t in memory."""

    def show(self, call: Call, index: int) -> str | None:
        addr = call.u64(index)
        if addr == 0 or self.is_out and call.failed():
            return addr_text(addr)
        data = call.peek(addr, 128)
        if data is None:
            return addr_text(addr)
        if call.name == "waitid" and data[:4] == bytes(4):
            return "{}"
        signo = _s32(data, 0)
        code = _s32(data, 8)
        return _info_text(
            signo, code, _s32(data, 4), _s32(data, 16), _s32(data, 20) & 0xFFFF_FFFF, _s32(data, 24),
            int.from_bytes(data[32:40], "little"), int.from_bytes(data[40:48], "little"), int.from_bytes(data[16:24], "little"),
            int.from_bytes(data[24:32], "little"), _s32(data, 20),
        )  # fmt: skip


def _s32(data: bytes, offset: int) -> int:
    return int.from_bytes(data[offset : offset + 4], "little", signed=True)


def info_text(info: "SigInfo") -> str:
    """{si_signo=SIGCHLD, si_code=CLD_EXITED, …} of a signal that is delivered."""
    return _info_text(
        info.signo, info.code, info.errno, info.timer_id if info.code == -2 else info.pid, info.uid, info.status,
        info.utime, info.stime, info.addr if info.code != 1 or info.signo != 29 else info.band, info.value, info.overrun,
    )  # fmt: skip


def _info_text(signo: int, code: int, errno: int, pid: int, uid: int, status: int, utime: int, stime: int, addr: int, value: int,
               overrun: int) -> str:  # fmt: skip
    code_text = xlat.find(code, _CODES_ANY) or xlat.find(code, _CODES.get(signo, ())) or (f"{code:#x}" if code > 0 else str(code))
    text = f"{{si_signo={name(signo)}, si_code={code_text}"
    if errno:
        from cruck.abi.errno import ERRNO_NAMES

        text += f", si_errno={ERRNO_NAMES.get(errno, str(errno))}"
    if code == 0x80 and pid == 0 and uid == 0 and signo != 17:
        return text + "}"
    if code == -2:
        return text + f", si_timerid={pid:#x}, si_overrun={overrun}, {_value_text(value)}}}"
    if code <= 0:
        text += f", si_pid={pid}, si_uid={uid}"
        if code == -1 or code < -6 or (code not in (0, -6)):
            text += ", " + _value_text(value)
        return text + "}"
    if signo == 17:
        shown = str(status) if code == 1 else name(status)
        return text + f", si_pid={pid}, si_uid={uid}, si_status={shown}, si_utime={utime}, si_stime={stime}}}"
    if signo in (4, 5, 7, 8, 11):
        if code == 0x80:
            return text + "}"
        return text + f", si_addr={addr_text(addr)}}}"
    if signo == 29:
        return text + f", si_band={addr}}}"
    return text + "}"


def _value_text(value: int) -> str:
    number = value & 0xFFFF_FFFF
    number = number - (1 << 32) if number >> 31 else number
    return f"si_int={number}, si_ptr={addr_text(value)}"
