# SPDX-License-Identifier: MPL-2.0
"""NetlinkFamily: AF_NETLINK: NETLINK_ROUTE only. Keeps who has which port number."""

from typing import TYPE_CHECKING

from cruck.abi.errno import EPROTONOSUPPORT, ESOCKTNOSUPPORT
from cruck.abi.socket import AF_NETLINK, NETLINK_ROUTE, SOCK_DGRAM, SOCK_RAW
from cruck.kernel.errors import LinuxError
from cruck.kernel.net.address_family import AddressFamily
from cruck.kernel.net.socket import Socket

if TYPE_CHECKING:
    from cruck.kernel.net.netlink.socket import NetlinkSocket
    from cruck.kernel.process.task import Task


class NetlinkFamily(AddressFamily):
    ports: "dict[int, NetlinkSocket]"
    next_auto: int  # port numbers for those whose process has one already: from the top down

    def __init__(self) -> None:
        self.number = AF_NETLINK
        self.ports = {}
        self.next_auto = 0xFFFF_F000

    def create(self, task: "Task", kind: int, protocol: int) -> Socket:
        from cruck.kernel.net.netlink.socket import NetlinkSocket

        if kind not in (SOCK_RAW, SOCK_DGRAM):
            raise LinuxError(ESOCKTNOSUPPORT)
        if protocol != NETLINK_ROUTE:
            raise LinuxError(EPROTONOSUPPORT)
        return NetlinkSocket(self, task, kind, protocol)

    def choose(self, pid: int) -> int:
        """A free port number: the process's, or one no process has."""
        if pid not in self.ports:
            return pid
        while self.next_auto in self.ports:
            self.next_auto -= 1
        self.next_auto -= 1
        return self.next_auto + 1
