# SPDX-License-Identifier: MPL-2.0
"""Ancillary data of sendmsg(2) and recvmsg(2) as guest bytes: struct cmsghdr (cmsg(3), Linux net/core/scm.c)."""

import struct
from typing import Final

from cruck.abi.errno import EINVAL, ENOBUFS, EPERM
from cruck.abi.socket import MSG_CTRUNC, SCM_CREDENTIALS, SCM_MAX_FD, SCM_RIGHTS, SOL_SOCKET
from cruck.framework.mm.user_memory import UserFault
from cruck.kernel.errors import LinuxError
from cruck.kernel.net.socket import Ancillary
from cruck.kernel.process.credentials import CAP_SETGID, CAP_SETUID, CAP_SYS_ADMIN
from cruck.kernel.process.task import Task

RLIMIT_NOFILE: Final = 7
CMSG_HEADER_SIZE: Final = 16
UCRED_SIZE: Final = 12
OPTMEM_MAX: Final = 131_072  # net.core.optmem_max
_CMSG: Final = struct.Struct("<Qii")
_UCRED: Final = struct.Struct("<iII")


def read_control(task: Task, addr: int, length: int, ancillary: Ancillary) -> None:
    """Takes what the guest wants to send along; on an error the files taken so far are in `ancillary`, to be dropped.

    Errors: LinuxError: ENOBUFS (too long), EINVAL (malformed, more than 253 files), EBADF, EPERM (another's credentials); UserFault.
    """
    if length > OPTMEM_MAX:
        raise LinuxError(ENOBUFS)
    data = task.user.read(addr, length)
    at = 0
    while at + CMSG_HEADER_SIZE <= length:
        size, level, kind = _CMSG.unpack_from(data, at)
        if size < CMSG_HEADER_SIZE or size > length - at:
            raise LinuxError(EINVAL)
        if level == SOL_SOCKET:
            _take(task, kind, data[at + CMSG_HEADER_SIZE : at + size], ancillary)
        else:
            ancillary.messages.append((level, kind, data[at + CMSG_HEADER_SIZE : at + size]))
        at += (size + 7) & ~7


def _take(task: Task, kind: int, payload: bytes, ancillary: Ancillary) -> None:
    if kind == SCM_RIGHTS:
        count = len(payload) // 4
        if len(ancillary.files) + count > SCM_MAX_FD:
            raise LinuxError(EINVAL)
        for fd in struct.unpack_from(f"<{count}i", payload):
            ancillary.files.append(task.files.get_any(fd).get())
    elif kind == SCM_CREDENTIALS:
        if len(payload) != UCRED_SIZE:
            raise LinuxError(EINVAL)
        pid, uid, gid = _UCRED.unpack(payload)
        creds = task.creds
        uid, gid = creds.kernel_uid(uid), creds.kernel_gid(gid)
        if uid < 0 or gid < 0:
            raise LinuxError(EINVAL)
        if (
            (pid != task.number_of(task.process.pid) and not creds.has_in(task.process.pid_ns.owner, CAP_SYS_ADMIN))
            or (uid not in (creds.uid, creds.euid, creds.suid) and not creds.has_own(CAP_SETUID))
            or (gid not in (creds.gid, creds.egid, creds.sgid) and not creds.has_own(CAP_SETGID))
        ):
            raise LinuxError(EPERM)
        ancillary.creds = (task.process.pid_ns.find(pid), uid, gid)
    else:
        raise LinuxError(EINVAL)


def write_control(task: Task, addr: int, room: int, ancillary: Ancillary, is_cloexec: bool) -> tuple[int, int]:
    """Gives the guest what came along: (bytes used of `room`, MSG_CTRUNC or 0). Files get descriptors as far as there is room and
    RLIMIT_NOFILE allows; the others are closed. addr = 0: the guest wants nothing.
    Errors: UserFault; then no descriptor stays."""
    if addr == 0:
        room = 0
    flags = 0
    used = 0
    for level, kind, payload in ancillary.messages:
        data = _CMSG.pack(CMSG_HEADER_SIZE + len(payload), level, kind) + payload
        left = room - used
        if left < CMSG_HEADER_SIZE:
            flags = MSG_CTRUNC
            break
        if left < len(data):
            flags = MSG_CTRUNC
            data = _CMSG.pack(left, level, kind) + data[CMSG_HEADER_SIZE:left]
        task.user.write(addr + used, data)
        used = min(room, used + ((len(data) + 7) & ~7))
    creds = ancillary.creds
    if creds is not None:
        data = _CMSG.pack(CMSG_HEADER_SIZE + UCRED_SIZE, SOL_SOCKET, SCM_CREDENTIALS)
        uid, gid = task.creds.shown_uid(creds[1]), task.creds.shown_gid(creds[2])
        data += _UCRED.pack(task.number_of(creds[0]), uid & 0xFFFF_FFFF, gid & 0xFFFF_FFFF)
        if room < CMSG_HEADER_SIZE:
            flags = MSG_CTRUNC
        else:
            if room < len(data):
                flags = MSG_CTRUNC
                data = _CMSG.pack(room, SOL_SOCKET, SCM_CREDENTIALS) + data[CMSG_HEADER_SIZE:room]
            try:
                task.user.write(addr, data)
            except UserFault:
                ancillary.drop()
                raise
            used = min(room, (len(data) + 7) & ~7)
    if ancillary.files:
        left = room - used
        fds = _install_files(task, ancillary, max(0, (left - CMSG_HEADER_SIZE) // 4), is_cloexec)
        if len(fds) < len(ancillary.files):
            flags = MSG_CTRUNC
        ancillary.drop()
        if fds:
            data = _CMSG.pack(CMSG_HEADER_SIZE + 4 * len(fds), SOL_SOCKET, SCM_RIGHTS) + struct.pack(f"<{len(fds)}i", *fds)
            try:
                task.user.write(addr + used, data)
            except UserFault:
                for fd in fds:
                    task.files.remove(fd).put()
                raise
            used = min(room, used + ((len(data) + 7) & ~7))
    return used, flags


def _install_files(task: Task, ancillary: Ancillary, limit: int, is_cloexec: bool) -> list[int]:
    fds: list[int] = []
    for file in ancillary.files:
        if len(fds) >= limit:
            break
        try:
            fds.append(task.files.install(file, task.process.rlimit(RLIMIT_NOFILE), is_cloexec))
        except LinuxError:
            break  # EMFILE: the rest is lost, as MSG_CTRUNC says
    return fds
