# SPDX-License-Identifier: MPL-2.0
"""NETLINK_SOCK_DIAG (sock_diag(7)): lists of sockets, as `ss` reads them: TCP, UDP and AF_UNIX. Other families are −ENOENT, as without
their module. Filters beside family, protocol and states are not applied: ss applies them itself."""

import struct
from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EINVAL, ENOENT, EOPNOTSUPP
from cruck.abi.inet import IPPROTO_TCP, IPPROTO_UDP, TCP_CLOSE, TCP_ESTABLISHED, TCP_TIME_WAIT
from cruck.abi.socket import AF_INET, AF_INET6, AF_UNIX, NLM_F_DUMP, NLM_F_MULTI, NLMSG_DONE
from cruck.kernel.net.inet.family import InetFamily
from cruck.kernel.net.inet.tcp import TcpSocket
from cruck.kernel.net.inet.tcp_options import tcp_info
from cruck.kernel.net.netlink.message import HEADER, attribute, attribute_u32, error, message
from cruck.kernel.net.unix.family import UnixFamily

if TYPE_CHECKING:
    from cruck.kernel.net.families import AddressFamilies
    from cruck.kernel.net.inet.socket import InetSocket
    from cruck.kernel.net.inet.stack import InetStack
    from cruck.kernel.net.unix.socket import UnixSocket

SOCK_DIAG_BY_FAMILY: Final = 20
_INET_REQUEST: Final = struct.Struct("<BBBxI")  # then struct inet_diag_sockid
_INET_REQUEST_SIZE: Final = 56
_INET_MESSAGE: Final = struct.Struct("<BBBB")
_INET_REST: Final = struct.Struct("<IQIIIII")  # interface, cookie, expires, rqueue, wqueue, uid, inode
_UNIX_REQUEST: Final = struct.Struct("<BBxxIII8x")
_UNIX_MESSAGE: Final = struct.Struct("<BBBxIQ")
_INFO, _CONG, _SHUTDOWN, _SKMEMINFO = 2, 4, 8, 7
_UNIX_NAME, _UNIX_PEER, _UNIX_ICONS, _UNIX_RQLEN, _UNIX_SHUTDOWN = 0, 2, 3, 4, 6
_SHOW_NAME, _SHOW_PEER, _SHOW_ICONS, _SHOW_RQLEN = 1, 4, 8, 16
_TCP_LISTEN: Final = 10


def answer(request: bytes, port: int, families: "AddressFamilies", now_ns: int) -> list[bytes]:
    """Answers to what one send carried: datagrams, in order."""
    datagrams: list[bytes] = []
    at = 0
    while len(request) - at >= HEADER.size:
        length, kind, flags, seq, _ = HEADER.unpack_from(request, at)
        if length < HEADER.size or length > len(request) - at:
            break
        asked = request[at : at + length]
        entries = _entries(asked, kind, flags, families, now_ns)
        if isinstance(entries, int):
            datagrams.append(error(asked, entries, port))
        else:
            for start in range(0, len(entries), 32):
                parts = [message(SOCK_DIAG_BY_FAMILY, NLM_F_MULTI, seq, port, body) for body in entries[start : start + 32]]
                datagrams.append(b"".join(parts))
            datagrams.append(message(NLMSG_DONE, NLM_F_MULTI, seq, port, bytes(4)))
        at += (length + 3) & ~3
    return datagrams


def _entries(asked: bytes, kind: int, flags: int, families: "AddressFamilies", now_ns: int) -> list[bytes] | int:
    """The bodies of a dump's messages, or an errno."""
    body = asked[HEADER.size :]
    if kind != SOCK_DIAG_BY_FAMILY or len(body) < 2:
        return EINVAL
    if flags & NLM_F_DUMP != NLM_F_DUMP:
        return EOPNOTSUPP  # one socket by its cookie
    if body[0] == AF_UNIX and len(body) >= _UNIX_REQUEST.size:
        unix = families.get(AF_UNIX)
        return _unix_entries(unix, body) if isinstance(unix, UnixFamily) else ENOENT
    if body[0] in (AF_INET, AF_INET6) and len(body) >= _INET_REQUEST_SIZE:
        inet = families.get(AF_INET)
        if isinstance(inet, InetFamily) and body[1] in (IPPROTO_TCP, IPPROTO_UDP):
            return _inet_entries(inet.stack, body, now_ns)
    return ENOENT


def _inet_entries(stack: "InetStack", body: bytes, now_ns: int) -> list[bytes]:
    family, protocol, extensions, states = _INET_REQUEST.unpack_from(body)
    found: list[bytes] = []
    if protocol == IPPROTO_UDP:
        for socket in stack.udp_sockets:
            state = TCP_ESTABLISHED if socket.peer_port else TCP_CLOSE
            if socket.domain == family and socket.port and states >> state & 1:
                found.append(_inet_entry(socket, state, socket.nr_charged, 0))
        return found
    for stream in stack.tcp_sockets:
        if stream.domain != family or not states >> stream.state & 1 or stream.state == TCP_CLOSE:
            continue
        if stream.state == _TCP_LISTEN:
            entry = _inet_entry(stream, stream.state, len(stream.pending), stream.backlog)
        else:
            entry = _inet_entry(stream, stream.state, stream.nr_queued, stream.nr_unsent())
        found.append(entry + _extensions(stream, extensions))
    if states >> TCP_TIME_WAIT & 1:
        stack.tcp.expire(now_ns)
        for entry_ in stack.tcp.time_wait.values():
            if entry_.domain == family:
                local, port, peer, peer_port = entry_.four
                left_ms = max(0, 60_000 - (now_ns - entry_.since_ns) // 1_000_000)
                head = _INET_MESSAGE.pack(family, TCP_TIME_WAIT, 3, 0)
                found.append(head + _identity(family, local, port, peer, peer_port) + _INET_REST.pack(0, 0, left_ms, 0, 0, 0, 0))
    return found


def _identity(family: int, local: bytes, port: int, peer: bytes, peer_port: int) -> bytes:
    first, second = (local[12:].ljust(16, b"\0"), peer[12:].ljust(16, b"\0")) if family == AF_INET else (local, peer)
    return port.to_bytes(2, "big") + peer_port.to_bytes(2, "big") + first + second


def _inet_entry(socket: "InetSocket", state: int, nr_received: int, nr_unsent: int) -> bytes:
    ino = socket.socket_inode.ino
    return (
        _INET_MESSAGE.pack(socket.domain, state, 0, 0)
        + _identity(socket.domain, socket.address, socket.port, socket.peer_address_bytes, socket.peer_port)
        + _INET_REST.pack(0, ino, 0, nr_received, nr_unsent, socket.socket_inode.uid, ino)
        + attribute(_SHUTDOWN, bytes([socket.shut_down]))
    )


def _extensions(socket: TcpSocket, wanted: int) -> bytes:
    found = b""
    if wanted >> (_INFO - 1) & 1:
        found += attribute(_INFO, tcp_info(socket))
    if wanted >> (_CONG - 1) & 1:
        found += attribute(_CONG, socket.tcp.congestion + b"\0")
    return found


def _unix_entries(family: UnixFamily, body: bytes) -> list[bytes]:
    _, _, states, ino, show = _UNIX_REQUEST.unpack_from(body)
    found: list[bytes] = []
    for socket in family.sockets:
        state = _TCP_LISTEN if socket.is_listening() else TCP_ESTABLISHED if socket.peer is not None else TCP_CLOSE
        if states >> state & 1 and ino in (0, socket.socket_inode.ino):
            found.append(_unix_entry(socket, state, show))
    return found


def _unix_entry(socket: "UnixSocket", state: int, show: int) -> bytes:
    ino = socket.socket_inode.ino
    entry = _UNIX_MESSAGE.pack(AF_UNIX, socket.type, state, ino, ino)
    if show & _SHOW_NAME and socket.name:
        entry += attribute(_UNIX_NAME, socket.name)
    if show & _SHOW_PEER and socket.peer is not None:
        entry += attribute_u32(_UNIX_PEER, socket.peer.socket_inode.ino)
    if show & _SHOW_ICONS and state == _TCP_LISTEN:
        entry += attribute(_UNIX_ICONS, b"".join([embryo.socket_inode.ino.to_bytes(4, "little") for embryo in socket.pending]))
    if show & _SHOW_RQLEN:
        queued, limit = (len(socket.pending), socket.backlog) if state == _TCP_LISTEN else (socket.nr_queued_bytes, socket.nr_unsent())
        entry += attribute(_UNIX_RQLEN, struct.pack("<II", queued, limit))
    return entry + attribute(_UNIX_SHUTDOWN, bytes([socket.shut_down]))
