# SPDX-License-Identifier: MPL-2.0
"""/proc/[pid]/net: the tables of the network, in the shape of Linux's.

Address families do not register their sockets here yet: the tables show the loopback interface and no sockets; a family that has
something to tell adds its own renderer to `TABLES`.
"""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel

_TCP_HEADER: Final = (
    b"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"
    b"                                                     \n"
)
_UDP_HEADER: Final = (
    b"   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops"
    b"             \n"
)
_INET6_HEADER: Final = (
    b"  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt"
    b"   uid  timeout inode"
)
_DEV: Final = (
    b"Inter-|   Receive                                                |  Transmit\n"
    b" face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n"
    b"    lo:       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0\n"
)
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
    b"tcp": _TCP_HEADER,
    b"tcp6": _INET6_HEADER + b"\n",
    b"udp": _UDP_HEADER,
    b"udp6": _INET6_HEADER + b" ref pointer drops\n",
    b"unix": b"Num       RefCount Protocol Flags    Type St Inode Path\n",
}


def render(kernel: "Kernel", name: bytes) -> bytes:
    """Contents of /proc/net/<name>, a key of TABLES."""
    return TABLES[name]
