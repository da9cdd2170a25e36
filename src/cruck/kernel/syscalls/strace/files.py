# SPDX-License-Identifier: MPL-2.0
"""Arguments of file calls: stat structs, iovecs, directory entries, fcntl."""

from cruck.abi.stat import STAT
from cruck.kernel.syscalls.strace import xlat
from cruck.kernel.syscalls.strace.kinds import (
    MAX_ARRAY,
    Call,
    Kind,
    addr_text,
    bytes_text,
    mode_text,
    string_text,
)


def makedev_text(dev: int) -> str:
    major = dev >> 8 & 0xFFF | dev >> 32 & 0xFFFF_F000
    minor = dev & 0xFF | dev >> 12 & 0xFFFF_FF00
    return f"makedev({_hex(major)}, {_hex(minor)})"


def _hex(value: int) -> str:
    return f"{value:#x}" if value else "0"


class DevKind(Kind):
    """mknod's third argument; only devices have one."""

    def show(self, call: Call, index: int) -> str | None:
        if call.u32(index - 1) & 0o170000 not in (0o20000, 0o60000):
            return None
        return makedev_text(call.u64(index))


class StatKind(Kind):
    """struct stat: type, permission and size (or device), as without -v."""

    def __init__(self) -> None:
        super().__init__(True)

    def show(self, call: Call, index: int) -> str | None:
        addr = call.u64(index)
        if addr == 0 or call.failed():
            return addr_text(addr)
        data = call.peek(addr, STAT.size)
        if data is None:
            return addr_text(addr)
        offsets = STAT.offsets
        mode = _uint(data, offsets["st_mode"], 4)
        if mode & 0o170000 in (0o20000, 0o60000):
            size = "st_rdev=" + makedev_text(_uint(data, offsets["st_rdev"], 8))
        else:
            size = f"st_size={_uint(data, offsets['st_size'], 8)}"
        return f"{{st_mode={mode_text(mode)}, {size}, ...}}"


class StatxFlagsKind(Kind):
    """statx's flags: how to synchronise comes first, always."""

    def show(self, call: Call, index: int) -> str | None:
        value = call.u32(index)
        text = xlat.choice(value & 0x6000, xlat.STATX_SYNC, "AT_STATX_???")
        rest = value & ~0x6000
        return text + "|" + xlat.flags(rest, xlat.AT_FLAGS, "AT_???") if rest else text


class StatxKind(Kind):
    def __init__(self) -> None:
        super().__init__(True)

    def show(self, call: Call, index: int) -> str | None:
        addr = call.u64(index)
        if addr == 0 or call.failed():
            return addr_text(addr)
        data = call.peek(addr, 256)
        if data is None:
            return addr_text(addr)
        mask = xlat.flags(_uint(data, 0, 4), xlat.STATX_MASK, "STATX_???")
        attributes = xlat.flags(_uint(data, 8, 8), xlat.STATX_ATTRIBUTES, "STATX_ATTR_???")
        mode = mode_text(_uint(data, 28, 2))
        return f"{{stx_mask={mask}, stx_attributes={attributes}, stx_mode={mode}, stx_size={_uint(data, 40, 8)}, ...}}"


class StatfsKind(Kind):
    def __init__(self) -> None:
        super().__init__(True)

    def show(self, call: Call, index: int) -> str | None:
        addr = call.u64(index)
        if addr == 0 or call.failed():
            return addr_text(addr)
        data = call.peek(addr, 120)
        if data is None:
            return addr_text(addr)
        words = [_uint(data, 8 * i, 8) for i in range(11)]
        fsid = f"{{val=[{_hex(_uint(data, 56, 4))}, {_hex(_uint(data, 60, 4))}]}}"
        magic = xlat.find(words[0], xlat.FS_MAGIC) or f"{words[0]:#x}"
        return (
            f"{{f_type={magic}, f_bsize={words[1]}, f_blocks={words[2]}, f_bfree={words[3]}, f_bavail={words[4]}, "
            f"f_files={words[5]}, f_ffree={words[6]}, f_fsid={fsid}, f_namelen={words[8]}, f_frsize={words[9]}, "
            f"f_flags={xlat.flags(words[10], xlat.STATFS_FLAGS, 'ST_???')}}}"
        )


def _uint(data: bytes, offset: int, size: int) -> int:
    return int.from_bytes(data[offset : offset + size], "little")


class IovKind(Kind):
    """struct iovec[]: [{iov_base="abc", iov_len=3}]. Argument index + 1 is their number. With is_out the data is what the call
    filled in (its result)."""

    def show(self, call: Call, index: int) -> str | None:
        limit = call.result if self.is_out else -1
        if self.is_out and call.failed():
            limit = -2
        return iov_text(call, call.u64(index), call.u64(index + 1), limit)


def iov_text(call: Call, addr: int, count: int, limit: int) -> str:
    """limit: bytes of data to show over all (−1 all, −2 addresses only)."""
    if addr == 0:
        return "NULL"
    if count == 0:
        return "[]"
    if count > 1024:
        return f"{addr:#x}"
    texts: list[str] = []
    for number in range(count):
        if number >= MAX_ARRAY:
            texts.append("...")
            break
        data = call.peek(addr + 16 * number, 16)
        if data is None:
            if not texts:
                return f"{addr:#x}"
            texts.append(f"... /* {addr + 16 * number:#x} */")
            break
        base, length = _uint(data, 0, 8), _uint(data, 8, 8)
        if limit == -2:
            shown = addr_text(base)
        elif limit >= 0:
            part = min(limit, length)
            limit -= part
            shown = bytes_text(call, base, part)
        else:
            shown = bytes_text(call, base, length)
        texts.append(f"{{iov_base={shown}, iov_len={length}}}")
    return "[" + ", ".join(texts) + "]"


class PositionKind(Kind):
    """preadv's two halves of an offset: the low one is all of it on 64 bits; the high one is not shown."""

    def __init__(self, is_high: bool) -> None:
        super().__init__()
        self.is_high = is_high

    def show(self, call: Call, index: int) -> str | None:
        return None if self.is_high else str(call.s64(index))


class DirentsKind(Kind):
    def __init__(self, is_64: bool) -> None:
        super().__init__(True)
        self.is_64 = is_64

    def show(self, call: Call, index: int) -> str | None:
        addr = call.u64(index)
        if call.failed() or addr == 0:
            return addr_text(addr)
        data = call.peek(addr, min(call.result, 1 << 16))
        if data is None:
            return addr_text(addr)
        count = offset = 0
        while offset + 18 <= len(data):
            length = _uint(data, offset + 16, 2)
            if length == 0:
                break
            offset += length
            count += 1
        return f"{addr:#x} /* {count} entr{'y' if count == 1 else 'ies'} */"


class FcntlArgKind(Kind):
    """fcntl's third argument, by the command; also notes what F_GETFL's result means."""

    def needs_result(self, call: Call) -> bool:
        return call.u32(1) in (1, 3, 5, 9, 11, 36, 1025, 1032, 1034)

    def show(self, call: Call, index: int) -> str | None:
        command = call.u32(index - 1)
        if command == 1:  # F_GETFD
            if call.result > 0:
                call.result_text = f"{call.result:#x}"
                call.note = f"(flags {xlat.flags(call.result, xlat.FD_FLAGS, 'FD_???')})"
            return None
        if command == 3:  # F_GETFL
            if call.result >= 0:
                call.result_text = f"{call.result:#x}" if call.result else "0"
                call.note = f"(flags {xlat.open_flags(call.result)})"
            return None
        if command == 1034:
            if call.result > 0:
                call.result_text = f"{call.result:#x}"
                call.note = f"(seals {xlat.flags(call.result, xlat.SEALS, 'F_SEAL_???')})"
            return None
        if command == 11 and call.result > 0:  # F_GETSIG
            from cruck.kernel.syscalls.strace.signals import name

            call.note = f"({name(call.result)})"
        if command in (9, 11, 1025, 1032):  # F_GETOWN, F_GETSIG, F_GETLEASE, F_GETPIPE_SZ
            return None
        if command == 2:
            return xlat.flags(call.u32(index), xlat.FD_FLAGS, "FD_???")
        if command == 4:
            return xlat.open_flags(call.u32(index))
        if command == 1033:
            return xlat.flags(call.u32(index), xlat.SEALS, "F_SEAL_???")
        if command in (5, 6, 7, 36, 37, 38):
            return _flock_text(call, call.u64(index))
        if command in (0, 8, 1030, 1031):
            return str(call.s32(index))
        if command == 10:
            from cruck.kernel.syscalls.strace.signals import name

            return name(call.s32(index)) if call.s32(index) else "0"
        value = call.u64(index)
        return f"{value:#x}" if value else "0"


def _flock_text(call: Call, addr: int) -> str:
    if addr == 0:
        return "NULL"
    data = call.peek(addr, 32)
    if data is None:
        return f"{addr:#x}"
    kind = xlat.choice(_uint(data, 0, 2), xlat.LOCK_TYPES, "F_???")
    whence = xlat.choice(_uint(data, 2, 2), xlat.SEEK, "SEEK_???")
    start = int.from_bytes(data[8:16], "little", signed=True)
    length = int.from_bytes(data[16:24], "little", signed=True)
    text = f"{{l_type={kind}, l_whence={whence}, l_start={start}, l_len={length}"
    if call.u32(1) in (5, 36) and call.result >= 0 and call.is_returned:
        text += f", l_pid={int.from_bytes(data[24:28], 'little', signed=True)}"
    return text + "}"


class FlockKind(Kind):
    def show(self, call: Call, index: int) -> str | None:
        value = call.u32(index)
        return xlat.flags(value, xlat.FLOCK, "LOCK_???")


class AccessKind(Kind):
    def show(self, call: Call, index: int) -> str | None:
        return xlat.flags(call.u32(index), xlat.ACCESS, "?_OK")


class MountTypeKind(Kind):
    """mount's file system type, which binds, moves and the like ignore."""

    def show(self, call: Call, index: int) -> str | None:
        if call.u64(index + 1) & (4096 | 32 | 8192 | 0x20000 | 0x40000 | 0x80000 | 0x100000):
            return addr_text(call.u64(index))
        return string_text(call, call.u64(index))


class OpenHowKind(Kind):
    def show(self, call: Call, index: int) -> str | None:
        addr = call.u64(index)
        if addr == 0:
            return "NULL"
        data = call.peek(addr, 24)
        if data is None:
            return f"{addr:#x}"
        flags, mode, resolve = _uint(data, 0, 8), _uint(data, 8, 8), _uint(data, 16, 8)
        text = f"{{flags={xlat.open_flags(flags)}"
        if flags & 0o100 or flags & 0o20200000 == 0o20200000 or mode:
            text += f", mode=0{mode:o}" if mode else ", mode=000"
        return text + f", resolve={xlat.flags(resolve, xlat.RESOLVE, 'RESOLVE_???')}}}"


class OffsetAtKind(Kind):
    """[5]: an offset in memory; "[5] => [8]" when the call has moved it."""

    def show(self, call: Call, index: int) -> str | None:
        addr = call.u64(index)
        if addr == 0:
            return "NULL"
        data = call.peek(addr, 8)
        return f"[{int.from_bytes(data, 'little', signed=True)}]" if data is not None else f"{addr:#x}"


class MovedOffsetKind(Kind):
    """sendfile's offset: [0] => [10]. What was given is remembered at entry by the tracer."""

    def __init__(self) -> None:
        super().__init__(True)

    def show(self, call: Call, index: int) -> str | None:
        addr = call.u64(index)
        if addr == 0:
            return "NULL"
        data = call.peek(addr, 8)
        if data is None:
            return f"{addr:#x}"
        now = int.from_bytes(data, "little", signed=True)
        given = call.entry_lengths.get(index, now)
        return f"[{given}]" if call.failed() else f"[{given}] => [{now}]"


class ReadlinkKind(Kind):
    """readlink's buffer: not NUL-terminated, shown whole."""

    def __init__(self) -> None:
        super().__init__(True)

    def show(self, call: Call, index: int) -> str | None:
        addr = call.u64(index)
        if call.failed() or addr == 0:
            return addr_text(addr)
        return bytes_text(call, addr, call.result)
