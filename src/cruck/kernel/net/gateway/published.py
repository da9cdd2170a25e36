# SPDX-License-Identifier: MPL-2.0
"""PublishedPort: -p. Each connection to the host's port becomes one from the gateway's address to the guest's port: to whoever listens there
on the guest's address, or else on its loopback; nobody: the host's client is reset."""

from typing import TYPE_CHECKING, Final

from cruck.abi.socket import AF_INET
from cruck.framework.io.host_socket import HostListener
from cruck.kernel.drivers.host_watch import POLLIN, HostWatch
from cruck.kernel.net.gateway.stream_relay import StreamRelay
from cruck.kernel.net.inet import address as addresses
from cruck.kernel.net.inet.tcp import TcpSocket
from cruck.kernel.poll.wait_queue import ALL_EVENTS, Waiter, WaitQueue

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.net.gateway.gateway import Gateway

BATCH: Final = 32
MAX_RELAYS: Final = 4096  # connections of the run with the host; beyond, new ones wait on the host


class PublishedPort(Waiter):
    gateway: "Gateway"
    kernel: "Kernel"
    listener: HostListener
    guest_port: int
    watch: HostWatch

    def __init__(self, gateway: "Gateway", kernel: "Kernel", listener: HostListener, guest_port: int) -> None:
        self.gateway = gateway
        self.kernel = kernel
        self.listener = listener
        self.guest_port = guest_port
        ready = WaitQueue()
        ready.add(self, ALL_EVENTS)
        self.watch = HostWatch(kernel, listener, ready)
        self._watch()

    def _watch(self) -> None:
        self.kernel.watch_host(self.listener, POLLIN, self.watch.queue)

    def notify(self, queue: WaitQueue, events: int) -> bool:
        for _ in range(BATCH):
            if len(self.gateway.relays) >= MAX_RELAYS:
                break
            accepted = self.listener.accept_nowait()
            if isinstance(accepted, int):
                break
            host, _, port = accepted
            relay = StreamRelay(self.gateway, self.kernel, host)
            stack = self.gateway.stack
            where = f"port {self.listener.port} of the host to {self.guest_port}"
            target = self._find(port)
            stack.decisions.note(self.kernel, where, target is not None, "-p" if target is not None else "nobody listens there", "")
            if target is None:
                relay.refuse()
                continue
            address, listener = target
            far = TcpSocket(stack, self.kernel, AF_INET, 0, 0)
            far.become_remote(self.gateway.host_side(), self._source_port(address, port), address, self.guest_port)
            far.connect_inward(listener)
            relay.answer(far)
        self._watch()
        return False

    def _find(self, port: int) -> "tuple[bytes, TcpSocket] | None":
        """(destination, listener)."""
        table = self.gateway.stack.tcp
        for address in (self.gateway.stack.own_address, addresses.LOOPBACK4):
            listener = table.find_listener(address, self.guest_port, port)
            if listener is not None:
                return address, listener
        return None

    def _source_port(self, address: bytes, port: int) -> int:
        """The host client's, or the next that no connection has."""
        connections = self.gateway.stack.tcp.connections
        while (self.gateway.host_side(), port, address, self.guest_port) in connections:
            port = port % 65_535 + 1
        return port
