# SPDX-License-Identifier: MPL-2.0
"""Address families: an explicit list. A family is a folder beside this file and one entry of ADDRESS_FAMILIES.

`AddressFamily` makes sockets and holds what its sockets share in one kernel (names, ports).
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.socket import AF_INET
from cruck.kernel.net.address_family import AddressFamily
from cruck.kernel.net.inet.family import Inet6Family, InetFamily
from cruck.kernel.net.inet.interface import loopback
from cruck.kernel.net.netlink.family import NetlinkFamily
from cruck.kernel.net.unix.family import UnixFamily

if TYPE_CHECKING:
    from collections.abc import Sequence

ADDRESS_FAMILIES: Final[tuple[type[AddressFamily], ...]] = (UnixFamily, InetFamily, Inet6Family, NetlinkFamily)


class AddressFamilies:
    """The families of one network namespace (`kernel.families` is the first one's)."""

    by_number: dict[int, AddressFamily]

    def __init__(self, families: "Sequence[AddressFamily] | None" = None) -> None:
        """families: None for one of each of ADDRESS_FAMILIES."""
        self.by_number = {}
        if families is None:
            for kind in ADDRESS_FAMILIES:
                self.add(kind())
        else:
            for family in families:
                self.add(family)

    def add(self, family: AddressFamily) -> None:
        self.by_number[family.number] = family

    def get(self, number: int) -> AddressFamily | None:
        """None: −EAFNOSUPPORT."""
        return self.by_number.get(number)


def new_network() -> AddressFamilies:
    """The families of a new network namespace: nobody else's sockets, and `lo` not yet up."""
    families = AddressFamilies()
    inet = families.get(AF_INET)
    if isinstance(inet, InetFamily):
        inet.stack.interfaces = [loopback(False)]
    return families


__all__ = ["ADDRESS_FAMILIES", "AddressFamilies", "AddressFamily", "new_network"]
