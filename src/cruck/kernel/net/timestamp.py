# SPDX-License-Identifier: MPL-2.0
"""SO_TIMESTAMP, SO_TIMESTAMPNS and their _NEW forms: the control message that tells when a datagram came. On 64-bit machines old and new
have the same layout."""

import struct
from typing import Final

from cruck.abi.socket import SO_TIMESTAMP_NEW, SO_TIMESTAMP_OLD, SO_TIMESTAMPNS_NEW, SO_TIMESTAMPNS_OLD, SOL_SOCKET

NAMES: Final = (SO_TIMESTAMP_OLD, SO_TIMESTAMPNS_OLD, SO_TIMESTAMP_NEW, SO_TIMESTAMPNS_NEW)
NSEC_PER_SEC: Final = 1_000_000_000
_PAIR: Final = struct.Struct("<qq")


def stamp_message(name: int, stamp_ns: int) -> tuple[int, int, bytes]:
    """(level, type, data) for the option `name` that is on. stamp_ns: CLOCK_REALTIME."""
    fraction = stamp_ns % NSEC_PER_SEC
    if name in (SO_TIMESTAMP_OLD, SO_TIMESTAMP_NEW):
        fraction //= 1000
    return SOL_SOCKET, name, _PAIR.pack(stamp_ns // NSEC_PER_SEC, fraction)
