# SPDX-License-Identifier: MPL-2.0
"""Times and limits in the trace: timespec, timeval, timers, rusage, rlimit, sysinfo, utsname."""

from typing import Final

from cruck.kernel.syscalls.strace import xlat
from cruck.kernel.syscalls.strace.kinds import Call, Kind, addr_text
from cruck.kernel.syscalls.strace.text import quote

INFINITY: Final = (1 << 64) - 1


def _s64(data: bytes, index: int) -> int:
    return int.from_bytes(data[8 * index : 8 * index + 8], "little", signed=True)


def _u64(data: bytes, index: int) -> int:
    return int.from_bytes(data[8 * index : 8 * index + 8], "little")


def timespec_text(data: bytes, index: int) -> str:
    return f"{{tv_sec={_s64(data, index)}, tv_nsec={_s64(data, index + 1)}}}"


def timeval_text(data: bytes, index: int) -> str:
    return f"{{tv_sec={_s64(data, index)}, tv_usec={_s64(data, index + 1)}}}"


class TimespecKind(Kind):
    def show(self, call: Call, index: int) -> str | None:
        return timespec_at(call, call.u64(index), self.is_out)


def timespec_at(call: Call, addr: int, is_out: bool) -> str:
    if addr == 0 or is_out and call.failed():
        return addr_text(addr)
    data = call.peek(addr, 16)
    return timespec_text(data, 0) if data is not None else addr_text(addr)


class RemainingKind(Kind):
    """nanosleep's second argument: filled in only when a signal ended the sleep."""

    def __init__(self) -> None:
        super().__init__(True)

    def show(self, call: Call, index: int) -> str | None:
        addr = call.u64(index)
        if addr == 0 or call.result not in (-4, -516):
            return addr_text(addr)
        data = call.peek(addr, 16)
        return timespec_text(data, 0) if data is not None else addr_text(addr)


class TimevalKind(Kind):
    def show(self, call: Call, index: int) -> str | None:
        addr = call.u64(index)
        if addr == 0 or self.is_out and call.failed():
            return addr_text(addr)
        data = call.peek(addr, 16)
        return timeval_text(data, 0) if data is not None else addr_text(addr)


class TimezoneKind(Kind):
    def __init__(self) -> None:
        super().__init__(True)

    def show(self, call: Call, index: int) -> str | None:
        addr = call.u64(index)
        data = call.peek(addr, 8) if addr and not call.failed() else None
        if data is None:
            return addr_text(addr)
        west = int.from_bytes(data[:4], "little", signed=True)
        dst = int.from_bytes(data[4:], "little", signed=True)
        return f"{{tz_minuteswest={west}, tz_dsttime={dst}}}"


class TimePairKind(Kind):
    """[timespec, timespec] of utimensat, or [timeval, timeval] of utimes."""

    def __init__(self, is_timespec: bool) -> None:
        super().__init__()
        self.is_timespec = is_timespec

    def show(self, call: Call, index: int) -> str | None:
        addr = call.u64(index)
        data = call.peek(addr, 32) if addr else None
        if data is None:
            return addr_text(addr)
        if not self.is_timespec:
            first = timeval_text(data, 0) + date_text(_s64(data, 0), _s64(data, 1), 6)
            return f"[{first}, {timeval_text(data, 2) + date_text(_s64(data, 2), _s64(data, 3), 6)}]"
        return f"[{_utime_text(data, 0)}, {_utime_text(data, 2)}]"


def _utime_text(data: bytes, index: int) -> str:
    nsec = _s64(data, index + 1)
    if nsec == 0x3FFF_FFFF:
        return "UTIME_NOW"
    if nsec == 0x3FFF_FFFE:
        return "UTIME_OMIT"
    return timespec_text(data, index) + date_text(_s64(data, index), nsec, 9)


def date_text(seconds: int, fraction: int, digits: int) -> str:
    """The moment in UTC as a comment: /* 1970-01-01T00:00:01.000000002+0000 */; empty if it is none."""
    if not 0 <= fraction < 10**digits or not 0 <= seconds < 1 << 38:
        return ""
    days, rest = divmod(seconds, 86400)
    # Howard Hinnant's civil_from_days, for days since 1970-01-01.
    days += 719468
    era, day_of_era = divmod(days, 146097)
    year = (day_of_era - day_of_era // 1460 + day_of_era // 36524 - day_of_era // 146096) // 365
    day_of_year = day_of_era - (365 * year + year // 4 - year // 100)
    month = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * month + 2) // 5 + 1
    month = month + 3 if month < 10 else month - 9
    year += era * 400 + (1 if month <= 2 else 0)
    time = f"{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}"
    part = f".{fraction:0{digits}}" if fraction else ""
    return f" /* {year:04}-{month:02}-{day:02}T{time}{part}+0000 */"


class ItimervalKind(Kind):
    def show(self, call: Call, index: int) -> str | None:
        addr = call.u64(index)
        data = call.peek(addr, 32) if addr and not (self.is_out and call.failed()) else None
        if data is None:
            return addr_text(addr)
        return f"{{it_interval={timeval_text(data, 0)}, it_value={timeval_text(data, 2)}}}"


class ItimerspecKind(Kind):
    def show(self, call: Call, index: int) -> str | None:
        addr = call.u64(index)
        data = call.peek(addr, 32) if addr and not (self.is_out and call.failed()) else None
        if data is None:
            return addr_text(addr)
        return f"{{it_interval={timespec_text(data, 0)}, it_value={timespec_text(data, 2)}}}"


class RlimitKind(Kind):
    """{rlim_cur=8192*1024, rlim_max=RLIM64_INFINITY}; getrlimit says RLIM_INFINITY."""

    def show(self, call: Call, index: int) -> str | None:
        addr = call.u64(index)
        data = call.peek(addr, 16) if addr and not (self.is_out and call.failed()) else None
        if data is None:
            return addr_text(addr)
        infinity = "RLIM64_INFINITY" if call.name == "prlimit64" else "RLIM_INFINITY"
        return f"{{rlim_cur={_limit_text(_u64(data, 0), infinity)}, rlim_max={_limit_text(_u64(data, 1), infinity)}}}"


def _limit_text(value: int, infinity: str) -> str:
    if value == INFINITY:
        return infinity
    if value > 1024 and value % 1024 == 0:
        return f"{value // 1024}*1024"
    return str(value)


class RusageKind(Kind):
    def __init__(self) -> None:
        super().__init__(True)

    def show(self, call: Call, index: int) -> str | None:
        addr = call.u64(index)
        if addr == 0 or call.failed() or call.name == "wait4" and call.result == 0:
            return addr_text(addr)
        data = call.peek(addr, 32)
        if data is None:
            return addr_text(addr)
        return f"{{ru_utime={timeval_text(data, 0)}, ru_stime={timeval_text(data, 2)}, ...}}"


class TmsKind(Kind):
    def __init__(self) -> None:
        super().__init__(True)

    def show(self, call: Call, index: int) -> str | None:
        addr = call.u64(index)
        data = call.peek(addr, 32) if addr and not call.failed() else None
        if data is None:
            return addr_text(addr)
        names = ("tms_utime", "tms_stime", "tms_cutime", "tms_cstime")
        return "{" + ", ".join([f"{names[i]}={_s64(data, i)}" for i in range(4)]) + "}"


class SysinfoKind(Kind):
    def __init__(self) -> None:
        super().__init__(True)

    def show(self, call: Call, index: int) -> str | None:
        addr = call.u64(index)
        data = call.peek(addr, 112) if addr and not call.failed() else None
        if data is None:
            return addr_text(addr)
        loads = f"[{_u64(data, 1)}, {_u64(data, 2)}, {_u64(data, 3)}]"
        text = f"{{uptime={_u64(data, 0)}, loads={loads}"
        for offset, name in enumerate(("totalram", "freeram", "sharedram", "bufferram", "totalswap", "freeswap")):
            text += f", {name}={_u64(data, 4 + offset)}"
        procs = int.from_bytes(data[80:82], "little")
        unit = int.from_bytes(data[104:108], "little")
        return text + f", procs={procs}, totalhigh={_u64(data, 11)}, freehigh={_u64(data, 12)}, mem_unit={unit}}}"


class UtsnameKind(Kind):
    def __init__(self) -> None:
        super().__init__(True)

    def show(self, call: Call, index: int) -> str | None:
        addr = call.u64(index)
        data = call.peek(addr, 390) if addr and not call.failed() else None
        if data is None:
            return addr_text(addr)
        return f"{{sysname={_name(data, 0)}, nodename={_name(data, 1)}, ...}}"


def _name(data: bytes, index: int) -> str:
    return quote(data[65 * index : 65 * index + 65].split(b"\0", 1)[0], 65)


class SigeventKind(Kind):
    def show(self, call: Call, index: int) -> str | None:
        addr = call.u64(index)
        data = call.peek(addr, 64) if addr else None
        if data is None:
            return addr_text(addr)
        from cruck.kernel.syscalls.strace.signals import name

        value = _u64(data, 0)
        number = int.from_bytes(data[:4], "little", signed=True)
        signo = int.from_bytes(data[8:12], "little", signed=True)
        notify = int.from_bytes(data[12:16], "little")
        text = "{"
        if value:
            text += f"sigev_value={{sival_int={number}, sival_ptr={addr_text(value)}}}, "
        text += f"sigev_signo={name(signo) if signo else '0'}"
        text += f", sigev_notify={xlat.choice(notify, xlat.SIGEV, 'SIGEV_???')}"
        if notify == 4:
            text += f", sigev_notify_thread_id={int.from_bytes(data[16:20], 'little', signed=True)}"
        elif notify == 2:
            text += f", sigev_notify_function={addr_text(_u64(data, 2))}, sigev_notify_attributes={addr_text(_u64(data, 3))}"
        return text + "}"


class ClockKind(Kind):
    def show(self, call: Call, index: int) -> str | None:
        value = call.s32(index)
        if value >= 0:
            return xlat.choice(value, xlat.CLOCKS, "CLOCK_???")
        if value & 7 == 3:
            return f"FD_TO_CLOCKID({~(value >> 3)})"
        return f"{call.u32(index):#x} /* CLOCK_??? */"


class TimeAtKind(Kind):
    """[1700000000]: time(2)'s argument."""

    def __init__(self) -> None:
        super().__init__(True)

    def show(self, call: Call, index: int) -> str | None:
        addr = call.u64(index)
        data = call.peek(addr, 8) if addr and not call.failed() else None
        return f"[{_s64(data, 0)}]" if data is not None else addr_text(addr)
