# SPDX-License-Identifier: MPL-2.0
"""`Layout`: a C struct of the Linux ABI, as data.

Each module of this package declares its structs as `Layout` constants, in C's names and order:

    EPOLL_EVENT: Final = Layout("epoll_event", (("events", "u32"), ("data", "u64")), packed=True)
    events, data = EPOLL_EVENT.unpack(buffer)

Field types are `s8 u8 s16 u16 s32 u32 s64 u64 ptr`, arrays of them (`u32[3]`, which count as three values), `char[N]`
(N bytes, one value) and `pad[N]` (N bytes, no value, written as zeros). Members of nested structs and unions are named
by their path (`it_value.tv_sec`); a union has one `Layout` for each of its faces.

Not here: the meaning of any field, guest memory, other byte orders than little-endian. `tests/abi` compares every
`Layout` of the package with the C compiler's sizes and offsets.
"""

import struct
from typing import Final

_CODES: Final[dict[str, tuple[str, int]]] = {
    "s8": ("b", 1),
    "u8": ("B", 1),
    "s16": ("h", 2),
    "u16": ("H", 2),
    "s32": ("i", 4),
    "u32": ("I", 4),
    "s64": ("q", 8),
    "u64": ("Q", 8),
    "ptr": ("Q", 8),
}


class Layout:
    """A C struct: names, offsets and one struct.Struct, little-endian, with natural alignment unless packed."""

    # Never change:
    name: str  # C's tag, without `struct`
    fields: tuple[tuple[str, str], ...]  # (name, type) as declared, pads included
    packed: bool
    size: int  # bytes, padding at the end included, as sizeof
    format: struct.Struct
    offsets: dict[str, int]  # every field, pads included; an array's first element
    field_names: tuple[str, ...]  # fields that have values, in order; an array once
    nr_values: int  # what `pack` takes and `unpack` returns
    has_bytes: bool  # a char array is among the values

    def __init__(self, name: str, fields: tuple[tuple[str, str], ...], packed: bool = False) -> None:
        """Computes sizes and offsets once.

        Errors: ValueError for an unknown type word or a repeated field name.
        """
        self.name = name
        self.fields = fields
        self.packed = packed
        self.offsets = {}
        self.nr_values = 0
        self.has_bytes = False
        names: list[str] = []
        codes = "<"
        offset = 0
        struct_alignment = 1
        for field_name, type_word in fields:
            if field_name in self.offsets:
                raise ValueError(f"struct {name} has two fields {field_name}")
            base, count, is_array = _parse_type(type_word)
            if base == "char" or base == "pad":
                code = f"{count}{'s' if base == 'char' else 'x'}"
                size = count
                alignment = 1
            else:
                letter, alignment = _CODES[base]
                code = f"{count}{letter}" if is_array else letter
                size = alignment * count
            if packed:
                alignment = 1
            gap = -offset % alignment
            if gap > 0:
                codes += f"{gap}x"
                offset += gap
            struct_alignment = max(struct_alignment, alignment)
            self.offsets[field_name] = offset
            codes += code
            offset += size
            if base == "pad":
                continue
            names.append(field_name)
            if base == "char":
                self.has_bytes = True
                self.nr_values += 1
            else:
                self.nr_values += count
        tail = -offset % struct_alignment
        if tail > 0:
            codes += f"{tail}x"
        self.size = offset + tail
        self.field_names = tuple(names)
        self.format = struct.Struct(codes)

    def pack(self, *values: int | bytes) -> bytes:
        """The struct's bytes, `size` of them.

        Args:
            values: in field order; the bytes of a char array may be fewer than it has, and are filled with zeros.
        Errors: struct.error for a wrong number of values, a value that does not fit its field, or one of the wrong
            type; ValueError for bytes longer than their char array.
        """
        if self.has_bytes:
            self._check_char_lengths(values)
        return self.format.pack(*values)

    def unpack(self, data: bytes | bytearray | memoryview) -> tuple[int, ...]:
        """The values at the start of `data`, in field order; excess is ignored. For structs without char arrays.

        Errors: ValueError if `data` is shorter than `size`; TypeError if the struct has char arrays.
        """
        return self.unpack_from(data, 0)

    def unpack_from(self, data: bytes | bytearray | memoryview, offset: int) -> tuple[int, ...]:
        """As `unpack`, from `offset` bytes into `data`.

        Errors: those of `unpack`; ValueError for a negative offset.
        """
        if self.has_bytes:
            raise TypeError(f"struct {self.name} has char arrays: use unpack_mixed")
        self._check_room(len(data), offset)
        return self.format.unpack_from(data, offset)

    def unpack_mixed(self, data: bytes | bytearray | memoryview, offset: int = 0) -> tuple[int | bytes, ...]:
        """As `unpack_from`, for structs that may have char arrays; these come as bytes of their full length.

        Errors: ValueError as `unpack_from`.
        """
        self._check_room(len(data), offset)
        return self.format.unpack_from(data, offset)

    def _check_room(self, length: int, offset: int) -> None:
        if offset < 0 or length - offset < self.size:
            raise ValueError(f"struct {self.name} needs {self.size} bytes, not {length - offset}")

    def _check_char_lengths(self, values: tuple[int | bytes, ...]) -> None:
        # struct.pack cuts long strings silently.
        index = 0
        for field_name, type_word in self.fields:
            base, count, _ = _parse_type(type_word)
            if base == "pad":
                continue
            if base != "char":
                index += count
                continue
            if index >= len(values):
                return
            value = values[index]
            if isinstance(value, bytes) and len(value) > count:
                raise ValueError(f"struct {self.name}: {len(value)} bytes for {field_name}, which has {count}")
            index += 1

    def __reduce__(self) -> tuple[type["Layout"], tuple[str, tuple[tuple[str, str], ...], bool]]:
        # struct.Struct does not pickle, and all of the kernel's state must.
        return (Layout, (self.name, self.fields, self.packed))

    def __repr__(self) -> str:
        return f"<Layout struct {self.name}, {self.size} bytes>"


def _parse_type(type_word: str) -> tuple[str, int, bool]:
    """A type word's base, its number of elements, and whether it is an array."""
    base, bracket, rest = type_word.partition("[")
    if bracket == "":
        if base not in _CODES:
            raise ValueError(f"unknown type {type_word!r}")
        return (base, 1, False)
    digits = rest[:-1]
    if not rest.endswith("]") or not digits.isascii() or not digits.isdigit():
        raise ValueError(f"unknown type {type_word!r}")
    if base not in _CODES and base != "char" and base != "pad":
        raise ValueError(f"unknown type {type_word!r}")
    return (base, int(digits), True)
