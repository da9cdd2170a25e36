# SPDX-License-Identifier: MPL-2.0
"""The internet checksum (RFC 1071)."""


def checksum(data: bytes) -> int:
    """16 bits. 0 of data that contains its own checksum."""
    if len(data) & 1:
        data += b"\0"
    # The sum of big-endian words, taken as one number in base 65,536 modulo 65,535.
    rest = int.from_bytes(data, "big") % 0xFFFF
    return ~(rest if rest or not any(data) else 0xFFFF) & 0xFFFF
