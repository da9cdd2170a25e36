# SPDX-License-Identifier: MPL-2.0
"""What tests of terminals need: a kernel that only records signals, processes in sessions, guest memory, a driver that is a list."""

from typing import cast

from cruck.framework.clock import ManualClock
from cruck.framework.hardware import PROT_READ, PROT_WRITE
from cruck.framework.io.host_file import HostFile
from cruck.framework.io.host_stream import HostStream
from cruck.framework.io.host_terminal import HostTerminal
from cruck.framework.mm.user_memory import BytesReader, BytesWriter, FaultResolver, UserMemory
from cruck.kernel.drivers.registry import DeviceRegistry
from cruck.kernel.ipc.ipc_namespace import IpcNamespace
from cruck.kernel.kernel import Kernel
from cruck.kernel.ledger import Unlimited
from cruck.kernel.memory.mm import Mm
from cruck.kernel.net.families import AddressFamilies
from cruck.kernel.poll.wait_queue import WaitQueue
from cruck.kernel.process import groups
from cruck.kernel.process.credentials import Credentials
from cruck.kernel.process.file_table import FileTable, FsContext
from cruck.kernel.process.namespaces import NamespaceTable
from cruck.kernel.process.process import Process, ProcessGroup, Session
from cruck.kernel.process.task import Task
from cruck.kernel.settings import Settings
from cruck.kernel.signal.actions import SignalActions
from cruck.kernel.time.timers import TimerQueue
from cruck.kernel.tty.driver import TtyDriver
from cruck.kernel.tty.termios import Termios
from cruck.kernel.tty.tty import Tty
from cruck.kernel.vfs.anon_inode import AnonFileSystems
from cruck.kernel.vfs.file import File
from cruck.kernel.vfs.inotify import InotifyUsers
from cruck.testing.fake_machine import USER_END, FakeMachine
from cruck.testing.kernels import bare_namespace

DATA = 0x10000


class NoFaults(FaultResolver):
    def resolve_fault(self, addr: int, access: int) -> bool:
        return False


class FakeMm(Mm):
    def __init__(self, user: UserMemory) -> None:
        self.user = user


class FakeKernel(Kernel):
    """Records signals instead of delivering them."""

    clock: ManualClock

    def __init__(self) -> None:
        self.contexts: dict[int, Task] = {}
        self.ledger = Unlimited()
        self.next_tag = 1
        self.machine = FakeMachine(1024)
        self.clock = ManualClock()
        self.settings = Settings()
        self.inotify_users = InotifyUsers()
        self.nr_aio_events = 0
        self.ipc = IpcNamespace(cast(Kernel, self))
        self.timers = TimerQueue()
        self.nr_cpus = 1
        self.current: Task | None = None
        self.ready: list[Task] = []
        self.tasks: dict[int, Task] = {}
        self.processes: dict[int, Process] = {}
        self.groups: dict[int, ProcessGroup] = {}
        self.sessions: dict[int, Session] = {}
        self.devices = DeviceRegistry()
        self.anon = AnonFileSystems()
        self.nr_watches = 0
        self.rename_cookie = 0
        self.watches: dict[HostFile, tuple[int, WaitQueue]] = {}
        self.sent: list[tuple[str, int, int]] = []  # ("group" or "process", id, signal)
        self.namespaces = NamespaceTable()
        self.families = AddressFamilies()
        self.namespace = bare_namespace()
        group = ProcessGroup(1, Session(1, self.namespaces.pid), self.namespaces.pid)
        self.init = Process(cast(Kernel, self), 1, None, group)

    def send_signal_group(self, group: ProcessGroup, signo: int, info: object = None) -> None:
        self.sent.append(("group", group.pgid, signo))

    def send_signal_process(self, process: Process, signo: int, info: object = None) -> int:
        self.sent.append(("process", process.pid, signo))
        return 0

    def next_ino(self) -> int:
        return 42

    def next_anon_dev(self) -> int:
        return 77

    def watch_host(self, file: HostFile, events: int, queue: WaitQueue) -> None:
        self.watches[file] = (events, queue)

    def unwatch_host(self, file: HostFile) -> None:
        self.watches.pop(file, None)

    def poll_host(self) -> int:
        """Fires the watches whose events hold, once each, as the machine does. How many."""
        nr_fired = 0
        for file, (events, queue) in list(self.watches.items()):
            assert isinstance(file, (HostStream, HostTerminal))
            if file.poll_now(events):
                del self.watches[file]
                queue.wake()
                nr_fired += 1
        return nr_fired

    def advance(self, ns: int) -> None:
        self.clock.advance(ns)
        self.timers.expire(self.clock.monotonic_ns())


class World:
    def __init__(self) -> None:
        self.fake = FakeKernel()
        self.kernel = cast(Kernel, self.fake)
        self.next_pid = 100

    def task(self, parent: Task | None = None, new_session: bool = False, new_group: bool = False, uid: int = 1000) -> Task:
        pid = self.next_pid
        self.next_pid += 1
        parent_process = parent.process if parent is not None else self.kernel.init
        process = Process(self.kernel, pid, parent_process, parent_process.group)
        parent_process.children[pid] = process
        self.kernel.processes[pid] = process
        if new_session:
            groups.new_session(self.kernel, process)
        elif new_group:
            groups.set_group(self.kernel, process, process, pid)
        space = self.fake.machine.new_space()
        space.map_anon(DATA, 0x4000, PROT_READ | PROT_WRITE)
        user = UserMemory(space, NoFaults(), USER_END)
        task = Task(
            self.kernel, pid, process, space.new_context(), cast("object", FakeMm(user)), FileTable(Unlimited()),  # type: ignore[arg-type]
            FsContext.__new__(FsContext), SignalActions(), Credentials(uid, uid, ()), b"test",
        )  # fmt: skip
        process.leader = task
        process.threads[pid] = task
        return task

    def run_as(self, task: Task | None) -> None:
        self.kernel.current = task

    def signals(self) -> list[tuple[str, int, int]]:
        """Those sent since the last call."""
        sent = self.fake.sent
        self.fake.sent = []
        return sent


class ListDriver(TtyDriver):
    """Shows everything at once, or as much as `room` says."""

    def __init__(self) -> None:
        super().__init__()
        self.shown = bytearray()
        self.room = 1 << 20

    def write_room(self) -> int:
        return self.room

    def write(self, data: bytes) -> None:
        assert len(data) <= self.room
        self.room -= len(data)
        self.shown += data

    def take(self) -> bytes:
        data = bytes(self.shown)
        self.shown.clear()
        return data


def make_tty(world: World) -> tuple[Tty, ListDriver]:
    driver = ListDriver()
    return Tty(world.kernel, "test", 4 << 8 | 1, driver), driver


def change(tty: Tty, **flags: int) -> None:
    """set_termios with new flag words: change(tty, lflag=…, cc={…})."""
    new = tty.termios.copy()
    for name, value in flags.items():
        setattr(new, name, value)
    tty.set_termios(new)


def with_cc(termios: Termios, **values: int) -> bytes:
    """`termios.cc` with e.g. vmin=3."""
    from cruck.abi import termios as abi

    cc = bytearray(termios.cc)
    for name, value in values.items():
        cc[getattr(abi, name.upper())] = value
    return bytes(cc)


def read(file: File, limit: int = 4096) -> bytes | int:
    """The bytes, or what is not a count of bytes; b"" for 0."""
    out = BytesWriter(limit)
    count = file.read(out, 0)
    if count < 0:
        return count
    assert count == len(out.getvalue())
    return out.getvalue()


def write(file: File, data: bytes) -> int:
    return file.write(BytesReader(data), 0)
