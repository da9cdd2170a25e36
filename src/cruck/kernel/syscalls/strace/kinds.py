# SPDX-License-Identifier: MPL-2.0
"""Kinds of arguments, and the call they are decoded from.

`Call` is one system call being shown: raw registers, result, and guest memory by copying. A `Kind` turns one argument into text;
`is_out` kinds describe what the call fills in and are shown after it. This file has the kinds of plain values: numbers, addresses,
strings, buffers, flags. A fault never raises from here: the address is shown instead.
"""

from typing import TYPE_CHECKING, Final

from cruck.framework.mm.user_memory import UserFault
from cruck.kernel.syscalls.strace import xlat
from cruck.kernel.syscalls.strace.text import quote

if TYPE_CHECKING:
    from cruck.kernel.process.task import Task

MAX_STRING: Final = 32  # strace -s
MAX_ARRAY: Final = 32  # elements shown of an array
PATH_MAX: Final = 4096
MAX_READ: Final = 1 << 16


class Call:
    """One call. Immutable but for the result."""

    task: "Task"
    nr: int
    name: str
    args: tuple[int, ...]  # raw 64-bit registers
    result: int  # valid once returned
    is_returned: bool
    note: str  # appended after the result: "(Timeout)", "(flags O_RDWR)"; set by kinds
    result_text: str  # replaces the number; set by kinds
    entry_lengths: dict[int, int]  # numbers behind pointers at entry, by argument, where the call changes them

    def __init__(self, task: "Task", nr: int, name: str, args: tuple[int, ...]) -> None:
        self.task = task
        self.nr = nr
        self.name = name
        self.args = args
        self.result = 0
        self.is_returned = False
        self.note = ""
        self.result_text = ""
        self.entry_lengths = {}

    def failed(self) -> bool:
        return self.is_returned and self.result < 0

    # Registers as C types.
    def s32(self, index: int) -> int:
        value = self.args[index] & 0xFFFF_FFFF
        return value - (1 << 32) if value >> 31 else value

    def u32(self, index: int) -> int:
        return self.args[index] & 0xFFFF_FFFF

    def s64(self, index: int) -> int:
        value = self.args[index] & 0xFFFF_FFFF_FFFF_FFFF
        return value - (1 << 64) if value >> 63 else value

    def u64(self, index: int) -> int:
        return self.args[index] & 0xFFFF_FFFF_FFFF_FFFF

    # Guest memory.
    def peek(self, addr: int, length: int) -> bytes | None:
        """Exactly `length` bytes, or None at a fault."""
        if length > MAX_READ or length < 0:
            return None
        try:
            return self.task.user.read(addr, length)
        except UserFault:
            return None

    def peek_cstring(self, addr: int, limit: int) -> tuple[bytes, bool] | None:
        """(bytes, was the NUL seen), None at a fault."""
        try:
            text = self.task.user.read_cstring(addr, limit)
            if text is not None:
                return text, True
            return self.task.user.read(addr, limit), False
        except UserFault:
            return None


class Kind:
    is_out: bool  # the call fills it in
    has_separator: bool  # the text begins with what separates it from the argument before

    def __init__(self, is_out: bool = False) -> None:
        self.is_out = is_out
        self.has_separator = False

    def needs_result(self, call: Call) -> bool:
        """Is it shown only once the call has returned? (So are all that follow.)"""
        return self.is_out

    def show(self, call: Call, index: int) -> str | None:
        """The text of argument `index`; None: this argument is not shown (an open without O_CREAT has no mode)."""
        raise NotImplementedError


def addr_text(addr: int) -> str:
    return f"{addr:#x}" if addr else "NULL"


def fd_text(fd: int) -> str:
    return str(fd)


# Numbers.
class IntKind(Kind):
    def show(self, call: Call, index: int) -> str | None:
        return str(call.s32(index))


class UIntKind(Kind):
    def show(self, call: Call, index: int) -> str | None:
        return str(call.u32(index))


class LongKind(Kind):
    def show(self, call: Call, index: int) -> str | None:
        return str(call.s64(index))


class ULongKind(Kind):
    def show(self, call: Call, index: int) -> str | None:
        return str(call.u64(index))


class HexKind(Kind):
    """0x10; 0 is "0"."""

    def show(self, call: Call, index: int) -> str | None:
        value = call.u64(index)
        return f"{value:#x}" if value else "0"


class Hex32Kind(Kind):
    def show(self, call: Call, index: int) -> str | None:
        value = call.u32(index)
        return f"{value:#x}" if value else "0"


class IdKind(Kind):
    """uid_t, gid_t: −1 is shown as such."""

    def show(self, call: Call, index: int) -> str | None:
        value = call.u32(index)
        return "-1" if value == 0xFFFF_FFFF else str(value)


class AddrKind(Kind):
    def show(self, call: Call, index: int) -> str | None:
        return addr_text(call.u64(index))


class DirFdKind(Kind):
    def show(self, call: Call, index: int) -> str | None:
        fd = call.s32(index)
        return "AT_FDCWD" if fd == -100 else str(fd)


class PermissionKind(Kind):
    """mode_t without a type, in octal with a leading zero."""

    def show(self, call: Call, index: int) -> str | None:
        return octal(call.u32(index) & 0xFFFF_FFFF)


class FileModeKind(Kind):
    """mode_t with a type."""

    def show(self, call: Call, index: int) -> str | None:
        return mode_text(call.u32(index))


def octal(value: int) -> str:
    """At least three digits, as strace's %#03o."""
    text = f"{value:o}"
    return ("0" + text if value else "0").rjust(3, "0")


def mode_text(mode: int) -> str:
    kind = xlat.find(mode & 0o170000, xlat.FILE_TYPES)
    if not kind:
        return octal(mode)
    bits = ""
    for bit, name in ((0o4000, "|S_ISUID"), (0o2000, "|S_ISGID"), (0o1000, "|S_ISVTX")):
        if mode & bit:
            bits += name
    return f"{kind}{bits}|{octal(mode & 0o777)}"


class FlagsKind(Kind):
    def __init__(self, table: xlat.Table, unknown: str, is_wide: bool = False) -> None:
        super().__init__()
        self.table = table
        self.unknown = unknown
        self.is_wide = is_wide

    def show(self, call: Call, index: int) -> str | None:
        return xlat.flags(call.u64(index) if self.is_wide else call.u32(index), self.table, self.unknown)


class ChoiceKind(Kind):
    def __init__(self, table: xlat.Table, unknown: str) -> None:
        super().__init__()
        self.table = table
        self.unknown = unknown

    def show(self, call: Call, index: int) -> str | None:
        value = call.s32(index)
        for number, name in self.table:
            if number == value or number == call.u32(index):
                return name
        return f"{call.u32(index):#x} /* {self.unknown} */"


class OpenFlagsKind(Kind):
    def show(self, call: Call, index: int) -> str | None:
        return xlat.open_flags(call.u32(index))


class ModeIfCreatKind(Kind):
    """open's third argument, which exists only with O_CREAT or O_TMPFILE."""

    def show(self, call: Call, index: int) -> str | None:
        flags = call.u32(index - 1)
        if flags & 0o100 or flags & 0o20200000 == 0o20200000:
            return octal(call.u32(index))
        return None


# Strings and buffers.
class PathKind(Kind):
    def show(self, call: Call, index: int) -> str | None:
        return path_text(call, call.u64(index), PATH_MAX)


class StringKind(Kind):
    def show(self, call: Call, index: int) -> str | None:
        return string_text(call, call.u64(index))


def path_text(call: Call, addr: int, limit: int) -> str:
    """A NUL-terminated path, whole."""
    if addr == 0:
        return "NULL"
    found = call.peek_cstring(addr, limit)
    if found is None:
        return f"{addr:#x}"
    text, is_whole = found
    return quote(text, limit) + ("" if is_whole else "...")


def string_text(call: Call, addr: int) -> str:
    """Another NUL-terminated string: at most MAX_STRING bytes of it."""
    if addr == 0:
        return "NULL"
    found = call.peek_cstring(addr, MAX_STRING + 1)
    if found is None:
        return f"{addr:#x}"
    return quote(found[0], MAX_STRING)


def bytes_text(call: Call, addr: int, length: int) -> str:
    """`length` bytes at addr, as many as are usually shown."""
    if addr == 0:
        return "NULL"
    shown = min(length, MAX_STRING)
    data = call.peek(addr, shown)
    if data is None:
        return f"{addr:#x}"
    return quote(data, MAX_STRING) + ("..." if length > shown else "")


class InBytesKind(Kind):
    """Bytes given; argument `length_index` is their number."""

    def __init__(self, length_index: int) -> None:
        super().__init__()
        self.length_index = length_index

    def show(self, call: Call, index: int) -> str | None:
        return bytes_text(call, call.u64(index), call.u64(self.length_index))


class OutBytesKind(Kind):
    """Bytes the call has filled in: as many as its result."""

    def __init__(self) -> None:
        super().__init__(True)

    def show(self, call: Call, index: int) -> str | None:
        addr = call.u64(index)
        if call.failed():
            return addr_text(addr)
        return bytes_text(call, addr, call.result)


class OutHexBytesKind(Kind):
    r"""As OutBytesKind, all bytes as \x.. (getrandom)."""

    def __init__(self) -> None:
        super().__init__(True)

    def show(self, call: Call, index: int) -> str | None:
        addr = call.u64(index)
        if call.failed() or addr == 0:
            return addr_text(addr)
        data = call.peek(addr, min(call.result, MAX_STRING))
        if data is None:
            return addr_text(addr)
        return '"' + "".join([f"\\x{byte:02x}" for byte in data]) + '"' + ("..." if call.result > MAX_STRING else "")


class OutPathKind(Kind):
    """A NUL-terminated string the call has filled in (getcwd)."""

    def __init__(self) -> None:
        super().__init__(True)

    def show(self, call: Call, index: int) -> str | None:
        addr = call.u64(index)
        if call.failed():
            return addr_text(addr)
        return path_text(call, addr, PATH_MAX)


# Pointers to numbers.
class NumberAtKind(Kind):
    """[5]: a number in memory. size is 4 or 8 bytes; `form` is one of d, u, x."""

    def __init__(self, size: int, form: str, is_out: bool) -> None:
        super().__init__(is_out)
        self.size = size
        self.form = form

    def show(self, call: Call, index: int) -> str | None:
        addr = call.u64(index)
        if addr == 0:
            return "NULL"
        if self.is_out and call.failed():
            return f"{addr:#x}"
        data = call.peek(addr, self.size)
        if data is None:
            return f"{addr:#x}"
        return "[" + number_text(int.from_bytes(data, "little", signed=self.form == "d"), self.form) + "]"


def number_text(value: int, form: str) -> str:
    if form == "x":
        return f"{value:#x}" if value else "0"
    return str(value)


class IntsAtKind(Kind):
    """[3, 4]: `count` ints the call fills in (pipe, socketpair)."""

    def __init__(self, count: int) -> None:
        super().__init__(True)
        self.count = count

    def show(self, call: Call, index: int) -> str | None:
        addr = call.u64(index)
        if addr == 0 or call.failed():
            return addr_text(addr)
        data = call.peek(addr, 4 * self.count)
        if data is None:
            return addr_text(addr)
        numbers = [str(int.from_bytes(data[i : i + 4], "little", signed=True)) for i in range(0, len(data), 4)]
        return "[" + ", ".join(numbers) + "]"


class StringArrayKind(Kind):
    """["ls", "-l"]: argv."""

    def show(self, call: Call, index: int) -> str | None:
        addr = call.u64(index)
        if addr == 0:
            return "NULL"
        texts: list[str] = []
        while True:
            data = call.peek(addr, 8)
            if data is None:
                return f"{call.u64(index):#x}" if not texts else "[" + ", ".join(texts) + f", ... /* {addr:#x} */]"
            pointer = int.from_bytes(data, "little")
            if pointer == 0:
                break
            if len(texts) >= MAX_ARRAY:
                texts.append("...")
                break
            texts.append(string_text_long(call, pointer))
            addr += 8
        return "[" + ", ".join(texts) + "]"


def string_text_long(call: Call, addr: int) -> str:
    found = call.peek_cstring(addr, MAX_STRING + 1)
    if found is None:
        return f"{addr:#x}"
    return quote(found[0], MAX_STRING)


class EnvironKind(Kind):
    """0x7ffd… /* 12 vars */."""

    def show(self, call: Call, index: int) -> str | None:
        start = call.u64(index)
        if start == 0:
            return "NULL"
        count = 0
        while count <= 1 << 16:
            data = call.peek(start + 8 * count, 8)
            if data is None:
                return f"{start:#x} /* {count} vars, unterminated */" if count else f"{start:#x}"
            if int.from_bytes(data, "little") == 0:
                break
            count += 1
        return f"{start:#x} /* {count} var{'' if count == 1 else 's'} */"
