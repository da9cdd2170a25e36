# SPDX-License-Identifier: MPL-2.0
"""Arguments of process and memory calls: clone, mmap, futex, prctl, scheduling."""

from typing import Final

from cruck.kernel.syscalls.strace import xlat
from cruck.kernel.syscalls.strace.kinds import Call, Kind, addr_text, string_text
from cruck.kernel.syscalls.strace.signals import name as signal_name
from cruck.kernel.syscalls.strace.times import timespec_at

CLONE_PIDFD: Final = 0x1000
CLONE_SETTLS: Final = 0x80000
CLONE_PARENT_SETTID: Final = 0x100000
CLONE_CHILD_CLEARTID: Final = 0x200000
CLONE_CHILD_SETTID: Final = 0x1000000


class MmapFlagsKind(Kind):
    def show(self, call: Call, index: int) -> str | None:
        value = call.u32(index)
        kind = value & 15
        text = (xlat.find(kind, xlat.MMAP_TYPES) or f"{kind:#x} /* MAP_??? */") if kind else "MAP_FILE"
        huge = value >> 26
        rest = value & 0x3FF_FFF0
        if rest:
            text += "|" + xlat.flags(rest, xlat.MMAP_FLAGS, "").removesuffix(" /*  */")
        if huge:
            text += f"|{huge}<<MAP_HUGE_SHIFT"
        return text


class ResidencyKind(Kind):
    """mincore's bytes: [1, 0]."""

    def __init__(self) -> None:
        super().__init__(True)

    def show(self, call: Call, index: int) -> str | None:
        addr = call.u64(index)
        if addr == 0 or call.failed():
            return addr_text(addr)
        nr_pages = (call.u64(1) + 4095) // 4096
        data = call.peek(addr, min(nr_pages, 32))
        if data is None:
            return addr_text(addr)
        return "[" + ", ".join([str(byte & 1) for byte in data]) + (", ...]" if nr_pages > 32 else "]")


class MremapAddrKind(Kind):
    """The new address, which exists only with MREMAP_FIXED or MREMAP_DONTUNMAP."""

    def show(self, call: Call, index: int) -> str | None:
        return addr_text(call.u64(index)) if call.u64(index - 1) & 6 else None


class CloneKind(Kind):
    """clone's first two arguments, named: child_stack=NULL, flags=…|SIGCHLD"""

    def show(self, call: Call, index: int) -> str | None:
        return f"child_stack={addr_text(call.u64(1))}, flags={clone_flags_text(call.u64(0))}"


class CloneIdsKind(Kind):
    """The rest of clone's arguments, as far as the flags give them a meaning: , parent_tid=[5], tls=0x…, child_tidptr=0x…"""

    def __init__(self) -> None:
        super().__init__(True)
        self.has_separator = True

    def needs_result(self, call: Call) -> bool:
        used = CLONE_PARENT_SETTID | CLONE_PIDFD | CLONE_SETTLS | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID
        return bool(call.u64(0) & used)

    def show(self, call: Call, index: int) -> str | None:
        flags = call.u64(0)
        text = ""
        if flags & (CLONE_PARENT_SETTID | CLONE_PIDFD):
            tid = call.peek(call.u64(2), 4) if not call.failed() else None
            name = "parent_tid" if flags & CLONE_PARENT_SETTID else "pidfd"
            shown = f"[{int.from_bytes(tid, 'little', signed=True)}]" if tid is not None else addr_text(call.u64(2))
            text += f", {name}={shown}"
        if flags & CLONE_SETTLS:
            text += f", tls={call.u64(4):#x}"
        if flags & (CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID):
            text += f", child_tidptr={addr_text(call.u64(3))}"
        return text if text else None


def clone_flags_text(flags: int) -> str:
    signo = flags & 0xFF
    rest = flags & ~0xFF
    if rest:
        text = xlat.flags(rest, xlat.CLONE, "CLONE_???")
        return text + "|" + signal_name(signo) if signo else text
    return signal_name(signo) if signo else "0"


class Clone3Kind(Kind):
    """struct clone_args."""

    def show(self, call: Call, index: int) -> str | None:
        addr = call.u64(index)
        size = call.u64(index + 1)
        data = call.peek(addr, min(size, 88)) if addr and size >= 64 else None
        if data is None:
            return addr_text(addr)
        words = [int.from_bytes(data[8 * i : 8 * i + 8], "little") for i in range(len(data) // 8)]
        flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls = words[:8]
        text = "{flags=" + xlat.flags(flags, xlat.CLONE, "CLONE_???")
        if flags & CLONE_PIDFD:
            text += f", pidfd={addr_text(pidfd)}"
        if flags & (CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID):
            text += f", child_tid={addr_text(child_tid)}"
        if flags & CLONE_PARENT_SETTID:
            text += f", parent_tid={addr_text(parent_tid)}"
        text += f", exit_signal={signal_name(exit_signal) if exit_signal else '0'}, stack={addr_text(stack)}"
        text += f", stack_size={stack_size:#x}" if stack_size else ", stack_size=0"
        if flags & CLONE_SETTLS:
            text += f", tls={addr_text(tls)}"
        return text + "}"


class Clone3IdsKind(Kind):
    """What clone3 has filled in, behind its struct: => {parent_tid=[5]}"""

    def __init__(self) -> None:
        super().__init__(True)
        self.has_separator = True

    def needs_result(self, call: Call) -> bool:
        data = call.peek(call.u64(0), 8)
        return data is not None and bool(int.from_bytes(data, "little") & (CLONE_PIDFD | CLONE_PARENT_SETTID))

    def show(self, call: Call, index: int) -> str | None:
        text = _clone3_ids_text(call) if call.is_returned and not call.failed() else ""
        return text if text else None


class Clone3SizeKind(Kind):
    def show(self, call: Call, index: int) -> str | None:
        return str(call.u64(1))


def _clone3_ids_text(call: Call) -> str:
    data = call.peek(call.u64(0), 32)
    if data is None:
        return ""
    flags = int.from_bytes(data[:8], "little")
    parts: list[str] = []
    if flags & CLONE_PIDFD:
        pidfd = call.peek(int.from_bytes(data[8:16], "little"), 4)
        if pidfd is not None:
            parts.append(f"pidfd=[{int.from_bytes(pidfd, 'little', signed=True)}]")
    if flags & CLONE_PARENT_SETTID:
        tid = call.peek(int.from_bytes(data[24:32], "little"), 4)
        if tid is not None:
            parts.append(f"parent_tid=[{int.from_bytes(tid, 'little', signed=True)}]")
    return " => {" + ", ".join(parts) + "}" if parts else ""


class FutexOpKind(Kind):
    def show(self, call: Call, index: int) -> str | None:
        op = call.u32(index)
        text = xlat.find(op & 0x7F, xlat.FUTEX_OPS)
        if not text:
            return f"{op:#x} /* FUTEX_??? */"
        if op & 128:
            text += "_PRIVATE"
        return text + "|FUTEX_CLOCK_REALTIME" if op & 256 else text


class FutexArgKind(Kind):
    """Arguments 2 … 5 of futex, which mean something else for each operation."""

    def show(self, call: Call, index: int) -> str | None:
        op = call.u32(1) & 0x7F
        if op > 13 or op == 2:
            value = call.u32(index)
            return str(value) if index == 2 else f"{value:#x}" if index in (3, 5) else addr_text(call.u64(index))
        if index == 2:
            if op in (0, 9, 11):
                return str(call.u32(2))
            if op in (6, 7, 8, 13):
                return None
            return str(call.u32(2))
        if index == 3:
            if op in (0, 6, 9, 11, 13):
                return timespec_at(call, call.u64(3), False)
            if op in (3, 4, 5, 12):
                return str(call.u32(3))
            return None
        if index == 4:
            return addr_text(call.u64(4)) if op in (3, 4, 5, 11, 12) else None
        if op in (9, 10):
            return "FUTEX_BITSET_MATCH_ANY" if call.u32(5) == 0xFFFF_FFFF else f"{call.u32(5):#x}"
        if op in (4, 12):
            return str(call.u32(5))
        return _wake_op_text(call.u32(5)) if op == 5 else None


def _wake_op_text(value: int) -> str:
    operation, comparison = value >> 28 & 7, value >> 24 & 15
    text = xlat.FUTEX_WAKE_OPS[operation] if operation < 5 else f"{operation:#x} /* FUTEX_OP_??? */"
    if value >> 31:
        text = f"FUTEX_OP_OPARG_SHIFT<<28|{text}"
    compare = xlat.FUTEX_WAKE_CMPS[comparison] if comparison < 6 else f"{comparison:#x} /* FUTEX_OP_CMP_??? */"
    return f"{text}<<28|{_hex(value >> 12 & 0xFFF)}<<12|{compare}<<24|{_hex(value & 0xFFF)}"


def _hex(value: int) -> str:
    return f"{value:#x}" if value else "0"


class ArchPrctlKind(Kind):
    def __init__(self) -> None:
        super().__init__(True)

    def show(self, call: Call, index: int) -> str | None:
        addr = call.u64(index)
        if call.u32(0) in (0x1003, 0x1004) and not call.failed():
            data = call.peek(addr, 8)
            if data is not None:
                return f"[{_hex(int.from_bytes(data, 'little'))}]"
        return _hex(addr) if call.u32(0) not in (0x1002, 0x1001) else addr_text(addr)


class PrctlArgKind(Kind):
    """Arguments 1 … 4 of prctl by option."""

    def __init__(self) -> None:
        super().__init__(True)

    def show(self, call: Call, index: int) -> str | None:
        option = call.u32(0)
        value = call.u64(index)
        if option in (3, 7, 21, 27, 30):  # no arguments
            if option == 3 and call.result >= 0 and index == 1:
                call.note = ("(SUID_DUMP_DISABLE)", "(SUID_DUMP_USER)", "(SUID_DUMP_ROOT)")[min(call.result, 2)]
            return None
        if option == 1 and index == 1:
            return signal_name(value) if value else "0"
        if option in (2, 37) and index == 1:
            data = call.peek(value, 4) if not call.failed() else None
            if data is None:
                return addr_text(value)
            number = int.from_bytes(data, "little", signed=True)
            return f"[{signal_name(number) if option == 2 and number else number}]"
        if option == 15 and index == 1:
            return string_text(call, value)
        if option == 16 and index == 1:
            return string_text(call, value) if not call.failed() else addr_text(value)
        if option == 4 and index == 1:
            return ("SUID_DUMP_DISABLE", "SUID_DUMP_USER", "SUID_DUMP_ROOT")[value] if value < 3 else _hex(value)
        if option in (23, 24) and index == 1 and value < len(xlat.CAPABILITIES):
            return xlat.CAPABILITIES[value]
        if option in (1, 2, 4, 8, 15, 16, 23, 24, 28, 29, 36):
            if index > 1:
                return None
            if option in (8, 29, 36):
                return str(value)
            return _hex(value)
        if option == 0x53564D41:  # PR_SET_VMA
            if index == 1:
                return "PR_SET_VMA_ANON_NAME" if value == 0 else _hex(value)
            return string_text(call, value) if index == 4 else str(value) if index == 3 else _hex(value)
        if option == 38:
            return str(value) if index == 1 else _hex(value)
        return _hex(value)


class SchedParamKind(Kind):
    def show(self, call: Call, index: int) -> str | None:
        addr = call.u64(index)
        data = call.peek(addr, 4) if addr and not (self.is_out and call.failed()) else None
        if data is None:
            return addr_text(addr)
        return f"[{int.from_bytes(data, 'little', signed=True)}]"


class CpuSetKind(Kind):
    """[0 1]; argument index − 1 is its size."""

    def show(self, call: Call, index: int) -> str | None:
        addr = call.u64(index)
        size = call.result if self.is_out else call.u64(index - 1)
        if addr == 0 or self.is_out and call.failed():
            return addr_text(addr)
        data = call.peek(addr, min(size, 1024))
        if data is None:
            return addr_text(addr)
        mask = int.from_bytes(data, "little")
        return "[" + " ".join([str(cpu) for cpu in range(mask.bit_length()) if mask >> cpu & 1]) + "]"


class GroupsKind(Kind):
    """gid_t[] of setgroups and getgroups."""

    def show(self, call: Call, index: int) -> str | None:
        addr = call.u64(index)
        count = call.result if self.is_out else call.s32(index - 1)
        if addr == 0 or self.is_out and (call.failed() or call.s32(0) == 0):
            return addr_text(addr)
        if count == 0:
            return "[]"
        data = call.peek(addr, 4 * min(count, 32)) if count > 0 else None
        if data is None:
            return addr_text(addr)
        ids = [str(int.from_bytes(data[i : i + 4], "little")) for i in range(0, len(data), 4)]
        if count > 32:
            ids.append("...")
        return "[" + ", ".join(ids) + "]"


class CapHeaderKind(Kind):
    def show(self, call: Call, index: int) -> str | None:
        addr = call.u64(index)
        data = call.peek(addr, 8) if addr else None
        if data is None:
            return addr_text(addr)
        version = int.from_bytes(data[:4], "little")
        names = {0x19980330: "_LINUX_CAPABILITY_VERSION_1", 0x20071026: "_LINUX_CAPABILITY_VERSION_2",
                 0x20080522: "_LINUX_CAPABILITY_VERSION_3"}  # fmt: skip
        shown = names.get(version, f"{version:#x} /* _LINUX_CAPABILITY_VERSION_??? */")
        return f"{{version={shown}, pid={int.from_bytes(data[4:], 'little', signed=True)}}}"


class CapDataKind(Kind):
    """The capability sets behind the header."""

    def show(self, call: Call, index: int) -> str | None:
        addr = call.u64(index)
        header = call.peek(call.u64(index - 1), 4)
        if addr == 0 or header is None or self.is_out and call.failed():
            return addr_text(addr)
        nr_words = 1 if int.from_bytes(header, "little") == 0x19980330 else 2
        data = call.peek(addr, 12 * nr_words)
        if data is None:
            return addr_text(addr)
        sets = [0, 0, 0]
        for word in range(nr_words):
            for which in range(3):
                offset = 12 * word + 4 * which
                sets[which] |= int.from_bytes(data[offset : offset + 4], "little") << (32 * word)
        return f"{{effective={_caps(sets[0])}, permitted={_caps(sets[1])}, inheritable={_caps(sets[2])}}}"


def _caps(mask: int) -> str:
    names = [f"1<<{name}" for bit, name in enumerate(xlat.CAPABILITIES) if mask >> bit & 1]
    rest = mask >> len(xlat.CAPABILITIES) << len(xlat.CAPABILITIES)
    if rest:
        names.append(f"{rest:#x}")
    return "|".join(names) if names else "0"
