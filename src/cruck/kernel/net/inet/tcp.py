# SPDX-License-Identifier: MPL-2.0
"""TcpSocket: SOCK_STREAM of AF_INET and AF_INET6 (tcp(7), Linux net/ipv4/tcp.c, af_inet.c).

Both ends live in this kernel, so there are no segments: what one end sends is in the other's receive queue at once, a FIN or RST has
arrived when it is sent, and states in which Linux waits for a packet (SYN_RECV, FIN_WAIT1, LAST_ACK, CLOSING) are never seen. A connect
to a listener whose accept queue is full stays in SYN_SENT until there is room or CONNECT_TIMEOUT_NS have passed.

Life of a connection: connect makes the server's end (`embryo`), which waits in the listener's `pending` for accept. `peer` ties the two
ends until both directions are closed or one is reset. An end that was closed while its peer was not stays as an orphan
(`is_orphan`, FIN_WAIT2). Neighbours: tcp_table.py (ports, TIME_WAIT), tcp_options.py, tcp_urgent.py (MSG_OOB).
"""

from collections import deque
from typing import TYPE_CHECKING, Final

from cruck.abi.errno import (
    EADDRINUSE,
    EADDRNOTAVAIL,
    EAGAIN,
    EALREADY,
    ECONNABORTED,
    ECONNREFUSED,
    ECONNRESET,
    EINPROGRESS,
    EINVAL,
    EISCONN,
    ENOTCONN,
    EPIPE,
    ETIMEDOUT,
)
from cruck.abi.inet import (
    IPPROTO_TCP,
    TCP_CLOSE,
    TCP_CLOSE_WAIT,
    TCP_DEFER_ACCEPT,
    TCP_ESTABLISHED,
    TCP_FIN_WAIT2,
    TCP_LISTEN,
    TCP_SYN_SENT,
)
from cruck.abi.socket import AF_UNSPEC, MSG_ERRQUEUE, MSG_FASTOPEN, SOCK_STREAM, SOL_TCP
from cruck.framework.mm.user_memory import UserFault, VmReader, VmWriter
from cruck.kernel.errors import WOULD_BLOCK, LinuxError
from cruck.kernel.net.inet import address as addresses
from cruck.kernel.net.inet import tcp_options
from cruck.kernel.net.inet.socket import (
    EVERYTHING,
    O_NONBLOCK,
    POLLERR,
    POLLHUP,
    POLLPRI,
    POLLRDHUP,
    READABLE,
    WRITABLE,
    InetSocket,
)
from cruck.kernel.net.inet.tcp_options import TcpOptions
from cruck.kernel.net.inet.tcp_table import MEMORY_PRESSURE, TIME_WAIT_NS, Four, TcpTable
from cruck.kernel.net.inet.tcp_urgent import NONE, TAKEN, Urgent
from cruck.kernel.net.socket import (
    MSG_OOB,
    MSG_PEEK,
    MSG_TRUNC,
    RECEIVING,
    SENDING,
    Ancillary,
    Received,
    Socket,
)
from cruck.kernel.time.timers import Timer, TimerTarget

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.net.inet.stack import InetStack
    from cruck.kernel.process.task import Task

# TcpSocket.progress (Linux: socket->state)
UNCONNECTED: Final = 0
CONNECTING: Final = 1
CONNECTED: Final = 2

SEND_BUFFER: Final = 16_384  # net.ipv4.tcp_wmem
RECEIVE_BUFFER: Final = 131_072  # net.ipv4.tcp_rmem
TUNED_SEND_BUFFER: Final = 2_626_560  # what autotuning makes of SEND_BUFFER on loopback
UNDER_PRESSURE: Final = 8192  # bytes a receive queue may hold when all together hold too many
CHUNK: Final = 65_536
SMALL_CHUNK: Final = 2048  # what is not longer together is kept as one object
LEAST: Final = 1024  # bytes a receive queue may hold when there is no kernel memory left
CONNECT_TIMEOUT_NS: Final = 127_000_000_000  # net.ipv4.tcp_syn_retries = 6


class ConnectTimer(TimerTarget):
    socket: "TcpSocket"

    def __init__(self, socket: "TcpSocket") -> None:
        self.socket = socket

    def expire(self, now_ns: int) -> None:
        self.socket.fail_connect(ETIMEDOUT)


class DeferTimer(TimerTarget):
    listener: "TcpSocket"
    embryo: "TcpSocket"

    def __init__(self, listener: "TcpSocket", embryo: "TcpSocket") -> None:
        self.listener = listener
        self.embryo = embryo

    def expire(self, now_ns: int) -> None:
        self.listener.admit_deferred(self.embryo)


class TcpSocket(InetSocket):
    table: TcpTable
    state: int  # TCP_*
    progress: int
    peer: "TcpSocket | None"
    chunks: deque[bytes]  # received and not taken
    start: int  # bytes of chunks[0] that have been taken
    nr_queued: int  # bytes in chunks, from `start`
    has_fin: bool  # the peer sends no more
    wants_room: bool  # somebody was told there is none
    is_orphan: bool  # closed, the peer is not
    closed_ns: int  # when it became one
    pending: "deque[TcpSocket]"  # of a listener: connected, waiting for accept
    backlog: int
    waiting: "dict[TcpSocket, None]"  # of a listener: SYN_SENT, because `pending` is full
    target: "TcpSocket | None"  # the listener in whose `waiting` this is
    connect_timer: Timer | None
    tcp: TcpOptions
    nr_sent: int  # bytes
    nr_received: int
    urgent: Urgent
    deferred: "dict[TcpSocket, Timer]"  # of a listener with TCP_DEFER_ACCEPT: connected, and nothing was sent yet
    deferring: "TcpSocket | None"  # the listener in whose `deferred` this is
    is_remote: bool  # an end that no program has: what it sends and receives is relayed (net/gateway)

    def __init__(self, stack: "InetStack", kernel: "Kernel", domain: int, uid: int, gid: int) -> None:
        super().__init__(stack, stack.tcp, kernel, domain, SOCK_STREAM, IPPROTO_TCP, uid, gid)
        self.table = stack.tcp
        self.options.send_buffer = SEND_BUFFER
        self.options.receive_buffer = RECEIVE_BUFFER
        self.state = TCP_CLOSE
        self.progress = UNCONNECTED
        self.peer = None
        self.chunks = deque()
        self.start = self.nr_queued = 0
        self.has_fin = self.wants_room = self.is_orphan = False
        self.closed_ns = 0
        self.pending = deque()
        self.backlog = 0
        self.waiting = {}
        self.target = None
        self.connect_timer = None
        self.tcp = TcpOptions()
        self.nr_sent = self.nr_received = 0
        self.urgent = Urgent()
        self.deferred = {}
        self.deferring = None
        self.is_remote = False
        stack.tcp_sockets[self] = None

    # Names.
    def may_bind(self) -> bool:
        return self.state == TCP_CLOSE

    def conflicts_with(self, other: InetSocket, address: bytes) -> bool:
        if not addresses.overlap(address, self.ip.v6_only, other.address, other.ip.v6_only):
            return False
        if isinstance(other, TcpSocket) and other.is_orphan and self._now_ns() - other.closed_ns >= TIME_WAIT_NS:
            return False  # Linux has forgotten it: tcp_fin_timeout
        if self.options.reuse_address and other.options.reuse_address and not other.is_listening():
            return False
        return not (self.options.reuse_port and other.options.reuse_port and self.socket_inode.uid == other.socket_inode.uid)

    def four(self) -> Four:
        return (self.address, self.port, self.peer_address_bytes, self.peer_port)

    def _now_ns(self) -> int:
        return self.kernel.clock.monotonic_ns()

    def peer_address(self) -> bytes | int:
        return -ENOTCONN if self.state in (TCP_CLOSE, TCP_SYN_SENT) else super().peer_address()

    def accepted_address(self) -> bytes | int:
        return addresses.sockaddr(self.domain, self.peer_address_bytes, self.peer_port)

    # Listening.
    def is_listening(self) -> bool:
        return self.state == TCP_LISTEN

    def listen(self, task: "Task", backlog: int) -> int:
        """Errors: −EINVAL (connected), −EADDRINUSE (another listens), LinuxError(EADDRINUSE) (no port)."""
        if self.progress != UNCONNECTED or self.state not in (TCP_CLOSE, TCP_LISTEN):
            return -EINVAL
        if self.state == TCP_CLOSE:
            if self.port == 0:
                self.table.add(self, self.table.choose(self))
            elif self.table.is_in_conflict(self, self.address, self.port):
                return -EADDRINUSE
            self.shut_down = 0
            self.state = TCP_LISTEN
            self.table.begin_listening(self)
        self.backlog = backlog
        self._admit_waiting()
        return 0

    def accept(self, task: "Task") -> Socket | int:
        if self.state != TCP_LISTEN:
            return -EINVAL
        if self.error:
            return -self.take_error()
        if not self.pending:
            return WOULD_BLOCK
        embryo = self.pending.popleft()
        self._admit_waiting()
        return embryo

    def is_backlog_full(self) -> bool:
        """Of a listener: would one more connection wait?"""
        return len(self.pending) + len(self.deferred) > self.backlog

    def _admit_waiting(self) -> None:
        while self.waiting and not self.is_backlog_full():
            client = next(iter(self.waiting))
            del self.waiting[client]
            client.target = None
            client._establish(self)

    def _stop_listening(self) -> None:
        self.state = TCP_CLOSE
        self.table.stop_listening(self)
        for client in list(self.waiting):
            client.fail_connect(ECONNREFUSED)
        for embryo in list(self.deferred):
            self.admit_deferred(embryo)
        while self.pending:
            embryo = self.pending.popleft()
            embryo.reset()
            embryo.release()

    # Connecting.
    def connect(self, task: "Task", address: bytes) -> int:
        """Errors: −EISCONN, −EALREADY, −EINPROGRESS, −ECONNREFUSED, −ETIMEDOUT, −ENETUNREACH, −EINVAL, −EAFNOSUPPORT, −ECONNABORTED;
        LinuxError(EADDRNOTAVAIL): no port is left; LinuxError(EPERM): the egress policy."""
        if int.from_bytes(address[:2], "little") == AF_UNSPEC:
            self._disconnect()
            self.progress = UNCONNECTED
            return 0
        if self.progress == CONNECTED:
            return -EISCONN
        is_nonblocking = self.flags & O_NONBLOCK != 0
        if self.progress == CONNECTING:
            if self.state == TCP_SYN_SENT:
                return -EALREADY if is_nonblocking else WOULD_BLOCK
            return self._finish_connect()
        if self.state != TCP_CLOSE:
            return -EISCONN
        self._start_connect(address)
        if is_nonblocking:
            return -EINPROGRESS  # even if it is done: as on Linux, whose answer waits for the socket's lock
        if self.state == TCP_SYN_SENT:
            return WOULD_BLOCK
        return self._finish_connect()

    def connect_timed_out(self) -> int:
        return -EINPROGRESS

    def _start_connect(self, address: bytes) -> None:
        peer, port = addresses.parse(self.domain, address)
        peer = self.reach(peer, port)
        leaves = not self.stack.is_local(peer)
        if leaves:
            self.stack.check_leaving(self.kernel, "tcp", peer, port)
        local = self.stack.source_for(peer) if addresses.is_any(self.address) else self.address
        now_ns = self._now_ns()
        if self.port == 0:
            chosen = self.table.choose_for(self, local, peer, port)
            self.is_auto_port = True
            self.table.add(self, chosen)
        elif self.table.is_taken((local, self.port, peer, port), now_ns):
            raise LinuxError(EADDRNOTAVAIL)
        self.address = local
        self.peer_address_bytes = peer
        self.peer_port = port
        self._begin(now_ns)
        if leaves:
            self.stack.connect_outward(self)
        else:
            self.join_listener(self.table.find_listener(peer, port, self.port), now_ns)

    def _begin(self, now_ns: int) -> None:
        """SYN_SENT, with its four numbers known."""
        self.progress = CONNECTING
        self.state = TCP_SYN_SENT
        self.shut_down = 0
        self.has_fin = False
        self.table.end_time_wait(self.four())
        self.table.connections[self.four()] = self

    def join_listener(self, listener: "TcpSocket | None", now_ns: int) -> None:
        """The connection that was begun stands, waits for room, or is refused."""
        if listener is None:
            self.fail_connect(ECONNREFUSED)
        elif listener.is_backlog_full():
            listener.waiting[self] = None
            self.target = listener
            self.connect_timer = self.kernel.timers.add(now_ns + CONNECT_TIMEOUT_NS, ConnectTimer(self))
        else:
            self._establish(listener)

    def _establish(self, listener: "TcpSocket") -> None:
        self._cancel_timer()
        inode = listener.socket_inode
        embryo = TcpSocket(self.stack, self.kernel, listener.domain, inode.uid, inode.gid)
        embryo.options = listener.options.copy()
        embryo.ip = listener.ip.copy()
        embryo.tcp = listener.tcp.copy()
        embryo.address = self.peer_address_bytes
        embryo.peer_address_bytes = self.address
        embryo.peer_port = self.port
        self.table.add(embryo, self.peer_port)
        self._tie(embryo)
        patience_s = listener.tcp.number(TCP_DEFER_ACCEPT)
        if patience_s:
            end_ns = self._now_ns() + patience_s * 1_000_000_000
            listener.deferred[embryo] = self.kernel.timers.add(end_ns, DeferTimer(listener, embryo))
            embryo.deferring = listener
        else:
            listener.pending.append(embryo)
            listener.queue.wake(READABLE)
        self.queue.wake(WRITABLE)

    def admit_deferred(self, embryo: "TcpSocket") -> None:
        """A connection that waited for its first byte may be accepted: the byte is there, or time is up."""
        timer = self.deferred.pop(embryo, None)
        if timer is not None:
            self.kernel.timers.cancel(timer)
            embryo.deferring = None
            self.pending.append(embryo)
            self.queue.wake(READABLE)

    def _tie(self, other: "TcpSocket") -> None:
        """Both ends of a new connection, which know their four numbers."""
        self.table.end_time_wait(other.four())
        self.table.connections[other.four()] = other
        other.peer = self
        self.peer = other
        self.state = other.state = TCP_ESTABLISHED
        other.progress = CONNECTED
        for end in (self, other):
            if end.options.send_buffer == SEND_BUFFER:
                end.options.send_buffer = TUNED_SEND_BUFFER

    # Ends that no program has (net/gateway).
    def establish_remote(self) -> "TcpSocket":
        """The connection outward stands: its far end."""
        far = TcpSocket(self.stack, self.kernel, self.domain, 0, 0)
        far.become_remote(self.peer_address_bytes, self.peer_port, self.address, self.port)
        self._tie(far)
        self.queue.wake(WRITABLE)
        return far

    def become_remote(self, address: bytes, port: int, peer: bytes, peer_port: int) -> None:
        """A fresh socket as the end at (address, port), which takes no port of ours and is not listed."""
        self.is_remote = True
        self.stack.tcp_sockets.pop(self, None)
        self.address, self.port = address, port
        self.peer_address_bytes, self.peer_port = peer, peer_port

    def connect_inward(self, listener: "TcpSocket") -> None:
        """A remote end asks for a connection to `listener`: SYN_SENT until there is room."""
        now_ns = self._now_ns()
        self._begin(now_ns)
        self.join_listener(listener, now_ns)

    def _finish_connect(self) -> int:
        """The outcome, told once."""
        if self.state == TCP_CLOSE:
            self.progress = UNCONNECTED
            error = self.take_error()
            self._disconnect()
            return -error if error else -ECONNABORTED
        self.progress = CONNECTED
        return 0

    def fail_connect(self, errno: int) -> None:
        self.error = errno
        self._done()

    def _cancel_timer(self) -> None:
        if self.connect_timer is not None:
            self.kernel.timers.cancel(self.connect_timer)
            self.connect_timer = None

    # The end.
    def _done(self) -> None:
        """No connection any more (tcp_done); what was received can still be read."""
        self.table.connections.pop(self.four(), None)
        if self.target is not None:
            self.target.waiting.pop(self, None)
            self.target = None
        self._cancel_timer()
        if self.deferring is not None:
            self.deferring.admit_deferred(self)
        self.peer = None
        self.state = TCP_CLOSE
        self.shut_down = RECEIVING | SENDING
        if not self.is_port_bound:
            self._leave_port()
        if self.is_orphan:
            self._forget()
        self.queue.wake(EVERYTHING)

    def _leave_port(self) -> None:
        self.table.remove(self)
        if self.port:
            self.last_port = self.port
        self.port = 0
        self.is_auto_port = False

    def _forget(self) -> None:
        self.is_orphan = False
        self._leave_port()
        self.stack.tcp_sockets.pop(self, None)

    def reset(self) -> None:
        """RST: both ends are done at once; the other learns of it by an error."""
        peer = self.peer
        self._done()
        if peer is not None:
            peer.error = EPIPE if peer.state == TCP_CLOSE_WAIT else ECONNRESET
            peer._done()

    def _send_fin(self) -> None:
        peer = self.peer
        if peer is None:
            return
        if self.state == TCP_ESTABLISHED:
            self.state = TCP_FIN_WAIT2
            peer.state = TCP_CLOSE_WAIT
            peer._receive_fin()
        elif self.state == TCP_CLOSE_WAIT:
            # The other had closed its direction first, so TIME_WAIT is there.
            self.table.connections.pop(peer.four(), None)
            if not peer.is_remote:
                self.table.begin_time_wait(peer)
            peer._receive_fin()
            peer._done()
            self._done()

    def _receive_fin(self) -> None:
        self.has_fin = True
        self.shut_down |= RECEIVING
        self.queue.wake(EVERYTHING)

    def shutdown(self, how: int) -> int:
        mask = how + 1
        if self.progress == CONNECTING and self.state not in (TCP_SYN_SENT, TCP_CLOSE):
            self.progress = CONNECTED
        if self.state == TCP_LISTEN:
            if mask & RECEIVING:
                self._disconnect()
            self.queue.wake(EVERYTHING)
            return 0
        if self.state == TCP_SYN_SENT:
            self._disconnect()
            self.progress = UNCONNECTED
            return 0
        is_open = self.state != TCP_CLOSE
        self.shut_down |= mask
        if mask & SENDING:
            self._send_fin()
        self.queue.wake(EVERYTHING)
        return 0 if is_open else -ENOTCONN

    def _disconnect(self) -> None:
        """tcp_disconnect: as new, but for what bind(2) did."""
        if self.state == TCP_LISTEN:
            self._stop_listening()
            if not self.is_port_bound:
                self._leave_port()
        elif self.state == TCP_SYN_SENT:
            self.fail_connect(ECONNRESET)
        elif self.peer is not None:
            self.reset()
            self.error = ECONNRESET
        self._purge()
        if not self.is_address_bound:
            self.address = self.no_address()
        self.peer_address_bytes = self.no_address()
        self.peer_port = 0
        self.shut_down = 0
        self.has_fin = False
        self.queue.wake(EVERYTHING)

    def _purge(self) -> None:
        self.table.nr_bytes -= self.nr_queued
        self.kernel.ledger.used -= self.nr_queued
        self.chunks.clear()
        self.start = self.nr_queued = 0
        self.urgent.value = NONE

    def release(self) -> None:
        """close: unread data or SO_LINGER of 0 reset the connection, else the other reads to its end."""
        is_abortive = self.nr_queued > 0 or self.options.linger_seconds == 0
        self._purge()
        if self.state == TCP_LISTEN:
            self._stop_listening()
        elif self.state == TCP_SYN_SENT:
            self._done()
        elif self.peer is not None:
            if is_abortive:
                self.reset()
            else:
                self.shut_down = RECEIVING | SENDING
                self._send_fin()
                if not self._is_alone():
                    self.is_orphan = True
                    self.closed_ns = self._now_ns()
                    self.wants_room = False
                    return
        self._forget()

    def _is_alone(self) -> bool:
        return self.peer is None

    # Data.
    def is_stream(self) -> bool:
        return True

    def _limit(self, peer: "TcpSocket") -> int:
        """Bytes that may be on the way: half of both buffers, as SO_SNDBUF and SO_RCVBUF tell the double."""
        if self.table.nr_bytes > MEMORY_PRESSURE or self.kernel.ledger.is_pressed():
            return UNDER_PRESSURE if self.kernel.ledger.has_room(UNDER_PRESSURE) else LEAST
        return (self.options.send_buffer + peer.options.receive_buffer) >> 1

    def send(self, task: "Task", data: VmReader, flags: int, address: bytes, ancillary: Ancillary) -> int:
        """Errors: −EPIPE (not connected, shut down), −ECONNRESET and its kin; with MSG_FASTOPEN those of connect(). An address is otherwise
        ignored."""
        if flags & MSG_FASTOPEN and self.state == TCP_CLOSE and address:
            result = self.connect(task, address)
            if result == WOULD_BLOCK or result < 0 and (result != -EINPROGRESS or self.state == TCP_SYN_SENT):
                return result
        if self.error:
            return -self.take_error()
        if self.shut_down & SENDING:
            return -EPIPE
        if self.state == TCP_SYN_SENT:
            return WOULD_BLOCK
        peer = self.peer
        if peer is None:
            return -EPIPE
        if not data.remaining:
            return 0
        done = self.push(data, peer)
        if flags & MSG_OOB and done > 0 and not data.remaining and peer.chunks:
            peer.urgent.arrive(peer.chunks[-1][-1], peer.nr_queued - 1)
            peer.send_sigurg()
            peer.queue.wake(POLLPRI)
        return done

    def send_sigurg(self) -> None:
        """To the socket's owner (F_SETOWN)."""
        if self.owner is not None:
            self.owner.send_urgent()

    def push(self, data: VmReader, peer: "TcpSocket") -> int:
        """Moves data (not none) into the queue of `peer`, the other end: bytes or WOULD_BLOCK."""
        if peer.is_orphan or peer.state == TCP_FIN_WAIT2 and peer.shut_down & RECEIVING:
            return self._send_to_nobody(data, peer)
        done = 0
        limit = self._limit(peer)
        while data.remaining > 0 and not data.is_faulted:
            room = limit - peer.nr_queued
            if room <= 0:
                self.wants_room = True
                break
            try:
                chunk = data.read(min(data.remaining, room, CHUNK))
            except UserFault:
                if done:
                    break
                raise
            if peer.chunks and len(peer.chunks[-1]) + len(chunk) <= SMALL_CHUNK:
                peer.chunks[-1] += chunk  # an object for each byte would cost many times what is counted
            else:
                peer.chunks.append(chunk)
            peer.nr_queued += len(chunk)
            done += len(chunk)
        if done == 0:
            return WOULD_BLOCK
        self.table.nr_bytes += done
        self.kernel.ledger.used += done
        self.nr_sent += done
        peer.nr_received += done
        self.stack.count(done)
        if peer.deferring is not None:
            peer.deferring.admit_deferred(peer)
        peer.queue.wake(READABLE)
        return done

    def room(self) -> int:
        """Bytes that could be sent now; if none, a writer is told when there are."""
        peer = self.peer
        if peer is None:
            return 0
        room = self._limit(peer) - peer.nr_queued
        if room <= 0:
            self.wants_room = True
        return max(0, room)

    def _send_to_nobody(self, data: VmReader, peer: "TcpSocket") -> int:
        """Data for an end that reads no more: taken, and answered by a reset."""
        count = len(data.read(min(data.remaining, CHUNK)))
        if not peer.is_orphan:
            peer.error = ECONNRESET
        self.error = EPIPE if self.state == TCP_CLOSE_WAIT else ECONNRESET
        peer._done()
        self._done()
        return count

    def receive(self, task: "Task", out: VmWriter, flags: int, received: Received) -> int:
        """Errors: −ENOTCONN, −EAGAIN (MSG_ERRQUEUE: there is none), −EINVAL (MSG_OOB: there is none, or it is in line), the socket's error."""
        if flags & MSG_ERRQUEUE:
            return -EAGAIN
        if self.state == TCP_LISTEN:
            return -ENOTCONN
        if flags & MSG_OOB:
            return self._receive_urgent(out, flags, received)
        urgent = self.urgent
        if urgent.value != NONE and urgent.ahead == 0 and not self.options.oob_inline and not flags & MSG_PEEK and out.remaining:
            self._skip_urgent()
        if self.nr_queued == 0:
            return self._receive_nothing(out, received)
        if flags & MSG_PEEK:
            received.is_complete = True
            return self._peek(out, flags)
        done = 0
        room = out.remaining
        if urgent.value != NONE and 0 < urgent.ahead < room:
            room = urgent.ahead  # not past the mark
            received.is_complete = True
        while self.chunks and done < room:
            chunk = self.chunks[0]
            left = len(chunk) - self.start
            want = min(left, room - done)
            count = want
            if not flags & MSG_TRUNC:
                try:
                    count = out.write(chunk if want == len(chunk) else chunk[self.start : self.start + want])
                except UserFault:
                    if done == 0:
                        raise
                    break
            done += count
            if count == left:
                self.chunks.popleft()
                self.start = 0
            else:
                self.start += count
            if count < want:
                break
        self._taken(done)
        if self.nr_queued == 0 and (self.shut_down & RECEIVING or self.error or flags & MSG_TRUNC):
            received.is_complete = True
        return done

    def _receive_urgent(self, out: VmWriter, flags: int, received: Received) -> int:
        urgent = self.urgent
        received.is_complete = True
        if self.options.oob_inline or not urgent.is_waiting():
            return -EINVAL
        received.flags |= MSG_OOB
        if not out.remaining:
            received.flags |= MSG_TRUNC
            return 0
        out.write(bytes([urgent.value]))
        if not flags & MSG_PEEK:
            urgent.value = TAKEN
        return 1

    def _skip_urgent(self) -> None:
        """The byte at the mark leaves the queue: it is not part of the stream."""
        chunk = self.chunks[0]
        self.start += 1
        if self.start == len(chunk):
            self.chunks.popleft()
            self.start = 0
        self._taken(1)

    def _taken(self, count: int) -> None:
        self.urgent.passed(count)
        self.nr_queued -= count
        self.table.nr_bytes -= count
        self.kernel.ledger.used -= count
        peer = self.peer
        if peer is not None and peer.wants_room and peer._has_room(self):
            peer.wants_room = False
            peer.queue.wake(WRITABLE)

    def take_chunk(self, limit: int) -> bytes:
        """At most `limit` (≥ 1) of the next received bytes, of those that came together; b"": none."""
        if not self.chunks:
            return b""
        chunk = self.chunks[0]
        left = len(chunk) - self.start
        if left > limit:
            chunk = chunk[self.start : self.start + limit]
            self.start += limit
        else:
            self.chunks.popleft()
            if self.start:
                chunk = chunk[self.start :]
                self.start = 0
        self._taken(len(chunk))
        return chunk

    def _receive_nothing(self, out: VmWriter, received: Received) -> int:
        received.is_complete = True
        if self.has_fin:
            return 0
        if self.error:
            return -self.take_error()
        if self.shut_down & RECEIVING:
            return 0
        if self.state == TCP_CLOSE:
            return -ENOTCONN
        return 0 if out.remaining == 0 else WOULD_BLOCK

    def _peek(self, out: VmWriter, flags: int) -> int:
        done = 0
        start = self.start
        for chunk in self.chunks:
            want = min(len(chunk) - start, out.remaining if not flags & MSG_TRUNC else len(chunk))
            if want <= 0:
                break
            count = want if flags & MSG_TRUNC else out.write(chunk[start : start + want])
            start = 0
            done += count
            if count < want:
                break
        return min(done, out.remaining) if flags & MSG_TRUNC else done

    # Readiness.
    def _has_room(self, peer: "TcpSocket") -> bool:
        """A third of the limit is free: then a writer is told (sk_stream_is_writeable)."""
        return peer.nr_queued * 3 <= self._limit(peer) * 2

    def poll(self) -> int:
        if self.state == TCP_LISTEN:
            return READABLE if self.pending else 0
        mask = 0
        shut_down = self.shut_down
        if shut_down == RECEIVING | SENDING or self.state == TCP_CLOSE:
            mask |= POLLHUP
        if shut_down & RECEIVING:
            mask |= READABLE | POLLRDHUP
        if self.state != TCP_SYN_SENT:
            urgent = self.urgent
            needed = min(self.options.receive_low_water, self.options.receive_buffer >> 1)
            if urgent.value != NONE:
                if urgent.ahead == 0 and not self.options.oob_inline:
                    needed += 1
                if urgent.value < TAKEN:
                    mask |= POLLPRI
            if self.nr_queued and self.nr_queued >= needed:
                mask |= READABLE
            peer = self.peer
            if peer is None or shut_down & SENDING or peer.is_orphan or self._has_room(peer):
                mask |= WRITABLE
            else:
                self.wants_room = True
        if self.error:
            mask |= POLLERR
        return mask

    def nr_readable(self) -> int:
        """Up to the urgent mark."""
        if self.state == TCP_LISTEN:
            return -EINVAL
        urgent = self.urgent
        return self.nr_queued if self.options.oob_inline or urgent.value == NONE else urgent.ahead

    def is_at_mark(self) -> int:
        return -EINVAL if self.state == TCP_LISTEN else int(self.urgent.is_at_mark())

    def nr_unsent(self) -> int:
        """What does not fit into the peer's buffer."""
        return max(0, self.peer.nr_queued - self.peer.options.receive_buffer) if self.peer is not None else 0

    def set_option(self, task: "Task", level: int, name: int, value: bytes) -> int:
        if level == SOL_TCP:
            return tcp_options.set_option(self, task, name, value)
        return super().set_option(task, level, name, value)

    def get_option(self, task: "Task", level: int, name: int) -> bytes | int:
        return tcp_options.get_option(self, name) if level == SOL_TCP else super().get_option(task, level, name)
