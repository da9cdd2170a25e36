# SPDX-License-Identifier: MPL-2.0
"""Pseudoterminals (pty(7), Linux drivers/tty/pty.c): a Tty whose keyboard and screen are another program's file.

`PtyTable` numbers them for the whole kernel; opening /dev/ptmx makes a pair: the `PtyMaster` file and, as /dev/pts/N, the slave's Tty
with a `PtyDriver`. What the master writes is typed; what is written to the slave is read from the master. The file system that shows the
slaves is fs/devpts.
"""

from typing import TYPE_CHECKING, Final

from cruck.abi.errno import EBUSY, EINVAL, EIO, ENOSPC
from cruck.abi.fcntl import O_ACCMODE, O_CLOEXEC, O_NOCTTY, O_NONBLOCK
from cruck.abi.termios import (
    CREAD,
    CS8,
    CSIZE,
    EXTPROC,
    IXON,
    PARENB,
    TCIFLUSH,
    TCIOFLUSH,
    TCOFLUSH,
    TIOCPKT_DATA,
    TIOCPKT_DOSTOP,
    TIOCPKT_FLUSHREAD,
    TIOCPKT_FLUSHWRITE,
    TIOCPKT_IOCTL,
    TIOCPKT_NOSTOP,
    TIOCPKT_START,
    TIOCPKT_STOP,
    VSTART,
    VSTOP,
)
from cruck.framework.mm.user_memory import VmReader, VmWriter
from cruck.kernel.errors import WOULD_BLOCK, LinuxError
from cruck.kernel.poll.wait_queue import WaitQueue
from cruck.kernel.process.credentials import CAP_SYS_ADMIN
from cruck.kernel.tty import job_control
from cruck.kernel.tty.driver import TtyDriver
from cruck.kernel.tty.file import TtyFile
from cruck.kernel.tty.ioctl import master_ioctl
from cruck.kernel.tty.termios import Termios
from cruck.kernel.tty.tty import POLLHUP, READABLE, ROOM_TO_WRITE, WRITABLE, Tty
from cruck.kernel.vfs.dentry import Path
from cruck.kernel.vfs.file import File
from cruck.kernel.vfs.open import attach
from cruck.kernel.vfs.walk import Walker

if TYPE_CHECKING:
    from cruck.kernel.fs.devpts import DevPtsFs
    from cruck.kernel.kernel import Kernel
    from cruck.kernel.process.task import Task

PTS_MAJOR: Final = 136
MAX_PTYS: Final = 4096  # /proc/sys/kernel/pty/max
DELIVERED_BYTES: Final = 4096  # of the slave's output the master's own read buffer; not taken back by a flush
OUTPUT_LIMIT: Final = DELIVERED_BYTES + 8192
POLLPRI: Final = 0x002


class PtyDriver(TtyDriver):
    """Behind the slave."""

    table: "PtyTable"
    index: int
    sent: bytearray  # written to the slave, not yet read from the master; ≤ OUTPUT_LIMIT
    queue: WaitQueue  # who waits at the master
    is_locked: bool  # until unlockpt(3)
    has_master: bool
    was_closed: bool  # the slave was open and is not now: the master reads EIO
    is_packet: bool  # TIOCPKT
    packet_status: int  # TIOCPKT_* bits not yet read
    uid: int  # owner, group and permissions of /dev/pts/N
    gid: int
    mode: int
    created_ns: int  # realtime
    used_ns: int  # last output: st_mtime, by which who(1) tells idle terminals

    def __init__(self, table: "PtyTable", index: int, uid: int, gid: int, mode: int, created_ns: int) -> None:
        super().__init__()
        self.is_pty = True
        self.table = table
        self.index = index
        self.sent = bytearray()
        self.queue = WaitQueue()
        self.is_locked = True
        self.has_master = True
        self.was_closed = False
        self.is_packet = False
        self.packet_status = 0
        self.uid = uid
        self.gid = gid
        self.mode = mode
        self.created_ns = self.used_ns = created_ns

    def write_room(self) -> int:
        return OUTPUT_LIMIT - len(self.sent) if self.has_master else 0

    def write(self, data: bytes) -> None:
        if data and self.has_master:
            self.sent += data
            self.used_ns = self.tty.kernel.clock.realtime_ns()
            self.queue.wake(READABLE)

    def flush_output(self) -> None:
        del self.sent[DELIVERED_BYTES:]
        self._tell_packet(TIOCPKT_FLUSHWRITE, 0)

    def input_consumed(self) -> None:
        if self.tty.input_room() >= ROOM_TO_WRITE:
            self.queue.wake(WRITABLE)

    def flow_changed(self, is_stopped: bool) -> None:
        if is_stopped:
            self._tell_packet(TIOCPKT_STOP, TIOCPKT_START)
        else:
            self._tell_packet(TIOCPKT_START, TIOCPKT_STOP)

    def input_flushed(self) -> None:
        self._tell_packet(TIOCPKT_FLUSHREAD, 0)

    def termios_changed(self, old: Termios, new: Termios) -> None:
        old_flow = _has_usual_flow_control(old)
        new_flow = _has_usual_flow_control(new)
        if old_flow != new_flow:
            if new_flow:
                self._tell_packet(TIOCPKT_DOSTOP, TIOCPKT_NOSTOP)
            else:
                self._tell_packet(TIOCPKT_NOSTOP, TIOCPKT_DOSTOP)
        if (old.lflag | new.lflag) & EXTPROC:
            self._tell_packet(TIOCPKT_IOCTL, 0)
        # A pseudoterminal has eight bits and no parity, whatever it is told.
        new.cflag = new.cflag & ~(CSIZE | PARENB) | CS8 | CREAD

    def set_packet_mode(self, is_packet: bool) -> None:
        """TIOCPKT. News begin when it is switched on."""
        if is_packet and not self.is_packet:
            self.packet_status = 0
        self.is_packet = is_packet

    def _tell_packet(self, bits: int, without: int) -> None:
        if self.is_packet:
            self.packet_status = self.packet_status & ~without | bits
            self.queue.wake(READABLE | POLLPRI)

    def check_open(self) -> int:
        return -EIO if self.is_locked or not self.has_master else 0

    def opened(self) -> None:
        self.was_closed = False

    def closed(self) -> None:
        self.was_closed = True
        self.queue.wake(READABLE | WRITABLE | POLLHUP)


class PtyMaster(File):
    """What open("/dev/ptmx") returns."""

    driver: PtyDriver
    tty: Tty  # the slave's

    def __init__(self, driver: PtyDriver, flags: int) -> None:
        super().__init__(flags)
        self.driver = driver
        self.tty = driver.tty

    def release(self) -> None:
        driver = self.driver
        driver.has_master = False
        driver.sent.clear()
        driver.table.remove(driver)
        self.tty.hangup()

    def read(self, out: VmWriter, offset: int) -> int:
        """Bytes the slave's side was shown; in packet mode behind a 0 byte, or one byte of TIOCPKT_* news.
        −EIO: nobody has the slave open any more."""
        driver = self.driver
        if driver.is_packet and driver.packet_status:
            out.write(bytes((driver.packet_status,)))
            driver.packet_status = 0
            return 1
        if not driver.sent:
            return -EIO if driver.was_closed else WOULD_BLOCK
        if driver.is_packet:
            data = bytes((TIOCPKT_DATA,)) + bytes(driver.sent[: out.remaining - 1])
            count = out.write(data)
            del driver.sent[: max(0, count - 1)]
        else:
            count = out.write(bytes(driver.sent[: out.remaining]))
            del driver.sent[:count]
        self.tty.output_drained()
        return count

    def write(self, data: VmReader, offset: int) -> int:
        """Types the bytes."""
        tty = self.tty
        done = 0
        while data.remaining > 0:
            room = tty.input_room()
            if room <= 0:
                break
            chunk = data.read(min(room, data.remaining))
            tty.receive(chunk)
            done += len(chunk)
            if data.is_faulted:
                break
        return done if done or data.remaining == 0 else WOULD_BLOCK

    def poll(self) -> int:
        driver = self.driver
        mask = READABLE if driver.sent else 0
        if driver.is_packet and driver.packet_status:
            mask |= READABLE | POLLPRI
        if driver.was_closed:
            mask |= POLLHUP
        if self.tty.input_room() >= ROOM_TO_WRITE:
            mask |= WRITABLE
        return mask

    def wait_queue(self) -> WaitQueue | None:
        return self.driver.queue

    def describe(self) -> str:
        return "/dev/ptmx"

    def ioctl(self, task: "Task", command: int, argument: int) -> int:
        return master_ioctl(task, self, command, argument)

    def flush_queues(self, argument: int) -> int:
        """tcflush on the master: its input is what the slave wrote, its output what it typed that was not looked at yet."""
        if argument not in (TCIFLUSH, TCOFLUSH, TCIOFLUSH):
            return -EINVAL
        if argument != TCOFLUSH:
            self.driver.sent.clear()
            self.tty.output_drained()
        if argument != TCIFLUSH:
            self.tty.arrived.clear()
            self.driver.input_consumed()
        return 0

    def open_peer(self, task: "Task", flags: int) -> int:
        """TIOCGPTPEER: a new descriptor of the slave, without its name (ptm_open_peer)."""
        if flags & ~(O_ACCMODE | O_NOCTTY | O_NONBLOCK | O_CLOEXEC):
            flags &= O_ACCMODE | O_NOCTTY | O_NONBLOCK | O_CLOEXEC
        if not self.driver.has_master:
            return -EIO
        limit = task.process.rlimit(7)  # RLIMIT_NOFILE
        task.files.reserve_check(1, limit)
        file = open_tty(task, self.tty, flags, False)
        self._name_peer(task, file)
        return task.files.install(file, limit, flags & O_CLOEXEC != 0)

    def _name_peer(self, task: "Task", file: TtyFile) -> None:
        """The file's place is beside that of /dev/pts/ptmx, by which we were opened, whatever the caller can see of it."""
        if self.path is None:
            return
        top = Path(self.path.mount, self.path.mount.root)
        try:
            place = Walker(top, task.creds).walk(top, b"%d" % self.driver.index)
        except LinuxError:
            return
        if place.inode().rdev == self.tty.rdev:
            attach(file, place)


class PtyTable:
    """All pseudoterminals of a kernel, and how devpts was mounted."""

    drivers: dict[int, PtyDriver]  # by index
    names: "DevPtsFs | None"  # where slaves have their inodes: the first devpts
    gid: int  # mount option gid=, −1: the opener's
    mode: int  # mount option mode=

    def __init__(self) -> None:
        self.drivers = {}
        self.names = None
        self.gid = -1
        self.mode = 0o600

    def free_index(self) -> int:
        """The lowest. Errors: LinuxError(ENOSPC)."""
        index = 0
        while index in self.drivers:
            index += 1
        if index >= MAX_PTYS:
            raise LinuxError(ENOSPC, "too many pseudoterminals")
        return index

    def open_master(self, task: "Task", flags: int) -> PtyMaster:
        """A new pair, locked. Errors: LinuxError(ENOSPC)."""
        creds = task.creds
        gid = self.gid if self.gid >= 0 else creds.fsgid
        return PtyMaster(self.make(task.kernel, creds.fsuid, gid), flags)

    def make(self, kernel: "Kernel", uid: int, gid: int) -> PtyDriver:
        """A pseudoterminal without a master's file. Errors: LinuxError(ENOSPC)."""
        index = self.free_index()
        driver = PtyDriver(self, index, uid, gid, self.mode, kernel.clock.realtime_ns())
        self.add(kernel, driver)
        return driver

    def add(self, kernel: "Kernel", driver: PtyDriver) -> Tty:
        """Makes the Tty of a new driver, whose index is free, and gives it its name."""
        index = driver.index
        tty = Tty(kernel, f"pts/{index}", pts_rdev(index), driver)
        self.drivers[index] = driver
        if self.names is not None:
            tty.inode = self.names.slave(driver)
        return tty

    def set_names(self, names: "DevPtsFs") -> None:
        """A devpts was made; the first one counts."""
        if self.names is None:
            self.names = names
            for driver in self.drivers.values():
                driver.tty.inode = names.slave(driver)

    def remove(self, driver: PtyDriver) -> None:
        self.drivers.pop(driver.index, None)

    def by_rdev(self, rdev: int) -> PtyDriver | None:
        return self.drivers.get(rdev & 0xFF | rdev >> 12 & 0xFFF00)


def pts_rdev(index: int) -> int:
    """Device number of /dev/pts/INDEX: 136, INDEX."""
    return PTS_MAJOR << 8 | index & 0xFF | (index & ~0xFF) << 12


def open_tty(task: "Task", tty: Tty, flags: int, is_console: bool) -> TtyFile:
    """Opens a terminal (tty_open). Errors: LinuxError(EIO: locked or gone; EBUSY: TIOCEXCL)."""
    result = tty.driver.check_open()
    if result != 0:
        raise LinuxError(-result, "pseudoterminal is locked or its master is gone")
    if tty.is_exclusive and not task.creds.has(CAP_SYS_ADMIN):
        raise LinuxError(EBUSY, "TIOCEXCL")
    file = TtyFile(tty, flags & ~(O_NOCTTY | O_CLOEXEC), is_console)
    if not flags & O_NOCTTY and not is_console:
        job_control.open_by(tty, task.process, file.is_readable())
    return file


def _has_usual_flow_control(termios: Termios) -> bool:
    return termios.iflag & IXON != 0 and termios.cc[VSTOP] == 0x13 and termios.cc[VSTART] == 0x11
