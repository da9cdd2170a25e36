# SPDX-License-Identifier: MPL-2.0
"""Options of the level SOL_TCP (tcp(7)). Keep-alive times are kept and never used up: the peer is in the same kernel, so it always
answers. TCP_FASTOPEN asks for a shorter handshake; ours has no packets to save, so its numbers are only kept. −ENOPROTOOPT: TCP_MD5SIG, TCP_REPAIR and
what else would have to be done."""

from typing import TYPE_CHECKING, Final

from cruck.abi import inet as abi
from cruck.abi.errno import EINVAL, ENOENT, ENOPROTOOPT

if TYPE_CHECKING:
    from cruck.kernel.net.inet.tcp import TcpSocket
    from cruck.kernel.process.task import Task

LOOPBACK_MSS: Final = 65_483  # with time stamps
DEFAULT_MSS: Final = 536
CONGESTION_CONTROLS: Final = (b"cubic", b"reno")

_FLAGS: Final = (
    abi.TCP_NODELAY, abi.TCP_CORK, abi.TCP_QUICKACK, abi.TCP_FASTOPEN_CONNECT, abi.TCP_FASTOPEN_NO_COOKIE, abi.TCP_THIN_LINEAR_TIMEOUTS,
)  # fmt: skip
_DEFAULTS: Final[dict[int, int]] = {
    abi.TCP_NODELAY: 0, abi.TCP_CORK: 0, abi.TCP_QUICKACK: 1, abi.TCP_KEEPIDLE: 7200, abi.TCP_KEEPINTVL: 75, abi.TCP_KEEPCNT: 9,
    abi.TCP_SYNCNT: 6, abi.TCP_LINGER2: 60, abi.TCP_USER_TIMEOUT: 0, abi.TCP_FASTOPEN: 0, abi.TCP_FASTOPEN_CONNECT: 0,
    abi.TCP_FASTOPEN_NO_COOKIE: 0, abi.TCP_THIN_LINEAR_TIMEOUTS: 0, abi.TCP_DEFER_ACCEPT: 0, abi.TCP_NOTSENT_LOWAT: 0, abi.TCP_WINDOW_CLAMP: 0,
}  # fmt: skip
# name → the largest value; the smallest is 1
_RANGES: Final[dict[int, int]] = {
    abi.TCP_KEEPIDLE: 32_767, abi.TCP_KEEPINTVL: 32_767, abi.TCP_KEEPCNT: 127, abi.TCP_SYNCNT: 127,
}  # fmt: skip


class TcpOptions:
    numbers: dict[int, int]  # values that are not the default, by name
    congestion: bytes
    max_segment: int  # TCP_MAXSEG; 0: not set

    def __init__(self) -> None:
        self.numbers = {}
        self.congestion = CONGESTION_CONTROLS[0]
        self.max_segment = 0

    def number(self, name: int) -> int:
        """The value of an option that is 0 by default."""
        return self.numbers.get(name, 0)

    def copy(self) -> "TcpOptions":
        other = TcpOptions()
        other.numbers = dict(self.numbers)
        other.congestion = self.congestion
        other.max_segment = self.max_segment
        return other


def set_option(socket: "TcpSocket", task: "Task", name: int, value: bytes) -> int:
    """0, −EINVAL (size, value), −ENOENT (no such congestion control), −ENOPROTOOPT."""
    options = socket.tcp
    if name == abi.TCP_CONGESTION:
        if not value:
            return -EINVAL
        control = value[:15].split(b"\0")[0]
        if control not in CONGESTION_CONTROLS:
            return -ENOENT
        options.congestion = control
        return 0
    if name == abi.TCP_ULP:
        return -ENOENT  # no upper layer protocol is there (tls is a module)
    if len(value) < 4:
        return -EINVAL
    number = int.from_bytes(value[:4], "little", signed=True)
    if name in _FLAGS:
        options.numbers[name] = int(number != 0)
    elif name in _RANGES:
        if not 1 <= number <= _RANGES[name]:
            return -EINVAL
        options.numbers[name] = number
    elif name == abi.TCP_DEFER_ACCEPT:
        options.numbers[name] = _deferral_s(number)
    elif name == abi.TCP_FASTOPEN:
        if number < 0 or socket.state not in (abi.TCP_CLOSE, abi.TCP_LISTEN):
            return -EINVAL
        options.numbers[name] = number
    elif name == abi.TCP_NOTSENT_LOWAT:
        options.numbers[name] = number & 0xFFFF_FFFF
    elif name == abi.TCP_WINDOW_CLAMP:
        if number == 0 and socket.state != abi.TCP_CLOSE:
            return -EINVAL
        options.numbers[name] = max(number, 1152) if number else 0
    elif name == abi.TCP_LINGER2:
        options.numbers[name] = min(number, 120) if number >= 0 else -1
    elif name == abi.TCP_USER_TIMEOUT:
        if number < 0:
            return -EINVAL
        options.numbers[name] = number
    elif name == abi.TCP_MAXSEG:
        if number and not 88 <= number <= 32_767:
            return -EINVAL
        options.max_segment = number
    else:
        return -ENOPROTOOPT
    return 0


def _deferral_s(seconds: int) -> int:
    """What Linux makes of TCP_DEFER_ACCEPT: the time that some number of retransmissions takes (1, 3, 7, 15 … s)."""
    if seconds <= 0:
        return 0
    period = timeout = 1
    while seconds > period and timeout < 120:
        timeout = min(2 * timeout, 120)
        period += timeout
    return period


def get_option(socket: "TcpSocket", name: int) -> bytes | int:
    options = socket.tcp
    if name in _DEFAULTS:
        number = options.numbers.get(name)
        return ((number if number is not None else _DEFAULTS[name]) & 0xFFFF_FFFF).to_bytes(4, "little")
    if name == abi.TCP_MAXSEG:
        segment = LOOPBACK_MSS if socket.peer is not None else DEFAULT_MSS
        return (min(segment, options.max_segment) if options.max_segment else segment).to_bytes(4, "little")
    if name == abi.TCP_CONGESTION:
        return options.congestion.ljust(16, b"\0")
    if name == abi.TCP_INFO:
        return tcp_info(socket)
    if name in (abi.TCP_ULP, abi.TCP_CC_INFO):
        return b""
    return -ENOPROTOOPT


def tcp_info(socket: "TcpSocket") -> bytes:
    """What is true of a connection without packets; the rest is 0. A listener tells its queue as Linux does: unacked and sacked."""
    info = dict.fromkeys(abi.TCP_INFO_STRUCT.offsets, 0)
    info["tcpi_state"] = socket.state
    if socket.state == abi.TCP_LISTEN:
        info["tcpi_unacked"] = len(socket.pending)
        info["tcpi_sacked"] = socket.backlog
    elif socket.peer is not None:
        info["tcpi_snd_mss"] = info["tcpi_rcv_mss"] = info["tcpi_advmss"] = LOOPBACK_MSS
        info["tcpi_pmtu"] = 65_535
        info["tcpi_rto"] = 204_000
        info["tcpi_snd_cwnd"] = 10
        info["tcpi_rcv_space"] = socket.options.receive_buffer >> 1
        info["tcpi_snd_wnd"] = max(0, socket.peer.options.receive_buffer - socket.peer.nr_queued)
        info["tcpi_bytes_sent"] = info["tcpi_bytes_acked"] = socket.nr_sent
        info["tcpi_bytes_received"] = socket.nr_received
    return abi.TCP_INFO_STRUCT.pack(*info.values())
