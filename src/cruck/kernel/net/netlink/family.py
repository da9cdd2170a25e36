# SPDX-License-Identifier: MPL-2.0
"""NetlinkFamily: AF_NETLINK: NETLINK_ROUTE, NETLINK_SOCK_DIAG, NETLINK_KOBJECT_UEVENT. Keeps who has which port number."""

from typing import TYPE_CHECKING

from cruck.abi.errno import EPROTONOSUPPORT, ESOCKTNOSUPPORT
from cruck.abi.socket import AF_NETLINK, NETLINK_KOBJECT_UEVENT, NETLINK_ROUTE, NETLINK_SOCK_DIAG, SOCK_DGRAM, SOCK_RAW
from cruck.kernel.errors import LinuxError
from cruck.kernel.net.address_family import AddressFamily
from cruck.kernel.net.socket import Socket

if TYPE_CHECKING:
    from cruck.kernel.net.netlink.socket import NetlinkSocket
    from cruck.kernel.process.task import Task


class NetlinkFamily(AddressFamily):
    ports: "dict[tuple[int, int], NetlinkSocket]"  # by protocol and number
    next_auto: int  # port numbers for those whose process has one already: from the top down

    def __init__(self) -> None:
        self.number = AF_NETLINK
        self.ports = {}
        self.next_auto = 0xFFFF_F000

    def create(self, task: "Task", kind: int, protocol: int) -> Socket:
        from cruck.kernel.net.netlink.socket import NetlinkSocket

        if kind not in (SOCK_RAW, SOCK_DGRAM):
            raise LinuxError(ESOCKTNOSUPPORT)
        if protocol not in (NETLINK_ROUTE, NETLINK_SOCK_DIAG, NETLINK_KOBJECT_UEVENT):
            raise LinuxError(EPROTONOSUPPORT)
        return NetlinkSocket(self, task, kind, protocol)

    def choose(self, protocol: int, pid: int) -> int:
        """A free port number: the process's, or one no process has."""
        if (protocol, pid) not in self.ports:
            return pid
        while (protocol, self.next_auto) in self.ports:
            self.next_auto -= 1
        self.next_auto -= 1
        return self.next_auto + 1
