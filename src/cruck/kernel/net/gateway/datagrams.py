# SPDX-License-Identifier: MPL-2.0
"""DatagramFlows: UDP outward. Each pair of guest socket and destination has a host socket connected to that destination, so nobody else
is heard; it is made by the first datagram, and closed with the guest's socket or when too many others came later."""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EAGAIN, ECONNREFUSED
from cruck.framework.io.host_socket import HostSocket
from cruck.kernel.drivers.host_watch import POLLIN, HostWatch
from cruck.kernel.net.inet.udp import Datagram, UdpSocket
from cruck.kernel.poll.wait_queue import ALL_EVENTS, Waiter, WaitQueue

if TYPE_CHECKING:
    from cruck.kernel.net.gateway.gateway import Gateway

MAX_FLOWS: Final = 256
BATCH: Final = 32
LARGEST: Final = 65_535

Key = tuple[UdpSocket, bytes, int]


class Flow(Waiter):
    flows: "DatagramFlows"
    key: Key
    host: HostSocket
    watch: HostWatch

    def __init__(self, flows: "DatagramFlows", key: Key, host: HostSocket) -> None:
        self.flows = flows
        self.key = key
        self.host = host
        ready = WaitQueue()
        ready.add(self, ALL_EVENTS)
        self.watch = HostWatch(key[0].kernel, host, ready)
        self.watch.arm(POLLIN)

    def notify(self, queue: WaitQueue, events: int) -> bool:
        socket, address, port = self.key
        for _ in range(BATCH):
            data = self.host.read_nowait(LARGEST)
            if isinstance(data, int):
                if data == -ECONNREFUSED and socket.peer_port:
                    socket.fail(ECONNREFUSED)
                elif data != -EAGAIN and data != -ECONNREFUSED:
                    self.flows.close(self)
                    return False
                if data == -EAGAIN:
                    break
                continue
            socket.deliver(Datagram(data, address, port, self.flows.gateway.stack.source_for(address), socket.port, 64, 0))
        if self.watch.arm(POLLIN):
            self.watch.kernel.watch_host(self.host, POLLIN, self.watch.queue)
        return False


class DatagramFlows:
    gateway: "Gateway"
    by_key: dict[Key, Flow]  # oldest first

    def __init__(self, gateway: "Gateway") -> None:
        self.gateway = gateway
        self.by_key = {}

    def send(self, socket: UdpSocket, datagram: Datagram) -> None:
        key = (socket, datagram.to, datagram.to_port)
        flow = self.by_key.get(key)
        if flow is None:
            host = self.gateway.network.open_datagrams(self.gateway.host_address(datagram.to), datagram.to_port)
            if isinstance(host, int):
                return
            if len(self.by_key) >= MAX_FLOWS:
                self.close(next(iter(self.by_key.values())))
            flow = Flow(self, key, host)
            self.by_key[key] = flow
        if flow.host.write_nowait(datagram.data) == -ECONNREFUSED and socket.peer_port:
            socket.fail(ECONNREFUSED)  # what an earlier datagram was answered

    def close(self, flow: Flow) -> None:
        if self.by_key.pop(flow.key, None) is not None:
            flow.watch.stop()
            flow.host.close()

    def forget(self, socket: UdpSocket) -> None:
        for flow in list(self.by_key.values()):
            if flow.key[0] is socket:
                self.close(flow)
