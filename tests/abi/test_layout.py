# SPDX-License-Identifier: MPL-2.0
"""What `Layout` promises."""

import pickle
import struct

import pytest

from cruck.abi.layout import Layout

MIXED = Layout("mixed", (("a", "u8"), ("b", "s32"), ("skip", "pad[3]"), ("c", "u16[2]"), ("name", "char[5]"), ("d", "ptr")))


def test_fields_are_aligned_as_in_c() -> None:
    layout = Layout("t", (("a", "u8"), ("b", "u16"), ("c", "u8"), ("d", "u32"), ("e", "u8"), ("f", "u64"), ("g", "u8")))
    assert layout.offsets == {"a": 0, "b": 2, "c": 4, "d": 8, "e": 12, "f": 16, "g": 24}
    assert layout.size == 32


def test_packed_leaves_no_gaps() -> None:
    layout = Layout("t", (("a", "u8"), ("b", "u64"), ("c", "u16")), packed=True)
    assert layout.offsets == {"a": 0, "b": 1, "c": 9}
    assert layout.size == 11


def test_values_come_in_field_order_without_pads() -> None:
    assert MIXED.field_names == ("a", "b", "c", "name", "d")
    assert MIXED.nr_values == 6
    data = MIXED.pack(1, -2, 3, 4, b"hello", 5)
    assert len(data) == MIXED.size == 32
    assert MIXED.unpack_mixed(data) == (1, -2, 3, 4, b"hello", 5)
    assert data[MIXED.offsets["name"] :][:5] == b"hello"
    assert data[MIXED.offsets["c"] :][:4] == b"\x03\x00\x04\x00"


def test_values_are_little_endian() -> None:
    assert Layout("t", (("a", "u32"),)).pack(0x01020304) == b"\x04\x03\x02\x01"


def test_gaps_are_written_as_zeros_and_ignored_when_read() -> None:
    layout = Layout("t", (("a", "u8"), ("b", "u32")))
    assert layout.pack(1, 2) == b"\x01\0\0\0\x02\0\0\0"
    assert layout.unpack(b"\x01\xff\xff\xff\x02\0\0\0") == (1, 2)


def test_unpack_ignores_excess_and_refuses_less() -> None:
    layout = Layout("t", (("a", "s16"), ("b", "s64")))
    assert layout.unpack(layout.pack(-1, -2) + b"more") == (-1, -2)
    assert layout.unpack(bytearray(16)) == (0, 0)
    assert layout.unpack(memoryview(bytes(16))) == (0, 0)
    with pytest.raises(ValueError):
        layout.unpack(bytes(15))


def test_unpack_from_an_offset_stays_inside() -> None:
    layout = Layout("t", (("a", "u32"),))
    data = bytes(4) + layout.pack(7)
    assert layout.unpack_from(data, 4) == (7,)
    for offset in (5, 8, 100, -1, -4):
        with pytest.raises(ValueError):
            layout.unpack_from(data, offset)


def test_char_arrays_need_unpack_mixed() -> None:
    data = bytes(MIXED.size)
    with pytest.raises(TypeError):
        MIXED.unpack(data)
    assert MIXED.unpack_mixed(bytes(3) + data, 3) == (0, 0, 0, 0, bytes(5), 0)
    with pytest.raises(ValueError):
        MIXED.unpack_mixed(data, 1)


def test_short_bytes_are_filled_and_long_ones_refused() -> None:
    assert MIXED.unpack_mixed(MIXED.pack(0, 0, 0, 0, b"ab", 0))[4] == b"ab\0\0\0"
    with pytest.raises(ValueError):
        MIXED.pack(0, 0, 0, 0, b"abcdef", 0)


@pytest.mark.parametrize("value", [-1, 1 << 32])
def test_values_that_do_not_fit_are_refused(value: int) -> None:
    with pytest.raises(struct.error):
        Layout("t", (("a", "u32"),)).pack(value)


def test_the_number_of_values_must_be_right() -> None:
    with pytest.raises(struct.error):
        MIXED.pack(1, 2)


@pytest.mark.parametrize("word", ["int", "u32[", "u32[]", "u32[x]", "u32]", "char", "pad", "blob[3]", ""])
def test_unknown_types_are_refused(word: str) -> None:
    with pytest.raises(ValueError):
        Layout("t", (("a", word),))


def test_a_name_may_not_come_twice() -> None:
    with pytest.raises(ValueError):
        Layout("t", (("a", "u8"), ("a", "u8")))


def test_layouts_pickle() -> None:
    copy = pickle.loads(pickle.dumps(MIXED))
    assert copy.offsets == MIXED.offsets
    assert copy.pack(1, -2, 3, 4, b"hello", 5) == MIXED.pack(1, -2, 3, 4, b"hello", 5)
