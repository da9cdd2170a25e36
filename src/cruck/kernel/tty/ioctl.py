# SPDX-License-Identifier: MPL-2.0
"""ioctl(2) of terminals (ioctl_tty(2); Linux tty_ioctl, n_tty_ioctl, tty_mode_ioctl, tty_jobctrl_ioctl). Edge: guest memory.

Both ends of a pseudoterminal come here with the Tty of the slave: a master's file by `master_ioctl`.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EINTR, EINVAL, EIO, ENOTTY, EPERM, ESRCH
from cruck.abi.signal import SIGINT, SIGQUIT, SIGTSTP, SIGTTOU
from cruck.abi.termios import (
    TCFLSH,
    TCGETA,
    TCGETS,
    TCGETS2,
    TCIFLUSH,
    TCIOFF,
    TCIOFLUSH,
    TCION,
    TCOFLUSH,
    TCOOFF,
    TCOON,
    TCSBRK,
    TCSBRKP,
    TCSETA,
    TCSETAF,
    TCSETAW,
    TCSETS,
    TCSETS2,
    TCSETSF,
    TCSETSF2,
    TCSETSW,
    TCSETSW2,
    TCXONC,
    TIOCEXCL,
    TIOCGDEV,
    TIOCGETD,
    TIOCGEXCL,
    TIOCGLCKTRMIOS,
    TIOCGPGRP,
    TIOCGPKT,
    TIOCGPTLCK,
    TIOCGPTN,
    TIOCGPTPEER,
    TIOCGSID,
    TIOCGWINSZ,
    TIOCINQ,
    TIOCNOTTY,
    TIOCNXCL,
    TIOCOUTQ,
    TIOCPKT,
    TIOCSCTTY,
    TIOCSETD,
    TIOCSIG,
    TIOCSLCKTRMIOS,
    TIOCSPGRP,
    TIOCSPTLCK,
    TIOCSTI,
    TIOCSWINSZ,
    TIOCVHANGUP,
    VSTART,
    VSTOP,
)
from cruck.kernel.process.credentials import CAP_SYS_ADMIN
from cruck.kernel.syscalls import blocking
from cruck.kernel.tty import job_control
from cruck.kernel.tty.termios import (
    TERMIO_BYTES,
    TERMIOS2_BYTES,
    TERMIOS_BYTES,
    from_bytes,
    from_termio_bytes,
)

if TYPE_CHECKING:
    from cruck.kernel.process.task import Task
    from cruck.kernel.tty.pty import PtyMaster
    from cruck.kernel.tty.tty import Tty
    from cruck.kernel.vfs.file import File

POLLOUT: Final = 0x004
N_TTY: Final = 0

# How a TCSET* call waits: not, until the output is sent, and that with unread input thrown away.
AT_ONCE: Final = 0
WHEN_SENT: Final = 1
WHEN_SENT_FLUSH: Final = 2


def tty_ioctl(task: "Task", file: "File", tty: "Tty", command: int, argument: int, is_master: bool = False) -> int:
    """`tty`: of the terminal itself, also for the master's file. Errors: −errno, UserFault."""
    user = task.user
    if command == TCGETS:
        user.write(argument, tty.termios.to_bytes())
    elif command == TIOCGWINSZ:
        user.write(argument, _pack_window_size(tty))
    elif command == TIOCSWINSZ:
        data = user.read(argument, 8)
        words = [int.from_bytes(data[start : start + 2], "little") for start in (0, 2, 4, 6)]
        tty.set_window_size(words[0], words[1], (words[2], words[3]))
    elif command == TCSETS:
        return _set_termios(task, tty, argument, TERMIOS_BYTES, AT_ONCE)
    elif command == TCSETSW:
        return _set_termios(task, tty, argument, TERMIOS_BYTES, WHEN_SENT)
    elif command == TCSETSF:
        return _set_termios(task, tty, argument, TERMIOS_BYTES, WHEN_SENT_FLUSH)
    elif command == TCGETS2:
        user.write(argument, tty.termios.to_bytes2())
    elif command == TCSETS2:
        return _set_termios(task, tty, argument, TERMIOS2_BYTES, AT_ONCE)
    elif command == TCSETSW2:
        return _set_termios(task, tty, argument, TERMIOS2_BYTES, WHEN_SENT)
    elif command == TCSETSF2:
        return _set_termios(task, tty, argument, TERMIOS2_BYTES, WHEN_SENT_FLUSH)
    elif command == TCGETA:
        user.write(argument, tty.termios.to_termio_bytes())
    elif command == TCSETA:
        return _set_termios(task, tty, argument, TERMIO_BYTES, AT_ONCE)
    elif command == TCSETAW:
        return _set_termios(task, tty, argument, TERMIO_BYTES, WHEN_SENT)
    elif command == TCSETAF:
        return _set_termios(task, tty, argument, TERMIO_BYTES, WHEN_SENT_FLUSH)
    elif command == TIOCGETD:
        user.write_u32(argument, N_TTY)
    elif command == TIOCSETD:
        result = job_control.check_change(tty, task, SIGTTOU)
        if result != 0:
            return result
        return 0 if user.read_s32(argument) == N_TTY else -EINVAL
    elif command == TIOCEXCL:
        tty.is_exclusive = True
    elif command == TIOCNXCL:
        tty.is_exclusive = False
    elif command == TIOCGEXCL:
        user.write_u32(argument, 1 if tty.is_exclusive else 0)
    elif command == TIOCGDEV:
        user.write_u32(argument, tty.rdev)
    elif command == TIOCSTI:
        return -EIO  # as with dev.tty.legacy_tiocsti = 0
    elif command == TIOCGLCKTRMIOS:
        user.write(argument, tty.locked_termios.to_bytes())
    elif command == TIOCSLCKTRMIOS:
        if not task.creds.has(CAP_SYS_ADMIN):
            return -EPERM
        tty.locked_termios = from_bytes(user.read(argument, TERMIOS_BYTES), tty.locked_termios)
    elif command == TIOCVHANGUP:
        if not task.creds.has(CAP_SYS_ADMIN):
            return -EPERM
        tty.hangup()
    elif command in (TIOCGPGRP, TIOCSPGRP, TIOCGSID, TIOCSCTTY, TIOCNOTTY):
        return _job_control_ioctl(task, file, tty, command, argument, is_master)
    elif is_master and command not in (TCSBRK, TCSBRKP):
        return -ENOTTY
    else:
        return _line_ioctl(task, tty, command, argument)
    return 0


def master_ioctl(task: "Task", master: "PtyMaster", command: int, argument: int) -> int:
    """pty_unix98_ioctl: what only a pseudoterminal's master has, or has differently. Errors: −errno, UserFault, LinuxError."""
    driver = master.driver
    user = task.user
    if command == TIOCGPTN:
        user.write_u32(argument, driver.index)
    elif command == TIOCSPTLCK:
        driver.is_locked = user.read_s32(argument) != 0
    elif command == TIOCGPTLCK:
        user.write_u32(argument, 1 if driver.is_locked else 0)
    elif command == TIOCPKT:
        driver.set_packet_mode(user.read_s32(argument) != 0)
    elif command == TIOCGPKT:
        user.write_u32(argument, 1 if driver.is_packet else 0)
    elif command == TIOCGPTPEER:
        return master.open_peer(task, argument)
    elif command == TIOCSIG:
        if argument not in (SIGINT, SIGQUIT, SIGTSTP):
            return -EINVAL
        master.tty.signal_foreground(argument)
    elif command == TIOCINQ:
        user.write_u32(argument, len(driver.sent))
    elif command == TIOCOUTQ:
        user.write_u32(argument, 0)
    elif command == TCFLSH:
        return master.flush_queues(argument)
    else:
        return tty_ioctl(task, master, master.tty, command, argument, True)
    return 0


def _line_ioctl(task: "Task", tty: "Tty", command: int, argument: int) -> int:
    """What concerns the queues of the terminal's own side."""
    if command == TIOCINQ:
        task.user.write_u32(argument, tty.discipline.nr_readable())
        return 0
    if command == TIOCOUTQ:
        task.user.write_u32(argument, tty.driver.nr_unsent())
        return 0
    if command not in (TCFLSH, TCXONC, TCSBRK, TCSBRKP):
        return -ENOTTY
    result = job_control.check_change(tty, task, SIGTTOU)
    if result != 0:
        return result
    argument &= 0xFFFF_FFFF
    if command == TCFLSH:
        if argument not in (TCIFLUSH, TCOFLUSH, TCIOFLUSH):
            return -EINVAL
        if argument != TCOFLUSH:
            tty.flush_input()
        if argument != TCIFLUSH:
            tty.driver.flush_output()
            tty.output_drained()
        return 0
    if command == TCXONC:
        return _flow(tty, argument)
    # Our drivers have no line to break: what is left of TCSBRK is tcdrain(3).
    if tty.driver.nr_unsent():
        return blocking.wait_on(task, tty.queue, POLLOUT, blocking.NO_DEADLINE, EINTR)
    return 0


def _flow(tty: "Tty", argument: int) -> int:
    """tcflow(3)"""
    if argument == TCOOFF:
        tty.stop_output()
        tty.is_stopped_by_call = True
    elif argument == TCOON:
        if tty.is_stopped_by_call:
            tty.is_stopped_by_call = False
            tty.start_output()
            tty.flush_echo()
    elif argument in (TCIOFF, TCION):
        byte = tty.termios.cc[VSTOP if argument == TCIOFF else VSTART]
        if byte and tty.driver.write_room() > 0:
            tty.driver.write(bytes((byte,)))
    else:
        return -EINVAL
    return 0


def _pack_window_size(tty: "Tty") -> bytes:
    """struct winsize"""
    out = b""
    for word in (tty.rows, tty.columns, tty.pixel_size[0], tty.pixel_size[1]):
        out += (word & 0xFFFF).to_bytes(2, "little")
    return out


def _set_termios(task: "Task", tty: "Tty", argument: int, size: int, when: int) -> int:
    """set_termios: check, wait, flush, change."""
    result = job_control.check_change(tty, task, SIGTTOU)
    if result != 0:
        return result
    data = task.user.read(argument, size)
    if when != AT_ONCE and tty.driver.nr_unsent():
        return blocking.wait_on(task, tty.queue, POLLOUT)
    new = from_termio_bytes(data, tty.termios) if size == TERMIO_BYTES else from_bytes(data, tty.termios)
    if when == WHEN_SENT_FLUSH:
        tty.flush_input()
    tty.set_termios(new.under(tty.locked_termios, tty.termios))
    return 0


def _job_control_ioctl(task: "Task", file: "File", tty: "Tty", command: int, argument: int, is_master: bool) -> int:
    process = task.process
    is_controlling = job_control.controlling_tty(process) is tty
    if command == TIOCSCTTY:
        return job_control.set_controlling(tty, task, argument == 1, file.is_readable())
    if command == TIOCNOTTY:
        if is_master or not is_controlling:
            return -ENOTTY
        job_control.give_up(tty, process)
        return 0
    if command == TIOCSPGRP:
        return _set_foreground(task, tty, argument, is_controlling)
    if not is_master and not is_controlling:
        return -ENOTTY
    if command == TIOCGPGRP:
        task.user.write_u32(argument, task.number_of(tty.foreground_pgid))
        return 0
    if tty.session is None:
        return -ENOTTY
    task.user.write_u32(argument, task.number_of(tty.session.sid))
    return 0


def _set_foreground(task: "Task", tty: "Tty", argument: int, is_controlling: bool) -> int:
    """tiocspgrp"""
    result = job_control.check_change(tty, task, SIGTTOU)
    if result != 0:
        return -ENOTTY if result == -EIO else result
    pgid = task.user.read_s32(argument)
    if pgid < 0:
        return -EINVAL
    pgid = task.process.pid_ns.find(pgid)
    session = task.process.group.session
    if not is_controlling or tty.session is not session:
        return -ENOTTY
    kernel = task.kernel
    if pgid not in session.groups:
        return -EPERM if pgid in kernel.groups or pgid in kernel.processes else -ESRCH
    tty.foreground_pgid = pgid
    return 0
