# SPDX-License-Identifier: MPL-2.0
"""Interface: what netdevice(7), rtnetlink(7) and /proc/net tell of one network interface. `lo` always exists; `eth0` does if the run may
reach the host's network (net/gateway), and `lo` is down in a run without any network."""

from typing import Final

from cruck.abi.inet import ARPHRD_LOOPBACK, IFF_LOOPBACK, IFF_RUNNING, IFF_UP

ARPHRD_ETHER: Final = 1
IFF_BROADCAST: Final = 0x2
IFF_MULTICAST: Final = 0x1000
NO_ADDRESS: Final = b""


class Interface:
    name: bytes
    index: int
    hardware: int  # ARPHRD_*
    flags: int  # IFF_*
    mtu: int  # bytes
    mac: bytes  # 6
    address4: bytes  # 4 bytes, or NO_ADDRESS
    prefix4: int  # bits
    broadcast4: bytes  # 4 bytes, or NO_ADDRESS
    address6: bytes  # 16 bytes, or NO_ADDRESS
    prefix6: int  # bits
    gateway4: bytes  # of the default route; NO_ADDRESS: it leads nowhere
    gateway6: bytes

    def __init__(self, name: bytes, index: int, hardware: int, flags: int, mtu: int, mac: bytes) -> None:
        self.name = name
        self.index = index
        self.hardware = hardware
        self.flags = flags
        self.mtu = mtu
        self.mac = mac
        self.address4 = self.broadcast4 = self.address6 = self.gateway4 = self.gateway6 = NO_ADDRESS
        self.prefix4 = 0
        self.prefix6 = 128

    def is_up(self) -> bool:
        return self.flags & IFF_UP != 0

    def set_up(self, is_wanted: bool) -> None:
        """`lo` gets its addresses when it comes up, unless it has some (Linux: inetdev_event)."""
        if not is_wanted:
            self.flags &= ~(IFF_UP | IFF_RUNNING)
            return
        self.flags |= IFF_UP | IFF_RUNNING
        if self.flags & IFF_LOOPBACK:
            if not self.address4:
                self.address4, self.prefix4 = b"\x7f\0\0\1", 8
            self.address6 = bytes(15) + b"\1"

    def netmask4(self) -> bytes:
        return ((0xFFFF_FFFF << (32 - self.prefix4)) & 0xFFFF_FFFF).to_bytes(4, "big")

    def network4(self) -> bytes:
        mask = int.from_bytes(self.netmask4(), "big")
        return (int.from_bytes(self.address4, "big") & mask).to_bytes(4, "big")


def loopback(is_up: bool) -> Interface:
    interface = Interface(b"lo", 1, ARPHRD_LOOPBACK, IFF_LOOPBACK, 65_536, bytes(6))
    if is_up:
        interface.set_up(True)
    return interface


def ethernet(index: int, address4: bytes, prefix4: int, gateway4: bytes) -> Interface:
    interface = Interface(b"eth0", index, ARPHRD_ETHER, IFF_UP | IFF_BROADCAST | IFF_RUNNING | IFF_MULTICAST, 1500, b"\x52\x55" + address4)
    interface.address4 = address4
    interface.prefix4 = prefix4
    hosts = (1 << (32 - prefix4)) - 1
    interface.broadcast4 = (int.from_bytes(address4, "big") | hosts).to_bytes(4, "big")
    interface.gateway4 = gateway4
    return interface
