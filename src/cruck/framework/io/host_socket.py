# SPDX-License-Identifier: MPL-2.0
"""HostNetwork: the capability to reach the host's network as far as an EgressPolicy allows; HostSocket, HostListener, HostLookup: what it
makes. A kernel without the object has no network but its own loopback.

Nothing here waits: connections are begun and announced by readiness, names are looked up by a thread of their own.
Errors are −errno.

Safety: every connection and lookup is decided here, by the policy, on the very address that is then used. Addresses are numbers, so
nothing can change between decision and use. Names lead to IPv4 addresses only.
"""

import _socket as socket
import _thread
import errno
import os
from typing import Final

from cruck.framework.io.egress_policy import EgressPolicy, format_address
from cruck.framework.io.host_file import HostFile
from cruck.framework.io.host_stream import HostStream

MAX_LOOKUPS: Final = 16  # at once
_NO_LINGER: Final = b"\1\0\0\0\0\0\0\0"


class HostSocket(HostStream):
    """A connection, or a UDP socket that hears one address only: read_nowait and write_nowait then are datagrams."""

    def __init__(self, made: socket.socket) -> None:
        super().__init__(made.fileno())
        made.close()

    def __reduce__(self) -> tuple[object, ...]:
        return (_lost, ())

    def take_error(self) -> int:
        """SO_ERROR: how a connection that was begun has ended once the socket is writable; 0 or an errno."""
        return self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) if self._socket is not None else errno.ECONNRESET

    def shut_down_sending(self) -> None:
        if self._socket is not None:
            try:
                self._socket.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # it is over anyway

    def reset(self) -> None:
        """Closes with RST."""
        if self._socket is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self.close()


def _lost() -> HostSocket:
    """A restored snapshot finds its connections to the host broken."""
    made = HostSocket(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
    made.close()
    return made


class HostListener(HostStream):
    """A port of the host whose connections are the guest's (-p)."""

    port: int
    address: str

    def __init__(self, address: str, port: int) -> None:
        """Errors: OSError."""
        self._socket, self._fd, self._shared = None, -1, -1  # closed, should it fail
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind((address, port))
            made.listen(128)
            made.setblocking(False)
            super().__init__(made.fileno())
            self.address, self.port = made.getsockname()
        finally:
            made.close()

    def __reduce__(self) -> tuple[object, ...]:
        return (HostListener, (self.address, self.port))

    def accept_nowait(self) -> "tuple[HostSocket, bytes, int] | int":
        """(the connection, the peer's 4 address bytes and port); −EAGAIN; −errno."""
        if self._socket is None:
            return -errno.EBADF
        try:
            fd, (address, port) = self._socket._accept()  # type: ignore[attr-defined]  # what socket.socket.accept calls
        except OSError as error:
            return -(error.errno or errno.EIO)
        return HostSocket(socket.socket(fileno=fd)), socket.inet_aton(address), port


class HostLookup(HostFile):
    """A name that is looked up: readable once `addresses` stands."""

    addresses: tuple[int, ...]  # empty: the name has none

    def __init__(self) -> None:
        reader, self._writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        super().__init__(reader)
        self.addresses = ()

    def __reduce__(self) -> tuple[object, ...]:
        return (_nothing_found, ())

    def _run(self, network: "HostNetwork", name: str) -> None:
        """In a thread of its own."""
        found: list[int] = []
        try:
            for answer in socket.getaddrinfo(name, None, socket.AF_INET, socket.SOCK_STREAM):
                found.append(int.from_bytes(socket.inet_aton(str(answer[4][0])), "big"))
        except (OSError, UnicodeError):
            pass
        network._finish(self, name, tuple(dict.fromkeys(found)))
        os.close(self._writer)


def _nothing_found() -> HostLookup:
    lookup = HostLookup()
    os.close(lookup._writer)
    return lookup


class HostNetwork:
    policy: EgressPolicy
    nr_lookups: int  # running
    _lock: _thread.LockType

    def __init__(self, policy: EgressPolicy) -> None:
        self.policy = policy
        self.nr_lookups = 0
        self._lock = _thread.allocate_lock()

    def __reduce__(self) -> tuple[object, ...]:
        return (HostNetwork, (self.policy,))

    def connect(self, address: int, port: int) -> HostSocket | int:
        """Begins a TCP connection: writable once it stands or has failed (take_error). Errors: −EPERM (the policy), −errno."""
        return self._open(socket.SOCK_STREAM, address, port)

    def open_datagrams(self, address: int, port: int) -> HostSocket | int:
        """A UDP socket connected to (address, port). Errors: as connect()."""
        return self._open(socket.SOCK_DGRAM, address, port)

    def _open(self, kind: int, address: int, port: int) -> HostSocket | int:
        if not self.policy.decide(address, port).is_allowed:
            return -errno.EPERM
        try:
            shown = format_address(address)
            made = socket.socket(socket.AF_INET6 if ":" in shown else socket.AF_INET, kind)
            made.setblocking(False)
            result = made.connect_ex((shown, port))
            if result not in (0, errno.EINPROGRESS):
                made.close()
                return -result
            return HostSocket(made)
        except OSError as error:
            return -(error.errno or errno.EIO)

    def look_up(self, name: str) -> HostLookup | int:
        """Begins to look for the name's IPv4 addresses; they are pinned when found. Errors: −EPERM (the policy), −EAGAIN (too many at once),
        −errno."""
        if not self.policy.decide_name(name).is_allowed:
            return -errno.EPERM
        with self._lock:
            if self.nr_lookups >= MAX_LOOKUPS:
                return -errno.EAGAIN
            self.nr_lookups += 1
        try:
            lookup = HostLookup()
            pinned = self.policy._pins.get(name)
            if pinned is not None:
                self._finish(lookup, name, pinned)
                os.close(lookup._writer)
            else:
                _thread.start_new_thread(lookup._run, (self, name))
        except (OSError, RuntimeError):
            self.nr_lookups -= 1
            return -errno.ENOMEM
        return lookup

    def _finish(self, lookup: HostLookup, name: str, addresses: tuple[int, ...]) -> None:
        """The lookup's thread tells what it found; the first answer for a name is the one that stays."""
        with self._lock:
            self.nr_lookups -= 1
            if addresses:
                self.policy._pin(name, addresses)
            lookup.addresses = self.policy._pins.get(name, addresses)
