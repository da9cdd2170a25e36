# SPDX-License-Identifier: MPL-2.0
"""Uplink: the base class of ways out of a stack: to the host's network (net/gateway) or to other kernels (net/link)."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.net.inet.tcp import TcpSocket
    from cruck.kernel.net.inet.udp import Datagram, UdpSocket


class Uplink:
    def leads_to(self, address: bytes) -> bool:
        """Is there a way to an address that is not this machine's?"""
        raise NotImplementedError

    def check(self, kernel: "Kernel", protocol: str, address: bytes, port: int) -> None:
        """Before anything is done: errors are LinuxError(EPERM) (a policy), LinuxError(ENETUNREACH)."""
        raise NotImplementedError

    def connect(self, socket: "TcpSocket") -> None:
        """The socket is in SYN_SENT; it will be told by establish_remote() or fail_connect()."""
        raise NotImplementedError

    def send(self, socket: "UdpSocket", datagram: "Datagram") -> None:
        """Lost without a word if nobody takes it."""
        raise NotImplementedError

    def forget(self, socket: "UdpSocket") -> None:
        """The socket is closed."""
