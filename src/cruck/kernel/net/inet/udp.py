# SPDX-License-Identifier: MPL-2.0
"""UdpSocket: SOCK_DGRAM of AF_INET and AF_INET6 (udp(7), Linux net/ipv4/udp.c).

A datagram goes at once into the receiver's queue, or is lost if that is full (SO_RCVBUF): a sender never waits. Nobody at a port is told
to connected senders, and to those with IP_RECVERR, as the ICMP message would. Not here: multicast, UDP_CORK, segmentation.
"""

from collections import deque
from typing import TYPE_CHECKING, Final

from cruck.abi import inet as abi
from cruck.abi.errno import (
    EACCES,
    EAGAIN,
    ECONNREFUSED,
    EDESTADDRREQ,
    EFAULT,
    EINVAL,
    EMSGSIZE,
    ENETUNREACH,
    ENOTCONN,
    EOPNOTSUPP,
    EPIPE,
)
from cruck.abi.socket import (
    AF_INET,
    AF_INET6,
    AF_UNSPEC,
    MSG_ERRQUEUE,
    MSG_MORE,
    SO_EE_ORIGIN_ICMP,
    SO_EE_ORIGIN_ICMP6,
    SO_NO_CHECK,
    SO_RXQ_OVFL,
    SOCK_DGRAM,
    SOCK_EXTENDED_ERR,
    SOL_IP,
    SOL_IPV6,
    SOL_SOCKET,
    SOL_UDP,
)
from cruck.framework.mm.user_memory import VmReader, VmWriter
from cruck.kernel.errors import WOULD_BLOCK, LinuxError
from cruck.kernel.net.inet import address as addresses
from cruck.kernel.net.inet import multicast, udp_options
from cruck.kernel.net.inet.ports import PortTable
from cruck.kernel.net.inet.socket import (
    EVERYTHING,
    O_NONBLOCK,
    POLLERR,
    POLLHUP,
    POLLRDHUP,
    READABLE,
    WRITABLE,
    InetSocket,
)
from cruck.kernel.net.inet.udp_options import MAX_SEGMENTS, UdpOptions, segment_size
from cruck.kernel.net.socket import (
    MSG_DONTWAIT,
    MSG_OOB,
    MSG_PEEK,
    MSG_TRUNC,
    RECEIVING,
    SENDING,
    Ancillary,
    Received,
)
from cruck.kernel.net.timestamp import stamp_message

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.net.inet.stack import InetStack
    from cruck.kernel.process.task import Task

MAX_DATA4: Final = 65_507  # 65,535 less the headers of IP and UDP
MAX_DATA6: Final = 65_527
OVERHEAD: Final = 768  # a datagram's charge beside its data
MAX_ERRORS: Final = 64  # in an error queue


class Datagram:
    data: bytes
    source: bytes
    source_port: int
    to: bytes
    to_port: int
    ttl: int
    tos: int
    stamp_ns: int  # when it came, CLOCK_REALTIME; 0: nobody asked

    def __init__(self, data: bytes, source: bytes, source_port: int, to: bytes, to_port: int, ttl: int, tos: int) -> None:
        self.data = data
        self.source = source
        self.source_port = source_port
        self.to = to
        self.to_port = to_port
        self.ttl = ttl
        self.tos = tos
        self.stamp_ns = 0

    def charge(self) -> int:
        return len(self.data) + OVERHEAD


class Corked:
    """One datagram that is collected over several calls; the first one says where it goes."""

    parts: list[bytes]
    length: int
    first: Datagram

    def __init__(self, first: Datagram) -> None:
        self.parts = [first.data]
        self.length = len(first.data)
        self.first = first


class UdpSocket(InetSocket):
    datagrams: deque[Datagram]  # received and not taken
    nr_charged: int  # bytes: the datagrams' charges
    nr_drops: int
    errors: deque[Datagram]  # those of IP_RECVERR: ours that nobody took
    udp: UdpOptions
    corked: Corked | None  # what UDP_CORK or MSG_MORE has collected

    def __init__(self, stack: "InetStack", kernel: "Kernel", domain: int, uid: int, gid: int, is_lite: bool = False) -> None:
        protocol = abi.IPPROTO_UDPLITE if is_lite else abi.IPPROTO_UDP
        super().__init__(stack, stack.udp_lite if is_lite else stack.udp, kernel, domain, SOCK_DGRAM, protocol, uid, gid)
        self.udp = UdpOptions()
        self.corked = None
        self.datagrams = deque()
        self.nr_charged = self.nr_drops = 0
        self.errors = deque()
        stack.udp_sockets[self] = None

    def conflicts_with(self, other: InetSocket, address: bytes) -> bool:
        if not addresses.overlap(address, self.ip.v6_only, other.address, other.ip.v6_only):
            return False
        if self.options.reuse_address and other.options.reuse_address:
            return False
        return not (self.options.reuse_port and other.options.reuse_port and self.socket_inode.uid == other.socket_inode.uid)

    def parse(self, address: bytes) -> tuple[bytes, int]:
        """An IPv6 socket takes IPv4's sockaddr too. Errors: LinuxError(EINVAL, EAFNOSUPPORT, ENETUNREACH)."""
        family = int.from_bytes(address[:2], "little")
        if self.domain == AF_INET6 and family == AF_INET:
            if self.ip.v6_only:
                raise LinuxError(ENETUNREACH)
            return addresses.parse(AF_INET, address)
        if self.domain == AF_INET and family == AF_UNSPEC and len(address) >= addresses.SOCKADDR_IN_SIZE:
            address = b"\2\0" + address[2:]
        return addresses.parse(self.domain, address)

    def reach(self, peer: bytes, port: int) -> bytes:
        if addresses.destination(peer) == addresses.LOOPBACK_BROADCAST:
            if not self.options.broadcast:
                raise LinuxError(EACCES)
            return peer
        if addresses.is_multicast(peer) and self._multicast_index(peer):
            return peer
        return super().reach(peer, port)

    def _multicast_index(self, group: bytes) -> int:
        """The interface it is sent from; 0: none. Only `lo` brings it back."""
        options = self.ip.multicast
        return int((options.index4 if addresses.is_v4(group) else options.index6) == addresses.LOOPBACK_INDEX)

    def connect(self, task: "Task", address: bytes) -> int:
        """Sets the default destination, the only one that is heard; AF_UNSPEC takes it away.
        Errors: those of parse(), reach()."""
        if int.from_bytes(address[:2], "little") == AF_UNSPEC:
            self.peer_port = 0
            self.peer_address_bytes = self.no_address()
            if not self.is_address_bound:
                self.address = self.no_address()
            if not self.is_port_bound:
                self.ports.remove(self)
                self.port = 0
            return 0
        peer, port = self.parse(address)
        peer = self.reach(peer, port)
        self._autobind()
        if addresses.is_any(self.address):
            self.address = self.stack.source_for(peer)
        self.peer_address_bytes = peer
        self.peer_port = port
        self.queue.wake(WRITABLE)
        return 0

    def _autobind(self) -> None:
        if self.port == 0:
            self.ports.add(self, self.ports.choose(self))

    def shutdown(self, how: int) -> int:
        self.shut_down |= how + 1
        self.queue.wake(EVERYTHING)
        return 0 if self.peer_port else -ENOTCONN

    def release(self) -> None:
        self.ports.remove(self)
        self.stack.udp_sockets.pop(self, None)
        self.stack.forget_outward(self)
        multicast.leave_all(self)
        self.datagrams.clear()
        self.errors.clear()
        self.kernel.ledger.used -= self.nr_charged
        self.nr_charged = 0

    # Sending.
    def send(self, task: "Task", data: VmReader, flags: int, address: bytes, ancillary: Ancillary) -> int:
        """Errors: −EMSGSIZE, −EDESTADDRREQ, −EINVAL, −EPIPE, −EFAULT, LinuxError(EPERM) (the egress policy), the socket's error, those of
        parse() and reach()."""
        length = data.remaining
        if length > 0xFFFF:
            return -EMSGSIZE
        if flags & MSG_OOB:
            return -EOPNOTSUPP
        if address:
            to, port = self.parse(address)
            if port == 0:
                return -EINVAL
        elif self.peer_port:
            to, port = self.peer_address_bytes, self.peer_port
        else:
            return -EDESTADDRREQ
        source, ttl, tos = self._control(to, ancillary)
        to = self.reach(to, port)
        if self.error:
            return -self.take_error()
        if self.shut_down & SENDING:
            return -EPIPE
        if length > (MAX_DATA4 if addresses.is_v4(to) else MAX_DATA6):
            return -EMSGSIZE
        if not self.stack.is_local(to) and not addresses.is_multicast(to) and to != addresses.LOOPBACK_BROADCAST:
            self.stack.check_leaving(self.kernel, "udp", to, port)
        corked = self.corked
        if corked is not None and corked.length + length > 0xFFFF:
            return -EMSGSIZE
        self._autobind()
        content = data.read(length) if length else b""
        if len(content) < length:
            return -EFAULT
        datagram = Datagram(content, source, self.port, to, port, ttl, tos)
        if corked is not None or flags & MSG_MORE or self.udp.is_corked:
            if corked is None:
                self.corked = Corked(datagram)
            else:
                corked.parts.append(content)
                corked.length += length
            return length if flags & MSG_MORE or self.udp.is_corked else self._uncork(length)
        size = segment_size(ancillary.messages, self.udp.segment_size)
        if size and length > size:
            if length > size * MAX_SEGMENTS or self.options.numbers.get(SO_NO_CHECK, 0):
                return -EINVAL  # Linux leaves cutting to the device, which then computes the sums
            for at in range(0, length, size):
                self._transmit(Datagram(content[at : at + size], source, self.port, to, port, ttl, tos))
            return length
        self._transmit(datagram)
        return length

    def uncork(self) -> None:
        """UDP_CORK is taken off: what it held goes."""
        self._uncork(0)

    def _uncork(self, result: int) -> int:
        corked, self.corked = self.corked, None
        if corked is not None:
            corked.first.data = b"".join(corked.parts)
            self._transmit(corked.first)
        return result

    def _transmit(self, datagram: Datagram) -> None:
        """To whom it may concern, which may be nobody. The destination was checked."""
        to, port, source = datagram.to, datagram.to_port, datagram.source
        self.stack.count(len(datagram.data))
        if to == addresses.LOOPBACK_BROADCAST or addresses.is_multicast(to):
            for receiver in self.find_all(to, port, source, self.port):
                receiver.deliver(datagram)
        elif not self.stack.is_local(to):
            self.stack.send_outward(self, datagram)
        else:
            found = find_receiver(self.ports, to, port, source, self.port)
            if found is not None:
                found.deliver(datagram)
            else:
                self._refused(datagram)

    def _control(self, to: bytes, ancillary: Ancillary) -> tuple[bytes, int, int]:
        """(source address, TTL, TOS), as options and control messages say. Errors: LinuxError(EINVAL)."""
        is_v4 = addresses.is_v4(to)
        source = self.address
        if addresses.is_any(source):
            source = self.stack.source_for(to)
        ttl = self.ip.number4(abi.IP_TTL) if is_v4 else self.ip.number6(abi.IPV6_UNICAST_HOPS)
        tos = self.ip.number4(abi.IP_TOS) if is_v4 else self.ip.number6(abi.IPV6_TCLASS)
        for level, kind, payload in ancillary.messages:
            number = int.from_bytes(payload[:4], "little", signed=True)
            wanted: bytes | None = None
            if level == SOL_IP and is_v4:
                if kind == abi.IP_PKTINFO and len(payload) == abi.IN_PKTINFO.size:
                    wanted = addresses.MAPPED + payload[4:8]
                elif kind == abi.IP_TTL and len(payload) == 4 and 1 <= number <= 255:
                    ttl = number
                elif kind == abi.IP_TOS and len(payload) in (1, 4):
                    tos = number & 0xFF
                else:
                    raise LinuxError(EINVAL)
            elif level == SOL_IPV6:
                if kind == abi.IPV6_PKTINFO and len(payload) >= abi.IN6_PKTINFO.size:
                    wanted = payload[:16]
                elif kind == abi.IPV6_HOPLIMIT and len(payload) == 4 and -1 <= number <= 255:
                    ttl = number if number >= 0 else ttl
                elif kind == abi.IPV6_TCLASS and len(payload) == 4 and -1 <= number <= 255:
                    tos = max(0, number)
                else:
                    raise LinuxError(EINVAL)
            if wanted is not None and not addresses.is_any(wanted):
                if not self.stack.is_local(wanted) or addresses.is_v4(wanted) != is_v4:
                    raise LinuxError(EINVAL)
                source = wanted
        return source, ttl, tos

    def _refused(self, datagram: Datagram) -> None:
        """ICMP: port unreachable."""
        is_v4 = addresses.is_v4(datagram.to)
        wants_errors = self.ip.number4(abi.IP_RECVERR) if self.domain == AF_INET else self.ip.number6(abi.IPV6_RECVERR)
        if wants_errors:
            if len(self.errors) < MAX_ERRORS:
                self.errors.append(datagram)
        elif not self.peer_port:
            return
        self.error = ECONNREFUSED
        self.stack.count(len(datagram.data) + (28 if is_v4 else 48))
        self.queue.wake(POLLERR | READABLE)

    # Delivery.
    def score(self, to: bytes, source: bytes, source_port: int) -> int:
        """How well this socket suits a datagram for `to` and its port: 0 not at all."""
        score = addresses.covers(self.address, self.ip.v6_only, to)
        if score and self.peer_port:
            if self.peer_port != source_port or self.peer_address_bytes != source:
                return 0
            score += 8
        return score

    def find_all(self, to: bytes, port: int, source: bytes, source_port: int) -> "list[UdpSocket]":
        found: list[UdpSocket] = []
        for socket in self.ports.at(port):
            if isinstance(socket, UdpSocket) and socket.score(to, source, source_port) and socket.hears(to):
                found.append(socket)
        return found

    def hears(self, to: bytes) -> bool:
        """Unicast and broadcast: yes. A group: if it, or for IP_MULTICAST_ALL anybody, has joined it."""
        if not addresses.is_multicast(to):
            return True
        if (to, addresses.LOOPBACK_INDEX) in self.ip.multicast.groups:
            return True
        wants_all = self.ip.number4(abi.IP_MULTICAST_ALL) if addresses.is_v4(to) else self.ip.number6(abi.IPV6_MULTICAST_ALL)
        return wants_all != 0 and self.stack.has_members(to)

    def deliver(self, datagram: Datagram) -> None:
        if self.nr_charged > self.options.receive_buffer or not self.kernel.ledger.has_room(datagram.charge()):
            self.nr_drops += 1
            return
        if self.options.timestamps:
            datagram.stamp_ns = self.kernel.clock.realtime_ns()
        self.nr_charged += datagram.charge()
        self.kernel.ledger.used += datagram.charge()
        self.datagrams.append(datagram)
        self.queue.wake(READABLE)

    def fail(self, errno: int) -> None:
        """The socket's next call reports `errno`."""
        self.error = errno
        self.queue.wake(POLLERR | READABLE)

    # Receiving.
    def receive(self, task: "Task", out: VmWriter, flags: int, received: Received) -> int:
        """The whole length of the datagram if MSG_TRUNC is given, else the bytes copied.
        Errors: −EOPNOTSUPP (MSG_OOB), −EAGAIN (an empty error queue), −EFAULT, the socket's error."""
        if flags & MSG_OOB:
            return -EOPNOTSUPP
        received.is_complete = True
        if flags & MSG_ERRQUEUE:
            return self._receive_error(out, received)
        if not self.datagrams:
            if self.error:
                return -self.take_error()
            if self.shut_down & RECEIVING and not (self.flags & O_NONBLOCK or flags & MSG_DONTWAIT):
                return 0
            return WOULD_BLOCK
        if self.error:
            return -self.take_error()
        datagram = self.datagrams[0]
        length = len(datagram.data)
        want = min(length, out.remaining)
        copied = out.write(datagram.data if want == length else datagram.data[:want]) if want else 0
        if not flags & MSG_PEEK:
            self.datagrams.popleft()
            self.nr_charged -= datagram.charge()
            self.kernel.ledger.used -= datagram.charge()
        if copied < want:
            return -EFAULT
        if length > want:
            received.flags |= MSG_TRUNC
        received.address = addresses.sockaddr(self.domain, datagram.source, datagram.source_port)
        self._attach(datagram, received.ancillary.messages)
        return length if flags & MSG_TRUNC else want

    def _attach(self, datagram: Datagram, messages: list[tuple[int, int, bytes]]) -> None:
        options = self.ip
        if self.options.timestamps:
            messages.append(stamp_message(self.options.timestamps, datagram.stamp_ns or self.kernel.clock.realtime_ns()))
        if self.options.shows_drops:
            messages.append((SOL_SOCKET, SO_RXQ_OVFL, self.nr_drops.to_bytes(4, "little")))
        if options.v4 and addresses.is_v4(datagram.to):
            if options.number4(abi.IP_PKTINFO):
                info = abi.IN_PKTINFO.pack(addresses.LOOPBACK_INDEX, datagram.to[12:], datagram.to[12:])
                messages.append((SOL_IP, abi.IP_PKTINFO, info))
            if options.number4(abi.IP_RECVTTL):
                messages.append((SOL_IP, abi.IP_TTL, datagram.ttl.to_bytes(4, "little")))
            if options.number4(abi.IP_RECVTOS):
                messages.append((SOL_IP, abi.IP_TOS, datagram.tos.to_bytes(1, "little")))
            if options.number4(abi.IP_RECVORIGDSTADDR):
                messages.append((SOL_IP, abi.IP_ORIGDSTADDR, addresses.sockaddr(AF_INET, datagram.to, datagram.to_port)))
        if options.v6:
            if options.number6(abi.IPV6_RECVORIGDSTADDR):
                messages.append((SOL_IPV6, abi.IPV6_ORIGDSTADDR, addresses.sockaddr(AF_INET6, datagram.to, datagram.to_port)))
            if options.number6(abi.IPV6_RECVPKTINFO):
                messages.append((SOL_IPV6, abi.IPV6_PKTINFO, abi.IN6_PKTINFO.pack(datagram.to, addresses.LOOPBACK_INDEX)))
            if not addresses.is_v4(datagram.to):
                if options.number6(abi.IPV6_RECVHOPLIMIT):
                    messages.append((SOL_IPV6, abi.IPV6_HOPLIMIT, datagram.ttl.to_bytes(4, "little")))
                if options.number6(abi.IPV6_RECVTCLASS):
                    messages.append((SOL_IPV6, abi.IPV6_TCLASS, datagram.tos.to_bytes(4, "little")))

    def _receive_error(self, out: VmWriter, received: Received) -> int:
        """One of ours that nobody took, with struct sock_extended_err and the address it was answered from."""
        if not self.errors:
            return -EAGAIN
        datagram = self.errors.popleft()
        want = min(len(datagram.data), out.remaining)
        if want and out.write(datagram.data[:want]) < want:
            return -EFAULT
        is_v4 = addresses.is_v4(datagram.to)
        # Port unreachable: type 3, code 3; for IPv6 type 1, code 4.
        error = SOCK_EXTENDED_ERR.pack(
            ECONNREFUSED, SO_EE_ORIGIN_ICMP if is_v4 else SO_EE_ORIGIN_ICMP6, 3 if is_v4 else 1, 3 if is_v4 else 4, 0, 0, 0
        )
        level, kind = (SOL_IP, abi.IP_RECVERR) if self.domain == AF_INET else (SOL_IPV6, abi.IPV6_RECVERR)
        received.ancillary.messages.append((level, kind, error + addresses.sockaddr(self.domain, datagram.to, 0)))
        received.address = addresses.sockaddr(self.domain, datagram.to, datagram.to_port)
        received.flags |= MSG_ERRQUEUE
        if len(datagram.data) > want:
            received.flags |= MSG_TRUNC
        if not self.errors:
            self.error = 0
        return want

    # Readiness.
    def poll(self) -> int:
        mask = WRITABLE
        if self.error or self.errors:
            mask |= POLLERR
        if self.datagrams:
            mask |= READABLE
        if self.shut_down & RECEIVING:
            mask |= READABLE | POLLRDHUP
        if self.shut_down == RECEIVING | SENDING:
            mask |= POLLHUP
        return mask

    def nr_readable(self) -> int:
        """The next datagram's length."""
        return len(self.datagrams[0].data) if self.datagrams else 0

    def nr_unsent(self) -> int:
        return 0

    def has_timestamps(self) -> bool:
        return True

    def signals_broken_pipe(self) -> bool:
        return False

    def set_option(self, task: "Task", level: int, name: int, value: bytes) -> int:
        if level in (SOL_UDP, abi.IPPROTO_UDPLITE):
            return udp_options.set_option(self, name, value)
        return super().set_option(task, level, name, value)

    def get_option(self, task: "Task", level: int, name: int) -> bytes | int:
        return udp_options.get_option(self, name) if level in (SOL_UDP, abi.IPPROTO_UDPLITE) else super().get_option(task, level, name)


def find_receiver(ports: PortTable, to: bytes, port: int, source: bytes, source_port: int) -> UdpSocket | None:
    """Who gets a datagram: the best; among equals the latest to bind, or with SO_REUSEPORT one by the sender's port."""
    best = 0
    group: list[UdpSocket] = []
    for socket in ports.at(port):
        if not isinstance(socket, UdpSocket):
            continue
        score = socket.score(to, source, source_port)
        if score > best:
            best = score
            group = []
        if score and score == best:
            group.append(socket)
    if not group:
        return None
    last = group[-1]
    return group[source_port % len(group)] if last.options.reuse_port and not last.peer_port else last
