# SPDX-License-Identifier: MPL-2.0
"""/proc/[pid]/net: the tables of the network, in the shape of Linux's.

TCP, UDP and AF_UNIX show their sockets, `dev`, `route` and `if_inet6` the interfaces; the other tables are empty.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.socket import AF_INET, AF_INET6, AF_UNIX
from cruck.kernel.net.inet.family import InetFamily
from cruck.kernel.net.unix.family import UnixFamily

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.net.families import AddressFamilies
    from cruck.kernel.net.inet.socket import InetSocket
    from cruck.kernel.net.inet.stack import InetStack

_TCP_HEADER: Final = (
    b"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"
    b"                                                     \n"
)
_UDP_HEADER: Final = (
    b"   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops             \n"
)
_INET6_HEADER: Final = (
    b"  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt"
    b"   uid  timeout inode"
)
_DEV: Final = (
    b"Inter-|   Receive                                                |  Transmit\n"
    b" face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n"
)
# Lines of IPv4's tables are padded to these widths.
_TCP_WIDTH: Final = 149
_UDP_WIDTH: Final = 127
_UNIX_UNCONNECTED: Final = 1  # SS_*
_UNIX_CONNECTED: Final = 3
_TIME_WAIT: Final = 6
_ESTABLISHED: Final = 1
_CLOSE: Final = 7
TABLES: Final[dict[bytes, bytes]] = {
    b"arp": b"IP address       HW type     Flags       HW address            Mask     Device\n",
    b"dev": _DEV,
    b"if_inet6": b"",
    b"netlink": b"sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n",
    b"packet": b"sk       RefCnt Type Proto  Iface R Rmem   User   Inode\n",
    b"protocols": b"protocol  size sockets  memory press maxhdr  slab module"
    b"     cl co di ac io in de sh ss gs se re sp bi br ha uh gp em\n",
    b"raw": _UDP_HEADER,
    b"raw6": _INET6_HEADER + b" ref pointer drops\n",
    b"route": b"Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT"
    b"                                                       \n",
    b"sockstat": b"",
    b"sockstat6": b"",
    b"tcp": _TCP_HEADER,
    b"tcp6": _INET6_HEADER + b"\n",
    b"udp": _UDP_HEADER,
    b"udp6": _INET6_HEADER + b" ref pointer drops\n",
    b"unix": b"Num       RefCount Protocol Flags    Type St Inode Path\n",
}


def render(kernel: "Kernel", families: "AddressFamilies", name: bytes) -> bytes:
    """Contents of /proc/net/<name>, a key of TABLES."""
    family = families.get(AF_INET)
    if isinstance(family, InetFamily):
        domain = AF_INET6 if name.endswith(b"6") else AF_INET
        if name in (b"tcp", b"tcp6"):
            return TABLES[name] + _tcp(family.stack, domain, kernel.clock.monotonic_ns())
        if name in (b"udp", b"udp6"):
            return TABLES[name] + _udp(family.stack, domain)
        if name in (b"sockstat", b"sockstat6"):
            return _sockstat(family.stack, name == b"sockstat6")
        if name in (b"dev", b"if_inet6", b"route"):
            return TABLES[name] + _interfaces(family.stack, name)
    if name == b"unix":
        unix = families.get(AF_UNIX)
        return TABLES[name] + (_unix(unix) if isinstance(unix, UnixFamily) else b"")
    return TABLES[name]


def _interfaces(stack: "InetStack", name: bytes) -> bytes:
    lines: list[bytes] = []
    for interface in stack.interfaces:
        if name == b"dev":
            counts = (stack.nr_bytes, stack.nr_packets, stack.nr_bytes, stack.nr_packets) if interface.index == 1 else (0, 0, 0, 0)
            lines.append(b"%6s: %7d %7d    0    0    0     0          0         0 %8d %7d    0    0    0     0       0          0\n"
                         % (interface.name, *counts))  # fmt: skip
        elif name == b"if_inet6":
            if interface.address6:
                scope = 0x10 if interface.index == 1 else 0x40 if interface.address6.startswith(b"\xfe\xc0") else 0
                address = interface.address6.hex().encode()
                lines.append(b"%s %02x %02x %02x 80 %8s\n" % (address, interface.index, interface.prefix6, scope, interface.name))
        elif interface.gateway4:
            mask = int.from_bytes(interface.netmask4(), "little")
            network = int.from_bytes(interface.network4(), "little")
            gateway = int.from_bytes(interface.gateway4, "little")
            for line in (b"%s\t00000000\t%08X\t0003\t0\t0\t0\t00000000\t0\t0\t0" % (interface.name, gateway),
                         b"%s\t%08X\t00000000\t0001\t0\t0\t0\t%08X\t0\t0\t0" % (interface.name, network, mask)):  # fmt: skip
                lines.append(line.ljust(127) + b"\n")
    return b"".join(lines)


def _sockstat(stack: "InetStack", is_v6: bool) -> bytes:
    domain, suffix = (AF_INET6, b"6") if is_v6 else (AF_INET, b"")
    nr_tcp = nr_orphans = nr_udp = nr_waiting = 0
    for socket in stack.tcp_sockets:
        if socket.domain == domain and socket.state != _CLOSE:
            nr_tcp += 1
            nr_orphans += socket.is_orphan
    for datagram in stack.udp_sockets:
        nr_udp += datagram.domain == domain and datagram.port != 0
    for entry in stack.tcp.time_wait.values():
        nr_waiting += entry.domain == domain
    if is_v6:
        return b"TCP6: inuse %d\nUDP6: inuse %d\nUDPLITE6: inuse 0\nRAW6: inuse 0\nFRAG6: inuse 0 memory 0\n" % (nr_tcp, nr_udp)
    return (
        b"sockets: used %d\nTCP%s: inuse %d orphan %d tw %d alloc %d mem %d\nUDP: inuse %d mem 0\nUDPLITE: inuse 0\nRAW: inuse 0\n"
        b"FRAG: inuse 0 memory 0\n"
        % (
            len(stack.tcp_sockets) + len(stack.udp_sockets), suffix, nr_tcp, nr_orphans, nr_waiting, len(stack.tcp_sockets),
            stack.tcp.nr_bytes >> 12, nr_udp,
        )
    )  # fmt: skip


def _unix(family: UnixFamily) -> bytes:
    """Num: RefCount Protocol Flags Type St Inode Path; an abstract name begins with @."""
    lines: list[bytes] = []
    for socket in family.sockets:
        flags = 0x10000 if socket.is_listening() else 0
        state = _UNIX_CONNECTED if socket.peer is not None else _UNIX_UNCONNECTED
        line = b"0000000000000000: %08X 00000000 %08X %04X %02X %5d" % (
            2 + (socket.peer is not None), flags, socket.type, state, socket.socket_inode.ino,
        )  # fmt: skip
        name = socket.name
        if name:
            line += b" " + (b"@" + name[1:].replace(b"\0", b"@") if name[:1] == b"\0" else name.rstrip(b"\0"))
        lines.append(line + b"\n")
    return b"".join(lines)


def _address(domain: int, address: bytes, port: int) -> bytes:
    """Words of network bytes, as numbers of this machine."""
    shown = address[12:] if domain == AF_INET else address
    return b"".join([b"%08X" % int.from_bytes(shown[at : at + 4], "little") for at in range(0, len(shown), 4)]) + b":%04X" % port


def _ends(socket: "InetSocket") -> tuple[bytes, bytes]:
    return (
        _address(socket.domain, socket.address, socket.port),
        _address(socket.domain, socket.peer_address_bytes, socket.peer_port),
    )


def _tcp(stack: "InetStack", domain: int, now_ns: int) -> bytes:
    lines: list[bytes] = []
    for socket in stack.tcp_sockets:
        if socket.domain != domain or socket.state == _CLOSE:
            continue
        local, peer = _ends(socket)
        queued = len(socket.pending) if socket.is_listening() else socket.nr_queued
        ino = 0 if socket.is_orphan else socket.socket_inode.ino
        lines.append(
            b"%4d: %s %s %02X %08X:%08X 00:00000000 00000000 %5d        0 %d 1 0000000000000000 %s"
            % (
                len(lines),
                local,
                peer,
                socket.state,
                socket.nr_unsent(),
                queued,
                socket.socket_inode.uid,
                ino,
                b"100 0 0 10 0" if socket.is_listening() else b"20 4 30 10 -1",
            )  # fmt: skip
        )
    stack.tcp.expire(now_ns)
    for entry in stack.tcp.time_wait.values():
        if entry.domain == domain:
            local_address, port, peer_address, peer_port = entry.four
            left = max(0, 6000 - (now_ns - entry.since_ns) // 10_000_000)
            lines.append(
                b"%4d: %s %s %02X 00000000:00000000 03:%08X 00000000     0        0 0 3 0000000000000000"
                % (
                    len(lines),
                    _address(domain, local_address, port),
                    _address(domain, peer_address, peer_port),
                    _TIME_WAIT,
                    left,
                )  # fmt: skip
            )
    width = _TCP_WIDTH if domain == AF_INET else 0
    return b"".join([line.ljust(width) + b"\n" for line in lines])


def _udp(stack: "InetStack", domain: int) -> bytes:
    lines: list[bytes] = []
    for socket in stack.udp_sockets:
        if socket.domain != domain or socket.port == 0:
            continue
        local, peer = _ends(socket)
        lines.append(
            b"%5d: %s %s %02X 00000000:%08X 00:00000000 00000000 %5d        0 %d 2 0000000000000000 %d"
            % (
                socket.port,
                local,
                peer,
                _ESTABLISHED if socket.peer_port else _CLOSE,
                socket.nr_charged,
                socket.socket_inode.uid,
                socket.socket_inode.ino,
                socket.nr_drops,
            )  # fmt: skip
        )
    width = _UDP_WIDTH if domain == AF_INET else 0
    return b"".join([line.ljust(width) + b"\n" for line in lines])
