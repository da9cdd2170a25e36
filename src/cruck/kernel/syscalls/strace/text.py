# SPDX-License-Identifier: MPL-2.0
"""Bytes as strace quotes them."""

from typing import Final

_ESCAPES: Final[dict[int, str]] = {
    0x22: '\\"',
    0x5C: "\\\\",
    0x09: "\\t",
    0x0A: "\\n",
    0x0B: "\\v",
    0x0C: "\\f",
    0x0D: "\\r",
}


def quote(data: bytes, limit: int) -> str:
    """In double quotes, at most `limit` bytes; "..." follows if there were more. Octal escapes are as short as the next
    character allows (strace's string_quote)."""
    shown = data[:limit]
    out: list[str] = []
    last = len(shown) - 1
    for index, byte in enumerate(shown):
        escape = _ESCAPES.get(byte)
        if escape is not None:
            out.append(escape)
        elif 0x20 <= byte < 0x7F:
            out.append(chr(byte))
        elif index < last and 0x30 <= shown[index + 1] <= 0x37:
            out.append(f"\\{byte:03o}")
        else:
            out.append(f"\\{byte:o}")
    text = '"' + "".join(out) + '"'
    return text + "..." if len(data) > limit else text
