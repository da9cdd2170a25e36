# SPDX-License-Identifier: MPL-2.0
"""Process groups and sessions (setpgid(2), setsid(2), credentials(7))."""

from typing import TYPE_CHECKING

from cruck.abi.errno import EACCES, EPERM, ESRCH
from cruck.kernel.errors import LinuxError
from cruck.kernel.process.process import Process, ProcessGroup, Session

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.process.pid_namespace import PidNamespace


def new_session(kernel: "Kernel", process: Process) -> None:
    """setsid: the process leads a new session and group, without a terminal. The caller has checked EPERM."""
    session = Session(process.pid, process.pid_ns)
    kernel.sessions[session.sid] = session
    group = ProcessGroup(process.pid, session, process.pid_ns)
    session.groups[group.pgid] = group
    kernel.groups[group.pgid] = group
    move(kernel, process, group)


def move(kernel: "Kernel", process: Process, group: ProcessGroup) -> None:
    old = process.group
    if old is group:
        return
    group.members[process] = None
    process.group = group
    leave(kernel, process, old)


def leave(kernel: "Kernel", process: Process, group: ProcessGroup) -> None:
    """Takes the process out; an empty group, then an empty session, disappears."""
    group.members.pop(process, None)
    if not group.members:
        kernel.groups.pop(group.pgid, None)
        session = group.session
        session.groups.pop(group.pgid, None)
        if not session.groups:
            kernel.sessions.pop(session.sid, None)
            _forget_number(kernel, session.sid, session.pid_ns)
        _forget_number(kernel, group.pgid, group.pid_ns)


def _forget_number(kernel: "Kernel", number: int, ns: "PidNamespace") -> None:
    if ns.level and number not in kernel.pids and number not in kernel.groups and number not in kernel.sessions:
        ns.remove(number)


def set_group(kernel: "Kernel", caller: Process, target: Process, pgid: int) -> None:
    """setpgid. Errors: LinuxError(ESRCH, EPERM, EACCES)."""
    if target is not caller:
        if target.parent is not caller:
            raise LinuxError(ESRCH)
        if target.group.session is not caller.group.session:
            raise LinuxError(EPERM)
        if target.has_execed:
            raise LinuxError(EACCES)
    if target.group.session.sid == target.pid:
        raise LinuxError(EPERM, "a session leader keeps its group")
    session = caller.group.session
    if pgid == target.pid:
        group = kernel.groups.get(pgid)
        if group is None:
            group = ProcessGroup(pgid, session, target.pid_ns)
            session.groups[pgid] = group
            kernel.groups[pgid] = group
    else:
        group = kernel.groups.get(pgid)
        if group is None or group.session is not session:
            raise LinuxError(EPERM)
    move(kernel, target, group)


def is_orphaned(group: ProcessGroup, ignored: Process | None = None) -> bool:
    """No member has a parent in another group of the same session (POSIX: orphaned process group)."""
    for member in group.members:
        if member is ignored or (member.is_zombie and not member.threads):
            continue
        parent = member.parent
        if parent is None or parent.parent is None:  # init, which is in no session of its children
            continue
        if parent.group is not group and parent.group.session is group.session:
            return False
    return True


def has_stopped_member(group: ProcessGroup) -> bool:
    for member in group.members:
        if member.is_stopped:
            return True
    return False
