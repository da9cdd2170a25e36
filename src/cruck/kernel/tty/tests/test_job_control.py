# SPDX-License-Identifier: MPL-2.0
"""Who may use a terminal, and what it tells its session."""

import pytest

from cruck.abi.errno import EBUSY, EINVAL, EIO, ENOTTY, EPERM, ERESTARTSYS, ESRCH
from cruck.abi.fcntl import O_NOCTTY, O_RDWR, O_WRONLY
from cruck.abi.signal import SIGCONT, SIGHUP, SIGTTIN, SIGTTOU, SIGWINCH
from cruck.abi.termios import (
    ECHO,
    ICANON,
    TCGETS,
    TCSETS,
    TIOCEXCL,
    TIOCGPGRP,
    TIOCGSID,
    TIOCNOTTY,
    TIOCNXCL,
    TIOCSCTTY,
    TIOCSLCKTRMIOS,
    TIOCSPGRP,
    TIOCSTI,
    TIOCSWINSZ,
    TOSTOP,
)
from cruck.kernel.errors import WOULD_BLOCK, LinuxError
from cruck.kernel.process import groups
from cruck.kernel.process.process import Process
from cruck.kernel.process.task import Task
from cruck.kernel.signal.actions import SIG_IGN, SigAction
from cruck.kernel.tty import job_control
from cruck.kernel.tty.pty import open_tty
from cruck.kernel.tty.tests.world import DATA, World, change, make_tty, read, write


class Shell:
    """A session leader with a terminal, a job in the foreground and one in the background."""

    def __init__(self) -> None:
        self.world = World()
        self.tty, self.driver = make_tty(self.world)
        self.leader = self.world.task(new_session=True)
        self.file = open_tty(self.leader, self.tty, O_RDWR, False)
        self.job = self.world.task(self.leader, new_group=True)
        self.background = self.world.task(self.leader, new_group=True)
        self.tty.foreground_pgid = self.job.tid

    def ioctl(self, task: Task, command: int, argument: int = DATA) -> int:
        self.world.run_as(task)
        return self.file.ioctl(task, command, argument)

    def set_pgrp(self, task: Task, pgid: int) -> int:
        task.user.write_u32(DATA, pgid)
        return self.ioctl(task, TIOCSPGRP)


@pytest.fixture
def shell() -> Shell:
    return Shell()


def test_a_session_leader_gets_the_terminal_it_opens() -> None:
    world = World()
    tty, _ = make_tty(world)
    leader = world.task(new_session=True)
    child = world.task(leader, new_group=True)
    open_tty(child, tty, O_RDWR, False)
    assert tty.session is None
    open_tty(leader, tty, O_RDWR | O_NOCTTY, False)
    open_tty(leader, tty, O_WRONLY, False)
    open_tty(leader, tty, O_RDWR, True)
    assert tty.session is None
    open_tty(leader, tty, O_RDWR, False)
    assert tty.session is leader.process.group.session and tty.foreground_pgid == leader.tid
    assert job_control.controlling_tty(child.process) is tty


def test_a_background_read_sends_sigttin_and_is_restarted(shell: Shell) -> None:
    shell.tty.receive(b"x\n")
    shell.world.run_as(shell.background)
    assert read(shell.file) == -ERESTARTSYS
    assert shell.world.signals() == [("group", shell.background.tid, SIGTTIN)]
    shell.world.run_as(shell.job)
    assert read(shell.file) == b"x\n"


def test_a_background_read_fails_when_sigttin_is_ignored_or_blocked(shell: Shell) -> None:
    shell.world.run_as(shell.background)
    shell.background.actions.set(SIGTTIN, SigAction(SIG_IGN))
    assert read(shell.file) == -EIO
    shell.background.actions.set(SIGTTIN, SigAction())
    shell.background.blocked_mask = 1 << (SIGTTIN - 1)
    assert read(shell.file) == -EIO
    assert shell.world.signals() == []


def test_a_read_from_an_orphaned_background_group_fails(shell: Shell) -> None:
    orphan = shell.background.process
    orphan.parent = shell.world.kernel.init
    shell.world.run_as(shell.background)
    assert groups.is_orphaned(orphan.group)
    assert read(shell.file) == -EIO
    assert shell.world.signals() == []


def test_background_writes_stop_only_with_tostop(shell: Shell) -> None:
    shell.world.run_as(shell.background)
    assert write(shell.file, b"x") == 1
    change(shell.tty, lflag=shell.tty.termios.lflag | TOSTOP)
    assert write(shell.file, b"x") == -ERESTARTSYS
    assert shell.world.signals() == [("group", shell.background.tid, SIGTTOU)]
    shell.background.actions.set(SIGTTOU, SigAction(SIG_IGN))
    assert write(shell.file, b"x") == 1


def test_background_changes_send_sigttou(shell: Shell) -> None:
    assert shell.ioctl(shell.background, TCGETS) == 0
    assert shell.ioctl(shell.background, TCSETS) == -ERESTARTSYS
    assert shell.world.signals() == [("group", shell.background.tid, SIGTTOU)]
    shell.background.blocked_mask = 1 << (SIGTTOU - 1)
    assert shell.ioctl(shell.background, TCSETS) == 0


def test_a_background_shell_that_blocks_sigttou_takes_the_foreground(shell: Shell) -> None:
    assert shell.set_pgrp(shell.background, shell.background.tid) == -ERESTARTSYS
    # The shell's own group is orphaned, its parent being outside the session.
    assert shell.set_pgrp(shell.leader, shell.leader.tid) == -ENOTTY
    shell.leader.actions.set(SIGTTOU, SigAction(SIG_IGN))
    assert shell.set_pgrp(shell.leader, shell.leader.tid) == 0
    assert shell.tty.foreground_pgid == shell.leader.tid
    assert shell.ioctl(shell.leader, TIOCGPGRP) == 0
    assert shell.leader.user.read_u32(DATA) == shell.leader.tid
    assert shell.ioctl(shell.leader, TIOCGSID) == 0
    assert shell.leader.user.read_u32(DATA) == shell.leader.tid


def test_the_foreground_group_must_be_one_of_the_session(shell: Shell) -> None:
    stranger = shell.world.task(new_session=True)
    shell.tty.foreground_pgid = shell.leader.tid
    assert shell.set_pgrp(shell.leader, stranger.tid) == -EPERM
    assert shell.set_pgrp(shell.leader, 9999) == -ESRCH
    assert shell.set_pgrp(shell.leader, 0xFFFF_FFFF) == -EINVAL
    assert shell.set_pgrp(stranger, stranger.tid) == -ENOTTY
    assert shell.ioctl(stranger, TIOCGPGRP) == -ENOTTY
    assert shell.ioctl(stranger, TIOCGSID) == -ENOTTY


def test_tiocsctty_takes_a_free_terminal_only_for_a_leader_without_one(shell: Shell) -> None:
    assert shell.ioctl(shell.leader, TIOCSCTTY, 0) == 0
    assert shell.ioctl(shell.job, TIOCSCTTY, 0) == -EPERM
    stranger = shell.world.task(new_session=True)
    assert shell.ioctl(stranger, TIOCSCTTY, 0) == -EPERM
    assert shell.ioctl(stranger, TIOCSCTTY, 1) == -EPERM
    root = shell.world.task(new_session=True, uid=0)
    assert shell.ioctl(root, TIOCSCTTY, 1) == 0
    assert shell.tty.session is root.process.group.session
    assert shell.leader.process.group.session.tty is None


def test_tiocnotty_by_a_member_concerns_only_itself(shell: Shell) -> None:
    assert shell.ioctl(shell.job, TIOCNOTTY) == 0
    assert job_control.controlling_tty(shell.job.process) is None
    assert job_control.controlling_tty(shell.background.process) is shell.tty
    assert shell.ioctl(shell.job, TIOCNOTTY) == -ENOTTY
    assert shell.world.signals() == []


def test_tiocnotty_by_the_leader_frees_the_terminal(shell: Shell) -> None:
    assert shell.ioctl(shell.leader, TIOCNOTTY) == 0
    assert shell.world.signals() == [("group", shell.job.tid, SIGHUP), ("group", shell.job.tid, SIGCONT)]
    assert shell.tty.session is None and job_control.controlling_tty(shell.job.process) is None


def test_the_leaders_exit_hangs_up_the_foreground(shell: Shell) -> None:
    shell.driver.is_pty = True
    shell.tty.on_session_leader_exit(shell.leader.process)
    assert shell.world.signals() == [("group", shell.job.tid, SIGHUP)]
    assert shell.tty.session is None and shell.leader.process.group.session.tty is None
    assert write(shell.file, b"x") == 1


def test_the_leaders_exit_hangs_up_a_real_terminal_for_everybody(shell: Shell) -> None:
    shell.tty.on_session_leader_exit(shell.leader.process)
    assert ("group", shell.job.tid, SIGHUP) in shell.world.signals()
    assert read(shell.file) == b"" and write(shell.file, b"x") == -EIO


def test_a_hang_up_ends_reads_and_writes_and_tells_the_leader(shell: Shell) -> None:
    shell.tty.receive(b"unread\n")
    shell.tty.hangup()
    assert shell.world.signals() == [("process", shell.leader.tid, SIGHUP), ("process", shell.leader.tid, SIGCONT)]
    assert read(shell.file) == b""
    assert write(shell.file, b"x") == -EIO
    assert shell.file.poll() == 0x01 | 0x04 | 0x08 | 0x10 | 0x40 | 0x100
    assert shell.ioctl(shell.leader, TCGETS) == -EIO
    assert shell.ioctl(shell.leader, TIOCSPGRP) == -ENOTTY
    assert read(open_tty(shell.leader, shell.tty, O_RDWR | O_NOCTTY, False)) == WOULD_BLOCK


def test_after_a_hang_up_the_leaders_exit_tells_the_old_foreground(shell: Shell) -> None:
    shell.tty.hangup()
    shell.world.signals()
    job_control.on_session_leader_exit(shell.world.kernel, shell.leader.process)
    assert shell.world.signals() == [("group", shell.job.tid, SIGHUP), ("group", shell.job.tid, SIGCONT)]


def test_a_new_window_size_sends_sigwinch_once(shell: Shell) -> None:
    shell.job.user.write(DATA, bytes((24, 0, 80, 0, 0, 0, 0, 0)))
    assert shell.ioctl(shell.job, TIOCSWINSZ) == 0
    assert shell.world.signals() == [("group", shell.job.tid, SIGWINCH)]
    assert shell.ioctl(shell.job, TIOCSWINSZ) == 0
    assert shell.world.signals() == []


def test_an_exclusive_terminal_opens_for_root_only(shell: Shell) -> None:
    assert shell.ioctl(shell.leader, TIOCEXCL) == 0
    with pytest.raises(LinuxError) as caught:
        open_tty(shell.job, shell.tty, O_RDWR, False)
    assert caught.value.errno == EBUSY
    open_tty(shell.world.task(uid=0), shell.tty, O_RDWR | O_NOCTTY, False)
    assert shell.ioctl(shell.leader, TIOCNXCL) == 0
    open_tty(shell.job, shell.tty, O_RDWR, False)


def test_locked_settings_stay(shell: Shell) -> None:
    root = shell.world.task(uid=0)
    root.user.write(DATA, bytes(12) + (ECHO | ICANON).to_bytes(4, "little") + bytes((0, 1)) + bytes(18))
    assert shell.ioctl(shell.job, TIOCSLCKTRMIOS) == -EPERM
    assert shell.ioctl(root, TIOCSLCKTRMIOS) == 0
    before = shell.tty.termios.copy()
    shell.job.user.write(DATA, bytes(36))
    assert shell.ioctl(shell.job, TCSETS) == 0
    after = shell.tty.termios
    assert after.lflag == before.lflag & (ECHO | ICANON) and after.iflag == 0
    assert after.cc == before.cc[:1] + bytes(18)


def test_typing_for_others_is_refused(shell: Shell) -> None:
    assert shell.ioctl(shell.leader, TIOCSTI) == -EIO


def test_a_console_file_is_outside_job_control(shell: Shell) -> None:
    console = open_tty(shell.background, shell.tty, O_RDWR, True)
    shell.world.run_as(shell.background)
    assert read(console) == WOULD_BLOCK


def test_a_signal_goes_to_no_group_that_is_gone(shell: Shell) -> None:
    group = shell.job.process.group
    members: list[Process] = list(group.members)
    for process in members:
        groups.leave(shell.world.kernel, process, group)
    shell.tty.receive(b"\x03")
    assert shell.world.signals() == []
