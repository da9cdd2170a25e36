# SPDX-License-Identifier: MPL-2.0
"""SOCK_STREAM of AF_UNIX: bytes without boundaries, but for messages with files and for changes of the sender's credentials."""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EINVAL, EISCONN, ENOTCONN, EOPNOTSUPP, EPIPE
from cruck.framework.mm.user_memory import UserFault, VmReader, VmWriter
from cruck.kernel.errors import WOULD_BLOCK
from cruck.kernel.net.socket import MSG_OOB, MSG_PEEK, RECEIVING, SENDING, Ancillary, Received
from cruck.kernel.net.unix import address as names
from cruck.kernel.net.unix.socket import CONNECTED, FRAGMENTS_MAX, HEAD_MAX, Packet, UnixSocket
from cruck.kernel.vfs.file import File

if TYPE_CHECKING:
    from cruck.kernel.process.task import Task

LARGEST_PACKET: Final = HEAD_MAX + FRAGMENTS_MAX
# A message sent before anybody asked for credentials: no pid, nobody's ids.
UNKNOWN_CREDENTIALS: Final = (0, 65534, 65534)


class StreamSocket(UnixSocket):
    def is_stream(self) -> bool:
        return True

    def make_embryo(self, task: "Task") -> UnixSocket:
        return StreamSocket(self.family, task, self.type)

    def send(self, task: "Task", data: VmReader, flags: int, address: bytes, ancillary: Ancillary) -> int:
        """Errors: −EISCONN/−EOPNOTSUPP (an address), −ENOTCONN, −EPIPE, −ECONNRESET, LinuxError(ETOOMANYREFS)."""
        if flags & MSG_OOB:
            return -EOPNOTSUPP
        if address:
            return -EISCONN if self.state == CONNECTED else -EOPNOTSUPP
        peer = self.peer
        if peer is None:
            return -ENOTCONN
        if self.shut_down & SENDING or peer.is_dead or peer.shut_down & RECEIVING:
            return -EPIPE
        done = 0
        largest = min(LARGEST_PACKET, max(1, (self.options.send_buffer >> 1) - 64))
        while data.remaining > 0 and not data.is_faulted:
            if self.error:
                return done if done else -self.take_error()
            if not self.has_send_room():
                break
            creds = self.creds_for(task, ancillary, peer)
            try:
                chunk = data.read(min(data.remaining, largest))
            except UserFault:
                if done:
                    return done
                raise
            peer.deliver(Packet(chunk, self, self.take_files(ancillary, peer), creds))
            done += len(chunk)
        return done if done or data.remaining == 0 else WOULD_BLOCK

    def receive(self, task: "Task", out: VmWriter, flags: int, received: Received) -> int:
        """Errors: −EINVAL (not connected), −ECONNRESET, −EOPNOTSUPP (MSG_OOB)."""
        if self.state != CONNECTED:
            return -EINVAL
        if flags & MSG_OOB:
            return -EOPNOTSUPP
        if not self.packets:
            if self.error:
                return -self.take_error()
            if self.shut_down & RECEIVING:
                received.is_complete = True
                return 0
            return WOULD_BLOCK
        if flags & MSG_PEEK:
            return self._peek(out, received)
        done = 0
        first_creds: tuple[int, int, int] | None = None
        is_first = True
        while self.packets:
            packet = self.packets[0]
            if self.options.pass_credentials:
                if not is_first and packet.creds != first_creds:
                    received.is_complete = True  # messages of different senders are not glued together
                    break
                first_creds = packet.creds
                received.ancillary.creds = first_creds if first_creds is not None else UNKNOWN_CREDENTIALS
            is_first = False
            left = len(packet.data) - packet.start
            want = min(left, out.remaining)
            count = 0
            if want:
                try:
                    count = out.write(packet.data if want == len(packet.data) else packet.data[packet.start : packet.start + want])
                except UserFault:
                    if done == 0:
                        raise
                    break
            received.address = names.sockaddr(packet.sender.name) if packet.sender.name else b""
            done += count
            packet.start += count
            self.nr_queued_bytes -= count
            files = packet.files
            if files:
                packet.files = []
                self.files_left(len(files))
                received.ancillary.files = files
            if count < left:
                break
            self.packets.popleft()
            self.discharge(packet)
            if files:
                received.is_complete = True  # messages with different files are not glued together
                break
            if out.remaining == 0:
                break
        return done

    def _peek(self, out: VmWriter, received: Received) -> int:
        done = 0
        creds: tuple[int, int, int] | None = None
        is_first = True
        for packet in self.packets:
            if not is_first and self.options.pass_credentials and packet.creds != creds:
                break
            is_first = False
            creds = packet.creds
            if self.options.pass_credentials:
                received.ancillary.creds = creds if creds is not None else UNKNOWN_CREDENTIALS
            want = min(len(packet.data) - packet.start, out.remaining)
            count = 0
            if want:
                try:
                    count = out.write(packet.data[packet.start : packet.start + want])
                except UserFault:
                    if done == 0:
                        raise
                    break
            done += count
            received.address = names.sockaddr(packet.sender.name) if packet.sender.name else b""
            if packet.files:
                copies: list[File] = []
                for file in packet.files:
                    copies.append(file.get())
                received.ancillary.files = copies
                break
            if out.remaining == 0 or count < want:
                break
        received.is_complete = True
        return done
