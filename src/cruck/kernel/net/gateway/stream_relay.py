# SPDX-License-Identifier: MPL-2.0
"""StreamRelay: carries one TCP connection between a socket of the guest and a HostSocket.

In the kernel the relay holds the connection's far end, a TcpSocket that no program has (`is_remote`); so half-close, resets, buffer
limits and readiness are those of every other connection. Bytes move when either side says that it can go on: nothing is buffered here
but one chunk that the host did not take whole.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EAGAIN
from cruck.abi.inet import TCP_CLOSE, TCP_SYN_SENT
from cruck.framework.io.host_socket import HostSocket
from cruck.framework.mm.user_memory import BytesReader
from cruck.kernel.drivers.host_watch import POLLIN, POLLOUT, HostWatch
from cruck.kernel.net.socket import SHUT_WR
from cruck.kernel.poll.wait_queue import ALL_EVENTS, Waiter, WaitQueue

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.net.gateway.gateway import Gateway
    from cruck.kernel.net.inet.tcp import TcpSocket

CHUNK: Final = 65_536
ROUNDS: Final = 16  # chunks moved at once: other tasks want a turn too


class StreamRelay(Waiter):
    gateway: "Gateway"
    host: HostSocket
    host_ready: WaitQueue  # woken by the host; only this stands in it
    watch: HostWatch
    near: "TcpSocket | None"  # the guest's end while the host connects
    far: "TcpSocket | None"  # our end of the connection that stands
    unsent: bytes  # taken from `far`, not yet by the host
    is_host_done: bool  # the host's end of file has come
    is_guest_done: bool  # the guest's was passed on
    is_busy: bool  # bytes are being moved: wake-ups that this causes are ours
    is_over: bool

    def __init__(self, gateway: "Gateway", kernel: "Kernel", host: HostSocket) -> None:
        self.gateway = gateway
        self.host = host
        self.host_ready = WaitQueue()
        self.host_ready.add(self, ALL_EVENTS)
        self.watch = HostWatch(kernel, host, self.host_ready)
        self.near = None
        self.far = None
        self.unsent = b""
        self.is_host_done = self.is_guest_done = self.is_busy = self.is_over = False
        gateway.relays[self] = None

    def dial(self, near: "TcpSocket") -> None:
        """The host connects for `near`, which is in SYN_SENT."""
        self.near = near
        near.queue.add(self, ALL_EVENTS)
        if self.watch.arm(POLLOUT):
            self._finish_dialling(near)

    def answer(self, far: "TcpSocket") -> None:
        """A connection from the host: `far` asks the guest for it (SYN_SENT until it is accepted)."""
        self.far = far
        far.queue.add(self, ALL_EVENTS)
        self.move()

    def refuse(self) -> None:
        """The host's client is reset."""
        self._end(True)

    def notify(self, queue: WaitQueue, events: int) -> bool:
        if self.is_over or self.is_busy:
            return False
        near = self.near
        if near is not None:
            self._finish_dialling(near)
        else:
            self.move()
        return False

    def _finish_dialling(self, near: "TcpSocket") -> None:
        if near.state != TCP_SYN_SENT:
            self._end(False)  # closed meanwhile
            return
        if not self.watch.arm(POLLOUT):
            return
        errno = self.host.take_error()
        near.queue.remove(self)
        self.near = None
        if errno:
            self._end(False)
            near.fail_connect(errno)
            return
        far = near.establish_remote()
        self.answer(far)

    def move(self) -> None:
        """Carries what can be carried, and waits for what cannot."""
        far = self.far
        if far is None or far.state == TCP_SYN_SENT:
            return
        self.is_busy = True
        for _ in range(ROUNDS):
            went_out = self._outward(far)
            came_in = self._inward(far)
            if self.is_over or not went_out and not came_in:
                break
        self.is_busy = False
        if self.is_over:
            return
        if far.state == TCP_CLOSE and (far.error or not self.unsent and not far.chunks):
            self._end(far.error != 0)
            return
        wanted = POLLOUT if self.unsent else 0
        if not self.is_host_done and far.state != TCP_CLOSE and far.room() > 0:
            wanted |= POLLIN
        if wanted and self.watch.arm(wanted):
            # More than ROUNDS at once: go on in the next turn, after the others.
            self.watch.kernel.watch_host(self.host, wanted, self.host_ready)

    def _outward(self, far: "TcpSocket") -> bool:
        data = self.unsent or far.take_chunk(CHUNK)
        if not data:
            if far.has_fin and not self.is_guest_done:
                self.is_guest_done = True
                self.host.shut_down_sending()
            return False
        count = self.host.write_nowait(data)
        if count < 0:
            self.unsent = data
            if count != -EAGAIN:
                self._break(far)
            return False
        self.unsent = data[count:] if count < len(data) else b""
        return True

    def _inward(self, far: "TcpSocket") -> bool:
        if self.is_host_done or far.state == TCP_CLOSE:
            return False
        room = far.room()
        if room == 0:
            return False
        data = self.host.read_nowait(min(room, CHUNK))
        if isinstance(data, int):
            if data != -EAGAIN:
                self._break(far)
            return False
        peer = far.peer
        if not data or peer is None:
            self.is_host_done = True
            far.shutdown(SHUT_WR)
            return True
        far.push(BytesReader(data), peer)
        return True

    def _break(self, far: "TcpSocket") -> None:
        """The host's connection is broken: the guest sees a reset."""
        self._end(False)
        if far.state != TCP_CLOSE:
            far.reset()

    def _end(self, is_reset: bool) -> None:
        self.is_over = True
        near, far = self.near, self.far
        if near is not None:
            near.queue.remove(self)
        if far is not None:
            far.queue.remove(self)
        self.watch.stop()
        if is_reset:
            self.host.reset()
        else:
            self.host.close()
        self.gateway.relays.pop(self, None)
