# SPDX-License-Identifier: MPL-2.0
"""Job control: whose terminal it is, and who may use it (Linux drivers/tty/tty_jobctrl.c, credentials(7)).

A session has at most one controlling terminal and a terminal at most one session; its foreground group is a number on the Tty. Process
groups and sessions themselves are in process/groups.py.
"""

from typing import TYPE_CHECKING

from cruck.abi.errno import EIO, EPERM, ERESTARTSYS
from cruck.abi.signal import SIGCONT, SIGHUP, SIGTTIN
from cruck.kernel.process.credentials import CAP_SYS_ADMIN
from cruck.kernel.process.groups import is_orphaned
from cruck.kernel.signal.actions import SIG_IGN

if TYPE_CHECKING:
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.process.process import Process, ProcessGroup, Session
    from cruck.kernel.process.task import Task
    from cruck.kernel.tty.tty import Tty


def controlling_tty(process: "Process") -> "Tty | None":
    """Linux: signal->tty."""
    tty = process.group.session.tty
    return None if tty is None or process in tty.detached else tty


def foreground_group(tty: "Tty") -> "ProcessGroup | None":
    """None: nobody, or a group that no longer exists."""
    if tty.session is None or tty.foreground_pgid == 0:
        return None
    return tty.session.groups.get(tty.foreground_pgid)


def check_change(tty: "Tty", task: "Task | None", signo: int) -> int:
    """May this task do to its controlling terminal what SIGTTIN (reading) or SIGTTOU (writing, changing) guards?

    Returns: 0 yes; −ERESTARTSYS: it is in the background, its group was sent `signo`; −EIO: it is, but would not notice the
    signal (orphaned group; for SIGTTIN also ignored or blocked). None: the kernel itself may.
    Source: __tty_check_change."""
    if task is None:
        return 0
    process = task.process
    group = process.group
    if tty.foreground_pgid in (0, group.pgid) or controlling_tty(process) is not tty:
        return 0
    if task.blocked_mask >> (signo - 1) & 1 or task.actions.get(signo).handler == SIG_IGN:
        return -EIO if signo == SIGTTIN else 0
    if is_orphaned(group):
        return -EIO
    task.kernel.send_signal_group(group, signo)
    return -ERESTARTSYS


def is_leader(process: "Process") -> bool:
    return process.group.session.sid == process.pid


def open_by(tty: "Tty", process: "Process", is_readable: bool) -> None:
    """A terminal was opened without O_NOCTTY: a session leader without one gets it (tty_open_proc_set_tty)."""
    if is_readable and is_leader(process) and process.group.session.tty is None and tty.session is None:
        take(tty, process)


def take(tty: "Tty", process: "Process") -> None:
    """The terminal controls the process's session now; its group is in the foreground."""
    session = process.group.session
    tty.session = session
    tty.foreground_pgid = process.group.pgid
    session.tty = tty


def set_controlling(tty: "Tty", task: "Task", is_steal: bool, is_readable: bool) -> int:
    """TIOCSCTTY. 0 or −EPERM: not a session leader, has a terminal already, or another session has this one (which root may
    steal)."""
    process = task.process
    session = process.group.session
    if is_leader(process) and tty.session is session:
        return 0
    if not is_leader(process) or session.tty is not None:
        return -EPERM
    is_admin = task.creds.has(CAP_SYS_ADMIN)
    if tty.session is not None and not (is_steal and is_admin):
        return -EPERM
    if not is_readable and not is_admin:
        return -EPERM
    if tty.session is not None:
        release_session(tty, tty.session)
    take(tty, process)
    return 0


def give_up(tty: "Tty", process: "Process") -> None:
    """TIOCNOTTY. A leader frees the terminal for all of its session, and the foreground group gets SIGHUP and SIGCONT."""
    if is_leader(process):
        _hang_up_foreground(tty, True)
        release_session(tty, process.group.session)
    else:
        tty.detached[process] = None


def release_session(tty: "Tty", session: "Session") -> None:
    session.tty = None
    tty.session = None
    tty.foreground_pgid = 0
    tty.detached.clear()


def on_session_leader_exit(kernel: "Kernel", process: "Process") -> None:
    """To be called when a session leader ends (disassociate_ctty(1)): its terminal is free, the foreground group gets SIGHUP; a
    terminal that is not a pseudoterminal is hung up for everybody."""
    session = process.group.session
    tty = session.tty
    if tty is None:
        # The terminal was hung up before: its foreground group learns now that nobody reads on.
        group = session.groups.get(session.hung_up_pgid)
        session.hung_up_pgid = 0
        if group is not None:
            kernel.send_signal_group(group, SIGHUP)
            kernel.send_signal_group(group, SIGCONT)
        return
    if tty.driver.is_pty:
        _hang_up_foreground(tty, False)
        release_session(tty, session)
    else:
        _hang_up_foreground(tty, False)
        tty.hangup()


def on_hangup(tty: "Tty") -> None:
    """The terminal is gone (tty_signal_session_leader): the session leader gets SIGHUP and SIGCONT."""
    session = tty.session
    if session is None:
        return
    session.hung_up_pgid = tty.foreground_pgid
    kernel = tty.kernel
    release_session(tty, session)
    leader = kernel.processes.get(session.sid)
    if leader is not None and not leader.is_zombie:
        kernel.send_signal_process(leader, SIGHUP)
        kernel.send_signal_process(leader, SIGCONT)


def _hang_up_foreground(tty: "Tty", is_alive: bool) -> None:
    group = foreground_group(tty)
    if group is not None:
        tty.kernel.send_signal_group(group, SIGHUP)
        if is_alive:
            tty.kernel.send_signal_group(group, SIGCONT)
