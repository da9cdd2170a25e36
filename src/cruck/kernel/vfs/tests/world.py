# SPDX-License-Identifier: MPL-2.0
"""A small world for tests of the VFS and its system calls: a kernel with one tmpfs as root and tasks with guest memory.

`World().task()` makes a task; its system calls are plain function calls: `stat.sys_stat(task, w.path(b"/a"), BUFFER)`. A call
that blocked is run again with `w.rerun`.
"""

from collections.abc import Callable

from cruck.framework.clock import ManualClock
from cruck.framework.hardware import PROT_READ, PROT_WRITE, Context
from cruck.framework.mm.user_memory import FaultResolver, UserFault, UserMemory
from cruck.kernel.errors import LinuxError
from cruck.kernel.fs.tmpfs import TYPE, TmpFs
from cruck.kernel.ipc.ipc_namespace import IpcNamespace
from cruck.kernel.kernel import Kernel
from cruck.kernel.ledger import Unlimited
from cruck.kernel.memory.mm import Mm
from cruck.kernel.net.families import AddressFamilies
from cruck.kernel.process.credentials import Credentials
from cruck.kernel.process.file_table import FileTable, FsContext
from cruck.kernel.process.namespaces import NamespaceTable
from cruck.kernel.process.process import Process, ProcessGroup, Session
from cruck.kernel.process.task import Task
from cruck.kernel.settings import Settings
from cruck.kernel.signal.actions import SignalActions
from cruck.kernel.time.timers import Timer, TimerQueue
from cruck.kernel.vfs.anon_inode import AnonFileSystems
from cruck.kernel.vfs.dentry import MountNamespace, Path
from cruck.kernel.vfs.inotify import InotifyUsers
from cruck.testing.fake_machine import FakeMachine

MEMORY = 0x10000  # where guest memory begins
MEMORY_BYTES = 1 << 20
STRINGS = MEMORY + (512 << 10)  # strings are put here, one after the other
BUFFER = MEMORY + 0x1000
AT_FDCWD = -100


class NoFaults(FaultResolver):
    def resolve_fault(self, addr: int, access: int) -> bool:
        return False


class FakeTimers(TimerQueue):
    def add_wakeup(self, deadline_ns: int, task: Task) -> Timer:
        return Timer(deadline_ns, 0, task, None)

    def cancel(self, timer: Timer) -> None:
        pass


class FakeContext(Context):
    pass


class FakeMm(Mm):
    def __init__(self, user: UserMemory) -> None:
        self.user = user
        self.refs = 1


class World(Kernel):
    """Stands for the Kernel."""

    clock: ManualClock

    def __init__(self, nr_frames: int = 4096) -> None:
        self.machine = FakeMachine(nr_frames)
        self.clock = ManualClock()
        self.settings = Settings()
        self.inotify_users = InotifyUsers()
        self.nr_aio_events = 0
        self.ipc = IpcNamespace(self)
        self.nr_cpus = 1
        self.ready: list[Task] = []
        self.tasks: dict[int, Task] = {}
        self.contexts: dict[int, Task] = {}
        self.ledger = Unlimited()
        self.next_tag = 1
        self.processes: dict[int, Process] = {}
        self.groups: dict[int, ProcessGroup] = {}
        self.timers = FakeTimers()
        self.anon = AnonFileSystems()
        self.nr_watches = 0
        self.rename_cookie = 0
        self.file_systems = {b"tmpfs": TYPE}
        self.signals: list[tuple[int, int]] = []
        self.dev = 64
        self.ino = 1
        self.next_addr = STRINGS
        self.root_fs = TmpFs(self, self.next_anon_dev(), mode=0o755)
        self.namespace = MountNamespace(self.root_fs, b"root", 0)
        self.namespaces = NamespaceTable()
        self.families = AddressFamilies()
        self.session = Session(1, self.namespaces.pid)

    def next_anon_dev(self) -> int:
        self.dev += 1
        return self.dev

    def next_ino(self) -> int:
        self.ino += 1
        return self.ino

    def send_signal_task(self, task: Task, signo: int, info: object = None) -> int:
        self.signals.append((task.tid, signo))
        return 0

    def root(self) -> Path:
        return Path(self.namespace.root, self.namespace.root.root)

    def task(self, uid: int = 0, gid: int = 0, groups: tuple[int, ...] = (), share: Task | None = None) -> Task:
        """A task of a new process; `share`: one whose guest memory it uses."""
        pid = 10 + len(self.tasks)
        group = ProcessGroup(pid, self.session, self.namespaces.pid)
        self.groups[pid] = group
        process = Process(self, pid, None, group)
        self.processes[pid] = process
        if share is not None:
            user = share.user
        else:
            space = self.machine.new_space()
            space.map_anon(MEMORY, MEMORY_BYTES, PROT_READ | PROT_WRITE)
            user = UserMemory(space, NoFaults(), 0x7FFF_FFFF_F000)
        task = Task(
            self, pid, process, FakeContext(), FakeMm(user), FileTable(Unlimited()), FsContext(self.root(), self.root(), 0o022), SignalActions(),
            Credentials(uid, gid, groups), b"test",
        )  # fmt: skip
        process.threads[pid] = task
        self.tasks[pid] = task
        return task

    def put(self, task: Task, data: bytes) -> int:
        """Puts bytes and a NUL into guest memory; the address."""
        addr = self.next_addr
        if addr + len(data) + 1 > MEMORY + MEMORY_BYTES:
            addr = STRINGS
        task.user.write(addr, data + b"\0")
        self.next_addr = addr + len(data) + 1
        return addr


def call(handler: Callable[..., int], task: Task, *args: int | bytes) -> int:
    """What the dispatcher does: runs a handler; strings are put into guest memory first; exceptions become −errno. A blocked
    call that has been woken is run again by calling this with the same arguments."""
    world = task.kernel
    assert isinstance(world, World)
    values = [world.put(task, arg) if isinstance(arg, bytes) else arg for arg in args]
    if task.state != 0:
        task.state = 0
    try:
        result = handler(task, *values)
    except LinuxError as error:
        result = -error.errno
    except UserFault:
        result = -14
    if result != -2_000_000:
        task.wait = None
    return result
