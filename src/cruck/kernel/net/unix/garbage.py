# SPDX-License-Identifier: MPL-2.0
"""AF_UNIX sockets that are in flight only inside each other (Linux net/unix/garbage.c).

A socket sent by SCM_RIGHTS lives on in the receiver's queue. If all references to a socket are such, and none of the queues they are in can
be reached from a socket that somebody holds, nobody can ever receive it: its queue is emptied, and with that it goes. The search
is made when a descriptor of a socket is closed while `family.may_hold_cycles`: a socket has been sent and may still be in flight.
"""

from typing import TYPE_CHECKING

from cruck.kernel.net.unix.socket import UnixSocket

if TYPE_CHECKING:
    from cruck.kernel.net.unix.family import UnixFamily
    from cruck.kernel.vfs.file import File


def collect(family: "UnixFamily") -> int:
    """How many sockets were garbage. Cost: O(sockets and messages under way)."""
    in_flight = _count_in_flight(family)
    if not in_flight:
        family.may_hold_cycles = False
        return 0
    candidates: dict[UnixSocket, None] = {}
    for socket, count in in_flight.items():
        if socket.refs == count:
            candidates[socket] = None
    if not candidates:
        return 0
    garbage = _unreachable(family, candidates)
    files: list[File] = []
    for socket in garbage:
        files += _empty(socket)
        for embryo in socket.pending:
            files += _empty(embryo)
    family.may_hold_cycles = False  # no search while these go
    family.drop_files(files)
    family.may_hold_cycles = bool(_count_in_flight(family))
    return len(garbage)


def _empty(socket: UnixSocket) -> "list[File]":
    """Takes the messages out of a queue; their files are the caller's now."""
    files: list[File] = []
    while socket.packets:
        packet = socket.packets.popleft()
        socket.discharge(packet)
        files += packet.files
        packet.files = []
    socket.nr_queued_bytes = 0
    socket.files_left(len(files))
    return files


def _count_in_flight(family: "UnixFamily") -> dict[UnixSocket, int]:
    counts: dict[UnixSocket, int] = {}
    for socket in family.sockets:
        for packet in socket.packets:
            for file in packet.files:
                if isinstance(file, UnixSocket):
                    counts[file] = counts.get(file, 0) + 1
    return counts


def _unreachable(family: "UnixFamily", candidates: dict[UnixSocket, None]) -> list[UnixSocket]:
    """Candidates no queue of a socket that is held leads to. A connection nobody accepted belongs to its listener."""
    embryos: dict[UnixSocket, None] = {}
    for socket in family.sockets:
        for embryo in socket.pending:
            embryos[embryo] = None
    left = dict(candidates)
    todo = [socket for socket in family.sockets if socket not in candidates and socket not in embryos]
    while todo:
        socket = todo.pop()
        todo += socket.pending
        for packet in socket.packets:
            for file in packet.files:
                if isinstance(file, UnixSocket) and file in left:
                    del left[file]
                    todo.append(file)
    return list(left)
