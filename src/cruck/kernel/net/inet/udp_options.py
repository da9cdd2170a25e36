# SPDX-License-Identifier: MPL-2.0
"""Options of the levels SOL_UDP and SOL_UDPLITE (udp(7), udplite(7)): corking, segmentation. UDP_GRO may merge datagrams and never does here.
UDP-Lite's coverage is kept: loopback changes no bits, so no sum is ever wrong. −ENOPROTOOPT: UDP_ENCAP."""

from typing import TYPE_CHECKING, Final

from cruck.abi import inet as abi
from cruck.abi.errno import EINVAL, ENOPROTOOPT
from cruck.abi.socket import SOL_UDP
from cruck.kernel.errors import LinuxError

if TYPE_CHECKING:
    from cruck.kernel.net.inet.udp import UdpSocket

MAX_SEGMENTS: Final = 128  # UDP_MAX_SEGMENTS
UDPLITE_SEND_CSCOV: Final = 10
UDPLITE_RECV_CSCOV: Final = 11


class UdpOptions:
    is_corked: bool
    segment_size: int  # UDP_SEGMENT: bytes; 0: off
    numbers: dict[int, int]  # options that are only kept, by name

    def __init__(self) -> None:
        self.is_corked = False
        self.segment_size = 0
        self.numbers = {}


def segment_size(messages: list[tuple[int, int, bytes]], default: int) -> int:
    """UDP_SEGMENT of a send's control messages, or the socket's. Errors: LinuxError(EINVAL)."""
    for level, kind, payload in messages:
        if level == SOL_UDP:
            if kind != abi.UDP_SEGMENT or len(payload) != 2:
                raise LinuxError(EINVAL)
            default = int.from_bytes(payload, "little")
    return default


def set_option(socket: "UdpSocket", name: int, value: bytes) -> int:
    """0, −EINVAL (size, value), −ENOPROTOOPT."""
    if len(value) < 4:
        return -EINVAL
    number = int.from_bytes(value[:4], "little", signed=True)
    options = socket.udp
    if name == abi.UDP_CORK:
        options.is_corked = number != 0
        if not number:
            socket.uncork()
    elif name == abi.UDP_SEGMENT:
        if not 0 <= number <= 0xFFFF:
            return -EINVAL
        options.segment_size = number
    elif name in (abi.UDP_GRO, abi.UDP_NO_CHECK6_TX, abi.UDP_NO_CHECK6_RX):
        options.numbers[name] = int(number != 0)
    elif name in (UDPLITE_SEND_CSCOV, UDPLITE_RECV_CSCOV) and socket.protocol == abi.IPPROTO_UDPLITE:
        options.numbers[name] = min(max(number, 8), 0xFFFF) if number else 0
    else:
        return -ENOPROTOOPT
    return 0


def get_option(socket: "UdpSocket", name: int) -> bytes | int:
    options = socket.udp
    if name == abi.UDP_CORK:
        return int(options.is_corked).to_bytes(4, "little")
    if name == abi.UDP_SEGMENT:
        return options.segment_size.to_bytes(4, "little")
    if name in (abi.UDP_GRO, abi.UDP_NO_CHECK6_TX, abi.UDP_NO_CHECK6_RX) or (
        name in (UDPLITE_SEND_CSCOV, UDPLITE_RECV_CSCOV) and socket.protocol == abi.IPPROTO_UDPLITE
    ):
        return options.numbers.get(name, 0).to_bytes(4, "little")
    return -ENOPROTOOPT
