# SPDX-License-Identifier: MPL-2.0
"""Gateway: where connections and datagrams go that are not for this machine.

The guest's network is 10.0.2.0/24, as in QEMU and slirp: the guest is .15, the gateway .2, the name server .3. The gateway's address
stands for the host's loopback: 10.0.2.2:8080 is the host's 127.0.0.1:8080, which a rule must name like any private address. If a rule
allows IPv6 addresses there is fec0::/64, too: the guest is fec0::15, and the gateway fec0::2, which stands for the host's ::1. The
policy is asked twice: here, so that a refusal has its errno and its line in the trace, and again by the HostNetwork itself.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import ENETUNREACH, EPERM
from cruck.framework.io.host_socket import HostListener, HostNetwork
from cruck.kernel.errors import LinuxError
from cruck.kernel.net.gateway.datagrams import DatagramFlows
from cruck.kernel.net.gateway.published import PublishedPort
from cruck.kernel.net.gateway.resolver import Resolver
from cruck.kernel.net.gateway.stream_relay import StreamRelay
from cruck.kernel.net.inet import address as addresses
from cruck.kernel.net.inet.interface import ethernet
from cruck.kernel.net.inet.uplink import Uplink

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.net.inet.stack import InetStack
    from cruck.kernel.net.inet.tcp import TcpSocket
    from cruck.kernel.net.inet.udp import Datagram, UdpSocket

GUEST: Final = addresses.MAPPED + b"\x0a\0\2\x0f"
HOST: Final = addresses.MAPPED + b"\x0a\0\2\2"
NAME_SERVER: Final = addresses.MAPPED + b"\x0a\0\2\3"
PREFIX_BITS: Final = 24
GUEST6: Final = b"\xfe\xc0" + bytes(13) + b"\x15"
HOST6: Final = b"\xfe\xc0" + bytes(13) + b"\2"
PREFIX_BITS6: Final = 64
HOST_LOOPBACK: Final = 0x7F00_0001
HOST_LOOPBACK6: Final = 1 << 128 | 1  # as the policy numbers addresses
DNS_PORT: Final = 53


class Gateway(Uplink):
    stack: "InetStack"
    network: HostNetwork
    resolver: Resolver
    flows: DatagramFlows
    relays: dict[StreamRelay, None]  # connections that stand or are being made
    published: list[PublishedPort]

    def __init__(self, stack: "InetStack", network: HostNetwork) -> None:
        """Becomes the stack's gateway and gives it eth0."""
        self.stack = stack
        self.network = network
        self.resolver = Resolver(self)
        self.flows = DatagramFlows(self)
        self.relays = {}
        self.published = []
        stack.gateway = self
        stack.own_address = GUEST
        interface = ethernet(len(stack.interfaces) + 1, GUEST[12:], PREFIX_BITS, HOST[12:])
        stack.interfaces.append(interface)
        if network.policy.has_ipv6():
            stack.own_address6 = GUEST6
            interface.address6, interface.prefix6, interface.gateway6 = GUEST6, PREFIX_BITS6, HOST6

    def publish(self, kernel: "Kernel", listener: HostListener, guest_port: int) -> None:
        """Connections to the host's port become connections to the guest's."""
        self.published.append(PublishedPort(self, kernel, listener, guest_port))

    def leads_to(self, address: bytes) -> bool:
        """Unicast IPv4, and IPv6 if there is any."""
        if addresses.is_multicast(address) or addresses.is_broadcast(address):
            return False
        return addresses.is_v4(address) or self.stack.own_address6 != b"" and not addresses.is_link_local(address)

    def host_address(self, address: bytes) -> int:
        """What an address of the guest's network is on the host's."""
        if addresses.is_v4(address):
            return HOST_LOOPBACK if address == HOST else int.from_bytes(address[12:], "big")
        return HOST_LOOPBACK6 if address == HOST6 else 1 << 128 | int.from_bytes(address, "big")

    def host_side(self) -> bytes:
        """Where connections from the host seem to come from."""
        return HOST

    def check(self, kernel: "Kernel", protocol: str, address: bytes, port: int) -> None:
        """Errors: LinuxError(EPERM): the policy; LinuxError(ENETUNREACH): this machine's loopback, which is down."""
        if addresses.is_loopback(address):
            raise LinuxError(ENETUNREACH)
        if address == NAME_SERVER and port == DNS_PORT and protocol == "udp":
            return
        decision = self.network.policy.decide(self.host_address(address), port)
        shown = f"{addresses.text(address)}:{port}"
        if address in (HOST, HOST6):
            shown += " (the host's 127.0.0.1)" if address == HOST else " (the host's ::1)"
        self.stack.decisions.note(kernel, f"{protocol} {shown}", decision.is_allowed, decision.rule, decision.advice)
        if not decision.is_allowed:
            raise LinuxError(EPERM)

    def connect(self, socket: "TcpSocket") -> None:
        """The socket is in SYN_SENT; it will be told by establish_remote() or fail_connect()."""
        host = self.network.connect(self.host_address(socket.peer_address_bytes), socket.peer_port)
        if isinstance(host, int):
            socket.fail_connect(-host)
            return
        StreamRelay(self, socket.kernel, host).dial(socket)

    def send(self, socket: "UdpSocket", datagram: "Datagram") -> None:
        if datagram.to == NAME_SERVER and datagram.to_port == DNS_PORT:
            self.resolver.ask(socket, datagram)
        else:
            self.flows.send(socket, datagram)

    def forget(self, socket: "UdpSocket") -> None:
        self.flows.forget(socket)
