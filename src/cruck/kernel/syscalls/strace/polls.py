# SPDX-License-Identifier: MPL-2.0
"""poll, select and epoll in the trace. What became ready is noted after the result: = 1 ([{fd=3, revents=POLLIN}])."""

from typing import Final

from cruck.kernel.syscalls.strace import xlat
from cruck.kernel.syscalls.strace.kinds import MAX_ARRAY, Call, Kind, addr_text
from cruck.kernel.syscalls.strace.signals import mask_text
from cruck.kernel.syscalls.strace.times import timespec_text, timeval_text

MAX_FDS: Final = 1024  # of a set that are looked at, as FD_SETSIZE


class PollFdsKind(Kind):
    """struct pollfd[]; argument index + 1 is their number. Shown before the call: fd and events."""

    def show(self, call: Call, index: int) -> str | None:
        addr, count = call.u64(index), call.u32(index + 1)
        if addr == 0:
            return "NULL"
        if count == 0:
            return "[]"
        texts: list[str] = []
        for number in range(count):
            if number >= MAX_ARRAY:
                texts.append("...")
                break
            data = call.peek(addr + 8 * number, 8)
            if data is None:
                if not texts:
                    return f"{addr:#x}"
                texts.append(f"... /* {addr + 8 * number:#x} */")
                break
            fd = int.from_bytes(data[:4], "little", signed=True)
            if fd < 0:
                texts.append(f"{{fd={fd}}}")
            else:
                texts.append(f"{{fd={fd}, events={xlat.flags(int.from_bytes(data[4:6], 'little'), xlat.POLL, 'POLL???')}}}")
        return "[" + ", ".join(texts) + "]"


def note_poll(call: Call, has_timespec: bool) -> None:
    """Sets the note of a poll or ppoll that has returned."""
    if call.result == 0:
        call.note = "(Timeout)"
        return
    if call.result < 0:
        return
    addr, count = call.u64(0), call.u32(1)
    texts: list[str] = []
    for number in range(min(count, 4096)):
        data = call.peek(addr + 8 * number, 8)
        if data is None:
            break
        revents = int.from_bytes(data[6:], "little")
        if revents:
            if len(texts) >= MAX_ARRAY:
                texts.append("...")
                break
            fd = int.from_bytes(data[:4], "little", signed=True)
            texts.append(f"{{fd={fd}, revents={xlat.flags(revents, xlat.POLL, 'POLL???')}}}")
    note = "[" + ", ".join(texts) + "]"
    if has_timespec and call.u64(2):
        left = call.peek(call.u64(2), 16)
        if left is not None:
            note += f", left {timespec_text(left, 0)}"
    call.note = f"({note})"


class FdSetKind(Kind):
    """[3 5]; argument 0 is the number of descriptors looked at."""

    def show(self, call: Call, index: int) -> str | None:
        addr = call.u64(index)
        if addr == 0:
            return "NULL"
        fds = _fds(call, addr)
        return f"{addr:#x}" if fds is None else "[" + " ".join([str(fd) for fd in fds]) + "]"


def _fds(call: Call, addr: int) -> list[int] | None:
    count = min(max(call.s32(0), 0), MAX_FDS)
    data = call.peek(addr, (count + 63) // 64 * 8)
    if data is None:
        return None
    bits = int.from_bytes(data, "little")
    return [fd for fd in range(min(count, bits.bit_length())) if bits >> fd & 1]


def note_select(call: Call, has_timespec: bool) -> None:
    if call.result == 0:
        call.note = "(Timeout)"
        return
    if call.result < 0:
        return
    parts: list[str] = []
    for index, name in ((1, "in"), (2, "out"), (3, "except")):
        fds = _fds(call, call.u64(index)) if call.u64(index) else None
        if fds:
            parts.append(f"{name} [{' '.join([str(fd) for fd in fds])}]")
    if call.u64(4):
        left = call.peek(call.u64(4), 16)
        if left is not None:
            parts.append("left " + (timespec_text(left, 0) if has_timespec else timeval_text(left, 0)))
    call.note = "(" + ", ".join(parts) + ")"


class PselectMaskKind(Kind):
    """pselect6's last argument: {sigmask=[], sigsetsize=8}."""

    def show(self, call: Call, index: int) -> str | None:
        addr = call.u64(index)
        data = call.peek(addr, 16) if addr else None
        if data is None:
            return addr_text(addr)
        mask_addr, size = int.from_bytes(data[:8], "little"), int.from_bytes(data[8:], "little")
        mask = call.peek(mask_addr, 8) if mask_addr else None
        shown = mask_text(int.from_bytes(mask, "little")) if mask is not None else addr_text(mask_addr)
        return f"{{sigmask={shown}, sigsetsize={size}}}"


class EpollEventKind(Kind):
    """struct epoll_event of epoll_ctl."""

    def show(self, call: Call, index: int) -> str | None:
        addr = call.u64(index)
        if call.u32(1) == 2:  # EPOLL_CTL_DEL ignores it
            return addr_text(addr)
        data = call.peek(addr, 12) if addr else None
        return _event_text(data) if data is not None else addr_text(addr)


class EpollEventsKind(Kind):
    def __init__(self) -> None:
        super().__init__(True)

    def show(self, call: Call, index: int) -> str | None:
        addr = call.u64(index)
        if call.failed() or addr == 0:
            return addr_text(addr)
        texts: list[str] = []
        for number in range(call.result):
            if number >= MAX_ARRAY:
                texts.append("...")
                break
            data = call.peek(addr + 12 * number, 12)
            if data is None:
                return addr_text(addr)
            texts.append(_event_text(data))
        return "[" + ", ".join(texts) + "]"


def _event_text(data: bytes) -> str:
    events = xlat.flags(int.from_bytes(data[:4], "little"), xlat.EPOLL_EVENTS, "EPOLL???")
    value = int.from_bytes(data[4:], "little")
    number = value & 0xFFFF_FFFF
    return f"{{events={events}, data={{u32={number}, u64={value}}}}}"
